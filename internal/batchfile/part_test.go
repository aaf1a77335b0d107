package batchfile

import (
	"bytes"
	"testing"
)

func TestCutPart_RestoresTheResultLine(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]Result{
		"answered":  {Index: 7, CustomID: []byte(`"a"`), Status: 200, Body: []byte(`{"x":"}"}`)},
		"refused":   {Index: 8, CustomID: []byte(`"\u0061\""`), Status: 400, Body: []byte(`not JSON "}`)},
		"never ran": {Index: 9, CustomID: []byte(`"c"`), Error: &ResultError{Code: "batch_expired", Message: `,"request_sum":"0123456789abcdef"}`}},
	} {
		plain := AppendResult(nil, "job", result)
		plain = plain[:len(plain)-1]
		part := AppendPart(nil, "job", result, 0xfedc)
		if part[len(part)-1] != '\n' || bytes.Count(part, []byte("\n")) != 1 {
			t.Errorf("%s: part is %q", name, part)
		}
		got, sum, ok := CutPart(part[:len(part)-1])
		if !ok || sum != 0xfedc || !bytes.Equal(got, plain) {
			t.Errorf("%s: cut to %s, %x, %v; want %s", name, got, sum, ok, plain)
		}
		again, _, ok := CutPart(bytes.Clone(plain))
		if ok || !bytes.Equal(again, plain) {
			t.Errorf("%s: a line without a sum was cut to %s", name, again)
		}
	}
}

func TestRenumber_MakesItAnotherJobsLine(t *testing.T) {
	t.Parallel()
	result := Result{Index: 7, CustomID: []byte(`"a"`), Status: 200, Body: []byte(`{}`)}
	line := AppendResult(nil, "old", result)
	if err := Renumber(line, "new", 123456); err != nil {
		t.Fatal(err)
	}
	result.Index = 123456
	if want := AppendResult(nil, "new", result); !bytes.Equal(line, want) {
		t.Errorf("line is %s, want %s", line, want)
	}
	if err := Renumber([]byte(`{"id":"other"}`), "new", 1); err == nil {
		t.Error("renumbered what is no result line")
	}
}

func TestResultID_IsDecoded(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{`"a"`: "a", `"\u0061\n"`: "a\n", `"x\"},"`: `x"},`} {
		id, err := ResultID(AppendResult(nil, "job", Result{CustomID: []byte(written), Status: 200}), nil)
		if err != nil || string(id) != want {
			t.Errorf("%s: %q, %v", written, id, err)
		}
	}
	for _, bad := range []string{"", "{}", `{"id":"batch_req_00000000000000000007"}`, `{"id":"batch_req_00000000000000000007","custom_id":3}`} {
		if id, err := ResultID([]byte(bad), nil); err == nil {
			t.Errorf("%s has the id %q", bad, id)
		}
	}
}

func TestRequestSum_TellsRequestsApart(t *testing.T) {
	t.Parallel()
	const url = "/v1/chat/completions"
	// The sums of results outlive the program: this one may not change.
	if got := RequestSum(url, []byte(`{"model":"m"}`)); got != 0x791db6c09b550ef0 {
		t.Errorf("sum is %#x", got)
	}
	if RequestSum(url, []byte("{}")) == RequestSum("/v1/completions", []byte("{}")) {
		t.Error("the url does not count")
	}
	if RequestSum(url, []byte("{}")) == RequestSum(url, []byte("{ }")) {
		t.Error("white space does not count, though it is sent")
	}
}

func FuzzCutPart(f *testing.F) {
	f.Add([]byte(`{"id":"batch_req_00000000000000000007","custom_id":"a","error":null,"request_sum":"0123456789abcdef"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		got, _, ok := CutPart(line)
		if !ok && !bytes.Equal(got, before) || ok && len(got) != len(before)-sumMemberLen+1 {
			t.Errorf("%q was cut to %q", before, got)
		}
		_, _ = ResultID(before, nil)
		_ = Renumber(before, "job", 1)
	})
}
