package workflows

import (
	"cmp"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// Sent is when requests of one rental, or of one shard, were first sent and
// last answered; zero when none was.
type Sent struct {
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Add widens s to hold other.
func (s *Sent) Add(other Sent) {
	if s.First.IsZero() || !other.First.IsZero() && other.First.Before(s.First) {
		s.First = other.First
	}
	if other.Last.After(s.Last) {
		s.Last = other.Last
	}
}

// Address is how requests reach an endpoint.
type Address struct {
	Provider string `json:"provider"`           // names the token to send
	BaseURL  string `json:"base_url"`           // OpenAI-compatible, ends in /v1
	Model    string `json:"model"`              // value of "model" that is routed there
	Replicas int    `json:"replicas,omitempty"` // that were ready when it first answered, as far as is known
}

// BatchAddress is where the Batch API of an endpoint in mode provider-batch is
// reached.
func BatchAddress(endpoint jobs.Endpoint) Address {
	return Address{Provider: endpoint.Provider, BaseURL: cmp.Or(endpoint.ControlURL, endpoint.BaseURL), Model: endpoint.Model}
}

// ShardCall is the input of RunShard and RunShardAsBatch; their result is a
// ShardDone.
type ShardCall struct {
	Job      string        `json:"job"`
	PlanURL  string        `json:"plan_url"`
	Shard    int           `json:"shard"`
	Address  Address       `json:"address"`
	Requests jobs.Requests `json:"requests"`
	Model    string        `json:"model,omitempty"` // as the job file has it; that of the address can be the endpoint's alone
}

// ShardDone counts one shard's result lines, those of earlier attempts
// included.
type ShardDone struct {
	Shard     int        `json:"shard"`
	Completed int64      `json:"completed"`
	Failed    int64      `json:"failed"`
	Usage     jobs.Usage `json:"usage"`
	Sent      Sent       `json:"sent"`             // by the attempt that finished it
	Hedged    int64      `json:"hedged,omitempty"` // requests that it sent twice because they were slow
	Worker    string     `json:"worker,omitempty"` // the process that finished it, by a name of its own
}

// ShardBeat is what both of them heartbeat: a hint for people and programs that
// watch. The checkpoint of record is the parts in the bucket.
type ShardBeat struct {
	Shard     int   `json:"shard"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	InFlight  int   `json:"in_flight"`
	Tokens    int64 `json:"tokens"` // input and output
}
