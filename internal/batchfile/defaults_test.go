package batchfile

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func TestDefaults_FillInWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := NewDefaults(map[string][]byte{"temperature": []byte("0"), "stop": []byte(`["a"]`)})
	for body, want := range map[string]string{
		`{}`:                         `{"stop":["a"],"temperature":0}`,
		`{"a": 1.0}`:                 `{"a": 1.0,"stop":["a"],"temperature":0}`,
		`{"a":"}" }`:                 `{"a":"}" ,"stop":["a"],"temperature":0}`,
		`{"temperature":1}`:          `{"temperature":1,"stop":["a"]}`,
		`{"temperature":null}`:       `{"temperature":null,"stop":["a"]}`,
		`{"t\u0065mperature":1}`:     `{"t\u0065mperature":1,"stop":["a"]}`,
		`{"x":{"temperature":1}}`:    `{"x":{"temperature":1},"stop":["a"],"temperature":0}`,
		`{"stop":1,"stop":2} `:       `{"stop":1,"stop":2,"temperature":0} `,
		`{"stop":1,"temperature":2}`: `{"stop":1,"temperature":2}`,
	} {
		if got := string(d.Append([]byte("> "), []byte(body))); got != "> "+want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
	if got := string(Defaults{}.Append(nil, []byte(`{ }`))); got != `{ }` {
		t.Errorf("without defaults { } became %s", got)
	}
}

func FuzzDefaults(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "a", "b")
	f.Add([]byte(`{ "\u0061" : {"b":2} }`), "a", "}")
	f.Fuzz(func(t *testing.T, body []byte, one, two string) {
		request, problems := Parse([]byte(`{"custom_id":"x","method":"POST","url":"/v1/responses","body":` + string(body) + `}`))
		if len(problems) > 0 || !json.Valid(body) {
			return
		}
		one, two = strings.ToValidUTF8(one, "?"), strings.ToValidUTF8(two, "?")
		values := map[string][]byte{one: []byte("1"), two: []byte("2")}
		var before, after map[string]json.RawMessage
		got := NewDefaults(values).Append(nil, request.Body)
		if json.Unmarshal(request.Body, &before) != nil || json.Unmarshal(got, &after) != nil {
			t.Fatalf("%s became %s", request.Body, got)
		}
		want := map[string]json.RawMessage{}
		for name, value := range values {
			want[name] = value
		}
		maps.Copy(want, before)
		if len(want) != len(after) {
			t.Fatalf("%s became %s", request.Body, got)
		}
		for name, value := range want {
			if string(after[name]) != string(value) {
				t.Fatalf("%s became %s: %s is %s", request.Body, got, name, after[name])
			}
		}
	})
}
