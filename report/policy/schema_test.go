package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"whydrop/report"
)

var update = flag.Bool("update", false, "rewrite check.schema.json")

// runSchemaID names the contract; it is not fetched.
const runSchemaID = "https://whydrop.example/schema/check-1.0.json"

func generateSchema(t *testing.T) []byte {
	t.Helper()
	zero := json.Number("0")
	r := jsonschema.Reflector{Mapper: func(typ reflect.Type) *jsonschema.Schema {
		if typ.Kind() == reflect.Uint64 {
			return &jsonschema.Schema{Type: "integer", Minimum: zero}
		}
		return nil
	}}
	s := r.Reflect(&Run{})
	s.ID = runSchemaID
	s.Title = "whydrop check " + RunVersion
	s.Description = "What whydrop check says of a run: --format json. Low and high are the bounds of a figure; null is none."
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// TestSchema holds that check.schema.json is what the types say, that runs of each outcome
// obey it, and that one with a slip in it does not.
func TestSchema(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile("check.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		Schema = want
	}
	if !bytes.Equal(Schema, want) {
		t.Fatal("check.schema.json is not what the types say; run go test ./report/policy -run TestSchema -update")
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource(runSchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(runSchemaID)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(r *Run) error {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		run, err := validator.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(run)
	}
	var files []File
	for _, text := range []string{"ledger.lost < 100", "ledger.lost < 1", "flows[port=1].stall_ms.p99 < 1ms"} {
		e := evidence(lossy(), flowsOf())
		f := NewFile("a.pcap", e)
		f.Add(outcomeOf(t, text, false, e))
		files = append(files, f)
		if err := valid(NewRun([]File{f}, nil, report.Tool{Name: "whydrop", Version: "test"})); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	unread := File{Path: "b.pcap", Outcome: Unread, Error: "no such file", Notes: []string{}, Groups: []Group{}, Findings: []Finding{}}
	run := NewRun(append(files, unread), nil, report.Tool{Name: "whydrop", Version: "test"})
	if err := valid(run); err != nil {
		t.Error(err)
	}
	if run.Outcome = "perhaps"; valid(run) == nil {
		t.Error("the schema accepts an outcome that does not exist")
	}
}
