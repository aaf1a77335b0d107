package batchfile

import (
	"bytes"
	"fmt"
	"io"
)

// DefaultMaxLine is the longest line accepted unless told otherwise, in bytes:
// room for a request with several images in base64.
const DefaultMaxLine = 64 << 20

const (
	minBuffer = 64 << 10
	lineEnd   = 5 // bytes that a line has beyond its content: byte-order mark, CR, LF
)

var byteOrderMark = []byte("\uFEFF")

// Scanner reads the lines of a JSONL file. Lines of white space alone are
// counted and skipped. Its buffer grows to the longest line and shrinks again;
// scanning a line allocates nothing.
type Scanner struct {
	r     io.Reader
	limit int

	passing    bool // over lines that are too long
	buf        []byte
	start, end int // of what is unread in buf
	quiet      int // bytes read since a line needed more than minBuffer
	done       bool

	content  []byte
	long     bool  // the line was passed over
	dropped  int64 // bytes of the line that are no longer in buf
	line     int64
	from, to int64
	err      error
}

// NewScanner reads from r, and fails at a line longer than maxLine bytes
// without its end, unless it is told to pass over such lines; 0 or less means
// DefaultMaxLine.
func NewScanner(r io.Reader, maxLine int) *Scanner {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	return &Scanner{r: r, limit: maxLine}
}

// StartAt says which line of its file r starts with, for a reader of a shard:
// call it before Scan, with Shard.FirstLine. Only line 1 can have a byte-order
// mark to take off.
func (s *Scanner) StartAt(line int64) { s.line = line - 1 }

// PassLong makes the scanner go on after a line that is too long: Scan returns
// true, [Scanner.TooLong] too, and the line's content is gone. Call it before
// Scan.
func (s *Scanner) PassLong() { s.passing = true }

// Scan moves to the next line that is not blank. It returns false at the end
// of the input and after an error.
func (s *Scanner) Scan() bool {
	for s.err == nil {
		raw, ok := s.next()
		if !ok {
			break
		}
		s.line++
		s.from, s.to = s.to, s.to+s.dropped+int64(len(raw))
		s.content = trimLine(raw, s.line == 1)
		if s.long = s.dropped > 0 || len(s.content) > s.limit; s.long {
			s.content = nil
		}
		if s.long && !s.passing {
			s.err = &lineTooLong{line: s.line, limit: s.limit}
			break
		}
		if s.long || !blank(s.content) {
			return true
		}
	}
	s.content, s.long = nil, false
	return false
}

// TooLong reports whether the line was passed over for its length.
func (s *Scanner) TooLong() bool { return s.long }

// Bytes is the line without its end and byte-order mark, valid until the next
// call of Scan.
func (s *Scanner) Bytes() []byte { return s.content }

// Line is the line's number, blank lines counted too. After the last line it is
// the number of lines in the file.
func (s *Scanner) Line() int64 { return s.line }

// Offset and End are the line's range of bytes in r, with its end and, on the
// first line, the byte-order mark. After the last line End is the size of r.
func (s *Scanner) Offset() int64 { return s.from }

// End is the offset of the first byte after the line. See Offset.
func (s *Scanner) End() int64 { return s.to }

// Err is what ended the scan; nil at the end of the input.
func (s *Scanner) Err() error { return s.err }

// next returns the bytes up to and including the next LF. The last line may
// lack it, but only where the input ended well: an error can cut a line.
func (s *Scanner) next() ([]byte, bool) {
	s.dropped = 0
	for searched := 0; ; {
		if i := bytes.IndexByte(s.buf[s.start+searched:s.end], '\n'); i >= 0 {
			return s.take(searched + i + 1), true
		}
		searched = s.end - s.start
		if searched > s.limit+lineEnd {
			if !s.passing {
				s.line++
				s.err = &lineTooLong{line: s.line, limit: s.limit}
				return nil, false
			}
			s.dropped += int64(searched)
			s.start, searched = s.end, 0
		}
		if s.fill() {
			continue
		}
		return s.take(searched), (searched > 0 || s.dropped > 0) && s.err == nil
	}
}

func (s *Scanner) take(n int) []byte {
	raw := s.buf[s.start : s.start+n]
	s.start += n
	if n > minBuffer {
		s.quiet = 0
	} else {
		s.quiet += n
	}
	return raw
}

// fill reads more into the buffer and reports whether it could.
func (s *Scanner) fill() bool {
	s.makeRoom()
	for tries := 0; !s.done; tries++ {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		switch {
		case err == io.EOF:
			s.done = true
		case err != nil:
			s.done, s.err = true, err
		case n == 0 && tries == 100: // as bufio.Reader
			s.done, s.err = true, io.ErrNoProgress
		}
		if n > 0 {
			return s.err == nil
		}
	}
	return false
}

// makeRoom moves what is unread to the front, into a larger buffer when it
// fills the whole of this one, or into a small one when the lines have been
// short for so long that the copy costs nothing by comparison.
func (s *Scanner) makeRoom() {
	unread := s.end - s.start
	size := len(s.buf)
	switch {
	case size > minBuffer && unread < minBuffer/2 && s.quiet > 4*size:
		size = minBuffer
	case s.start > 0 && (unread == 0 || s.end == size):
	case s.end < size:
		return
	default:
		size = max(minBuffer, min(2*size, s.limit+lineEnd+1))
	}
	target := s.buf
	if size != len(s.buf) {
		target = make([]byte, size)
	}
	copy(target, s.buf[s.start:s.end])
	s.buf, s.start, s.end = target, 0, unread
}

func trimLine(raw []byte, first bool) []byte {
	if line, ok := bytes.CutSuffix(raw, []byte("\n")); ok {
		raw = bytes.TrimSuffix(line, []byte("\r"))
	}
	if first {
		raw = bytes.TrimPrefix(raw, byteOrderMark)
	}
	return raw
}

func blank(line []byte) bool {
	for _, b := range line {
		if !isSpace(b) {
			return false
		}
	}
	return true
}

// lineTooLong ends a scan.
type lineTooLong struct {
	line  int64
	limit int
}

func (e *lineTooLong) Error() string {
	return fmt.Sprintf("line %d is longer than the limit of %d bytes", e.line, e.limit)
}
