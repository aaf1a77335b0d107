package sim

import (
	"net/http"
	"time"
)

// Model is the speed of one replica under continuous batching: every stream
// has full speed up to a knee, beyond which the replica's throughput stays
// what it is and is shared evenly. The zero value takes no time at all.
type Model struct {
	// TimeToFirstToken and TokenInterval are those of a stream at full speed.
	// Beyond the knee both stretch alike.
	TimeToFirstToken time.Duration
	TokenInterval    time.Duration

	// Knee is how many streams a replica serves at full speed, and the load
	// per replica that autoscaling aims at. 0 means that speed never drops and
	// replicas stay at their minimum.
	Knee int

	// MaxStreams is how many streams a replica takes; further requests queue
	// at the endpoint. 0 means any number.
	MaxStreams int

	// QueueLimit is how many requests may queue per ready replica before
	// BusyStatus is answered. 0 means any number.
	QueueLimit int

	// BusyStatus is 503 or 429; 0 means 503.
	BusyStatus int
}

// Typical returns round figures of the order of a 100-billion-parameter
// mixture of experts on one H100, for demonstrations: 6,400 tokens/s a
// replica, 100 tokens/s a stream.
func Typical() Model {
	return Model{
		TimeToFirstToken: 200 * time.Millisecond,
		TokenInterval:    10 * time.Millisecond,
		Knee:             64,
		MaxStreams:       256,
		QueueLimit:       1024,
	}
}

// work returns how long an answer of that many tokens takes at full speed. The
// first token comes with the time to first token.
func (m Model) work(tokens int) time.Duration {
	return m.TimeToFirstToken + time.Duration(max(tokens-1, 0))*m.TokenInterval
}

// speed returns the speed of each of n streams on one replica; 1 is full.
func (m Model) speed(n int) float64 {
	if m.Knee <= 0 || n <= m.Knee {
		return 1
	}
	return float64(m.Knee) / float64(n)
}

// wanted returns how many replicas suit a load of that many requests.
func (m Model) wanted(load int, bounds Range) int {
	if m.Knee <= 0 {
		return bounds.Min
	}
	return bounds.Clamp((load + m.Knee - 1) / m.Knee)
}

func (m Model) busyStatus() int {
	if m.BusyStatus == 0 {
		return http.StatusServiceUnavailable
	}
	return m.BusyStatus
}
