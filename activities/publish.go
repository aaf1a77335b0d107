package activities

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// manifest is the file manifest.json.
type manifest struct {
	Job       string      `json:"job"`
	Requests  int64       `json:"requests"`  // of the plan
	Conserved bool        `json:"conserved"` // each of them has exactly one line in exactly one file; always true, or there is no manifest
	Counts    jobs.Counts `json:"counts"`
	Usage     jobs.Usage  `json:"usage"`
	Files     []jobs.File `json:"files"`
	Inputs    []pinned    `json:"inputs"`
}

// publish checks that no line was lost and makes the files visible, one right
// after the other, and the manifest last. Files of earlier results that have no
// successor go in between.
func (c *collection) publish(ctx context.Context) (workflows.Collected, error) {
	c.counts.Total = c.counts.Completed + c.counts.Failed + c.counts.NeverRan
	c.counts.Invalid = c.plan.Invalid
	if c.counts.Total != c.plan.Requests {
		return workflows.Collected{}, final(jobs.Internal, fmt.Sprintf("%d result lines for %d requests", c.counts.Total, c.plan.Requests))
	}
	collected := workflows.Collected{Counts: c.counts, Usage: c.usage}
	for _, files := range []*resultFiles{c.output, c.errors} {
		if err := files.finish(); err != nil {
			return collected, err
		}
	}
	if err := c.stillOurs(ctx); err != nil {
		return collected, err
	}
	for _, files := range []*resultFiles{c.output, c.errors} {
		done, err := files.commit(ctx)
		if err != nil {
			return collected, err
		}
		collected.Files = append(collected.Files, done...)
	}
	if err := c.removeOthers(ctx, collected.Files); err != nil {
		return collected, err
	}
	url := bucket.Join(c.call.Output, manifestFile)
	return collected, putJSON(ctx, c.Store, url, manifest{
		Job: c.call.Job, Requests: c.plan.Requests, Conserved: true,
		Counts: c.counts, Usage: c.usage, Files: collected.Files, Inputs: c.plan.Inputs,
	})
}

// stillOurs fails if another job has taken the output over.
func (c *collection) stillOurs(ctx context.Context) error {
	if c.call.Claim == "" {
		return nil
	}
	newest, err := newestClaim(ctx, c.Store, c.call.Output)
	if err != nil || newest == c.call.Claim || newest == "" {
		return err
	}
	return taken("another job has taken %s over (%s), so this one's results were not put there; its answers are kept, and resume_from: %s in another job reuses them",
		c.call.Output, newest, c.call.Job)
}

// removeOthers deletes files that an earlier attempt, or an earlier job, left in
// the place of results that this job does not have.
func (c *collection) removeOthers(ctx context.Context, ours []jobs.File) error {
	before, _, err := readManifest(ctx, c.Store, c.call.Output)
	if err != nil {
		return err
	}
	names := []string{c.output.name(1), c.errors.name(1)}
	for _, file := range before.Files {
		names = append(names, path.Base(file.URL))
	}
	for _, name := range names {
		url := bucket.Join(c.call.Output, name)
		isOurs := slices.ContainsFunc(ours, func(f jobs.File) bool { return f.URL == url })
		if isOurs || !resultName.MatchString(name) {
			continue
		}
		if err := c.Store.Delete(ctx, url); err != nil {
			return err
		}
	}
	return nil
}
