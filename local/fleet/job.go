package fleet

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// model is what the endpoints serve.
const model = "openai/gpt-oss-120b"

// endpoint is what the job rents, and the gateway for its batch.
const endpoint = "{provider: nebius, model: " + model + ", flavor: base, gpu: {type: gpu-h100-sxm, count: 1}, region: eu-north1}"

// jobFile is the job, as a user would write it.
const jobFile = `name: fleet
input: s3://` + bucketName + `/in.jsonl
output: s3://` + bucketName + `/out/
endpoint: ` + endpoint + "\n"

// submit puts the input into the bucket and submits the job, and returns its id.
func (w *world) submit(ctx context.Context) (job string, err error) {
	if _, err := w.store.Put(ctx, "s3://"+bucketName+"/in.jsonl", requests(w.Lines, "question"), bucket.PutOptions{}); err != nil {
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

// judgeJob counts what the job's output has.
func (w *world) judgeJob(ctx context.Context, report jobs.Report) (Counts, error) {
	return count(string(report.Outcome), w.Lines, func(file string) (io.ReadCloser, error) {
		return w.store.Open(ctx, "s3://"+bucketName+"/out/"+file, bucket.ReadOptions{})
	})
}

// judgeCloud notes what the cloud's ledger says when all is over.
func (w *world) judgeCloud(ctx context.Context, r *Result) error {
	ledger, err := w.ledger.Ledger(ctx)
	if err != nil {
		return err
	}
	r.Rented, r.Leaked, r.Again = len(ledger.Entries), len(ledger.Running()), ledger.Data.RepeatedBodies
	for i, until := len(r.Blows)-1, r.Again; i >= 0; i-- {
		r.Blows[i].Again = until - r.Blows[i].before
		until = r.Blows[i].before
	}
	return nil
}
