package activities

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/nightshift-run/nightshift/internal/batchfile"
)

// spoolMemory is how much of a shard's results is held in memory; more goes to
// a temporary file, which reads back at the speed of memory as long as the
// system has some to spare.
const spoolMemory = 1 << 20

// spool brings one shard's result lines into input order. Its memory is
// spoolMemory and a few bytes a request, and shards have a bounded number of
// requests.
type spool struct {
	first   int64
	lines   []spooled // by request of the shard
	present int
	memory  []byte
	line    []byte // scratch of explain
	tempDir string
	file    *os.File
	writer  *bufio.Writer
	size    int64 // bytes in memory or, once there is one, in the file
}

// spooled says where a request's line is, its newline included; length 0 means
// that it has none.
type spooled struct {
	offset int64
	length int
	failed bool
	ran    bool
}

// newSpool returns an empty spool; memory is used first and may be nil.
func newSpool(shard batchfile.Shard, tempDir string, memory []byte) *spool {
	if memory == nil {
		memory = make([]byte, 0, spoolMemory)
	}
	return &spool{first: shard.FirstRequest, lines: make([]spooled, shard.Requests), tempDir: tempDir, memory: memory[:0]}
}

// add takes a line of a part, unless its request has one already, in the form
// that results have.
func (s *spool) add(line []byte, failed bool) error {
	result, _, _ := batchfile.CutPart(line)
	return s.put(result, failed, true)
}

// addMissing takes the line of a request that never ran.
func (s *spool) addMissing(line []byte) error { return s.put(line, true, false) }

// explain adds the error line of a request that never ran, unless it has a line.
func (s *spool) explain(job string, at int, customID []byte, why batchfile.ResultError) error {
	if s.has(at) {
		return nil
	}
	s.line = batchfile.AppendResult(s.line[:0], job, batchfile.Result{Index: s.first + int64(at), CustomID: customID, Error: &why})
	return s.addMissing(s.line[:len(s.line)-1])
}

func (s *spool) put(line []byte, failed, ran bool) error {
	index, err := batchfile.ResultIndex(line)
	if err != nil {
		return err
	}
	at := index - s.first
	if at < 0 || at >= int64(len(s.lines)) {
		return fmt.Errorf("request %d is not of this shard", index)
	}
	if s.has(int(at)) {
		return nil
	}
	s.lines[at] = spooled{offset: s.size, length: len(line) + 1, failed: failed, ran: ran}
	s.present++
	if err := s.store(line); err != nil {
		return err
	}
	return s.store(newline)
}

var newline = []byte{'\n'}

func (s *spool) store(line []byte) error {
	s.size += int64(len(line))
	if s.file == nil && s.size <= spoolMemory {
		s.memory = append(s.memory, line...)
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp(s.tempDir, "nightshift-spool-*")
		if err != nil {
			return fmt.Errorf("spool results: %w", err)
		}
		s.file, s.writer = file, bufio.NewWriterSize(file, 128<<10)
		if _, err := s.writer.Write(s.memory); err != nil {
			return fmt.Errorf("spool results: %w", err)
		}
	}
	if _, err := s.writer.Write(line); err != nil {
		return fmt.Errorf("spool results: %w", err)
	}
	return nil
}

func (s *spool) has(at int) bool { return s.lines[at].length > 0 }

func (s *spool) missing() int { return len(s.lines) - s.present }

// each calls use for every line in input order, newline included. The line is
// valid until use returns.
func (s *spool) each(use func(line []byte, failed, ran bool) error) error {
	if s.writer != nil {
		if err := s.writer.Flush(); err != nil {
			return fmt.Errorf("spool results: %w", err)
		}
	}
	var buffer []byte
	for rest := s.lines; len(rest) > 0; {
		count, size := together(rest)
		text, err := s.load(rest[0].offset, size, buffer)
		if err != nil {
			return err
		}
		if s.file != nil {
			buffer = text
		}
		for _, entry := range rest[:count] {
			if err := use(text[:entry.length], entry.failed, entry.ran); err != nil {
				return err
			}
			text = text[entry.length:]
		}
		rest = rest[count:]
	}
	return nil
}

// readTogether is how much is read at once where lines lie in order, in bytes.
const readTogether = 128 << 10

// together returns how many of the entries, and how many bytes of them, lie one
// after the other: most do, since parts are sorted.
func together(entries []spooled) (count, size int) {
	for _, entry := range entries {
		if count > 0 && (entry.offset != entries[0].offset+int64(size) || size+entry.length > readTogether) {
			break
		}
		count, size = count+1, size+entry.length
	}
	return count, size
}

// load returns a piece of what is stored, in the buffer if that has room for it.
func (s *spool) load(offset int64, size int, buffer []byte) ([]byte, error) {
	if s.file == nil {
		return s.memory[offset:][:size], nil
	}
	piece := slices.Grow(buffer[:0], size)[:size]
	if _, err := s.file.ReadAt(piece, offset); err != nil {
		return nil, fmt.Errorf("read spooled results: %w", err)
	}
	return piece, nil
}

// close removes the temporary file.
func (s *spool) close() {
	if s.file != nil {
		_ = errors.Join(s.file.Close(), os.Remove(s.file.Name()))
	}
}
