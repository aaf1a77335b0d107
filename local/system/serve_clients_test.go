package system

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/nightshift-run/nightshift/internal/cli"
	batchapi "github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/local/stack"
)

// serveBatches is how many of the fifty clients start a batch: each takes half a
// second of a processor, which an ordinary run has better uses for.
var serveBatches = flag.Int("serve-batches", 10, "how many clients of OpenAI's API start a batch, of fifty or as many as that")

// TestServe_FiftyClients of five tenants do at once all that clients do, in
// front of a server in this process, so that the race detector sees it:
//
//	go test -race ./local/system -run TestServe_FiftyClients -serve-batches 50
func TestServe_FiftyClients(t *testing.T) {
	t.Parallel()
	s := newServed(t, stack.Options{}, "")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := s.clients("http://"+listener.Addr().String()+"/v1", 5)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	config, err := batchapi.ParseConfig(s.config, text)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := batchapi.OpenKeys(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- cli.Serve(ctx, listener, cli.ServeOptions{
			Config: config, Keys: keys, Store: s.Store, Client: s.Client, Namespace: stack.Namespace,
			Logger: slog.New(slog.DiscardHandler), StopTimeout: patience,
		})
	}()
	var working sync.WaitGroup
	number := max(50, *serveBatches)
	for i := range number {
		working.Go(func() {
			if err := visit(ctx, clients[i%5], i, number/5, i < *serveBatches); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	working.Wait()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	s.untilReleased()
}

// clients makes a client for each of n tenants.
func (s *served) clients(url string, n int) (clients []openai.Client) {
	s.Helper()
	for i := range n {
		_, talk, code := s.run("serve", "key", "--tenant", fmt.Sprintf("tenant-%d", i), "--keys", s.keys)
		if code != 0 {
			s.Fatal(talk)
		}
		_, key, _ := strings.Cut(strings.TrimSpace(talk), "only now: ")
		clients = append(clients, openai.NewClient(option.WithBaseURL(url), option.WithAPIKey(key)))
	}
	return clients
}

// visit is what one client does: it uploads, finds its file among the tenant's,
// reads it, and deletes it, when a batch of it has run if there is to be one. The
// tenant has so many clients.
func visit(ctx context.Context, client openai.Client, number, clients int, batch bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	input := strings.ReplaceAll(prompts(3, "openai/gpt-oss-120b"), "r-0", fmt.Sprintf("of-%d-", number))
	file, err := client.Files.New(ctx, openai.FileNewParams{File: openai.File(strings.NewReader(input), "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	listed, found := 0, false
	pages := client.Files.ListAutoPaging(ctx, openai.FileListParams{Limit: openai.Int(5), Purpose: openai.String("batch")})
	for ; pages.Next(); listed++ {
		found = found || pages.Current().ID == file.ID
	}
	if pages.Err() != nil || listed > 2*clients || !found {
		return fmt.Errorf("%d files are listed, its own among them: %t, %w", listed, found, pages.Err())
	}
	if batch {
		if err := runBatch(ctx, client, file.ID, clients, fmt.Sprintf(`"custom_id":"of-%d-`, number)); err != nil {
			return err
		}
	}
	if text, err := contentOf(ctx, client, file.ID); err != nil || text != input {
		return fmt.Errorf("the file is %s, %w", text, err)
	}
	return deleteFile(ctx, client, file.ID)
}

// runBatch runs a batch to its end, finds it among the tenant's, which are no more
// than most, reads its answers, all of which have mine in them, and deletes them.
func runBatch(ctx context.Context, client openai.Client, file string, most int, mine string) error {
	batch, err := client.Batches.New(ctx, openai.BatchNewParams{
		InputFileID: file, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
	})
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for err == nil && !over(batch) {
		<-ticker.C
		batch, err = client.Batches.Get(ctx, batch.ID)
	}
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	if batch.Status != openai.BatchStatusCompleted || batch.RequestCounts.Completed != 3 {
		return fmt.Errorf("ended as %s", batch.RawJSON())
	}
	listed, found := 0, false
	pages := client.Batches.ListAutoPaging(ctx, openai.BatchListParams{Limit: openai.Int(3)})
	for ; pages.Next(); listed++ {
		found = found || pages.Current().ID == batch.ID
	}
	if pages.Err() != nil || listed > most || !found {
		return fmt.Errorf("%d batches are listed, its own among them: %t, %w", listed, found, pages.Err())
	}
	answers, err := contentOf(ctx, client, batch.OutputFileID)
	if err != nil || strings.Count(answers, mine) != 3 || strings.Count(answers, "\n") != 3 {
		return fmt.Errorf("the answers are %s, %w", answers, err)
	}
	return deleteFile(ctx, client, batch.OutputFileID)
}

func contentOf(ctx context.Context, client openai.Client, file string) (string, error) {
	response, err := client.Files.Content(ctx, file)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// deleteFile deletes a file, which is gone then.
func deleteFile(ctx context.Context, client openai.Client, file string) error {
	if _, err := client.Files.Delete(ctx, file); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	_, err := client.Files.Get(ctx, file)
	if refused, ok := errors.AsType[*openai.Error](err); !ok || refused.StatusCode != http.StatusNotFound {
		return fmt.Errorf("deleted, and then: %w", err)
	}
	return nil
}
