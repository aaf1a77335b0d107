package encryption

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func newKey(t *testing.T, id string) string {
	t.Helper()
	line, err := NewKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func parsed(t *testing.T, lines ...string) *Keys {
	t.Helper()
	keys, err := Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func payloads(texts ...string) (all []*commonpb.Payload) {
	for _, text := range texts {
		all = append(all, &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)})
	}
	return all
}

func TestParse(t *testing.T) {
	t.Parallel()
	good := newKey(t, "2026-11")
	secret := strings.Fields(good)[1]
	for name, c := range map[string]struct {
		text string
		want []string // of the error; none is no error
	}{
		"one":                {good, nil},
		"comments and gaps":  {"# keys\n\n  " + good + "  \n", nil},
		"nothing":            {"# keys\n", []string{"there is no key", "nightshift codec key"}},
		"no id":              {secret, []string{"line 1"}},
		"an id twice":        {good + "\n" + good, []string{"line 2", "2026-11 already"}},
		"an odd id":          {"a/b " + secret, []string{"line 1", "the id has other characters"}},
		"too short":          {"a " + secret[:40], []string{"line 1", "key a is not 32 bytes"}},
		"all problems":       {"a b\nc\n" + good, []string{"line 1", "line 2"}},
		"a key with garbage": {"a !" + secret, []string{"key a is not 32 bytes"}},
	} {
		_, err := Parse(c.text)
		if (err != nil) != (c.want != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), secret[:40]) {
			t.Errorf("%s: the error tells the key", name)
		}
	}
	if _, err := NewKey("a b"); err == nil {
		t.Error("a key with a space in its id was made")
	}
}

func TestCodec_SealsAndOpens(t *testing.T) {
	t.Parallel()
	old, young := newKey(t, "old"), newKey(t, "young")
	plain := payloads("a text", "", strings.Repeat("long", 10_000))
	sealed, err := Codec{parsed(t, old)}.Encode(plain)
	if err != nil {
		t.Fatal(err)
	}
	for i, payload := range sealed {
		if string(payload.GetMetadata()["encryption-key-id"]) != "old" || strings.Contains(string(payload.GetData()), "json/plain") {
			t.Errorf("payload %d: %v", i, payload)
		}
	}
	// A rotated ring opens what the old key sealed, and seals with the new one.
	rotated := Codec{parsed(t, young, old)}
	opened, err := rotated.Decode(append(sealed, plain[0]))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range append(plain, plain[0]) {
		if !proto.Equal(opened[i], want) {
			t.Errorf("payload %d: %v", i, opened[i])
		}
	}
	again, err := rotated.Encode(plain[:1])
	if err != nil || string(again[0].GetMetadata()["encryption-key-id"]) != "young" {
		t.Errorf("%v, %v", again, err)
	}
}

func TestCodec_Refuses(t *testing.T) {
	t.Parallel()
	mine := newKey(t, "mine")
	sealed, err := Codec{parsed(t, mine)}.Encode(payloads("a text"))
	if err != nil {
		t.Fatal(err)
	}
	changed := proto.Clone(sealed[0]).(*commonpb.Payload)
	changed.Data[len(changed.Data)-1] ^= 1
	renamed := proto.Clone(sealed[0]).(*commonpb.Payload)
	renamed.Metadata["encryption-key-id"] = []byte("other")
	for name, c := range map[string]struct {
		keys    *Keys
		payload *commonpb.Payload
		want    string
	}{
		"a key that is not there":    {parsed(t, newKey(t, "a"), newKey(t, "b")), sealed[0], `key "mine", and the keys here are a, b`},
		"another key of the same id": {parsed(t, newKey(t, "mine")), sealed[0], "does not open"},
		"changed":                    {parsed(t, mine), changed, "does not open"},
		"the id of another key":      {parsed(t, mine, strings.Replace(mine, "mine", "other", 1)), renamed, "does not open"},
		"shorter than a nonce":       {parsed(t, mine), &commonpb.Payload{Metadata: sealed[0].GetMetadata()}, "does not open"},
	} {
		_, err := Codec{c.keys}.Decode([]*commonpb.Payload{c.payload})
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := refuseSealed(sealed); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `key "mine"`) {
		t.Errorf("without keys: %v", err)
	}
}

// TestUnlessForeign: listings have memos that others sealed with keys of their
// own.
func TestUnlessForeign(t *testing.T) {
	t.Parallel()
	sealed, err := Codec{parsed(t, newKey(t, "theirs"))}.Encode(payloads("a memo"))
	if err != nil {
		t.Fatal(err)
	}
	open := unlessForeign(Codec{parsed(t, newKey(t, "ours"))}.Decode)
	if got, err := open(&proxy.VisitPayloadsContext{Parent: &commonpb.Memo{}}, sealed); err != nil || !proto.Equal(got[0], sealed[0]) {
		t.Errorf("memo: %v, %v", got, err)
	}
	if _, err := open(&proxy.VisitPayloadsContext{Parent: &commonpb.Payloads{}}, sealed); err == nil {
		t.Error("an input that does not open is passed on")
	}
}

func TestFile_IsReadAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	old, young := newKey(t, "old"), newKey(t, "young")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old)
	synctest.Test(t, func(t *testing.T) {
		file, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := Codec{parsed(t, young)}.Encode(payloads("a text"))
		if err != nil {
			t.Fatal(err)
		}
		write(young + "\n" + old)
		if ids := file.Current(false).IDs(); !slices.Equal(ids, []string{"old"}) {
			t.Errorf("it is read at every call: %v", ids)
		}
		time.Sleep(freshEvery)
		if _, err := (Codec{file}).Decode(sealed); err != nil {
			t.Errorf("a key that is not known is not looked for: %v", err)
		}
		write("garbage")
		time.Sleep(fileEvery)
		if ids := file.Current(false).IDs(); !slices.Equal(ids, []string{"young", "old"}) {
			t.Errorf("while the file is malformed: %v", ids)
		}
	})
	if _, err := OpenFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened a malformed file: %v", err)
	}
}
