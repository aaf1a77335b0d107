// Package bucket reads and writes objects by URL: s3://bucket/key on AWS or any
// S3-compatible server, and file:///path. It is the only home of the AWS SDK.
//
// Object sizes are not bounded, so no call holds a whole object in memory
// except [Store.Put], whose body the caller already holds.
//
// # URLs
//
// Whatever follows s3://bucket/ is the key and whatever follows file:// is the
// path, byte for byte: '%', '?', '#', '+' and spaces stand for themselves and
// nothing is ever unescaped. Keys are UTF-8 without control characters and
// without "." or ".." segments; an object's key is not empty and does not end
// in a slash. [Join] puts URLs together, [CheckObject] and [CheckPrefix] tell
// early what is wrong with one.
//
// # What both kinds of store promise
//
//   - An object appears whole or not at all, and replaces its predecessor in
//     one step. After Put or Commit returned nil, every reader sees it.
//   - A read never mixes two versions of an object ([ErrChanged]).
//   - Of several racing puts with IfAbsent exactly one wins.
//   - Listing is recursive and in the byte order of the keys.
//
// # What an S3-compatible server needs
//
// ETags, ranged reads with If-Match, user metadata and, for IfAbsent, honoured
// If-None-Match: * on PutObject. AWS documents that, and the tests run against
// Versity's server; others must be asked, since one that ignores If-None-Match
// turns IfAbsent into a plain put.
//
// # What a killed process leaves behind
//
// Nothing that List or Stat show. On S3 the parts of unfinished uploads stay
// (and cost money) until a lifecycle rule AbortIncompleteMultipartUpload
// removes them; every bucket should have one. On disk, files whose names start
// with ".bucket-partial-" stay until somebody deletes them.
//
// # Retries
//
// Each request is tried [Options].MaxAttempts times within some ten seconds,
// which covers throttling, a failed node and cut connections. Outages of
// minutes are for the callers' own retries, which outlive the process.
package bucket

import (
	"errors"
	"time"
)

// Object describes a stored object.
type Object struct {
	URL      string
	Size     int64     // bytes
	ETag     string    // without quotes; changes whenever the content does; empty if the server sends none
	Modified time.Time // as the store tells it; zero after a write to S3, whose answer does not say
}

// The errors that callers reason about, to be tested with errors.Is. All other
// errors are trouble of the store or the network, and worth another try, but
// for the caller's own context.Canceled and context.DeadlineExceeded.
var (
	ErrNotFound = errors.New("not found")                    // no such object or bucket
	ErrExists   = errors.New("exists already")               // a conditional put lost
	ErrChanged  = errors.New("changed since it was pinned")  // the ETag is not the one asked for
	ErrDenied   = errors.New("access denied")                // credentials missing, wrong or not allowed to
	ErrFull     = errors.New("no space left")                // on the disk, or in what the store grants
	ErrURL      = errors.New("not a usable object location") // neither s3://bucket/key nor file:///path
)

// ReadOptions says which bytes to read and of which version.
type ReadOptions struct {
	Offset int64  // first byte; at or past the end there is nothing to read, which is no error
	Length int64  // bytes to read at most; 0 means to the end
	ETag   string // fail with ErrChanged unless the object still has it; empty accepts any
}

// PutOptions says how to write.
type PutOptions struct {
	IfAbsent    bool   // fail with ErrExists if the object exists; exactly one of several racing puts wins
	ContentType string // default application/octet-stream; files have none
}
