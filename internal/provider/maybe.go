package provider

import "encoding/json"

// Maybe is a field of an answer that may be absent, null or of another type
// than documented, without making the rest of the answer unreadable: an
// endpoint with one odd field must still be found and deleted.
type Maybe[T any] struct {
	Value T    // the zero value unless Known
	Known bool // the field was there and of type T
}

// UnmarshalJSON reads the value if it can. It never fails.
func (m *Maybe[T]) UnmarshalJSON(data []byte) error {
	var value T
	if string(data) != "null" && json.Unmarshal(data, &value) == nil {
		m.Value, m.Known = value, true
	}
	return nil
}
