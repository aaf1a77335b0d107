package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/nightshift-run/nightshift/jobs"
)

// jobs200 is the report of a job of one request that was answered.
func jobs200() jobs.Report {
	return jobs.Report{
		Outcome: jobs.Completed, Phases: phases(), Counts: jobs.Counts{Total: 1, Completed: 1},
		Usage: jobs.Usage{InputTokens: 10, CachedTokens: 4, OutputTokens: 7, ReasoningTokens: 2},
	}
}

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBatch_Fields compares every field of a batch, at its beginning and at its
// end, with the published shape.
func TestBatch_Fields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	params := batchParams(w.upload(lines(1)).ID)
	params.Metadata = map[string]string{"customer": "me"}
	params.OutputExpiresAfter = openai.BatchNewParamsOutputExpiresAfter{Seconds: 7200}
	batch, err := client.Batches.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	const shape = `{"id":"%s","object":"batch","endpoint":"/v1/chat/completions","model":"m","errors":null,"input_file_id":"%s","completion_window":"24h",` +
		`"status":"%s","output_file_id":%s,"error_file_id":null,"created_at":%d,"in_progress_at":%s,"expires_at":%d,"finalizing_at":%s,"completed_at":%s,` +
		`"failed_at":null,"expired_at":null,"cancelling_at":null,"cancelled_at":null,"request_counts":{"total":%d,"completed":%d,"failed":0},` +
		`"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d},` +
		`"metadata":{"customer":"me"}}`
	want := fmt.Sprintf(shape, batch.ID, params.InputFileID, "validating", "null", batch.CreatedAt, "null", batch.CreatedAt+24*3600, "null", "null", 0, 0, 0, 0, 0, 0, 0)
	if got := compact(t, batch.RawJSON()); got != want {
		t.Errorf("at first\n got %s\nwant %s", got, want)
	}
	w.finish(batch.ID, jobs200(), `{"custom_id":"r-0"}`+"\n", "")
	ended := w.get(batch.ID)
	stamp := func(seconds int) string { return fmt.Sprint(at(seconds).Unix()) }
	want = fmt.Sprintf(shape, batch.ID, params.InputFileID, "completed", `"`+ended.OutputFileID+`"`, batch.CreatedAt, stamp(10), batch.CreatedAt+24*3600, stamp(30), stamp(100), 1, 1, 10, 4, 7, 2, 17)
	if got := compact(t, ended.RawJSON()); got != want {
		t.Errorf("at its end\n got %s\nwant %s", got, want)
	}
	output, err := client.Files.Get(t.Context(), ended.OutputFileID)
	if err != nil || output.Purpose != openai.FileObjectPurposeBatchOutput || output.ExpiresAt != at(100).Unix()+7200 || output.Filename != batch.ID+"_output.jsonl" {
		t.Errorf("output file %v, %v", output, err)
	}
	response, err := client.Files.Content(t.Context(), ended.OutputFileID)
	if err != nil || readAll(t, response) != `{"custom_id":"r-0"}`+"\n" {
		t.Errorf("content: %v", err)
	}
}

// TestBatch_Spec: what the job is started with.
func TestBatch_Spec(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.CompletionWindows = []string{"24h", "2h"}
		c.Webhook = Webhook{URL: "https://x.example/", SecretEnv: "HOOK"}
	})
	client := w.client("alpha")
	params := batchParams(w.upload(lines(1)).ID)
	params.CompletionWindow = "2h"
	batch, err := client.Batches.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	spec := w.spec(batch.ID)
	want := jobs.Expect{URL: "/v1/chat/completions", Model: "m", Served: []string{"m"}, Requests: 50_000}
	if spec.Expect.URL != want.URL || spec.Expect.Model != want.Model || !slices.Equal(spec.Expect.Served, want.Served) || spec.Expect.Requests != want.Requests {
		t.Errorf("expect %+v", spec.Expect)
	}
	if spec.Limits.Deadline.Std() != 2*time.Hour || spec.Notify.Format != jobs.OpenAINotice || spec.Notify.SecretEnv != "HOOK" {
		t.Errorf("spec %+v", spec)
	}
	if problems := spec.Problems(); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
}

