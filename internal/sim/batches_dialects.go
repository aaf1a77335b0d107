package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// batchDialect is how one provider's Batch API differs from the others.
type batchDialect struct {
	name           string
	prefix         string
	upload         string
	purpose        string
	purposeInQuery bool
	namesFile      bool // the form must have file_name
	deletes        bool
	tellsExpired   bool // requests that an expired batch never reached are lines of the error file
	createdStatus  int

	refuse  func(status int, message string) reply
	wrap    func(map[string]any) map[string]any // of the answer to create
	show    func(*providerBatch, batchState) map[string]any
	page    func([]map[string]any, url.Values) any
	answer  func(out []byte, index int, customID json.RawMessage, body []byte) []byte
	failure func(out []byte, index int, customID json.RawMessage, status int, body []byte) []byte
}

// batchDialects are the providers that have a Batch API. Nebius's and
// Together's have the same paths on different hosts; here Together's lie below
// /together, which is then a part of the base URL.
var batchDialects = []*batchDialect{
	{
		name: "lyceum", prefix: "/api/v2/external", upload: "/files", purpose: "batch", purposeInQuery: true,
		tellsExpired: true, createdStatus: http.StatusOK, refuse: detail, wrap: bare,
		show: showOpenAI, page: pageOpenAI, answer: answerOpenAI, failure: failureOpenAI,
	},
	{
		name: "nebius", prefix: "/v1", upload: "/files", purpose: "batch",
		deletes: true, createdStatus: http.StatusOK, refuse: detail, wrap: bare,
		show: showNebius, page: pageOpenAI, answer: answerNebius, failure: failureOpenAI,
	},
	{
		name: "together", prefix: "/together/v1", upload: "/files/upload", purpose: "batch-api", namesFile: true,
		deletes: true, createdStatus: http.StatusCreated, refuse: refuseTogetherBatch,
		wrap: func(job map[string]any) map[string]any { return map[string]any{"job": job} },
		show: showTogether, page: func(jobs []map[string]any, _ url.Values) any { return jobs },
		answer: answerTogether, failure: failureTogether,
	},
}

func bare(batch map[string]any) map[string]any { return batch }

func refuseTogetherBatch(status int, message string) reply {
	return jsonReply(status, map[string]string{"error": message})
}

func showOpenAI(p *providerBatch, state batchState) map[string]any {
	done := p.done(clock())
	failed := 0
	if p.lines == nil {
		failed = done - p.answered
	}
	shown := map[string]any{
		"id": p.id, "object": "batch", "endpoint": p.url, "input_file_id": p.input, "completion_window": "24h",
		"status": state, "output_file_id": orNull(p.output), "error_file_id": orNull(p.errors),
		"created_at": p.createdAt.Unix(), "metadata": p.metadata,
		"request_counts": map[string]int{"total": p.total, "completed": done - failed, "failed": failed},
	}
	if state == batchFailed {
		shown["errors"] = map[string]any{"object": "list", "data": []map[string]any{{"code": "invalid_input", "message": p.problem}}}
	}
	return shown
}

// showNebius shows what its cookbook shows: a finished batch is "done".
func showNebius(p *providerBatch, state batchState) map[string]any {
	shown := showOpenAI(p, state)
	if state == batchCompleted {
		shown["status"] = "done"
	}
	return shown
}

func showTogether(p *providerBatch, state batchState) map[string]any {
	if state == batchCancelling {
		state = batchInProgress // it has no word for it
	}
	shown := map[string]any{
		"id": p.id, "input_file_id": p.input, "endpoint": p.url, "status": strings.ToUpper(string(state)),
		"created_at": p.createdAt, "progress": 0.0,
	}
	if p.total > 0 {
		shown["progress"] = 100 * float64(p.done(clock())) / float64(p.total)
	}
	for name, value := range map[string]string{"output_file_id": p.output, "error_file_id": p.errors} {
		if value != "" {
			shown[name] = value
		}
	}
	if state == batchFailed {
		shown["error"] = p.problem
	}
	return shown
}

// pageOpenAI cuts a page out of the list.
func pageOpenAI(all []map[string]any, query url.Values) any {
	after, limit := query.Get("after"), 20
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n >= 1 && n <= 100 {
		limit = n
	}
	for i, one := range all {
		if one["id"] == after {
			all = all[i+1:]
			break
		}
	}
	rest := all[:min(limit, len(all))]
	return map[string]any{"object": "list", "data": rest, "has_more": len(rest) < len(all)}
}

func answerOpenAI(out []byte, index int, customID json.RawMessage, body []byte) []byte {
	return failureOpenAI(out, index, customID, http.StatusOK, body)
}

func failureOpenAI(out []byte, index int, customID json.RawMessage, status int, body []byte) []byte {
	return fmt.Appendf(out, `{"id":"batch_req_%d","custom_id":%s,"response":{"status_code":%d,"request_id":"req-%d","body":%s},"error":null}`+"\n",
		index, customID, status, index, body)
}

func answerNebius(out []byte, index int, customID json.RawMessage, body []byte) []byte {
	return fmt.Appendf(out, `{"id":"batch_req_%d","custom_id":%s,"response":%s,"error":null}`+"\n", index, customID, body)
}

func answerTogether(out []byte, _ int, customID json.RawMessage, body []byte) []byte {
	return fmt.Appendf(out, `{"custom_id":%s,"response":{"status_code":200,"body":%s}}`+"\n", customID, body)
}

func failureTogether(out []byte, _ int, customID json.RawMessage, status int, body []byte) []byte {
	var said struct{ Error struct{ Message string } }
	_ = json.Unmarshal(body, &said) // made by openAIError
	message, _ := json.Marshal(said.Error.Message)
	return fmt.Appendf(out, `{"custom_id":%s,"error":{"message":%s,"code":"%d"}}`+"\n", customID, message, status)
}
