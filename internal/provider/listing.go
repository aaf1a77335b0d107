package provider

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Listing is {"data": [...]}, as most providers list things. An answer without a
// list is an error and not an empty list, since absence from it is the proof that
// nothing is billed any more; so is an item that cannot be read.
type Listing[T any] struct{ Items []T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *Listing[T]) UnmarshalJSON(data []byte) error {
	var reply struct {
		Data *[]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return err
	}
	if reply.Data == nil {
		return errors.New("no data field with a list")
	}
	l.Items = make([]T, len(*reply.Data))
	for i, item := range *reply.Data {
		if err := json.Unmarshal(item, &l.Items[i]); err != nil {
			return fmt.Errorf("item %d of %d: %w", i+1, len(*reply.Data), err)
		}
	}
	return nil
}
