package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// getContent streams a file's bytes, or the range that was asked for.
func (s *Server) getContent(w http.ResponseWriter, r *http.Request, v visitor) error {
	record, err := s.find(r.Context(), v, r.PathValue("id"))
	if err != nil {
		return err
	}
	object, err := v.store.Stat(r.Context(), record.Content)
	if errors.Is(err, bucket.ErrNotFound) {
		return noFile(record.ID)
	}
	if err != nil {
		return err
	}
	content := &seeker{ctx: r.Context(), store: v.store, object: object}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": record.Filename}))
	if object.ETag != "" {
		header.Set("ETag", fmt.Sprintf("%q", object.ETag))
	}
	ranges := &rangeWriter{ResponseWriter: w}
	http.ServeContent(ranges, r, record.Filename, time.Unix(record.Created, 0), content)
	if ranges.refused {
		header.Del("Content-Disposition")
		return refusal(http.StatusRequestedRangeNotSatisfiable, invalidRequest, "", "invalid_range",
			fmt.Sprintf("The range '%s' is not in the file, which has %d bytes.", shortened(r.Header.Get("Range")), object.Size))
	}
	if content.failed != nil { // in the middle, where only the connection's end can tell
		noteError(r, content.failed)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// rangeWriter keeps back http.ServeContent's refusal of a range, which is plain
// text.
type rangeWriter struct {
	http.ResponseWriter
	refused bool
}

func (w *rangeWriter) WriteHeader(status int) {
	w.refused = status == http.StatusRequestedRangeNotSatisfiable
	if !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *rangeWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// seeker is an object as http.ServeContent wants it. It is opened where reading
// begins.
type seeker struct {
	ctx    context.Context
	store  *bucket.Store
	object bucket.Object
	at     int64
	reader io.ReadCloser
	failed error
}

func (s *seeker) Read(p []byte) (n int, err error) {
	if s.at >= s.object.Size {
		return 0, io.EOF
	}
	if s.reader == nil {
		s.reader, err = s.store.Open(s.ctx, s.object.URL, bucket.ReadOptions{Offset: s.at, ETag: s.object.ETag})
		if err != nil {
			s.failed = err
			return 0, err
		}
	}
	n, err = s.reader.Read(p)
	s.at += int64(n)
	if err != nil && err != io.EOF {
		s.failed = err
	}
	return n, err
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.object.Size
	}
	if offset < 0 {
		return 0, errors.New("seek to before the beginning")
	}
	if offset != s.at {
		s.Close()
		s.at = offset
	}
	return offset, nil
}

func (s *seeker) Close() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
}
