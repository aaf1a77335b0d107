package gateway

import _ "embed"

// Schema is the JSON Schema of the file that says what is served. It is
// generated from [Config]:
//
//	go test ./internal/gateway -run TestSchema -update
//
//go:embed schema.json
var Schema []byte
