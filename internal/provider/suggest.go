package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/spell"
)

// maxNamed bounds how many known words NotOneOf names.
const maxNamed = 12

// NotOneOf says that a word is none of those known, names the first twelve of
// them, and asks whether one was meant that is close to it, or is the same with
// a vendor before it:
//
//	region "eu-nort1" is none of eu-north1, eu-west1; did you mean eu-north1?
func NotOneOf(what, word string, known []string) string {
	if len(known) == 0 {
		return fmt.Sprintf("%s %q is not offered; nothing is", what, word)
	}
	text := fmt.Sprintf("%s %q is none of %s", what, word, strings.Join(known[:min(len(known), maxNamed)], ", "))
	if more := len(known) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if near := nearest(word, known); near != "" {
		text += "; did you mean " + near + "?"
	}
	return text
}

func nearest(word string, known []string) string {
	suffix := "/" + strings.ToLower(word)
	at := slices.IndexFunc(known, func(name string) bool { return strings.HasSuffix(strings.ToLower(name), suffix) })
	if at >= 0 {
		return known[at]
	}
	return spell.Nearest(word, known)
}
