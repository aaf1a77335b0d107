package bucket

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Headers that are the same for every request of a kind, and so are set in one
// place. They are part of what is signed.
const (
	payerHeader      = "X-Amz-Request-Payer"
	encryptionHeader = "X-Amz-Server-Side-Encryption"
	keyHeader        = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
)

// begins are the operations that make an object, and take its encryption; the
// parts of an upload follow what its beginning said.
var begins = map[string]bool{"PutObject": true, "CreateMultipartUpload": true}

// addHeaders adds the step that sets them to the SDK's own.
func (s *s3Store) addHeaders(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("nightshift-headers", s.setHeaders), middleware.After)
}

func (s *s3Store) setHeaders(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		if s.options.RequesterPays {
			request.Header.Set(payerHeader, "requester")
		}
		if s.options.KMSKey != "" && begins[awsmiddleware.GetOperationName(ctx)] {
			request.Header.Set(encryptionHeader, "aws:kms")
			request.Header.Set(keyHeader, s.options.KMSKey)
		}
	}
	return next.HandleBuild(ctx, in)
}

// MakeBucket makes the bucket that a URL names, in the store's region; it does
// nothing if the caller has it already, and nothing for files. Errors wrap
// ErrExists for a bucket of somebody else, ErrDenied and ErrURL.
func (s *Store) MakeBucket(ctx context.Context, url string) error {
	loc, err := locate(url)
	backend, ok := s.s3.(*s3Store)
	if err == nil && loc.bucket != "" && ok {
		err = sorted(ctx, backend.makeBucket(ctx, loc.bucket))
	}
	return named("make bucket", url, err)
}

func (s *s3Store) makeBucket(ctx context.Context, name string) error {
	client, err := s.api(ctx)
	if err != nil {
		return err
	}
	input := &s3.CreateBucketInput{Bucket: &name}
	// us-east-1 is the one region that may not be named.
	if region := client.Options().Region; region != "us-east-1" && s.options.Endpoint == "" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err = client.CreateBucket(ctx, input)
	if statusOf(err) != http.StatusConflict {
		return err
	}
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); ours {
		return nil
	}
	// Servers differ in which conflict they tell the owner of.
	if _, headErr := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(name)}); headErr == nil {
		return nil
	}
	return ErrExists
}
