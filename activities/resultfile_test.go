package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/compress"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// TestCollectResults_InEachForm collects the same results in each form, and
// compares what the files hold with the plain one and with the manifest.
func TestCollectResults_InEachForm(t *testing.T) {
	t.Parallel()
	const n = 1000
	w := newWorld(t, answerOK)
	plan := w.plan(input(n))
	for shard := range plan.Shards {
		w.send(plan, shard)
	}
	if _, err := w.collect(plan, ""); err != nil {
		t.Fatal(err)
	}
	want := w.read("out/output.jsonl")
	for _, c := range []struct {
		format jobs.Results
		names  string
		many   bool
	}{
		{jobs.Results{Compression: jobs.Gzip}, "output.jsonl.gz", false},
		{jobs.Results{Compression: jobs.Zstd}, "output.jsonl.zst", false},
		{jobs.Results{Split: 64 << 10}, "output-0000%d.jsonl", true},
		{jobs.Results{Split: 1 << 30}, "output-0000%d.jsonl", false},
		{jobs.Results{Split: 64 << 10, Compression: jobs.Zstd}, "output-0000%d.jsonl.zst", true},
		{jobs.Results{}, "output.jsonl", false},
	} {
		w.format = c.format
		collected, err := w.collect(plan, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		var lines int64
		for i, file := range collected.Files {
			name := c.names
			if c.format.Split > 0 {
				name = fmt.Sprintf(c.names, i+1)
			}
			stored := w.read("out/" + name)
			if file.URL != w.base+"/out/"+name || file.Bytes != int64(len(stored)) || file.SHA256 != fmt.Sprintf("%x", sha256.Sum256(stored)) {
				t.Errorf("%+v: file %+v, stored %d bytes as %s", c.format, file, len(stored), name)
			}
			plain := w.unpacked(stored, c.format.Compression)
			if c.format.Split > 0 && len(plain) > int(c.format.Split) {
				t.Errorf("%s has %d bytes", name, len(plain))
			}
			lines += file.Lines
			got = append(got, plain...)
		}
		if !bytes.Equal(got, want) || lines != n || (len(collected.Files) > 1) != c.many {
			t.Errorf("%+v: %d files with %d lines and %d bytes, want %d", c.format, len(collected.Files), lines, len(got), len(want))
		}
		w.onlyTheseFiles(collected.Files)
	}
}

func (w *world) unpacked(stored []byte, by jobs.Compression) []byte {
	w.Helper()
	reader, err := compress.NewReader(bytes.NewReader(stored), by)
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	plain, err := io.ReadAll(reader)
	if err != nil {
		w.Fatal(err)
	}
	return plain
}

// onlyTheseFiles checks that no results of another form are left.
func (w *world) onlyTheseFiles(files []jobs.File) {
	w.Helper()
	listed := 0
	for object, err := range w.store.List(context.Background(), w.base+"/out/") {
		if err != nil {
			w.Fatal(err)
		}
		if strings.Contains(object.URL, ".jsonl") && !strings.Contains(object.URL, ".nightshift") {
			listed++
		}
	}
	if listed != len(files) {
		w.Errorf("%d files of results, want %d", listed, len(files))
	}
}

// send runs a shard of a plan.
func (w *world) send(plan workflows.Plan, shard int) {
	w.Helper()
	call := w.shard(plan)
	call.Shard = shard
	if err := w.run(workflows.RunShard, call, nil); err != nil {
		w.Fatal(err)
	}
}

// TestCollectResults_NothingHalfDone fails when some files are full: none of the
// set may have taken its place.
func TestCollectResults_NothingHalfDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(2000))
	w.put("out/output-00001.jsonl", []byte("of an earlier job\n"))
	w.format = jobs.Results{Split: 64 << 10}
	w.send(plan, 0) // which fills several files
	if _, err := w.collect(plan, ""); err == nil {
		t.Fatal("collected what is not there")
	}
	if got := string(w.read("out/output-00001.jsonl")); got != "of an earlier job\n" || w.read("out/manifest.json") != nil {
		t.Errorf("output-00001.jsonl holds %q", got)
	}
}

