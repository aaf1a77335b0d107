package jobs

import (
	"slices"
	"time"
)

// Meter is how many replicas of an endpoint were ready when: what the endpoint
// is billed for. It grows with the changes in their number, not with time, and
// holds at most maxSteps of them.
type Meter struct {
	Steps []Step    `json:"steps,omitempty"`
	Until time.Time `json:"until,omitzero"` // how far it was read

	// Before is what was billed before the first step, in replica-seconds, when
	// there have been so many steps that the oldest were added up.
	Before float64 `json:"before,omitempty"`
}

// Step is a change in the number of ready replicas.
type Step struct {
	At       time.Time `json:"at"`
	Replicas int       `json:"replicas"`

	// Since is the last reading of the number before, of a step down.
	Since time.Time `json:"since,omitzero"`
}

// maxSteps bounds a meter to a few kilobytes. An endpoint that scales each
// minute takes over an hour to fill it.
const maxSteps = 100

// Read notes that so many replicas were ready at a time. Times must not go
// back. A change is taken to have happened half-way since the last reading.
func (m *Meter) Read(at time.Time, replicas int) {
	last := len(m.Steps) - 1
	switch {
	case last < 0:
		if replicas > 0 {
			m.Steps = append(m.Steps, Step{At: at, Replicas: replicas})
			if !m.Until.IsZero() {
				m.Steps[0].At = between(m.Until, at)
			}
		}
	case m.Steps[last].Replicas != replicas:
		step := Step{At: between(m.Until, at), Replicas: replicas}
		if replicas < m.Steps[last].Replicas {
			step.Since = m.Until
		}
		m.Steps = append(m.Steps, step)
		m.fold()
	}
	m.Until = at
}

// fold adds up the oldest step if there are too many.
func (m *Meter) fold() {
	if len(m.Steps) > maxSteps {
		m.Before += m.Steps[1].At.Sub(m.Steps[0].At).Seconds() * float64(m.Steps[0].Replicas)
		m.Steps = m.Steps[1:]
	}
}

// StoppedAt is the meter of an endpoint whose stop the provider accepted at that
// time; zero if it never did. Replicas that a reading shows to be gone, and the
// reading before the stop does not, went by the stop and not half-way before it.
func (m Meter) StoppedAt(stop time.Time) Meter {
	m.Steps = slices.Clone(m.Steps)
	for i, step := range m.Steps {
		read := step.At.Add(step.At.Sub(step.Since))
		if !step.Since.IsZero() && step.Since.Before(stop) && stop.Before(read) {
			m.Steps[i].At = stop
		}
	}
	return m
}

func between(from, to time.Time) time.Time { return from.Add(to.Sub(from) / 2) }

// Replicas is how many were ready at the last reading.
func (m Meter) Replicas() int {
	if len(m.Steps) == 0 {
		return 0
	}
	return m.Steps[len(m.Steps)-1].Replicas
}

// ReplicaSeconds is what is billed between two times, in seconds of one
// replica. The number read last is taken to last for ever.
func (m Meter) ReplicaSeconds(from, to time.Time) float64 {
	var sum float64
	if len(m.Steps) > 0 && !from.After(m.Steps[0].At) {
		sum = m.Before
	}
	for i, step := range m.Steps {
		begin, end := step.At, to
		if i+1 < len(m.Steps) && m.Steps[i+1].At.Before(end) {
			end = m.Steps[i+1].At
		}
		if from.After(begin) {
			begin = from
		}
		sum += max(0, end.Sub(begin).Seconds()) * float64(step.Replicas)
	}
	return sum
}
