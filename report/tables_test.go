package report

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestCSVIsWhole holds that the tables have a row for each flow and charge, all of one width.
func TestCSVIsWhole(t *testing.T) {
	for name, res := range situations() {
		var flows, charges bytes.Buffer
		if err := FlowsCSV(&flows, res); err != nil {
			t.Fatal(err)
		}
		if err := ChargesCSV(&charges, Build(res, BuildOptions{})); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[*bytes.Buffer]int{&flows: len(res.Flows), &charges: len(res.Ledger.Charges)} {
			rows, err := csv.NewReader(table).ReadAll()
			if err != nil || len(rows) != want+1 {
				t.Errorf("%s: %d rows and a head, want %d: %v", name, len(rows)-1, want, err)
			}
			for i := 1; i < len(rows); i++ {
				if rows[i][0] != strconv.Itoa(i) {
					t.Errorf("%s: row %d is of %s", name, i, rows[i][0])
				}
			}
		}
	}
}

// TestCellsAreNoFormulas holds that nothing from outside is run by a spreadsheet.
func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"=cmd|'/C calc'!A0": "'=cmd|'/C calc'!A0", "+1": "'+1", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "＝1": "'＝1",
		"\t=1": `\x09=1`, "10.0.0.1:80": "10.0.0.1:80", "": "", "a=1": "a=1",
	} {
		if got := harmlessCell(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	res := manyCauses()
	res.Inputs[0].Path = "=HYPERLINK(\"http://x\")\r\n.pcap"
	var b bytes.Buffer
	if err := ChargesCSV(&b, Build(res, BuildOptions{})); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") || strings.ContainsAny(cell, "\r\n") {
				t.Errorf("a cell is %q", cell)
			}
		}
	}
}

// TestTicketIsHarmless holds that names from outside are text in Markdown, not markup.
func TestTicketIsHarmless(t *testing.T) {
	res := manyCauses()
	res.Inputs[0].Path = "|a`<img src=x onerror=alert(1)>\n# @all [x](http://evil)\x1b[2J.pcap"
	var b bytes.Buffer
	if err := Markdown(&b, Build(res, BuildOptions{Version: "<b>1"}), true); err != nil {
		t.Fatal(err)
	}
	inCode := false
	for line := range strings.Lines(b.String()) {
		for i, part := range strings.Split(line, "`") {
			if inCode = i%2 == 1; !inCode && (strings.Contains(part, "<img") || strings.Contains(part, "<b>") || strings.Contains(part, "](http")) {
				t.Errorf("markup passes: %s", line)
			}
		}
		if strings.Contains(line, "\x1b") || strings.HasPrefix(line, "# @all") {
			t.Errorf("%q", line)
		}
	}
}

// TestNDJSONHoldsTheDocument holds that the summary, the charges and the flows together have all
// that the JSON document has.
func TestNDJSONHoldsTheDocument(t *testing.T) {
	for name, res := range situations() {
		r := Build(res, BuildOptions{Version: "test"})
		var whole, lines bytes.Buffer
		if err := JSON(&whole, r); err != nil {
			t.Fatal(err)
		}
		if err := NDJSON(&lines, res, r); err != nil {
			t.Fatal(err)
		}
		var document, summary map[string]any
		if err := json.Unmarshal(whole.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		charges, flows := []any{}, map[float64]any{}
		in := bufio.NewScanner(&lines)
		in.Buffer(nil, 1<<24)
		for in.Scan() {
			record := map[string]any{}
			if err := json.Unmarshal(in.Bytes(), &record); err != nil {
				t.Fatal(err)
			}
			kind := record["type"]
			delete(record, "type")
			switch kind {
			case "charge":
				charges = append(charges, record)
			case "flow":
				flows[record["id"].(float64)] = record
			case "summary":
				summary = record
			}
		}
		summary["ledger"].(map[string]any)["charges"] = charges
		top := []any{}
		for _, f := range document["flows"].(map[string]any)["top"].([]any) {
			top = append(top, flows[f.(map[string]any)["id"].(float64)])
		}
		summary["flows"].(map[string]any)["top"] = top
		for key := range document {
			if !reflect.DeepEqual(document[key], summary[key]) {
				t.Errorf("%s: %s differs", name, key)
			}
		}
	}
}
