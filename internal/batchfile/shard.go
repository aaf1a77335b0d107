package batchfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Shard is a run of whole lines of one input, the unit of work. Blank lines
// before its first request and after its last belong to no shard.
type Shard struct {
	File         uint32 // index of the input
	Requests     uint32
	Offset       int64 // first byte in the input or, if that is compressed, in what is staged
	Length       int64 // bytes
	FirstLine    int64 // 1-based number of its first line
	FirstRequest int64 // 0-based index of its first request over all inputs
}

// ShardSize is the length of an encoded shard in bytes, the same for all: shard
// i of a plan lies at i*ShardSize.
const ShardSize = 48

// shardVersion is the first field of the encoding, to be raised when the rest
// changes.
const shardVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendShard appends the encoding: little endian, version and fields in the
// order below, and a CRC-32C of what is before it.
func AppendShard(dst []byte, s Shard) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, shardVersion)
	dst = binary.LittleEndian.AppendUint32(dst, s.File)
	for _, n := range []int64{s.Offset, s.Length, s.FirstLine, s.FirstRequest} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, s.Requests)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// DecodeShard reads the first ShardSize bytes of b. An error means that they
// are not a shard, or one of another version.
func DecodeShard(b []byte) (Shard, error) {
	if len(b) < ShardSize {
		return Shard{}, fmt.Errorf("decode shard: %d bytes, not %d", len(b), ShardSize)
	}
	if version := binary.LittleEndian.Uint32(b); version != shardVersion {
		return Shard{}, fmt.Errorf("decode shard: version %d, not %d", version, shardVersion)
	}
	if crc32.Checksum(b[:ShardSize-4], castagnoli) != binary.LittleEndian.Uint32(b[ShardSize-4:]) {
		return Shard{}, errors.New("decode shard: checksum does not match")
	}
	number := func(at int) int64 { return int64(binary.LittleEndian.Uint64(b[at:])) }
	return Shard{
		File:         binary.LittleEndian.Uint32(b[4:]),
		Offset:       number(8),
		Length:       number(16),
		FirstLine:    number(24),
		FirstRequest: number(32),
		Requests:     binary.LittleEndian.Uint32(b[40:]),
	}, nil
}

// cutter gathers the lines of one input into shards.
type cutter struct {
	maxBytes    int64
	maxRequests uint32
	emit        func(Shard) error
	open        Shard // no request: nothing is gathered
	shards      int64
	stage       *frames // of a compressed input
}

// add takes the line at which the scanner stands, the request of that index.
func (c *cutter) add(file uint32, line *Scanner, request int64) error {
	if c.open.Requests > 0 && line.End()-c.open.Offset > c.maxBytes {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.open.Requests == 0 {
		c.open = Shard{File: file, Offset: line.Offset(), FirstLine: line.Line(), FirstRequest: request}
	}
	c.open.Requests++
	c.open.Length = line.End() - c.open.Offset
	if err := c.keep(line); err != nil {
		return err
	}
	if c.open.Requests == c.maxRequests {
		return c.flush()
	}
	return nil
}

// keep stages the line if a worker could not read it where it is.
func (c *cutter) keep(line *Scanner) error {
	switch {
	case c.stage == nil:
		return nil
	case line.TooLong():
		return c.stage.add(line.Line(), unfit)
	}
	return c.stage.add(line.Line(), line.Bytes())
}

// number is that of the shard to which the line taken last belongs.
func (c *cutter) number() int64 {
	if c.open.Requests == 0 {
		return c.shards - 1
	}
	return c.shards
}

// flush emits what is gathered, at the latest at the end of an input.
func (c *cutter) flush() (err error) {
	shard := c.open
	c.open = Shard{}
	if shard.Requests == 0 {
		return nil
	}
	if c.stage != nil {
		if shard.Offset, shard.Length, err = c.stage.cut(); err != nil {
			return err
		}
	}
	c.shards++
	if err := c.emit(shard); err != nil {
		return fmt.Errorf("emit shard %d: %w", c.shards-1, err)
	}
	return nil
}
