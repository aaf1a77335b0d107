package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// buckets checks the prefixes that are written below, and the job's input.
func (d *doctor) buckets(c *cli.Context, spec *jobs.Spec) {
	prefixes := c.StringSlice("bucket")
	var inputs []string
	if spec != nil {
		prefixes, inputs = append(prefixes, spec.Output), spec.Input
	}
	if len(prefixes) == 0 {
		d.skip("bucket", "none is named; name one with --bucket s3://bucket/prefix/, or a job file")
		return
	}
	var store *bucket.Store
	ok := d.check(c.Context, "object store", func(ctx context.Context) (f finding) {
		store, f.err = openStore(ctx, c)
		f.remedy = "correct AWS_PROFILE, AWS_REGION and the files that they are about, or --s3-endpoint"
		return f
	})
	if !ok {
		return
	}
	for _, url := range inputs {
		d.check(c.Context, "input "+url, func(ctx context.Context) finding { return checkInput(ctx, store, url) })
	}
	slices.Sort(prefixes)
	for _, prefix := range slices.Compact(prefixes) {
		d.prefix(c.Context, store, prefix)
	}
}

// checkInput reads the beginning of the object that an input names, or of the
// first one.
func checkInput(ctx context.Context, store *bucket.Store, url string) finding {
	if !bucket.IsPattern(url) {
		return readBeginning(ctx, store, url)
	}
	for object, err := range store.Glob(ctx, url) {
		if err != nil {
			return troubled(err)
		}
		found := readBeginning(ctx, store, object.URL)
		found.detail = "the first object, " + object.URL + ", has " + found.detail
		return found
	}
	return finding{err: errors.New("it names no object"), remedy: "is the name right, and has whoever writes the input done so? aws s3 ls shows what is there"}
}

func readBeginning(ctx context.Context, store *bucket.Store, url string) finding {
	object, err := store.Stat(ctx, url)
	if err != nil {
		return troubled(err)
	}
	reader, err := store.Open(ctx, url, bucket.ReadOptions{Length: 1})
	if err != nil {
		return troubled(err)
	}
	defer reader.Close()
	if _, err := io.Copy(io.Discard, reader); err != nil {
		return troubled(err)
	}
	return finding{detail: grouped(object.Size) + " bytes"}
}

// trial is what is written below a prefix, read and deleted again.
type trial struct {
	store *bucket.Store
	url   string // of a small object; that of the large one has an ending more
}

// trialText is the small object.
const trialText = "written by nightshift doctor; it may be deleted\n"

// trialParts is the size of the large object in MiB: more than one part, which
// has five.
const trialParts = 6

// prefix does below the prefix what jobs do there. What depends on an object
// that could not be written is skipped.
func (d *doctor) prefix(ctx context.Context, store *bucket.Store, prefix string) {
	t := trial{store: store, url: bucket.Join(prefix, ".nightshift-doctor-"+rand.Text())}
	if d.check(ctx, "write "+prefix, t.write) {
		d.check(ctx, "conditional write "+prefix, t.writeAgain)
		d.check(ctx, "read "+prefix, t.read)
	} else {
		d.skip("conditional write, read "+prefix, "nothing could be written")
	}
	d.check(ctx, "multipart write "+prefix, t.writeLarge)
	d.check(context.WithoutCancel(ctx), "delete "+prefix, t.remove)
}

func (t trial) write(ctx context.Context) finding {
	_, err := t.store.Put(ctx, t.url, []byte(trialText), bucket.PutOptions{IfAbsent: true, ContentType: "text/plain"})
	return troubled(err)
}

// writeAgain must lose: jobs rely on that when two workers write the same.
func (t trial) writeAgain(ctx context.Context) finding {
	_, err := t.store.Put(ctx, t.url, []byte("overwritten\n"), bucket.PutOptions{IfAbsent: true, ContentType: "text/plain"})
	switch {
	case errors.Is(err, bucket.ErrExists):
		return finding{detail: "a second one is refused"}
	case err != nil:
		return troubled(err)
	}
	return finding{
		err:    errors.New("a second one was not refused: the store does not honour If-None-Match"),
		remedy: "an S3-compatible server that does, such as AWS, MinIO or Versity's",
	}
}

func (t trial) read(ctx context.Context) finding {
	reader, err := t.store.Open(ctx, t.url, bucket.ReadOptions{Offset: 8, Length: 10})
	if err != nil {
		return troubled(err)
	}
	defer reader.Close()
	got, err := io.ReadAll(io.LimitReader(reader, int64(len(trialText))))
	if err != nil {
		return troubled(err)
	}
	if want := trialText[8:18]; string(got) != want {
		return finding{
			err:    fmt.Errorf("bytes 8 to 18 are %q, not the %q that was written", got, want),
			remedy: "an S3-compatible server, and proxies before it, that honour Range",
		}
	}
	return finding{}
}

func (t trial) writeLarge(ctx context.Context) finding {
	writer, err := t.store.Create(ctx, t.url+"-large", "application/octet-stream")
	if err != nil {
		return troubled(err)
	}
	piece := bytes.Repeat([]byte{'x'}, 1<<20)
	for range trialParts {
		if _, err := writer.Write(piece); err != nil {
			return troubled(errors.Join(err, writer.Abort()))
		}
	}
	if _, err := writer.Commit(ctx); err != nil {
		return troubled(errors.Join(err, writer.Abort()))
	}
	object, err := t.store.Stat(ctx, t.url+"-large")
	if err == nil && object.Size != trialParts<<20 {
		err = fmt.Errorf("%s has %d bytes, not the %d that were written", object.URL, object.Size, trialParts<<20)
	}
	return troubled(err)
}

func (t trial) remove(ctx context.Context) finding {
	err := errors.Join(t.store.Delete(ctx, t.url), t.store.Delete(ctx, t.url+"-large"))
	if err != nil {
		return troubled(err)
	}
	switch _, err := t.store.Stat(ctx, t.url); {
	case err == nil:
		return finding{err: fmt.Errorf("%s is still there", t.url), remedy: "credentials that may delete there; then delete it by hand"}
	case !errors.Is(err, bucket.ErrNotFound):
		return troubled(err)
	}
	return finding{}
}

// troubled is what came of a call to the store, with what may help.
func troubled(err error) finding {
	f := finding{err: err}
	switch {
	case errors.Is(err, bucket.ErrDenied):
		f.remedy = "credentials that may read, write and delete there: AWS_PROFILE, AWS_ACCESS_KEY_ID, or a role"
	case errors.Is(err, bucket.ErrNotFound):
		f.remedy = "is the name right, and does the bucket exist?"
	case errors.Is(err, bucket.ErrURL):
		f.remedy = "s3://bucket/prefix/ or file:///path/"
	case err != nil:
		f.remedy = "is --s3-endpoint right?"
	}
	return f
}
