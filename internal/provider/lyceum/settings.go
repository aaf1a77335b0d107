package lyceum

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// The settings of the operator, as they are named in the environment.
const (
	prefix            = "LYCEUM_"
	listSetting       = prefix + "LIST_PATH"
	stopMethodSetting = prefix + "STOP_METHOD"
	stopPathSetting   = prefix + "STOP_PATH"
	inferenceSetting  = prefix + "INFERENCE_PATH"
	hfTokenSetting    = prefix + "HF_TOKEN"
)

// settings are what the operator said, or else what is assumed.
type settings struct {
	listPath   string
	stopMethod string
	stopPath   string // holds {id}
	inference  string // base URL of the data plane
	org        string
	lookup     func(setting string) string // by full name; empty means not set
}

// readSettings reads the settings of a control plane at base.
func readSettings(s provider.Settings, base string) (settings, error) {
	lookup := func(setting string) string { return s.Setting(strings.TrimPrefix(setting, prefix), "") }
	out := settings{
		listPath:   s.Setting("LIST_PATH", api+"/inference/list"),
		stopMethod: s.Setting("STOP_METHOD", http.MethodDelete),
		stopPath:   s.Setting("STOP_PATH", api+"/inference/{id}"),
		org:        s.Project, lookup: lookup,
	}
	inferencePath := s.Setting("INFERENCE_PATH", api)
	var problems []string
	problem := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	const notAPath = "%s must be a path such as %s/inference"
	problem(!isPath(out.listPath), notAPath, listSetting, api)
	problem(!isPath(out.stopPath), notAPath, stopPathSetting, api)
	problem(!strings.Contains(out.stopPath, "{id}"), "%s must hold {id}", stopPathSetting)
	methods := []string{http.MethodDelete, http.MethodPost, http.MethodPut, http.MethodPatch}
	problem(!slices.Contains(methods, out.stopMethod), "%s must be one of %s", stopMethodSetting, strings.Join(methods, ", "))
	problem(!isPath(inferencePath) || strings.Contains(inferencePath, "?"), notAPath, inferenceSetting, api)
	problem(strings.ContainsFunc(s.Project, unprintable), "the project must be the slug of an organization")
	inference, err := provider.ParseBaseURL(s.InferenceURL, base+strings.TrimRight(inferencePath, "/"))
	problem(err != nil && s.InferenceURL != "", "inference URL: %v", err)
	out.inference = inference
	if len(problems) > 0 {
		return settings{}, &provider.Error{Kind: provider.Refused, Op: "lyceum: settings", Message: strings.Join(problems, "; ")}
	}
	return out, nil
}

// isPath reports whether text is a path from the root of a host, with or
// without a query.
func isPath(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && strings.HasPrefix(text, "/") && parsed.Host == "" && parsed.Fragment == "" &&
		!strings.ContainsFunc(text, unprintable)
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// maxReference is the longest name of a Hugging Face token, in bytes. It is
// shorter than any token, so that none is taken for a name and repeated in an
// error. Names that end in _FILE would lead to the settings that hold the path of
// a secret's file instead of the secret.
const maxReference = 30

// hfToken looks up the Hugging Face token of that name. The problem, if there
// is one, repeats no token.
func (s settings) hfToken(name string) (token, problem string) {
	upper := strings.ToUpper(name)
	if len(name) > maxReference || strings.HasPrefix(upper, "HF_") || strings.HasSuffix("_"+upper, "_FILE") ||
		name == "" || strings.ContainsFunc(name, notInReference) {
		return "", fmt.Sprintf("options.hf_token must be the name of a token, at most %d letters, digits and underscores, and never the token: "+
			"default is the one in %s", maxReference, hfTokenSetting)
	}
	setting := hfTokenSetting
	if name != "default" {
		setting += "_" + upper
	}
	token = strings.TrimSpace(s.lookup(setting))
	switch {
	case token == "":
		return "", fmt.Sprintf("options.hf_token %q: set %s where the worker runs", name, setting)
	case strings.ContainsFunc(token, unprintable):
		return "", fmt.Sprintf("options.hf_token %q: %s holds characters that no token has", name, setting)
	}
	return token, ""
}

func notInReference(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
