package batchfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// benchLine is a chat request of 1 KB, with the escapes and the few characters
// beyond ASCII that prose has.
func benchLine(i int) string {
	prose := strings.Repeat(`“The Rays of Light,” \"Newton\" writes, differ in Colour — and in Refrangibility.\n`, 9)
	line := fmt.Sprintf(`{"custom_id": "request-%08d", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "openai/gpt-oss-120b", "messages": [{"role": "system", "content": "You answer in one sentence."}, {"role": "user", "content": "%s"}], "max_tokens": 200, "temperature": 0.2}}`, i, prose)
	return line + "\n"
}

func benchFile(lines int) []byte {
	var file bytes.Buffer
	for i := range lines {
		file.WriteString(benchLine(i))
	}
	return file.Bytes()
}

func inMemory(name string, data []byte) Input {
	return Input{Name: name, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func BenchmarkParse(b *testing.B) {
	line := []byte(benchLine(1))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Parse(line); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	file := benchFile(10_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		lines := NewScanner(bytes.NewReader(file), 0)
		for lines.Scan() {
		}
		if lines.Err() != nil || lines.Line() != 10_000 {
			b.Fatal(lines.Line(), lines.Err())
		}
	}
}

func BenchmarkAppendResult(b *testing.B) {
	r := Result{CustomID: []byte(`"request-1"`), Status: 200, RequestID: "req-1",
		Body: []byte(`{"choices":[{"message":{"content":"` + strings.Repeat("An answer of some length. ", 40) + `"}}],"usage":{"prompt_tokens":9}}`)}
	var line []byte
	b.SetBytes(int64(len(r.Body)))
	b.ReportAllocs()
	for b.Loop() {
		line = AppendResult(line[:0], "job", r)
	}
}

// memoryInUse is what the runtime holds of the system's memory.
func memoryInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// generated is a file of such lines, with numbers for custom_ids, that is never
// in memory as a whole. The line has eight zeros where the number goes.
func generated(lines int, line string) Input {
	return Input{Name: "generated", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(newLineMaker(lines, line)), nil
	}}
}

type lineMaker struct {
	line   []byte
	number []byte // its place in line
	rest   []byte // of line, to be read
	made   int
	lines  int
}

func newLineMaker(lines int, line string) *lineMaker {
	m := &lineMaker{line: []byte(line), lines: lines}
	at := strings.Index(line, "00000000")
	m.number = m.line[at : at+8]
	return m
}

func (m *lineMaker) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(m.rest) == 0 {
			if m.made == m.lines {
				return n, io.EOF
			}
			m.made++
			for i, left := 7, m.made; i >= 0; i, left = i-1, left/10 {
				m.number[i] = byte('0' + left%10)
			}
			m.rest = m.line
		}
		copied := copy(p[n:], m.rest)
		m.rest = m.rest[copied:]
		n += copied
	}
	return n, nil
}
