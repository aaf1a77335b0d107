package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/batchfile"
)

const committed = "../opticks.jsonl"

func TestOpticks_IsWhatTheGeneratorMakes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(textPath())
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this Go installation has no testdata/Isaac.Newton-Opticks.txt")
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, requests(string(text))) {
		t.Errorf("%s differs; try: go generate ./examples/opticks", committed)
	}
}

func TestOpticks_PlansWithoutProblems(t *testing.T) {
	t.Parallel()
	input := batchfile.Input{Name: committed, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(committed) }}
	plan, err := batchfile.MakePlan(t.Context(), []batchfile.Input{input}, batchfile.PlanOptions{}, func(batchfile.Shard) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if plan.ProblemCount != 0 || !slices.Equal(plan.Models, []string{"openai/gpt-oss-120b"}) || plan.URL != "/v1/chat/completions" {
		t.Errorf("models %v, url %s, problems %v", plan.Models, plan.URL, plan.Problems)
	}
	if plan.Requests < 900 || plan.Requests > 1100 || plan.Bytes > 2_000_000 || plan.Files[0].Lines != plan.Requests+1 {
		t.Errorf("%d requests, %d bytes, %d lines", plan.Requests, plan.Bytes, plan.Files[0].Lines)
	}
}

// A checkout that changes line ends would take the file's point away.
func TestOpticks_HasAwkwardLines(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	for what, count := range map[string]int{"}}\r\n": 1, "\n \n": 1, "9007199254740993": 1, `\/v1\/`: 1, "🌈": 1} {
		if got := strings.Count(text, what); got != count {
			t.Errorf("%q occurs %d times, not %d", what, got, count)
		}
	}
	longest := 0
	for line := range strings.Lines(text) {
		longest = max(longest, len(line))
	}
	if longest < 50_000 || strings.HasSuffix(text, "\n") {
		t.Errorf("longest line %d bytes; ends with %q", longest, text[len(text)-1])
	}
}
