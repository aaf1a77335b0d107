package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/nightshift-run/nightshift/internal/webhook"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Notices tells webhooks how jobs ended.
type Notices struct {
	HTTP *http.Client
}

// SendNotice posts a notice once. Attempts send the same id, so that a receiver
// can tell that it has it already. The address and the secret are looked up in
// this worker's environment by their names, and are in no error. Every error
// is retried, since each can be mended meanwhile, except a receiver's answer
// that it is gone.
func (n *Notices) SendNotice(ctx context.Context, call workflows.NoticeCall) error {
	address, secret, err := receiver(call.To)
	if err != nil {
		return again(err)
	}
	var notice any = call.Notice
	if call.To.Format == jobs.OpenAINotice {
		notice = call.Notice.BatchEvent()
	}
	body, err := json.Marshal(notice)
	if err != nil {
		return final(jobs.Internal, fmt.Sprintf("encode the notice: %v", err))
	}
	id := call.Notice.Data.Job + "-" + strings.TrimPrefix(call.Notice.Type, "job.")
	err = webhook.Send(ctx, n.HTTP, address, secret, webhook.Message{ID: id, Body: body})
	if errors.Is(err, webhook.ErrGone) {
		return final(jobs.NotFound, err.Error())
	}
	return sorted(err)
}

// receiver finds the address and the secret that a job file names.
func receiver(to jobs.Notify) (address string, secret webhook.Secret, err error) {
	address = to.Webhook
	if to.WebhookEnv != "" {
		if address, err = variable(to.WebhookEnv); err != nil {
			return "", secret, err
		}
	}
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return "", secret, fmt.Errorf("variable %s does not hold an address that begins with https:// or http://", to.WebhookEnv)
	}
	if to.SecretEnv == "" {
		return address, secret, nil
	}
	text, err := variable(to.SecretEnv)
	if err != nil {
		return "", secret, err
	}
	if secret, err = webhook.ParseSecret(text); err != nil {
		return "", secret, fmt.Errorf("variable %s: %w", to.SecretEnv, err)
	}
	return address, secret, nil
}

func variable(name string) (string, error) {
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("variable %s is not set in the control worker's environment", name)
	}
	return value, nil
}
