package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// named adds the operation and its object to an error that is sorted already.
func named(op, url string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, shown(url), err)
}

// sorted turns an error of the SDK or the file system into one that wraps a
// name of this package, or the caller's own context error, or nothing. The
// SDK's types end here; of its texts only those without credentials pass.
func sorted(ctx context.Context, err error) error {
	if err == nil || isSorted(err) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if missing, ok := errors.AsType[*credentialsError](err); ok {
		return sortCredentials(missing.err)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return sortAPI(api, err)
	}
	if status := statusOf(err); status != 0 {
		return fmt.Errorf("HTTP %d: not an answer of an S3 server; is the endpoint right?", status)
	}
	if unsent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return fmt.Errorf("no answer from the endpoint: %s; is it right?", innermost(unsent.Err))
	}
	return sortFile(err)
}

func isSorted(err error) bool {
	for _, name := range []error{ErrNotFound, ErrExists, ErrChanged, ErrDenied, ErrFull, ErrURL} {
		if errors.Is(err, name) {
			return true
		}
	}
	return false
}

// sortAPI sorts what an S3 server answered.
func sortAPI(api smithy.APIError, err error) error {
	status, reason := statusOf(err), reasonOf(api, err)
	switch code := api.ErrorCode(); {
	case code == "NoSuchUpload": // the upload was aborted, say by a lifecycle rule; the object is another matter
		return errors.New(reason)
	case code == "AuthorizationHeaderMalformed", code == "PermanentRedirect", status == http.StatusMovedPermanently:
		return fmt.Errorf("%w: %s; the bucket is in another region%s: set AWS_REGION", ErrDenied, reason, regionOf(err))
	case code == "KeyTooLongError", code == "InvalidBucketName", code == "InvalidURI":
		return fmt.Errorf("%w: %s", ErrURL, reason)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, code == "ExpiredToken", code == "InvalidToken":
		return fmt.Errorf("%w: %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or check the bucket policy"+
			" (a missing object is also denied to those who may not list)", ErrDenied, reason)
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, reason)
	case status == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %s", ErrFull, reason)
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", ErrChanged, reason)
	default:
		return errors.New(reason)
	}
}

// sortCredentials tells missing credentials from a provider of credentials
// (STS, the metadata service) that is in trouble and worth another try.
func sortCredentials(err error) error {
	if status := statusOf(err); status >= 500 || status == http.StatusTooManyRequests {
		return fmt.Errorf("the credentials' provider answered HTTP %d", status)
	}
	return fmt.Errorf("%w: no usable credentials (%s); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run where a role is attached",
		ErrDenied, innermost(err))
}

// sortFile sorts what the file system or anything else said.
func sortFile(err error) error {
	reason := innermost(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: check the permissions of the file and its folder", ErrDenied)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %s", ErrDenied, reason)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %s", ErrFull, reason)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("%w: %s", ErrURL, reason)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: a file stands where a folder is needed", ErrURL)
	default:
		return errors.New(reason)
	}
}

// statusOf returns the HTTP status of an answer, or 0 when there was none.
func statusOf(err error) int {
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// reasonOf is one line: status, the server's code and message, and its request
// id for whoever must ask the operators.
func reasonOf(api smithy.APIError, err error) string {
	reason := fmt.Sprintf("HTTP %d %s", statusOf(err), api.ErrorCode())
	if message := strings.Join(strings.Fields(api.ErrorMessage()), " "); message != "" && message != api.ErrorCode() {
		reason += fmt.Sprintf(": %.300s", message)
	}
	var request interface{ ServiceRequestID() string }
	if errors.As(err, &request) && request.ServiceRequestID() != "" {
		reason += " (request " + request.ServiceRequestID() + ")"
	}
	return reason
}

// regionOf reads the header by which AWS says where a bucket is.
func regionOf(err error) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil || response.Response.Header.Get("X-Amz-Bucket-Region") == "" {
		return ""
	}
	return " (" + response.Response.Header.Get("X-Amz-Bucket-Region") + ")"
}

// innermost drops the layers that only repeat the operation and the object.
func innermost(err error) string {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		err = link.Err
	}
	return err.Error()
}
