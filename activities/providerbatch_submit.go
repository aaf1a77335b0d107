package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/provider"
)

// createSettles is for how long the batch of a create without an answer is
// looked for: longer than a call may take, so that an attempt which died in it
// is not overtaken.
const (
	createSettles = 45 * time.Second
	findEvery     = 5 * time.Second
)

// submit takes the steps that are left to a batch, and returns its id.
func (run *batchRun) submit() (id string, err error) {
	for {
		switch last := run.journal.last; last.Step {
		case batchCreated, batchCancelling:
			return last.Batch, nil
		case batchCreating:
			err = run.look(last.Input)
		case batchUploaded:
			err = run.create(last.Input)
		default:
			err = run.upload()
		}
		switch {
		case err != nil && !errors.Is(err, errOvertaken):
			return "", err
		case run.journal.last.Step == batchEnded:
			return "", errElsewhere
		}
	}
}

// errElsewhere is for an attempt that slept while another did the work: what it
// knows of the shard's results is out of date.
var errElsewhere = waiting("another attempt has ended the shard's batch", 10*time.Millisecond)

// upload uploads the requests without a result. When another attempt was
// faster, its file counts.
func (run *batchRun) upload() error {
	if err := context.Cause(run.ending); err != nil {
		return err
	}
	reader, writer := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() { writer.CloseWithError(run.writeLines(writer)) })
	name := fmt.Sprintf("%s-%d.jsonl", path.Base(run.call.Job), run.call.Shard)
	input, err := run.api.Upload(run.ending, name, reader, run.size)
	reader.Close()
	writing.Wait()
	if err != nil {
		return err
	}
	err = run.journal.append(run.ctx, batchEntry{Step: batchUploaded, Input: input})
	if errors.Is(err, errOvertaken) {
		run.remove(input)
	}
	return err
}

// create asks for the batch, having said so.
func (run *batchRun) create(input string) error {
	if err := context.Cause(run.ending); err != nil {
		return err
	}
	if err := run.journal.append(run.ctx, batchEntry{Step: batchCreating, Input: input}); err != nil {
		return err
	}
	batch, err := run.api.Create(run.calls, input, run.plan.URL, map[string]string{
		"nightshift_job": run.call.Job, "nightshift_shard": strconv.Itoa(run.call.Shard),
	})
	switch {
	case err == nil:
		return run.adopt(batch.ID, input)
	case provider.KindOf(err) == provider.Ambiguous:
		return run.look(input)
	}
	return errors.Join(err, run.journal.append(run.ctx, batchEntry{Step: batchUploaded, Input: input}))
}

// look finds the batch of a create whose outcome is not known, and leaves the
// journal at uploaded if there is none. It looks also while the activity is
// cancelled: a batch that nobody knows of is one that nobody cancels.
func (run *batchRun) look(input string) error {
	for began := time.Now(); ; {
		batch, found, err := run.api.Find(run.calls, input)
		lasted := time.Since(began)
		switch _, final := hopeless(err); {
		case found:
			return run.adopt(batch.ID, input)
		case err == nil && lasted >= createSettles:
			return run.journal.append(run.ctx, batchEntry{Step: batchUploaded, Input: input})
		case err != nil && (final || lasted >= failFor):
			return err
		}
		if !pause(run.calls, max(findEvery, retryAfter(err))) {
			return context.Cause(run.ending)
		}
	}
}

// adopt writes the batch down. If another attempt has one already, this one is
// too many.
func (run *batchRun) adopt(id, input string) error {
	for {
		err := run.journal.append(run.ctx, batchEntry{Step: batchCreated, Input: input, Batch: id})
		if !errors.Is(err, errOvertaken) {
			return err
		}
		switch last := run.journal.last; {
		case last.Batch == id:
			return nil
		case last.Batch != "" || last.Input != input:
			if err := run.api.Cancel(run.calls, id); err != nil {
				return fmt.Errorf("cancel batch %s, which is one too many: %w", id, err)
			}
			return errOvertaken
		}
	}
}

// The custom_ids of uploaded lines are ours: a request's index over all inputs.
// The input's own may be longer than what providers take.
const idPrefix = "ns-"

func appendID(dst []byte, index int64) []byte { return fmt.Appendf(dst, "%s%012d", idPrefix, index) }

func readID(id string) (index int64, ok bool) {
	digits, ours := strings.CutPrefix(id, idPrefix)
	n, err := strconv.ParseUint(digits, 10, 63)
	return int64(n), ours && err == nil
}

// appendLine appends a request as it is uploaded.
func (run *batchRun) appendLine(dst []byte, request batchfile.Request, index int64) []byte {
	dst = appendID(append(dst, `{"custom_id":"`...), index)
	dst = fmt.Appendf(dst, `","method":"%s","url":"%s","body":`, request.Method, request.URL)
	body := request.AppendBody(nil, run.call.Address.Model)
	return append(batchfile.NewDefaults(run.call.Requests.Defaults).Append(dst, body), "}\n"...)
}

// survey reads the requests without a result once: how long the file will be,
// and their custom_ids, of which there are at most maxShardRequests.
func (run *batchRun) survey() error {
	run.ids, run.sums = make([][]byte, len(run.done)), make([]uint64, len(run.done))
	var line []byte
	return run.eachLine(run.ctx, func(request batchfile.Request, index int64) error {
		at, _ := run.place(index)
		run.ids[at], run.sums[at] = bytes.Clone(request.CustomID), batchfile.RequestSum(request.URL, request.Body)
		line = run.appendLine(line[:0], request, index)
		run.size += int64(len(line))
		run.sent++
		return nil
	})
}

// writeLines writes the requests without a result.
func (run *batchRun) writeLines(w io.Writer) error {
	var line []byte
	return run.eachLine(run.ending, func(request batchfile.Request, index int64) error {
		line = run.appendLine(line[:0], request, index)
		_, err := w.Write(line)
		return err
	})
}

// remove deletes a file of the provider's. That it stays is no reason to fail.
func (run *batchRun) remove(file string) {
	if err := run.api.Remove(run.calls, file); err != nil {
		activity.GetLogger(run.ctx).Warn("a file stays with the provider", "file", file, "error", err)
	}
}