// TestRunShard_TwoAttemptsAtOnce runs two attempts at one shard side by side, as
// after a partition or a reset: each line has one result all the same.
func TestRunShard_TwoAttemptsAtOnce(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(t, answerOK)
	plan := w.plan(input(n))
	other := w.again()
	var wait sync.WaitGroup
	for _, attempt := range []*world{w, other} {
		wait.Go(func() {
			var done workflows.ShardDone
			if err := attempt.run(workflows.RunShard, attempt.shard(plan), &done); err != nil || done.Completed != n {
				t.Errorf("done %+v, %v", done, err)
			}
		})
	}
	wait.Wait()
	collected, err := w.collect(plan, "")
	if err != nil || collected.Counts != (jobs.Counts{Total: n, Completed: n}) || collected.Usage.InputTokens != 3*n {
		t.Errorf("collected %+v, %v", collected, err)
	}
	if lines := w.lines("out/output.jsonl"); len(lines) != n || w.calls.Load() < n {
		t.Errorf("%d lines after %d calls", len(lines), w.calls.Load())
	}
}

// TestResults_AreOfOpenAIsForm has each way in which a request can end, and
// compares the line, the file it is in, and the sums.
func TestResults_AreOfOpenAIsForm(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"answered": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", "req_1")
			_, _ = io.WriteString(w, "{\"choices\":[{}],\n \"n\":1.10e+0, \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}")
		},
		"refused":   status(400, `{"error":{"message":"too long","type":"invalid_request_error"}}`),
		"broken":    status(500, `{"error":{"message":"out of memory"},"usage":{"prompt_tokens":1000}}`),
		"cut":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"gibberish": status(200, "<html>"),
	}
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		for content, answer := range answers {
			if bytes.Contains(text, []byte(`"`+content+`"`)) {
				answer(rw, r)
			}
		}
	})
	var text strings.Builder
	ids := []string{"answered", "refused", "broken", "cut", "gibberish"}
	for _, id := range ids {
		text.WriteString(request(id, id))
	}
	plan := w.plan([]byte(text.String()))
	call := w.shard(plan)
	call.Requests.Attempts = 1
	if err := w.run(workflows.RunShard, call, nil); err != nil {
		t.Fatal(err)
	}
	collected, err := w.collect(plan, "")
	if err != nil {
		t.Fatal(err)
	}
	const answered = `{"id":"batch_req_X","custom_id":"answered","response":{"status_code":200,"request_id":"req_1","body":{"choices":[{}],"n":1.10e+0,"usage":{"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}}},"error":null}`
	if got := withoutIDs(w.read("out/output.jsonl")); got != answered+"\n" {
		t.Errorf("output has\n%s", got)
	}
	failed := withoutIDs(w.read("out/errors.jsonl"))
	for _, want := range []string{
		`{"id":"batch_req_X","custom_id":"refused","response":{"status_code":400,"request_id":"","body":{"error":{"message":"too long","type":"invalid_request_error"}}},"error":null}`,
		`{"id":"batch_req_X","custom_id":"broken","response":{"status_code":500,"request_id":"","body":{"error":{"message":"out of memory"},"usage":{"prompt_tokens":1000}}},"error":null}`,
		`{"id":"batch_req_X","custom_id":"cut","response":null,"error":{"code":"connection_error","message":`,
		`{"id":"batch_req_X","custom_id":"gibberish","response":null,"error":{"code":"invalid_response","message":`,
	} {
		if !strings.Contains(failed, want) {
			t.Errorf("errors lack\n%s\n%s", want, failed)
		}
	}
	if collected.Counts.Completed != 1 || collected.Counts.Total != int64(len(ids)) ||
		collected.Usage != (jobs.Usage{InputTokens: 5, CachedTokens: 2, OutputTokens: 7, ReasoningTokens: 3}) {
		t.Errorf("collected %+v", collected)
	}
	for line := range strings.Lines(failed) {
		var keys map[string]any
		if err := json.Unmarshal([]byte(line), &keys); err != nil || len(keys) != 4 || (keys["response"] == nil) == (keys["error"] == nil) {
			t.Errorf("%v: %s", err, line)
		}
	}
}

