package telemetry

import (
	"testing"
	"time"
)

// BenchmarkTarget_Tried is what counting adds to every request.
func BenchmarkTarget_Tried(b *testing.B) {
	t, err := Start(b.Context(), Options{Service: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	target := t.Metrics().Target("nebius", "openai/gpt-oss-120b")
	try := Try{Status: 200, Took: 50 * time.Millisecond, Sent: 500, Received: 700}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			target.Tried(try)
			target.Finished(false, 100, 60)
		}
	})
}
