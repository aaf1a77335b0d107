package devserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// serveFile makes the test binary serve the named file and start a nap on it,
// until it is killed.
const serveFile = "NIGHTSHIFT_TEST_SERVE_FILE"

func TestMain(m *testing.M) {
	// A killed worker's sticky queue would hold up its workflows for seconds.
	worker.SetStickyWorkflowCacheSize(0)
	if file := os.Getenv(serveFile); file != "" {
		if err := serve(file); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func serve(file string) error {
	ctx := context.Background()
	s, err := Start(ctx, Options{File: file, UIPort: NoUI})
	if err != nil {
		return err
	}
	c, err := dial(s)
	if err != nil {
		return err
	}
	if err := work(c).Start(); err != nil {
		return err
	}
	if err := startNap(ctx, c); err != nil {
		return err
	}
	fmt.Println("napping")
	select {}
}

// serveElsewhere runs [serve] in another process and returns once the nap began.
func serveElsewhere(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serveFile+"="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "napping\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	go io.Copy(io.Discard, out)
	return cmd
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func dial(s *Server) (client.Client, error) {
	return client.Dial(client.Options{HostPort: s.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
}

func mustDial(t *testing.T, s *Server) client.Client {
	t.Helper()
	c, err := dial(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const queue = "beds"

func work(c client.Client) worker.Worker {
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(nap)
	w.RegisterWorkflow(label)
	return w
}

func mustWork(t *testing.T, c client.Client) worker.Worker {
	t.Helper()
	w := work(c)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

const (
	napID   = "nap"
	napTime = 2 * time.Second
)

// nap sleeps and tells when it began.
func nap(ctx workflow.Context) (time.Time, error) {
	began := workflow.Now(ctx)
	return began, workflow.Sleep(ctx, napTime)
}

var bedLabel = struct {
	name string
	kind enumspb.IndexedValueType
}{"BedLabel", enumspb.INDEXED_VALUE_TYPE_KEYWORD}

// label sets its own search attribute.
func label(ctx workflow.Context, value string) error {
	return workflow.UpsertTypedSearchAttributes(ctx, temporal.NewSearchAttributeKeyKeyword(bedLabel.name).ValueSet(value))
}

// startNap returns once the nap's timer is in the history.
func startNap(ctx context.Context, c client.Client) error {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: napID, TaskQueue: queue}, nap)
	if err != nil {
		return err
	}
	events := c.GetWorkflowHistory(ctx, napID, run.GetRunID(), true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		if event.EventType == enumspb.EVENT_TYPE_TIMER_STARTED {
			return nil
		}
	}
	return fmt.Errorf("%s ended without a timer", napID)
}
