package gateway

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// urls are the endpoints, in OpenAI's words, that a batch may name.
var urls = []string{"/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions"}

// createBatch starts a batch. All that is wrong with its input comes later.
func (s *Server) createBatch(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.readBatch(r)
	if err != nil {
		return err
	}
	if err := s.start(r.Context(), v, record); err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object(batchEnd{Status: validating}))
	return nil
}

func (s *Server) readBatch(r *http.Request) (*batchRecord, error) {
	p, err := readParameters(r, "input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	record := &batchRecord{
		ID: newID(batchKind, now), Created: now.Unix(),
		Input: p.text("input_file_id"), URL: p.text("endpoint"), Window: p.text("completion_window"),
		Metadata: p.metadata(), Lifetime: p.lifetime("output_expires_after"),
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case !slices.Contains(urls, record.URL):
		return nil, invalidValue("endpoint", record.URL, urls...)
	case !slices.Contains(s.Config.CompletionWindows, record.Window):
		return nil, invalidValue("completion_window", record.Window, s.Config.CompletionWindows...)
	}
	window, err := time.ParseDuration(record.Window)
	record.Expires = now.Add(window).Unix()
	return record, err
}

// start puts the mark and the record, and starts the job. What it cannot start
// it takes back.
func (s *Server) start(ctx context.Context, v visitor, record *batchRecord) error {
	if err := s.mayOpen(ctx, v); err != nil {
		return err
	}
	file := record.Input
	if !isID(fileKind, file) {
		file = "none"
	}
	// The mark comes before the file is looked at: whoever deletes the file
	// meanwhile sees the mark, or is seen.
	if _, err := v.store.Put(ctx, v.mark(record.ID, file), nil, bucket.PutOptions{}); err != nil {
		return err
	}
	err := s.startMarked(ctx, v, record)
	if err != nil {
		life := context.WithoutCancel(ctx)
		err = errors.Join(err, v.store.Delete(life, v.batch(record.ID)), v.store.Delete(life, v.mark(record.ID, file)))
	}
	return err
}

func (s *Server) startMarked(ctx context.Context, v visitor, record *batchRecord) error {
	input := v.content("none")
	switch file, err := s.find(ctx, v, record.Input); {
	case err == nil && file.Purpose == forBatch:
		input = file.Content
	case err == nil:
		return invalid("input_file_id", "", "Input file must have purpose 'batch', got '%s'.", file.Purpose)
	default:
		if _, none := errors.AsType[*apiError](err); !none {
			return err
		}
	}
	name, err := s.Runner.Model(ctx, input)
	if err != nil {
		return err
	}
	record.Model = name
	if err := v.write(ctx, v.batch(record.ID), record, true); err != nil && !errors.Is(err, bucket.ErrExists) {
		return err
	}
	return s.Runner.Start(ctx, jobs.BatchJob(record.ID), s.spec(v, *record, input))
}

// mayOpen refuses one open batch too many.
func (s *Server) mayOpen(ctx context.Context, v visitor) error {
	open := map[string]bool{}
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil {
			return err
		}
		open[path.Dir(mark.URL)] = true
	}
	if len(open) < v.Limits.OpenBatches {
		return nil
	}
	// Those that have ended and that nobody has looked at do not count.
	if err := s.settleAll(ctx, v); err != nil {
		return err
	}
	clear(open)
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil {
			return err
		}
		open[path.Dir(mark.URL)] = true
	}
	if len(open) >= v.Limits.OpenBatches {
		return overLimit("Batches that have not ended: you have %d, and may have %d. Wait for one, or cancel one.", len(open), v.Limits.OpenBatches)
	}
	return nil
}

// spec is the job that a batch runs as. An input whose first request names no
// model that the tenant may use gets the endpoint of any, which is never
// rented: the job refuses the input.
func (s *Server) spec(v visitor, record batchRecord, input string) jobs.Spec {
	model, ok := v.model(record.Model)
	if !ok && len(v.models) > 0 {
		model = v.models[0]
	}
	if len(v.models) == 0 {
		model = s.Config.Models[0]
	}
	spec := model.spec()
	spec.Name = "batch"
	spec.Input, spec.Output = jobs.URLs{input}, v.results(record.ID)
	spec.Expect = jobs.Expect{URL: record.URL, Model: model.Name, Served: v.modelNames(), Requests: v.Limits.BatchRequests}
	if len(v.models) == 0 {
		spec.Expect.Model = "\x00" // none is this tenant's, so none fits
	}
	spec.Limits.Deadline = jobs.Duration(time.Duration(record.Expires-record.Created) * time.Second)
	spec.Notify = v.Webhook.notify()
	return spec.WithDefaults()
}

// findBatch reads a batch's record.
func (s *Server) findBatch(ctx context.Context, v visitor, id string) (batchRecord, error) {
	var record batchRecord
	if !isID(batchKind, id) {
		return record, noBatch(id)
	}
	err := v.read(ctx, v.batch(id), &record)
	if errors.Is(err, bucket.ErrNotFound) {
		return record, noBatch(id)
	}
	return record, err
}

func (s *Server) getBatch(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.findBatch(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	state, err := s.state(r.Context(), v, record)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object(state))
	return nil
}

// cancelBatch asks for a batch's end. The job's cancellation comes before the
// note of it: one without the other is a batch that is cancelled.
func (s *Server) cancelBatch(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx := r.Context()
	record, err := s.findBatch(ctx, v, r.PathValue("id"))
	if err != nil {
		return err
	}
	state, err := s.state(ctx, v, record)
	if err != nil {
		return err
	}
	if state.ended() || state.Status == finalizing {
		return conflict("Cannot cancel a batch with status '" + state.Status + "'.")
	}
	if err := s.Runner.Cancel(ctx, jobs.BatchJob(record.ID)); err != nil {
		return err
	}
	var asked cancelRecord
	if err := v.writeFirst(ctx, v.cancel(record.ID), cancelRecord{At: s.Now().Unix()}, &asked); err != nil {
		return err
	}
	state.Status, state.Cancelling = cancelling, asked.At
	answer(w, http.StatusOK, record.object(state))
	return nil
}

// listBatches lists batches.
func (s *Server) listBatches(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := readPaging(r, batchKind, 100, 20)
	if err != nil {
		return err
	}
	seen, more, err := s.batches(r.Context(), v, p)
	if err != nil {
		return err
	}
	objects := make([]batchObject, len(seen))
	for i, one := range seen {
		objects[i] = one.object(one.state)
	}
	answer(w, http.StatusOK, newList(objects, more, func(b batchObject) string { return b.ID }))
	return nil
}

// seenBatch is a batch with how far it has come.
type seenBatch struct {
	batchRecord
	state batchEnd
}

func (s *Server) batches(ctx context.Context, v visitor, p paging) ([]seenBatch, bool, error) {
	records, more, err := page(ctx, p, v.place, v.batches(), func(batchRecord) bool { return true })
	if err != nil {
		return nil, false, err
	}
	seen := make([]seenBatch, len(records))
	err = each(ctx, len(records), func(ctx context.Context, i int) (err error) {
		seen[i].batchRecord = records[i]
		seen[i].state, err = s.state(ctx, v, records[i])
		return err
	})
	return seen, more, err
}