// withoutIDs replaces the ids of result lines, which are ours to choose.
func withoutIDs(text []byte) string {
	var plain strings.Builder
	for line := range strings.Lines(string(text)) {
		plain.WriteString(line[:len(`{"id":"batch_req_`)] + "X" + line[len(`{"id":"batch_req_`)+20:])
	}
	return plain.String()
}

func TestReading_FollowsAndEndsWithAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(5))
	follower := &Reading{Store: w.store, Output: w.base + "/out/", Job: "job"}
	failed := &Reading{Store: w.store, Output: w.base + "/out/", Job: "job", Errors: true}
	var out, errs bytes.Buffer
	follow := func(want int64) {
		t.Helper()
		if lines, err := follower.Follow(t.Context(), &out); err != nil || lines != want {
			t.Errorf("followed %d lines, want %d: %v", lines, want, err)
		}
	}
	if _, err := follower.All(t.Context(), &out); !errors.Is(err, ErrNoResults) {
		t.Errorf("error is %v", err)
	}
	follow(0)
	w.part("1-aaaa-00001", "{}", 3, 0)
	follow(2)
	w.part("2-bbbb-00001", `{"other":1}`, 0, 1)
	follow(3)
	follow(3)
	w.format = jobs.Results{Compression: jobs.Gzip}
	if _, err := w.collect(plan, batchfile.CodeBatchCancelled); err != nil {
		t.Fatal(err)
	}
	if lines, err := follower.Rest(t.Context(), &out); err != nil || lines != 3 || bytes.Count(out.Bytes(), []byte("\n")) != 3 {
		t.Errorf("%d lines, %v:\n%s", lines, err, out.String())
	}
	if lines, err := failed.Rest(t.Context(), &errs); err != nil || lines != 2 || strings.Count(errs.String(), "batch_cancelled") != 2 {
		t.Errorf("%d lines, %v:\n%s", lines, err, errs.String())
	}
	out.Reset()
	all := &Reading{Store: w.store, Output: w.base + "/out"}
	if lines, err := all.All(t.Context(), &out); err != nil || lines != 3 || bytes.Contains(out.Bytes(), []byte("request_sum")) {
		t.Errorf("%d lines, %v:\n%s", lines, err, out.String())
	}
	stranger := &Reading{Store: w.store, Output: w.base + "/out/", Job: "stranger"}
	if _, err := stranger.All(t.Context(), &out); !errors.Is(err, ErrNoResults) || !strings.Contains(err.Error(), "of job job") {
		t.Errorf("error is %v", err)
	}
}

// TestPartWriter_PausesAfterTheEnd has a store that takes nothing: after the
// attempt's end a part is tried a few times, with pauses, and given up.
func TestPartWriter_PausesAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, status(500, "<Error><Code>InternalError</Code></Error>"))
	store, err := bucket.New(t.Context(), bucket.Options{Endpoint: w.server.URL, AccessKey: "a", SecretKey: "b", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	parts := newPartWriter(ended, store, "job", "s3://b/parts/", 1, &measuring{store: store, url: "s3://b/measured", due: time.Now().Add(time.Hour)}, func(error) {})
	parts.add(batchfile.Result{CustomID: []byte(`"a"`), Status: 200, Body: []byte("{}")}, 1)
	if err := parts.close(); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if calls := w.calls.Load(); calls != triesAfterEnd {
		t.Errorf("%d tries", calls)
	}
}
