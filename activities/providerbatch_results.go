package activities

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/jobs"
)

// Files of results are asked for several times: they can be cut, fail to
// come, or be named and filled a little after the batch has ended.
const (
	fetchTries = 3
	fetchPause = 5 * time.Second
)

// fetch puts the results that the batch has into parts.
func (run *batchRun) fetch() error {
	for try := 1; ; try++ {
		err := errors.Join(run.download(run.over.Output), run.download(run.over.Errors))
		_, final := hopeless(err)
		switch {
		case err == nil && (run.pending() == 0 || run.over.Phase != batchapi.Completed):
			return nil
		case final, try == fetchTries:
			return err
		}
		if !pause(run.calls, max(time.Duration(try)*fetchPause, retryAfter(err))) {
			return errStopping
		}
		if batch, err := run.api.Describe(run.calls, run.over.ID); err == nil && batch.Phase != batchapi.Running {
			run.over = batch
		}
	}
}

// download takes the lines of one file. A file that does not exist has none.
func (run *batchRun) download(file string) error {
	if file == "" {
		return nil
	}
	body, err := run.api.Open(run.calls, file)
	if provider.Absent(err) {
		activity.GetLogger(run.ctx).Warn("the provider does not have a file of results", "file", file, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer body.Close()
	unread := 0
	scanner := batchfile.NewScanner(body, maxResultLine)
	for scanner.Scan() {
		if !run.take(scanner.Bytes()) {
			unread++
		}
	}
	if unread > 0 {
		activity.GetLogger(run.ctx).Warn("a file of results has lines that make no sense", "file", file, "lines", unread)
	}
	return scanner.Err()
}

// take keeps one line's result, if its request has none yet. It reports false
// for a line that is about no request of the shard.
func (run *batchRun) take(text []byte) bool {
	line, err := batchapi.ReadLine(text)
	if err != nil {
		return false
	}
	index, ours := readID(line.CustomID)
	at, here := run.place(index)
	switch {
	case !ours || !here:
		return false
	case run.done[at]:
		return true
	case line.Status == 0 && (line.Code == batchfile.CodeBatchExpired || line.Code == batchfile.CodeBatchCancelled):
		return true // it never ran; what that means is for settle to say
	}
	run.keep(at, run.result(line))
	return true
}

// keep gives a request its result.
func (run *batchRun) keep(at int, result batchfile.Result) {
	result.Index, result.CustomID = run.shard.FirstRequest+int64(at), run.ids[at]
	run.parts.add(result, run.sums[at])
	run.done[at] = true
}

func (run *batchRun) result(line batchapi.Line) batchfile.Result {
	if line.Status == 0 {
		return failed(line.Code, line.Message)
	}
	result := batchfile.Result{Status: line.Status, RequestID: line.RequestID, Body: line.Body}
	if line.Status/100 == 2 {
		usage, err := batchfile.ReadAnswer(run.plan.URL, line.Body)
		if err != nil {
			return failed(codeInvalidResponse, err.Error())
		}
		result.Sound, result.Usage = true, usage
	}
	return result
}

func failed(code, message string) batchfile.Result {
	return batchfile.Result{Error: &batchfile.ResultError{Code: code, Message: message}}
}

// codeResultMissing is the error code of a request that a completed batch says
// nothing about.
const codeResultMissing = "result_missing"

// settle decides about the requests that a batch which is over has no result
// for.
func (run *batchRun) settle() error {
	batch := run.over
	if batch.Phase == batchapi.Failed {
		return nil
	}
	// Another attempt may have written results since this one began.
	if err := run.resume(run.calls); err != nil {
		return err
	}
	code, message := codeResultMissing, "its batch has completed, and says nothing about this request"
	switch batch.Phase {
	case batchapi.Expired:
		code, message = batchfile.CodeBatchExpired, "the provider's batch expired before it reached this request"
	case batchapi.Cancelled:
		if run.journal.last.Step == batchCancelling {
			return nil
		}
		code, message = batchfile.CodeBatchCancelled, "somebody cancelled the provider's batch before it reached this request"
	}
	for at, done := range run.done {
		if !done {
			run.keep(at, failed(code, fmt.Sprintf("%s (batch %s of %s)", message, batch.ID, run.api.Dialect().Name)))
		}
	}
	return nil
}

// refusal is the error of a batch that failed as a whole.
func (run *batchRun) refusal() error {
	if run.over.Phase != batchapi.Failed {
		return nil
	}
	return final(jobs.EndpointRefused, fmt.Sprintf("%s failed batch %s: %s",
		run.api.Dialect().Name, run.over.ID, cmp.Or(run.over.Reason, "no reason given")))
}

// tidyUp deletes what the provider still has and closes the journal, now that
// the parts are written. An attempt that finds every result there does it in
// place of the one that was killed before.
func (run *batchRun) tidyUp() error {
	last := run.journal.last
	if last.Step != batchCreated && last.Step != batchCancelling {
		return nil
	}
	if run.over.ID == "" {
		batch, err := run.api.Describe(run.calls, last.Batch)
		if err != nil || batch.Phase == batchapi.Running {
			return nil // nobody needs more of it
		}
		run.over = batch
	}
	for _, file := range []string{last.Input, run.over.Output, run.over.Errors} {
		run.remove(file)
	}
	err := run.journal.append(run.ctx, batchEntry{Step: batchEnded, Input: last.Input, Batch: run.over.ID, Status: run.over.Status})
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}
