package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/nightshift-run/nightshift/internal/encryption"
)

// variableKeys holds the keys themselves, as a file of them would.
const variableKeys = "NIGHTSHIFT_ENCRYPTION_KEYS"

func encryptionKeysFlag() cli.Flag {
	return &cli.PathFlag{
		Name: "encryption-keys-file", EnvVars: []string{"NIGHTSHIFT_ENCRYPTION_KEYS_FILE"},
		Usage: "`FILE` with the keys that encrypt what goes through Temporal, instead of " + variableKeys + "; read anew while running, so that keys can be rotated",
	}
}

// encryptionKeys are those that the flag or the environment gives, or nil.
func encryptionKeys(c *cli.Context) (encryption.Source, error) {
	path, text := c.Path("encryption-keys-file"), os.Getenv(variableKeys)
	switch {
	case path != "" && text != "":
		return nil, badInput(errors.New("give the encryption keys by --encryption-keys-file or by " + variableKeys + ", not by both"))
	case path != "":
		file, err := encryption.OpenFile(path)
		if err != nil {
			return nil, badInput(err)
		}
		return file, nil
	case text != "":
		keys, err := encryption.Parse(text)
		if err != nil {
			return nil, badInput(fmt.Errorf("%s: %w", variableKeys, err))
		}
		return keys, nil
	}
	return nil, nil
}

// useEncryption encrypts what the client that is made with these options sends,
// if there are keys.
func useEncryption(c *cli.Context, options *client.Options) error {
	keys, err := encryptionKeys(c)
	if err != nil {
		return err
	}
	var interceptors []grpc.UnaryClientInterceptor
	if keys != nil {
		interceptors, err = encryption.Interceptors(keys)
	} else {
		interceptors = make([]grpc.UnaryClientInterceptor, 1)
		interceptors[0], err = encryption.Without()
	}
	if err != nil {
		return err
	}
	options.ConnectionOptions.DialOptions = append(slices.Clone(options.ConnectionOptions.DialOptions), grpc.WithChainUnaryInterceptor(interceptors...))
	return nil
}
