package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

// providerFlags are, for each provider, its addresses and where its token is. A
// token itself is no flag: command lines can be read by others.
func providerFlags() []cli.Flag {
	var flags []cli.Flag
	for _, name := range registry.Names() {
		variables, err := registry.VariablesOf(name)
		if err != nil {
			continue // a name that the registry has just given
		}
		flags = append(flags,
			&cli.PathFlag{Name: name + "-api-key-file", Usage: "`FILE` with the token of " + name + ", instead of " + variables.Token, EnvVars: []string{variables.Token + "_FILE"}},
			&cli.StringFlag{Name: name + "-base-url", Usage: "`URL` of the control plane of " + name, EnvVars: []string{variables.BaseURL}},
			&cli.StringFlag{Name: name + "-inference-url", Usage: "`URL` of its data plane, including /v1", EnvVars: []string{variables.InferenceURL}},
			&cli.StringFlag{Name: name + "-project", Usage: "`PROJECT` to work in", EnvVars: []string{variables.Project}},
		)
	}
	return flags
}

// providerSettings reads the settings of every provider from the flags and the
// environment.
func providerSettings(c *cli.Context) (activities.Providers, error) {
	providers := activities.Providers{}
	for _, name := range registry.Names() {
		variables, err := registry.VariablesOf(name)
		if err != nil {
			return nil, err
		}
		token, err := readToken(c.Path(name + "-api-key-file"))
		if err != nil {
			return nil, badInput(fmt.Errorf("token of %s: %w", name, err))
		}
		providers[name] = provider.Settings{
			Token:        cmp.Or(token, os.Getenv(variables.Token)),
			BaseURL:      c.String(name + "-base-url"),
			InferenceURL: c.String(name + "-inference-url"),
			Project:      c.String(name + "-project"),
			Lookup:       lookup(variables.Prefix),
		}
	}
	return providers, nil
}

// lookup reads a provider's further settings from the environment, or from the
// file that PREFIX_NAME_FILE names. One that cannot be read is as good as not
// set: the provider says what it misses.
func lookup(prefix string) func(string) string {
	return func(name string) string {
		if value := os.Getenv(prefix + name); value != "" {
			return value
		}
		value, err := readToken(os.Getenv(prefix + name + "_FILE"))
		if err != nil {
			return ""
		}
		return value
	}
}

// readToken reads a token from a file, without the newline that editors leave.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return token, nil
}
