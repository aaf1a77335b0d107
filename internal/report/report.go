// Package report writes what a job leaves for people and programs: report.json
// and report.html.
//
// The page is one file that needs nothing else: no script, no font, no picture,
// nothing from the network, which its own content security policy forbids as
// well. Its charts are SVG made here, in colours for light and dark. Shapes
// stretch with the page and words do not, so words stand beside the SVG in HTML
// and stay readable on a phone.
//
// It shows counts, times, money, locations and custom_ids. Prompts and answers
// never get here: neither jobs.Report nor stats.Measurements holds any.
package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
)

// Document is the file report.json: the job's report, and what its requests
// measured, which is absent where nothing was.
type Document struct {
	jobs.Report
	Measured *stats.Measurements `json:"measured,omitempty"`
}

// Options are what a page shows besides the document.
type Options struct {
	WebUI string // URL of the job in Temporal's Web UI; empty for no link
}

//go:embed page.html page.css
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"style": func() (template.CSS, error) {
		text, err := files.ReadFile("page.css")
		return template.CSS(text), err
	},
}).ParseFS(files, "page.html"))

// WriteHTML writes the page. The same document always gives the same bytes.
func WriteHTML(out io.Writer, document Document, options Options) error {
	if err := pageTemplate.Execute(out, newPage(document, options)); err != nil {
		return fmt.Errorf("write the report of job %s: %w", document.Job, err)
	}
	return nil
}
