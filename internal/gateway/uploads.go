package gateway

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// uploadFor is how long a client has to send an upload's parts: OpenAI's hour.
const uploadFor = time.Hour

// maxPart is OpenAI's bound of one part, in bytes.
const maxPart = 64 << 20

// uploadRecord is what a client announced. Times are Unix seconds.
type uploadRecord struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Bytes    int64  `json:"bytes"`
	Created  int64  `json:"created"`
	Lifetime int64  `json:"lifetime,omitempty"` // of the file, in seconds
	File     string `json:"file"`               // the id that the file will have
}

// uploadEnd says what became of an upload.
type uploadEnd struct {
	Status string `json:"status"` // completed or cancelled
}

// The states of an upload.
const (
	uploadPending   = "pending"
	uploadCompleted = "completed"
	uploadCancelled = "cancelled"
	uploadExpired   = "expired"
)

// uploadObject is an upload as the API shows it.
type uploadObject struct {
	ID        string      `json:"id"`
	Object    string      `json:"object"`
	Bytes     int64       `json:"bytes"`
	CreatedAt int64       `json:"created_at"`
	ExpiresAt int64       `json:"expires_at"`
	Filename  string      `json:"filename"`
	Purpose   string      `json:"purpose"`
	Status    string      `json:"status"`
	File      *fileObject `json:"file"`
}

// partObject is one part as the API shows it.
type partObject struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	CreatedAt int64  `json:"created_at"`
	UploadID  string `json:"upload_id"`
}

func (u uploadRecord) expires() int64 { return u.Created + int64(uploadFor.Seconds()) }

func (u uploadRecord) object(status string) uploadObject {
	return uploadObject{
		ID: u.ID, Object: "upload", Bytes: u.Bytes, CreatedAt: u.Created, ExpiresAt: u.expires(),
		Filename: u.Filename, Purpose: forBatch, Status: status,
	}
}

// createUpload announces a file that comes in parts.
func (s *Server) createUpload(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := readParameters(r, "bytes", "filename", "mime_type", "purpose", "expires_after")
	if err != nil {
		return err
	}
	now := s.Now()
	record := uploadRecord{ID: newID(uploadKind, now), File: newID(fileKind, now), Created: now.Unix()}
	record.Filename = path.Base(p.text("filename"))
	purpose := p.text("purpose")
	_ = p.text("mime_type")
	p.read("bytes", "an integer", &record.Bytes)
	record.Lifetime = p.lifetime("expires_after")
	switch {
	case p.err != nil:
		return p.err
	case !p.has("bytes"):
		return missingParameter("bytes")
	case record.Bytes < 1:
		return invalid("bytes", "integer_below_min_value", "Invalid 'bytes': integer below minimum value. Expected a value >= 1, but got %d instead.", record.Bytes)
	}
	if err := checkFile(record.Filename, purpose); err != nil {
		return err
	}
	most, err := s.room(r.Context(), v)
	if err != nil {
		return err
	}
	if record.Bytes > most.bytes {
		return most.exceeded()
	}
	if err := v.write(r.Context(), v.upload(record.ID), record, true); err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object(uploadPending))
	return nil
}

// findUpload reads an upload's record and state.
func (s *Server) findUpload(ctx context.Context, v visitor, id string) (record uploadRecord, status string, err error) {
	if !isID(uploadKind, id) {
		return record, "", noUpload(id)
	}
	err = v.read(ctx, v.upload(id), &record)
	if errors.Is(err, bucket.ErrNotFound) {
		return record, "", noUpload(id)
	}
	if err != nil {
		return record, "", err
	}
	var end uploadEnd
	err = v.read(ctx, v.uploadEnd(id), &end)
	switch {
	case err == nil:
		return record, end.Status, nil
	case !errors.Is(err, bucket.ErrNotFound):
		return record, "", err
	case s.Now().Unix() >= record.expires():
		return record, uploadExpired, nil
	}
	return record, uploadPending, nil
}

// pendingUpload is findUpload of one that is to take something.
func (s *Server) pendingUpload(ctx context.Context, v visitor, id string) (uploadRecord, error) {
	record, status, err := s.findUpload(ctx, v, id)
	if err == nil && status != uploadPending {
		err = invalid("", "", "Upload %s has status '%s'; only one that is pending takes that.", id, status)
	}
	return record, err
}

