package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
)

// A flush happens every flushEvery, or sooner when flushBytes have gathered:
// what a killed worker loses at most, besides what is in flight. Beyond
// maxUnflushed, results wait for the bucket.
const (
	flushEvery   = 3 * time.Second
	flushBytes   = 1 << 20
	maxUnflushed = 8 << 20
)

// partWriter gathers a shard's result lines and writes them into the bucket as
// parts.
type partWriter struct {
	store  *bucket.Store
	job    string
	prefix string // of every part's URL: the shard's folder and this attempt

	mu        sync.Mutex
	room      *sync.Cond     // signalled when a flush has made room
	lines     [2]*lineBuffer // nil while there are none
	completed int64
	failed    int64
	usage     jobs.Usage
	err       error // why nothing more can be written

	measured *measuring
	metrics  *telemetry.Target
	sequence int
	full     chan struct{} // asks for a flush before its time
	closing  chan struct{}
	flusher  sync.WaitGroup
}

// partEndings are the endings of the two kinds of part, in the order of
// partWriter.lines.
var partEndings = [2]string{outputPart, errorsPart}

// newPartWriter starts a writer; close must be called. broken is called once
// if the bucket refuses to take results for good.
func newPartWriter(ctx context.Context, store *bucket.Store, job, folder string, attempt int32, measured *measuring, broken func(error)) *partWriter {
	p := &partWriter{
		store: store, job: job, measured: measured,
		// Attempts count anew after a reset, hence the random end.
		prefix:  folder + fmt.Sprintf("%d-%s-", attempt, strconv.FormatInt(rand.Int64N(36*36*36*36), 36)),
		full:    make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	p.room = sync.NewCond(&p.mu)
	p.flusher.Go(func() { p.flushing(ctx, broken) })
	return p
}

// add takes the result of the request of that sum and returns the usage that it
// tells. It waits while the bucket does not keep up.
func (p *partWriter) add(result batchfile.Result, sum uint64) batchfile.Usage {
	failed := result.Failed()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.unflushed() > maxUnflushed && p.err == nil {
		p.room.Wait()
	}
	kind := 0
	if failed {
		kind = 1
	}
	if p.lines[kind] == nil {
		p.lines[kind] = newLineBuffer()
	}
	p.lines[kind].add(p.job, result, sum)
	p.tally(failed, result.Usage)
	p.metrics.Finished(failed, result.Usage.InputTokens, result.Usage.OutputTokens)
	if p.unflushed() >= flushBytes {
		select {
		case p.full <- struct{}{}:
		default:
		}
	}
	return result.Usage
}

// count takes note of a result that an earlier attempt wrote.
func (p *partWriter) count(failed bool, usage batchfile.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally(failed, usage)
}

func (p *partWriter) tally(failed bool, usage batchfile.Usage) {
	if failed {
		p.failed++
		return
	}
	p.completed++
	p.usage.Add(jobs.Usage(usage))
}

func (p *partWriter) unflushed() (bytes int) {
	for _, lines := range p.lines {
		if lines != nil {
			bytes += len(lines.text)
		}
	}
	return bytes
}

func (p *partWriter) counts() (completed, failed int64, usage jobs.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.completed, p.failed, p.usage
}

// close writes what is left and returns why not everything could be written.
func (p *partWriter) close() error {
	close(p.closing)
	p.flusher.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *partWriter) flushing(ctx context.Context, broken func(error)) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for open := true; open; {
		select {
		case <-ticker.C:
		case <-p.full:
		case <-p.closing:
			open = false
		}
		measured := p.measured.take(!open)
		if err := p.flush(ctx); err != nil {
			p.mu.Lock()
			p.err = err
			p.room.Broadcast()
			p.mu.Unlock()
			broken(err)
			return
		}
		p.measured.write(ctx, measured)
	}
}

// flush writes at most one part of each kind.
func (p *partWriter) flush(ctx context.Context) error {
	p.mu.Lock()
	taken := p.lines
	p.lines = [2]*lineBuffer{}
	p.room.Broadcast()
	p.mu.Unlock()
	p.sequence++
	for kind, lines := range taken {
		if lines == nil {
			continue
		}
		url := fmt.Sprintf("%s%05d%s", p.prefix, p.sequence, partEndings[kind])
		if err := p.put(ctx, url, lines.inOrder()); err != nil {
			return err
		}
		lines.recycle()
	}
	return nil
}

// A part that the bucket does not take is tried again after putPause: until the
// attempt is cancelled, for as long as the object store is down, and from then
// on at most triesAfterEnd times.
const (
	putPause      = time.Second
	triesAfterEnd = 3
)

func (p *partWriter) put(ctx context.Context, url string, text []byte) error {
	for tries := 0; ; {
		putting, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		_, err := p.store.Put(putting, url, text, bucket.PutOptions{ContentType: "application/jsonl"})
		cancel()
		if _, final := hopeless(err); err == nil || final {
			return err
		}
		waiting := ctx
		if ctx.Err() != nil {
			tries++
			waiting = context.WithoutCancel(ctx)
		}
		if tries >= triesAfterEnd {
			return errors.Join(ctx.Err(), err)
		}
		pause(waiting, putPause)
	}
}

// eachPartLine calls use for every line of every part of a shard, part after
// part in the order of their names, with the sum of its request at its end. A
// line is valid only during the call, and its memory may be written to.
func eachPartLine(ctx context.Context, store *bucket.Store, folder string, use func(line []byte, failed bool) error) error {
	for object, err := range store.List(ctx, folder) {
		if err != nil {
			return fmt.Errorf("parts: %w", err)
		}
		failed := strings.HasSuffix(object.URL, errorsPart)
		if !failed && !strings.HasSuffix(object.URL, outputPart) {
			continue
		}
		if err := eachLine(ctx, store, object.URL, func(line []byte) error { return use(line, failed) }); err != nil {
			return fmt.Errorf("part %s: %w", object.URL, err)
		}
	}
	return nil
}

// isOutputPart reports whether a part has answers.
func isOutputPart(url string) bool { return strings.HasSuffix(url, outputPart) }

func eachLine(ctx context.Context, store *bucket.Store, url string, use func(line []byte) error) error {
	reader, err := store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	scanner := batchfile.NewScanner(reader, maxResultLine)
	for scanner.Scan() {
		if err := use(scanner.Bytes()); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// maxResultLine bounds a result line: an answer of chat.Options' default limit
// and what stands around it.
const maxResultLine = 80 << 20
