// Package examples holds jobs and inputs that run as they stand, for instance
// against what nightshift-local dev starts; the tests run them, and the demo is
// made of them.
//
//	nebius.yaml, together.yaml, together-v1.yaml, lyceum.yaml  a provider each
//	static.yaml          a server that exists
//	disable.yaml         keeps the endpoint's configuration
//	existing.yaml        an endpoint that the account has already
//	fallback.yaml        endpoints that are tried in order
//	limits.yaml          everything that bounds a job
//	provider-batch.yaml  the provider's own Batch API
//	nightly.yaml         a schedule, templates of the date, a webhook
//	demo.yaml            the job of nightshift-local demo
//	openai-client        OpenAI's clients in front of nightshift, and what is served to them
package examples

import "embed"

// Demo is the job file demo.yaml.
//
//go:embed demo.yaml
var Demo []byte

// Jobs holds every job file.
//
//go:embed *.yaml
var Jobs embed.FS

// Serve is what nightshift serve reads: openai-client/serve.yaml.
//
//go:embed openai-client/serve.yaml
var Serve []byte

// Opticks is opticks.jsonl: about a thousand requests, one a paragraph of
// Newton's Opticks.
//
//go:embed opticks.jsonl
var Opticks []byte
