package sim

import (
	"log/slog"
	"time"
)

// None stands for "no time at all" where the zero duration means the default.
const None time.Duration = -1

// Options says what the simulated cloud offers and how fast it is. The zero
// value is a cloud with the default catalogue whose endpoints warm up in eight
// seconds and answer at once.
type Options struct {
	// Token is the bearer token that both planes demand; "" accepts any that
	// is not empty, or none at all on the data plane if there is a model Served.
	Token string

	// Served are models that the data plane always answers for, as a server of
	// one's own does: one replica each, ready from the beginning, that no control
	// plane knows and no ledger bills.
	Served []string

	// WarmUp is the time from create to the first ready replica: 0 means 8 s,
	// None at once. Further replicas that were asked for at the same moment
	// follow one after another, a quarter of it apart.
	WarmUp time.Duration

	// Drain is the time from delete or disable to gone or stopped, in which
	// requests in flight may still finish: 0 means 1 s, None at once.
	Drain time.Duration

	// Model is the speed of a replica; the zero value answers at once.
	Model Model

	// AnswerTokens bounds the length of an answer, which the request's own
	// limit may cut short: the zero value means 32 to 96.
	AnswerTokens Range

	// BodyLimit is the largest request body in bytes, beyond which the answer
	// is 413: 0 means 64 MiB.
	BodyLimit int64

	// Templates is Nebius's catalogue; nil means DefaultTemplates.
	Templates []Template

	// CreateReply is the shape of Nebius's answer to create: "" means Bare.
	CreateReply CreateReply

	// LyceumPause is how long an endpoint of Lyceum goes without requests before
	// it pauses: 0 means the documented hour, None never.
	LyceumPause time.Duration

	// LyceumUnlisted leaves Lyceum's listing out: its true path is not
	// documented, so that a client may look for it in the wrong place.
	LyceumUnlisted bool

	// Hardware is what Together's version 1 rents out; nil means
	// DefaultHardware.
	Hardware []Hardware

	// TogetherV1Closed has Together's version 1 refuse to create endpoints and
	// to start stopped ones, as the real service does today.
	TogetherV1Closed bool

	// Batches says how the providers' own Batch APIs behave.
	Batches BatchOptions

	// Logger gets one line for each control-plane call, each fault and each
	// change of an endpoint's state; nil discards them.
	Logger *slog.Logger
}

// Range is an inclusive range of whole numbers.
type Range struct {
	Min, Max int
}

// Clamp returns the number of the range that is nearest to n.
func (r Range) Clamp(n int) int { return min(max(n, r.Min), r.Max) }

const (
	defaultWarmUp    = 8 * time.Second
	defaultDrain     = time.Second
	defaultBodyLimit = 64 << 20

	defaultLyceumPause = time.Hour
)

func (o Options) withDefaults() Options {
	o.WarmUp = orDefault(o.WarmUp, defaultWarmUp)
	o.Drain = orDefault(o.Drain, defaultDrain)
	o.LyceumPause = orDefault(o.LyceumPause, defaultLyceumPause)
	if o.AnswerTokens == (Range{}) {
		o.AnswerTokens = Range{Min: 32, Max: 96}
	}
	o.AnswerTokens.Min = max(o.AnswerTokens.Min, 1)
	o.AnswerTokens.Max = max(o.AnswerTokens.Max, o.AnswerTokens.Min)
	if o.BodyLimit == 0 {
		o.BodyLimit = defaultBodyLimit
	}
	if o.Templates == nil {
		o.Templates = DefaultTemplates()
	}
	if o.Hardware == nil {
		o.Hardware = DefaultHardware()
	}
	if o.CreateReply == "" {
		o.CreateReply = Bare
	}
	o.Batches = o.Batches.withDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault(d, preset time.Duration) time.Duration {
	if d == 0 {
		return preset
	}
	return max(d, 0)
}
