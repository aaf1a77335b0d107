package objectstore

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestServer(t *testing.T) {
	cases := map[string]func(*testing.T, store){
		"ReadWhole":              readWhole,
		"ReadRange":              readRange,
		"ReadPinned":             readPinned,
		"ReadAbsent":             readAbsent,
		"PutIfAbsent":            putIfAbsent,
		"PutIfAbsentRace":        putIfAbsentRace,
		"PutIfUnchangedRace":     putIfUnchangedRace,
		"ListInOrder":            listInOrder,
		"ListPages":              listPages,
		"ListFolders":            listFolders,
		"Delete":                 deleteObjects,
		"Keys":                   keys,
		"RefusedKeys":            refusedKeys,
		"FolderObject":           folderObject,
		"Copy":                   copyObject,
		"Multipart":              multipart,
		"MultipartAbort":         multipartAbort,
		"MultipartCopy":          multipartCopy,
		"MultipartIfAbsentRace":  multipartIfAbsentRace,
		"Presigned":              presigned,
		"RefusesOthersSignature": refusesOthersSignature,
	}
	for name, dir := range map[string]func(*testing.T) string{
		"attributes on disk":   (*testing.T).TempDir,
		"attributes in memory": shared,
		"sidecar files":        sidecar,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Options{Dir: dir(t)})
			for name, run := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					run(t, s)
				})
			}
		})
	}
}

func readWhole(t *testing.T, s store) {
	body := []byte("one\ntwo\n")
	etag := s.put(t, "whole/input.jsonl", body)
	if want := fmt.Sprintf(`"%x"`, md5.Sum(body)); etag != want {
		t.Errorf("ETag %s, want %s", etag, want)
	}
	s.checkObject(t, "whole/input.jsonl", body)
	head, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("whole/input.jsonl")})
	if err != nil {
		t.Fatal(err)
	}
	if *head.ETag != etag || *head.ContentLength != int64(len(body)) || time.Since(*head.LastModified) > time.Minute {
		t.Errorf("head says %s, %d bytes, %v", *head.ETag, *head.ContentLength, head.LastModified)
	}
	if again := s.put(t, "whole/input.jsonl", []byte("three\n")); again == etag {
		t.Error("the ETag stayed when the content changed")
	}
}

func readRange(t *testing.T, s store) {
	s.put(t, "range", []byte("0123456789"))
	for bytes, want := range map[string]string{"bytes=0-0": "0", "bytes=3-5": "345", "bytes=8-": "89", "bytes=8-99": "89", "bytes=-2": "89"} {
		if got, err := s.get(t, &s3.GetObjectInput{Key: aws.String("range"), Range: aws.String(bytes)}); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", bytes, got, err, want)
		}
	}
	_, err := s.get(t, &s3.GetObjectInput{Key: aws.String("range"), Range: aws.String("bytes=10-")})
	checkCode(t, "a range beyond the end", err, "InvalidRange")
}

func readPinned(t *testing.T, s store) {
	old := s.put(t, "pinned", []byte("old"))
	in := func() *s3.GetObjectInput { return &s3.GetObjectInput{Key: aws.String("pinned"), IfMatch: &old} }
	_, err := s.get(t, in())
	checkCode(t, "unchanged", err, "")
	s.put(t, "pinned", []byte("new"))
	_, err = s.get(t, in())
	checkCode(t, "changed", err, "PreconditionFailed")
}

func readAbsent(t *testing.T, s store) {
	_, err := s.get(t, &s3.GetObjectInput{Key: aws.String("absent")})
	checkCode(t, "get of no key", err, "NoSuchKey")
	_, err = s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("absent"), Key: aws.String("absent")})
	checkCode(t, "get of no bucket", err, "NoSuchBucket")
	_, err = s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("absent")})
	checkCode(t, "head of no key", err, "NotFound")
	s.put(t, "file", nil)
	_, err = s.get(t, &s3.GetObjectInput{Key: aws.String("file/below")})
	checkCode(t, "get below a key", err, "NoSuchKey")
}

