package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Outputs decides which job may write below an output.
type Outputs struct {
	Store   *bucket.Store
	TempDir string // empty means the system's
	Lookup  func(ctx context.Context, job string) (JobRecord, error)
}

// JobRecord is what Temporal knows of a job.
type JobRecord struct {
	Known  bool // else nothing is: another server's, or its retention has passed
	Open   bool
	Output string
}

// ClaimOutput makes the output the job's own, or says whose it is. On the way it
// finds out whether the output and the worker's temporary folder can be
// written to, and where the results lie of the jobs that are resumed from.
// Nothing else has been read, written or rented by then. Running it again finds
// the claim that it made, also after a reset. Errors: OutputTaken, InvalidInput
// for a job to resume from, DiskFull, BucketDenied, NotFound.
func (a *Outputs) ClaimOutput(ctx context.Context, call workflows.ClaimCall) (workflows.Claimed, error) {
	if err := probe(a.TempDir); err != nil {
		return workflows.Claimed{}, final(jobs.DiskFull, err.Error())
	}
	earlier, err := a.earlierPlans(ctx, call)
	if err != nil {
		return workflows.Claimed{}, sorted(err)
	}
	url, err := a.claim(ctx, call)
	return workflows.Claimed{URL: url, Earlier: earlier}, sortedEarly(err)
}

// probeBytes is what a temporary folder must take: enough to tell a full disk,
// and written in no time.
const probeBytes = 4 << 20

// probe tries whether a temporary folder can be written to.
func probe(dir string) (err error) {
	file, err := os.CreateTemp(dir, "nightshift-probe-*")
	if err == nil {
		defer os.Remove(file.Name())
		_, err = file.Write(make([]byte, probeBytes))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("the worker's temporary folder cannot be used: %w; make room, or give the worker another one with --temp-dir", err)
	}
	return nil
}

// claim returns the URL of the job's claim, once it is the newest.
func (a *Outputs) claim(ctx context.Context, call workflows.ClaimCall) (string, error) {
	for {
		claims, err := readClaims(ctx, a.Store, call.Output)
		if err != nil {
			return "", err
		}
		at := slices.IndexFunc(claims, func(c claim) bool { return c.Job == call.Job && c.Run == call.Run })
		switch {
		case at == 0:
			return claims[0].url, nil
		case at > 0:
			return "", taken("job %s has taken over %s since this job began; this job's answers are kept, and resume_from: %s in another job reuses them",
				claims[0].Job, call.Output, call.Job)
		}
		next := 1
		if len(claims) > 0 {
			next = claims[0].number + 1
		}
		if err := a.mayTake(ctx, call, claims); err != nil {
			return "", err
		}
		text, err := json.Marshal(claim{Job: call.Job, Run: call.Run, At: time.Now().UTC()})
		if err != nil {
			return "", err
		}
		url := claimURL(call.Output, next)
		_, err = a.Store.Put(ctx, url, text, bucket.PutOptions{IfAbsent: true, ContentType: "application/json"})
		if err == nil {
			return url, nil
		}
		if !errors.Is(err, bucket.ErrExists) {
			return "", fmt.Errorf("claim the output: %w", err)
		}
	}
}

func taken(format string, args ...any) error {
	return final(jobs.OutputTaken, fmt.Sprintf(format, args...))
}

// mayTake returns nil if the job may claim an output after those who did
// before. No job takes it from one that runs, and none overwrites answers
// unless it says so or resumes from them.
func (a *Outputs) mayTake(ctx context.Context, call workflows.ClaimCall, claims []claim) error {
	left, err := a.leftBehind(ctx, call.Output, claims)
	if err != nil {
		return err
	}
	if len(claims) == 0 {
		return left.refuse(call, "")
	}
	holder := claims[0].Job
	if holder == call.Job {
		return taken("an earlier job with the same id %s has written below %s; submit this one under another id", call.Job, call.Output)
	}
	record, err := a.Lookup(ctx, holder)
	switch {
	case err != nil:
		return err
	case record.Open:
		return taken("job %s is writing to %s; wait for its end, cancel it with: nightshift cancel %s, or name another output", holder, call.Output, holder)
	case !record.Known && !left.any() && !mayReplace(call, holder):
		return taken("job %s has claimed %s and is not known to this Temporal server; if it runs on no other, write output_exists: replace", holder, call.Output)
	}
	return left.refuse(call, holder)
}
