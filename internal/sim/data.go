package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// surface is one path of the OpenAI-compatible data plane.
type surface struct {
	op     string
	path   string // below the plane's base
	prompt string // the member of a request body that holds the prompt
	append func(answer, []byte) []byte
}

var surfaces = []surface{
	{OpChat, "/chat/completions", "messages", answer.appendChat},
	{OpCompletions, "/completions", "prompt", answer.appendCompletion},
	{OpEmbeddings, "/embeddings", "input", answer.appendEmbeddings},
	{OpResponses, "/responses", "input", answer.appendResponse},
}

// mountData mounts the data plane, which all providers' endpoints share, below
// a base such as /v1.
func mountData(c *Cloud, base string) {
	for _, s := range surfaces {
		p := dataPlane()
		p.prepare = func(x *call) {
			x.request = parseRequest(x.in.Bytes(), s.prompt)
			if x.request.problem == "" {
				var known bool
				x.endpoint, known = c.byKey(x.request.key(x.in.Bytes()))
				x.unrouted = known && x.endpoint == nil
			}
		}
		c.handle(p, "POST "+base+s.path, s.op, func(x *call) reply { return x.complete(s) })
	}
	c.handle(dataPlane(), "GET "+base+"/models", OpModels, listModels)
}

func dataPlane() *plane {
	return &plane{
		name:            "data",
		group:           AnyData,
		refuse:          refuseData,
		prepare:         func(*call) {},
		capacityStatus:  http.StatusServiceUnavailable,
		capacityMessage: "The engine is overloaded.",
	}
}

// complete answers a request of any surface.
func (x *call) complete(s surface) reply {
	body, q := x.in.Bytes(), x.request
	if q.problem != "" {
		return openAIError(http.StatusBadRequest, q.problem, "invalid_request_error", q.param, "")
	}
	if x.unrouted {
		return openAIError(http.StatusBadRequest, "The endpoint has no deployment in its traffic split.",
			"invalid_request_error", "model", "endpoint_not_configured")
	}
	if x.endpoint == nil {
		return refuseModel("no endpoint has it")
	}
	a := answerTo(body, q, x.cloud.options.AnswerTokens)
	switch s.op {
	case OpEmbeddings:
		a.completion = 0
	case OpChat, OpResponses:
		a.inputs = 1 // however many messages
	}
	if err := x.endpoint.serve(x.r.Context(), x.cloud.options.Model.work(a.completion)); err != nil {
		return x.unanswered(err)
	}
	t := &x.cloud.traffic
	t.bodies.add(body, q.model)
	t.promptTokens.Add(int64(a.prompt))
	t.completionTokens.Add(int64(a.completion * a.inputs))
	x.out = s.append(a, x.out)
	return reply{status: http.StatusOK, body: x.out}
}

// unanswered sorts the reasons why an endpoint did not answer.
func (x *call) unanswered(err error) reply {
	switch {
	case errors.Is(err, errWarming):
		x.cloud.traffic.beforeReady.Add(1)
		return x.refuseUnready(err)
	case errors.Is(err, errOff):
		return x.refuseUnready(err)
	case errors.Is(err, errBusy):
		return refuseData(x.cloud.options.Model.busyStatus(), err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		x.cloud.traffic.bodies.add(x.in.Bytes(), x.request.model)
		return refuseData(statusClientGone, err.Error())
	default:
		return refuseData(http.StatusServiceUnavailable, err.Error())
	}
}

// refuseUnready says that the endpoint has no replica to answer with: as if the
// model did not exist, unless its provider has a word for it.
func (x *call) refuseUnready(reason error) reply {
	if x.endpoint.unready == "" {
		return refuseModel(reason.Error())
	}
	return openAIError(http.StatusServiceUnavailable, reason.Error(), "server_error", "model", x.endpoint.unready)
}

// listModels lists what can be asked for now.
func listModels(x *call) reply {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	models := []model{}
	for _, e := range slices.Concat(x.cloud.all(), x.cloud.served) {
		if s := e.look(""); s.ready > 0 {
			models = append(models, model{e.key, "model", s.createdAt.Unix(), e.provider})
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": models})
}

func refuseModel(reason string) reply {
	return openAIError(http.StatusNotFound, "The model does not exist or is not ready: "+reason+".",
		"invalid_request_error", "model", "model_not_found")
}

// refuseData is an error whose type and code follow from the status.
func refuseData(status int, message string) reply {
	switch status {
	case http.StatusUnauthorized:
		return openAIError(status, message, "invalid_request_error", "", "invalid_api_key")
	case http.StatusTooManyRequests:
		return openAIError(status, message, "rate_limit_error", "", "rate_limit_exceeded")
	}
	if status < 500 {
		return openAIError(status, message, "invalid_request_error", "", "")
	}
	return openAIError(status, message, "server_error", "", "")
}

// openAIError is an error in OpenAI's shape; an empty param or code is null.
func openAIError(status int, message, kind, param, code string) reply {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	return jsonReply(status, map[string]any{"error": body{message, kind, orNull(param), orNull(code)}})
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // v is made of plain types
	}
	return reply{status: status, body: body}
}
