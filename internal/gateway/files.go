package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// The purposes of files.
const (
	forBatch  = "batch"
	forOutput = "batch_output"
)

// fileRecord is what there is to know of a file. Times are Unix seconds.
type fileRecord struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Purpose  string `json:"purpose"`
	Bytes    int64  `json:"bytes"`
	Created  int64  `json:"created"`
	Expires  int64  `json:"expires"`
	Content  string `json:"content"`           // URL of the bytes
	Batch    string `json:"batch,omitempty"`   // of whose results it is
	Deleted  int64  `json:"deleted,omitempty"` // when a client deleted it, or the sweep
}

// fileObject is a file as the API shows it.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func (f fileRecord) object() fileObject {
	return fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created, ExpiresAt: orNull(f.Expires),
		Filename: f.Filename, Purpose: f.Purpose, Status: "processed",
	}
}

func (f fileRecord) gone(now time.Time) bool {
	return f.Deleted != 0 || f.Expires != 0 && f.Expires <= now.Unix()
}

// createFile takes in a file.
func (s *Server) createFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	most, err := s.room(r.Context(), v)
	if err != nil {
		return err
	}
	now := s.Now()
	id := newID(fileKind, now)
	received, err := s.receive(w, r, v, "file", v.content(id), most)
	if err != nil {
		return err
	}
	defer received.abort()
	if received.file == nil {
		return missingParameter("file")
	}
	expires, err := expiry(received.fields["expires_after[anchor]"], received.fields["expires_after[seconds]"], "expires_after")
	if err == nil {
		err = checkFile(received.filename, received.fields["purpose"])
	}
	if err != nil {
		return err
	}
	record, err := s.commitFile(r.Context(), v, received.file, fileRecord{
		ID: id, Filename: path.Base(received.filename), Bytes: received.size, Created: now.Unix(), Expires: s.expires(now, expires),
	})
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object())
	return nil
}

// commitFile makes a file of what was written.
func (s *Server) commitFile(ctx context.Context, v visitor, content *bucket.Writer, record fileRecord) (fileRecord, error) {
	if _, err := content.Commit(ctx); err != nil {
		return fileRecord{}, err
	}
	record.Purpose, record.Content = forBatch, v.content(record.ID)
	err := v.write(ctx, v.file(record.ID), record, true)
	if err != nil && !errors.Is(err, bucket.ErrExists) { // an id is never made twice: an earlier try has landed
		return fileRecord{}, errors.Join(err, v.store.Delete(context.WithoutCancel(ctx), record.Content))
	}
	return record, nil
}

// checkFile judges what a client says of a file.
func checkFile(filename, purpose string) error {
	switch {
	case purpose == "":
		return missingParameter("purpose")
	case purpose != forBatch:
		return invalidValue("purpose", purpose, forBatch)
	case len(filename) > 512:
		return invalid("filename", "", "The file's name is longer than 512 bytes.")
	}
	for _, ending := range []string{".jsonl", ".jsonl.gz", ".jsonl.zst"} {
		if strings.HasSuffix(strings.ToLower(filename), ending) {
			return nil
		}
	}
	return invalid("file", "", "Invalid file format for Batch API. Must be .jsonl")
}

// The bounds of how long a file may live, in seconds: OpenAI's.
const (
	minLifetime = 3600
	maxLifetime = 2592000
)

// expiry reads how long a file is to live, in seconds; zero if it does not say.
func expiry(anchor, seconds, field string) (int64, error) {
	if anchor == "" && seconds == "" {
		return 0, nil
	}
	if anchor != "created_at" {
		return 0, invalidValue(field+".anchor", anchor, "created_at")
	}
	lifetime, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || lifetime < minLifetime || lifetime > maxLifetime {
		return 0, invalid(field+".seconds", "invalid_value", "Invalid value for '%s.seconds': must be between %d and %d.", field, minLifetime, maxLifetime)
	}
	return lifetime, nil
}

