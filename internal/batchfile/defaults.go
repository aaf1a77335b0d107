package batchfile

import (
	"bytes"
	"maps"
	"slices"
)

// Defaults are members for the bodies that do not have them.
type Defaults struct{ members []member }

// member is one of an object: its name, and both as JSON.
type member struct {
	name string
	text []byte // "name":value
}

// NewDefaults returns the members that values names. Each value is valid JSON.
func NewDefaults[T ~[]byte](values map[string]T) Defaults {
	var d Defaults
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := append(appendQuoted(nil, name), ':')
		d.members = append(d.members, member{name, append(text, values[name]...)})
	}
	return d
}

// Append appends body, a valid JSON object, to dst, with those of the defaults
// that it does not have as its last members. All else stays byte for byte.
func (d Defaults) Append(dst, body []byte) []byte {
	if len(d.members) == 0 {
		return append(dst, body...)
	}
	has := make([]bool, len(d.members))
	empty := true
	c := cursor{data: body}
	c.space()
	for c.open('{'); c.member(); {
		empty = false
		name := c.key.content(nil)
		for i := range d.members {
			has[i] = has[i] || string(name) == d.members[i].name
		}
		c.value()
	}
	end := bytes.LastIndexByte(body, '}')
	dst = append(dst, body[:end]...)
	for i, member := range d.members {
		if has[i] {
			continue
		}
		if !empty {
			dst = append(dst, ',')
		}
		dst, empty = append(dst, member.text...), false
	}
	return append(dst, body[end:]...)
}
