package objectstore

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// minPart is the least that all parts but the last have in S3.
const minPart = 5 << 20

// upload is a multipart upload under way.
type upload struct {
	store
	key   string
	id    *string
	parts []types.CompletedPart
}

func (s store) begin(t *testing.T, key string) *upload {
	t.Helper()
	out, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return &upload{store: s, key: key, id: out.UploadId}
}

func (u *upload) add(t *testing.T, body []byte) {
	t.Helper()
	n := int32(len(u.parts) + 1)
	out, err := u.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id, PartNumber: &n, Body: bytes.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
}

func (u *upload) addCopy(t *testing.T, from, bytes, etag string) error {
	t.Helper()
	n := int32(len(u.parts) + 1)
	out, err := u.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id, PartNumber: &n,
		CopySource: aws.String(bucket + "/" + from), CopySourceRange: &bytes, CopySourceIfMatch: &etag,
	})
	if err == nil {
		u.parts = append(u.parts, types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag})
	}
	return err
}

func (u *upload) complete(t *testing.T, ifAbsent bool) (*s3.CompleteMultipartUploadOutput, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	}
	if ifAbsent {
		in.IfNoneMatch = aws.String("*")
	}
	return u.CompleteMultipartUpload(t.Context(), in)
}

func (u *upload) abort(t *testing.T) {
	t.Helper()
	_, err := u.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id})
	checkCode(t, "abort", err, "")
}

func multipart(t *testing.T, s store) {
	first, last := bytes.Repeat([]byte("a"), minPart), []byte("end")
	u := s.begin(t, "multipart/whole")
	u.add(t, first)
	u.add(t, last)
	if keys, _ := s.list(t, &s3.ListObjectsV2Input{Prefix: aws.String("multipart/whole")}); keys != nil {
		t.Errorf("listed %q before the upload was complete", keys)
	}
	parts, err := s.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(bucket), Key: &u.key, UploadId: u.id})
	if err != nil || len(parts.Parts) != 2 {
		t.Errorf("parts %v, %v; want 2", parts, err)
	}
	out, err := u.complete(t, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(*out.ETag, `-2"`) {
		t.Errorf("ETag %s, want the number of parts at its end", *out.ETag)
	}
	s.checkObject(t, u.key, append(first, last...))
	_, err = s.get(t, &s3.GetObjectInput{Key: &u.key, IfMatch: out.ETag, Range: aws.String("bytes=0-0")})
	checkCode(t, "read pinned to the ETag", err, "")
}

func multipartAbort(t *testing.T, s store) {
	u := s.begin(t, "multipart/aborted")
	u.add(t, []byte("x"))
	u.abort(t)
	_, err := u.complete(t, false)
	checkCode(t, "complete after abort", err, "NoSuchUpload")
	uploads, err := s.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket), Prefix: &u.key})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("uploads %v, %v; want none", uploads, err)
	}
}

// multipartCopy joins objects inside the store, as the collector of results does.
func multipartCopy(t *testing.T, s store) {
	a, b := bytes.Repeat([]byte("a"), minPart), bytes.Repeat([]byte("b"), 1000)
	etagA, etagB := s.put(t, "join/a", a), s.put(t, "join/b", b)
	u := s.begin(t, "join/all")
	all := fmt.Sprintf("bytes=0-%d", minPart-1)
	if err := u.addCopy(t, "join/a", all, etagA); err != nil {
		t.Fatal(err)
	}
	checkCode(t, "copy of what has changed", u.addCopy(t, "join/b", "bytes=10-19", etagA), "PreconditionFailed")
	if err := u.addCopy(t, "join/b", "bytes=10-19", etagB); err != nil {
		t.Fatal(err)
	}
	if _, err := u.complete(t, false); err != nil {
		t.Fatal(err)
	}
	s.checkObject(t, u.key, append(a, b[10:20]...))
}

func multipartIfAbsentRace(t *testing.T, s store) {
	uploads := make([]*upload, racers)
	for i := range uploads {
		uploads[i] = s.begin(t, "multipart/race")
		uploads[i].add(t, raceBody(i))
	}
	winner := race(t, func(i int) error {
		_, err := uploads[i].complete(t, true)
		return err
	})
	s.checkObject(t, "multipart/race", raceBody(winner))
	for i, u := range uploads {
		if i != winner {
			u.abort(t)
		}
	}
}
