package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// only reports fields that are not known.
func (f form) only(known []string) {
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		if !slices.Contains(known, name) {
			f.report(name, "extra_forbidden", "unknown field "+name, nil)
		}
	}
}

// refuseTogetherV1 returns a 400 reply about the first problem, if there is one.
func (f form) refuseTogetherV1() (reply, bool) {
	if len(*f.problems) == 0 {
		return reply{}, false
	}
	first := (*f.problems)[0]
	var place []string
	for _, step := range first.Loc[1:] {
		if name, ok := step.(string); ok {
			place = append(place, name)
		}
	}
	return invalidTogetherV1(strings.Join(place, "."), first.Msg), true
}

// refuseTogetherV1 is an error in Together's shape: {type, message, param, code}.
func refuseTogetherV1(status int, message string) reply {
	switch status {
	case http.StatusUnauthorized:
		return openAIError(status, message, "authentication_error", "", "invalid_api_key")
	case http.StatusTooManyRequests:
		return openAIError(status, message, "rate_limit", "", "")
	}
	if status < 500 {
		return openAIError(status, message, "invalid_request_error", "", "")
	}
	return openAIError(status, message, "server_error", "", "")
}

func invalidTogetherV1(param, message string) reply {
	return openAIError(http.StatusBadRequest, message, "invalid_request_error", param, "")
}

func togetherV1NotFound() reply {
	return openAIError(http.StatusNotFound, "Endpoint not found", "not_found", "", "")
}

// togetherV1Closed is the answer of the service to whoever still wants to
// create.
func togetherV1Closed() reply {
	return openAIError(http.StatusForbidden, "Creating endpoints with the v1 API is no longer available.",
		"invalid_request_error", "", "endpoints_v1_create_access_disabled")
}
