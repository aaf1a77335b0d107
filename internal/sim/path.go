package sim

import "net/http"

// Path is what a provider's base URL has behind the cloud's own. Together's and
// Nebius's Batch APIs have the same paths on different hosts, so that all of
// Together can be had below /together as well; a static endpoint's base URL is
// that of the data plane.
func Path(provider string) string {
	switch provider {
	case "together", "together-v1":
		return "/together"
	case "static":
		return "/v1"
	}
	return ""
}

// mountTogetherHost serves below /together what lies at the root, but for the
// Batch API, which is mounted there by itself.
func mountTogetherHost(c *Cloud) {
	c.mux.Handle("/together/", http.StripPrefix("/together", &c.mux))
}
