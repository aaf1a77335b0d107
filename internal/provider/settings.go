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
	InferenceURL string        // data plane including /v1; empty means the provider's own
	Project      string        // narrows the account, where the provider has projects; empty means its default
	Timeout      time.Duration // of one control-plane call; 0 means 30 s
	HTTPClient   *http.Client  // nil means http.DefaultClient; its redirect policy and cookies are not used
}
