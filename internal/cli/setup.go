package cli

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/worker"
)

// minRetention is the least that Temporal takes.
const minRetention = 24 * time.Hour

func setupCommand() *cli.Command {
	return &cli.Command{
		Name:  "setup",
		Usage: "make what jobs need in a new Temporal server and object store",
		Description: "Makes the namespace with its search attributes, and buckets. What exists already is left as it\n" +
			"is, so it may run at every start.\n\n" +
			"Examples:\n" +
			"  nightshift setup --bucket s3://nightshift\n" +
			"  nightshift setup --namespace batches --retention 2160h\n" +
			"  nightshift setup --no-namespace --bucket s3://nightshift",
		Flags: append(append(temporalFlags(), storeFlags()...),
			&cli.StringSliceFlag{Name: "bucket", Usage: "`URL` of a bucket to make, such as s3://nightshift", EnvVars: []string{"NIGHTSHIFT_BUCKETS"}},
			&cli.DurationFlag{Name: "retention", Usage: "how long a new namespace keeps runs that have ended", Value: 30 * 24 * time.Hour, EnvVars: []string{"NIGHTSHIFT_RETENTION"}},
			&cli.BoolFlag{Name: "no-namespace", Usage: "make buckets only"},
		),
		Action: runSetup,
	}
}

func runSetup(c *cli.Context) error {
	if c.Duration("retention") < minRetention {
		return badInput(fmt.Errorf("--retention must be at least %s", short(minRetention)))
	}
	if err := setUpBuckets(c); err != nil {
		return err
	}
	if c.Bool("no-namespace") {
		return nil
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return err
	}
	defer connected.Close()
	if err := worker.SetUp(c.Context, connected.Client, connected.namespace, c.Duration("retention")); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, "namespace", connected.namespace, "is ready")
	return nil
}

func setUpBuckets(c *cli.Context) error {
	store, err := openStore(c.Context, c)
	if err != nil {
		return err
	}
	for _, url := range c.StringSlice("bucket") {
		if err := store.MakeBucket(c.Context, url); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, "bucket", url, "is ready")
	}
	return nil
}
