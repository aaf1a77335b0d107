package jobs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Notify names a webhook that is told how the job ended. What it is sent is a
// [Notice].
type Notify struct {
	// Webhook is the address that notices are posted to. WebhookEnv is instead
	// the name of a variable in the control worker's environment that holds it,
	// for addresses that are a secret.
	Webhook    string `yaml:"webhook" json:"webhook,omitempty"`
	WebhookEnv string `yaml:"webhook_env" json:"webhook_env,omitempty"`

	// SecretEnv is the name of a variable in the control worker's environment
	// that holds the secret by which notices are signed, in the form of Standard
	// Webhooks: whsec_ and base64. Without it they are not signed.
	SecretEnv string `yaml:"secret_env" json:"secret_env,omitempty"`

	// Format is the form of what is sent.
	Format NoticeFormat `yaml:"format" json:"format,omitempty"`

	// On lists the events to tell of. The default is all but skipped.
	On []Event `yaml:"on" json:"on,omitempty"`
}

// NoticeFormat is a form of notices.
type NoticeFormat string

// The forms.
const (
	NightshiftNotice NoticeFormat = ""       // a [Notice]
	OpenAINotice     NoticeFormat = "openai" // a [BatchEvent], as OpenAI's Batch API has them
)

// Event is an end of a job that can be told.
type Event string

// The events: the outcomes, and a failure that may cost money for as long as
// nobody looks.
const (
	OnCompleted   = Event(Completed)
	OnCancelled   = Event(Cancelled)
	OnExpired     = Event(Expired)
	OnFailed      = Event(Failed)
	OnSkipped     = Event(Skipped)
	OnUnconfirmed = Event("unconfirmed") // the provider has not confirmed that an endpoint is off
)

var events = []string{
	string(OnCompleted), string(OnFailed), string(OnExpired), string(OnCancelled), string(OnUnconfirmed), string(OnSkipped),
}

// IsZero reports whether nobody is to be told.
func (n Notify) IsZero() bool {
	return n.Webhook == "" && n.WebhookEnv == "" && n.SecretEnv == "" && len(n.On) == 0
}

func (n *Notify) fillIn() {
	if !n.IsZero() && len(n.On) == 0 {
		n.On = []Event{OnCompleted, OnFailed, OnExpired, OnCancelled, OnUnconfirmed}
	}
}

// Wants reports whether a notice of the job's end is to be sent. An endpoint
// that is not confirmed off is a failure too.
func (n Notify) Wants(event Event) bool {
	return slices.Contains(n.On, event) || event == OnUnconfirmed && slices.Contains(n.On, OnFailed)
}

var validVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (n Notify) check(list *problemList) {
	if n.IsZero() {
		return
	}
	list.require(n.Webhook != "" || n.WebhookEnv != "", "notify.webhook", "is missing; write an https:// address, or webhook_env with the name of a variable that holds one")
	list.require(n.Webhook == "" || n.WebhookEnv == "", "notify.webhook_env", "cannot stand beside webhook")
	if n.Webhook != "" {
		address, err := url.Parse(n.Webhook)
		ok := err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != ""
		list.require(ok, "notify.webhook", "must be an address that begins with https:// or http://")
		list.require(!ok || address.User == nil, "notify.webhook", "holds a password; put the address into the worker's environment and name the variable with webhook_env")
	}
	for _, variable := range []struct{ field, name string }{{"webhook_env", n.WebhookEnv}, {"secret_env", n.SecretEnv}} {
		list.require(variable.name == "" || validVariable.MatchString(variable.name), "notify."+variable.field,
			"must be the name of a variable in the worker's environment, such as HOOK_SECRET, and not its value")
	}
	list.require(n.Format == NightshiftNotice || n.Format == OpenAINotice, "notify.format", "%q must be openai or left out", n.Format)
	for i, event := range n.On {
		list.require(slices.Contains(events, string(event)), oneOf("notify.on", i, 2), "%q is not one of %s", event, strings.Join(events, ", "))
	}
}
