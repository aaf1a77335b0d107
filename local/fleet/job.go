package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// jobFile is the job, as a user would write it.
const jobFile = `name: fleet
input: s3://` + bucketName + `/in.jsonl
output: s3://` + bucketName + `/out/
endpoint:
  provider: nebius
  model: openai/gpt-oss-120b
  flavor: base
  gpu: {type: gpu-h100-sxm, count: 1}
  region: eu-north1
`

// submit puts the input into the bucket and submits the job, and returns its id.
func (w *world) submit(ctx context.Context) (job string, err error) {
	var input bytes.Buffer
	for i := range w.Lines {
		fmt.Fprintf(&input, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"any","messages":[{"role":"user","content":"question %d"}],"max_tokens":8}}`+"\n", i, i)
	}
	if _, err := w.store.Put(ctx, "s3://"+bucketName+"/in.jsonl", input.Bytes(), bucket.PutOptions{}); err != nil {
		return "", err
	}
	file := filepath.Join(w.Dir, "job.yaml")
	if err := os.WriteFile(file, []byte(jobFile), 0o600); err != nil {
		return "", err
	}
	return w.command(ctx, w.env, "submit", file)
}

// await waits for the job's report. The server may be away at times.
func (w *world) await(ctx context.Context, job string) (report jobs.Report, err error) {
	for {
		asking, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := w.client.GetWorkflow(asking, job, "").Get(asking, &report)
		gaveUp := asking.Err() != nil
		cancel()
		if err == nil || ctx.Err() != nil || !gaveUp {
			return report, err
		}
	}
}

// judge counts what the world looks like when the job is over.
func (w *world) judge(ctx context.Context, r *Result) error {
	ledger, err := w.ledger.Ledger(ctx)
	if err != nil {
		return err
	}
	r.Rented, r.Leaked, r.Again = len(ledger.Entries), len(ledger.Running()), ledger.Data.RepeatedBodies
	for i, until := len(r.Blows)-1, r.Again; i >= 0; i-- {
		r.Blows[i].Again = until - r.Blows[i].before
		until = r.Blows[i].before
	}
	lines := make([]int, w.Lines)
	if r.Answered, err = w.count(ctx, "output.jsonl", lines); err != nil {
		return err
	}
	if r.Errors, err = w.count(ctx, "errors.jsonl", lines); err != nil {
		return err
	}
	for _, n := range lines {
		switch {
		case n == 0:
			r.Lost++
		case n > 1:
			r.Twice++
		}
	}
	return nil
}

// count adds one for each line of a file of results to what its request has, and
// returns how many there are. A file that is absent has none.
func (w *world) count(ctx context.Context, file string, lines []int) (n int, err error) {
	reader, err := w.store.Open(ctx, "s3://"+bucketName+"/out/"+file, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	scanner := batchfile.NewScanner(reader, 0)
	for scanner.Scan() {
		var line struct {
			CustomID string `json:"custom_id"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return n, fmt.Errorf("%s: %w", file, err)
		}
		var index int
		if _, err := fmt.Sscanf(line.CustomID, "r-%d", &index); err != nil || index >= len(lines) {
			return n, fmt.Errorf("%s: nobody asked %q", file, line.CustomID)
		}
		lines[index]++
		n++
	}
	return n, scanner.Err()
}
