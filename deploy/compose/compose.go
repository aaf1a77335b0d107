// Package compose holds what docker-compose.yml mounts, for those that run the
// same without Docker.
package compose

import _ "embed"

// DynamicConfig is the dynamic configuration of the Temporal server.
//
//go:embed dynamicconfig.yaml
var DynamicConfig []byte
