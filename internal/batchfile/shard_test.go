package batchfile

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"
)

func TestShard_Encoding(t *testing.T) {
	t.Parallel()
	s := Shard{File: 1, Offset: 2, Length: 3, FirstLine: 4, FirstRequest: 5, Requests: 6}
	const want = "01000000" + "01000000" + "0200000000000000" + "0300000000000000" + "0400000000000000" + "0500000000000000" + "06000000" + "ebd80dbc"
	encoded := AppendShard([]byte("x"), s)[1:]
	if got := hex.EncodeToString(encoded); got != want {
		t.Errorf("encoding changed: running jobs hold the old one\n got %s\nwant %s", got, want)
	}
	for i := range encoded {
		broken := bytes.Clone(encoded)
		broken[i] ^= 1
		if _, err := DecodeShard(broken); err == nil {
			t.Errorf("accepted with byte %d changed", i)
		}
	}
	if _, err := DecodeShard(encoded[:ShardSize-1]); err == nil {
		t.Error("accepted though cut")
	}
}

func FuzzShard(f *testing.F) {
	f.Add(uint32(0), uint32(1), int64(0), int64(1), int64(1), int64(0))
	f.Add(uint32(math.MaxUint32), uint32(9), int64(math.MaxInt64), int64(-1), int64(1<<40), int64(7))
	f.Fuzz(func(t *testing.T, file, requests uint32, offset, length, line, request int64) {
		want := Shard{File: file, Requests: requests, Offset: offset, Length: length, FirstLine: line, FirstRequest: request}
		encoded := AppendShard(nil, want)
		got, err := DecodeShard(encoded)
		if err != nil || got != want || len(encoded) != ShardSize {
			t.Fatalf("got %v, %v, %d bytes; want %v", got, err, len(encoded), want)
		}
	})
}
