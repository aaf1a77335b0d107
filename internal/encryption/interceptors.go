package encryption

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Interceptors seal all that a connection sends, and open all that it receives:
// payloads, and the texts of failures, which become payloads first.
func Interceptors(source Source) ([]grpc.UnaryClientInterceptor, error) {
	codec := Codec{source}
	failures, err := converter.NewFailureGRPCClientInterceptor(converter.NewFailureGRPCClientInterceptorOptions{EncodeCommonAttributes: true})
	payloads, more := proxy.NewPayloadVisitorInterceptor(proxy.PayloadVisitorInterceptorOptions{
		Outbound: visiting(func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return codec.Encode(payloads)
		}),
		Inbound: visiting(unlessForeign(codec.Decode)),
	})
	if err := errors.Join(err, more); err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	return []grpc.UnaryClientInterceptor{failures, payloads}, nil
}

// Without is the interceptor of a process that has no keys: it says so where it
// reads something sealed, instead of leaving that to whoever fails to make sense
// of it.
func Without() (grpc.UnaryClientInterceptor, error) {
	return proxy.NewPayloadVisitorInterceptor(proxy.PayloadVisitorInterceptorOptions{Inbound: visiting(unlessForeign(refuseSealed))})
}

type visitor = func(*proxy.VisitPayloadsContext, []*commonpb.Payload) ([]*commonpb.Payload, error)

// visiting leaves search attributes alone, which Temporal itself reads.
func visiting(visit visitor) *proxy.VisitPayloadsOptions {
	return &proxy.VisitPayloadsOptions{SkipSearchAttributes: true, Visitor: visit}
}

// unlessForeign passes memos on that do not open: listings have those of others'
// workflows and schedules too, and nobody reads them.
func unlessForeign(open func([]*commonpb.Payload) ([]*commonpb.Payload, error)) visitor {
	return func(at *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		opened, err := open(payloads)
		if _, memo := at.Parent.(*commonpb.Memo); memo && err != nil {
			return payloads, nil
		}
		return opened, err
	}
}

func refuseSealed(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	for _, payload := range payloads {
		if string(payload.GetMetadata()[converter.MetadataEncoding]) == encodingSealed {
			return nil, status.Errorf(codes.FailedPrecondition, "what Temporal has is encrypted with key %q, and there is no key here; "+
				"set --encryption-keys-file or NIGHTSHIFT_ENCRYPTION_KEYS", payload.GetMetadata()[metadataKeyID])
		}
	}
	return payloads, nil
}
