package jobs

import _ "embed"

// Schema is the JSON Schema of job files. It is generated from [Spec]:
//
//	go test ./jobs -run TestSchema -update
//
//go:embed schema.json
var Schema []byte
