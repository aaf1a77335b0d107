package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// maxBody bounds a JSON body, in bytes.
const maxBody = 1 << 20

// parameters are a JSON body's members, with what is wrong with them.
type parameters struct {
	members map[string]json.RawMessage
	err     error // the first
}

// readParameters reads a JSON body that has no members but those named.
func readParameters(r *http.Request, known ...string) (*parameters, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, cutOff(r, err)
	}
	if len(text) > maxBody {
		return nil, bound{what: "The request's body", bytes: maxBody}.exceeded()
	}
	p := &parameters{members: map[string]json.RawMessage{}}
	if len(bytes.TrimSpace(text)) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(text, &p.members); err != nil {
		return nil, invalid("", "", "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)")
	}
	for name := range p.members {
		if !slices.Contains(known, name) {
			return nil, invalid(name, "unknown_parameter", "Unknown parameter: '%s'.", shortened(name))
		}
	}
	return p, nil
}

// has reports whether a member is there and not null.
func (p *parameters) has(name string) bool {
	value, ok := p.members[name]
	return ok && string(value) != "null"
}

// read reads a member that must have the type of into; want is that type in
// words.
func (p *parameters) read(name, want string, into any) {
	if p.err != nil || !p.has(name) {
		return
	}
	if json.Unmarshal(p.members[name], into) != nil {
		p.err = wrongType(name, want, p.members[name])
	}
}

// text reads a member that must be there.
func (p *parameters) text(name string) (value string) {
	p.read(name, "a string", &value)
	if p.err == nil && value == "" {
		p.err = missingParameter(name)
	}
	return value
}

func wrongType(name, want string, value json.RawMessage) *apiError {
	got := "an object"
	switch c := value[0]; {
	case c == '"':
		got = "a string"
	case c == '[':
		got = "an array"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c != '{':
		got = "a number"
	}
	return invalid(name, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", name, want, got)
}

// lifetime reads expires_after and its like, in seconds; zero if it is not
// there.
func (p *parameters) lifetime(name string) int64 {
	var after struct {
		Anchor  string `json:"anchor"`
		Seconds *int64 `json:"seconds"`
	}
	p.read(name, "an object with anchor and seconds", &after)
	if p.err != nil || !p.has(name) {
		return 0
	}
	seconds := ""
	if after.Seconds != nil {
		seconds = strconv.FormatInt(*after.Seconds, 10)
	}
	lifetime, err := expiry(after.Anchor, seconds, name)
	if err == nil && lifetime == 0 {
		err = missingParameter(name + ".anchor")
	}
	p.err = err
	return lifetime
}

// OpenAI's bounds of metadata.
const (
	maxPairs = 16
	maxKey   = 64  // characters
	maxValue = 512 // characters
)

// metadata reads the pairs that clients attach to things.
func (p *parameters) metadata() map[string]string {
	var pairs map[string]json.RawMessage
	p.read("metadata", "an object", &pairs)
	if p.err != nil || pairs == nil {
		return nil
	}
	if len(pairs) > maxPairs {
		p.err = invalid("metadata", "object_above_max_properties",
			"Invalid 'metadata': too many properties. Expected an object with at most %d properties, but got an object with %d properties instead.", maxPairs, len(pairs))
		return nil
	}
	metadata := map[string]string{}
	var wrong []error
	for key, raw := range pairs {
		var value string
		name := "metadata." + shortened(key)
		switch err := json.Unmarshal(raw, &value); {
		case err != nil || raw[0] != '"':
			wrong = append(wrong, wrongType(name, "a string", raw))
		case len([]rune(key)) > maxKey:
			wrong = append(wrong, tooLong("metadata", "a key", maxKey, len([]rune(key))))
		case len([]rune(value)) > maxValue:
			wrong = append(wrong, tooLong(name, "a string", maxValue, len([]rune(value))))
		}
		metadata[key] = value
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b error) int { return bytes.Compare([]byte(a.Error()), []byte(b.Error())) })
		p.err = wrong[0]
	}
	return metadata
}

func tooLong(name, what string, most, got int) *apiError {
	return invalid(name, "string_above_max_length",
		"Invalid '%s': string too long. Expected %s with maximum length %d, but got one with length %d instead.", name, what, most, got)
}
