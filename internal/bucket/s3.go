package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// markName is the user metadata by which a conditional put and a finished
// upload are recognized when the answer to them was lost.
const markName = "nightshift-write"

func (s *s3Store) stat(ctx context.Context, loc location) (Object, error) {
	head, err := s.head(ctx, loc)
	if err != nil {
		return Object{}, err
	}
	return headObject(loc, head), nil
}

func (s *s3Store) head(ctx context.Context, loc location) (*s3.HeadObjectOutput, error) {
	client, err := s.api(ctx)
	if err != nil {
		return nil, err
	}
	return client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &loc.bucket, Key: &loc.key})
}

func headObject(loc location, head *s3.HeadObjectOutput) Object {
	return Object{
		URL:      loc.url,
		Size:     aws.ToInt64(head.ContentLength),
		ETag:     unquoted(head.ETag),
		Modified: aws.ToTime(head.LastModified),
	}
}

func (s *s3Store) put(ctx context.Context, loc location, body []byte, o PutOptions) (Object, error) {
	client, err := s.api(ctx)
	if err != nil {
		return Object{}, err
	}
	input := &s3.PutObjectInput{
		Bucket:      &loc.bucket,
		Key:         &loc.key,
		Body:        bytes.NewReader(body),
		ContentType: contentType(o.ContentType),
	}
	mark := rand.Text()
	if o.IfAbsent {
		input.IfNoneMatch = aws.String("*")
		input.Metadata = map[string]string{markName: mark}
	}
	output, err := client.PutObject(ctx, input)
	switch status := statusOf(err); {
	case err == nil:
		return Object{URL: loc.url, Size: int64(len(body)), ETag: unquoted(output.ETag)}, nil
	case o.IfAbsent && (status == http.StatusPreconditionFailed || status == 0):
		// 0 too: some servers refuse before they have read the body and close
		// the connection, by which the answer is lost more often than not.
		return s.settle(ctx, loc, mark, err)
	default:
		return Object{}, err
	}
}

// settle finds out what a conditional put came to that was refused or never
// answered: if the stored object bears its mark, it succeeded.
func (s *s3Store) settle(ctx context.Context, loc location, mark string, putErr error) (Object, error) {
	head, err := s.head(ctx, loc)
	switch {
	case err == nil && head.Metadata[markName] == mark:
		return headObject(loc, head), nil
	case err == nil:
		return Object{}, ErrExists
	case statusOf(putErr) == 0:
		return Object{}, putErr
	case statusOf(err) == http.StatusNotFound:
		return Object{}, errors.New("the object was there and is gone again; somebody else deleted it")
	default:
		return Object{}, err
	}
}

func (s *s3Store) remove(ctx context.Context, loc location) error {
	client, err := s.api(ctx)
	if err != nil {
		return err
	}
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &loc.bucket, Key: &loc.key})
	return err
}

func (s *s3Store) list(ctx context.Context, loc location, _ func(string) bool) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		client, err := s.api(ctx)
		if err != nil {
			yield(Object{}, err)
			return
		}
		last := ""
		request := &s3.ListObjectsV2Input{Bucket: &loc.bucket, Prefix: &loc.key}
		if loc.after != "" {
			request.StartAfter = &loc.after
		}
		pages := s3.NewListObjectsV2Paginator(client, request)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, found := range page.Contents {
				key := aws.ToString(found.Key)
				if key <= last {
					yield(Object{}, errors.New("the store lists out of order: "+key+" after "+last))
					return
				}
				last = key
				object := Object{
					URL:      "s3://" + loc.bucket + "/" + key,
					Size:     aws.ToInt64(found.Size),
					ETag:     unquoted(found.ETag),
					Modified: aws.ToTime(found.LastModified),
				}
				isFolder := object.Size == 0 && strings.HasSuffix(key, "/")
				if !isFolder && !yield(object, nil) {
					return
				}
			}
		}
	}
}

func contentType(given string) *string {
	if given == "" {
		given = "application/octet-stream"
	}
	return &given
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
