package sim

import "time"

// Ledger is everything that happened in a cloud up to Now, in the order of
// creation. It is the same over HTTP (GET /sim/ledger) as in Go.
type Ledger struct {
	Now     time.Time        `json:"now"`
	Entries []Entry          `json:"entries"`
	Total   Total            `json:"total"`
	Batches []BatchEntry     `json:"batches,omitempty"` // of the providers' own Batch APIs
	Files   int              `json:"files,omitempty"`   // stored for them
	Calls   map[string]int64 `json:"calls"`             // control-plane calls by operation, refused and faulty ones too
	Faults  map[Kind]int64   `json:"faults"`            // how often a fault of that kind fired
	Data    Traffic          `json:"data"`
}

// Entry is the account of one endpoint. It stays when the endpoint is gone.
// Times that have not come are left out.
type Entry struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	Key      string `json:"key"` // what requests carry as "model"
	State    State  `json:"state"`

	CreatedAt       time.Time `json:"created_at"`                 // of a Late endpoint: when it will appear
	ReadyAt         time.Time `json:"ready_at,omitzero"`          // first replica of the latest start
	StopRequestedAt time.Time `json:"stop_requested_at,omitzero"` // delete, disable or pause, whichever came first
	StoppedAt       time.Time `json:"stopped_at,omitzero"`

	ReadyReplicas  int     `json:"ready_replicas"`
	ReplicaSeconds float64 `json:"replica_seconds"` // billed so far
	GPUSeconds     float64 `json:"gpu_seconds"`     // billed so far

	// Requests that a replica answered, whether or not the reply arrived, and
	// the stream-seconds they take at full speed: divided by Model.Knee, they
	// are the fewest replica-seconds that could have answered them.
	Answered    int64   `json:"answered"`
	WorkSeconds float64 `json:"work_seconds"`
	MaxInFlight int     `json:"max_in_flight"`

	FirstRequestAt time.Time `json:"first_request_at,omitzero"` // first one that a replica took
	LastRequestAt  time.Time `json:"last_request_at,omitzero"`
	LastAnswerAt   time.Time `json:"last_answer_at,omitzero"`
}

// Total adds up the entries.
type Total struct {
	ReplicaSeconds float64 `json:"replica_seconds"`
	GPUSeconds     float64 `json:"gpu_seconds"`
	Answered       int64   `json:"answered"`
}

// Traffic is what reached the data plane.
type Traffic struct {
	Received    int64         `json:"received"`
	InFlight    int64         `json:"in_flight"`
	MaxInFlight int64         `json:"max_in_flight"`
	Statuses    map[int]int64 `json:"statuses"`     // 0: cut off by a fault before it; 499: the client went away first
	BeforeReady int64         `json:"before_ready"` // refused with 404 because the endpoint was still starting

	PromptTokens     int64 `json:"prompt_tokens"`     // of the answered ones
	CompletionTokens int64 `json:"completion_tokens"` // of the answered ones

	// Bodies that an endpoint took, answered or given up by the client, told
	// apart by a 64-bit hash of all but the value of "model". Repeats are those seen before. Once
	// Overflowed, new bodies are no longer remembered: both are lower bounds.
	DistinctBodies int64 `json:"distinct_bodies"`
	RepeatedBodies int64 `json:"repeated_bodies"`
	Overflowed     bool  `json:"overflowed"`
}

// Running returns the endpoints that hold GPUs or may come to hold some: all
// that are neither stopped nor gone.
func (l Ledger) Running() []Entry {
	var running []Entry
	for _, e := range l.Entries {
		if e.State != Stopped && e.State != Gone {
			running = append(running, e)
		}
	}
	return running
}

// Ledger reads the accounts; endpoints that run are billed up to now.
func (c *Cloud) Ledger() Ledger {
	l := Ledger{
		Entries: []Entry{},
		Calls:   c.counts.calls(),
		Faults:  c.faults.firings(),
		Data:    c.traffic.read(),
	}
	for _, e := range c.all() {
		entry := e.entry()
		l.Entries = append(l.Entries, entry)
		l.Total.ReplicaSeconds += entry.ReplicaSeconds
		l.Total.GPUSeconds += entry.GPUSeconds
		l.Total.Answered += entry.Answered
	}
	for _, b := range c.batches {
		entries, files := b.entries()
		l.Batches = append(l.Batches, entries...)
		l.Files += files
	}
	l.Now = clock()
	return l
}

func (e *endpoint) entry() Entry {
	now := e.lock()
	defer e.unlock(now)
	return Entry{
		Provider: e.provider, ID: e.id, Name: e.name, Key: e.key, State: e.state,
		CreatedAt: e.createdAt, ReadyAt: e.readyAt, StopRequestedAt: e.stopRequestedAt, StoppedAt: e.stoppedAt,
		ReadyReplicas:  e.readyReplicas(),
		ReplicaSeconds: e.bill.replicas.Seconds(), GPUSeconds: e.bill.gpus.Seconds(),
		Answered: e.use.answered, WorkSeconds: e.use.work.Seconds(), MaxInFlight: e.use.maxInFlight,
		FirstRequestAt: e.use.firstRequest, LastRequestAt: e.use.lastRequest, LastAnswerAt: e.use.lastAnswer,
	}
}
