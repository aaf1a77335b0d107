package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client reads the ledger and arms the faults of a cloud in another process.
// It needs no token. Its calls may be repeated, except that Inject arms
// another fault each time.
type Client struct {
	BaseURL string       // of the cloud, such as http://127.0.0.1:8080
	HTTP    *http.Client // nil is http.DefaultClient
}

// Ledger reads the accounts.
func (c Client) Ledger(ctx context.Context) (Ledger, error) {
	var l Ledger
	err := c.do(ctx, http.MethodGet, ledgerPath, nil, &l)
	return l, err
}

// Inject arms a fault.
func (c Client) Inject(ctx context.Context, f Fault) error {
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode fault: %w", err)
	}
	return c.do(ctx, http.MethodPost, faultsPath, body, nil)
}

// ClearFaults disarms every fault.
func (c Client) ClearFaults(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, faultsPath, nil, nil)
}

func (c Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(reason))
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
