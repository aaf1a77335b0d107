package gateway

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// maxLooks is how many jobs a server looks at at once.
	maxLooks = 4
	// maxSights bounds what is remembered: about a kilobyte each.
	maxSights = 4096
	// staleAfter is when a sight is too old to answer with, however busy the
	// server is.
	staleAfter = time.Minute
)

// sights remembers what open jobs were seen doing. Clients poll, and each look
// takes Temporal and a worker some milliseconds: hundreds of open batches that
// are polled every second would keep them from running those very batches.
type sights struct {
	looks chan struct{}

	mu    sync.Mutex
	known map[string]seen
}

type seen struct {
	sight Sight
	at    time.Time
}

// look tells what a job is doing, or was doing a moment ago. What is younger
// than SightAge stands, and for as long as others are being looked at, what is
// known stands too. Only open jobs are remembered.
func (s *Server) look(ctx context.Context, job string) (Sight, error) {
	known, age := s.sights.recall(job, s.Now())
	if age < s.SightAge {
		return known, nil
	}
	select {
	case s.sights.looks <- struct{}{}:
	default:
		if age < staleAfter {
			return known, nil
		}
		select {
		case s.sights.looks <- struct{}{}:
		case <-ctx.Done():
			return Sight{}, ctx.Err()
		}
	}
	defer func() { <-s.sights.looks }()
	sight, err := s.Runner.Look(ctx, job)
	if err == nil {
		s.sights.remember(job, sight, s.Now())
	}
	return sight, err
}

// recall returns what is known of a job, and for how long it has been.
func (s *sights) recall(job string, now time.Time) (Sight, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.known[job]
	if !ok {
		return Sight{}, staleAfter
	}
	return known.sight, now.Sub(known.at)
}

func (s *sights) remember(job string, sight Sight, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sight.Open {
		delete(s.known, job)
		return
	}
	if len(s.known) >= maxSights {
		maps.DeleteFunc(s.known, func(_ string, old seen) bool { return now.Sub(old.at) >= staleAfter })
	}
	if len(s.known) >= maxSights {
		clear(s.known)
	}
	s.known[job] = seen{sight, now}
}