// addPart takes in one part. Parts may come in any order, and several at once.
func (s *Server) addPart(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.pendingUpload(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	now := s.Now()
	id := newID(partKind, now)
	received, err := s.receive(w, r, v, "data", v.part(record.ID, id), bound{what: "The part", bytes: maxPart})
	if err != nil {
		return err
	}
	defer received.abort()
	if received.file == nil {
		return missingParameter("data")
	}
	if _, err := received.file.Commit(r.Context()); err != nil {
		return err
	}
	answer(w, http.StatusOK, partObject{ID: id, Object: "upload.part", CreatedAt: now.Unix(), UploadID: record.ID})
	return nil
}

// completeUpload makes a file of parts. Whoever lost the answer may ask again.
func (s *Server) completeUpload(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx := r.Context()
	p, err := readParameters(r, "part_ids", "md5")
	if err != nil {
		return err
	}
	var parts []string
	var sum string
	p.read("part_ids", "an array of strings", &parts)
	p.read("md5", "a string", &sum)
	if p.err == nil && len(parts) == 0 {
		p.err = missingParameter("part_ids")
	}
	if p.err != nil {
		return p.err
	}
	record, status, err := s.findUpload(ctx, v, r.PathValue("id"))
	if err != nil {
		return err
	}
	if status != uploadCompleted {
		if record, err = s.pendingUpload(ctx, v, record.ID); err != nil {
			return err
		}
		if err := s.join(ctx, v, record, parts, sum); err != nil {
			return err
		}
	}
	file, err := s.find(ctx, v, record.File)
	if err != nil {
		return err
	}
	done := record.object(uploadCompleted)
	shown := file.object()
	done.File = &shown
	answer(w, http.StatusOK, done)
	return nil
}

// join puts the parts together, in the order of their ids here, and makes a
// file of them.
func (s *Server) join(ctx context.Context, v visitor, record uploadRecord, parts []string, sum string) error {
	if err := s.waitForTurn(ctx); err != nil {
		return err
	}
	defer func() { <-s.uploads }()
	whole, err := v.store.Create(ctx, v.content(record.File), "application/octet-stream")
	if err != nil {
		return err
	}
	defer whole.Abort()
	hash := md5.New()
	size, err := s.copyParts(ctx, v, record.ID, parts, io.MultiWriter(whole, hash), record.Bytes)
	if err != nil {
		return err
	}
	if size != record.Bytes {
		return invalid("part_ids", "", "The parts have %d bytes together, and the upload was created for %d.", size, record.Bytes)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); sum != "" && !strings.EqualFold(sum, got) {
		return invalid("md5", "", "The md5 of the parts together is not the one given.")
	}
	file := fileRecord{ID: record.File, Filename: record.Filename, Bytes: size, Created: record.Created, Expires: s.expires(time.Unix(record.Created, 0), record.Lifetime)}
	if _, err := s.commitFile(ctx, v, whole, file); err != nil {
		return err
	}
	var end uploadEnd
	if err := v.writeFirst(ctx, v.uploadEnd(record.ID), uploadEnd{Status: uploadCompleted}, &end); err != nil {
		return err
	}
	return v.removeAll(ctx, v.parts(record.ID), nil)
}

func (s *Server) copyParts(ctx context.Context, v visitor, upload string, parts []string, to io.Writer, limit int64) (size int64, err error) {
	buffer := make([]byte, 64<<10)
	for _, part := range parts {
		if !isID(partKind, part) {
			return 0, invalid("part_ids", "invalid_value", "No such Part object: %s", shortened(part))
		}
		reader, err := v.store.Open(ctx, v.part(upload, part), bucket.ReadOptions{})
		if errors.Is(err, bucket.ErrNotFound) {
			return 0, invalid("part_ids", "invalid_value", "No such Part object: %s", part)
		}
		if err != nil {
			return 0, err
		}
		n, err := io.CopyBuffer(to, reader, buffer)
		reader.Close()
		if size += n; err != nil {
			return 0, fmt.Errorf("put part %s to the others: %w", part, err)
		}
		if size > limit {
			return size, nil // the caller says by how much
		}
	}
	return size, nil
}

func (s *Server) cancelUpload(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx := r.Context()
	record, err := s.pendingUpload(ctx, v, r.PathValue("id"))
	if err != nil {
		return err
	}
	end := uploadEnd{}
	if err := v.writeFirst(ctx, v.uploadEnd(record.ID), uploadEnd{Status: uploadCancelled}, &end); err != nil {
		return err
	}
	if end.Status != uploadCancelled {
		return invalid("", "", "Upload %s has status '%s'; only one that is pending takes that.", record.ID, end.Status)
	}
	if err := v.removeAll(ctx, v.parts(record.ID), nil); err != nil {
		return err
	}
	answer(w, http.StatusOK, record.object(uploadCancelled))
	return nil
}
