// Package webhook posts messages in the form of Standard Webhooks
// (https://www.standardwebhooks.com), signed by HMAC-SHA256.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Secret signs messages. The zero Secret does not.
type Secret struct{ key []byte }

// ParseSecret reads a secret as Standard Webhooks writes it: whsec_ and base64.
// Its errors do not hold it.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) == 0 {
		return Secret{}, errors.New("must be whsec_ and base64; make one with: echo whsec_$(openssl rand -base64 32)")
	}
	return Secret{key}, nil
}

// Sign returns the value of the header webhook-signature.
func (s Secret) Sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Message is one message. The id is the same for every attempt to send it, so
// that a receiver can tell that it has it already.
type Message struct {
	ID   string // without dots
	Body []byte // JSON
}

// Client sends without following redirects, which would take a signed message
// elsewhere.
func Client() *http.Client {
	return &http.Client{
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrGone means that the receiver wants no further messages: it answered 410.
var ErrGone = errors.New("the receiver answered 410, gone")

// Send posts a message once. It returns nil only when the receiver took it,
// which is any answer 2xx. Errors hold neither the address, except its host, nor
// what was answered: either can be a secret. Sending again does no harm to a
// receiver that looks at ids.
func Send(ctx context.Context, client *http.Client, address string, secret Secret, message Message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message.Body))
	if err != nil {
		return errors.New("send to the webhook: its address is not a valid URL")
	}
	now := time.Now()
	request.Header.Set("content-type", "application/json")
	request.Header.Set("user-agent", "nightshift")
	request.Header.Set("webhook-id", message.ID)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	if len(secret.key) > 0 {
		request.Header.Set("webhook-signature", secret.Sign(message.ID, now, message.Body))
	}
	response, err := client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("send to the webhook: %w", failed.Err) // without the address
	}
	if err != nil {
		return fmt.Errorf("send to the webhook: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return nil
	case response.StatusCode == http.StatusGone:
		return ErrGone
	}
	return fmt.Errorf("send to the webhook: it answered %d", response.StatusCode)
}
