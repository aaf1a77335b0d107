package commands

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/examples"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

func demoCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "demo",
		Usage: "run a whole job on this machine: no account, no GPU, no Docker",
		Description: "Starts Temporal with its Web UI, an S3 server, a simulated GPU cloud and a worker, sends a\n" +
			"thousand prompts about Newton's Opticks, prints the report and stops everything again. Where\n" +
			"another program has a port already, it takes a free one.\n\n" +
			"Examples:\n" +
			"  nightshift-local demo\n" +
			"  nightshift-local demo --keep     # stay, to look at the run in the Web UI\n" +
			"  nightshift-local demo --warm-up 1m",
		Flags:  append(stackFlags("demo"), &urfave.BoolFlag{Name: "keep", Usage: "stay up afterwards until interrupted"}),
		Action: runDemo,
	}
}

func runDemo(c *urfave.Context) error {
	fmt.Fprintln(c.App.ErrWriter, "starting Temporal, S3, a simulated GPU cloud and a worker ...")
	if err := makeWay(c); err != nil {
		return err
	}
	s, err := startStack(c)
	if err != nil {
		return err
	}
	defer s.Stop()

	id, err := submitDemo(c.Context, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "job %s\n", id)
	report, err := watchDemo(c, s, id)
	if report == nil {
		return err
	}
	cli.PrintReport(c.App.Writer, *report)
	ledger := s.Cloud.Ledger()
	fmt.Fprintf(c.App.Writer, "\nthe cloud's own ledger: %d endpoints running, %.1f GPU seconds billed\n", len(ledger.Running()), ledger.Total.GPUSeconds)
	results := filepath.Join(s.Objects.Path(bucketName), "answers", id)
	fmt.Fprintf(c.App.Writer, "results on disk: %s\n", results)
	fmt.Fprintf(c.App.Writer, "report with charts, for a browser: file://%s\n", filepath.Join(results, "report.html"))
	fmt.Fprintf(c.App.Writer, "Web UI: %s (while it runs: --keep)\n", cli.WebLink(s.Temporal.UIURL(), stack.Namespace, id))
	if c.Bool("keep") && c.Context.Err() == nil {
		fmt.Fprintln(c.App.ErrWriter, "\nstaying up; Ctrl-C ends it")
		<-c.Context.Done()
		return nil
	}
	if c.Context.Err() != nil {
		return cli.ErrInterrupted
	}
	return cli.Ending(report, err)
}

// makeWay takes free ports instead of those that others listen on already, unless
// they were asked for.
func makeWay(c *urfave.Context) error {
	for flag, free := range map[string]string{"port": "0", "ui-port": "0", "s3-listen": "127.0.0.1:0", "cloud-listen": "127.0.0.1:0"} {
		address := fmt.Sprint(c.Value(flag))
		if !strings.Contains(address, ":") {
			address = "127.0.0.1:" + address
		}
		if c.IsSet(flag) {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err == nil {
			err = listener.Close()
		} else {
			err = c.Set(flag, free)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// submitDemo puts the prompts into the bucket and starts the job.
func submitDemo(ctx context.Context, s *stack.Stack) (id string, err error) {
	spec, err := jobs.Parse("examples/demo.yaml", examples.Demo)
	if err != nil {
		return "", err
	}
	id = jobs.NewID(spec.Name, time.Now())
	input, err := putPrompts(ctx, s)
	if err != nil {
		return "", err
	}
	spec.Input, spec.Output = jobs.URLs{input}, "s3://"+bucketName+"/answers/"+id+"/"
	return id, cli.Submit(ctx, s.Client, id, spec)
}

// putPrompts puts the examples' prompts into the bucket.
func putPrompts(ctx context.Context, s *stack.Stack) (url string, err error) {
	url = "s3://" + bucketName + "/prompts/opticks.jsonl"
	_, err = s.Store.Put(ctx, url, examples.Opticks, bucket.PutOptions{ContentType: "application/jsonl"})
	return url, err
}

// watchDemo shows the job until it ends. An interruption cancels it, and is
// answered only when its endpoint is off.
func watchDemo(c *urfave.Context, s *stack.Stack, id string) (*jobs.Report, error) {
	life := context.WithoutCancel(c.Context)
	defer context.AfterFunc(c.Context, func() {
		fmt.Fprintln(c.App.ErrWriter, "\ninterrupted: releasing the endpoint first ...")
		if err := s.Client.CancelWorkflow(life, id, ""); err != nil {
			fmt.Fprintln(c.App.ErrWriter, "cancel:", err)
		}
	})()
	view := cli.NewView(c.App.ErrWriter)
	defer view.Close()
	return cli.Watch(life, s.Client, id, 500*time.Millisecond, view.Show)
}
