package bucket

import (
	"context"
	"iter"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// patternCharacters make a URL a pattern; one that stands for itself has a
// backslash before it.
const patternCharacters = `*?[{\`

// IsPattern tells a URL that names any number of objects from that of one: it
// ends in a slash, or has one of * ? [ { \ in it. See [Store.Glob].
func IsPattern(url string) bool {
	return strings.HasSuffix(url, "/") || strings.ContainsAny(url, patternCharacters)
}

// Glob yields the objects that a pattern names, in the byte order of their
// URLs. * stands for any characters but slashes, ? for one of them, [a-z] and
// [^a-z] for one of a set, {a,b} for either, and ** between slashes for any
// number of folders, none too. A backslash takes the character after it for
// itself. A pattern that ends in a slash names everything below. The bucket
// cannot be a pattern. What is said of [Store.List] holds here too.
//
// On S3 all keys that begin as the pattern does before its first special
// character are listed, a thousand a request. On disk only folders are entered
// that can hold a match.
func (s *Store) Glob(ctx context.Context, pattern string) iter.Seq2[Object, error] {
	if strings.HasSuffix(pattern, "/") && !strings.ContainsAny(pattern, patternCharacters) {
		return s.List(ctx, pattern)
	}
	return func(yield func(Object, error) bool) {
		g, err := parseGlob(pattern)
		if err != nil {
			yield(Object{}, named("list", pattern, err))
			return
		}
		for object, err := range s.backend(g.loc).list(ctx, g.loc, g.enters) {
			if err == nil && !doublestar.MatchUnvalidated(g.pattern, object.URL) {
				continue
			}
			if !yield(object, named("list", pattern, sorted(ctx, err))) || err != nil {
				return
			}
		}
	}
}

// glob is a checked pattern.
type glob struct {
	pattern  string   // matches whole URLs
	segments []string // of the pattern, up to the first **
	deep     bool     // there is a **
	loc      location // what every match begins with
}

func parseGlob(pattern string) (glob, error) {
	g := glob{pattern: pattern}
	if strings.HasSuffix(pattern, "/") {
		g.pattern += "**/*"
	}
	if !doublestar.ValidatePattern(g.pattern) {
		return g, badURL(`its brackets do not match; put a backslash before a bracket that stands for itself`)
	}
	literal := pattern[:max(0, strings.IndexAny(pattern, patternCharacters))]
	if _, rest, ok := strings.Cut(literal, "://"); ok && !strings.Contains(rest, "/") {
		return g, badURL("the bucket's name cannot be a pattern")
	}
	var err error
	if g.loc, err = locate(literal); err != nil {
		return g, err
	}
	for segment := range strings.SplitSeq(g.pattern, "/") {
		if segment == "**" {
			g.deep = true
			break
		}
		g.segments = append(g.segments, segment)
	}
	return g, nil
}

// enters reports whether a folder, whose URL has no slash at its end, can hold
// a match. A pattern with a brace before its last segment is not looked into:
// the brace may hold slashes.
func (g glob) enters(folder string) bool {
	depth := strings.Count(folder, "/") + 1
	if depth >= len(g.segments) {
		return g.deep || strings.Contains(g.pattern, "{")
	}
	begin := strings.Join(g.segments[:depth], "/")
	return strings.Contains(begin, "{") || doublestar.MatchUnvalidated(begin, folder)
}
