package provider

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestName(t *testing.T) {
	t.Parallel()
	name := Name{Installation: "a1b2", Job: "nightly-summaries-20261121", Deadline: time.Unix(1795226400, 0).UTC()}
	text := name.String()
	if want := "nightshift-a1b2-nightly-summaries-20261121-totxk0"; text != want {
		t.Errorf("String() = %q, want %q", text, want)
	}
	if got, err := ParseName(text); got != name || err != nil {
		t.Errorf("ParseName(%q) = %v, %v", text, got, err)
	}
	longest := Name{Installation: strings.Repeat("a", 12), Job: strings.Repeat("b", 63), Deadline: name.Deadline}
	if n := len(longest.String()); n > 95 {
		t.Errorf("the longest name has %d bytes", n)
	}
}

func TestName_Owns(t *testing.T) {
	t.Parallel()
	name := Name{Installation: "a1", Job: "job", Deadline: time.Unix(1e9, 0)}
	for other, want := range map[string]bool{
		name.String():              true,
		"nightshift-a1-job-zzzzzz": true,
		"nightshift-a2-job-zzzzzz": false,
		"nightshift-a1-job":        false,
		"nightshift-a1-job-x-zzzz": false,
		"nightshift-a1-job-":       false,
		"nightshift-a1-job-?":      false,
		"nightshift-a1-job-0":      false,
		"nightshift--job-zzzz":     false,
		"nightshift-a1--zzzz":      false,
		"my endpoint":              false,
		"":                         false,
	} {
		if got := name.Owns(other); got != want {
			t.Errorf("Owns(%q) = %v", other, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("nightshift-a1-job-zzzz")
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		if again, err := ParseName(name.String()); err != nil || again != name {
			t.Errorf("%q is %v, but written and read again %v, %v", text, name, again, err)
		}
	})
}

func TestNotOneOf(t *testing.T) {
	t.Parallel()
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf("vendor/model-%02d", i)
	}
	for _, test := range []struct {
		word  string
		known []string
		want  string
	}{
		{"eu-nort1", []string{"eu-north1", "us-central1"}, `region "eu-nort1" is none of eu-north1, us-central1; did you mean eu-north1?`},
		{"EU-NORTH1", []string{"eu-north1", "us-central1"}, `region "EU-NORTH1" is none of eu-north1, us-central1; did you mean eu-north1?`},
		{"mars", []string{"eu-north1", "us-central1"}, `region "mars" is none of eu-north1, us-central1`},
		{"", []string{"eu-north1"}, `region "" is none of eu-north1`},
		{"x", nil, `region "x" is not offered; nothing is`},
		{
			"model-17", many, `region "model-17" is none of vendor/model-00, vendor/model-01, vendor/model-02, vendor/model-03, ` +
				`vendor/model-04, vendor/model-05, vendor/model-06, vendor/model-07, vendor/model-08, vendor/model-09, ` +
				`vendor/model-10, vendor/model-11 and 8 more; did you mean vendor/model-17?`,
		},
	} {
		if got := NotOneOf("region", test.word, test.known); got != test.want {
			t.Errorf("NotOneOf(%q):\n got %s\nwant %s", test.word, got, test.want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ words, want string }{
		{"", ""},
		{" two\r\n lines\x00 ", "two lines"},
		{"0123456789", "0123456789"},
		{"0123456789a", "0123456…"},
		{"éééééé", "ééé…"},
		{"\u202ereversed", "reversed"},
		{"bad\xff", "bad\ufffd"},
	} {
		if got := Clip(test.words, 10); got != test.want {
			t.Errorf("Clip(%q) = %q, want %q", test.words, got, test.want)
		}
	}
}

func TestMaybe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want Maybe[int]
	}{
		{`{"n": 3}`, Maybe[int]{3, true}},
		{`{"n": 0}`, Maybe[int]{0, true}},
		{`{"n": null}`, Maybe[int]{}},
		{`{"n": "3"}`, Maybe[int]{}},
		{`{"n": 3.5}`, Maybe[int]{}},
		{`{}`, Maybe[int]{}},
	} {
		var got struct{ N Maybe[int] }
		if err := json.Unmarshal([]byte(test.text), &got); err != nil || got.N != test.want {
			t.Errorf("%s: %v, %v", test.text, got.N, err)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("rent: %w", &Error{
		Kind: Capacity, Op: "acme: create endpoint", Status: 429, Code: "quota", Message: "no H100 left", RequestID: "r-1",
	})
	if want := "rent: acme: create endpoint: HTTP 429 quota: no H100 left (request r-1)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if KindOf(err) != Capacity || Absent(err) {
		t.Errorf("kind %s, absent %v", KindOf(err), Absent(err))
	}
	if KindOf(fmt.Errorf("x")) != Unavailable || !Absent(&Error{Status: 404}) || !Absent(&Error{Status: 410}) {
		t.Error("kind of an unsorted error, or absence")
	}
}
