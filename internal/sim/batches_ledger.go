package sim

import "time"

// BatchEntry is the account of one batch of a provider's own Batch API.
type BatchEntry struct {
	Provider  string    `json:"provider"`
	ID        string    `json:"id"`
	Input     string    `json:"input_file_id"`
	State     string    `json:"state"` // in OpenAI's words, whatever the provider's; late: made after its create was answered as failed
	Requests  int       `json:"requests"`
	Done      int       `json:"done"` // answered so far, with an error or without: what is charged for
	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// RunningBatches returns the batches that have not ended.
func (l Ledger) RunningBatches() []BatchEntry {
	var running []BatchEntry
	for _, e := range l.Batches {
		if !batchState(e.State).over() {
			running = append(running, e)
		}
	}
	return running
}

// entries reads the accounts of the batches, and returns the number of files
// that are stored.
func (b *batches) entries() (entries []BatchEntry, files int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	now := clock()
	for _, one := range b.batches {
		entries = append(entries, BatchEntry{
			Provider: one.provider, ID: one.id, Input: one.input, State: string(one.state(now)),
			Requests: one.total, Done: one.done(now), CreatedAt: one.createdAt, EndedAt: one.endedAt(now),
		})
	}
	return entries, len(b.files)
}
