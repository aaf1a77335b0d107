package chat

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkSend compares Send with a bare loop over net/http, tuned, that does the
// same work against the same server: 32 requests in flight, over loopback, no time
// to answer. The two take turns within one run and the best turn of each
// counts, so that a busy machine does not.
func BenchmarkSend(b *testing.B) {
	const size = 2 << 10
	answer := []byte(`{"choices":[{"message":{"content":"` + strings.Repeat("x", size) + `"}}]}`)
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", size) + `"}]}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	defer server.Close()
	client := &http.Client{Transport: netTransport(64)}
	chat := New(Options{BaseURL: server.URL + "/v1", APIKey: "key", Transport: Transport(64)})

	bare, send := math.Inf(1), math.Inf(1)
	for b.Loop() {
		bare = min(bare, turn(b, func() error { return post(b.Context(), client, server.URL+"/v1/chat/completions", body) }))
		send = min(send, turn(b, func() error {
			_, err := chat.Send(b.Context(), "/v1/chat/completions", body)
			return err
		}))
	}
	b.ReportMetric(bare, "bare-ns")
	b.ReportMetric(send, "send-ns")
	b.ReportMetric(send/bare, "ratio")
}

// post is the bare loop's request.
func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "nightshift")
	request.Header.Set("Authorization", "Bearer key")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	return err
}

// turn returns the nanoseconds that one of 3,200 calls takes, 32 at a time.
func turn(b *testing.B, call func() error) float64 {
	const workers, calls = 32, 3200
	start := time.Now()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range calls / workers {
				if err := call(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	return float64(time.Since(start).Nanoseconds()) / calls
}
