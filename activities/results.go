package activities

import (
	"bytes"
	"cmp"
	"context"
	"runtime/debug"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/report"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Results assembles what a job leaves behind.
type Results struct {
	Store   *bucket.Store
	Metrics *telemetry.Metrics
	TempDir string // holds the results of a few shards at a time; empty means the system's
}

// Files of a job below its output, beside those of results.
const (
	manifestFile = "manifest.json"
	reportFile   = "report.json"
	pageFile     = "report.html"
)

// CollectResults writes output.jsonl, errors.jsonl and manifest.json: every
// request of the plan exactly once, in input order, those without a result as
// error lines with the code that the call names. Nothing of the files can be
// seen before all of them are uploaded; then each takes its predecessor's place
// as a whole, so running it again does no harm. It heartbeats the number of
// lines written. Errors: Internal if lines do not add up, OutputTaken if another
// job has the output by now, InputChanged, NotFound, BucketDenied.
func (a *Results) CollectResults(ctx context.Context, call workflows.CollectCall) (workflows.Collected, error) {
	// What sending left behind goes back first: the two together would be the
	// most that a worker ever holds.
	dropLineBuffers()
	debug.FreeOSMemory()
	var written atomic.Int64
	defer beating(ctx, func() any { return map[string]int64{"lines": written.Load()} })()

	planned, err := readPlan(ctx, a.Store, call.PlanURL)
	if err != nil {
		return workflows.Collected{}, sorted(err)
	}
	c := newCollection(a, call, planned, &written)
	defer c.abort()
	err = c.addShards(ctx)
	c.measure(ctx, err == nil)
	if err != nil {
		return workflows.Collected{}, sorted(err)
	}
	collected, err := c.publish(ctx)
	return collected, sorted(err)
}

// WriteReport writes report.json and report.html. Writing them again replaces
// them.
func (a *Results) WriteReport(ctx context.Context, of jobs.Report) error {
	document := report.Document{Report: of}
	measured, err := readMeasurements(ctx, a.Store, workspaceOf(of.Output, of.Job).measurements())
	switch {
	case err != nil:
		activity.GetLogger(ctx).Warn("the report lacks what requests measured", "error", err)
	case measured.Attempts > 0 || len(measured.Errors.List()) > 0:
		document.Measured = measured
	}
	var page bytes.Buffer
	if err := report.WriteHTML(&page, document, report.Options{}); err != nil {
		return final(jobs.Internal, err.Error())
	}
	_, err = a.Store.Put(ctx, bucket.Join(of.Output, pageFile), page.Bytes(), bucket.PutOptions{ContentType: "text/html; charset=utf-8"})
	if err = cmp.Or(err, putJSON(ctx, a.Store, bucket.Join(of.Output, reportFile), document)); err == nil {
		a.Metrics.JobEnded(string(of.Outcome), of.GPUSeconds(), of.Cost.Amount, of.Cost.Currency)
	}
	return sorted(err)
}
