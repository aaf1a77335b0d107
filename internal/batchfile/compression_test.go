package batchfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func zstandard(t testing.TB, text string, options ...zstd.EOption) string {
	t.Helper()
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// skippable is a zstd frame that holds no text.
const skippable = "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"

func TestUnpack_ByContent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of text\n", 50_000)
	for _, row := range []struct {
		name, file, text string
		compression      Compression
	}{
		{"empty", "", "", Plain},
		{"short", "a", "a", Plain},
		{"plain", long, long, Plain},
		{"gzip", gzipped(t, long), long, Gzip},
		{"gzip of nothing", gzipped(t, ""), "", Gzip},
		{"gzip in members", gzipped(t, "a\n") + gzipped(t, "") + gzipped(t, "b\n"), "a\nb\n", Gzip},
		{"zstd", zstandard(t, long), long, Zstd},
		{"zstd in frames", zstandard(t, "a\n") + zstandard(t, "b\n"), "a\nb\n", Zstd},
		{"zstd after a skippable frame", skippable + zstandard(t, "a\n"), "a\n", Zstd},
	} {
		for _, r := range []io.Reader{strings.NewReader(row.file), iotest.OneByteReader(strings.NewReader(row.file)), iotest.DataErrReader(strings.NewReader(row.file))} {
			text, compression, err := unpack(r)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
				continue
			}
			got, err := io.ReadAll(text)
			if string(got) != row.text || err != nil || compression != row.compression || text.Close() != nil {
				t.Errorf("%s: %d bytes by %q, %v", row.name, len(got), compression, err)
			}
		}
	}
}

func TestMakePlan_UnreadableFiles(t *testing.T) {
	t.Parallel()
	lines := withID("1") + "\n" + withID("2") + "\n"
	// Text that does not compress, so that a cut or a flipped bit is within it.
	noise := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	long := withID(fmt.Sprintf("%x", noise[:200])) + "\n" + fmt.Sprintf("%x", noise)
	for _, row := range []struct{ name, file, want string }{
		{"gzip cut", gzipped(t, long)[:100_000], "a.jsonl:2 the gzip compression is cut off after"},
		{"gzip cut in its header", gzipped(t, lines)[:8], "a.jsonl:1 the gzip compression is cut off after 0 bytes"},
		{"gzip with a wrong checksum", flippedEnd(gzipped(t, long), 5), "a.jsonl:2 the gzip compression is broken after 60"},
		{"gzip and something else", gzipped(t, lines) + "more text than a header has", "a.jsonl:3 the gzip compression is broken after"},
		{"zstd cut", zstandard(t, long)[:100_000], "the zstd compression is cut off after"},
		{"zstd with a wrong checksum", flippedEnd(zstandard(t, long), 1), "a.jsonl:2 the zstd compression is broken after 5"},
		{"zstd of a huge window", "\x28\xb5\x2f\xfd\x00\xa8" + strings.Repeat("\x00", 10), "needs a window of more than 128 MiB"},
		{"bzip2", "BZh91AY", "a.jsonl:1 the file is compressed by bzip2; try: plain text in UTF-8, gzip or zstd"},
		{"xz", "\xfd7zXZ\x00\x00", "compressed by xz"},
		{"zip", "PK\x03\x04\x14", "a zip archive"},
		{"UTF-16", "\xff\xfe{\x00", "UTF-16 text"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, skip := range []bool{false, true} {
				plan, _ := makePlan(t, files(row.file, lines), PlanOptions{Rules: Rules{SkipInvalid: skip}, Stage: io.Discard})
				if plan.ProblemsByCode[CodeInvalidFile] != 1 || plan.Runs() {
					t.Fatalf("problems %v, runs %v", plan.Problems, plan.Runs())
				}
				at := slices.IndexFunc(plan.Problems, func(p Problem) bool { return p.Code == CodeInvalidFile })
				if p := plan.Problems[at]; !strings.Contains(fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Message), row.want) {
					t.Errorf("problem %+v, want %s", p, row.want)
				}
				if len(plan.Files) != 2 || plan.Files[1].Requests != 2 {
					t.Errorf("the file after it was not read: %+v", plan.Files)
				}
			}
		})
	}
}

// flippedEnd flips a bit so many bytes before the end.
func flippedEnd(file string, before int) string {
	flipped := []byte(file)
	flipped[len(flipped)-before] ^= 1
	return string(flipped)
}

