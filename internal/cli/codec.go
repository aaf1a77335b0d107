package cli

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/encryption"
)

func codecCommand() *cli.Command {
	return &cli.Command{
		Name:  "codec",
		Usage: "make keys that encrypt what goes through Temporal, and open it for Temporal's Web UI",
		Description: "With keys, every command and worker encrypts job files, references, counts and error texts with\n" +
			"AES-256-GCM before Temporal gets them. Prompts and answers never go there anyway.\n\n" +
			"Examples:\n" +
			"  nightshift codec key > keys\n" +
			"  NIGHTSHIFT_ENCRYPTION_KEYS_FILE=keys nightshift worker\n" +
			"  nightshift codec serve --encryption-keys-file keys --origin http://127.0.0.1:8233",
		Subcommands: []*cli.Command{codecKeyCommand(), codecServeCommand()},
		Action:      helpOrUnknown,
	}
}

func codecKeyCommand() *cli.Command {
	return &cli.Command{
		Name:  "key",
		Usage: "print a new key, as a line for the file of keys",
		Description: "The first line of the file encrypts, and all of them decrypt. To rotate: add the new key below the\n" +
			"others everywhere, then move it to the top everywhere. Keep an old key for as long as Temporal keeps\n" +
			"what it has encrypted.\n\n" +
			"Examples:\n" +
			"  nightshift codec key > keys\n" +
			"  nightshift codec key --id 2027-01 >> keys",
		Flags: []cli.Flag{&cli.StringFlag{Name: "id", Usage: "`ID` of the key, which is stored in the open", DefaultText: "the date and time"}},
		Action: func(c *cli.Context) error {
			id := c.String("id")
			if id == "" {
				id = time.Now().UTC().Format("20060102-150405")
			}
			line, err := encryption.NewKey(id)
			if err != nil {
				return badInput(err)
			}
			fmt.Fprintln(c.App.Writer, line)
			return nil
		},
	}
}

func codecServeCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "decrypt for Temporal's Web UI and CLI until stopped",
		Description: "Point the Web UI at it with TEMPORAL_CODEC_ENDPOINT, or in its data encoder settings, and\n" +
			"Temporal's own CLI with --codec-endpoint. The browser calls it, so it need not be reachable from\n" +
			"Temporal. Whoever may call it can read what is encrypted.\n\n" +
			"Examples:\n" +
			"  nightshift codec serve --encryption-keys-file keys --origin http://127.0.0.1:8233\n" +
			"  nightshift codec serve --encryption-keys-file keys --origin https://temporal.example.com --listen 10.0.0.5:8081 --token-file token",
		Flags: append([]cli.Flag{
			encryptionKeysFlag(),
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on", Value: "127.0.0.1:8081", EnvVars: []string{"NIGHTSHIFT_CODEC_LISTEN"}},
			&cli.StringSliceFlag{Name: "origin", Usage: "`ORIGIN` of the Web UI's pages, which may call from a browser", Value: cli.NewStringSlice("http://127.0.0.1:8233", "http://localhost:8233"), EnvVars: []string{"NIGHTSHIFT_CODEC_ORIGINS"}},
			&cli.PathFlag{Name: "token-file", Usage: "`FILE` with a token that callers must send as bearer token", EnvVars: []string{"NIGHTSHIFT_CODEC_TOKEN_FILE"}},
		}, logFlags()...),
		Action: runCodec,
	}
}

func runCodec(c *cli.Context) error {
	logger, err := logger(c)
	if err != nil {
		return err
	}
	keys, err := encryptionKeys(c)
	if err != nil {
		return err
	}
	if keys == nil {
		return badInput(errors.New("there are no keys: give --encryption-keys-file; nightshift codec key makes one"))
	}
	options := encryption.HandlerOptions{Origins: c.StringSlice("origin")}
	token := &keyFile{path: c.Path("token-file")}
	if token.path != "" {
		if _, err := token.key(c.Context); err != nil {
			return badInput(fmt.Errorf("token: %w", err))
		}
		options.Token = func() (string, error) { return token.key(c.Context) }
	}
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return badInput(fmt.Errorf("%w\ntry another address: --listen 127.0.0.1:0", err))
	}
	if address, ok := listener.Addr().(*net.TCPAddr); token.path == "" && (!ok || !address.IP.IsLoopback()) {
		listener.Close()
		return badInput(fmt.Errorf("everybody who can reach %s could read what is encrypted; give --token-file, or listen on 127.0.0.1", listener.Addr()))
	}
	logger.Info("codec endpoint", "url", "http://"+listener.Addr().String(), "keys", keys.Current(false).IDs(), "origins", options.Origins)
	return serve(c.Context, listener, encryption.Handler(keys, options))
}
