package batchapi

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// Phase is where a batch is in its life.
type Phase string

// The phases. All but Running are the end; results may lie there after each
// of them.
const (
	Running   Phase = "running" // or on its way there, or in a state that has no name here
	Completed Phase = "completed"
	Failed    Phase = "failed" // as a whole; Reason says why
	Expired   Phase = "expired"
	Cancelled Phase = "cancelled"
)

// phases has the words of all providers, in lower case. What is not here is
// Running.
var phases = map[string]Phase{
	"completed": Completed, "done": Completed, "succeeded": Completed,
	"failed": Failed, "expired": Expired, "cancelled": Cancelled, "canceled": Cancelled,
}

// Batch is one reading of a batch.
type Batch struct {
	ID     string
	Input  string // file ids; empty while there is none
	Output string
	Errors string
	Phase  Phase
	Status string // the provider's own word
	Reason string // why it failed, in the provider's words, fit for a log

	// How many requests are answered and have failed, as far as it tells.
	Completed, Failed int64
	Percent           float64 // done, where it tells that instead
}

// identified is an answer that must have an id.
type identified struct {
	ID string `json:"id"`
}

func (i *identified) UnmarshalJSON(data []byte) error {
	type plain identified
	if err := json.Unmarshal(data, (*plain)(i)); err != nil {
		return err
	}
	if i.ID == "" {
		return errNoID
	}
	return nil
}

var errNoID = errors.New("no id in it")

// wire is a batch as any of the providers sends it.
type wire struct {
	ID       provider.Maybe[string]          `json:"id"`
	Input    provider.Maybe[string]          `json:"input_file_id"`
	Output   provider.Maybe[string]          `json:"output_file_id"`
	Errors   provider.Maybe[string]          `json:"error_file_id"`
	Status   provider.Maybe[string]          `json:"status"`
	Error    provider.Maybe[string]          `json:"error"`  // Together
	Problems provider.Maybe[problems]        `json:"errors"` // OpenAI
	Counts   provider.Maybe[counts]          `json:"request_counts"`
	Percent  provider.Maybe[float64]         `json:"progress"`
	Job      provider.Maybe[json.RawMessage] `json:"job"` // Together wraps what was created
}

type counts struct {
	Completed provider.Maybe[int64] `json:"completed"`
	Failed    provider.Maybe[int64] `json:"failed"`
}

type problems struct {
	Data []struct {
		Code    provider.Maybe[string] `json:"code"`
		Message provider.Maybe[string] `json:"message"`
		Line    provider.Maybe[int64]  `json:"line"`
	} `json:"data"`
}

const (
	maxReason = 300 // bytes
	maxStatus = 40
)

func (w *wire) batch() Batch {
	word := strings.TrimSpace(w.Status.Value)
	phase, known := phases[strings.ToLower(word)]
	if !known {
		phase = Running
	}
	return Batch{
		ID: w.ID.Value, Input: w.Input.Value, Output: w.Output.Value, Errors: w.Errors.Value,
		Phase: phase, Status: provider.Clip(word, maxStatus), Reason: w.reason(),
		Completed: w.Counts.Value.Completed.Value, Failed: w.Counts.Value.Failed.Value, Percent: w.Percent.Value,
	}
}

func (w *wire) reason() string {
	reasons := []string{}
	if w.Error.Value != "" {
		reasons = append(reasons, w.Error.Value)
	}
	for _, problem := range w.Problems.Value.Data {
		reasons = append(reasons, strings.TrimSpace(problem.Code.Value+" "+problem.Message.Value))
	}
	return provider.Clip(strings.Join(reasons, "; "), maxReason)
}

// created is one batch, bare or wrapped. Without an id it is unreadable.
type created struct{ wire }

func (c *created) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &c.wire); err != nil {
		return err
	}
	if inner := c.Job.Value; len(inner) > 0 && inner[0] == '{' {
		c.wire = wire{}
		if err := json.Unmarshal(inner, &c.wire); err != nil {
			return err
		}
	}
	if c.ID.Value == "" {
		return errNoID
	}
	return nil
}

// listing is a list of batches: an array, or a page that holds one.
type listing struct {
	batches []wire
	more    bool
}

func (l *listing) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &l.batches); err == nil {
		return nil
	}
	var page struct {
		Data *[]wire              `json:"data"`
		More provider.Maybe[bool] `json:"has_more"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return err
	}
	if page.Data == nil {
		return errors.New("no list in it")
	}
	l.batches, l.more = *page.Data, page.More.Value
	return nil
}

func (l *listing) last() string {
	if len(l.batches) == 0 {
		return ""
	}
	return l.batches[len(l.batches)-1].ID.Value
}
