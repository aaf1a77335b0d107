package jobs

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse_Requests(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(strings.Replace(minimal, "\noutput:", `
requests:
  order: longest-first
  hedge: true
  defaults: {temperature: 0.0, seed: 9007199254740993, stop: ["a", null], response_format: {type: json_object}}
  headers: {X-Team: night, X-Key: "key ${NIGHTSHIFT_HEADER_KEY}"}
output:`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := Requests{
		Timeout: Duration(DefaultTimeout), Attempts: DefaultAttempts, Order: LongestFirst, Hedge: true,
		Defaults: Defaults{
			"temperature": json.RawMessage(`0`), "seed": json.RawMessage(`9007199254740993`), "stop": json.RawMessage(`["a",null]`),
			"response_format": json.RawMessage(`{"type":"json_object"}`),
		},
		Headers: map[string]string{"X-Team": "night", "X-Key": "key ${NIGHTSHIFT_HEADER_KEY}"},
	}
	if !reflect.DeepEqual(spec.Requests, want) {
		t.Errorf("requests = %+v\nwant       %+v", spec.Requests, want)
	}
	text, err := json.Marshal(spec.Requests)
	if err != nil {
		t.Fatal(err)
	}
	var again Requests
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("through JSON %+v, %v\nwant         %+v", again, err, want)
	}
}

func TestResolvedHeaders(t *testing.T) {
	t.Parallel()
	lookup := func(variable string) (string, bool) {
		value, ok := map[string]string{"NIGHTSHIFT_HEADER_KEY": "hush", "NIGHTSHIFT_HEADER_TWO": "a\r\nb", "HOME": "/"}[variable]
		return value, ok
	}
	for name, row := range map[string]struct{ value, want, problem string }{
		"plain":             {"night", "night", ""},
		"a reference":       {"key ${NIGHTSHIFT_HEADER_KEY}!", "key hush!", ""},
		"not set":           {"${NIGHTSHIFT_HEADER_NONE}", "", "does not have NIGHTSHIFT_HEADER_NONE"},
		"another variable":  {"${HOME}", "", "does not have HOME"},
		"more than a value": {"${NIGHTSHIFT_HEADER_TWO}", "", "not printable ASCII"},
	} {
		got, err := Requests{Headers: map[string]string{"X-A": row.value}}.ResolvedHeaders(lookup)
		if row.problem == "" && (err != nil || got["X-A"] != row.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if row.problem != "" && (err == nil || !strings.Contains(err.Error(), row.problem) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: error %v, want %q", name, err, row.problem)
		}
	}
}
