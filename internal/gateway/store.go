package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// place is where one tenant's things lie; see the package's comment.
type place struct {
	store  *bucket.Store
	tenant string
	base   string // <root>/tenants/<tenant>
}

func placeOf(store *bucket.Store, root, tenant string) place {
	return place{store: store, tenant: tenant, base: bucket.Join(root, "tenants", tenant)}
}

func (p place) files() string                { return p.base + "/files/" }
func (p place) file(id string) string        { return p.files() + id + ".json" }
func (p place) contents() string             { return p.base + "/contents/" }
func (p place) content(id string) string     { return p.contents() + id }
func (p place) batches() string              { return p.base + "/batches/" }
func (p place) batch(id string) string       { return p.batches() + id + ".json" }
func (p place) open() string                 { return p.base + "/open/" }
func (p place) mark(id, file string) string  { return p.open() + id + "/" + file }
func (p place) cancel(id string) string      { return p.base + "/cancels/" + id + ".json" }
func (p place) results(id string) string     { return p.base + "/results/" + id + "/" }
func (p place) ends() string                 { return p.base + "/ends/" }
func (p place) end(id string) string         { return p.ends() + id + ".json" }
func (p place) uploads() string              { return p.base + "/uploads/" }
func (p place) upload(id string) string      { return p.uploads() + id + "/upload.json" }
func (p place) parts(id string) string       { return p.uploads() + id + "/parts/" }
func (p place) part(id, part string) string  { return p.parts(id) + part }
func (p place) uploadEnd(id string) string   { return p.uploads() + id + "/end.json" }
func (p place) allOfUpload(id string) string { return p.uploads() + id + "/" }

// maxRecord bounds a record, in bytes: a report of a job with many rentals is
// the largest.
const maxRecord = 16 << 20

// read reads a record. Errors wrap bucket.ErrNotFound where there is none.
func (p place) read(ctx context.Context, url string, into any) error {
	reader, err := p.store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := json.NewDecoder(io.LimitReader(reader, maxRecord)).Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	return nil
}

// write writes a record; once is whether it must not be there.
func (p place) write(ctx context.Context, url string, record any, once bool) error {
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode %s: %w", url, err)
	}
	_, err = p.store.Put(ctx, url, text, bucket.PutOptions{IfAbsent: once, ContentType: "application/json"})
	return err
}

// writeFirst writes a record unless there is one already, which then stands:
// into is what is there.
func (p place) writeFirst(ctx context.Context, url string, record, into any) error {
	err := p.write(ctx, url, record, true)
	if err == nil || errors.Is(err, bucket.ErrExists) {
		return p.read(ctx, url, into)
	}
	return err
}

// removeAll deletes everything below a prefix but what keep says.
func (p place) removeAll(ctx context.Context, prefix string, keep func(url string) bool) error {
	for object, err := range p.store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if keep != nil && keep(object.URL) {
			continue
		}
		if err := p.store.Delete(ctx, object.URL); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many records of one listing are read at a time.
const atOnce = 32

// each calls do for each of n things, several at a time.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

func ignoreAbsent(err error) error {
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	return err
}
