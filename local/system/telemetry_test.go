package system

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.temporal.io/sdk/client"
	"go.yaml.in/yaml/v4"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/worker"
	"github.com/nightshift-run/nightshift/workflows"
)

// root is the repository's, as it was before the S3 server changed the working
// directory.
var root = func() string {
	root, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return root + "/"
}()

// TestTelemetry runs a job with some trouble, and a sweep, through the built
// program, and compares what it tells with what the dashboard, the alerts and
// the documentation say that it does.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true, Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 200 * time.Millisecond, MaxStreams: 16}}})
	otlp := f.receiver()
	w := f.startWorker("OTEL_EXPORTER_OTLP_ENDPOINT="+otlp.URL, "NIGHTSHIFT_TRACE_REQUESTS=1")
	during := f.eventful(w)
	text, families := w.scrape()
	maps.Copy(during, families) // what there is only while a job runs comes on top
	families = during

	t.Run("metrics are named by convention", func(t *testing.T) {
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			if strings.HasPrefix(problem.Metric, "nightshift_") {
				t.Errorf("%s: %s", problem.Metric, problem.Text)
			}
		}
	})
	t.Run("what is documented is told", func(t *testing.T) { documented(t, families) })
	t.Run("dashboard", func(t *testing.T) {
		for _, expression := range panels(t) {
			understands(t, families, expression)
		}
	})
	t.Run("alerts", func(t *testing.T) {
		for _, rule := range rules(t) {
			understands(t, families, rule.Expr)
			rule.hasRunbook(t)
		}
	})
	t.Run("series do not grow with the work", func(t *testing.T) {
		before := valuesOf(families)
		spec := f.spec(400)
		spec.Output = f.folder + "/again/"
		f.completed(f.await(f.submit(spec)))
		_, after := w.scrape()
		for value := range valuesOf(after) {
			if !before[value] && !kind.MatchString(value) {
				t.Errorf("another job brought %s", value)
			}
		}
	})
	w.stops()
	_, spans := otlp.taken()
	connected(t, spans)
}

// eventful makes as much happen as the metrics tell of, and returns what they
// told in the middle of it.
func (f *fixture) eventful(w *watched) (during map[string]*dto.MetricFamily) {
	f.Helper()
	f.Cloud.Inject(sim.Fault{Op: sim.OpCreate, Kind: sim.Status, Count: 1})
	f.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.RetryAfter, Count: 1})
	f.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.Status, Count: 5})
	spec := f.spec(200)
	spec.Endpoint.PricePerGPUHour = jobs.Money{Amount: 3, Currency: "USD"}
	f.completed(f.watch(f.submit(spec), halfway, func() { _, during = w.scrape() }))
	// A type that no worker knows makes a workflow task fail.
	unknown, err := f.Client.ExecuteWorkflow(f.within(), client.StartWorkflowOptions{TaskQueue: workflows.ControlQueue}, "Unheard")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = f.Client.TerminateWorkflow(f.within(), unknown.GetID(), "", "the test is over") })
	installation, err := worker.Installation(f.within(), f.Client, stack.Namespace)
	if err != nil {
		f.Fatal(err)
	}
	f.orphan(installation, "nobody", -worker.DefaultSweepEvery*10)
	if done := f.sweepNow(f.sweepSchedule(worker.DefaultSweepEvery)); done.Deleted != 1 {
		f.Errorf("the sweep deleted %d endpoints: %+v", done.Deleted, done)
	}
	return during
}

// described is a metric in the documentation's tables: | `name` | `label`, ... |.
var described = regexp.MustCompile("(?m)^\\| `(nightshift_[a-z_]+)` \\|([^|]*)\\|")

var quoted = regexp.MustCompile("`([a-z_]+)`")

// documented compares names and labels.
func documented(t *testing.T, families map[string]*dto.MetricFamily) {
	page, err := os.ReadFile(root + "docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, row := range described.FindAllStringSubmatch(string(page), -1) {
		name := row[1]
		known[name] = true
		if families[name] == nil {
			t.Errorf("%s is documented, and not told", name)
			continue
		}
		var want []string
		for _, label := range quoted.FindAllStringSubmatch(row[2], -1) {
			want = append(want, label[1])
		}
		slices.Sort(want)
		if got := labelsOf(families[name]); !slices.Equal(got, want) {
			t.Errorf("%s has labels %v, documented are %v", name, got, want)
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "nightshift_") && !known[name] {
			t.Errorf("%s is told, and not documented", name)
		}
	}
}

func labelsOf(family *dto.MetricFamily) []string {
	all := map[string]bool{}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			all[label.GetName()] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// kind is a label's value that a job may bring which others happened not to: the
// name of a kind of thing or a status, and not of one of many things.
var kind = regexp.MustCompile(`^[a-z_]+="([A-Za-z_ -]*|[1-5][0-9][0-9])"$`)

// valuesOf are the values of the labels, as name="value", without the bounds of
// histograms.
func valuesOf(families map[string]*dto.MetricFamily) map[string]bool {
	values := map[string]bool{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				values[fmt.Sprintf("%s=%q", label.GetName(), label.GetValue())] = true
			}
		}
	}
	return values
}

