package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"whydrop/analyze/flow"
)

const recordSchemaID = "https://whydrop.example/schema/ndjson-1.0.json"

// A symptomRecord is what symptomEncoder writes.
type symptomRecord struct {
	File     string `json:"file"`
	Frame    uint64 `json:"frame"`
	Time     string `json:"time"`
	Kind     string `json:"kind"`
	Detail   string `json:"detail"`
	Needed   *bool  `json:"needed,omitempty" jsonschema:"nullable"` // of retransmissions; null = cannot tell
	Flow     uint64 `json:"flow"`                                   // 0 = of none
	Src      string `json:"src"`
	Dst      string `json:"dst"`
	Protocol string `json:"protocol"`
	Seq      uint64 `json:"seq"`
	Octets   uint64 `json:"octets"`
	Packets  uint64 `json:"packets"`
}

// generateRecordSchema derives it from the types: each record is one of four, and says which.
func generateRecordSchema(t *testing.T) []byte {
	t.Helper()
	r := schemaReflector()
	s := r.Reflect(&Report{})
	records := r.Reflect(&symptomRecord{})
	symptom := records.Definitions["symptomRecord"]
	kind, _ := symptom.Properties.Get("kind")
	for k := range flow.NumKinds {
		kind.Enum = append(kind.Enum, k.String())
	}
	s.Definitions["Symptom"] = symptom
	summary := copied(s.Definitions["Report"], "")
	for _, part := range []struct{ of, list, field string }{{"Flows", "top", "flows"}, {"Ledger", "charges", "ledger"}} {
		s.Definitions[part.of+"Summary"] = copied(s.Definitions[part.of], part.list)
		summary.Properties.Set(part.field, &jsonschema.Schema{Ref: "#/$defs/" + part.of + "Summary"})
	}
	s.Definitions["Summary"] = summary
	s.Ref = ""
	for _, one := range []struct{ name, def string }{{"symptom", "Symptom"}, {"charge", "Charge"}, {"flow", "Flow"}, {"summary", "Summary"}} {
		record := copied(s.Definitions[one.def], "")
		record.Properties.Set("type", &jsonschema.Schema{Const: one.name})
		record.Required = append([]string{"type"}, record.Required...)
		name := one.def + "Record"
		s.Definitions[name] = record
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Ref: "#/$defs/" + name})
	}
	for _, unused := range []string{"Report", "Charge", "Symptom", "Summary", "Flows", "Flow", "Ledger"} {
		delete(s.Definitions, unused)
	}
	s.ID = recordSchemaID
	s.Title = "whydrop records " + SchemaVersion
	s.Description = "A line of --format ndjson: every symptom in the order of frames, every charge, every flow, and last one summary. null is unknown, which is not zero."
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// copied is a schema that can be changed beside the original; it lacks one property.
func copied(s *jsonschema.Schema, lacks string) *jsonschema.Schema {
	out := *s
	out.Properties = jsonschema.NewProperties()
	for at := s.Properties.Oldest(); at != nil; at = at.Next() {
		if at.Key != lacks {
			out.Properties.Set(at.Key, at.Value)
		}
	}
	out.Required = slices.DeleteFunc(slices.Clone(s.Required), func(name string) bool { return name == lacks })
	return &out
}

// TestRecordSchema holds that ndjson.schema.json is what the types say, that every record
// obeys it, and that one with a slip in it does not.
func TestRecordSchema(t *testing.T) {
	want := generateRecordSchema(t)
	if *update {
		if err := os.WriteFile("ndjson.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		RecordSchema = want
	}
	if !bytes.Equal(RecordSchema, want) {
		t.Fatal("ndjson.schema.json is not what the types say; run go test ./report -run TestRecordSchema -update")
	}
	schema := compiled(t, recordSchemaID, RecordSchema)
	all := situations()
	all["symptoms"] = withSymptoms(400)
	all["demo"], _, _ = lookedAt(t, filepath.Join("..", "testdata", "pcap", "demo.pcapng.gz"))
	for name, res := range all {
		var b bytes.Buffer
		if err := NDJSON(&b, res, Build(res, BuildOptions{Version: "test"})); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b.Bytes()) {
			record, err := validator.UnmarshalJSON(bytes.NewReader(line))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(record); err != nil {
				t.Errorf("%s: %s: %v", name, line[:min(len(line), 200)], err)
			}
		}
	}
	for _, wrong := range []string{
		`{"type":"symptom"}`, `{"type":"rumour"}`,
		`{"type":"symptom","file":"a","frame":1,"time":"","kind":"hiccup","detail":"","flow":0,"src":"","dst":"","protocol":"","seq":0,"octets":0,"packets":1}`,
	} {
		record, err := validator.UnmarshalJSON(bytes.NewReader([]byte(wrong)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(record) == nil {
			t.Errorf("the schema accepts %s", wrong)
		}
	}
}

// compiled is a schema, ready to validate.
func compiled(t *testing.T, id string, text []byte) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
