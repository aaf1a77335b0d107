//go:build unix

package activities

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// serverVariable makes the test binary the server of a benchmark, so that the
// processor's time of this process is what sending takes.
const serverVariable = "NIGHTSHIFT_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) == "" {
		os.Exit(m.Run())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go func() { // it ends with the benchmark
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	_ = http.Serve(listener, sim.New(sim.Options{Served: []string{"routed"}}))
}

// serveElsewhere starts the server in a process of its own and returns its
// base URL.
func serveElsewhere(b *testing.B) string {
	b.Helper()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serverVariable+"=1")
	server.Stderr = os.Stderr
	stop, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	says, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stop.Close()
		_ = server.Wait()
	})
	address, err := bufio.NewReader(says).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + address[:len(address)-1] + "/v1"
}

// cpu is the time that the processor has spent on this process.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkRunShard sends a shard of 10,000 requests, 256 in flight, and tells
// what each costs of the processor's time beside what it costs a loop that does
// nothing but send over net/http. Both send to a server in another process.
func BenchmarkRunShard(b *testing.B) {
	const requests, inFlight = 10_000, 256
	base := serveElsewhere(b)
	w := newWorld(b, answerOK)
	text := input(requests)
	plan := w.plan(text)
	var ours, bare time.Duration
	for n := 0; b.Loop(); n++ {
		before := cpu()
		for shard := range plan.Shards {
			call := w.shard(plan)
			call.Shard, call.Address.BaseURL = shard, base
			call.Requests = jobs.Requests{Concurrency: inFlight, Timeout: jobs.Duration(time.Minute), Attempts: 2}
			if err := w.run(workflows.RunShard, call, nil); err != nil {
				b.Fatal(err)
			}
		}
		between := cpu()
		if err := bareLoop(b.Context(), text, base, inFlight); err != nil {
			b.Fatal(err)
		}
		ours, bare = ours+between-before, bare+cpu()-between
		if err := os.RemoveAll(w.base[len("file://"):] + "/out/.nightshift/job/parts"); err != nil {
			b.Fatal(err)
		}
	}
	each := float64(b.N) * requests * float64(time.Microsecond)
	b.ReportMetric(float64(ours)/each, "cpu-µs/request")
	b.ReportMetric(float64(bare)/each, "bare-cpu-µs/request")
	b.ReportMetric(float64(ours)/float64(bare), "ratio")
}

// bareLoop posts each line's body and keeps nothing.
func bareLoop(ctx context.Context, text []byte, base string, inFlight int) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight}}
	defer client.CloseIdleConnections()
	bodies := make(chan []byte, inFlight)
	var workers sync.WaitGroup
	var failed sync.Map
	for range inFlight {
		workers.Go(func() {
			for body := range bodies {
				if err := barePost(ctx, client, base, body); err != nil {
					failed.Store("", err)
				}
			}
		})
	}
	for line := range bytes.Lines(text) {
		request, _ := batchfile.Parse(line)
		bodies <- request.AppendBody(nil, "routed")
	}
	close(bodies)
	workers.Wait()
	if err, any := failed.Load(""); any {
		return err.(error)
	}
	return nil
}

func barePost(ctx context.Context, client *http.Client, base string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer secret")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return nil
}
