package report

import (
	_ "embed" // schema.json
	"encoding/json"
	"io"
)

//go:generate go test -run TestSchema -update

// Schema is the JSON Schema (draft 2020-12) of --format json. It is generated
// from Report by TestSchema -update.
//
//go:embed schema.json
var Schema []byte

// JSON writes r as one document.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
