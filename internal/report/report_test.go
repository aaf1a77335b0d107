package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/golden"
	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
)

func html(t *testing.T, document Document, options Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteHTML(&out, document, options); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestWriteHTML_Golden compares a page with the one that somebody looked at in
// a browser. Run with -update after a change, and look again.
func TestWriteHTML_Golden(t *testing.T) {
	t.Parallel()
	got := html(t, night(), Options{})
	golden.Check(t, "testdata/report.html", []byte(got))
	if again := html(t, night(), Options{}); again != got {
		t.Error("the same document gives another page")
	}
}

// documents are one of each way in which a job can end.
func documents() map[string]Document {
	unconfirmed := night()
	unconfirmed.Outcome, unconfirmed.Reason = jobs.Failed, "the provider has not confirmed\nthat it is off"
	unconfirmed.Rentals[1].Confirmed = time.Time{}
	unmeasured := night()
	unmeasured.Measured = nil
	refused := Document{Report: jobs.Report{
		Job: "j", Name: "n", Outcome: jobs.Failed, Reason: "the input has 3 problems", Started: at(0), Finished: at(0.01),
		Phases: []jobs.PhaseTime{{Phase: jobs.Planning, Start: at(0), End: at(0.01)}},
	}}
	cancelled := Document{Report: jobs.Report{
		Job: "j", Outcome: jobs.Cancelled, Counts: jobs.Counts{Total: 10, NeverRan: 10}, Started: at(0), Finished: at(5),
		Rentals: []jobs.Rental{{Provider: "nebius", Requested: at(1), Confirmed: at(2), Reason: "cancelled"}},
	}}
	single := night()
	single.Measured = &stats.Measurements{}
	single.Measured.Add(stats.Try{Began: at(9), Took: time.Second, Final: true})
	return map[string]Document{
		"completed": night(), "unconfirmed": unconfirmed, "unmeasured": unmeasured, "refused": refused,
		"cancelled": cancelled, "one request": single, "nothing at all": {},
	}
}

var svgPattern = regexp.MustCompile(`(?s)<svg .*?</svg>`)

func TestWriteHTML_SVGIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, document := range documents() {
		page := html(t, document, Options{})
		for _, drawing := range svgPattern.FindAllString(page, -1) {
			decoder := xml.NewDecoder(strings.NewReader(drawing))
			for {
				token, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v in %s", name, err, drawing)
				}
				if element, ok := token.(xml.StartElement); ok {
					checkNumbers(t, name, element)
				}
			}
		}
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "0001-01-01") {
			t.Errorf("%s: the page holds a value that is none", name)
		}
	}
	if n := len(svgPattern.FindAllString(html(t, night(), Options{}), -1)); n < 10 {
		t.Errorf("%d drawings in the page of a whole night", n)
	}
}

var numbers = regexp.MustCompile(`-?[0-9.]+`)

// checkNumbers wants every coordinate on the canvas.
func checkNumbers(t *testing.T, name string, element xml.StartElement) {
	t.Helper()
	for _, attribute := range element.Attr {
		if !strings.Contains(" x y width height d ", " "+attribute.Name.Local+" ") {
			continue
		}
		for _, text := range numbers.FindAllString(attribute.Value, -1) {
			var value float64
			if err := json.Unmarshal([]byte(text), &value); err != nil || value < 0 || value > canvasWidth {
				t.Errorf("%s: %s of <%s> is %s", name, attribute.Name.Local, element.Name.Local, attribute.Value)
			}
		}
	}
}

// outside matches whatever makes a browser fetch or run something.
var outside = regexp.MustCompile(`(?i)<script|<iframe|<object|<embed|<base|<form|javascript:|@import|url\(|\son[a-z]+\s*=|\s(src|srcset|action|data|poster|background|ping)\s*=|http-equiv="refresh"`)

var hrefs = regexp.MustCompile(`(?i)href\s*=\s*"([^"]*)"`)

func TestWriteHTML_NeedsNothingElse(t *testing.T) {
	t.Parallel()
	const webUI = "https://temporal.example/namespaces/default/workflows/j"
	for name, document := range documents() {
		page := html(t, document, Options{WebUI: webUI})
		if found := outside.FindString(page); found != "" {
			t.Errorf("%s: the page has %q", name, found)
		}
		for _, href := range hrefs.FindAllStringSubmatch(page, -1) {
			if href[1] != webUI && href[1] != "data:," {
				t.Errorf("%s: the page refers to %s", name, href[1])
			}
		}
	}
	if page := html(t, night(), Options{WebUI: "javascript:alert(1)"}); strings.Contains(page, "javascript:") {
		t.Error("a link runs a script")
	}
}

func TestWriteHTML_EscapesEveryText(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert('x')</script>]]>&<b onmouseover=x`
	document := night()
	poison(reflect.ValueOf(&document.Report).Elem(), evil)
	document.Outcome = jobs.Outcome(evil)
	document.Measured.Errors.Add("HTTP 500", func() string { return evil })
	page := html(t, document, Options{WebUI: evil})
	if strings.Contains(page, "<script") || strings.Contains(page, "<b onmouse") {
		t.Error("a text of the report is markup in the page")
	}
	for _, drawing := range svgPattern.FindAllString(page, -1) {
		if err := xml.Unmarshal([]byte(drawing), new(any)); err != nil {
			t.Errorf("%v in %s", err, drawing)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(") {
		t.Error("the texts are not in the page at all")
	}
}

// poison replaces every text of a value.
func poison(value reflect.Value, with string) {
	switch value.Kind() {
	case reflect.String:
		value.SetString(with)
	case reflect.Struct:
		if _, isTime := value.Interface().(time.Time); isTime {
			return
		}
		for i := range value.NumField() {
			poison(value.Field(i), with)
		}
	case reflect.Slice:
		for i := range value.Len() {
			poison(value.Index(i), with)
		}
	}
}

func TestWriteHTML_SaysWhatMatters(t *testing.T) {
	t.Parallel()
	all := documents()
	for _, c := range []struct{ document, want string }{
		{"completed", "the provider&#39;s listing does not have it"},
		{"completed", "<td>request_timeout</td><td>50</td><td>20 %</td>"},
		{"completed", `<code>article-a</code> <code>article-b</code>`},
		{"completed", "11.56 USD"},
		{"unconfirmed", "nightshift endpoints delete --provider nebius endpoint-b2c41kd0qrtE"},
		{"unconfirmed", "Not confirmed off."},
		{"refused", "the input has 3 problems"},
		{"refused", "None was rented."},
		{"cancelled", "10 never ran"},
		{"cancelled", "an endpoint that never was"},
		{"unmeasured", "250 requests failed and 0 never ran"},
		{"one request", "The charts show 1 of 5,316 results"},
	} {
		if page := html(t, all[c.document], Options{}); !strings.Contains(page, c.want) {
			t.Errorf("%s: the page does not say %s", c.document, c.want)
		}
	}
}

func TestDocument_IsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, document := range documents() {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var read Document
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if html(t, read, Options{}) != html(t, document, Options{}) {
			t.Errorf("%s: the page of what was read is another", name)
		}
	}
}
