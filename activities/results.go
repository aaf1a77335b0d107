package activities

import (
	"context"
	"runtime/debug"
	"sync/atomic"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Results assembles what a job leaves behind.
type Results struct {
	Store   *bucket.Store
	TempDir string // holds the results of a few shards at a time; empty means the system's
}

// The files of a job, below its output.
const (
	outputFile   = "output.jsonl"
	errorsFile   = "errors.jsonl"
	manifestFile = "manifest.json"
	reportFile   = "report.json"
)

// manifest is the file manifest.json.
type manifest struct {
	Job    string      `json:"job"`
	Counts jobs.Counts `json:"counts"`
	Usage  jobs.Usage  `json:"usage"`
	Files  []jobs.File `json:"files"`
	Inputs []pinned    `json:"inputs"`
}

// CollectResults writes output.jsonl, errors.jsonl and manifest.json: every
// request of the plan exactly once, in input order, those without a result as
// error lines with the code that the call names. Files are replaced as a whole
// and without partial states, so running it again does no harm. It heartbeats
// the number of lines written. Errors: Internal if lines do not add up,
// InputChanged, NotFound, BucketDenied.
func (a *Results) CollectResults(ctx context.Context, call workflows.CollectCall) (workflows.Collected, error) {
	// What sending left behind goes back first: the two together would be the
	// most that a worker ever holds.
	debug.FreeOSMemory()
	var written atomic.Int64
	defer beating(ctx, func() any { return map[string]int64{"lines": written.Load()} })()

	planned, err := readPlan(ctx, a.Store, call.PlanURL)
	if err != nil {
		return workflows.Collected{}, sorted(err)
	}
	c := newCollection(a, call, planned, &written)
	defer c.abort()
	if err := c.addShards(ctx); err != nil {
		return workflows.Collected{}, sorted(err)
	}
	collected, err := c.commit(ctx)
	return collected, sorted(err)
}

// WriteReport writes report.json. Writing it again replaces it.
func (a *Results) WriteReport(ctx context.Context, report jobs.Report) error {
	return sorted(putJSON(ctx, a.Store, bucket.Join(report.Output, reportFile), report))
}