// A store's trouble in the middle of a compressed file is worth another try.
func TestMakePlan_ReaderOfCompressedFileFails(t *testing.T) {
	t.Parallel()
	trouble := errors.New("trouble")
	for _, packed := range []string{gzipped(t, withID("1")), zstandard(t, withID("1"))} {
		for _, at := range []int{3, 6, len(packed) - 1} {
			input := Input{Name: "a", Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader(packed[:at]), iotest.ErrReader(trouble))), nil
			}}
			if _, err := MakePlan(t.Context(), []Input{input}, PlanOptions{}, func(Shard) error { return nil }); !errors.Is(err, trouble) {
				t.Errorf("at %d: %v", at, err)
			}
		}
	}
}

// A worker that reads the frames must see every request of the compressed
// inputs once, in order, with the line numbers of the text; plain inputs are
// read where they are.
func TestMakePlan_StagesCompressedInputs(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("\uFEFF\n")
	for i := range 1000 {
		text.WriteString(withID(fmt.Sprintf("a%d", i)+strings.Repeat("x", i%97)) + []string{"\n", "\r\n", "\n\n \n"}[i%3])
	}
	texts := []string{text.String(), withID("b") + "\n\n" + withID("c"), "\n", strings.ReplaceAll(text.String(), `"a`, `"d`)}
	packed := []string{gzipped(t, texts[0]), texts[1], zstandard(t, ""), zstandard(t, texts[3])}
	for _, o := range []PlanOptions{{}, {ShardRequests: 1}, {ShardRequests: 7}, {ShardBytes: 1}, {ShardBytes: 999, ShardRequests: 7}} {
		var staged bytes.Buffer
		o.Stage = &staged
		plan, shards := makePlan(t, files(packed...), o)
		if plan.ProblemCount != 0 || plan.Requests != 2002 || plan.Files[0].Compression != Gzip || plan.Files[1].Compression != Plain || plan.Files[3].Bytes != int64(len(texts[3])) {
			t.Fatalf("%+v", plan)
		}
		var got, want []string
		for _, s := range shards {
			source := packed[s.File]
			if plan.Files[s.File].Compression != Plain {
				source = staged.String()
			}
			got = append(got, readStaged(t, source[s.Offset:s.Offset+s.Length], s, plan.Files[s.File].Compression)...)
		}
		for i, text := range texts {
			for _, line := range scanAll(NewScanner(strings.NewReader(text), 0)) {
				want = append(want, fmt.Sprint(i, line.line, line.text))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d requests a shard: the shards read differently from the texts", o.ShardRequests)
		}
	}
}

func readStaged(t *testing.T, bytes string, s Shard, compression Compression) (lines []string) {
	t.Helper()
	var source io.Reader = strings.NewReader(bytes)
	if compression != Plain {
		frame, err := OpenFrame(source)
		if err != nil {
			t.Fatal(err)
		}
		defer frame.Close()
		source = frame
	}
	scanner := NewScanner(source, 0)
	scanner.StartAt(s.FirstLine)
	for scanner.Scan() {
		lines = append(lines, fmt.Sprint(s.File, scanner.Line(), string(scanner.Bytes())))
	}
	if scanner.Err() != nil || len(lines) != int(s.Requests) {
		t.Errorf("shard %+v has %d lines, %v", s, len(lines), scanner.Err())
	}
	return lines
}

func TestMakePlan_StageFails(t *testing.T) {
	t.Parallel()
	_, err := MakePlan(t.Context(), files(gzipped(t, validLine)), PlanOptions{Stage: brokenWriter{}}, func(Shard) error { return nil })
	if !errors.Is(err, io.ErrClosedPipe) || !strings.HasPrefix(err.Error(), "stage: ") {
		t.Error(err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzUnpack holds decoders to errors of the two kinds.
func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"", "x", gzipped(f, "text"), zstandard(f, "text"), skippable, gzipped(f, "text")[:12], "\x28\xb5\x2f\xfd\x20", "BZh"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		text, _, err := unpack(bytes.NewReader(file))
		if err == nil {
			_, err = io.CopyN(io.Discard, text, 1<<20)
			if err == io.EOF {
				err = nil
			}
			_ = text.Close()
		}
		if _, ok := errors.AsType[*unreadable](err); err != nil && !ok {
			t.Fatalf("%v", err)
		}
	})
}
