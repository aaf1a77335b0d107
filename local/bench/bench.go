package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nightshift-run/nightshift/local/objectstore"
)

// Options says what to measure, and with what.
type Options struct {
	Program string            // nightshift-local, for the bare loop
	Worker  string            // nightshift
	Dir     string            // holds everything
	Lines   int64             // of the jobs that are compared with the bare loop; 0 means 50,000
	Rounds  int               // of these; the median counts; 0 means 3
	Most    int64             // lines of the largest job whose memory is measured; 0 means 100,000
	Only    string            // measurements whose name begins so
	Each    func(row Row)     // told of every row as it comes; may be nil
	Began   func(name string) // told of every measurement that begins; may be nil
}

func (o Options) withDefaults() Options {
	if o.Lines <= 0 {
		o.Lines = 50_000
	}
	if o.Rounds <= 0 {
		o.Rounds = 3
	}
	if o.Most <= 0 {
		o.Most = 100_000
	}
	if o.Each == nil {
		o.Each = func(Row) {}
	}
	if o.Began == nil {
		o.Began = func(string) {}
	}
	return o
}

// Row is a line of the table.
type Row struct {
	What   string
	Bare   string // empty where there is nothing to compare with
	Ours   string
	Ratio  float64 // 0 where there is none
	Target string  // empty where none is set
	Missed bool
}

// measurement is one thing to measure.
type measurement struct {
	name    string
	measure func(*bench, context.Context) error
}

// measurements are all there are, in the order of the table.
var measurements = []measurement{
	{"0 ms", throughputAt(0)},
	{"20 ms", throughputAt(20)},
	{"50 ms", throughputAt(50)},
	{"2,000 in flight", (*bench).crowd},
	{"HTTP/2", (*bench).overHTTP2},
	{"storm", (*bench).storm},
	{"kill", (*bench).kill},
	{"idle", (*bench).idle},
	{"billed", (*bench).billed},
	{"drain", (*bench).drained},
	{"memory", (*bench).memory},
	{"planning", (*bench).planning},
}

// bench is one run of all measurements.
type bench struct {
	Options
	objects *objectstore.Server
	rows    []Row
}

// bucketName is the bucket of all worlds.
const bucketName = "bench"

// Run measures, and returns the table.
func Run(ctx context.Context, o Options) ([]Row, error) {
	b := &bench{Options: o.withDefaults()}
	var err error
	b.objects, err = objectstore.Start(ctx, objectstore.Options{
		Dir: filepath.Join(o.Dir, "s3"), Address: "127.0.0.1:0", Buckets: []string{bucketName},
	})
	if err != nil {
		return nil, err
	}
	defer b.objects.Stop()
	for _, one := range measurements {
		if !strings.HasPrefix(one.name, o.Only) {
			continue
		}
		b.Began(one.name)
		if err := one.measure(b, ctx); err != nil {
			return b.rows, fmt.Errorf("measure %s: %w", one.name, err)
		}
	}
	return b.rows, nil
}

func (b *bench) add(row Row) {
	b.rows = append(b.rows, row)
	b.Each(row)
}
