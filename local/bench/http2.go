package bench

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// overHTTP2 compares the two over TLS with a server that speaks HTTP/2, as the
// providers' routers do: a model that the cloud always serves.
func (b *bench) overHTTP2(ctx context.Context) error {
	w, input, err := b.begin(ctx, answersIn(0), b.Lines, 16)
	if err != nil {
		return err
	}
	defer w.Stop()
	server := httptest.NewUnstartedServer(w.Cloud)
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 250}
	server.StartTLS()
	defer server.Close()
	trust := w.path("certificate.pem")
	if err := os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		return err
	}
	trusting := "SSL_CERT_FILE=" + trust
	bare, err := w.runBare(ctx, bareJob{Input: input, Endpoint: server.URL + "/v1", Model: stack.Served, InFlight: inFlight}, trusting)
	if err != nil {
		return err
	}
	ours, err := w.runStatic(ctx, input, server.URL+"/v1", trusting)
	if err != nil {
		return err
	}
	took := ours.took(jobs.Running)
	b.add(Row{
		What: fmt.Sprintf("%s lines, %d in flight over HTTP/2: sending", grouped(b.Lines), inFlight),
		Bare: rate(b.Lines, bare.Seconds), Ours: rate(b.Lines, took), Ratio: bare.Seconds / took,
	})
	b.add(Row{What: "  processor time a request, of loop or worker", Bare: micros(bare.CPU, b.Lines), Ours: micros(ours.worker.cpu, b.Lines), Ratio: ours.worker.cpu / bare.CPU})
	return nil
}

// runStatic runs a job on a server that exists.
func (w *world) runStatic(ctx context.Context, input, baseURL, environment string) (result, error) {
	worker, err := w.startWorker(environment, "STATIC_API_KEY="+stack.Token)
	if err != nil {
		return result{}, err
	}
	defer worker.kill()
	before := ownCPU()
	id, err := w.submit(ctx, jobs.Spec{
		Name: "bench", Input: jobs.URLs{input}, Requests: jobs.Requests{Concurrency: inFlight},
		Endpoint: jobs.Endpoint{Provider: "static", BaseURL: baseURL, Model: stack.Served},
	})
	if err != nil {
		return result{}, err
	}
	return w.awaitReport(ctx, id, worker, before)
}
