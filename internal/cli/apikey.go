package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
)

// apiKeyEvery is how often the file of Temporal's API key is looked at: a key
// that was replaced is in use that much later at most, and one that is read by
// every poll and heartbeat costs nothing.
const apiKeyEvery = 5 * time.Second

func apiKeyFlag() cli.Flag {
	return &cli.PathFlag{
		Name: "temporal-api-key-file", EnvVars: []string{"TEMPORAL_API_KEY_FILE"},
		Usage: "`FILE` with Temporal's API key, instead of TEMPORAL_API_KEY; read anew while running, so that keys can be rotated",
	}
}

// useAPIKeyFile sets the credentials if the flag names a file, which must hold a
// key now already.
func useAPIKeyFile(c *cli.Context, options *client.Options) error {
	path := c.Path("temporal-api-key-file")
	if path == "" {
		return nil
	}
	file := &keyFile{path: path}
	if _, err := file.key(c.Context); err != nil {
		return badInput(fmt.Errorf("read Temporal's API key: %w", err))
	}
	options.Credentials = client.NewAPIKeyDynamicCredentials(file.key)
	return nil
}

// keyFile is a token in a file that somebody replaces now and then.
type keyFile struct {
	path string

	mu   sync.Mutex
	last string
	read time.Time
}

// key returns what the file held within the last apiKeyEvery. While it cannot
// be read, as in the middle of being replaced, the key stays what it was.
func (f *keyFile) key(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != "" && time.Since(f.read) < apiKeyEvery {
		return f.last, nil
	}
	token, err := readToken(f.path)
	switch {
	case err == nil:
		f.last, f.read = token, time.Now()
	case f.last == "":
		return "", err
	}
	return f.last, nil
}
