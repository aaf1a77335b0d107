package activities

import (
	"bufio"
	"errors"
	"fmt"
	"os"

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

// spooled says where a request's line is; length 0 means that it has none.
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
	s.lines[at] = spooled{offset: s.size, length: len(line), failed: failed, ran: ran}
	s.present++
	return s.store(line)
}

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

// each calls use for every line in input order, newline included.
func (s *spool) each(use func(line []byte, failed, ran bool) error) error {
	if s.writer != nil {
		if err := s.writer.Flush(); err != nil {
			return fmt.Errorf("spool results: %w", err)
		}
	}
	var buffer []byte
	for _, entry := range s.lines {
		line, err := s.load(entry, buffer)
		if err != nil {
			return err
		}
		buffer = append(line, '\n')
		if err := use(buffer, entry.failed, entry.ran); err != nil {
			return err
		}
	}
	return nil
}

// load returns an entry's bytes in a buffer that may be reused for the next.
func (s *spool) load(entry spooled, buffer []byte) ([]byte, error) {
	if s.file == nil {
		return append(buffer[:0], s.memory[entry.offset:entry.offset+int64(entry.length)]...), nil
	}
	if cap(buffer) <= entry.length {
		buffer = make([]byte, entry.length+1)
	}
	line := buffer[:entry.length]
	if _, err := s.file.ReadAt(line, entry.offset); err != nil {
		return nil, fmt.Errorf("read spooled results: %w", err)
	}
	return line, nil
}

// close removes the temporary file.
func (s *spool) close() {
	if s.file != nil {
		_ = errors.Join(s.file.Close(), os.Remove(s.file.Name()))
	}
}
