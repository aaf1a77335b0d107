package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
)

// bareVariable makes the test binary run the bare loop instead of tests.
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

// runBare is the loop; it prints the seconds that it took.
func runBare() error {
	var job bareJob
	if err := json.Unmarshal([]byte(os.Getenv(bareVariable)), &job); err != nil {
		return err
	}
	ctx := context.Background()
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
	fmt.Println(time.Since(began).Seconds())
	return nil
}

func (job bareJob) loop(ctx context.Context, input io.Reader, output io.Writer) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: job.InFlight, MaxConnsPerHost: job.InFlight}}
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
