package policy

import _ "embed" // check.schema.json

// Schema is the JSON Schema (draft 2020-12) of check --format json. It is generated from Run
// by TestSchema -update.
//
//go:embed check.schema.json
var Schema []byte
