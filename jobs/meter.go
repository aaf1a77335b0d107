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

// Step is a change in the number of ready replicas, or of jobs that share them.
type Step struct {
	At       time.Time `json:"at"`
	Replicas int       `json:"replicas"`
	Among    int       `json:"among,omitempty"` // jobs that share them in equal parts; 0 and 1 are one job

	// Since is the last reading of the number before, of a step down.
	Since time.Time `json:"since,omitzero"`
}

// billed is what so long a time costs at this step.
func (s Step) billed(d time.Duration) float64 {
	return max(0, d.Seconds()) * float64(s.Replicas) / float64(max(1, s.Among))
}

// maxSteps bounds a meter to a few kilobytes. An endpoint that scales each
// minute takes over an hour to fill it.
const maxSteps = 100

// Read notes that so many replicas were ready at a time. Times must not go
// back. A change is taken to have happened half-way since the last reading, but
// replicas that went while nobody looked for long to have been there until now:
// a bill had better say too much than too little.
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
			if at.Sub(m.Until) > unwatched {
				step.At = at
			}
		}
		m.Steps = append(m.Steps, step)
		m.fold()
	}
	m.Until = at
}

// unwatched is longer than any time between two readings of a healthy worker, or
// of two of which one died: all of them are away, or Temporal is.
const unwatched = 30 * time.Second

// fold adds up the oldest step if there are too many.
func (m *Meter) fold() {
	if len(m.Steps) > maxSteps {
		m.Before += m.Steps[0].billed(m.Steps[1].At.Sub(m.Steps[0].At))
		m.Steps = m.Steps[1:]
	}
}

// StoppedAt is the meter of an endpoint whose stop the provider accepted at that
// time; zero if it never did. Replicas that a reading shows to be gone, and the
// reading before the stop does not, went by the stop and not half-way before it.
func (m Meter) StoppedAt(stop time.Time) Meter {
	m.Steps = slices.Clone(m.Steps)
	for i, step := range m.Steps {
		read := step.At // of one that went unwatched
		if before := step.At.Sub(step.Since); before <= unwatched {
			read = read.Add(before)
		}
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
		sum += step.billed(end.Sub(begin))
	}
	return sum
}

// All is what was billed up to a time, in seconds of one replica.
func (m Meter) All(to time.Time) float64 { return m.ReplicaSeconds(time.Time{}, to) }

// AddShare adds one of so many equal parts of what another meter counted between
// two times. Shares are added in the order of their times.
func (m *Meter) AddShare(of Meter, from, to time.Time, among int) {
	for _, step := range of.Steps {
		if step.At.Before(from) {
			step.At = from
		}
		if step.At.Before(to) {
			m.addStep(Step{At: step.At, Replicas: step.Replicas, Among: among})
		}
	}
	m.Until = to
}

// addStep adds a step, in place of those that lasted no time.
func (m *Meter) addStep(step Step) {
	for len(m.Steps) > 0 && !m.Steps[len(m.Steps)-1].At.Before(step.At) {
		m.Steps = m.Steps[:len(m.Steps)-1]
	}
	if last := len(m.Steps) - 1; last >= 0 && m.Steps[last].Replicas == step.Replicas && m.Steps[last].Among == step.Among {
		return
	}
	m.Steps = append(m.Steps, step)
	m.fold()
}
