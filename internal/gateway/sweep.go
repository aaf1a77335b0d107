package gateway

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

const (
	// leftoverAge is how old something is before it counts as left behind by a
	// server that was killed: no request takes that long.
	leftoverAge = 24 * time.Hour

	// sweepEvery is how often a server sweeps.
	sweepEvery = 10 * time.Minute
)

// Run sweeps now and then until ctx ends. All servers may do so.
func (s *Server) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Error("sweep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep settles what has ended, and deletes files and batches whose time is over
// and what servers that were killed have left behind. It only ever deletes what no client
// can see, so that several at once, or one that is killed, do no harm.
func (s *Server) Sweep(ctx context.Context) error {
	tenants, err := s.tenants(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, tenant := range tenants {
		v := s.visitor(tenant)
		for _, step := range []func(context.Context, visitor) error{s.settleAll, s.sweepFiles, s.sweepContents, s.sweepUploads, s.sweepMarks, s.sweepBatches} {
			if err := step(ctx, v); err != nil {
				errs = append(errs, fmt.Errorf("tenant %s: %w", tenant, err))
			}
		}
		if _, err := v.store.Abandon(ctx, v.base+"/", s.Now().Add(-leftoverAge)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tenants returns all that have anything.
func (s *Server) tenants(ctx context.Context) (names []string, err error) {
	all := placeOf(s.Store, s.Config.Root, "").base + "/"
	after := ""
	for {
		found := ""
		for object, err := range s.Store.ListAfter(ctx, all, after) {
			if err != nil {
				return nil, err
			}
			found, _, _ = strings.Cut(strings.TrimPrefix(object.URL, all), "/")
			break
		}
		if found == "" {
			return names, nil
		}
		names = append(names, found)
		after = all + found + "0" // the next character after the slash
	}
}

// sweepFiles deletes the bytes of files that are gone for clients, and in the
// end their records.
func (s *Server) sweepFiles(ctx context.Context, v visitor) error {
	now := s.Now()
	all := paging{limit: 1 << 30}
	return all.urls(ctx, v.place, v.files(), func(urls []string) (bool, error) {
		return true, each(ctx, len(urls), func(ctx context.Context, i int) error {
			var record fileRecord
			if err := v.read(ctx, urls[i], &record); err != nil {
				return ignoreAbsent(err)
			}
			switch {
			case !record.gone(now):
				return nil
			case record.Deleted == 0:
				return s.remove(ctx, v, record)
			case now.Sub(time.Unix(record.Deleted, 0)) < leftoverAge:
				return s.removeContent(ctx, v, record)
			}
			if err := s.removeContent(ctx, v, record); err != nil {
				return err
			}
			if s.inUse(ctx, v, record.ID) {
				return nil
			}
			return v.store.Delete(ctx, urls[i])
		})
	})
}

// inUse reports whether a batch that has not ended reads a file, or whether that
// cannot be told.
func (s *Server) inUse(ctx context.Context, v visitor, file string) bool {
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil || path.Base(mark.URL) == file {
			return true
		}
	}
	return false
}

// sweepContents deletes bytes that never became a file.
func (s *Server) sweepContents(ctx context.Context, v visitor) error {
	for object, err := range v.store.List(ctx, v.contents()) {
		if err != nil {
			return err
		}
		if s.Now().Sub(object.Modified) < leftoverAge {
			continue
		}
		_, err := v.store.Stat(ctx, v.file(path.Base(object.URL)))
		if err == nil {
			continue
		}
		if ignoreAbsent(err) != nil {
			return err
		}
		if err := v.store.Delete(ctx, object.URL); err != nil {
			return err
		}
	}
	return nil
}

// sweepUploads deletes uploads that are over, parts first.
func (s *Server) sweepUploads(ctx context.Context, v visitor) error {
	for object, err := range v.store.List(ctx, v.uploads()) {
		if err != nil {
			return err
		}
		if path.Base(object.URL) != "upload.json" {
			continue
		}
		var record uploadRecord
		if err := v.read(ctx, object.URL, &record); err != nil {
			return err
		}
		if s.Now().Unix() < record.expires()+int64(leftoverAge.Seconds()) {
			continue
		}
		if err := v.removeAll(ctx, v.allOfUpload(record.ID), nil); err != nil {
			return err
		}
	}
	return nil
}

// sweepMarks deletes marks of batches that were never written down.
func (s *Server) sweepMarks(ctx context.Context, v visitor) error {
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil {
			return err
		}
		if s.Now().Sub(mark.Modified) < leftoverAge {
			continue
		}
		_, err := v.store.Stat(ctx, v.batch(path.Base(path.Dir(mark.URL))))
		if err == nil {
			continue
		}
		if ignoreAbsent(err) != nil {
			return err
		}
		if err := v.store.Delete(ctx, mark.URL); err != nil {
			return err
		}
	}
	return nil
}

// sweepBatches deletes batches that ended long ago, with all that is left of
// their jobs. The end goes last: it is what says that a batch is over, should
// the sweep be killed on the way.
func (s *Server) sweepBatches(ctx context.Context, v visitor) error {
	before := s.Now().Add(-s.Config.BatchLifetime.Std())
	for object, err := range v.store.ListAfter(ctx, v.ends(), v.end(firstID(batchKind, before))) {
		if err != nil {
			return err
		}
		var end batchEnd
		if err := v.read(ctx, object.URL, &end); err != nil {
			return err
		}
		if end.at() > before.Unix() {
			continue // it ran for long
		}
		id := strings.TrimSuffix(path.Base(object.URL), ".json")
		if err := v.removeAll(ctx, v.results(id), nil); err != nil {
			return err
		}
		for _, record := range []string{v.cancel(id), v.batch(id), object.URL} {
			if err := v.store.Delete(ctx, record); err != nil {
				return err
			}
		}
	}
	return nil
}
