package gateway

import (
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// batchRecord is what a client asked for. Times are Unix seconds.
type batchRecord struct {
	ID       string            `json:"id"`
	URL      string            `json:"url"` // the endpoint, in OpenAI's words
	Input    string            `json:"input"`
	Window   string            `json:"window"`
	Model    string            `json:"model,omitempty"` // that the first request names
	Created  int64             `json:"created"`
	Expires  int64             `json:"expires"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Lifetime int64             `json:"lifetime,omitempty"` // of the output files, in seconds
}

// batchEnd is how far a batch has come or, as a record, how it ended.
type batchEnd struct {
	Status     string     `json:"status"`
	InProgress int64      `json:"in_progress,omitempty"`
	Finalizing int64      `json:"finalizing,omitempty"`
	Completed  int64      `json:"completed,omitempty"`
	Failed     int64      `json:"failed,omitempty"`
	Expired    int64      `json:"expired,omitempty"`
	Cancelling int64      `json:"cancelling,omitempty"`
	Cancelled  int64      `json:"cancelled,omitempty"`
	Output     string     `json:"output,omitempty"` // ids of files
	Errors     string     `json:"errors,omitempty"`
	Counts     counts     `json:"counts"`
	Usage      jobs.Usage `json:"usage"`
	Problems   []Problem  `json:"problems,omitempty"`
	Cost       jobs.Money `json:"cost,omitzero"`
}

// The states of a batch.
const (
	validating = "validating"
	inProgress = "in_progress"
	finalizing = "finalizing"
	completed  = "completed"
	failed     = "failed"
	expired    = "expired"
	cancelling = "cancelling"
	cancelled  = "cancelled"
)

// ended reports whether a state is final.
func (e batchEnd) ended() bool {
	switch e.Status {
	case completed, failed, expired, cancelled:
		return true
	}
	return false
}

// at is when it ended, in Unix seconds; zero while it has not.
func (e batchEnd) at() int64 { return max(e.Completed, e.Failed, e.Expired, e.Cancelled) }

// batchObject is a batch as the API shows it.
type batchObject struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Endpoint         string            `json:"endpoint"`
	Model            *string           `json:"model"`
	Errors           *problemList      `json:"errors"`
	InputFileID      string            `json:"input_file_id"`
	CompletionWindow string            `json:"completion_window"`
	Status           string            `json:"status"`
	OutputFileID     *string           `json:"output_file_id"`
	ErrorFileID      *string           `json:"error_file_id"`
	CreatedAt        int64             `json:"created_at"`
	InProgressAt     *int64            `json:"in_progress_at"`
	ExpiresAt        int64             `json:"expires_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	CompletedAt      *int64            `json:"completed_at"`
	FailedAt         *int64            `json:"failed_at"`
	ExpiredAt        *int64            `json:"expired_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CancelledAt      *int64            `json:"cancelled_at"`
	RequestCounts    counts            `json:"request_counts"`
	Usage            usageObject       `json:"usage"`
	Metadata         map[string]string `json:"metadata"`
}

type problemList struct {
	Object string    `json:"object"`
	Data   []Problem `json:"data"`
}

// counts are of requests. Those that never ran are in neither of the last two.
type counts struct {
	Total     int64 `json:"total"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
}

type usageObject struct {
	InputTokens  int64         `json:"input_tokens"`
	InputDetails inputDetails  `json:"input_tokens_details"`
	OutputTokens int64         `json:"output_tokens"`
	Output       outputDetails `json:"output_tokens_details"`
	TotalTokens  int64         `json:"total_tokens"`
}

type inputDetails struct {
	CachedTokens int64 `json:"cached_tokens"`
}

type outputDetails struct {
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// object is the batch with how far it has come.
func (b batchRecord) object(e batchEnd) batchObject {
	object := batchObject{
		ID: b.ID, Object: "batch", Endpoint: b.URL, Model: orNull(b.Model), InputFileID: b.Input, CompletionWindow: b.Window,
		Status: e.Status, OutputFileID: orNull(e.Output), ErrorFileID: orNull(e.Errors),
		CreatedAt: b.Created, InProgressAt: orNull(e.InProgress), ExpiresAt: b.Expires, FinalizingAt: orNull(e.Finalizing),
		CompletedAt: orNull(e.Completed), FailedAt: orNull(e.Failed), ExpiredAt: orNull(e.Expired),
		CancellingAt: orNull(e.Cancelling), CancelledAt: orNull(e.Cancelled), RequestCounts: e.Counts,
		Usage: usageObject{
			InputTokens: e.Usage.InputTokens, InputDetails: inputDetails{e.Usage.CachedTokens},
			OutputTokens: e.Usage.OutputTokens, Output: outputDetails{e.Usage.ReasoningTokens},
			TotalTokens: e.Usage.InputTokens + e.Usage.OutputTokens,
		},
		Metadata: b.Metadata,
	}
	if len(e.Problems) > 0 {
		object.Errors = &problemList{Object: "list", Data: e.Problems}
	}
	return object
}

// underway is how far a batch has come whose job runs.
func (s Sight) underway(cancelAsked int64) batchEnd {
	e := progressOf(s.Phases)
	switch s.Phase {
	case "", jobs.Planning:
		e.Status = validating
	case jobs.Releasing, jobs.Collecting, jobs.Ended:
		e.Status = finalizing
	default:
		e.Status, e.Finalizing = inProgress, 0
	}
	if s.Cancelling && e.Status != finalizing {
		e.Status = cancelling
	}
	e.Cancelling = cancelAsked
	e.Counts, e.Usage, e.Cost = countsOf(s.Counts), s.Usage, s.Cost
	return e
}

// progressOf reads off a job's phases when it began to run and when it was done
// with that.
func progressOf(phases []jobs.PhaseTime) (e batchEnd) {
	for _, phase := range phases {
		switch phase.Phase {
		case jobs.Warming, jobs.Running:
			if e.InProgress == 0 {
				e.InProgress = phase.Start.Unix()
			}
			e.Finalizing = 0
		case jobs.Releasing, jobs.Collecting:
			if e.Finalizing == 0 && e.InProgress != 0 {
				e.Finalizing = phase.Start.Unix()
			}
		}
	}
	return e
}

func countsOf(c jobs.Counts) counts {
	return counts{Total: c.Total, Completed: c.Completed, Failed: c.Failed}
}

// endOf is how a batch ended whose job left a report, but for its problems and
// files.
func endOf(report jobs.Report, cancelAsked int64) batchEnd {
	e := progressOf(report.Phases)
	at := report.Finished.Unix()
	switch report.Outcome {
	case jobs.Completed, jobs.Skipped:
		e.Status, e.Completed = completed, at
	case jobs.Cancelled:
		e.Status, e.Cancelled, e.Cancelling = cancelled, at, cancelAsked
		if e.Cancelling == 0 { // by hand, behind the API's back
			e.Cancelling = at
		}
	case jobs.Expired:
		e.Status, e.Expired = expired, at
	default:
		e.Status, e.Failed = failed, at
	}
	e.Counts, e.Usage, e.Cost = countsOf(report.Counts), report.Usage, report.Cost
	return e
}

// outputs makes the records of a report's files of results. Their ids follow
// from the batch and its end.
func outputs(record batchRecord, report jobs.Report, lifetime time.Duration) (output, errors *fileRecord) {
	if record.Lifetime > 0 {
		lifetime = time.Duration(record.Lifetime) * time.Second
	}
	for _, file := range report.Files {
		kind, _, _ := strings.Cut(path.Base(file.URL), ".")
		made := &fileRecord{
			ID: idOf(fileKind, report.Finished, record.ID+"/"+kind), Purpose: forOutput, Bytes: file.Bytes,
			Created: report.Finished.Unix(), Expires: report.Finished.Add(lifetime).Unix(), Content: file.URL, Batch: record.ID,
		}
		switch kind {
		case "output":
			made.Filename = record.ID + "_output.jsonl"
			output = made
		case "errors":
			made.Filename = record.ID + "_error.jsonl"
			errors = made
		}
	}
	return output, errors
}

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)

// codeOf writes one of the jobs' error types as the API writes codes:
// no_capacity.
func codeOf(failure string) string {
	return strings.ToLower(wordStart.ReplaceAllString(failure, "${1}_${2}"))
}
