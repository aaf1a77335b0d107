package providertest

import (
	"net/http"
	"testing"
)

// Serve serves a handler on a network in memory for as long as the test runs,
// also in a bubble of package synctest, and returns a client whose every
// connection leads to it.
func Serve(t *testing.T, handler http.Handler) *http.Client { return serve(t, handler) }
