package pace

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
)

// BenchmarkAcquireRelease compares a Limiter with a plain channel semaphore: by
// one goroutine, and by eight that share four slots and let each other run while
// they hold one, so that half of them wait. The two take turns within one run
// and the best turn of each counts, so that a busy machine does not.
func BenchmarkAcquireRelease(b *testing.B) {
	for name, goroutines := range map[string]int{"alone": 1, "crowd": 8} {
		b.Run(name, func(b *testing.B) {
			slots, hold := 1, func() {}
			if goroutines > 1 {
				slots, hold = goroutines/2, runtime.Gosched
			}
			limiter, channel := New(Options{Fixed: slots}), make(chan struct{}, slots)
			ofLimiter, ofChannel := math.Inf(1), math.Inf(1)
			for b.Loop() {
				ofLimiter = min(ofLimiter, turn(goroutines, func() {
					_ = limiter.Acquire(b.Context())
					hold()
					limiter.Release(Outcome{Tokens: 100, Latency: time.Millisecond})
				}))
				ofChannel = min(ofChannel, turn(goroutines, func() {
					select {
					case channel <- struct{}{}:
					case <-b.Context().Done():
					}
					hold()
					<-channel
				}))
			}
			b.ReportMetric(ofLimiter, "limiter-ns")
			b.ReportMetric(ofChannel, "channel-ns")
			b.ReportMetric(ofLimiter/ofChannel, "ratio")
		})
	}
}

// turn returns the nanoseconds that one of 8,000 calls takes.
func turn(goroutines int, call func()) float64 {
	const calls = 8000
	start := time.Now()
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range calls / goroutines {
				call()
			}
		})
	}
	group.Wait()
	return float64(time.Since(start).Nanoseconds()) / calls
}
