package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// batchStep is how far a shard's batch has come.
type batchStep string

// The steps, in order. After the last, or none, the next batch begins with an
// upload. A create that came to nothing leads back to uploaded.
const (
	batchUploaded   batchStep = "uploaded"
	batchCreating   batchStep = "creating" // about to be asked for: there may be a batch of the file
	batchCreated    batchStep = "created"
	batchCancelling batchStep = "cancelling" // by us
	batchEnded      batchStep = "ended"      // its results lie in parts
)

// batchEntry is one entry of the journal.
type batchEntry struct {
	Step   batchStep `json:"step"`
	Input  string    `json:"input_file_id,omitempty"`
	Batch  string    `json:"batch_id,omitempty"`
	Status string    `json:"status,omitempty"` // the provider's word, once it has ended
	At     time.Time `json:"at"`
}

// batchJournal is what attempts at a shard tell each other about its batch. It
// is a row of numbered objects that only grows: of two attempts that write
// the same number one wins, and the other must read on and think again. (One
// object that is rewritten would need a put on condition of its version, which
// not every object store has.)
type batchJournal struct {
	store  *bucket.Store
	entry  func(number int) string // URL
	number int                     // of the last entry read
	last   batchEntry
}

// errOvertaken means that another attempt wrote first. The journal has been
// read on.
var errOvertaken = errors.New("another attempt wrote into the batch's journal first")

// load reads the entries written since the last time.
func (j *batchJournal) load(ctx context.Context) error {
	for {
		url := j.entry(j.number + 1)
		reader, err := j.store.Open(ctx, url, bucket.ReadOptions{})
		if errors.Is(err, bucket.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("batch journal: %w", err)
		}
		var entry batchEntry
		err = json.NewDecoder(reader).Decode(&entry)
		reader.Close()
		if err != nil {
			return fmt.Errorf("decode %s: %w", url, err)
		}
		j.number, j.last = j.number+1, entry
	}
}

// append writes the next entry. It is not cut short by the end of ctx: an entry
// says what has happened.
func (j *batchJournal) append(ctx context.Context, entry batchEntry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	entry.At = time.Now().UTC()
	text, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("batch journal: %w", err)
	}
	_, err = j.store.Put(ctx, j.entry(j.number+1), append(text, '\n'), bucket.PutOptions{IfAbsent: true, ContentType: "application/json"})
	if errors.Is(err, bucket.ErrExists) {
		return errors.Join(j.load(ctx), errOvertaken)
	}
	if err != nil {
		return fmt.Errorf("batch journal: %w", err)
	}
	j.number, j.last = j.number+1, entry
	return nil
}
