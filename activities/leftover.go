package activities

import (
	"context"
	"fmt"
	"path"
	"regexp"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/workflows"
)

// leftover is what earlier jobs left below an output.
type leftover struct {
	results string // URL of a file of results
	owner   string // whose results they are, if the manifest tells
	answers bool   // the last holder has answers that were never assembled
}

func (l leftover) any() bool { return l.results != "" || l.answers }

// resultName matches the names of files of results.
var resultName = regexp.MustCompile(`^(output|errors)(-\d{5,})?\.jsonl(\.gz|\.zst)?$`)

// lookedAt bounds how many objects are looked at for one of those names, since
// the output may be any place in a bucket.
const lookedAt = 10_000

func (a *Outputs) leftBehind(ctx context.Context, output string, claims []claim) (left leftover, err error) {
	for _, kind := range []string{"output", "errors"} {
		if left.results == "" {
			left.results, err = a.findResult(ctx, bucket.Join(output, kind))
		}
		if err != nil {
			return leftover{}, err
		}
	}
	written, found, err := readManifest(ctx, a.Store, output)
	if err != nil {
		return leftover{}, fmt.Errorf("earlier results: %w", err)
	}
	switch {
	case found && written.Requests > 0 && written.Counts.NeverRan+written.Counts.Invalid == written.Requests:
		left.results = "" // a job of which nothing was sent: what was wrong with it is mended by now
	case found:
		left.results, left.owner = bucket.Join(output, manifestFile), written.Job
	}
	if len(claims) > 0 {
		left.answers, err = hasAnswers(ctx, a.Store, workspaceOf(output, claims[0].Job))
	}
	return left, err
}

// findResult returns the URL of the first file of results whose URL begins so.
func (a *Outputs) findResult(ctx context.Context, prefix string) (string, error) {
	seen := 0
	for object, err := range a.Store.List(ctx, prefix) {
		if err != nil {
			return "", fmt.Errorf("earlier results: %w", err)
		}
		if path.Dir(object.URL) == path.Dir(prefix) && resultName.MatchString(path.Base(object.URL)) {
			return object.URL, nil
		}
		if seen++; seen == lookedAt {
			break
		}
	}
	return "", nil
}

// hasAnswers reports whether a job has got as far as having answers.
func hasAnswers(ctx context.Context, store *bucket.Store, work workspace) (bool, error) {
	for object, err := range store.List(ctx, bucket.Join(string(work), "parts")+"/") {
		if err != nil {
			return false, fmt.Errorf("earlier results: %w", err)
		}
		if isOutputPart(object.URL) {
			return true, nil
		}
	}
	return false, nil
}

// refuse returns nil if what is left may be replaced: there is nothing, or the
// job says so, or it resumes from the job that left it.
func (l leftover) refuse(call workflows.ClaimCall, holder string) error {
	switch {
	case !l.any(), mayReplace(call, holder), mayReplace(call, l.owner):
		return nil
	case l.results == "":
		return taken("job %s ended without assembling its answers below %s; go on with them by: nightshift retry %s, name another output, or write output_exists: replace",
			holder, call.Output, holder)
	case l.owner == "":
		return taken("there are results already: %s; name another output, or write output_exists: replace", l.results)
	}
	return taken("%s has the results of job %s; name another output, send what that job lacks with: nightshift retry %s, or write output_exists: replace",
		call.Output, l.owner, l.owner)
}

// mayReplace reports whether a job may take the place of another's results: its
// own will hold all of their answers, or it was told to.
func mayReplace(call workflows.ClaimCall, other string) bool {
	if call.Replace {
		return true
	}
	for _, from := range call.ResumeFrom {
		if from == other || samePlace(from, call.Output) {
			return true
		}
	}
	return false
}

// samePlace compares outputs, with or without a slash at the end.
func samePlace(a, b string) bool { return bucket.Join(a, "x") == bucket.Join(b, "x") }
