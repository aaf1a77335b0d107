package activities

import (
	"fmt"
	"strings"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// workspace is where a job's work in progress lies: <output>/.nightshift/<job>/.
//
//	plan.json                          the pinned inputs and the totals
//	shards.bin                         one batchfile.Shard a shard, fixed width
//	problems.jsonl                     what is wrong with the input, if anything
//	endpoint.json                      the journal of an endpoint that no name tells
//	parts/00000017/2-k3f-0004.output.jsonl   result lines of shard 17 as they came
//	parts/00000017/2-k3f-0004.errors.jsonl
//	parts/00000017/batch-nebius-0001.json    what became of shard 17 as a batch of the provider's own
//
// A part's name holds the attempt that wrote it, so that attempts that overlap
// never write the same object; where both have a line, the first name wins.
type workspace string

func workspaceOf(output, job string) workspace {
	return workspace(bucket.Join(output, ".nightshift", job))
}

// workspaceOfPlan finds the workspace again from its plan's URL.
func workspaceOfPlan(planURL string) workspace {
	return workspace(strings.TrimSuffix(planURL, "/plan.json"))
}

func (w workspace) plan() string     { return bucket.Join(string(w), "plan.json") }
func (w workspace) shards() string   { return bucket.Join(string(w), "shards.bin") }
func (w workspace) problems() string { return bucket.Join(string(w), "problems.jsonl") }

func (w workspace) journal() string { return bucket.Join(string(w), "endpoint.json") }

func (w workspace) parts(shard int) string {
	return bucket.Join(string(w), "parts", fmt.Sprintf("%08d", shard)) + "/"
}

// batchEntry is an entry in the journal of a shard that is run as a provider's
// batch; entries count from 1.
func (w workspace) batchEntry(shard int, provider string, number int) string {
	return w.parts(shard) + fmt.Sprintf("batch-%s-%04d.json", provider, number)
}

// The two endings of a part's name.
const (
	outputPart = ".output.jsonl"
	errorsPart = ".errors.jsonl"
)