// TestBatch_States maps what a job does to the states of the API.
func TestBatch_States(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	batch := w.batch()
	running := phases()[:3]
	for _, row := range []struct {
		sight Sight
		want  openai.BatchStatus
		check func(*openai.Batch) bool
	}{
		{Sight{Phase: jobs.Planning, Phases: running[:1]}, "validating", func(b *openai.Batch) bool { return b.InProgressAt == 0 }},
		{Sight{Phase: jobs.Warming, Phases: running[:2]}, "in_progress", func(b *openai.Batch) bool { return b.InProgressAt == at(10).Unix() }},
		{Sight{Phase: jobs.Running, Phases: running, Counts: jobs.Counts{Total: 9, Completed: 4, Failed: 1}}, "in_progress",
			func(b *openai.Batch) bool {
				return b.RequestCounts.Total == 9 && b.RequestCounts.Completed == 4 && b.RequestCounts.Failed == 1
			}},
		{Sight{Phase: jobs.Paused, Phases: running}, "in_progress", func(b *openai.Batch) bool { return b.FinalizingAt == 0 }},
		{Sight{Phase: jobs.Releasing, Phases: phases()[:4]}, "finalizing", func(b *openai.Batch) bool { return b.FinalizingAt == at(30).Unix() }},
		{Sight{Phase: jobs.Collecting, Phases: phases()}, "finalizing", func(b *openai.Batch) bool { return b.FinalizingAt == at(30).Unix() }},
		{Sight{Phase: jobs.Running, Phases: running, Cancelling: true}, "cancelling", func(b *openai.Batch) bool { return b.CancelledAt == 0 }},
	} {
		row.sight.Open = true
		w.jobs.change(jobs.BatchJob(batch.ID), func(j *job) { j.sight = row.sight })
		if got := w.get(batch.ID); got.Status != row.want || !row.check(got) {
			t.Errorf("%s: %s", row.sight.Phase, got.RawJSON())
		}
	}
}

// TestBatch_Ends maps how a job ended to how a batch did.
func TestBatch_Ends(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name           string
		report         jobs.Report
		output, errors string
		want           string // of the JSON
	}{
		{"all failed", jobs.Report{Outcome: jobs.Completed, Counts: jobs.Counts{Total: 1, Failed: 1}}, "", "{}", `"status":"completed","output_file_id":null,"error_file_id":"file-`},
		{"expired", jobs.Report{Outcome: jobs.Expired, Failure: jobs.DeadlineReached, Counts: jobs.Counts{Total: 2, Completed: 1, NeverRan: 1}}, "{}", "{}", `"expired_at":1800000100`},
		{"over budget", jobs.Report{Outcome: jobs.Expired, Failure: jobs.BudgetReached, Reason: "limits.cost of 1.00 USD", Counts: jobs.Counts{Total: 2}}, "", "{}",
			`"errors":{"object":"list","data":[{"code":"budget_reached","message":"limits.cost of 1.00 USD","param":null,"line":null}]}`},
		{"cancelled by hand", jobs.Report{Outcome: jobs.Cancelled, Counts: jobs.Counts{Total: 2}}, "{}", "{}", `"cancelling_at":1800000100,"cancelled_at":1800000100`},
		{"bad input", jobs.Report{Outcome: jobs.Failed, Failure: jobs.InvalidInput, Reason: "s3://secret"}, "", "",
			`"errors":{"object":"list","data":[{"code":"model_not_found","message":"The model \"x\" does not exist","param":"body.model","line":1}]}`},
		{"no capacity", jobs.Report{Outcome: jobs.Failed, Failure: jobs.NoCapacity, Reason: "no H100", Counts: jobs.Counts{Total: 2}}, "", "{}",
			`"errors":{"object":"list","data":[{"code":"no_capacity","message":"no H100","param":null,"line":null}]}`},
		{"no such file", jobs.Report{Outcome: jobs.Failed, Failure: jobs.NoInput, Reason: "s3://secret"}, "", "", `"code":"invalid_request","message":"Cannot find file file-`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			batch := w.batch()
			w.finish(batch.ID, row.report, row.output, row.errors)
			got := compact(t, w.get(batch.ID).RawJSON())
			if !strings.Contains(got, row.want) || strings.Contains(got, "secret") {
				t.Errorf("got %s\nwant %s", got, row.want)
			}
		})
	}
}

