package activities

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// part writes results of requests as an attempt at shard 0 would have.
func (w *world) part(name string, answer string, requests ...int64) {
	w.Helper()
	var text []byte
	for _, index := range requests {
		text = batchfile.AppendResult(text, "job", batchfile.Result{
			Index: index, CustomID: fmt.Appendf(nil, `"r-%d"`, index), Status: 200, Body: []byte(answer),
		})
	}
	w.put("out/.nightshift/job/parts/00000000/"+name+outputPart, text)
}

func TestCollectResults_EachLineOnceInInputOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(6))
	w.part("1-aaaa-00001", `{"from":"first"}`, 4, 1)
	w.part("2-bbbb-00001", `{"from":"second"}`, 1, 3, 0)
	collected, err := w.collect(plan, batchfile.CodeBatchCancelled)
	if err != nil {
		t.Fatal(err)
	}
	if want := (jobs.Counts{Total: 6, Completed: 4, NeverRan: 2}); collected.Counts != want {
		t.Errorf("counts = %+v, want %+v", collected.Counts, want)
	}
	var order []string
	for _, line := range w.lines("out/output.jsonl") {
		order = append(order, fmt.Sprint(line["custom_id"]))
	}
	if got := strings.Join(order, " "); got != "r-0 r-1 r-3 r-4" {
		t.Errorf("output has %s", got)
	}
	if !strings.Contains(string(w.read("out/output.jsonl")), `"custom_id":"r-1","response":{"status_code":200,"request_id":"","body":{"from":"first"}}`) {
		t.Error("where two attempts answered, the first part's line must count")
	}
	for _, id := range []string{"r-2", "r-5"} {
		if got := w.fate(id); got != batchfile.CodeBatchCancelled {
			t.Errorf("%s ended as %s", id, got)
		}
	}
	if !bytes.Contains(w.read("out/manifest.json"), []byte(collected.Files[0].SHA256)) {
		t.Error("the manifest does not have the file's checksum")
	}
}

func TestCollectResults_ACompletedJobLacksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(3))
	w.part("1-aaaa-00001", "{}", 0, 2)
	_, err := w.collect(plan, "")
	if kind, retried := typeOf(err); kind != jobs.Internal || retried {
		t.Errorf("error is %v", err)
	}
	if w.read("out/output.jsonl") != nil {
		t.Error("results were published all the same")
	}
}

func TestCollectResults_NoErrorsFileWithoutErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("out/errors.jsonl", []byte("of an earlier run\n"))
	plan := w.plan(input(1))
	w.part("1-aaaa-00001", "{}", 0)
	if _, err := w.collect(plan, ""); err != nil {
		t.Fatal(err)
	}
	if left := w.read("out/errors.jsonl"); left != nil {
		t.Errorf("errors.jsonl holds %q", left)
	}
}

// TestSpool_BeyondMemory: lines come back in the input's order, whether they lie
// one after the other in the file or not.
func TestSpool_BeyondMemory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ requests, size, stride int }{
		"large, out of order": {40, 400 << 10, 7},
		"small, in order":     {5000, 600, 1},
		"small, out of order": {5000, 600, 1999},
		"small, in pieces":    {5000, 600, 2501}, // of two
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpool(batchfile.Shard{FirstRequest: 1000, Requests: uint32(c.requests)}, t.TempDir(), nil)
			defer s.close()
			for i := range c.requests { // every one of them, since the stride shares no factor with their number
				if err := s.add(resultOf(int64(1000+(i*c.stride)%c.requests), c.size), false); err != nil {
					t.Fatal(err)
				}
			}
			if s.file == nil || s.missing() != 0 {
				t.Fatalf("%d missing, file %v", s.missing(), s.file)
			}
			next := int64(1000)
			err := s.each(func(line []byte, _, _ bool) error {
				if want := string(resultOf(next, c.size)) + "\n"; string(line) != want {
					return fmt.Errorf("request %d is %.100s..., of %d bytes; want %d", next, line, len(line), len(want))
				}
				next++
				return nil
			})
			if err != nil || next != int64(1000+c.requests) {
				t.Errorf("after %d: %v", next, err)
			}
			name := s.file.Name()
			s.close()
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s is still there", name)
			}
		})
	}
}

// resultOf is a result line of so many bytes and some more, without its newline.
func resultOf(index int64, size int) []byte {
	body := fmt.Appendf(nil, `"%d%s"`, index, strings.Repeat("x", size))
	line := batchfile.AppendResult(nil, "job", batchfile.Result{Index: index, CustomID: []byte(`"r"`), Status: 200, Body: body})
	return bytes.TrimSuffix(line, []byte("\n"))
}

func TestSorted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		kind    string
		retried bool
	}{
		{fmt.Errorf("read: %w", bucket.ErrChanged), jobs.InputChanged, false},
		{fmt.Errorf("read: %w", bucket.ErrDenied), jobs.BucketDenied, false},
		{fmt.Errorf("read: %w", bucket.ErrNotFound), jobs.NotFound, false},
		{fmt.Errorf("read: %w", http.ErrServerClosed), jobs.Temporary, true},
		{final(jobs.EndpointLost, "gone"), jobs.EndpointLost, false},
		{waiting("not yet", 0), jobs.Temporary, true},
	} {
		if kind, retried := typeOf(sorted(c.err)); kind != c.kind || retried != c.retried {
			t.Errorf("%v becomes %s, retried %v; want %s, %v", c.err, kind, retried, c.kind, c.retried)
		}
	}
	for _, full := range []error{bucket.ErrFull, &fs.PathError{Op: "write", Path: "/tmp/spill", Err: syscall.ENOSPC}} {
		err := fmt.Errorf("spill custom_ids: %w", full)
		if kind, retried := typeOf(sortedEarly(err)); kind != jobs.DiskFull || retried {
			t.Errorf("before anything is rented, %v becomes %s, retried %v", err, kind, retried)
		}
		if kind, retried := typeOf(sorted(err)); kind != jobs.Temporary || !retried {
			t.Errorf("over answers that were paid for, %v becomes %s, retried %v", err, kind, retried)
		}
	}
	if sorted(nil) != nil || sorted(context.Canceled) != context.Canceled {
		t.Error("nothing and the end of a context must pass unchanged")
	}
}
