package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// lookout is a runner that tells how often it was asked.
type lookout struct {
	Runner
	looks atomic.Int64
	open  bool
	held  chan struct{} // nil, or what each look waits for
	begun chan struct{}
}

func (l *lookout) Look(context.Context, string) (Sight, error) {
	if l.held != nil {
		l.begun <- struct{}{}
		<-l.held
	}
	return Sight{Open: l.open, Counts: jobs.Counts{Completed: l.looks.Add(1)}}, nil
}

// TestLook: an open job is looked at again when what is known is old enough, one
// that has ended each time.
func TestLook(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	runner := &lookout{open: true}
	server := New(Options{Runner: runner, SightAge: 5 * time.Second, Now: func() time.Time { return now }})
	for i, row := range []struct {
		later time.Duration
		want  int64
	}{{0, 1}, {4 * time.Second, 1}, {time.Second, 2}, {time.Second, 2}} {
		now = now.Add(row.later)
		if sight, err := server.look(t.Context(), "job"); err != nil || sight.Counts.Completed != row.want {
			t.Errorf("look %d: %+v, %v", i, sight, err)
		}
	}
	now, runner.open = now.Add(time.Minute), false
	for want := int64(3); want < 5; want++ {
		if sight, err := server.look(t.Context(), "job"); err != nil || sight.Counts.Completed != want {
			t.Errorf("a job that has ended: %+v, %v", sight, err)
		}
	}
}

// TestLook_Busy: while as many jobs are being looked at as may be, what is known
// stands for a minute, and who knows nothing waits.
func TestLook_Busy(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	runner := &lookout{open: true}
	server := New(Options{Runner: runner, SightAge: 5 * time.Second, Now: func() time.Time { return now }})
	if _, err := server.look(t.Context(), "job"); err != nil {
		t.Fatal(err)
	}
	runner.held, runner.begun = make(chan struct{}), make(chan struct{})
	for i := range maxLooks {
		go func() { _, _ = server.look(t.Context(), fmt.Sprint("other", i)) }()
	}
	for range maxLooks {
		<-runner.begun
	}
	defer close(runner.held)
	now = now.Add(staleAfter - 1)
	if sight, err := server.look(t.Context(), "job"); err != nil || sight.Counts.Completed != 1 {
		t.Errorf("%+v, %v", sight, err)
	}
	now = now.Add(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.look(ctx, "job"); !errors.Is(err, context.Canceled) {
		t.Errorf("too old, and nobody looks: %v", err)
	}
}

// TestSights_Bounded: what is remembered does not grow.
func TestSights_Bounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := sights{known: map[string]seen{}}
	for i := range 2*maxSights + 10 {
		s.remember(fmt.Sprint(i), Sight{Open: true}, now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(s.known) > maxSights {
		t.Errorf("%d are remembered", len(s.known))
	}
	if _, age := s.recall(fmt.Sprint(2*maxSights+9), now.Add(time.Hour)); age <= 0 {
		t.Error("the newest was forgotten")
	}
}
