package stats

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is kept of errors, however many there are.
const (
	maxClasses  = 20 // one more takes all others together
	maxExamples = 3  // of one class
	maxName     = 80 // characters of a custom_id or a class
)

// otherClass takes the errors of classes for which there is no more room.
const otherClass = "other"

// Fault is one class of error lines: those that were answered with the same
// HTTP status, or that have the same error code.
type Fault struct {
	Class    string   `json:"class"` // such as "HTTP 422" or "request_timeout"
	Count    int64    `json:"count"`
	Examples []string `json:"examples"` // custom_ids of the first ones, shortened
}

// Faults count error lines by class. The zero value is empty.
type Faults struct{ classes []Fault }

// Add counts an error line. Only the first requests of a class lend their
// custom_id, if it is known, as an example. Words of a class that may not be shown, since they
// are not an identifier's, become "other".
func (f *Faults) Add(class string, customID func() string) {
	fault := f.class(class)
	fault.Count++
	if len(fault.Examples) < maxExamples {
		if id := customID(); id != "" {
			fault.Examples = append(fault.Examples, shortened(id))
		}
	}
}

// class finds or begins a class.
func (f *Faults) class(name string) *Fault {
	if !isName(name) {
		name = otherClass
	}
	if at := f.find(name); at >= 0 {
		return &f.classes[at]
	}
	if len(f.classes) >= maxClasses {
		name = otherClass
		if at := f.find(name); at >= 0 {
			return &f.classes[at]
		}
	}
	f.classes = append(f.classes, Fault{Class: name})
	return &f.classes[len(f.classes)-1]
}

func (f *Faults) find(name string) int {
	return slices.IndexFunc(f.classes, func(fault Fault) bool { return fault.Class == name })
}

// List returns the classes, the most frequent first.
func (f *Faults) List() []Fault {
	list := slices.Clone(f.classes)
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class))
	})
	return list
}

// MarshalJSON writes the list.
func (f Faults) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Fault{}, f.List()...))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Faults) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &f.classes) }

// isName tells a class from a text that a server may have put in its place: a
// text can hold words of a prompt.
func isName(class string) bool {
	if class == "" || len(class) > maxName {
		return false
	}
	for _, r := range strings.TrimPrefix(class, "HTTP ") {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case r == '_' || r == '-' || r == '.':
		default:
			return false
		}
	}
	return true
}

func shortened(id string) string {
	if utf8.RuneCountInString(id) <= maxName {
		return id
	}
	return string([]rune(id)[:maxName-1]) + "…"
}