// TestBatch_Cancel: cancelling until the job has ended, then cancelled, and
// refused when there is nothing left to cancel.
func TestBatch_Cancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	batch := w.batch()
	cancelling, err := client.Batches.Cancel(t.Context(), batch.ID)
	if err != nil || cancelling.Status != "cancelling" || cancelling.CancellingAt == 0 {
		t.Fatal(cancelling, err)
	}
	if again, err := client.Batches.Cancel(t.Context(), batch.ID); err != nil || again.CancellingAt != cancelling.CancellingAt {
		t.Errorf("again: %v %v", again, err)
	}
	w.finish(batch.ID, jobs.Report{Outcome: jobs.Cancelled, Phases: phases(), Counts: jobs.Counts{Total: 2, Completed: 1, NeverRan: 1}}, "{}\n", "{}\n")
	ended := w.get(batch.ID)
	if ended.Status != "cancelled" || ended.CancellingAt != cancelling.CancellingAt || ended.CancelledAt != at(100).Unix() || ended.OutputFileID == "" || ended.ErrorFileID == "" {
		t.Errorf("ended as %s", ended.RawJSON())
	}
	_, err = client.Batches.Cancel(t.Context(), batch.ID)
	if failed, ok := errors.AsType[*openai.Error](err); !ok || failed.StatusCode != 409 || failed.Message != "Cannot cancel a batch with status 'cancelled'." {
		t.Errorf("once it is over: %v", err)
	}
}

