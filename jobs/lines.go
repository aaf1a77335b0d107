package jobs

// OnInvalid says what becomes of a job whose input has lines that cannot be
// sent.
type OnInvalid string

// The policies.
const (
	FailOnInvalid OnInvalid = "fail" // nothing is rented, and every problem is told
	SkipInvalid   OnInvalid = "skip" // such a line becomes an error line, and the others run
)

// Models says which models the lines of an input may name. Whatever they name,
// the endpoint's is what is sent.
type Models string

// The policies.
const (
	OneModel Models = "one" // all that name one name the same
	AnyModel Models = "any"
)

// The longest line of an input: by default room for a request with several
// images in base64, and at most what a worker can hold of one.
const (
	DefaultMaxLine Size = 64 << 20
	maxMaxLine     Size = 1 << 30
)

// Expect is what all lines of an input must agree with.
type Expect struct {
	URL      string   `yaml:"url" json:"url,omitempty"`           // that of every line, such as /v1/chat/completions
	Model    string   `yaml:"model" json:"model,omitempty"`       // that every line names
	Served   []string `yaml:"served" json:"served,omitempty"`     // models to tell of when a line names another
	Requests int64    `yaml:"requests" json:"requests,omitempty"` // at most; zero is no limit
}

func (s Spec) checkLines(list *problemList) {
	list.require(s.OnInvalid == FailOnInvalid || s.OnInvalid == SkipInvalid, "on_invalid", "%q must be fail or skip", s.OnInvalid)
	list.require(s.Models == OneModel || s.Models == AnyModel, "models", "%q must be one or any", s.Models)
	list.require(s.Expect.Requests >= 0, "expect.requests", "must not be negative")
	list.require(s.MaxLine > 0 && s.MaxLine <= maxMaxLine, "max_line", "must be more than nothing and at most %s", maxMaxLine)
}
