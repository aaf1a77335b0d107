package encryption

import (
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// How a sealed payload is marked: in the words of Temporal's samples, so that
// others' tools recognize it.
const (
	encodingSealed = "binary/encrypted"
	metadataKeyID  = "encryption-key-id"
)

// Codec seals and opens payloads. It implements converter.PayloadCodec.
type Codec struct{ Source Source }

// Encode seals each payload with the first key.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	keys := c.Source.Current(false)
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("encrypt a payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encodingSealed), metadataKeyID: []byte(keys.first)},
			Data:     keys.opener[keys.first].Seal(nil, nil, plain, []byte(keys.first)),
		}
	}
	return sealed, nil
}

// Decode opens what is sealed, and passes on what is not.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		opened[i] = payload
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != encodingSealed {
			continue
		}
		plain, err := c.open(string(payload.GetMetadata()[metadataKeyID]), payload.GetData())
		if err != nil {
			return nil, err
		}
		opened[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, opened[i]); err != nil {
			return nil, errGarbled
		}
	}
	return opened, nil
}

var errGarbled = status.Error(codes.FailedPrecondition, "what Temporal has does not open with its key: it was changed, or sealed with another key of the same id")

func (c Codec) open(id string, sealed []byte) ([]byte, error) {
	keys := c.Source.Current(false)
	if keys.opener[id] == nil {
		keys = c.Source.Current(true)
	}
	opener := keys.opener[id]
	if opener == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "what Temporal has is encrypted with key %q, and the keys here are %s; "+
			"add it to the file of --encryption-keys-file or to NIGHTSHIFT_ENCRYPTION_KEYS", id, strings.Join(keys.ids, ", "))
	}
	plain, err := opener.Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, errGarbled
	}
	return plain, nil
}