// TestBatch_Refused in OpenAI's words.
func TestBatch_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.OpenBatches = 1 })
	const good = `"input_file_id":"file-x","endpoint":"/v1/chat/completions","completion_window":"24h"`
	pairs := func(n, key, value int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"%s%02d":"%s"`, strings.Repeat("k", key-2), i, strings.Repeat("v", value)))
		}
		return `{` + good + `,"metadata":{` + strings.Join(list, ",") + `}}`
	}
	for _, row := range []struct{ name, body, want string }{
		{"no JSON", `{`, "We could not parse the JSON body of your request."},
		{"nothing", ``, `"message":"Missing required parameter: 'input_file_id'."`},
		{"no endpoint", `{"input_file_id":"file-x"}`, `"param":"endpoint","code":"missing_required_parameter"`},
		{"no window", `{"input_file_id":"file-x","endpoint":"/v1/responses"}`, `"param":"completion_window"`},
		{"another endpoint", strings.Replace(`{`+good+`}`, "chat/completions", "images", 1), `"message":"Invalid value: '/v1/images'. Supported values are: '/v1/responses', '/v1/chat/completions', '/v1/embeddings', and '/v1/completions'."`},
		{"another window", strings.Replace(`{`+good+`}`, "24h", "48h", 1), `"message":"Invalid value: '48h'. Supported values are: '24h'.","type":"invalid_request_error","param":"completion_window","code":"invalid_value"`},
		{"a number", `{"input_file_id":7}`, `"message":"Invalid type for 'input_file_id': expected a string, but got a number instead.","type":"invalid_request_error","param":"input_file_id","code":"invalid_type"`},
		{"unknown", `{` + good + `,"priority":1}`, `"message":"Unknown parameter: 'priority'."`},
		{"17 pairs", pairs(17, 3, 1), `too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.`},
		{"long key", pairs(1, 65, 1), `"code":"string_above_max_length"`},
		{"long value", pairs(1, 3, 513), `maximum length 512`},
		{"metadata of numbers", `{` + good + `,"metadata":{"a":1}}`, `"message":"Invalid type for 'metadata.a': expected a string, but got a number instead."`},
		{"short life", `{` + good + `,"output_expires_after":{"anchor":"created_at","seconds":1}}`, `must be between 3600 and 2592000`},
		{"another anchor", `{` + good + `,"output_expires_after":{"anchor":"now","seconds":3600}}`, `"param":"output_expires_after.anchor"`},
	} {
		response, text := w.ask("alpha", "POST", "/v1/batches", "application/json", row.body)
		if response.StatusCode != 400 || !strings.Contains(compact(t, text), row.want) {
			t.Errorf("%s: %d %s\nwant %s", row.name, response.StatusCode, text, row.want)
		}
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for path, want := range map[string]string{"limit=0": "integer below minimum value", "limit=101": "integer above maximum value", "limit=x": "expected an integer", "after=x": "'after'"} {
		if response, text := w.ask("alpha", "GET", "/v1/batches?"+path, "", ""); response.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	first := w.batch()
	response, text := w.ask("alpha", "POST", "/v1/batches", "application/json", pairs(16, 64, 512))
	if response.StatusCode != 429 || !strings.Contains(text, "Batches that have not ended: you have 1, and may have 1") {
		t.Errorf("one too many: %d %s", response.StatusCode, text)
	}
	w.finish(first.ID, jobs200(), "", "")
	if response, text := w.ask("alpha", "POST", "/v1/batches", "application/json", pairs(16, 64, 512)); response.StatusCode != 200 || !strings.Contains(text, `"status": "validating"`) {
		t.Errorf("when the first has ended, with an unknown file: %d %s", response.StatusCode, text)
	}
}

// TestBatch_NotStarted: a batch whose job cannot be started is taken back, and
// one whose server was killed before ends as failed.
func TestBatch_NotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	file := w.upload(lines(1))
	w.jobs.fails = errors.New("no Temporal at s3cret.example")
	response, text := w.ask("alpha", "POST", "/v1/batches", "application/json", `{"input_file_id":"`+file.ID+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
	if response.StatusCode != 503 || strings.Contains(text, "s3cret") || !strings.Contains(text, "server_error") {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	if left := w.left(); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
	w.jobs.fails = nil
	batch := w.batch()
	w.jobs.mu.Lock()
	delete(w.jobs.known, jobs.BatchJob(batch.ID))
	w.jobs.mu.Unlock()
	if got := w.get(batch.ID); got.Status != "validating" {
		t.Errorf("at first: %s", got.RawJSON())
	}
	w.wait(2 * time.Minute)
	if got := w.get(batch.ID); got.Status != "failed" || !strings.Contains(got.RawJSON(), "never started") {
		t.Errorf("in the end: %s", got.RawJSON())
	}
}

// TestBatch_Listed: newest first, in pages.
func TestBatch_Listed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	var ids []string
	for range 5 {
		ids = append([]string{w.batch().ID}, ids...)
		w.wait(time.Second)
	}
	var got []string
	pages := client.Batches.ListAutoPaging(t.Context(), openai.BatchListParams{Limit: openai.Int(2)})
	for pages.Next() {
		got = append(got, pages.Current().ID)
	}
	if pages.Err() != nil || !slices.Equal(got, ids) {
		t.Errorf("%v, %v\nwant %v", got, pages.Err(), ids)
	}
}

// TestSettle_ByTwoServers comes to the same, and a file that was deleted since
// does not come back.
func TestSettle_ByTwoServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	second, url := w.serve()
	batch := w.batch()
	w.finish(batch.ID, jobs200(), "{}\n", "{}\n")
	client, other := w.client("alpha"), w.clientAt(url, "alpha")
	files, err := client.Files.List(t.Context(), openai.FileListParams{Purpose: openai.String("batch_output")})
	if err != nil || len(files.Data) != 2 {
		t.Fatal(files, err)
	}
	ended, err := other.Batches.Get(t.Context(), batch.ID)
	if err != nil || !slices.ContainsFunc(files.Data, func(f openai.FileObject) bool { return f.ID == ended.OutputFileID }) {
		t.Fatal(ended, err)
	}
	if _, err := client.Files.Delete(t.Context(), ended.OutputFileID); err != nil {
		t.Fatal(err)
	}
	v := second.visitor("alpha")
	record, err := second.findBatch(t.Context(), v, batch.ID)
	if err != nil {
		t.Fatal(err)
	}
	report := jobs200()
	report.Finished, report.Files = at(100), []jobs.File{{URL: v.results(batch.ID) + "output.jsonl", Bytes: 3}}
	if _, err := second.settle(t.Context(), v, record, &report, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Files.Get(t.Context(), ended.OutputFileID); err == nil {
		t.Error("the file is there again")
	}
}
