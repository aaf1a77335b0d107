package objectstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The tests of this package run one after the other, as the stores must.

func TestStart_OnlyOne(t *testing.T) {
	first := serve(t, Options{Dir: t.TempDir()})
	if _, err := Start(t.Context(), Options{Dir: t.TempDir(), Address: "127.0.0.1:0"}); !errors.Is(err, ErrRunning) {
		t.Errorf("second start: %v, want %v", err, ErrRunning)
	}
	first.put(t, "key", nil) // the first still works
	first.Stop()
	first.Stop()
	serve(t, Options{Dir: t.TempDir()})
}

func TestStart_Refuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		mutate func(*Options)
		want   string
	}{
		{"port taken", func(o *Options) { o.Address = l.Addr().String() }, l.Addr().String() + ": bind: address already in use"},
		{"public address", func(o *Options) { o.Address = "0.0.0.0:0" }, "loopback"},
		{"no port", func(o *Options) { o.Address = "127.0.0.1" }, "loopback address with a port"},
		{"no directory", func(o *Options) { o.Dir = "" }, "no directory"},
		{"file as directory", func(o *Options) { o.Dir = file }, "not a directory"},
		{"half a key", func(o *Options) { o.AccessKey = "key" }, "secret key"},
		{"bad bucket", func(o *Options) { o.Buckets = []string{"A_B"} }, "create bucket A_B"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Dir: t.TempDir(), Address: "127.0.0.1:0"}
			c.mutate(&o)
			s, err := Start(t.Context(), o)
			if err == nil {
				s.Stop()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if after, err := os.Getwd(); after != before {
				t.Errorf("working directory %s, %v; want %s", after, err, before)
			}
		})
	}
}

func TestServer_KeepsObjects(t *testing.T) {
	for name, dir := range map[string]func(*testing.T) string{"attributes": (*testing.T).TempDir, "sidecar files": sidecar} {
		t.Run(name, func(t *testing.T) {
			o := Options{Dir: dir(t)}
			s := serve(t, o)
			etag := s.put(t, "key", []byte("content"))
			s.Stop()
			got, err := serve(t, o).get(t, &s3.GetObjectInput{Key: aws.String("key"), IfMatch: &etag})
			if string(got) != "content" || err != nil {
				t.Errorf("after a restart: %q, %v", got, err)
			}
		})
	}
}

func TestServer_GoesBackToDirectory(t *testing.T) {
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, Options{Dir: t.TempDir()}).Stop()
	if after, err := os.Getwd(); after != before {
		t.Errorf("working directory %s, %v; want %s", after, err, before)
	}
}

func TestServer_OtherRegion(t *testing.T) {
	s := serve(t, Options{Dir: t.TempDir(), Region: "eu-north1", AccessKey: "mine", SecretKey: "mine too"})
	if s.Region() != "eu-north1" || s.AccessKey() != "mine" || s.SecretKey() != "mine too" {
		t.Errorf("got %s, %s, %s", s.Region(), s.AccessKey(), s.SecretKey())
	}
	s.put(t, "key", nil)
}

// serveDir makes the test binary serve the named directory until its stdin ends.
const serveDir = "NIGHTSHIFT_TEST_SERVE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveDir); dir != "" {
		s, err := Start(context.Background(), Options{Dir: dir, Address: "127.0.0.1:0", Buckets: []string{bucket}})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprintln(os.NewFile(3, "address"), s.address)
		io.Copy(io.Discard, os.Stdin)
		s.Stop()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// elsewhere is a store in another process.
type elsewhere struct {
	store
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bytes.Buffer // all that the process prints, to be read when it has ended
}

func serveElsewhere(t *testing.T, dir string) elsewhere {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serveDir+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	address, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("the other process gave no address: %v", err)
	}
	keys, err := loadCredentials(filepath.Join(dir, credentialsFile))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{address: strings.TrimSpace(address), region: "us-east-1", keys: keys}
	return elsewhere{store{s, client(s)}, cmd, stdin, &out}
}

