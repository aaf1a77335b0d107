package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// maxField bounds a form's field that is no file, and what a form may hold
// besides its file, in bytes.
const (
	maxField = 64 << 10
	maxAside = 1 << 20
)

// form is a multipart form that was taken in as it came: its file is in the
// bucket, where nobody can see it before commit.
type form struct {
	fields   map[string]string
	filename string
	file     *bucket.Writer // nil if there was none
	size     int64
}

// abort leaves nothing behind.
func (f *form) abort() error {
	if f.file == nil {
		return nil
	}
	return f.file.Abort()
}

// receive takes in a form whose file is the field of that name and goes to url.
// It may be no larger than most. Whatever the error, nothing is left
// behind.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, v visitor, field, url string, most bound) (received *form, err error) {
	if r.ContentLength > most.bytes+maxAside {
		return nil, s.turnAway(w, r, most.exceeded())
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("", "", "The request must be multipart/form-data: %s.", err)
	}
	if err := s.waitForTurn(r.Context()); err != nil {
		return nil, err
	}
	defer func() { <-s.uploads }()
	f := &form{fields: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.abort())
		}
	}()
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return nil, cutOff(r, err)
		}
		if part.FormName() == field {
			err = f.takeFile(r, v, part, url, most)
		} else {
			err = f.takeField(r, part)
		}
		if known, ok := errors.AsType[*apiError](err); ok && known.status == http.StatusRequestEntityTooLarge {
			return nil, s.turnAway(w, r, known)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *Server) waitForTurn(ctx context.Context) error {
	select {
	case s.uploads <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *form) takeField(r *http.Request, part *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(fromClient{part, r}, maxField+1))
	if err != nil {
		return err
	}
	if len(text) > maxField || len(f.fields) > 32 {
		return invalid(part.FormName(), "", "The form has more, or longer, fields than any request needs.")
	}
	f.fields[part.FormName()] = string(text)
	return nil
}

func (f *form) takeFile(r *http.Request, v visitor, part *multipart.Part, url string, most bound) (err error) {
	if f.file != nil {
		return invalid(part.FormName(), "", "The form has two fields called '%s'.", part.FormName())
	}
	f.filename = part.FileName()
	f.file, err = v.store.Create(r.Context(), url, "application/octet-stream")
	if err != nil {
		return err
	}
	f.size, err = io.CopyBuffer(f.file, io.LimitReader(fromClient{part, r}, most.bytes+1), make([]byte, 64<<10))
	if err == nil && f.size > most.bytes {
		err = most.exceeded()
	}
	return err
}

// fromClient reads what a client sends. Its errors are the client's, which an
// error of a copy does not tell otherwise.
type fromClient struct {
	io.Reader
	request *http.Request
}

func (f fromClient) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = cutOff(f.request, err)
	}
	return n, err
}

// cutOff is of a body that ended before its time, or is no form.
func cutOff(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return fmt.Errorf("the client went away: %w", err)
	}
	return invalid("", "", "The form could not be read to its end: %s.", err)
}

// What a client may still send after it was refused, so that it gets to read the
// answer: many send all before they look.
const (
	passBytes = 1 << 30
	passTime  = 15 * time.Second
)

// turnAway answers at once and then passes over what still comes, for a while.
// It returns the error for the log.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, refused *apiError) error {
	return &turnedAway{apiError: refused, rest: func() {
		control := http.NewResponseController(w)
		_ = control.Flush()
		until := time.Now().Add(passTime)
		buffer := make([]byte, 64<<10)
		for passed := 0; passed < passBytes && time.Now().Before(until); {
			n, err := r.Body.Read(buffer)
			if passed += n; err != nil {
				return
			}
		}
	}}
}

// turnedAway is a refusal after whose answer the rest of the body is passed
// over.
type turnedAway struct {
	*apiError
	rest func()
}

func (t *turnedAway) Unwrap() error { return t.apiError }
