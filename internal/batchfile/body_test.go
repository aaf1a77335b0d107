package batchfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzAppendBody puts any JSON object into a line as its body. Whatever
// encoding/json finds to be the value of a top-level "model" must be replaced,
// and every other byte must stay.
func FuzzAppendBody(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[]}`, `{ "seed" : 9007199254740993 ,"model"	:"m", "seed":1.00}`, `{"a":{"model":"x"},"model":"a","model":"b"}`,
		`{"m\u006fdel":"x","top_p":1e-0, "": [ ]}`, `{ }`, `{"é":"\ud83d\ude00","model":"\u0000"}`, `{"model":"m","n":-0.0E+00,"n":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.ContainsAny(body, "\n\r") {
			return // two lines, and not one
		}
		line := append([]byte(`{"custom_id":"a","method":"POST","url":"/v1/completions","body":`), body...)
		request, problems := Parse(append(line, '}'))
		if len(problems) > 0 || request.Body == nil {
			return
		}
		const model = `"the endpoint's"`
		got := request.AppendBody(nil, "the endpoint's")
		if want := replaced(t, request.Body, model); !bytes.Equal(got, want) {
			t.Fatalf("body %q\n got %q\nwant %q", body, got, want)
		}
	})
}

// replaced puts value in the place of every top-level model, as encoding/json
// finds them.
func replaced(t *testing.T, body []byte, value string) []byte {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	next := func() json.Token {
		token, err := decoder.Token()
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		return token
	}
	next()
	var out []byte
	kept := int64(0)
	found := false
	for decoder.More() {
		isModel := next() == "model"
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if end := decoder.InputOffset(); isModel {
			out = append(append(out, body[kept:end-int64(len(skipped))]...), value...)
			kept, found = end, true
		}
	}
	if found {
		return append(out, body[kept:]...)
	}
	first := `{"model":` + value
	if rest := strings.TrimLeft(string(body[1:]), " \t"); rest != "}" {
		first += ","
	}
	return append([]byte(first), body[1:]...)
}

// TestMakePlan_LongLines plans lines of close to the limit within the memory
// that the planner may have.
func TestMakePlan_LongLines(t *testing.T) {
	const lines, megabytes = 2, 60
	long := withID("00000000" + strings.Repeat("x", 100))
	long = strings.Replace(long, `"messages":[]`, `"prompt":"`+strings.Repeat("x", megabytes<<20)+`"`, 1)
	before, peak := memoryInUse(), uint64(0)
	o := PlanOptions{SpillDir: t.TempDir(), Progress: func(int64, int64) { peak = max(peak, memoryInUse()) }}
	plan, err := MakePlan(t.Context(), []Input{generated(lines, long+"\n")}, o, func(Shard) error { return nil })
	if err != nil || plan.Requests != lines || plan.ProblemCount != 0 || plan.Shards != lines {
		t.Fatal(plan, err)
	}
	if peak > before+256<<20 {
		t.Errorf("%d bytes of memory, %d before", peak, before)
	}
}
