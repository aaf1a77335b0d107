package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
)

// The files of results.
const (
	outputFile = "output.jsonl"
	errorsFile = "errors.jsonl"
)

// Counts are what came of the requests of one input.
type Counts struct {
	Outcome  string // as whoever ran it has it
	Requests int
	Answered int // result lines in the output file
	Errors   int // in the errors file
	Lost     int // requests without a result line
	Twice    int // requests with more than one
}

// requests is an input of n requests, each different from those that ask
// otherwise.
func requests(n int, question string) []byte {
	var input bytes.Buffer
	for i := range n {
		fmt.Fprintf(&input, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"%s %d"}],"max_tokens":8}}`+"\n", i, model, question, i)
	}
	return input.Bytes()
}

// count reads the files of results of an input of n requests. A file that is
// absent has none.
func count(outcome string, n int, open func(file string) (io.ReadCloser, error)) (c Counts, err error) {
	c = Counts{Outcome: outcome, Requests: n}
	lines := make([]int, n)
	if c.Answered, err = countFile(outputFile, lines, open); err != nil {
		return c, err
	}
	if c.Errors, err = countFile(errorsFile, lines, open); err != nil {
		return c, err
	}
	for _, n := range lines {
		switch {
		case n == 0:
			c.Lost++
		case n > 1:
			c.Twice++
		}
	}
	return c, nil
}

// countFile adds one for each line of a file to what its request has, and
// returns how many there are.
func countFile(file string, lines []int, open func(file string) (io.ReadCloser, error)) (n int, err error) {
	reader, err := open(file)
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
