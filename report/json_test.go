package report

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"whydrop/capture"
)

// schemaID names the contract; it is not fetched.
const schemaID = "https://whydrop.example/schema/report-1.0.json"

// schemaReflector derives schemas from types as encoding/json and capture.Counter write them.
func schemaReflector() *jsonschema.Reflector {
	zero := json.Number("0")
	return &jsonschema.Reflector{
		Mapper: func(typ reflect.Type) *jsonschema.Schema {
			switch {
			case typ == reflect.TypeFor[capture.Counter]():
				return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: zero}, {Type: "null"}}}
			case typ.Kind() == reflect.Uint64, typ.Kind() == reflect.Uint32:
				return &jsonschema.Schema{Type: "integer", Minimum: zero}
			}
			return nil
		},
	}
}

// generateSchema derives the JSON Schema from the types of Report.
func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := schemaReflector()
	s := r.Reflect(&Report{})
	s.ID = schemaID
	s.Title = "whydrop report " + SchemaVersion
	s.Description = "What whydrop says of a capture: --format json. ledger.missing = lost + capture_only + unexplained. null is unknown, which is not zero."
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// TestSchema holds that schema.json is what the types say, and that every
// report obeys it.
func TestSchema(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		Schema = want
	}
	if !bytes.Equal(Schema, want) {
		t.Fatal("schema.json is not what report.go says; run go test ./report -run TestSchema -update")
	}
	schema := compiled(t, schemaID, Schema)
	for name, res := range situations() {
		var b bytes.Buffer
		if err := JSON(&b, Build(res, BuildOptions{Version: "test"})); err != nil {
			t.Fatal(err)
		}
		report, err := validator.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(report); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := schema.Validate(map[string]any{"schema_version": SchemaVersion}); err == nil {
		t.Error("the schema accepts a report without a verdict")
	}
}

// mayBeNull are the only fields in which null means something: not known.
var mayBeNull = map[string]bool{
	"ring": true, "interface": true, "os": true, "truncated": true, "rtt_ms": true, "repaired_by_frame": true,
	"min_delay_to_receiver_ms": true, "min_delay_to_sender_ms": true, "hops": true, "rtp": true,
}

// TestListsAreNeverNull holds that a script can loop over every list.
func TestListsAreNeverNull(t *testing.T) {
	var walk func(t *testing.T, path string, v any)
	walk = func(t *testing.T, path string, v any) {
		switch v := v.(type) {
		case nil:
			if name := path[strings.LastIndexByte(path, '.')+1:]; !mayBeNull[name] {
				t.Errorf("%s is null", path)
			}
		case map[string]any:
			for k, e := range v {
				walk(t, path+"."+k, e)
			}
		case []any:
			for _, e := range v {
				walk(t, path, e)
			}
		}
	}
	for name, res := range situations() {
		var b bytes.Buffer
		if err := JSON(&b, Build(res, BuildOptions{})); err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		walk(t, name, v)
	}
}

// TestLedgerOfTheReportBalances holds the balance in what is printed.
func TestLedgerOfTheReportBalances(t *testing.T) {
	for name, res := range situations() {
		l := Build(res, BuildOptions{}).Ledger
		if l.Missing != l.Lost+l.CaptureOnly+l.Unexplained {
			t.Errorf("%s: missing %d, lost %d, only here %d, unexplained %d", name, l.Missing, l.Lost, l.CaptureOnly, l.Unexplained)
		}
		var byLocus, byCause, byCharge uint64
		for _, n := range l.ByLocus {
			byLocus += n
		}
		for _, n := range l.ByCause {
			byCause += n
		}
		for i := range l.Charges {
			byCharge += l.Charges[i].Packets
		}
		if charged := l.Lost + l.CaptureOnly; byLocus != charged || byCause != charged || byCharge != charged {
			t.Errorf("%s: charged %d, by locus %d, by cause %d, by charge %d", name, charged, byLocus, byCause, byCharge)
		}
	}
}
