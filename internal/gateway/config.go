package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// Config is the file that says what is served.
type Config struct {
	// Root is where files and batches lie: s3://bucket/prefix/ or file:///path/.
	Root string `yaml:"root"`

	// Models are served by the name that requests give them.
	Models []Model `yaml:"models"`

	// CompletionWindows are those that a batch may ask for, as it must write them.
	// The default is 24h alone, as OpenAI has it.
	CompletionWindows []string `yaml:"completion_windows"`

	// Limits hold for each tenant.
	Limits Limits `yaml:"limits"`

	// FileLifetime is after how long files expire that do not say so themselves.
	// The default is 30 days; never is not offered.
	FileLifetime jobs.Duration `yaml:"file_lifetime"`

	// BatchLifetime is how long after its end a batch is forgotten, with its
	// report. The default is a year. It is no shorter than any file's lifetime, so
	// that no batch goes before its results.
	BatchLifetime jobs.Duration `yaml:"batch_lifetime"`

	// Webhook is told how batches end, unless their tenant has one of its own.
	Webhook Webhook `yaml:"webhook"`

	// Tenants are those that have settings of their own. All others that keys
	// name have the ones above.
	Tenants []Tenant `yaml:"tenants"`
}

// Model is a model that is served.
type Model struct {
	Name string `yaml:"name"` // what requests call it

	// Endpoint is what is rented for its batches, Endpoints a list to be tried in
	// order, as in a job file.
	Endpoint  jobs.Endpoint   `yaml:"endpoint"`
	Endpoints []jobs.Endpoint `yaml:"endpoints"`

	// Linger is for how long a rented endpoint stays when no batch has it, for the
	// next one; it is billed meanwhile. Batches that run at the same time share one
	// whatever it is. An endpoint that says share itself goes by that.
	Linger jobs.Duration `yaml:"linger"`

	Limits   ModelLimits   `yaml:"limits"`
	Requests jobs.Requests `yaml:"requests"`

	// Tenants may use it; empty means all.
	Tenants []string `yaml:"tenants"`
}

// ModelLimits end a batch that takes longer than it is worth, beside its
// completion window. They are those of a job file.
type ModelLimits struct {
	Warmup     jobs.Duration `yaml:"warmup"`
	GPUMinutes float64       `yaml:"gpu_minutes"`
	Cost       jobs.Money    `yaml:"cost"`
}

// Limits are what one tenant may have. Zero is the default.
type Limits struct {
	File              jobs.Size `yaml:"file"`                // bytes of a file; default 200 MB, as OpenAI's for batches
	BatchRequests     int64     `yaml:"batch_requests"`      // in one batch; default 50,000, as OpenAI's
	Files             int       `yaml:"files"`               // uploaded files; default 10,000
	Bytes             jobs.Size `yaml:"bytes"`               // of all uploaded files; default 100 GB
	OpenBatches       int       `yaml:"open_batches"`        // that have not ended; default 100
	RequestsPerMinute int       `yaml:"requests_per_minute"` // to one server; default 1,000
}

// Tenant is a tenant with settings of its own.
type Tenant struct {
	Name    string  `yaml:"name"`
	Limits  Limits  `yaml:"limits"` // what is left out is as for all
	Webhook Webhook `yaml:"webhook"`
}

// Webhook is told how batches end, in OpenAI's words and signed as OpenAI signs.
// Address and secret are looked up by the control worker.
type Webhook struct {
	URL       string `yaml:"url"`        // or URLEnv, the name of a variable that holds it
	URLEnv    string `yaml:"url_env"`    // for addresses that are a secret
	SecretEnv string `yaml:"secret_env"` // the name of a variable that holds whsec_ and base64
}

var defaultLimits = Limits{
	File: 200_000_000, BatchRequests: 50_000, Files: 10_000, Bytes: 100_000_000_000, OpenBatches: 100, RequestsPerMinute: 1000,
}

// DefaultFileLifetime is OpenAI's for files of purpose batch.
const DefaultFileLifetime = 30 * 24 * time.Hour