func TestServer_Quiet(t *testing.T) {
	for name, dir := range map[string]func(*testing.T) string{"attributes": (*testing.T).TempDir, "sidecar files": sidecar} {
		t.Run(name, func(t *testing.T) {
			s := serveElsewhere(t, dir(t))
			s.put(t, "key", []byte("content"))
			s.checkObject(t, "key", []byte("content"))
			readAbsent(t, s.store)
			refusedKeys(t, s.store)
			breakOff(t, s.presignPut(t, "broken"), 10)
			breakOff(t, s.presignPut(t, "broken"), beyondPrefetch)
			leaveUnused(t, s.store)
			s.stdin.Close()
			if err := s.cmd.Wait(); err != nil || s.out.Len() > 0 {
				t.Errorf("the store ended with %v and printed:\n%s", err, s.out)
			}
		})
	}
}

func TestServer_SurvivesKill(t *testing.T) {
	const (
		writers   = 8
		killAfter = 100 // puts that succeeded
	)
	o := Options{Dir: t.TempDir()}
	s := serveElsewhere(t, o.Dir)
	var (
		wg   sync.WaitGroup
		puts atomic.Int64
		last [writers]int // what each writer tried last
	)
	put := func(s store, key string) error {
		_, err := s.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(raceBody(0)), IfNoneMatch: aws.String("*"),
		})
		return err
	}
	key := func(writer, n int) string { return fmt.Sprintf("kill/%d/%d", writer, n) }
	for w := range writers {
		wg.Go(func() {
			for put(s.store, key(w, last[w])) == nil {
				last[w]++
				if puts.Add(1) == killAfter {
					s.cmd.Process.Kill()
				}
			}
		})
	}
	wg.Wait()

	again := serve(t, o)
	for w := range writers {
		for n := range last[w] {
			again.checkObject(t, key(w, n), raceBody(0))
		}
		if err := put(again, key(w, last[w])); err != nil && status(err) != http.StatusPreconditionFailed {
			t.Error(err)
		}
		again.checkObject(t, key(w, last[w]), raceBody(0))
	}
}

func (s store) presignPut(t *testing.T, key string) string {
	t.Helper()
	req, err := s3.NewPresignClient(s.Client).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return req.URL
}

// beyondPrefetch is more than the gateway reads before it looks at a request.
const beyondPrefetch = 200_000

// breakOff closes the connection after n bytes of a longer body.
func breakOff(t *testing.T, url string, n int) {
	t.Helper()
	body := io.MultiReader(bytes.NewReader(make([]byte, n)), iotest.ErrReader(io.ErrClosedPipe))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 1 << 20
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("a put with half a body got status %d", resp.StatusCode)
	}
}

// Nothing but its length tells whether an unsigned body is whole.
func TestServer_DropsBrokenBodies(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	s := serve(t, o)
	u := s.begin(t, "upload")
	part, err := s3.NewPresignClient(s.Client).PresignUploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id, PartNumber: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{10, beyondPrefetch} {
		breakOff(t, s.presignPut(t, "object"), n)
		breakOff(t, part.URL, n)
	}
	s.Stop() // waits until the server is done with them

	s = serve(t, o)
	_, err = s.get(t, &s3.GetObjectInput{Key: aws.String("object")})
	checkCode(t, "get", err, "NoSuchKey")
	parts, err := s.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id})
	if err != nil || len(parts.Parts) > 0 {
		t.Errorf("parts %v, %v; want none", parts, err)
	}
}

// leaveUnused connects and sends nothing.
func leaveUnused(t *testing.T, s store) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
}

func TestServer_StopsWithConnectionsOpen(t *testing.T) {
	s := serve(t, Options{Dir: t.TempDir()})
	s.put(t, "key", nil)
	leaveUnused(t, s)
	s.put(t, "key", nil) // the server has seen the connection before this one ends
	begin := time.Now()
	s.Stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stopping took %v, want a moment", took)
	}
}
