package together

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// request is one call below the project's endpoints.
type request struct {
	op, method string
	path       []string // unescaped, below endpoints
	query      url.Values
	body       any
	creates    bool
}

// send sends a call about the project's endpoints.
func (c *cloud) send(ctx context.Context, r request, reply any) error {
	project, err := c.projectID(ctx, r.op)
	if err != nil {
		return err
	}
	path := "/v2/projects/" + url.PathEscape(project) + "/endpoints"
	for _, step := range r.path {
		path += "/" + url.PathEscape(step)
	}
	return c.rest.Do(ctx, provider.Call{
		Op: r.op, Method: r.method, Path: path, Query: r.query, Body: r.body, Creates: r.creates,
	}, reply)
}

// projectID asks once which project the key belongs to.
func (c *cloud) projectID(ctx context.Context, op string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.project != "" {
		return c.project, nil
	}
	var key whoami
	call := provider.Call{Op: op + ": read the key's project", Method: http.MethodGet, Path: "/v1/whoami"}
	if err := c.rest.Do(ctx, call, &key); err != nil {
		if provider.Absent(err) {
			return "", refused(op, "the key's project cannot be read; name the project, or check the base URL")
		}
		return "", err
	}
	c.project = key.Project.Value
	return c.project, nil
}

// all follows a listing from page to page.
func all[T any](op string, query url.Values, read func(url.Values, *page[T]) error) ([]T, error) {
	var items []T
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", pageLimit)
	for {
		var p page[T]
		if err := read(query, &p); err != nil {
			return nil, err
		}
		items = append(items, p.Items...)
		switch p.next {
		case "":
			return items, nil
		case query.Get("after"):
			return nil, &provider.Error{Kind: provider.Unavailable, Op: "together: " + op, Message: "one page of the listing leads to itself"}
		}
		query.Set("after", p.next)
	}
}

func refused(op, message string) error {
	return &provider.Error{Kind: provider.Refused, Op: "together: " + op, Message: message}
}

// as gives an error another kind.
func as(err error, kind provider.Kind) error {
	sorted, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return err
	}
	changed := *sorted
	changed.Kind = kind
	return &changed
}

// answered reports whether err is an answer with that status.
func answered(err error, status int) bool {
	sorted, ok := errors.AsType[*provider.Error](err)
	return ok && sorted.Status == status
}
