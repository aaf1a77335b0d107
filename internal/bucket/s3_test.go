package bucket_test

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
)

func TestS3_Conformance(t *testing.T) {
	fake, endpoint := newFakeS3(t)
	t.Run("suite", func(t *testing.T) { buckettest.Run(t, newStore(t, endpoint), "s3://b/place") })
	if _, left := fake.outcome(); left > 0 {
		t.Errorf("%d uploads are left", left)
	}
}
