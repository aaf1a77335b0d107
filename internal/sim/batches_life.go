package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// batchState is a status in OpenAI's words.
type batchState string

const (
	batchLate       batchState = "late" // answered as failed, and made later; nobody sees it before
	batchValidating batchState = "validating"
	batchInProgress batchState = "in_progress"
	batchCancelling batchState = "cancelling"
	batchCompleted  batchState = "completed"
	batchFailed     batchState = "failed"
	batchExpired    batchState = "expired"
	batchCancelled  batchState = "cancelled"
)

func (s batchState) over() bool {
	return s == batchCompleted || s == batchFailed || s == batchExpired || s == batchCancelled
}

// providerBatch is one batch. Where it is follows from its times.
type providerBatch struct {
	provider, id, url, input string
	metadata                 json.RawMessage
	options                  BatchOptions
	drain                    time.Duration
	createdAt, cancelledAt   time.Time

	total    int
	problem  string // why validation fails
	lines    []batchLine
	output   string // file ids, once it has ended
	errors   string
	answered int // once it has ended
}

// batchLine is one request of an input file.
type batchLine struct {
	customID json.RawMessage
	url      string
	body     json.RawMessage
}

// maxCustomID is the length that all providers take.
const maxCustomID = 64

// readInput reads the lines and notes what is wrong with the first bad one.
func (p *providerBatch) readInput(content []byte) {
	seen := map[string]bool{}
	p.lines = []batchLine{}
	for text := range bytes.Lines(bytes.Clone(content)) {
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var line struct {
			CustomID json.RawMessage `json:"custom_id"`
			URL      string          `json:"url"`
			Body     json.RawMessage `json:"body"`
		}
		var id string
		switch {
		case json.Unmarshal(text, &line) != nil || json.Unmarshal(line.CustomID, &id) != nil:
			p.fail("is not a JSON object with custom_id and body")
		case id == "" || len(id) > maxCustomID:
			p.fail("has a custom_id that is not 1 to 64 characters long")
		case seen[id]:
			p.fail("has a custom_id that was seen before")
		case !p.offers(line.Body):
			p.fail("names a model that is not offered for batches")
		}
		seen[id] = true
		p.total++
		p.lines = append(p.lines, batchLine{line.CustomID, line.URL, line.Body})
	}
	if p.total == 0 {
		p.problem = "the file is empty"
	}
}

func (p *providerBatch) fail(what string) {
	if p.problem == "" {
		p.problem = fmt.Sprintf("line %d %s", p.total+1, what)
	}
}

func (p *providerBatch) offers(body json.RawMessage) bool {
	var named struct{ Model string }
	return json.Unmarshal(body, &named) == nil && (p.options.Models == nil || slices.Contains(p.options.Models, named.Model))
}

// start is when the first request begins, and end when the batch is over if
// nobody cancels it.
func (p *providerBatch) start() time.Time { return p.createdAt.Add(p.options.Validate) }

func (p *providerBatch) end() time.Time {
	return earlier(p.start().Add(p.options.Run), p.createdAt.Add(p.options.Window))
}

func (p *providerBatch) state(now time.Time) batchState {
	switch {
	case now.Before(p.createdAt):
		return batchLate
	case !p.cancelledAt.IsZero() && now.Before(p.cancelledAt.Add(p.drain)):
		return batchCancelling
	case !p.cancelledAt.IsZero():
		return batchCancelled
	case now.Before(p.start()):
		return batchValidating
	case p.problem != "":
		return batchFailed
	case now.Before(p.end()):
		return batchInProgress
	case p.options.Run > p.options.Window-p.options.Validate:
		return batchExpired
	}
	return batchCompleted
}

// done is how many requests are answered by now; they are taken in order.
func (p *providerBatch) done(now time.Time) int {
	if p.problem != "" {
		return 0
	}
	if !p.cancelledAt.IsZero() && now.After(p.cancelledAt) {
		now = p.cancelledAt
	}
	if now.After(p.end()) {
		now = p.end()
	}
	spent := now.Sub(p.start())
	switch {
	case spent < 0:
		return 0
	case spent >= p.options.Run:
		return p.total
	}
	return int(float64(p.total) * float64(spent) / float64(p.options.Run))
}

// endedAt is when the batch was over, or zero.
func (p *providerBatch) endedAt(now time.Time) time.Time {
	switch p.state(now) {
	case batchCancelled:
		return p.cancelledAt.Add(p.drain)
	case batchFailed:
		return p.start()
	case batchCompleted, batchExpired:
		return p.end()
	}
	return time.Time{}
}

// results answers the lines that were reached, with the data plane's own
// answers.
func (p *providerBatch) results(d *batchDialect, lengths Range) (output, failures []byte) {
	done := p.done(clock())
	for i, line := range p.lines[:done] {
		status, body := answerLine(line, p.url, lengths)
		if status < 300 {
			p.answered++
			output = d.answer(output, i, line.customID, body)
		} else {
			failures = d.failure(failures, i, line.customID, status, body)
		}
	}
	if d.tellsExpired && p.state(clock()) == batchExpired {
		for i, line := range p.lines[done:] {
			failures = fmt.Appendf(failures, `{"id":"batch_req_%d","custom_id":%s,"response":null,"error":{"code":"batch_expired",`+
				`"message":"This request could not be executed before the completion window expired."}}`+"\n", done+i, line.customID)
		}
	}
	return output, failures
}

// answerLine is what the data plane says to a line's request, which needs no
// endpoint here.
func answerLine(line batchLine, url string, lengths Range) (status int, body []byte) {
	if line.url != "" {
		url = line.url
	}
	for _, s := range surfaces {
		if "/v1"+s.path != url {
			continue
		}
		q := parseRequest(line.body, s.prompt)
		if q.problem != "" {
			r := openAIError(400, q.problem, "invalid_request_error", q.param, "")
			return r.status, r.body
		}
		a := answerTo(line.body, q, lengths)
		switch s.op {
		case OpEmbeddings:
			a.completion = 0
		case OpChat, OpResponses:
			a.inputs = 1
		}
		return 200, s.append(a, nil)
	}
	r := openAIError(404, "There is nothing at "+url+".", "invalid_request_error", "url", "")
	return r.status, r.body
}
