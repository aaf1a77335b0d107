package batchfile

import (
	"context"
	"fmt"
	"math/bits"
)

// Skipped is a line that is left out because it cannot be sent.
type Skipped struct {
	Shard    int64   // number of the shard that holds it
	Request  int64   // index over all inputs, as if it were a request
	CustomID []byte  // as Request has it, valid during the call; nil if it has none that can be used
	Problem  Problem // the first of the line's
}

// Repeated is a line that is left out because one before it has its custom_id.
type Repeated struct {
	File        uint32 // index of the input
	Compression Compression
	Problem     Problem // Line is the line's number there
}

// skip leaves out the line taken last.
func (p *planner) skip(line, index int64, customID []byte, problem Problem) error {
	p.plan.Skipped++
	if p.o.Skipped == nil {
		return nil
	}
	problem.File, problem.Line = p.locate(line)
	return p.o.Skipped(Skipped{Shard: p.cut.number(), Request: index, CustomID: customID, Problem: problem})
}

// repeat notes a line that has the custom_id of another before it.
func (p *planner) repeat(line, first int64) error {
	p.report(line, p.repetition(first))
	if !p.o.SkipInvalid {
		return nil
	}
	p.plan.Skipped++
	// The sorter's parts go by the highest byte.
	return p.repeated.add(sighting{high: scaled(line, p.lines), low: uint64(first), line: line})
}

// scaled maps 0 to most onto 64 bits, in order.
func scaled(line, most int64) uint64 {
	return uint64(line) << bits.LeadingZeros64(uint64(most))
}

func (p *planner) repetition(first int64) Problem {
	file, number := p.locate(first)
	return Problem{Code: CodeDuplicateCustomID, Param: "custom_id",
		Message: fmt.Sprintf("custom_id is used before, at %s:%d", file, number)}
}

// tellRepeated calls Repeated for the lines noted, in their order.
func (p *planner) tellRepeated(ctx context.Context) error {
	if p.o.Repeated == nil || !p.plan.Runs() {
		return nil
	}
	return p.repeated.each(ctx, func(part []sighting) error {
		for _, one := range part {
			problem := p.repetition(int64(one.low))
			problem.File, problem.Line = p.locate(one.line)
			file := p.fileOf(one.line)
			if err := p.o.Repeated(Repeated{File: file, Compression: p.plan.Files[file].Compression, Problem: problem}); err != nil {
				return err
			}
		}
		return nil
	})
}
