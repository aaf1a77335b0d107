package bucket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		base string
		elem []string
		want string
	}{
		{"s3://b", nil, "s3://b"},
		{"s3://b", []string{"x"}, "s3://b/x"},
		{"s3://b/", []string{"x"}, "s3://b/x"},
		{"s3://b/a", []string{"/x"}, "s3://b/a/x"},
		{"s3://b/a/", []string{"", "x", ""}, "s3://b/a/x"},
		{"s3://b/a", []string{"x/", "y/"}, "s3://b/a/x/y/"},
		{"s3://b/in", []string{"50% off", "x?y#z+.jsonl"}, "s3://b/in/50% off/x?y#z+.jsonl"},
		{"s3://b/a//", []string{"x"}, "s3://b/a//x"},
		{"s3://b", []string{"a/../b"}, "s3://b/a/../b"},
		{"file:///", []string{"x"}, "file:///x"},
		{"file:///tmp", []string{"a b", "c"}, "file:///tmp/a b/c"},
	}
	for _, test := range tests {
		if got := bucket.Join(test.base, test.elem...); got != test.want {
			t.Errorf("Join(%q, %q) = %q, want %q", test.base, test.elem, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url            string
		object, prefix string // part of the error, empty for none
	}{
		{"s3://b/k", "", ""},
		{"s3://My_bucket.1-x/a b/100%?#+", "", ""},
		{"s3://b//k", "", ""},
		{"s3://b/.a/..b/...", "", ""},
		{"s3://b/" + strings.Repeat("k", 1024), "", ""},
		{"file:///a", "", ""},
		{"file:///a b/100%?#+", "", ""},
		{"s3://b", "names a folder", ""},
		{"s3://b/", "names a folder", ""},
		{"s3://b/a/", "names a folder", ""},
		{"file:///", "names a folder", ""},
		{"file:///a/", "names a folder", ""},
		{"s3://b/a/.", `without "."`, ""},
		{"s3://b/..", `without "."`, ""},
		{"file:///a/..", `without "."`, ""},
		{"file:///a/.bucket-partial-X", "unfinished", ""},
		{"s3://b/a/../k", `without "."`, `without "."`},
		{"s3://b/./k", `without "."`, `without "."`},
		{"file:///a/../k", `without "."`, `without "."`},
		{"file:///a//k", "doubled slash", "doubled slash"},
		{"s3://", "bucket is missing", "bucket is missing"},
		{"s3:///k", "bucket is missing", "bucket is missing"},
		{"s3://a b/k", "only letters", "only letters"},
		{"s3://../k", "only letters", "only letters"},
		{"s3://b/" + strings.Repeat("k", 1025), "1025 bytes", "1025 bytes"},
		{"s3://b/a\nb", "control character", "control character"},
		{"s3://b/\xff", "UTF-8", "UTF-8"},
		{"file://a/b", "absolute path", "absolute path"},
		{"file://", "absolute path", "absolute path"},
		{"file:/a", "s3://bucket/key or file:///path", "s3://bucket/key or file:///path"},
		{"S3://b/k", "only s3://", "only s3://"},
		{"gs://b/k", "S3-compatible endpoint", "S3-compatible endpoint"},
		{"https://b.s3.amazonaws.com/k", "s3://bucket/key", "s3://bucket/key"},
		{"/tmp/x", "write file:///tmp/x", "write file:///tmp/x"},
		{"x", "write s3://", "write s3://"},
		{"", "write s3://", "write s3://"},
	}
	for _, test := range tests {
		check(t, "object "+test.url, bucket.CheckObject(test.url), test.object)
		check(t, "prefix "+test.url, bucket.CheckPrefix(test.url), test.prefix)
	}
}

func check(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%q: %v", what, err)
	case want != "" && (!errors.Is(err, bucket.ErrURL) || !strings.Contains(err.Error(), want)):
		t.Errorf("%q: got %v, want %q", what, err, want)
	}
}

// TestCheck_Secrets covers URLs that other programs put secrets into.
func TestCheck_Secrets(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"s3://AKID:SECRET@bucket/key",
		"s3://AKID:SEC/RET@bucket",
		"https://user:SECRET@host/key",
		"https://host/key?X-Amz-Signature=SECRET",
	} {
		err := bucket.CheckObject(url)
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "SEC") {
			t.Errorf("%v", err)
		}
	}
}

func FuzzCheckObject(f *testing.F) {
	for _, seed := range []string{"s3://b/k", "file:///a", "s3://b/..", "s3://a@b/k", "http://a?b", "s3://b/\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		err := bucket.CheckObject(url)
		if err != nil && !errors.Is(err, bucket.ErrURL) {
			t.Error(err)
		}
		if err == nil && bucket.CheckPrefix(url) != nil {
			t.Errorf("%q is an object but no prefix", url)
		}
		if err == nil && bucket.CheckObject(bucket.Join(url, "x")) != nil && len(url) < 1000 {
			t.Errorf("%q has no neighbours", url)
		}
	})
}
