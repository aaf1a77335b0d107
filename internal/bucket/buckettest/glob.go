package buckettest

import (
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

func (p place) glob() {
	for _, key := range []string{
		"day-01/a.jsonl", "day-01/a.jsonl.gz", "day-01/deep/b.jsonl", "day-02/a.jsonl", "day-10/c.jsonl", "day-1/x.jsonl",
		"top.jsonl", "odd[1].jsonl", "odd1.jsonl", "st*r.jsonl", "star.jsonl", ".hidden/a.jsonl",
	} {
		p.store(key, "")
	}
	for _, test := range []struct {
		pattern string
		want    []string
	}{
		{"*.jsonl", []string{"odd1.jsonl", "odd[1].jsonl", "st*r.jsonl", "star.jsonl", "top.jsonl"}},
		{"day-0?/*.jsonl", []string{"day-01/a.jsonl", "day-02/a.jsonl"}},
		{"day-[01][0-9]/a.jsonl", []string{"day-01/a.jsonl", "day-02/a.jsonl"}},
		{"day-[^0]*/*", []string{"day-1/x.jsonl", "day-10/c.jsonl"}},
		{"day-01/**/*.jsonl", []string{"day-01/a.jsonl", "day-01/deep/b.jsonl"}},
		{"**/a.jsonl", []string{".hidden/a.jsonl", "day-01/a.jsonl", "day-02/a.jsonl"}},
		{"day-{01,10}/*.jsonl", []string{"day-01/a.jsonl", "day-10/c.jsonl"}},
		{"{day-01/deep,day-1}/*", []string{"day-01/deep/b.jsonl", "day-1/x.jsonl"}},
		{"day-*/", []string{"day-01/a.jsonl", "day-01/a.jsonl.gz", "day-01/deep/b.jsonl", "day-02/a.jsonl", "day-1/x.jsonl", "day-10/c.jsonl"}},
		{"day-01/", []string{"day-01/a.jsonl", "day-01/a.jsonl.gz", "day-01/deep/b.jsonl"}},
		{`odd\[1\].jsonl`, []string{"odd[1].jsonl"}},
		{"odd[1].jsonl", []string{"odd1.jsonl"}},
		{`st\*r.jsonl`, []string{"st*r.jsonl"}},
		{"day-*", nil},
		{"none*/", nil},
		{"top.jsonl/*", nil},
	} {
		var got []string
		for object, err := range p.Glob(p.Context(), p.base+"/"+test.pattern) {
			p.must(err)
			got = append(got, strings.TrimPrefix(object.URL, p.base+"/"))
		}
		if !slices.Equal(got, test.want) {
			p.Errorf("%s names %q, want %q", test.pattern, got, test.want)
		}
		if !bucket.IsPattern(test.pattern) {
			p.Errorf("%s is not taken for a pattern", test.pattern)
		}
	}
	for _, err := range p.Glob(p.Context(), p.base+"/a[b") {
		p.wants(err, bucket.ErrURL, "a[b")
	}
}
