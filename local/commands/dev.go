package commands

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/local/stack"
)

func devCommand() *cli.Command {
	return &cli.Command{
		Name:  "dev",
		Usage: "keep a whole nightshift running on this machine",
		Description: "Temporal with its Web UI, an S3 server, a simulated GPU cloud, a worker and OpenAI's Batch API,\n" +
			"until interrupted.\n" +
			"Jobs that were under way when it was stopped, or killed, go on at the next start. The bucket\n" +
			"holds the prompts that the examples read.\n\n" +
			"Examples:\n" +
			"  nightshift-local dev\n" +
			"  nightshift-local dev --dir ./state --warm-up 2m",
		Flags:  append(stackFlags("dev"), serveFlag()),
		Action: runDev,
	}
}

func runDev(c *cli.Context) error {
	s, err := startStack(c)
	if err != nil {
		return err
	}
	defer s.Stop()
	if _, err := putPrompts(c.Context, s); err != nil {
		return err
	}
	stop, err := startServing(c, s)
	if err != nil {
		return err
	}
	defer stop()
	printEnvironment(c, s)
	<-c.Context.Done()
	return nil
}

// printEnvironment prints what other terminals need, ready to be pasted.
func printEnvironment(c *cli.Context, s *stack.Stack) {
	fmt.Fprintf(c.App.ErrWriter, "Temporal %s, Web UI %s, bucket s3://%s, files in %s\n\n",
		s.Temporal.Address(), s.Temporal.UIURL(), bucketName, c.String("dir"))
	for _, line := range s.Environment() {
		fmt.Fprintf(c.App.Writer, "export %s=%s\n", line[0], line[1])
	}
}