func putIfAbsent(t *testing.T, s store) {
	in := func(body string) *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("once"), Body: strings.NewReader(body), IfNoneMatch: aws.String("*")}
	}
	_, err := s.PutObject(t.Context(), in("first"))
	checkCode(t, "first put", err, "")
	_, err = s.PutObject(t.Context(), in("second"))
	checkCode(t, "second put", err, "PreconditionFailed")
	if status(err) != http.StatusPreconditionFailed {
		t.Errorf("second put: status %d, want 412", status(err))
	}
	s.checkObject(t, "once", []byte("first"))
}

const racers = 20

// race runs put with the numbers of all racers at once, wants all but one to
// fail with 412, and returns the winner.
func race(t *testing.T, put func(i int) error) int {
	t.Helper()
	var (
		wg     sync.WaitGroup
		begin  = make(chan struct{})
		winner atomic.Int64
		won    atomic.Int64
	)
	for i := range racers {
		wg.Go(func() {
			<-begin
			switch err := put(i); {
			case err == nil:
				won.Add(1)
				winner.Store(int64(i))
			case status(err) != http.StatusPreconditionFailed:
				t.Errorf("racer %d: %v, want success or status 412", i, err)
			}
		})
	}
	close(begin)
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of %d racers won, want 1", won.Load(), racers)
	}
	return int(winner.Load())
}

// raceBody is long enough for puts to overlap.
func raceBody(i int) []byte {
	return bytes.Repeat([]byte{byte('a' + i)}, 200_000)
}

func putIfAbsentRace(t *testing.T, s store) {
	for round := range 10 {
		key := fmt.Sprintf("race/%d", round)
		winner := race(t, func(i int) error {
			_, err := s.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(raceBody(i)), IfNoneMatch: aws.String("*"),
			})
			return err
		})
		s.checkObject(t, key, raceBody(winner))
	}
}

func putIfUnchangedRace(t *testing.T, s store) {
	etag := s.put(t, "swap", []byte("before"))
	winner := race(t, func(i int) error {
		_, err := s.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("swap"), Body: bytes.NewReader(raceBody(i)), IfMatch: &etag,
		})
		return err
	})
	s.checkObject(t, "swap", raceBody(winner))
}

func (s store) list(t *testing.T, in *s3.ListObjectsV2Input) (keys, folders []string) {
	t.Helper()
	in.Bucket = aws.String(bucket)
	pages := s3.NewListObjectsV2Paginator(s.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			folders = append(folders, *p.Prefix)
		}
	}
	return keys, folders
}

func listInOrder(t *testing.T, s store) {
	want := []string{ // in the order of their bytes, as S3 lists
		"order/.nightshift/job/plan",
		"order/a",
		"order/a-b",
		"order/a.b/c",
		"order/b/c",
		"order/b0",
		"order/ä",
	}
	for _, key := range want {
		s.put(t, key, []byte(key))
	}
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("order/")}); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("order/a.")}); !slices.Equal(got, want[3:4]) {
		t.Errorf("listed %q, want %q", got, want[3:4])
	}
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("order/"), StartAfter: &want[2]}); !slices.Equal(got, want[3:]) {
		t.Errorf("listed %q after %q, want %q", got, want[2], want[3:])
	}
}

func listPages(t *testing.T, s store) {
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("pages/part-%05d", i))
		s.put(t, want[i], nil)
	}
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("pages/"), MaxKeys: aws.Int32(10)}); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func listFolders(t *testing.T, s store) {
	for _, key := range []string{"tree/.nightshift/x", "tree/a/1", "tree/a/2", "tree/z"} {
		s.put(t, key, nil)
	}
	keys, folders := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("tree/"), Delimiter: aws.String("/")})
	if want := []string{"tree/z"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	if want := []string{"tree/.nightshift/", "tree/a/"}; !slices.Equal(folders, want) {
		t.Errorf("folders %q, want %q", folders, want)
	}
}

