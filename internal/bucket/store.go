package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Options says how to reach S3. The zero value is AWS with the usual chain of
// configuration; file:// needs nothing.
type Options struct {
	Endpoint  string // http(s)://host[:port] of an S3-compatible server; empty is AWS_ENDPOINT_URL or AWS itself
	Region    string // empty is AWS_REGION, or the profile's, or us-east-1
	AccessKey string // with SecretKey, and then no variable or profile counts; both empty is the AWS chain: environment, profile, web identity, instance role
	SecretKey string
	PathStyle bool // address http://host/bucket rather than http://bucket.host; always so when there is an endpoint

	KMSKey        string // id or ARN of the AWS KMS key that encrypts what is written; empty is the bucket's own setting
	RequesterPays bool   // say with every request that its cost is ours

	// Traffic is told of the bytes of objects that were read and written, each
	// as they pass; nil means that nobody counts them.
	Traffic func(read, written int)

	MaxAttempts int          // tries a request; 0 is AWS_MAX_ATTEMPTS, or 8: with the waits between them some ten seconds
	HTTPClient  *http.Client // nil is one tuned for hundreds of connections to one host
}

// Store reads and writes objects. It is safe for concurrent use.
//
// Errors of all methods wrap one of this package's names where it applies, and
// say what was tried and with which object.
type Store struct {
	s3      backend
	files   backend
	traffic func(read, written int)
}

// backend is one kind of store. Methods return errors that [sorted] understands.
type backend interface {
	stat(context.Context, location) (Object, error)
	open(context.Context, location, ReadOptions) (io.ReadCloser, error)
	put(context.Context, location, []byte, PutOptions) (Object, error)
	create(ctx context.Context, loc location, contentType string) (upload, error)
	// list yields what begins as the location does. A backend with real folders
	// asks enters, if it is not nil, which of them to look into, by their URLs.
	list(ctx context.Context, loc location, enters func(folder string) bool) iter.Seq2[Object, error]
	remove(context.Context, location) error
	abandon(ctx context.Context, loc location, before time.Time) (int, error)
}

// New returns a store without calling anybody: configuration and credentials
// are looked up when the first s3:// URL is used. It fails on options that
// contradict themselves.
func New(_ context.Context, o Options) (*Store, error) {
	if (o.AccessKey == "") != (o.SecretKey == "") {
		return nil, errors.New("bucket: give both the access key and the secret key, or neither")
	}
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return nil, errors.New("bucket: the endpoint is not of the form https://host or http://host:port")
		}
	}
	s := &Store{s3: newS3Store(o), files: fileStore{}, traffic: o.Traffic}
	if s.traffic == nil {
		s.traffic = func(int, int) {}
	}
	return s, nil
}

func (s *Store) backend(loc location) backend {
	if loc.bucket != "" {
		return s.s3
	}
	return s.files
}

// Stat describes an object without reading it.
func (s *Store) Stat(ctx context.Context, url string) (Object, error) {
	loc, err := locateObject(url)
	if err != nil {
		return Object{}, named("stat", url, err)
	}
	object, err := s.backend(loc).stat(ctx, loc)
	return object, named("stat", url, sorted(ctx, err))
}

// Open streams an object from o.Offset. The reader resumes by itself at the
// byte where a connection was cut or stood still for a minute, up to five
// times in a row without a new byte, and ends with io.EOF only after the last
// byte. It is pinned to the version it saw first: once the object has been
// replaced it returns ErrChanged, or goes on with the old version where the
// store still has it. ctx spans the reads as well. Close it always; it serves
// one goroutine.
func (s *Store) Open(ctx context.Context, url string, o ReadOptions) (io.ReadCloser, error) {
	loc, err := locateObject(url)
	if err != nil {
		return nil, named("open", url, err)
	}
	if o.Offset < 0 || o.Length < 0 {
		return nil, named("open", url, fmt.Errorf("offset %d and length %d must not be negative", o.Offset, o.Length))
	}
	reader, err := s.backend(loc).open(ctx, loc, o)
	if err != nil {
		return nil, named("open", url, sorted(ctx, err))
	}
	return counted{reader, s.traffic}, nil
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	traffic func(read, written int)
}

// Read implements io.Reader.
func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.traffic(n, 0)
	return n, err
}

// Put writes an object at once.
//
// With IfAbsent, nil means that this very call wrote the object, even if the
// store's answer was lost and asked for again: each conditional put carries a
// random mark, and a refused one is compared with the mark of what is stored.
// ErrExists means that another call did. That can be an earlier call of the
// same caller, if it ended with an error of another kind: its put may have
// landed. Whoever repeats such a put in a new call must be content with
// ErrExists or compare what is stored.
func (s *Store) Put(ctx context.Context, url string, body []byte, o PutOptions) (Object, error) {
	loc, err := locateObject(url)
	if err != nil {
		return Object{}, named("put", url, err)
	}
	object, err := s.backend(loc).put(ctx, loc, body, o)
	if err == nil {
		s.traffic(0, len(body))
	}
	return object, named("put", url, sorted(ctx, err))
}

// List yields the objects whose URLs start with prefixURL, at any depth, in
// the byte order of their URLs. The prefix is text, not a folder: s3://b/in
// finds s3://b/inbox/x as well; end it with a slash to look into a folder. A
// prefix that nothing starts with yields nothing; a bucket that does not exist
// yields ErrNotFound. After an error the sequence ends.
//
// Empty S3 objects whose keys end in a slash are left out: consoles make them
// to show folders. On disk, only regular files are listed and symbolic links
// are not followed. Memory is bounded by a page of 1,000 objects on S3, by the
// names of the folders on one path on disk.
func (s *Store) List(ctx context.Context, prefixURL string) iter.Seq2[Object, error] {
	return s.ListAfter(ctx, prefixURL, "")
}

// ListAfter is List of the objects whose URLs come after one, which need not
// exist. On S3 nothing before it is looked at.
func (s *Store) ListAfter(ctx context.Context, prefixURL, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		loc, err := locate(prefixURL)
		if err != nil {
			yield(Object{}, named("list", prefixURL, err))
			return
		}
		if from, err := locate(after); err == nil && from.bucket == loc.bucket {
			loc.after = from.key
		}
		for object, err := range s.backend(loc).list(ctx, loc, nil) {
			if err == nil && object.URL <= after {
				continue
			}
			if !yield(object, named("list", prefixURL, sorted(ctx, err))) || err != nil {
				return
			}
		}
	}
}

// Delete removes an object. It returns nil if there is none, so it may run any
// number of times.
func (s *Store) Delete(ctx context.Context, url string) error {
	loc, err := locateObject(url)
	if err != nil {
		return named("delete", url, err)
	}
	err = sorted(ctx, s.backend(loc).remove(ctx, loc))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return named("delete", url, err)
}
