package batchfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

type scanned struct {
	text        string
	line        int64
	offset, end int64
}

func scanAll(s *Scanner) []scanned {
	var all []scanned
	for s.Scan() {
		all = append(all, scanned{string(s.Bytes()), s.Line(), s.Offset(), s.End()})
	}
	return all
}

func TestScanner_Lines(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		want       []scanned
		lines      int64
	}{
		{"nothing", "", nil, 0},
		{"one", "a\n", []scanned{{"a", 1, 0, 2}}, 1},
		{"no LF at the end", "a\nb", []scanned{{"a", 1, 0, 2}, {"b", 2, 2, 3}}, 2},
		{"CRLF", "a\r\nb\r\n", []scanned{{"a", 1, 0, 3}, {"b", 2, 3, 6}}, 2},
		{"CR alone stays", "a\rb\r\r\nc\r", []scanned{{"a\rb\r", 1, 0, 6}, {"c\r", 2, 6, 8}}, 2},
		{"blank lines", "\n \t\r\na\n\n\nb\n\n", []scanned{{"a", 3, 5, 7}, {"b", 6, 9, 11}}, 7},
		{"white space stays", " a \n", []scanned{{" a ", 1, 0, 4}}, 1},
		{"byte-order mark", "\uFEFFa\n\uFEFFb\n", []scanned{{"a", 1, 0, 5}, {"\uFEFFb", 2, 5, 10}}, 2},
		{"only a byte-order mark", "\uFEFF", nil, 1},
		{"byte-order mark before a blank line", "\uFEFF\r\na", []scanned{{"a", 2, 5, 6}}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(row.text), iotest.OneByteReader(strings.NewReader(row.text)), iotest.DataErrReader(strings.NewReader(row.text))} {
				s := NewScanner(r, 0)
				if got := scanAll(s); !slices.Equal(got, row.want) {
					t.Errorf("got %v, want %v", got, row.want)
				}
				if s.Err() != nil || s.Line() != row.lines || s.End() != int64(len(row.text)) || s.Bytes() != nil {
					t.Errorf("at the end: %v, line %d, end %d", s.Err(), s.Line(), s.End())
				}
			}
		})
	}
}

func TestScanner_StartAt(t *testing.T) {
	t.Parallel()
	s := NewScanner(strings.NewReader("\uFEFFa\n\nb"), 0)
	s.StartAt(7)
	want := []scanned{{"\uFEFFa", 7, 0, 5}, {"b", 9, 6, 7}}
	if got := scanAll(s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScanner_LineTooLong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		limit      int
		lines      int
		err        string
	}{
		{"just fits", "\uFEFFabc\r\nabc\n", 3, 2, ""},
		{"by a byte", "abc\nabcd\n", 3, 1, "line 2 is longer than the limit of 3 bytes"},
		{"more than the buffer", "a\n" + strings.Repeat("b", 1<<20), 100_000, 1, "line 2 is longer than the limit of 100000 bytes"},
	} {
		s := NewScanner(strings.NewReader(row.text), row.limit)
		got := scanAll(s)
		if len(got) != row.lines {
			t.Errorf("%s: %d lines", row.name, len(got))
		}
		if (s.Err() == nil) != (row.err == "") || s.Err() != nil && s.Err().Error() != row.err {
			t.Errorf("%s: %v", row.name, s.Err())
		}
		if s.Scan() != false {
			t.Errorf("%s: goes on after the end", row.name)
		}
	}
}

func TestScanner_ErrorCutsNoLine(t *testing.T) {
	t.Parallel()
	cut := errors.New("connection cut")
	s := NewScanner(io.MultiReader(strings.NewReader("a\nhalf a li"), iotest.ErrReader(cut)), 0)
	want := []scanned{{"a", 1, 0, 2}}
	if got := scanAll(s); !slices.Equal(got, want) || !errors.Is(s.Err(), cut) {
		t.Errorf("got %v, %v", got, s.Err())
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestScanner_NoProgress(t *testing.T) {
	t.Parallel()
	s := NewScanner(stuckReader{}, 0)
	if s.Scan() || !errors.Is(s.Err(), io.ErrNoProgress) {
		t.Error(s.Err())
	}
}

func TestScanner_BufferGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300_000) + "\n"
	short := strings.Repeat(strings.Repeat("y", 99)+"\n", 30_000)
	s := NewScanner(strings.NewReader(short+long+short), 0)
	largest := 0
	for s.Scan() {
		largest = max(largest, len(s.buf))
		if s.Line() != 30_001 && len(s.Bytes()) != 99 {
			t.Fatalf("line %d has %d bytes", s.Line(), len(s.Bytes()))
		}
	}
	if s.Line() != 60_001 || largest < len(long) || largest > 2*len(long) || len(s.buf) != minBuffer {
		t.Errorf("%d lines, buffer up to %d, then %d", s.Line(), largest, len(s.buf))
	}
}

// FuzzScanner compares with strings.Split, for readers of any chunk size.
func FuzzScanner(f *testing.F) {
	f.Add("a\r\n\n b\nc", uint8(1))
	f.Add("\uFEFF\n\uFEFFx\r", uint8(200))
	f.Fuzz(func(t *testing.T, text string, chunk uint8) {
		s := NewScanner(&chunkReader{strings.NewReader(text), int(chunk) + 1}, 0)
		offset := int64(0)
		for i, line := range strings.SplitAfter(text, "\n") {
			end := offset + int64(len(line))
			content := line
			if strings.HasSuffix(line, "\n") {
				content = strings.TrimSuffix(line[:len(line)-1], "\r")
			}
			if i == 0 {
				content = strings.TrimPrefix(content, "\uFEFF")
			}
			if strings.Trim(content, " \t\r\n") != "" {
				want := scanned{content, int64(i + 1), offset, end}
				if !s.Scan() {
					t.Fatalf("ends before %v", want)
				}
				got := scanned{string(s.Bytes()), s.Line(), s.Offset(), s.End()}
				if got != want || !bytes.Contains([]byte(text[s.Offset():s.End()]), s.Bytes()) {
					t.Fatalf("got %v, want %v", got, want)
				}
			}
			offset = end
		}
		if s.Scan() || s.Err() != nil || s.End() != int64(len(text)) {
			t.Fatalf("at the end: %q, %v, %d", s.Bytes(), s.Err(), s.End())
		}
	})
}

// chunkReader reads a few bytes at a time.
type chunkReader struct {
	r    io.Reader
	size int
}

func (c *chunkReader) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), c.size)])
}