func deleteObjects(t *testing.T, s store) {
	for _, key := range []string{"delete/a/1", "delete/a/2", "delete/b"} {
		s.put(t, key, nil)
	}
	for range 2 { // what is absent is deleted
		_, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("delete/b")})
		checkCode(t, "delete", err, "")
	}
	out, err := s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("delete/a/1")}, {Key: aws.String("delete/a/2")}, {Key: aws.String("delete/c")}},
	}})
	if err != nil || len(out.Errors) > 0 {
		t.Errorf("delete several: %v, %v", err, out)
	}
	if keys, folders := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("delete/"), Delimiter: aws.String("/")}); keys != nil || folders != nil {
		t.Errorf("left: %q and %q", keys, folders)
	}
}

func keys(t *testing.T, s store) {
	want := []string{
		"keys/.nightshift/nightly-2026.11.21/shard-00001/part-0.jsonl",
		"keys/.hidden",
		"keys/..dots..",
		"keys/a b+c%20d&e=f?g#h",
		"keys/größe/日本",
		"keys/" + strings.Repeat("x", 255),
		"keys/" + strings.Repeat("deep/", 100) + "x",
	}
	for _, key := range want {
		s.put(t, key, []byte(key))
		s.checkObject(t, key, []byte(key))
	}
	slices.Sort(want)
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("keys/")}); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func refusedKeys(t *testing.T, s store) {
	s.put(t, "refused/file", nil)
	s.put(t, "refused/folder/file", nil)
	for key, want := range map[string]string{
		"refused/../../outside":               "400",
		"refused/" + strings.Repeat("x", 256): "KeyTooLongError",
		"refused/file/below":                  "ObjectParentIsFile",
		"refused/folder":                      "ExistingObjectIsDirectory",
	} {
		_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key})
		checkCode(t, fmt.Sprintf("put %.40s", key), err, want)
	}
}

func folderObject(t *testing.T, s store) {
	s.put(t, "folder/", nil)
	s.put(t, "folder/file", []byte("x"))
	want := []string{"folder/", "folder/file"}
	if got, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("folder/")}); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("full/"), Body: strings.NewReader("x")})
	checkCode(t, "put with a body", err, "DirectoryObjectContainsData")
}

func copyObject(t *testing.T, s store) {
	etag := s.put(t, "copy/from", []byte("content"))
	in := &s3.CopyObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("copy/to"),
		CopySource: aws.String(bucket + "/copy/from"), CopySourceIfMatch: &etag,
	}
	_, err := s.CopyObject(t.Context(), in)
	checkCode(t, "copy", err, "")
	s.checkObject(t, "copy/to", []byte("content"))
	in.CopySourceIfMatch = aws.String(`"other"`)
	_, err = s.CopyObject(t.Context(), in)
	checkCode(t, "copy of what has changed", err, "PreconditionFailed")
}

func presigned(t *testing.T, s store) {
	s.put(t, "presigned", []byte("content"))
	req, err := s3.NewPresignClient(s.Client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("presigned")})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(req.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(io.LimitReader(resp.Body, 100)); string(body) != "content" {
		t.Errorf("got status %d, %q, %v", resp.StatusCode, body, err)
	}
}

func refusesOthersSignature(t *testing.T, s store) {
	other := &Server{address: s.address, region: s.region, keys: credentials{s.AccessKey(), s.SecretKey() + "x"}}
	_, err := store{other, client(other)}.get(t, &s3.GetObjectInput{Key: aws.String("any")})
	checkCode(t, "wrong secret key", err, "SignatureDoesNotMatch")
	resp, err := http.Get(s.Endpoint() + "/" + bucket + "/any")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(resp.Body.Close()); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: status %d, %v; want 403", resp.StatusCode, err)
	}
}
