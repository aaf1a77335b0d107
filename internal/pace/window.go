package pace

import (
	"math"
	"time"
)

const (
	// minWindow keeps scheduling noise out of the readings of endpoints that
	// answer within milliseconds.
	minWindow = 200 * time.Millisecond
	// minAnswers is how few can be averaged at all.
	minAnswers = 16
	// precise is the relative standard error at which a speed is known well
	// enough to judge a doubling by: e is then known to about 0.05.
	precise = 0.02
)

// window measures the endpoint at one limit. It counts only requests that were
// sent inside it, so that none is a mixture of two limits.
type window struct {
	open     bool
	start    time.Duration
	last     time.Duration // when busy was brought up to date
	busy     float64       // requests in flight, integrated over time: request-seconds
	answers  int
	failures int
	// Sums over the answers: of work (tokens, or 1 each), of seconds, and of
	// their squares and products.
	work, seconds, work2, seconds2, cross float64
}

// reading is what a window tells.
type reading struct {
	inFlight float64 // mean
	speed    float64 // work per second of one stream
}

// throughput is the work per second of all streams.
func (r reading) throughput() float64 { return r.inFlight * r.speed }

// elasticity is e in throughput ~ inFlight^e between two readings.
func elasticity(from, to reading) float64 {
	return math.Log(to.throughput()/from.throughput()) / math.Log(to.inFlight/from.inFlight)
}

// pass accounts for the time since the last outcome.
func (w *window) pass(now time.Duration, inFlight int) {
	w.busy += float64(inFlight) * (now - w.last).Seconds()
	w.last = now
}

// add counts an answer.
func (w *window) add(outcome Outcome) {
	work, seconds := float64(max(outcome.Tokens, 1)), outcome.Latency.Seconds()
	w.answers++
	w.work += work
	w.seconds += seconds
	w.work2 += work * work
	w.seconds2 += seconds * seconds
	w.cross += work * seconds
}

// generations is how many generations of streams a window must see. Short
// answers finish first, so a window that is too short flatters the endpoint.
// Tokens make up for most of that; without them it takes two whole generations.
func (w *window) generations() float64 {
	if w.work > float64(w.answers) {
		return 0.5
	}
	return 2
}

// told reports whether the window has told enough about a limit: its
// generations, measured precisely or, where answers are too uneven for that,
// four of them.
func (w *window) told(limit int) bool {
	enough := max(minAnswers, int(w.generations()*float64(limit)))
	if w.answers < enough || w.last-w.start < minWindow {
		return false
	}
	return w.answers >= minAnswers*4+limit*4 || w.relativeError() <= precise*max(1, w.generations())
}

// relativeError is the standard error of the ratio estimator work/seconds, as a
// share of it.
func (w *window) relativeError() float64 {
	speed := w.work / w.seconds
	return math.Sqrt(max(0, w.work2-2*speed*w.cross+speed*speed*w.seconds2)) / w.work
}

// reading closes the window's sums.
func (w *window) reading() reading {
	return reading{inFlight: w.busy / (w.last - w.start).Seconds(), speed: w.work / w.seconds}
}

// beat is how long a window of the probing phase takes: most of a generation
// until the first answers sent inside it arrive, and the generations it must
// see. It is rounded up to a power of four, so that workers which measure a
// little differently still agree.
func (w *window) beat() time.Duration {
	need := w.seconds / float64(w.answers) * (0.75 + w.generations())
	beat := minWindow
	for beat.Seconds() < need {
		beat *= 4
	}
	return beat
}
