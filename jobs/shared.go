package jobs

import (
	"fmt"
	"strings"
	"time"
)

// Shared is what a shared endpoint was to one of the jobs that had it. The
// parts of all jobs and what was billed while no job had it add up to what the
// endpoint was billed for.
type Shared struct {
	Name  string    `json:"name"`           // Share.Name
	Guard string    `json:"guard"`          // workflow id of the Endpoint, which releases it when no job has it
	From  time.Time `json:"from"`           // when the job was given its share
	Left  time.Time `json:"left,omitzero"`  // when the job returned it; zero if the endpoint ended first
	With  []string  `json:"with,omitempty"` // other jobs that had it meanwhile, at most MaxWith of them
	Most  int       `json:"most,omitempty"` // jobs that had it at a time, this one included
	Stays time.Time `json:"stays,omitzero"` // until when it lingers unless another job asks for it; zero while others have it
	Uses  []Use     `json:"uses,omitempty"` // of all jobs, in the Endpoint's own result: the last MaxUses
	Jobs  int       `json:"jobs,omitempty"` // jobs that had it, there too
	Idle  float64   `json:"idle,omitempty"` // billed while no job had it, in replica-seconds, there too
}

// Bounds of the lists in a Shared, so that it stays small however many jobs
// share.
const (
	MaxWith = 20
	MaxUses = 100
)

// Use is one job's part of a shared endpoint.
type Use struct {
	Job            string    `json:"job"`
	From           time.Time `json:"from"`
	Left           time.Time `json:"left"`
	ReplicaSeconds float64   `json:"replica_seconds"` // billed
}

// Returned reports whether the job returned its share of the endpoint, which
// others had, or which lingered: the endpoint's end is then not the job's to
// prove.
func (r Rental) Returned() bool { return r.Shared != nil && !r.Shared.Left.IsZero() }

// String says with whom a job shared, and what became of the endpoint.
func (s *Shared) String() string {
	text := "shared as " + s.Name
	switch {
	case len(s.With) > 0 && len(s.With) == MaxWith:
		text += fmt.Sprintf(" with %s and perhaps others, at most %d at a time", strings.Join(s.With, ", "), s.Most)
	case len(s.With) > 0:
		text += fmt.Sprintf(" with %s, at most %d at a time", strings.Join(s.With, ", "), s.Most)
	default:
		text += ", with nobody meanwhile"
	}
	switch {
	case !s.Left.IsZero() && !s.Stays.IsZero():
		text += fmt.Sprintf("; without this job it stays until %s for others, and workflow %s then releases it", s.Stays.UTC().Format(time.RFC3339), s.Guard)
	case !s.Left.IsZero():
		text += fmt.Sprintf("; others have it still, and workflow %s releases it after them", s.Guard)
	}
	return text
}
