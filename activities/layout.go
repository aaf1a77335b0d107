package activities

import (
	"fmt"
	"strings"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// workspace is where a job's work in progress lies: <output>/.nightshift/<job>/.
// Beside it, <output>/.nightshift/_claims/00000001.json says whose the output is.
//
//	plan.json                          the pinned inputs and the totals
//	shards.bin                         one batchfile.Shard a shard, fixed width
//	text-k3fq2m7a.zst                  the text of compressed inputs, one zstd frame a shard
//	problems.jsonl                     what is wrong with the input, if anything
//	endpoint.json                      the journal of an endpoint that no name tells
//	parts/00000017/2-k3f-0004.output.jsonl   result lines of shard 17 as they came
//	parts/00000017/2-k3f-0004.errors.jsonl
//	parts/00000017/0-invalid-00001.errors.jsonl   lines that on_invalid: skip leaves out; 0-repeated- too
//	parts/00000017/0-reused-000001.output.jsonl   answers of earlier jobs
//	parts/00000017/batch-nebius-0001.json    what became of shard 17 as a batch of the provider's own
//	measured/00000017-2-k3f.json       what an attempt at shard 17 measured; see measuring.go
//	measured.json                      all of them together, and the errors by class
//
// A part's name holds the attempt that wrote it, so that attempts that overlap
// never write the same object; where both have a line, the first name wins. Its
// lines have a member request_sum at their end that results do not have: see
// batchfile.RequestSum.
type workspace string

func workspaceOf(output, job string) workspace {
	return workspace(bucket.Join(output, workFolder, job))
}

// ProblemsURL is where a job's planning writes what is wrong with its input: one
// JSON object a line, of the type batchfile.Problem, at most the first 1,000.
func ProblemsURL(output, job string) string { return workspaceOf(output, job).problems() }

// workFolder is in the URL of everything in a workspace.
const workFolder = "/.nightshift/"

// workspaceOfPlan finds the workspace again from its plan's URL.
func workspaceOfPlan(planURL string) workspace {
	return workspace(strings.TrimSuffix(planURL, "/plan.json"))
}

func (w workspace) plan() string     { return bucket.Join(string(w), "plan.json") }
func (w workspace) shards() string   { return bucket.Join(string(w), "shards.bin") }
func (w workspace) problems() string { return bucket.Join(string(w), "problems.jsonl") }

// staged is where the attempt of that mark puts the text of compressed inputs:
// attempts that overlap do not write the same object.
func (w workspace) staged(mark string) string { return bucket.Join(string(w), "text-"+mark+".zst") }

func (w workspace) allParts() string { return bucket.Join(string(w), "parts") + "/" }

func (w workspace) journal() string { return bucket.Join(string(w), "endpoint.json") }

func (w workspace) parts(shard int) string {
	return bucket.Join(string(w), "parts", fmt.Sprintf("%08d", shard)) + "/"
}

// measured is what one attempt at a shard measured, allMeasured the beginning of
// all of those, and measurements their sum.
func (w workspace) measured(shard int, attempt string) string {
	return fmt.Sprintf("%s%08d-%s.json", w.allMeasured(), shard, attempt)
}

func (w workspace) allMeasured() string  { return bucket.Join(string(w), "measured") + "/" }
func (w workspace) measurements() string { return bucket.Join(string(w), "measured.json") }

// batchEntry is an entry in the journal of a shard that is run as a provider's
// batch; entries count from 1.
func (w workspace) batchEntry(shard int, provider string, number int) string {
	return w.parts(shard) + fmt.Sprintf("batch-%s-%04d.json", provider, number)
}

// The two endings of a part's name, and the beginning where it is of earlier
// jobs.
const (
	outputPart = ".output.jsonl"
	errorsPart = ".errors.jsonl"

	reusedPrefix = "0-reused-" // attempts count from 1
)
