package static

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// models lists what the server serves, sorted. It is told only by a list of
// models; a server without that route, or with another idea of what it answers,
// does not tell.
func (s *server) models(ctx context.Context) (served []string, told bool, err error) {
	var reply modelList
	if err := s.rest.Do(ctx, modelsCall, &reply); err != nil {
		if untold(err) {
			return nil, false, nil
		}
		return nil, false, err
	}
	slices.Sort(reply.ids)
	return slices.Compact(reply.ids), reply.told, nil
}

// modelList is {"data": [{"id": ...}]}, or the bare list, as some services
// answer. Other JSON tells nothing.
type modelList struct {
	ids  []string
	told bool
}

func (l *modelList) UnmarshalJSON(data []byte) error {
	type item struct {
		ID provider.Maybe[string] `json:"id"`
	}
	var reply struct {
		Data *[]item `json:"data"`
	}
	var items []item
	switch {
	case json.Unmarshal(data, &items) == nil:
	case json.Unmarshal(data, &reply) == nil && reply.Data != nil:
		items = *reply.Data
	default:
		return nil
	}
	for _, item := range items {
		if item.ID.Value != "" {
			l.ids = append(l.ids, item.ID.Value)
		}
	}
	l.told = string(data) != "null" && len(l.ids) == len(items)
	return nil
}

// untold reports whether the server answered that it has no list of models.
func untold(err error) bool {
	sorted, ok := errors.AsType[*provider.Error](err)
	return ok && (sorted.Status == http.StatusNotFound || sorted.Status == http.StatusMethodNotAllowed)
}

// means reports whether a server that lists id answers requests for model:
// Ollama lists "llama3:latest" for what is asked for as "llama3".
func means(model, id string) bool {
	return model == id || !strings.Contains(model, ":") && id == model+":latest"
}
