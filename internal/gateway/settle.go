package gateway

import (
	"context"
	"errors"
	"path"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// startGrace is how old a batch is before it counts as never started if no job
// is known: the server that takes it in may be about to start it.
const startGrace = time.Minute

// cancelRecord says when a client asked for a batch's cancellation.
type cancelRecord struct {
	At int64 `json:"at"`
}

// state tells how far a batch has come, and settles it if it has ended.
func (s *Server) state(ctx context.Context, v visitor, record batchRecord) (batchEnd, error) {
	var end batchEnd
	err := v.read(ctx, v.end(record.ID), &end)
	if err == nil || !errors.Is(err, bucket.ErrNotFound) {
		return end, err
	}
	var asked cancelRecord
	if err := ignoreAbsent(v.read(ctx, v.cancel(record.ID), &asked)); err != nil {
		return end, err
	}
	var report jobs.Report
	err = v.read(ctx, v.results(record.ID)+"report.json", &report)
	if err == nil {
		return s.settle(ctx, v, record, &report, asked.At)
	}
	if !errors.Is(err, bucket.ErrNotFound) {
		return end, err
	}
	sight, err := s.look(ctx, jobs.BatchJob(record.ID))
	switch {
	case errors.Is(err, ErrNoJob) && s.Now().Unix()-record.Created < int64(startGrace.Seconds()):
		return batchEnd{Status: validating}, nil
	case errors.Is(err, ErrNoJob):
		return s.settleLost(ctx, v, record, "The batch was never started, since the server that took it in was stopped. Nothing was spent on it; create it again.")
	case err != nil:
		return end, err
	case sight.Open:
		return sight.underway(asked.At), nil
	case sight.Report != nil:
		return s.settle(ctx, v, record, sight.Report, asked.At)
	}
	return s.settleLost(ctx, v, record, "The batch was ended from outside: "+sight.Reason)
}

// settle notes the end of a batch whose job has left a report: its files first,
// so that whoever sees the end finds them. It may run again, and at once in
// several servers.
func (s *Server) settle(ctx context.Context, v visitor, record batchRecord, report *jobs.Report, cancelAsked int64) (batchEnd, error) {
	end := endOf(*report, cancelAsked)
	output, faults := outputs(record, *report, s.Config.FileLifetime.Std())
	for _, file := range []struct {
		record *fileRecord
		id     *string
	}{{output, &end.Output}, {faults, &end.Errors}} {
		if file.record == nil {
			continue
		}
		*file.id = file.record.ID
		err := v.write(ctx, v.file(file.record.ID), file.record, true)
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return end, err
		}
	}
	var err error
	if end.Problems, err = s.problems(ctx, v, record, report); err != nil {
		return end, err
	}
	return s.note(ctx, v, record, end)
}

// problems says why a batch has not completed.
func (s *Server) problems(ctx context.Context, v visitor, record batchRecord, report *jobs.Report) ([]Problem, error) {
	planned := report.Counts.Total > 0
	switch {
	case report.Outcome != jobs.Failed && report.Failure != jobs.BudgetReached:
		return nil, nil
	case report.Failure == jobs.InvalidInput:
		found, err := s.Runner.Problems(ctx, v.results(record.ID), report.Job)
		if err != nil || len(found) > 0 {
			return found, err
		}
	case !planned && (report.Failure == jobs.NotFound || report.Failure == jobs.NoInput):
		param := "input_file_id"
		return []Problem{{Code: "invalid_request", Param: &param,
			Message: "Cannot find file " + record.Input + ", or you do not have access to it."}}, nil
	}
	code := codeOf(report.Failure)
	if code == "" {
		code = "batch_failed"
	}
	return []Problem{{Code: code, Message: report.Reason}}, nil
}

// settleLost notes the end of a batch whose job has left nothing.
func (s *Server) settleLost(ctx context.Context, v visitor, record batchRecord, why string) (batchEnd, error) {
	end := batchEnd{Status: failed, Failed: s.Now().Unix(), Problems: []Problem{{Code: "server_error", Message: why}}}
	return s.note(ctx, v, record, end)
}

// note writes the end down, once, and takes the mark away.
func (s *Server) note(ctx context.Context, v visitor, record batchRecord, end batchEnd) (batchEnd, error) {
	var noted batchEnd
	if err := v.writeFirst(ctx, v.end(record.ID), end, &noted); err != nil {
		return end, err
	}
	return noted, v.removeAll(ctx, v.open()+record.ID+"/", nil)
}

// settleAll settles all batches of a tenant that have ended.
func (s *Server) settleAll(ctx context.Context, v visitor) error {
	var open []string
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil {
			return err
		}
		open = append(open, path.Base(path.Dir(mark.URL)))
	}
	return each(ctx, len(open), func(ctx context.Context, i int) error {
		var record batchRecord
		if err := v.read(ctx, v.batch(open[i]), &record); err != nil {
			return ignoreAbsent(err) // it is being created, or never was
		}
		_, err := s.state(ctx, v, record)
		return err
	})
}
