package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// judge decides about the endpoints of one listing.
type judge struct {
	provider string
	options  Options
	lives    map[string]Life // by job, so that each is asked about once
}

// finding judges one endpoint. An error says that its job could not be asked
// about; the verdict is then that for an unknown job.
func (j *judge) finding(ctx context.Context, state provider.State) (Finding, error) {
	f := Finding{State: state, Verdict: Kept}
	name, err := provider.ParseName(state.Name)
	if err != nil {
		f.Foreign, f.Reason = true, "not nightshift's"
		return f, nil
	}
	f.Name = name
	if !j.options.Any && name.Installation != j.options.Installation {
		f.Foreign, f.Reason = true, "of another installation, "+name.Installation
		return f, nil
	}
	if state.Phase.Off() {
		f.Reason = "holds no GPU"
		return f, nil
	}
	life, err := j.life(ctx, name.Job)
	var condemned bool
	if condemned, f.Reason = j.verdict(name, state, life, time.Now()); !condemned {
		return f, err
	}
	used, failed := j.inUse(ctx, state.ID)
	if used {
		f.Reason = "another job names it by its id, and uses it"
	} else {
		f.Verdict = Condemned
	}
	return f, errors.Join(err, failed)
}

// inUse reports whether a job uses what is condemned by its name.
func (j *judge) inUse(ctx context.Context, id string) (bool, error) {
	if j.options.InUse == nil {
		return false, nil
	}
	used, err := j.options.InUse(ctx, j.provider, id)
	if err != nil {
		return false, fmt.Errorf("ask who uses endpoint %s: %w", id, err)
	}
	return used, nil
}

func (j *judge) life(ctx context.Context, job string) (Life, error) {
	if life, asked := j.lives[job]; asked || j.options.Life == nil {
		return life, nil
	}
	life, err := j.options.Life(ctx, job)
	if err != nil {
		life, err = Life{}, fmt.Errorf("ask about job %s: %w", job, err)
	}
	j.lives[job] = life
	return life, err
}

// verdict is the table of the package's page.
func (j *judge) verdict(name provider.Name, state provider.State, life Life, now time.Time) (condemned bool, reason string) {
	late, grace := now.Sub(name.Deadline), j.options.Grace
	switch {
	case late > grace:
		return true, "past its deadline by " + span(late)
	case late > 0 && life.State != Alive:
		return true, "past its deadline by " + span(late)
	case late > 0:
		return false, fmt.Sprintf("within grace: past its deadline by %s, and its job is open to release it", span(late))
	case life.State == Alive:
		return false, "its job is open"
	case life.State == Unknown:
		return false, "within its deadline, " + span(-late) + " left"
	}
	youngest := state.CreatedAt
	if life.Since.After(youngest) {
		youngest = life.Since
	}
	if age := now.Sub(youngest); age <= grace {
		return false, fmt.Sprintf("within grace: created, or its job closed, %s ago", span(age))
	}
	return true, "its job and its Endpoint workflow are gone"
}

// span rounds a time for people.
func span(d time.Duration) string {
	if d < time.Minute {
		return d.Truncate(time.Second).String()
	}
	text := d.Truncate(time.Minute).String()
	return text[:len(text)-len("0s")]
}
