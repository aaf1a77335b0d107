package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/gateway"
)

func serveKeyCommand() *cli.Command {
	return &cli.Command{
		Name:  "key",
		Usage: "make a key for a tenant",
		Description: "Prints the key to standard error, once: the file of keys has only its SHA-256, which goes to\n" +
			"standard output, or is appended to --keys. To take a key away, delete its entry; servers\n" +
			"notice within seconds.\n\n" +
			"Examples:\n" +
			"  nightshift serve key --tenant research --keys keys.yaml\n" +
			"  nightshift serve key --tenant research --name nightly",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "tenant", Usage: "whose files and batches it opens: lower-case letters, digits and dashes"},
			&cli.StringFlag{Name: "name", Usage: "what people call it"},
			&cli.PathFlag{Name: "keys", Usage: "`FILE` to append it to, which is made if there is none", EnvVars: []string{"NIGHTSHIFT_SERVE_KEYS"}},
		},
		Action: makeKey,
	}
}

func makeKey(c *cli.Context) error {
	if c.String("tenant") == "" {
		return badInput(errors.New("whose key it is to be is not said; try: nightshift serve key --tenant research"))
	}
	secret, key, err := gateway.NewKey(c.String("tenant"), c.String("name"))
	if err != nil {
		return badInput(err)
	}
	entry := fmt.Sprintf("  - {tenant: %s, name: %q, sha256: %s}\n", key.Tenant, key.Name, key.SHA256)
	if path := c.Path("keys"); path != "" {
		if err := appendKey(path, entry); err != nil {
			return err
		}
	} else {
		fmt.Fprint(c.App.Writer, "keys:\n"+entry)
	}
	fmt.Fprintf(c.App.ErrWriter, "the key, which is shown only now: %s\n", secret)
	return nil
}

// appendKey adds an entry to a file of keys, whose list comes last.
func appendKey(path, entry string) error {
	before, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		before, err = []byte("keys:\n"), nil
	}
	if err != nil {
		return err
	}
	text := append(before, entry...)
	if _, err := gateway.ParseKeys(path, text); err != nil {
		return badInput(fmt.Errorf("the file does not end in a list of keys that an entry can be appended to: %w", err))
	}
	replacement := path + ".new"
	if err := os.WriteFile(replacement, text, 0o600); err != nil {
		return err
	}
	return os.Rename(replacement, path)
}
