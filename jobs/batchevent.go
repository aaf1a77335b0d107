package jobs

import "strings"

// BatchEvent is what a webhook is sent in the form of OpenAI's Batch API. Its
// types are batch.completed, batch.failed, batch.expired and batch.cancelled.
type BatchEvent struct {
	ID        string         `json:"id"`         // the same each time that the same event is sent
	Object    string         `json:"object"`     // event
	CreatedAt int64          `json:"created_at"` // Unix seconds: when the batch ended
	Type      string         `json:"type"`
	Data      BatchEventData `json:"data"`
}

// BatchEventData names the batch.
type BatchEventData struct {
	ID string `json:"id"`
}

// A batch of the OpenAI API runs as the job of the same id, but for the
// underscore, which no job id has.
const (
	batchPrefix    = "batch_"
	batchJobPrefix = "batch-"
)

// BatchJob is the id of the job that a batch of the OpenAI API runs as.
func BatchJob(batch string) string {
	return strings.Replace(batch, batchPrefix, batchJobPrefix, 1)
}

// BatchOf is the id of the batch that a job is, in the words of the OpenAI API;
// of a job that is none, its own id.
func BatchOf(job string) string {
	if rest, ok := strings.CutPrefix(job, batchJobPrefix); ok {
		return batchPrefix + rest
	}
	return job
}

// BatchEvent is the notice in the form of OpenAI's Batch API, which knows no
// failure beyond failed.
func (n Notice) BatchEvent() BatchEvent {
	kind := string(n.Data.Outcome)
	switch {
	case n.Type == "job."+string(OnUnconfirmed):
		kind = string(Failed)
	case n.Data.Outcome == Skipped:
		kind = string(Completed)
	}
	return BatchEvent{
		ID: "evt_" + n.Data.Job + "-" + kind, Object: "event", CreatedAt: n.Timestamp.Unix(),
		Type: "batch." + kind, Data: BatchEventData{ID: BatchOf(n.Data.Job)},
	}
}