// expires is when a file goes that was created now.
func (s *Server) expires(now time.Time, lifetime int64) int64 {
	if lifetime == 0 {
		lifetime = int64(s.Config.FileLifetime.Std().Seconds())
	}
	return now.Unix() + lifetime
}

// bound is how large something may be that a client sends.
type bound struct {
	what  string // at the beginning of a sentence
	bytes int64
	of    int64 // the bytes are what is left of those that the tenant may have; 0: a limit by itself
}

// exceeded is the answer to more.
func (b bound) exceeded() *apiError {
	if b.of == 0 {
		return tooLarge(b.what, fmt.Sprintf("limit of %d bytes", b.bytes))
	}
	return tooLarge(b.what, fmt.Sprintf("%d bytes that are left of the %d that your files may have", b.bytes, b.of))
}

// room returns how large one more file may be.
func (s *Server) room(ctx context.Context, v visitor) (bound, error) {
	var files int
	var bytes int64
	for _, prefix := range []string{v.contents(), v.uploads()} {
		for object, err := range v.store.List(ctx, prefix) {
			if err != nil {
				return bound{}, err
			}
			bytes += object.Size
			if prefix == v.contents() {
				files++
			}
		}
	}
	if files >= v.Limits.Files {
		return bound{}, overLimit("Files: you have %d, and may have %d. Delete some.", files, v.Limits.Files)
	}
	left := int64(v.Limits.Bytes) - bytes
	if left <= 0 {
		return bound{}, overLimit("Your files have %d bytes, and may have %d. Delete some.", bytes, v.Limits.Bytes)
	}
	if left < int64(v.Limits.File) {
		return bound{what: "The file", bytes: left, of: int64(v.Limits.Bytes)}, nil
	}
	return bound{what: "The file", bytes: int64(v.Limits.File)}, nil
}

// find reads a file's record. What is not the tenant's, deleted or expired does
// not exist.
func (s *Server) find(ctx context.Context, v visitor, id string) (fileRecord, error) {
	var record fileRecord
	if !isID(fileKind, id) {
		return record, noFile(id)
	}
	err := v.read(ctx, v.file(id), &record)
	if errors.Is(err, bucket.ErrNotFound) || err == nil && record.gone(s.Now()) {
		return record, noFile(id)
	}
	return record, err
}

func (s *Server) getFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.find(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object())
	return nil
}

func (s *Server) deleteFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.find(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.remove(r.Context(), v, record); err != nil {
		return err
	}
	answer(w, http.StatusOK, map[string]any{"id": record.ID, "object": "file", "deleted": true})
	return nil
}

// remove marks a file as deleted and deletes its bytes, unless a batch that has
// not ended reads them: then the sweep does. It may run again.
func (s *Server) remove(ctx context.Context, v visitor, record fileRecord) error {
	record.Deleted = s.Now().Unix()
	if err := v.write(ctx, v.file(record.ID), record, false); err != nil {
		return err
	}
	return s.removeContent(ctx, v, record)
}

func (s *Server) removeContent(ctx context.Context, v visitor, record fileRecord) error {
	if record.Batch != "" {
		return s.removeResult(ctx, v, record)
	}
	for mark, err := range v.store.List(ctx, v.open()) {
		if err != nil {
			return err
		}
		if path.Base(mark.URL) == record.ID {
			return nil
		}
	}
	return v.store.Delete(ctx, record.Content)
}

// removeResult deletes a file of results, and with the first of a batch's what
// the job has left of prompts and answers on its way. The report stays.
func (s *Server) removeResult(ctx context.Context, v visitor, record fileRecord) error {
	work := v.results(record.Batch)
	err := v.removeAll(ctx, work, func(url string) bool { return !strings.Contains(strings.TrimPrefix(url, work), "/") })
	if err != nil {
		return fmt.Errorf("delete the work of %s: %w", record.Batch, err)
	}
	return v.store.Delete(ctx, record.Content)
}
