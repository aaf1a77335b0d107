package workflows

import (
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// Lending is what one run of a shared endpoint's Endpoint hands to the next.
type Lending struct {
	Leases  []Lease     `json:"leases,omitempty"`
	News    *RentalNews `json:"news,omitempty"` // of the rental that goes on; nil for one that begins
	Until   time.Time   `json:"until,omitzero"` // not to be released before, even if no job has it
	Ends    time.Time   `json:"ends,omitzero"`  // its lifetime
	Settled time.Time   `json:"settled,omitzero"`
	Sum     float64     `json:"sum,omitempty"`  // replica-seconds that are divided among the leases, or idle
	Idle    float64     `json:"idle,omitempty"` // of them, billed while no job had it
	Uses    []jobs.Use  `json:"uses,omitempty"` // of jobs that returned it, the last jobs.MaxUses
	Jobs    int         `json:"jobs,omitempty"` // that had it

	Journals []string `json:"journals,omitempty"` // outputs below which further journals lie
}

// Lease is one job's share of a shared endpoint.
type Lease struct {
	Request EndpointRequest `json:"request"`
	From    time.Time       `json:"from"`
	Meter   jobs.Meter      `json:"meter,omitzero"`
	With    []string        `json:"with,omitempty"` // other jobs that had it meanwhile, at most jobs.MaxWith
	Most    int             `json:"most"`
	Capped  string          `json:"capped,omitempty"` // RentalNews.Capped, when the job was told
}

// Sharing answers the sharing query: who has the endpoint, and who is billed for
// what.
type Sharing struct {
	Stage   RentalStage `json:"stage"`
	Rental  jobs.Rental `json:"rental"` // the whole of it; its Shared has what jobs used that returned it
	Leases  []Lease     `json:"leases"`
	Settled time.Time   `json:"settled"` // up to here their meters count; what is billed since is theirs in equal parts
	Until   time.Time   `json:"until,omitzero"`
	Ends    time.Time   `json:"ends"`
}

// Of returns a job's lease with what it is billed for up to a time, by the
// endpoint's meter.
func (s Sharing) Of(job string, meter jobs.Meter, now time.Time) (Lease, bool) {
	for _, one := range s.Leases {
		if one.Request.Job == job {
			one.Meter.AddShare(meter, s.Settled, now, len(s.Leases))
			return one, true
		}
	}
	return Lease{}, false
}
