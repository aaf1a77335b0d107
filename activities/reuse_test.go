package activities

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// asked remembers the contents of what an endpoint was asked.
type asked struct {
	mu       sync.Mutex
	contents []string
}

func (a *asked) answer(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Messages []struct{ Content string }
	}
	text, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(text, &body)
	a.mu.Lock()
	a.contents = append(a.contents, body.Messages[0].Content)
	a.mu.Unlock()
	if body.Messages[0].Content == "refused" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answerOK(w, r)
}

func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.contents
	a.contents = nil
	slices.Sort(taken)
	return taken
}

// request is an input line that asks for content.
func request(id, content string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"content":%q}]}}`+"\n", id, content)
}

// runJob plans a job over the lines, sends what earlier ones did not answer, and
// collects it.
func (w *world) runJob(job, text string, earlier ...string) (workflows.Reused, workflows.Collected) {
	w.Helper()
	call := workflows.PlanCall{Job: job, Input: jobs.URLs{w.base + "/" + job + ".jsonl"}, Output: w.base + "/out/"}
	w.put(job+".jsonl", []byte(text))
	var plan workflows.Plan
	var reused workflows.Reused
	var collected workflows.Collected
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	must(w.run(workflows.PlanInput, call, &plan))
	reuse := workflows.ReuseCall{Job: job, PlanURL: plan.URL}
	for _, id := range earlier {
		reuse.Earlier = append(reuse.Earlier, workspaceOf(call.Output, id).plan())
	}
	must(w.run(workflows.ReuseResults, reuse, &reused))
	for shard := range plan.Shards {
		if !slices.ContainsFunc(reused.Answered, func(r workflows.ShardRange) bool { return r.From <= shard && shard < r.To }) {
			run := w.shard(plan)
			run.Job, run.Shard = job, shard
			must(w.run(workflows.RunShard, run, nil))
		}
	}
	must(w.run(workflows.CollectResults, workflows.CollectCall{Job: job, PlanURL: plan.URL, Output: call.Output}, &collected))
	return reused, collected
}

func TestReuseResults_SendsOnlyTheRest(t *testing.T) {
	t.Parallel()
	endpoint := &asked{}
	w := newWorld(t, endpoint.answer)
	w.runJob("first", request("a", "1")+request("b", "2")+request("c", "refused")+request("d", "4"))
	endpoint.take()

	// Another order, b changed, c as it was, e new, a written with an escape.
	second := request("d", "4") + request("e", "5") + request("b", "two") + request("c", "refused") + strings.Replace(request("a", "1"), `"a"`, `"\u0061"`, 1)
	reused, collected := w.runJob("second", second, "first")
	if got := endpoint.take(); !slices.Equal(got, []string{"5", "refused", "two"}) {
		t.Errorf("sent %q", got)
	}
	if reused.Requests != 2 || len(reused.Answered) != 0 || collected.Counts != (jobs.Counts{Total: 5, Completed: 4, Failed: 1}) || collected.Usage.InputTokens != 12 {
		t.Errorf("reused %+v, collected %+v", reused, collected)
	}
	var order []string
	for at, line := range w.lines("out/output.jsonl") {
		order = append(order, fmt.Sprint(line["custom_id"]))
		if id := fmt.Sprint(line["id"]); !strings.HasPrefix(id, "batch_req_") || slices.Contains([]string{"", fmt.Sprint(w.lines("out/output.jsonl")[(at+1)%4]["id"])}, id) {
			t.Errorf("id %s", id)
		}
	}
	if got := strings.Join(order, " "); got != "d e b a" {
		t.Errorf("output has %s", got)
	}
	if text := w.read("out/output.jsonl"); bytes.Contains(text, []byte("request_sum")) {
		t.Errorf("the sums of parts got into the results:\n%s", text)
	}

	// A third job goes on from both, and finds everything but what was refused.
	reused, _ = w.runJob("third", second, "second", "first")
	if got := endpoint.take(); reused.Requests != 4 || !slices.Equal(got, []string{"refused"}) {
		t.Errorf("reused %+v, sent %q", reused, got)
	}
	// A fourth has no more to send at all.
	reused, collected = w.runJob("fourth", request("d", "4")+request("a", "1"), "third")
	if got := endpoint.take(); len(got) > 0 || !slices.Equal(reused.Answered, []workflows.ShardRange{{From: 0, To: 1}}) || reused.Counts.Completed != 2 || collected.Counts.Completed != 2 {
		t.Errorf("reused %+v, sent %q, collected %+v", reused, got, collected)
	}
}

func TestReuseResults_ManyShards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	const n = 3000
	w.runJob("first", string(input(n)))
	calls := w.calls.Load()
	reused, collected := w.runJob("second", string(input(n+1)), "first")
	if w.calls.Load() != calls+1 || reused.Requests != n || collected.Counts.Completed != n+1 {
		t.Errorf("%d calls; reused %+v, collected %+v", w.calls.Load()-calls, reused, collected)
	}
	if len(reused.Answered) != 1 || reused.Answered[0].From != 0 || reused.Answered[0].To < 2 || reused.Counts.Completed < n/2 {
		t.Errorf("answered shards: %+v", reused)
	}
}

func TestReuseResults_PartsWithoutSumsAreNotReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.plan(input(2))
	w.part("1-aaaa-00001", "{}", 0, 1)
	reused, _ := w.runJob("second", string(input(2)), "job")
	if reused.Requests != 0 || w.calls.Load() != 2 {
		t.Errorf("reused %+v, %d calls", reused, w.calls.Load())
	}
}

func TestReuseResults_EarlierPartsCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(2))
	text := batchfile.AppendPart(nil, "job", batchfile.Result{CustomID: []byte(`"a"`), Status: 200}, 1)
	w.put("out/.nightshift/earlier/parts/00000000/1-a-00001.output.jsonl", append([]byte("x"), text...))
	err := w.run(workflows.ReuseResults, workflows.ReuseCall{Job: "job", PlanURL: plan.URL, Earlier: []string{workspaceOf(w.base+"/out/", "earlier").plan()}}, nil)
	if kind, _ := typeOf(err); err == nil || kind == jobs.Internal || strings.Contains(err.Error(), "custom_id") {
		t.Errorf("error is %v", err)
	}
}
