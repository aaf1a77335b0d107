// Command go is a batch with OpenAI's Go client: go run ./examples/openai-client/go
//
// It asks OPENAI_BASE_URL, such as http://127.0.0.1:7290/v1 of nightshift-local
// dev, with OPENAI_API_KEY; dev takes any.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/openai/openai-go/v3"
)

func main() {
	if err := run(context.Background(), openai.NewClient()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, client openai.Client) error {
	prompts, err := os.Open("examples/openai-client/prompts.jsonl")
	if err != nil {
		return err
	}
	defer prompts.Close()
	file, err := client.Files.New(ctx, openai.FileNewParams{File: prompts, Purpose: openai.FilePurposeBatch})
	if err != nil {
		return err
	}
	batch, err := client.Batches.New(ctx, openai.BatchNewParams{
		InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
	})
	for err == nil && batch.CompletedAt+batch.FailedAt+batch.ExpiredAt+batch.CancelledAt == 0 {
		time.Sleep(time.Second)
		if batch, err = client.Batches.Get(ctx, batch.ID); err == nil {
			fmt.Println(batch.ID, batch.Status, batch.RequestCounts.Completed, "of", batch.RequestCounts.Total)
		}
	}
	if err != nil {
		return err
	}
	answers, err := client.Files.Content(ctx, batch.OutputFileID)
	if err != nil {
		return err
	}
	defer answers.Body.Close()
	_, err = io.Copy(os.Stdout, answers.Body)
	return err
}
