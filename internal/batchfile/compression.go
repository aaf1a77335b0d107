package batchfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is how a file is packed, as its first bytes tell.
type Compression string

// The compressions that are read.
const (
	Plain Compression = ""
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
)

// maxWindow is the most memory that a zstd file may ask for: what zstd itself
// grants without --long.
const maxWindow = 128 << 20

// magics are the first bytes of kinds of file that people take for JSONL. A
// kind without a compression cannot be read.
var magics = []struct {
	first       []byte
	compression Compression
	kind        string
}{
	{[]byte{0x1f, 0x8b}, Gzip, "gzip"},
	{[]byte{0x28, 0xb5, 0x2f, 0xfd}, Zstd, "zstd"},
	{[]byte("BZh"), "", "compressed by bzip2"},
	{[]byte{0xfd, '7', 'z', 'X', 'Z', 0}, "", "compressed by xz"},
	{[]byte{0x04, 0x22, 0x4d, 0x18}, "", "compressed by lz4"},
	{[]byte("PK\x03\x04"), "", "a zip archive"},
	{[]byte("7z\xbc\xaf\x27\x1c"), "", "a 7-Zip archive"},
	{[]byte("PAR1"), "", "a Parquet file"},
	{[]byte{0xff, 0xfe}, "", "UTF-16 text"},
	{[]byte{0xfe, 0xff}, "", "UTF-16 text"},
}

// unreadable is what makes a file no text, or its text end too early.
type unreadable struct{ reason string }

func (u *unreadable) Error() string { return u.reason }

// unpack reads the text of a file: its bytes, or what they are the compression
// of. It fails with an *unreadable for a file of another kind. Close frees the
// decoder, not r.
func unpack(r io.Reader) (io.ReadCloser, Compression, error) {
	source := &sourceReader{r: r}
	head := make([]byte, 8)
	n, err := io.ReadFull(source, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, Plain, err
	}
	head = head[:n]
	compression, err := recognize(head)
	if err != nil {
		return nil, Plain, err
	}
	whole := io.MultiReader(bytes.NewReader(head), source)
	switch compression {
	case Gzip:
		decoder, err := gzip.NewReader(bufio.NewReaderSize(whole, minBuffer))
		if err != nil {
			return nil, Gzip, source.explain(Gzip, 0, err)
		}
		return &unpacker{source: source, decoder: decoder, close: func() { _ = decoder.Close() }, compression: Gzip}, Gzip, nil
	case Zstd:
		decoder, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, Zstd, source.explain(Zstd, 0, err)
		}
		return &unpacker{source: source, decoder: decoder, close: decoder.Close, compression: Zstd}, Zstd, nil
	}
	return io.NopCloser(whole), Plain, nil
}

// recognize tells a file's compression from its first bytes.
func recognize(head []byte) (Compression, error) {
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}) {
		return Zstd, nil // a frame to be skipped, with which parallel compressors begin
	}
	for _, magic := range magics {
		if !bytes.HasPrefix(head, magic.first) {
			continue
		}
		if magic.compression == "" {
			return Plain, &unreadable{fmt.Sprintf("the file is %s; try: plain text in UTF-8, gzip or zstd", magic.kind)}
		}
		return magic.compression, nil
	}
	return Plain, nil
}

// sourceReader remembers why its reader failed: a decoder's error is the file's
// fault only if the file could be read.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// explain turns a decoder's error, after so many bytes of text, into the
// reader's or into an *unreadable.
func (s *sourceReader) explain(compression Compression, after int64, err error) error {
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &unreadable{fmt.Sprintf("the %s compression is cut off after %d bytes of text; try: the whole file", compression, after)}
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return &unreadable{fmt.Sprintf("the zstd compression needs a window of more than %d MiB; try: compressing without --long or --ultra", maxWindow>>20)}
	}
	return &unreadable{fmt.Sprintf("the %s compression is broken after %d bytes of text: %v", compression, after, err)}
}

// unpacker reads the text of a compressed file.
type unpacker struct {
	source      *sourceReader
	decoder     io.Reader
	close       func()
	compression Compression
	text        int64 // bytes read so far
	err         error
}

// Read returns what there is before an error without the error, so that no
// whole line is lost.
func (u *unpacker) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.decoder.Read(p)
	u.text += int64(n)
	if err != nil && err != io.EOF {
		u.err = u.source.explain(u.compression, u.text, err)
	} else {
		u.err = err
	}
	if n > 0 {
		return n, nil
	}
	return 0, u.err
}

func (u *unpacker) Close() error {
	u.close()
	return nil
}
