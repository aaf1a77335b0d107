package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// maxInputs bounds the objects of one job: each has its place in plan.json,
// which every shard reads.
const maxInputs = 10_000

// pin finds the objects that the job's input names and notes the version of
// each, which every later read must match: in the order given and, where a
// prefix or a pattern names several, in the byte order of their keys. One that
// is named twice is read once, where it is named first. Without any object it
// is NoInput; without some of them NotFound.
func (a *Planning) pin(ctx context.Context, input jobs.URLs, output string) ([]pinned, error) {
	p := pinning{store: a.Store, own: ownFiles{output}, known: map[string]bool{}}
	for _, url := range input {
		if err := p.add(ctx, url); err != nil {
			return nil, fmt.Errorf("input: %w", err)
		}
	}
	switch {
	case len(p.inputs) == 0:
		return nil, final(jobs.NoInput, "input: "+strings.Join(p.missing, "; "))
	case len(p.missing) > 0:
		return nil, final(jobs.NotFound, "input: "+strings.Join(p.missing, "; "))
	}
	return p.inputs, nil
}

// pinning gathers inputs.
type pinning struct {
	store   *bucket.Store
	own     ownFiles
	inputs  []pinned
	known   map[string]bool // of inputs, by URL
	missing []string        // what was not found, in words
}

func (p *pinning) add(ctx context.Context, url string) error {
	if bucket.IsPattern(url) {
		return p.addAll(ctx, url)
	}
	if p.own.writes(url) {
		return final(jobs.InvalidInput, fmt.Sprintf("%s is where nightshift itself writes; try: another input, or another output", url))
	}
	object, err := p.store.Stat(ctx, url)
	if errors.Is(err, bucket.ErrNotFound) {
		p.missing = append(p.missing, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	return p.take(object)
}

// addAll takes what a prefix or pattern names.
func (p *pinning) addAll(ctx context.Context, pattern string) error {
	named, passed := 0, 0
	for object, err := range p.store.Glob(ctx, pattern) {
		if err != nil {
			return err
		}
		if p.own.holds(object.URL) {
			passed++
			continue
		}
		named++
		if err := p.take(object); err != nil {
			return err
		}
	}
	if named > 0 {
		return nil
	}
	text := pattern + " names no object"
	if passed > 0 {
		text += fmt.Sprintf(" but %d below the job's output or a .nightshift folder, which are never read; try: another output", passed)
	}
	p.missing = append(p.missing, text)
	return nil
}

func (p *pinning) take(object bucket.Object) error {
	if p.known[object.URL] {
		return nil
	}
	if len(p.inputs) == maxInputs {
		return final(jobs.InvalidInput, fmt.Sprintf("there are more than %d objects; try: several jobs, or files put together", maxInputs))
	}
	p.known[object.URL] = true
	p.inputs = append(p.inputs, pinned{URL: object.URL, Size: object.Size, ETag: object.ETag})
	return nil
}

// ownFiles are what nightshift writes: below the job's output, and in the work
// folders of any job.
type ownFiles struct{ output string }

// holds reports whether a prefix or pattern must not name an object.
func (o ownFiles) holds(url string) bool {
	return strings.HasPrefix(url, strings.TrimSuffix(o.output, "/")+"/") || strings.Contains(url, workFolder)
}

// writes reports whether an object that is named by itself cannot be an input:
// only what a job writes is refused then, since a person may keep prompts and
// answers side by side.
func (o ownFiles) writes(url string) bool {
	if strings.Contains(url, workFolder) {
		return true
	}
	name, below := strings.CutPrefix(url, strings.TrimSuffix(o.output, "/")+"/")
	if !below {
		return false
	}
	kind, _, _ := strings.Cut(name, ".")
	kind, _, _ = strings.Cut(kind, "-")
	switch kind {
	case "output", "errors", "manifest", "report":
		return !strings.Contains(name, "/")
	}
	return false
}
