package activities

import "golang.org/x/sync/semaphore"

// lineTurns are held by those shards of each job that take lines for an endpoint.
// The shards of one job take theirs one after the other, so that they end one
// after the other too: while one flushes and the next begins, another keeps the
// endpoint busy. Jobs that share an endpoint have a turn each, so that a small
// one does not stand behind all that a large one has open; the endpoint's pace
// then takes a line of each.
//
// Its methods are called with the lock of Targets held.
type lineTurns map[string]*lineTurn

type lineTurn struct {
	*semaphore.Weighted
	shards int // that hold it or may come to
}

// join returns the job's turn; leave must be called once for it.
func (t *lineTurns) join(job string) *semaphore.Weighted {
	if *t == nil {
		*t = lineTurns{}
	}
	one := (*t)[job]
	if one == nil {
		one = &lineTurn{Weighted: semaphore.NewWeighted(1)}
		(*t)[job] = one
	}
	one.shards++
	return one.Weighted
}

func (t lineTurns) leave(job string) {
	one := t[job]
	if one.shards--; one.shards == 0 {
		delete(t, job)
	}
}
