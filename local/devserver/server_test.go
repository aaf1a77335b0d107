package devserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

func TestServer_TimerSurvivesStop(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "night shift%20?#.db") // a name that a URI must escape
	s := start(t, Options{File: file})
	c := mustDial(t, s)
	w := mustWork(t, c)
	if err := startNap(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.Stop()
	s.Stop()
	s.Stop()

	if log, err := os.Stat(file + "-wal"); err != nil || log.Size() > 0 {
		t.Errorf("after Stop the write-ahead log is %v (%v), want it empty", log, err)
	}
	awaitNap(t, start(t, Options{File: file}))
}

func TestServer_TimerSurvivesKill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "server.db")
	other := serveElsewhere(t, file)

	_, err := Start(t.Context(), Options{File: file})
	if want := fmt.Sprintf("in use by process %d", other.Process.Pid); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
		t.Errorf("second server on a file: %v, want an error with %s and %q", err, file, want)
	}

	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	other.Wait()
	awaitNap(t, start(t, Options{File: file}))
}

// awaitNap lets the nap end on s and checks that its timer was not set anew.
func awaitNap(t *testing.T, s *Server) {
	t.Helper()
	c := mustDial(t, s)
	mustWork(t, c)
	var began time.Time
	if err := c.GetWorkflow(t.Context(), napID, "").Get(t.Context(), &began); err != nil {
		t.Fatal(err)
	}
	d, err := c.DescribeWorkflowExecution(t.Context(), napID, "")
	if err != nil {
		t.Fatal(err)
	}
	if took := d.WorkflowExecutionInfo.CloseTime.AsTime().Sub(began); took < napTime {
		t.Errorf("the nap took %v, want at least %v", took, napTime)
	}
}

func TestServer_FileReplaced(t *testing.T) {
	t.Parallel()
	o := Options{File: filepath.Join(t.TempDir(), "server.db"), UIPort: NoUI}
	for range 2 {
		s := start(t, o)
		c := mustDial(t, s)
		if _, err := c.DescribeWorkflowExecution(t.Context(), napID, ""); err == nil {
			t.Fatal("a new file has the workflows of an old one")
		}
		if _, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: napID, TaskQueue: queue}, nap); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		for _, name := range []string{o.File, o.File + "-wal", o.File + "-shm"} {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestServer_FileInUseHere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "server.db")
	start(t, Options{File: file, UIPort: NoUI})
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{File: link, UIPort: NoUI}); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("second server on a file: %v, want it to be in use", err)
	}
}

func TestServer_PortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	taken := l.Addr().(*net.TCPAddr).Port
	for flag, o := range map[string]Options{
		"--port":    {Port: taken},
		"--ui-port": {UIPort: taken},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			o.File = filepath.Join(t.TempDir(), "server.db")
			_, err := Start(t.Context(), o)
			for _, want := range []string{l.Addr().String(), "address already in use", flag} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to contain %q", err, want)
				}
			}
			start(t, Options{File: o.File}) // nothing was left running
		})
	}
}

// heldListener stands for a port that another process takes in the moment
// between giving it up and the server's binding it.
type heldListener struct{ net.Listener }

func (heldListener) Close() error { return nil }

func TestServer_PortLostWhileStarting(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{log: newLogger(o.Logger)}
	defer s.Stop()
	db := sqlConfig("")
	if err := createNamespace(db, o); err != nil {
		t.Fatal(err)
	}
	err = s.startTemporal(t.Context(), o, heldListener{l}, db)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want the address to be in use", err)
	}
}

func TestServer_RefusesPublicAddress(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"0.0.0.0", "192.0.2.1", "localhost"} {
		if _, err := Start(t.Context(), Options{IP: ip}); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: got %v, want a refusal", ip, err)
		}
	}
}

func TestServer_TwoInMemory(t *testing.T) {
	t.Parallel()
	a, b := start(t, Options{}), start(t, Options{Namespace: "other"})
	for s, namespace := range map[*Server]string{a: "default", b: "other"} {
		c, err := client.NewLazyClient(client.Options{HostPort: s.Address(), Namespace: namespace})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: namespace, TaskQueue: queue}, nap); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DescribeWorkflowExecution(t.Context(), namespace, ""); err != nil {
			t.Error(err)
		}
	}
	c := mustDial(t, a)
	if _, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "other"}); err == nil {
		t.Error("one server knows the other's namespace")
	}
}

func TestServer_UpdatesOldFile(t *testing.T) {
	t.Parallel()
	o := Options{File: filepath.Join(t.TempDir(), "server.db"), UIPort: NoUI}
	start(t, o).Stop()

	o.SearchAttributes = map[string]enumspb.IndexedValueType{bedLabel.name: bedLabel.kind}
	o.Retention = 48 * time.Hour
	s := start(t, o)
	c := mustDial(t, s)
	mustWork(t, c)

	is, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if got := is.Config.WorkflowExecutionRetentionTtl.AsDuration(); got != o.Retention {
		t.Errorf("retention %v, want %v", got, o.Retention)
	}
	at := temporal.NewSearchAttributeKeyKeyword(bedLabel.name)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		TaskQueue:             queue,
		TypedSearchAttributes: temporal.NewSearchAttributes(at.ValueSet("at start")),
	}, label, "later")
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	awaitCount(t, c, bedLabel.name+` = "later"`, 1)
	s.Stop()

	o.SearchAttributes[bedLabel.name] = enumspb.INDEXED_VALUE_TYPE_INT
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), bedLabel.name+" is of type Keyword") {
		t.Errorf("start with another type: %v, want a refusal", err)
	}
}

// awaitCount waits until visibility, which lags a moment, finds n workflows.
func awaitCount(t *testing.T, c client.Client, query string, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if got.Count == n {
			return
		}
		<-tick.C
	}
}

func TestServer_Quiet(t *testing.T) {
	t.Parallel()
	var out syncBuilder
	s := start(t, Options{Logger: slog.New(slog.NewTextHandler(&out, nil)), File: filepath.Join(t.TempDir(), "server.db")})
	c := mustDial(t, s)
	w := mustWork(t, c)
	if err := startNap(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.GetWorkflow(t.Context(), napID, "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.Stop()
	s.Stop()
	if got := out.String(); got != "" {
		t.Errorf("a normal run logged:\n%s", got)
	}
}

type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
