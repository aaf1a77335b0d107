package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/local/parts"
)

// The batch is a tenth of the job, and no more than this, which is below what
// the gateway takes in one batch.
const (
	batchShare = 10
	mostBatch  = 20_000
)

// batchLines is how many requests the gateway's batch has.
func (o Options) batchLines() int { return max(1, min(o.Lines/batchShare, mostBatch)) }

// serveFile is what the gateway serves. The batch has an endpoint of its own, and
// so few requests in flight that it is open for as long as the job.
func (o Options) serveFile() string {
	lasts := float64(o.Lines) / float64(o.Rate)
	inFlight := max(1, int(float64(o.batchLines())/lasts*answerTime.Seconds()))
	return fmt.Sprintf(`root: s3://%s/openai/
models:
  - name: %s
    endpoint: %s
    requests: {concurrency: %d}
`, bucketName, model, endpoint, inFlight)
}

// newGateway prepares the gateway, with a key in a file as in
// docker-compose.yml, and a client of it.
func (w *world) newGateway(ctx context.Context) error {
	at, err := parts.FreePort()
	if err != nil {
		return err
	}
	config, keys := filepath.Join(w.Dir, "serve.yaml"), filepath.Join(w.Dir, "keys.yaml")
	if err := os.WriteFile(config, []byte(w.serveFile()), 0o600); err != nil {
		return err
	}
	_, said, err := w.run(ctx, nil, "serve", "key", "--tenant", "fleet", "--keys", keys)
	if err != nil {
		return err
	}
	_, key, found := strings.Cut(said, "only now: ")
	if !found {
		return fmt.Errorf("serve key said %q", said)
	}
	w.gateway = &worker{w.part("gateway", "serve", "--listen", at, "--keys", keys, config), "http://" + at + "/readyz"}
	w.gateway.Program, w.gateway.Env = w.Nightshift, append(w.gateway.Env, w.env...)
	w.openai = openai.NewClient(option.WithBaseURL("http://"+at+"/v1"), option.WithAPIKey(strings.TrimSpace(key)))
	return nil
}

// submitBatch uploads an input to the gateway, and returns the id of its batch.
func (w *world) submitBatch(ctx context.Context) (id string, err error) {
	input := bytes.NewReader(requests(w.batchLines(), "a batch's question"))
	file, err := w.openai.Files.New(ctx, openai.FileNewParams{File: openai.File(input, "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
	if err != nil {
		return "", fmt.Errorf("upload to the gateway: %w", err)
	}
	batch, err := w.openai.Batches.New(ctx, openai.BatchNewParams{
		InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
	})
	if err != nil {
		return "", fmt.Errorf("start a batch at the gateway: %w", err)
	}
	return batch.ID, nil
}

// awaitBatch waits until the batch is over. The gateway, and what it needs, may
// be away at times.
func (w *world) awaitBatch(ctx context.Context, id string) (batch *openai.Batch, err error) {
	waited := parts.Until(ctx, func() bool {
		batch, err = w.openai.Batches.Get(ctx, id)
		return err == nil && batch.CompletedAt+batch.FailedAt+batch.ExpiredAt+batch.CancelledAt > 0
	})
	if waited != nil {
		return nil, fmt.Errorf("the gateway's batch: %w", errors.Join(waited, err))
	}
	return batch, nil
}

// judgeBatch counts what the gateway has of its batch.
func (w *world) judgeBatch(ctx context.Context, batch *openai.Batch) (Counts, error) {
	return count(string(batch.Status), w.batchLines(), func(file string) (io.ReadCloser, error) {
		id := batch.OutputFileID
		if file == errorsFile {
			id = batch.ErrorFileID
		}
		if id == "" {
			return nil, bucket.ErrNotFound
		}
		response, err := w.openai.Files.Content(ctx, id)
		if err != nil {
			return nil, err
		}
		return response.Body, nil
	})
}
