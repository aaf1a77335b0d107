package compress

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

func TestWriter_IsReadBack(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`{"id":"batch_req_1","custom_id":"a"}`+"\n", 10_000)
	for _, by := range []jobs.Compression{"", jobs.Uncompressed, jobs.Gzip, jobs.Zstd} {
		var packed bytes.Buffer
		w, err := NewWriter(&packed, by)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if small := packed.Len() < len(text)/10; small != (Ending(by) != "") {
			t.Errorf("%q: %d bytes of %d", by, packed.Len(), len(text))
		}
		r, err := NewReader(&packed, ByName("output.jsonl"+Ending(by)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != text {
			t.Errorf("%q: read %d other bytes: %v", by, len(got), err)
		}
		r.Close()
	}
	if _, err := NewWriter(io.Discard, "lzma"); err == nil {
		t.Error("wrote in an unknown compression")
	}
}
