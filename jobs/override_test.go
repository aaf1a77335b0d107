package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const overriddenFile = `input: s3://b/in.jsonl
output: s3://b/out/
endpoint: {provider: nebius, model: a, gpu: {type: h100}}
`

func TestParse_OverridesWhatTheFileSays(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(overriddenFile),
		Override{Path: "input", Values: []string{"s3://b/1.jsonl", "s3://b/2,3.jsonl"}},
		Override{Path: "endpoint.model", Values: []string{"true"}},
		Override{Path: "endpoint.gpu.count", Values: []string{"8"}},
		Override{Path: "endpoint.options", Values: []string{"target_rps=5", "kind=a=b"}},
		Override{Path: "limits.deadline", Values: []string{"90m"}},
		Override{Path: "limits.cost", Values: []string{"12.50 USD"}},
		Override{Path: "requests.concurrency", Values: []string{"64"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(spec.Input, URLs{"s3://b/1.jsonl", "s3://b/2,3.jsonl"}) || spec.Endpoint.Model != "true" || spec.Endpoint.GPU != (GPU{"h100", 8}) ||
		spec.Endpoint.Options["target_rps"] != "5" || spec.Endpoint.Options["kind"] != "a=b" || spec.Endpoint.Provider != "nebius" ||
		spec.Limits.Deadline.Std() != 90*time.Minute || spec.Limits.Cost.Amount != 12.5 || spec.Requests.Concurrency != 64 {
		t.Errorf("spec = %+v", spec)
	}
}

func TestParse_NeedsNoFileWithOverrides(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job", nil,
		Override{Path: "input", Values: []string{"s3://b/1.jsonl"}}, Override{Path: "output", Values: []string{"s3://b/out/"}},
		Override{Path: "endpoint.provider", Values: []string{"nebius"}}, Override{Path: "endpoint.model", Values: []string{"m"}})
	if err != nil || spec.Name != "job" || spec.Endpoint.GPU.Count != 1 {
		t.Errorf("spec = %+v, %v", spec, err)
	}
}

func TestParse_SaysWhichOverrideIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		override Override
		want     string
	}{
		{Override{Path: "endpoint.gpu.count", Values: []string{"many"}, Source: "--gpus"}, "--gpus: `many` is not a whole number"},
		{Override{Path: "endpoint.gpu.count", Values: []string{"-1"}, Source: "--gpus"}, "--gpus: endpoint.gpu.count: must be at least 1"},
		{Override{Path: "limits.deadline", Values: []string{"soon"}, Source: "--deadline"}, `--deadline: "soon" is not a duration`},
		{Override{Path: "input", Values: []string{"in.jsonl"}, Source: "--input"}, `--input: input: "in.jsonl" must be an object`},
	} {
		_, err := Parse("job.yaml", []byte(overriddenFile), c.override)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %s", c.override, err, c.want)
		}
	}
}

func TestFields_NamesTheLeavesOfASpec(t *testing.T) {
	t.Parallel()
	fields := Fields()
	for _, want := range []Field{{"name", false}, {"input", true}, {"endpoint.gpu.type", false}, {"endpoint.options", true}, {"limits.cost", false}, {"requests.concurrency", false}} {
		if !slices.Contains(fields, want) {
			t.Errorf("no %+v among %+v", want, fields)
		}
	}
}
