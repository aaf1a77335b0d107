package gateway

import (
	"context"
	"net/http"
	"slices"
	"strconv"
)

// list is a page of a list as the API shows it.
type list[T any] struct {
	Object  string  `json:"object"`
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

func newList[T any](data []T, more bool, id func(T) string) list[T] {
	page := list[T]{Object: "list", Data: data, HasMore: more}
	if len(data) > 0 {
		first, last := id(data[0]), id(data[len(data)-1])
		page.FirstID, page.LastID = &first, &last
	} else {
		page.Data = []T{}
	}
	return page
}

// paging says which page is wanted.
type paging struct {
	after  string // an id; empty is from the beginning
	limit  int
	oldest bool // oldest first
}

func readPaging(r *http.Request, kind string, most, usual int) (paging, error) {
	query := r.URL.Query()
	p := paging{after: query.Get("after"), limit: usual}
	if p.after != "" && !isID(kind, p.after) {
		return p, invalid("after", "invalid_value", "Invalid value for 'after': no such id: %s", shortened(p.after))
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return p, invalid("limit", "invalid_type", "Invalid type for 'limit': expected an integer, but got '%s' instead.", shortened(text))
		case limit < 1:
			return p, invalid("limit", "integer_below_min_value", "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got %d instead.", limit)
		case limit > most:
			return p, invalid("limit", "integer_above_max_value", "Invalid 'limit': integer above maximum value. Expected a value <= %d, but got %d instead.", most, limit)
		}
		p.limit = limit
	}
	switch order := query.Get("order"); order {
	case "", "desc":
	case "asc":
		p.oldest = true
	default:
		return p, invalidValue("order", order, "asc", "desc")
	}
	return p, nil
}

// urls yields the URLs of the records below a prefix from where the page begins,
// a few at a time. Keys are newest first; for the other order all are listed
// before.
func (p paging) urls(ctx context.Context, at place, prefix string, take func(urls []string) (more bool, err error)) error {
	const few = 2 * atOnce
	after := ""
	if p.after != "" && !p.oldest {
		after = prefix + p.after + ".json"
	}
	var urls []string
	for object, err := range at.store.ListAfter(ctx, prefix, after) {
		if err != nil {
			return err
		}
		if p.oldest && p.after != "" && object.URL >= prefix+p.after+".json" {
			break
		}
		urls = append(urls, object.URL)
		if len(urls) < few || p.oldest {
			continue
		}
		if more, err := take(urls); err != nil || !more {
			return err
		}
		urls = urls[:0]
	}
	slices.Reverse(urls)
	if !p.oldest {
		slices.Reverse(urls)
	}
	for chunk := range slices.Chunk(urls, few) {
		if more, err := take(chunk); err != nil || !more {
			return err
		}
	}
	return nil
}

// page reads the records of a page, those that wanted accepts, and tells whether
// there are more.
func page[T any](ctx context.Context, p paging, at place, prefix string, wanted func(T) bool) (found []T, more bool, err error) {
	err = p.urls(ctx, at, prefix, func(urls []string) (bool, error) {
		records := make([]*T, len(urls))
		err := each(ctx, len(urls), func(ctx context.Context, i int) error {
			var record T
			if err := at.read(ctx, urls[i], &record); err != nil {
				return ignoreAbsent(err)
			}
			records[i] = &record
			return nil
		})
		for _, record := range records {
			if record != nil && wanted(*record) {
				found = append(found, *record)
			}
		}
		return len(found) <= p.limit, err
	})
	if len(found) > p.limit {
		found, more = found[:p.limit], true
	}
	return found, more, err
}

// listFiles lists files, those of results that are due among them.
func (s *Server) listFiles(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := readPaging(r, fileKind, 10_000, 10_000)
	if err != nil {
		return err
	}
	purpose := r.URL.Query().Get("purpose")
	if p.after == "" && purpose != forBatch { // each open batch costs calls of Temporal
		if err := s.settleAll(r.Context(), v); err != nil {
			return err
		}
	}
	now := s.Now()
	found, more, err := page(r.Context(), p, v.place, v.files(), func(f fileRecord) bool {
		return !f.gone(now) && (purpose == "" || f.Purpose == purpose)
	})
	if err != nil {
		return err
	}
	objects := make([]fileObject, len(found))
	for i, record := range found {
		objects[i] = record.object()
	}
	answer(w, http.StatusOK, newList(objects, more, func(f fileObject) string { return f.ID }))
	return nil
}
