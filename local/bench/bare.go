package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/nebius"
	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/local/stack"
)

// BareCommand is the hidden command of nightshift-local that is the bare loop.
const BareCommand = "bench-bare"

// bareVariable holds what the loop has to do: its secrets are in no arguments.
const bareVariable = "NIGHTSHIFT_BENCH_BARE"

// bareJob is what the loop has to do.
type bareJob struct {
	Input, Output      string
	Endpoint           string // base URL
	Model, Token       string
	InFlight           int
	S3, Access, Secret string
	Region             string
}

// bareResult is what the loop took.
type bareResult struct {
	Seconds float64 // from the first byte read to the last one written
	CPU     float64 `json:"-"` // of its process
	rest    float64 // processor time of this process meanwhile
}

// ServeBare is the loop, in a process of its own. It prints what it took.
func ServeBare(ctx context.Context, out io.Writer) error {
	var job bareJob
	if err := json.Unmarshal([]byte(os.Getenv(bareVariable)), &job); err != nil {
		return err
	}
	store, err := bucket.New(ctx, bucket.Options{Endpoint: job.S3, Region: job.Region, AccessKey: job.Access, SecretKey: job.Secret})
	if err != nil {
		return err
	}
	began := time.Now()
	input, err := store.Open(ctx, job.Input, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer input.Close()
	output, err := store.Create(ctx, job.Output, "application/jsonl")
	if err != nil {
		return err
	}
	defer output.Abort()
	if err := job.loop(ctx, input, output); err != nil {
		return err
	}
	if _, err := output.Commit(ctx); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(bareResult{Seconds: time.Since(began).Seconds()})
}

func (job bareJob) loop(ctx context.Context, input io.Reader, output io.Writer) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: job.InFlight, ForceAttemptHTTP2: true}}
	bodies := make(chan []byte, job.InFlight)
	var workers sync.WaitGroup
	var writing sync.Mutex
	var failed error
	for range job.InFlight {
		workers.Go(func() {
			for body := range bodies {
				answer, err := job.post(ctx, client, body)
				writing.Lock()
				if err == nil {
					_, err = output.Write(append(answer, '\n'))
				}
				if err != nil {
					failed = err
				}
				writing.Unlock()
			}
		})
	}
	scanner := batchfile.NewScanner(input, 0)
	for scanner.Scan() {
		request, _ := batchfile.Parse(scanner.Bytes())
		bodies <- request.AppendBody(nil, job.Model)
	}
	close(bodies)
	workers.Wait()
	if failed != nil {
		return failed
	}
	return scanner.Err()
}

func (job bareJob) post(ctx context.Context, client *http.Client, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, job.Endpoint+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+job.Token)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %s", response.StatusCode, answer)
	}
	return answer, err
}

// bare runs the bare loop on an endpoint of its own.
func (w *world) bare(ctx context.Context, input string, inFlight int) (bareResult, error) {
	p, err := nebius.New(provider.Settings{Token: stack.Token, BaseURL: w.CloudURL})
	if err != nil {
		return bareResult{}, err
	}
	state, err := p.Create(ctx, "bare", provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1},
		Region: "eu-north1", Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	for err == nil && state.Phase != provider.Ready {
		state, err = p.Describe(ctx, state.ID)
	}
	if err != nil {
		return bareResult{}, err
	}
	result, err := w.runBare(ctx, bareJob{Input: input, Endpoint: w.CloudURL + "/v1", Model: state.Model, InFlight: inFlight})
	if err != nil {
		return bareResult{}, err
	}
	return result, p.Delete(ctx, state.ID)
}

// runBare runs the loop's process.
func (w *world) runBare(ctx context.Context, job bareJob, environment ...string) (result bareResult, err error) {
	job.Output, job.Token = "s3://"+bucketName+"/bare.jsonl", stack.Token
	job.S3, job.Region, job.Access, job.Secret = w.Objects.Endpoint(), w.Objects.Region(), w.Objects.AccessKey(), w.Objects.SecretKey()
	text, err := json.Marshal(job)
	if err != nil {
		return result, err
	}
	command := exec.CommandContext(ctx, w.program, BareCommand)
	command.Env = append(append(parts.Environ(w.dir), bareVariable+"="+string(text)), environment...)
	before := ownCPU()
	out, err := command.Output()
	if err != nil {
		return result, fmt.Errorf("the bare loop: %w", err)
	}
	result.rest = ownCPU() - before
	if err := json.Unmarshal(out, &result); err != nil {
		return result, fmt.Errorf("the bare loop said %q: %w", out, err)
	}
	result.CPU = cpuOf(command.ProcessState)
	return result, nil
}
