package provider

import (
	"net/http"
	"time"
)

// Settings is what the operator gives to open a provider. Only Token is needed
// by every provider that rents anything.
type Settings struct {
	Token        string        // API key, sent as a bearer token; never part of an error
	BaseURL      string        // control plane; empty means the provider's own
	InferenceURL string        // data plane, to which /chat/completions is added; empty means the provider's own
	Project      string        // narrows the account, where the provider has projects; empty means its default
	Timeout      time.Duration // of one control-plane call; 0 means 30 s
	HTTPClient   *http.Client  // nil means http.DefaultClient; its redirect policy and cookies are not used

	// Lookup returns further settings of this provider by name, in upper case
	// and without the provider's own prefix: what the operator has put into
	// LYCEUM_LIST_PATH is Lookup("LIST_PATH"), and a secret may lie in a file
	// that LYCEUM_HF_TOKEN_FILE names. Empty means not set; a nil Lookup sets
	// nothing.
	Lookup func(name string) string
}

// Setting returns what Lookup has for a name, or the fallback.
func (s Settings) Setting(name, fallback string) string {
	if s.Lookup != nil {
		if value := s.Lookup(name); value != "" {
			return value
		}
	}
	return fallback
}
