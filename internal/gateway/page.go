package gateway

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// shownBatches is how many batches the page shows.
const shownBatches = 50

// pageData is what the template shows, in words.
type pageData struct {
	Style   template.CSS
	Tenant  string
	Models  []string
	Batches []pageRow
	Older   string // where the next page is; empty if there is none
	Open    bool   // something may still change
	At      string
}

type pageRow struct {
	ID, Link, Status, Model, URL string
	Created, Took                string
	Counts                       counts
	Done, Bad                    float64 // percent of the requests: answered, and answered badly
	Known                        bool    // how many requests there are
	Cost, Problem                string
}

// page shows a tenant's batches. A browser gives the key as a password.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	tenant, ok := s.visits(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="nightshift: any user name, and an API key as the password", charset="UTF-8"`)
		http.Error(w, "Give an API key as the password; the user name does not matter.", http.StatusUnauthorized)
		return
	}
	noteTenant(r, tenant)
	if err := s.admit(w, tenant); err != nil {
		fail(w, err)
		return
	}
	p, err := readPaging(r, batchKind, shownBatches, shownBatches)
	if err != nil {
		fail(w, err)
		return
	}
	v := s.visitor(tenant)
	seen, more, err := s.batches(r.Context(), v, p)
	if err != nil {
		noteError(r, err)
		http.Error(w, "The batches cannot be had now; try again.", http.StatusServiceUnavailable)
		return
	}
	s.show(w, r, s.pageData(v, seen, more))
}

// visits tells the tenant of somebody who looks at the page.
func (s *Server) visits(r *http.Request) (tenant string, ok bool) {
	if s.Keys == nil {
		return anyone, true
	}
	_, secret, _ := r.BasicAuth()
	return s.Keys.tenant(strings.TrimSpace(secret))
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, data pageData) {
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, data); err != nil {
		noteError(r, err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = w.Write(text.Bytes())
}

func (s *Server) pageData(v visitor, seen []seenBatch, more bool) pageData {
	now := s.Now()
	data := pageData{Style: template.CSS(pageStyle), Tenant: v.tenant, Models: v.modelNames(), At: now.UTC().Format(time.DateTime)}
	for _, one := range seen {
		data.Open = data.Open || !one.state.ended()
		data.Batches = append(data.Batches, s.row(one, now))
	}
	if more {
		data.Older = "/?after=" + seen[len(seen)-1].ID
	}
	return data
}

func (s *Server) row(one seenBatch, now time.Time) pageRow {
	state := one.state
	end := now.Unix()
	if state.ended() {
		end = state.at()
	}
	row := pageRow{
		ID: one.ID, Link: s.Runner.Link(jobs.BatchJob(one.ID)), Status: state.Status, Model: one.Model, URL: one.URL,
		Created: time.Unix(one.Created, 0).UTC().Format(time.DateTime), Took: (time.Duration(end-one.Created) * time.Second).String(),
		Counts: state.Counts, Known: state.Counts.Total > 0,
	}
	if row.Known {
		row.Done = 100 * float64(state.Counts.Completed) / float64(state.Counts.Total)
		row.Bad = 100 * float64(state.Counts.Failed) / float64(state.Counts.Total)
	}
	if !state.Cost.IsZero() {
		row.Cost = state.Cost.String()
	}
	if len(state.Problems) > 0 {
		row.Problem = state.Problems[0].Message
		if others := len(state.Problems) - 1; others > 0 {
			row.Problem += fmt.Sprintf(" (and %d more)", others)
		}
	}
	return row
}
