package provider

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	uploadCall   = Call{Op: "upload file", Method: http.MethodPost, Path: "/files"}
	downloadCall = Call{Op: "download file", Method: http.MethodGet, Path: "/files/1/content"}
)

func TestUpload(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{-1, 11} {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if length := r.ContentLength; (length < 0) != (size < 0) {
				t.Errorf("content length %d for size %d", length, size)
			}
			file, header, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			text, _ := io.ReadAll(file)
			if r.FormValue("purpose") != "batch" || header.Filename != "in.jsonl" || header.Header.Get("Content-Type") != "application/jsonl" ||
				string(text) != "hello world" || r.Header.Get("Authorization") != "Bearer "+secret {
				t.Errorf("got %q %v %q", r.FormValue("purpose"), header, text)
			}
			io.WriteString(w, `{"id":"f"}`)
		})
		form := Form{
			Fields: [][2]string{{"purpose", "batch"}}, Name: "in.jsonl", Type: "application/jsonl",
			Body: strings.NewReader("hello world"), Size: size,
		}
		var reply struct{ ID string }
		if err := c.Upload(t.Context(), uploadCall, form, &reply); err != nil || reply.ID != "f" {
			t.Errorf("reply %+v, %v", reply, err)
		}
	}
}

// TestUpload_HoldsABufferOfIt sends 256 MB that nobody has in memory.
func TestUpload_HoldsABufferOfIt(t *testing.T) {
	const size = 256 << 20
	var got int64
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{}`)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := c.Upload(t.Context(), uploadCall, Form{Body: io.LimitReader(zeros{}, size), Size: size}, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if held := after.TotalAlloc - before.TotalAlloc; held > 8<<20 || got < size {
		t.Errorf("allocated %d bytes for %d", held, got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestUpload_ErrorOfTheSourceIsItsOwn(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	broken := errors.New("bucket is down")
	body := io.MultiReader(strings.NewReader("some"), failing{broken})
	if err := c.Upload(t.Context(), uploadCall, Form{Body: body, Size: -1}, nil); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestUpload_Refusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		kind   Kind
	}{
		{"too large, without reading", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(413)
			io.WriteString(w, `{"error":"too large"}`)
		}, Refused},
		{"a web page", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "<!DOCTYPE html><html>")
		}, Unavailable},
		{"no id", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "[]")
		}, Unavailable},
		{"stalls", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // a server notices that its client is gone only once it has read
			<-r.Context().Done()
		}, Unavailable},
		{"cut", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.handle)
			t.Cleanup(server.Close)
			c := clientOf(t, Settings{Token: secret, BaseURL: server.URL, Timeout: 500 * time.Millisecond})
			var reply struct{ ID string }
			err := c.Upload(t.Context(), uploadCall, Form{Body: io.LimitReader(zeros{}, 16<<20), Size: 16 << 20}, &reply)
			// A server that answers before it has read may look like a cut connection.
			if got := sorted(t, err); got.Kind != test.kind && got.Kind != Unavailable {
				t.Errorf("error %v of kind %s, want %s", err, got.Kind, test.kind)
			}
		})
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("line\n"), 1<<20)
	c := client(t, func(w http.ResponseWriter, r *http.Request) { w.Write(want) })
	body, err := c.Download(t.Context(), downloadCall)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestDownload_Trouble(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		kind   Kind
	}{
		{"cut in the middle", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, Unavailable},
		{"stalls in the middle", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, Unavailable},
		{"no such file", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, Refused},
		{"a web page", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!DOCTYPE html><html>") }, Unavailable},
		{"wrong token", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }, Unauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.handle)
			t.Cleanup(server.Close)
			c := clientOf(t, Settings{Token: secret, BaseURL: server.URL, Timeout: 300 * time.Millisecond})
			body, err := c.Download(t.Context(), downloadCall)
			if err == nil {
				_, err = io.Copy(io.Discard, body)
				body.Close()
			}
			if got := sorted(t, err); got.Kind != test.kind {
				t.Errorf("error %v of kind %s, want %s", err, got.Kind, test.kind)
			}
		})
	}
}

// TestDownload_TokenStaysAtHome follows a redirect to where the file lies.
func TestDownload_TokenStaysAtHome(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went to another host")
		}
		io.WriteString(w, "the file")
	}))
	t.Cleanup(store.Close)
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, store.URL+"/signed", http.StatusFound)
	})
	body, err := c.Download(t.Context(), downloadCall)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "the file" {
		t.Errorf("got %q, %v", got, err)
	}
}
