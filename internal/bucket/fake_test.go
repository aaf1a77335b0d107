package bucket_test

import (
	"bytes"
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// fakeS3 is an S3 server in memory with the one bucket "b", enough of one to
// run the conformance suite under the race detector. Package
// local/buckettest runs the same suite against a complete server.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string]fakeObject
	uploads map[string]map[int][]byte
	begun   map[string]begunUpload // by id, those that are over too
	writes  int                    // objects put or completed
}

type begunUpload struct {
	key string
	at  time.Time
}

type fakeObject struct {
	body     []byte
	etag     string
	mark     string
	modified time.Time
}

func newFakeS3(t testing.TB) (*fakeS3, string) {
	t.Helper()
	fake := emptyS3()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, server.URL
}

// outcome tells how many objects were written and how many uploads are left.
func (f *fakeS3) outcome() (writes, uploads int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes, len(f.uploads)
}

// Credentials that no error may contain.
const (
	accessKey = "AKIDFORTESTS"
	secretKey = "secret-for-tests"
)

func newStore(t testing.TB, endpoint string) *bucket.Store {
	t.Helper()
	store, err := bucket.New(t.Context(), bucket.Options{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func emptyS3() *fakeS3 {
	return &fakeS3{objects: map[string]fakeObject{}, uploads: map[string]map[int][]byte{}, begun: map[string]begunUpload{}}
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case name != "b":
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case query.Has("list-type"):
		f.list(w, query.Get("prefix"), query.Get("continuation-token"))
	case query.Has("uploads") && r.Method == http.MethodGet:
		f.listUploads(w, query.Get("prefix"))
	case query.Has("uploads"):
		id := fmt.Sprintf("%s %d", r.Header.Get("X-Amz-Meta-Nightshift-Write"), len(f.uploads))
		f.uploads[id], f.begun[id] = map[int][]byte{}, begunUpload{key, time.Now()}
		fmt.Fprintf(w, "<R><UploadId>%s</UploadId></R>", id)
	case query.Has("uploadId"):
		f.multipart(w, r, key, body)
	case r.Method == http.MethodPut:
		f.put(w, r, key, body)
	case r.Method == http.MethodDelete:
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		f.get(w, r, key)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amz-Request-Id", "REQUEST-1")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>about %s</Message></Error>", code, code)
}

func (f *fakeS3) get(w http.ResponseWriter, r *http.Request, key string) {
	object, ok := f.objects[key]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", object.etag)
	w.Header().Set("X-Amz-Meta-Nightshift-Write", object.mark)
	f.mu.Unlock() // a slow reader must not stop the others
	defer f.mu.Lock()
	http.ServeContent(w, r, "", object.modified, bytes.NewReader(object.body))
}

func (f *fakeS3) put(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	if _, ok := f.objects[key]; ok && r.Header.Get("If-None-Match") == "*" {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	f.store(w, key, body, r.Header.Get("X-Amz-Meta-Nightshift-Write"))
}

func (f *fakeS3) store(w http.ResponseWriter, key string, body []byte, mark string) {
	f.writes++
	etag := fmt.Sprintf(`"%x"`, md5.Sum(body))
	f.objects[key] = fakeObject{body, etag, mark, time.Now()}
	w.Header().Set("ETag", etag)
}

func (f *fakeS3) multipart(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")
	parts, ok := f.uploads[id]
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "NoSuchUpload")
	case r.Method == http.MethodPut:
		number, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
		parts[number] = body
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(body)))
	case r.Method == http.MethodDelete:
		delete(f.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		var whole []byte
		for _, number := range slices.Sorted(maps.Keys(parts)) {
			whole = append(whole, parts[number]...)
		}
		delete(f.uploads, id)
		mark, _, _ := strings.Cut(id, " ")
		f.store(w, key, whole, mark)
		fmt.Fprintf(w, "<R><ETag>%s</ETag></R>", f.objects[key].etag)
	}
}

func (f *fakeS3) listUploads(w http.ResponseWriter, prefix string) {
	fmt.Fprint(w, "<R><IsTruncated>false</IsTruncated>")
	for id := range f.uploads {
		if upload := f.begun[id]; strings.HasPrefix(upload.key, prefix) {
			fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>", upload.key, id, upload.at.UTC().Format(time.RFC3339))
		}
	}
	fmt.Fprint(w, "</R>")
}

// list answers pages of 100 keys; the token is the last key of the page before.
func (f *fakeS3) list(w http.ResponseWriter, prefix, after string) {
	type contents struct {
		Key          string
		Size         int
		ETag         string
		LastModified time.Time
	}
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []contents
		IsTruncated           bool
		NextContinuationToken string
	}{}
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(page.Contents) == 100 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[99].Key
			break
		}
		object := f.objects[key]
		page.Contents = append(page.Contents, contents{key, len(object.body), object.etag, object.modified})
	}
	xml.NewEncoder(w).Encode(page)
}
