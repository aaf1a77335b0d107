package bucket

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKey is S3's limit on the length of a key, in bytes.
const maxKey = 1024

// partialPrefix starts the names of unfinished files. List hides them, so no
// object may be called so.
const partialPrefix = ".bucket-partial-"

// location is a checked URL: bucket and key, or the path of a file.
type location struct {
	url    string
	bucket string // empty for files
	key    string
	path   string // empty on S3
	after  string // of a listing on S3: the key after which it begins
}

// Join appends elements to a URL with exactly one slash between neighbours.
// Empty elements are left out, a slash at the very end is kept, and nothing is
// escaped or cleaned: Join("s3://b/in", "50% off", "x.jsonl") is
// "s3://b/in/50% off/x.jsonl".
func Join(base string, elem ...string) string {
	for _, e := range elem {
		if e == "" {
			continue
		}
		base = strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(e, "/")
	}
	return base
}

// CheckObject returns nil if url can name an object, else an error that wraps
// ErrURL and says what to write instead. It looks at the text alone.
func CheckObject(url string) error {
	_, err := locateObject(url)
	return named("check", url, err)
}

// CheckPrefix is CheckObject for the argument of [Store.List], which may also
// be a whole bucket and may end anywhere in a key.
func CheckPrefix(url string) error {
	_, err := locate(url)
	return named("check", url, err)
}

// locateObject parses the URL of an object.
func locateObject(url string) (location, error) {
	loc, err := locate(url)
	if err != nil {
		return location{}, err
	}
	name := loc.key + loc.path
	if name == "" || strings.HasSuffix(name, "/") {
		return location{}, badURL("it names a folder; add the object's name after the last slash")
	}
	if isDots(path.Base(name)) {
		return location{}, badURL(`write the path without "." and ".."`)
	}
	if loc.bucket == "" && strings.HasPrefix(path.Base(name), partialPrefix) {
		return location{}, badURL("names that start with %q are kept for unfinished files", partialPrefix)
	}
	return loc, nil
}

// locate parses the beginning of URLs. The last segment may be incomplete, so
// "." is a fine one: it finds the names that start with a dot.
func locate(url string) (location, error) {
	for _, r := range url {
		if r < ' ' || r == 0x7f {
			return location{}, badURL("remove the control character %q", r)
		}
	}
	if !utf8.ValidString(url) {
		return location{}, badURL("it is not UTF-8")
	}
	if rest, ok := strings.CutPrefix(url, "s3://"); ok {
		return locateS3(url, rest)
	}
	if rest, ok := strings.CutPrefix(url, "file://"); ok {
		return locateFile(url, rest)
	}
	return location{}, badURL("%s", instead(url))
}

func locateS3(url, rest string) (location, error) {
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return location{}, badURL("the bucket is missing; write s3://bucket/key")
	}
	if strings.ContainsFunc(bucket, notInBucket) || isDots(bucket) {
		return location{}, badURL("a bucket's name has only letters, digits, '-', '.' and '_'; write s3://bucket/key")
	}
	if len(key) > maxKey {
		return location{}, badURL("the key has %d bytes, %d are allowed", len(key), maxKey)
	}
	if hasDots(key) {
		return location{}, badURL(`write the key without "." and ".." segments`)
	}
	return location{url: url, bucket: bucket, key: key}, nil
}

func locateFile(url, rest string) (location, error) {
	switch {
	case !strings.HasPrefix(rest, "/"):
		return location{}, badURL("write the absolute path after file://, as in file:///tmp/in.jsonl")
	case strings.Contains(rest, "//"):
		return location{}, badURL("remove the doubled slash")
	case hasDots(rest):
		return location{}, badURL(`write the path without "." and ".."`)
	}
	return location{url: url, path: rest}, nil
}

// instead guesses what was meant by a URL of no known kind.
func instead(url string) string {
	scheme, _, found := strings.Cut(url, "://")
	switch {
	case strings.HasPrefix(url, "/"):
		return "write file://" + url
	case found && (scheme == "http" || scheme == "https"):
		return "write s3://bucket/key and set the endpoint apart from it"
	case found:
		return "only s3://bucket/key and file:///path are known; other clouds offer an S3-compatible endpoint"
	default:
		return "write s3://bucket/key or file:///path"
	}
}

// hasDots tells whether a segment before the last slash is "." or "..".
func hasDots(key string) bool {
	for {
		segment, rest, found := strings.Cut(key, "/")
		if !found {
			return false
		}
		if isDots(segment) {
			return true
		}
		key = rest
	}
}

// notInBucket allows what any server does; each has its own stricter rules.
func notInBucket(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
}

func isDots(segment string) bool { return segment == "." || segment == ".." }

func badURL(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrURL, fmt.Sprintf(format, args...))
}

// shown is url without what may be a secret: S3 URLs of old carried
// key:secret@, presigned ones carry a signature in the query.
func shown(url string) string {
	if strings.ContainsFunc(url, unicode.IsControl) {
		return strconv.Quote(url)
	}
	scheme, rest, found := strings.Cut(url, "://")
	if !found || scheme == "file" {
		return url
	}
	if strings.HasPrefix(scheme, "http") {
		rest, _, _ = strings.Cut(rest, "?")
	}
	if bucket, _, _ := strings.Cut(rest, "/"); strings.ContainsAny(bucket, ":@") {
		rest = rest[strings.LastIndex(rest, "@")+1:] // secret keys can have slashes
	}
	return scheme + "://" + rest
}