// DefaultBatchLifetime is long enough for a year's bill to be looked at.
const DefaultBatchLifetime = 365 * 24 * time.Hour

// ParseConfig reads the file. Whatever is wrong comes back as one
// *jobs.InvalidError that names every problem with its line.
func ParseConfig(fileName string, text []byte) (Config, error) {
	return jobs.Load(fileName, text, Config.withDefaults, Config.problems)
}

func (c Config) withDefaults() Config {
	if len(c.CompletionWindows) == 0 {
		c.CompletionWindows = []string{"24h"}
	}
	if c.FileLifetime == 0 {
		c.FileLifetime = jobs.Duration(DefaultFileLifetime)
	}
	if c.BatchLifetime == 0 {
		c.BatchLifetime = max(jobs.Duration(DefaultBatchLifetime), c.FileLifetime)
	}
	c.Limits = c.Limits.or(defaultLimits)
	c.Tenants = slices.Clone(c.Tenants)
	for i := range c.Tenants {
		c.Tenants[i].Limits = c.Tenants[i].Limits.or(c.Limits)
		if c.Tenants[i].Webhook == (Webhook{}) {
			c.Tenants[i].Webhook = c.Webhook
		}
	}
	return c
}

// or fills in what is left out.
func (l Limits) or(other Limits) Limits {
	fill(&l.File, other.File)
	fill(&l.BatchRequests, other.BatchRequests)
	fill(&l.Files, other.Files)
	fill(&l.Bytes, other.Bytes)
	fill(&l.OpenBatches, other.OpenBatches)
	fill(&l.RequestsPerMinute, other.RequestsPerMinute)
	return l
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// tenant returns the settings of a tenant.
func (c Config) tenant(name string) Tenant {
	for _, tenant := range c.Tenants {
		if tenant.Name == name {
			return tenant
		}
	}
	return Tenant{Name: name, Limits: c.Limits, Webhook: c.Webhook}
}

// models returns what a tenant may use.
func (c Config) models(tenant string) []Model {
	return slices.DeleteFunc(slices.Clone(c.Models), func(m Model) bool {
		return len(m.Tenants) > 0 && !slices.Contains(m.Tenants, tenant)
	})
}

// validTenant is what a tenant's name looks like: it is part of keys.
var validTenant = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

const tenantRule = "must be lower-case letters, digits and dashes, at most 63"

// problems returns all that is wrong.
func (c Config) problems() (list []jobs.Problem) {
	require := func(ok bool, field, format string, args ...any) {
		if !ok {
			list = append(list, jobs.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
		}
	}
	sample := jobs.Spec{Output: c.Root}
	require(c.Root != "", "root", "is missing; name the prefix below which files and batches lie, such as s3://bucket/openai/")
	for _, problem := range sample.WithDefaults().Problems() {
		require(c.Root == "" || problem.Field != "output", "root", "%s", problem.Message)
	}
	require(len(c.Models) > 0, "models", "is missing; name at least one model and its endpoint")
	require(c.FileLifetime >= jobs.Duration(time.Hour), "file_lifetime", "must be at least 1h")
	longest := max(c.FileLifetime, jobs.Duration(maxLifetime*time.Second))
	require(c.BatchLifetime >= longest, "batch_lifetime", "must be at least %s: files may live that long", longest.Std())
	for i, window := range c.CompletionWindows {
		length, err := time.ParseDuration(window)
		require(err == nil && length > 0, fmt.Sprintf("completion_windows.%d", i), "%q must be a time such as 24h", window)
	}
	seen := map[string]bool{}
	for i, model := range c.Models {
		at := fmt.Sprintf("models.%d", i)
		require(model.Name != "", at+".name", "is missing; it is what requests call the model")
		require(!seen[model.Name] || model.Name == "", at+".name", "%q is there already", model.Name)
		seen[model.Name] = true
		list = append(list, model.problems(at)...)
	}
	c.checkTenants(require)
	return list
}

func (c Config) checkTenants(require func(ok bool, field, format string, args ...any)) {
	c.Limits.check("limits", require)
	c.Webhook.check("webhook", require)
	seen := map[string]bool{}
	for i, tenant := range c.Tenants {
		at := fmt.Sprintf("tenants.%d", i)
		require(validTenant.MatchString(tenant.Name), at+".name", "%q %s", tenant.Name, tenantRule)
		require(!seen[tenant.Name], at+".name", "%q is there already", tenant.Name)
		seen[tenant.Name] = true
		tenant.Limits.check(at+".limits", require)
		if tenant.Webhook != c.Webhook {
			tenant.Webhook.check(at+".webhook", require)
		}
	}
	for i, model := range c.Models {
		for k, name := range model.Tenants {
			require(validTenant.MatchString(name), fmt.Sprintf("models.%d.tenants.%d", i, k), "%q %s", name, tenantRule)
		}
	}
}

func (l Limits) check(at string, require func(ok bool, field, format string, args ...any)) {
	require(l.File > 0, at+".file", "must not be negative")
	require(l.BatchRequests > 0, at+".batch_requests", "must not be negative")
	require(l.Files > 0, at+".files", "must not be negative")
	require(l.Bytes > 0, at+".bytes", "must not be negative")
	require(l.OpenBatches > 0, at+".open_batches", "must not be negative")
	require(l.RequestsPerMinute > 0, at+".requests_per_minute", "must not be negative")
}

// check judges a webhook as a job file's notify is judged.
func (w Webhook) check(at string, require func(ok bool, field, format string, args ...any)) {
	names := map[string]string{"notify.webhook": ".url", "notify.webhook_env": ".url_env", "notify.secret_env": ".secret_env"}
	for _, problem := range (jobs.Spec{Notify: w.notify()}).WithDefaults().Problems() {
		if strings.HasPrefix(problem.Field, "notify") {
			require(false, at+names[problem.Field], "%s", problem.Message)
		}
	}
}

// notify is the webhook in the words of a job.
func (w Webhook) notify() jobs.Notify {
	if w == (Webhook{}) {
		return jobs.Notify{}
	}
	return jobs.Notify{Webhook: w.URL, WebhookEnv: w.URLEnv, SecretEnv: w.SecretEnv, Format: jobs.OpenAINotice}
}

// problems are those that a job with the model's endpoint would have.
func (m Model) problems(at string) (list []jobs.Problem) {
	spec := m.spec()
	spec.Name, spec.Input, spec.Output = "batch", jobs.URLs{"s3://bucket/input"}, "s3://bucket/output/"
	for _, problem := range spec.WithDefaults().Problems() {
		problem.Field = at + "." + problem.Field
		list = append(list, problem)
	}
	return list
}

// spec is what every job for the model has in common.
func (m Model) spec() jobs.Spec {
	spec := jobs.Spec{
		Requests: m.Requests,
		Limits:   jobs.Limits{Warmup: m.Limits.Warmup, GPUMinutes: m.Limits.GPUMinutes, Cost: m.Limits.Cost},
	}
	for _, endpoint := range m.Endpoints {
		spec.Endpoints = append(spec.Endpoints, m.shared(endpoint))
	}
	if len(m.Endpoints) == 0 || !reflect.ValueOf(m.Endpoint).IsZero() {
		spec.Endpoint = m.shared(m.Endpoint)
	}
	return spec
}

var notInShare = regexp.MustCompile(`[^a-z0-9]+`)

// shared makes all batches of a model share what is rented for one of them.
// What exists already is not rented, and what is kept cannot be shared.
func (m Model) shared(e jobs.Endpoint) jobs.Endpoint {
	rented := e.Provider != "static" && e.ID == "" && e.Mode != jobs.ProviderBatch && e.Release != jobs.ReleaseDisable
	if !rented || !e.Share.IsZero() {
		return e
	}
	sum := sha256.Sum256([]byte(m.Name))
	slug := strings.Trim(notInShare.ReplaceAllString(strings.ToLower(m.Name), "-"), "-")
	slug = strings.Trim(slug[:min(len(slug), 24)], "-")
	e.Share = jobs.Share{Name: strings.TrimPrefix(slug+"-"+hex.EncodeToString(sum[:3]), "-"), Linger: m.Linger}
	return e
}
