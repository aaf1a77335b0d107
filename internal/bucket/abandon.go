package bucket

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Abandon throws away what processes that were killed have left of objects that
// were never committed, below a prefix that ends in a slash: on S3 the parts of
// uploads, on disk partial files, that were begun before a time. It returns how
// many there were. A writer that is still at it fails, so the time must be longer
// ago than any takes.
func (s *Store) Abandon(ctx context.Context, prefixURL string, before time.Time) (int, error) {
	loc, err := locate(prefixURL)
	if err != nil {
		return 0, named("abandon", prefixURL, err)
	}
	count, err := s.backend(loc).abandon(ctx, loc, before)
	return count, named("abandon", prefixURL, sorted(ctx, err))
}

func (s *s3Store) abandon(ctx context.Context, loc location, before time.Time) (count int, err error) {
	client, err := s.api(ctx)
	if err != nil {
		return 0, err
	}
	pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: &loc.bucket, Prefix: &loc.key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return count, err
		}
		for _, upload := range page.Uploads {
			if !strings.HasPrefix(aws.ToString(upload.Key), loc.key) || !aws.ToTime(upload.Initiated).Before(before) {
				continue
			}
			_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &loc.bucket, Key: upload.Key, UploadId: upload.UploadId})
			if err != nil && statusOf(err) != 404 {
				return count, err
			}
			count++
		}
	}
	return count, nil
}

func (fileStore) abandon(ctx context.Context, loc location, before time.Time) (count int, err error) {
	err = filepath.WalkDir(loc.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasPrefix(entry.Name(), partialPrefix) {
			return errors.Join(ctx.Err(), ignoreAbsent(err))
		}
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			return ignoreAbsent(err)
		}
		count++
		return ignoreAbsent(os.Remove(path))
	})
	return count, err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
