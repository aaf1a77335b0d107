// Package examples holds jobs and inputs that run as they stand; the tests run
// them, and the demo is made of them.
package examples

import _ "embed"

// Demo is the job file demo.yaml.
//
//go:embed demo.yaml
var Demo []byte

// Opticks is opticks.jsonl: about a thousand requests, one a paragraph of
// Newton's Opticks.
//
//go:embed opticks.jsonl
var Opticks []byte