// panels are the dashboard's queries.
func panels(t *testing.T) (expressions []string) {
	text, err := os.ReadFile(root + "deploy/grafana/nightshift.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h")
	for _, panel := range dashboard.Panels {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			expressions = append(expressions, variables.Replace(target.Expr))
		}
	}
	if len(expressions) < 20 {
		t.Errorf("the dashboard has %d queries", len(expressions))
	}
	return expressions
}

// rule is an alert.
type rule struct {
	Alert, Expr string
	Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	text, err := os.ReadFile(root + "deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) < 10 {
		t.Errorf("there are %d alerts", len(all))
	}
	return all
}

// hasRunbook checks that the alert's link leads to a heading.
func (r rule) hasRunbook(t *testing.T) {
	page, err := os.ReadFile(root + "docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(r.Annotations["runbook_url"], "/docs/runbook.md#"+strings.ToLower(r.Alert)) {
		t.Errorf("%s links to %q", r.Alert, r.Annotations["runbook_url"])
	}
	if !strings.Contains(string(page), "\n## "+r.Alert+"\n") {
		t.Errorf("docs/runbook.md has no heading %s", r.Alert)
	}
}

// byPrometheus are labels that no process tells.
var byPrometheus = []string{"job", "instance", labels.MetricName}

// understands checks that Prometheus can parse an expression, and that every
// metric and label in it is told. Of labels with fixed values those that were
// seen must include the ones asked for, or the documentation does.
func understands(t *testing.T, families map[string]*dto.MetricFamily, expression string) {
	t.Helper()
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		t.Errorf("%s: %v", expression, err)
		return
	}
	told := append([]string{}, byPrometheus...)
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		family := familyOf(families, selector.Name)
		if family == nil {
			t.Errorf("%s: nobody tells %s", expression, selector.Name)
			return nil
		}
		has := append(labelsOf(family), byPrometheus...)
		for _, matcher := range selector.LabelMatchers {
			if !slices.Contains(has, matcher.Name) {
				t.Errorf("%s: %s has no label %s", expression, selector.Name, matcher.Name)
			}
			hasValues(t, expression, selector.Name, matcher)
		}
		told = append(told, has...)
		if family.GetType() == dto.MetricType_HISTOGRAM {
			told = append(told, "le")
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		var grouped []string
		switch node := node.(type) {
		case *parser.AggregateExpr:
			grouped = node.Grouping
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				grouped = node.VectorMatching.MatchingLabels
			}
		}
		for _, label := range grouped {
			if !slices.Contains(told, label) {
				t.Errorf("%s: groups by %s, which nothing in it has", expression, label)
			}
		}
		return nil
	})
}

func familyOf(families map[string]*dto.MetricFamily, name string) *dto.MetricFamily {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if family := families[base]; cut && family != nil && (suffix == "" || family.GetType() == dto.MetricType_HISTOGRAM) {
			return family
		}
	}
	return nil
}

// hasValues checks that the documentation knows the values that are asked for.
func hasValues(t *testing.T, expression, metric string, matcher *labels.Matcher) {
	t.Helper()
	if slices.Contains(byPrometheus, matcher.Name) {
		return
	}
	page, err := os.ReadFile(root + "docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	for value := range strings.SplitSeq(matcher.Value, "|") {
		if !strings.Contains(string(page), "`"+value+"`") {
			t.Errorf("%s: no %s of %s is documented to be %q", expression, matcher.Name, metric, value)
		}
	}
}

// connected checks that requests belong to shards, and shards to a job.
func connected(t *testing.T, spans []*tracepb.Span) {
	t.Helper()
	byID := map[string]*tracepb.Span{}
	names := map[string]int{}
	for _, span := range spans {
		byID[string(span.GetSpanId())] = span
		names[span.GetName()]++
	}
	path := func(span *tracepb.Span) (names []string) {
		for ; span != nil; span = byID[string(span.GetParentSpanId())] {
			names = append(names, span.GetName())
		}
		return names
	}
	whole := 0
	for _, span := range spans {
		if span.GetName() != "request" {
			continue
		}
		got := fmt.Sprint(path(span))
		if want := "[request RunActivity:RunShard StartActivity:RunShard RunWorkflow:Batch]"; strings.HasPrefix(got, strings.TrimSuffix(want, "]")) {
			whole++
		} else {
			t.Errorf("a request is part of %s, want %s", got, want)
			return
		}
	}
	if whole < 400 { // two jobs of 200
		t.Errorf("%d requests are in traces: %v", whole, names)
	}
}
