package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	togetherPrivate  = "VISIBILITY_PRIVATE"
	togetherInternal = "VISIBILITY_INTERNAL"

	togetherLimit    = 50 // items of a page unless told otherwise
	togetherMaxLimit = 500
	togetherSummed   = 10 // newest deployments that an endpoint shows
)

var (
	togetherNames   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	togetherFilters = regexp.MustCompile(`^name\s*([=:])\s*"([^"]*)"$`)
)

// togetherState has Together's words for the states of the core.
var togetherState = map[State]string{
	Starting: "DEPLOYMENT_STATE_PROVISIONING", Running: "DEPLOYMENT_STATE_READY", Updating: "DEPLOYMENT_STATE_SCALING",
	Stopping: "DEPLOYMENT_STATE_STOPPING", Stopped: "DEPLOYMENT_STATE_STOPPED", Failed: "DEPLOYMENT_STATE_FAILED",
}

// togetherEndpointBody is an endpoint as Together shows it.
type togetherEndpointBody struct {
	ID           string            `json:"id"`
	ProjectID    string            `json:"projectId"`
	Name         string            `json:"name"` // project slug and name
	ETag         string            `json:"etag"`
	EndpointType string            `json:"endpointType"`
	Visibility   string            `json:"visibility"`
	TrafficSplit []togetherWeight  `json:"trafficSplit"`
	Deployments  []togetherSummary `json:"deployments"`
	CreatedAt    time.Time         `json:"createdAt"`
	UpdatedAt    time.Time         `json:"updatedAt"`
}

type togetherWeight struct {
	DeploymentID string  `json:"deploymentId"`
	Weight       float64 `json:"weight"`
}

// togetherSummary is a deployment as its endpoint shows it.
type togetherSummary struct {
	ID              string              `json:"id"`
	Name            string              `json:"name"`
	Model           string              `json:"model"`
	Hardware        string              `json:"hardware"`
	Autoscaling     togetherAutoscaling `json:"autoscaling"`
	State           string              `json:"state"`
	ReadyReplicas   int                 `json:"readyReplicas"`
	DesiredReplicas int                 `json:"desiredReplicas"`
	TrafficMode     string              `json:"trafficMode"`
	CreatedAt       time.Time           `json:"createdAt"`
}

// togetherDeploymentBody is a deployment as Together shows it.
type togetherDeploymentBody struct {
	ID              string              `json:"id"`
	ProjectID       string              `json:"projectId"`
	EndpointID      string              `json:"endpointId"`
	Name            string              `json:"name"` // project slug, endpoint and name
	ETag            string              `json:"etag"`
	Hardware        string              `json:"hardware"`
	Model           string              `json:"model"`
	Config          string              `json:"config"`
	Autoscaling     togetherAutoscaling `json:"autoscaling"`
	Placement       *togetherPlacement  `json:"placement,omitempty"`
	EnableLora      bool                `json:"enableLora"`
	DesiredReplicas int                 `json:"desiredReplicas"`
	Status          togetherStatus      `json:"status"`
	TrafficMode     string              `json:"trafficMode"`
	CreatedAt       time.Time           `json:"createdAt"`

	scaleToZero string
}

type togetherStatus struct {
	State         string `json:"state"`
	Message       string `json:"message"`
	ReadyReplicas int    `json:"readyReplicas"`
}

// show returns the endpoint as it is now.
func (e *togetherEndpoint) show(x *call) togetherEndpointBody {
	body := e.body
	body.Deployments = []togetherSummary{}
	for _, d := range e.known() {
		if len(body.Deployments) == togetherSummed {
			break
		}
		b := d.show(x)
		body.Deployments = append(body.Deployments, togetherSummary{
			ID: b.ID, Name: b.Name, Model: b.Model, Hardware: b.Hardware, Autoscaling: b.Autoscaling,
			State: b.Status.State, ReadyReplicas: b.Status.ReadyReplicas, DesiredReplicas: b.DesiredReplicas,
			TrafficMode: b.TrafficMode, CreatedAt: b.CreatedAt,
		})
	}
	return body
}

// show returns the deployment as it is now. A state that Together has no word
// for is shown as it is.
func (d *togetherDeployment) show(x *call) togetherDeploymentBody {
	s := d.core.look(x.shown)
	body := d.body
	body.CreatedAt = s.createdAt
	body.Autoscaling = togetherAutoscaling{Min: &d.bounds.Min, Max: &d.bounds.Max, ScaleToZero: d.body.scaleToZero}
	body.DesiredReplicas = d.bounds.Min
	state, known := togetherState[s.state]
	if !known {
		state = string(s.state)
	}
	message := strconv.Itoa(s.ready) + " of " + strconv.Itoa(d.bounds.Min) + " replicas are ready"
	body.Status = togetherStatus{State: state, Message: message, ReadyReplicas: s.ready}
	return body
}

// readTogether decodes a request's body, and refuses names that the call does
// not know.
func readTogether(x *call, into any) (reply, bool) {
	decoder := json.NewDecoder(bytes.NewReader(x.in.Bytes()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refuseTogether(http.StatusBadRequest, strings.TrimPrefix(err.Error(), "json: ")), true
	}
	return reply{}, false
}

// togetherFilter reads a filter on names: equal, or with a colon containing.
// The reply is for a filter that cannot be read, whose function is nil.
func togetherFilter(x *call) (func(qualified string) bool, reply) {
	text := x.r.URL.Query().Get("filter")
	if text == "" {
		return func(string) bool { return true }, reply{}
	}
	parts := togetherFilters.FindStringSubmatch(text)
	if parts == nil {
		return nil, refuseTogether(http.StatusBadRequest, "invalid filter")
	}
	return func(qualified string) bool {
		name := qualified[strings.LastIndexByte(qualified, '/')+1:]
		if parts[1] == ":" {
			return strings.Contains(name, parts[2])
		}
		return name == parts[2] || qualified == parts[2]
	}, reply{}
}

// togetherPage returns the page of a listing that the call asks for: at most
// "limit" items, from behind the one whose id "after" names.
func togetherPage[T any](x *call, items []T, id func(T) string) reply {
	query := x.r.URL.Query()
	limit := togetherLimit
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > togetherMaxLimit {
			return refuseTogether(http.StatusBadRequest, "limit must be 1 to 500")
		}
		limit = n
	}
	if after := query.Get("after"); after != "" {
		for i := range items {
			if id(items[i]) == after {
				items = items[i+1:]
				break
			}
		}
	}
	var next *string
	if len(items) > limit {
		items = items[:limit]
		cursor := id(items[limit-1])
		next = &cursor
	}
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": append([]T{}, items...), "next_cursor": next})
}

// grpcCodes are the codes of the statuses that Together's gateway translates.
var grpcCodes = map[int]int{
	http.StatusBadRequest: 3, http.StatusNotFound: 5, http.StatusConflict: 6, http.StatusForbidden: 7,
	http.StatusTooManyRequests: 8, http.StatusInternalServerError: 13, http.StatusServiceUnavailable: 14,
	http.StatusUnauthorized: 16,
}

// refuseTogether is an error of version 2: that of a gRPC gateway, with the
// reason once more in problem details.
func refuseTogether(status int, message string) reply {
	return jsonReply(status, map[string]any{
		"code": grpcCodes[status], "message": http.StatusText(status),
		"details": []map[string]any{{"title": http.StatusText(status), "status": status, "detail": message}},
	})
}
