package activities

import (
	"bytes"
	"slices"

	"github.com/nightshift-run/nightshift/jobs"
)

// How much of a shard is looked at to put requests into order. A few hundred
// that begin alike are what an endpoint's cache gains from, and are read in
// milliseconds; the longest of a shard are known when all of it is.
const (
	prefixWindow      = 256
	prefixWindowBytes = 1 << 20
	wholeShardBytes   = maxShardBytes
)

// ordering puts requests into the order in which they are sent, a window at a
// time. It holds the bodies of one window.
type ordering struct {
	order   jobs.Order
	pass    func(*sending) error
	waiting []*sending
	bytes   int
}

// add takes the next request of the shard.
func (o *ordering) add(s *sending) error {
	if o.order == jobs.InputOrder || o.order == "" {
		return o.pass(s)
	}
	o.waiting = append(o.waiting, s)
	o.bytes += len(s.body)
	if o.order == jobs.PrefixOrder && (len(o.waiting) >= prefixWindow || o.bytes >= prefixWindowBytes) || o.bytes >= wholeShardBytes {
		return o.flush()
	}
	return nil
}

// flush passes on what is waiting.
func (o *ordering) flush() error {
	slices.SortStableFunc(o.waiting, func(a, b *sending) int {
		if o.order == jobs.LongestFirst {
			return len(b.body) - len(a.body)
		}
		return bytes.Compare(a.body, b.body)
	})
	for i, s := range o.waiting {
		o.waiting[i] = nil
		if err := o.pass(s); err != nil {
			return err
		}
	}
	o.waiting, o.bytes = o.waiting[:0], 0
	return nil
}
