package buckettest

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Fault is what happens to one request. The zero value lets it pass.
type Fault struct {
	Status    int   // answer with this status and an S3 error of the same kind; the server never sees the request
	LoseReply bool  // let the server do it, then close the connection without an answer
	Cut       bool  // let the server do it, then close the connection in mid-answer
	CutAfter  int64 // so many bytes of the body
}

// NewProxy starts a proxy in front of an S3 server and returns its URL. choose
// is called for each request, from many goroutines; the proxy ends with the
// test.
func NewProxy(t testing.TB, target string, choose func(*http.Request) Fault) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := choose(r)
		if fault.Status != 0 {
			w.WriteHeader(fault.Status)
			io.WriteString(w, "<Error><Code>"+codes[fault.Status]+"</Code><Message>by the proxy</Message></Error>")
			return
		}
		reverse(to, fault).ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// First lets a fault happen to the first request of a kind.
type First struct {
	Method string
	Query  string // part of the query, which tells S3 operations apart
	Fault  Fault

	matched atomic.Int32
}

// Choose is for [NewProxy].
func (f *First) Choose(r *http.Request) Fault {
	if r.Method == f.Method && strings.Contains(r.URL.RawQuery, f.Query) && f.matched.Add(1) == 1 {
		return f.Fault
	}
	return Fault{}
}

// Matched tells how many requests of the kind there have been.
func (f *First) Matched() int { return int(f.matched.Load()) }

var codes = map[int]string{
	409: "ConditionalRequestConflict",
	500: "InternalError",
	503: "SlowDown",
}

var errFault = errors.New("fault on purpose")

// reverse passes requests on as they are: signatures cover the host.
func reverse(to *url.URL, fault Fault) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1, // so that a cut is where it should be
		ErrorLog:      log.New(io.Discard, "", 0),
		ModifyResponse: func(answer *http.Response) error {
			if fault.LoseReply {
				io.Copy(io.Discard, answer.Body)
				return errFault
			}
			if fault.Cut {
				answer.Body = &cutBody{answer.Body, fault.CutAfter}
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// cutBody fails after so many bytes, at which the proxy closes the connection.
type cutBody struct {
	io.ReadCloser
	left int64
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errFault
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
