package jobs

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	reflector "github.com/invopop/jsonschema"

	"github.com/nightshift-run/nightshift/internal/golden"
	"github.com/nightshift-run/nightshift/internal/schematest"
)

// TestSchema: the schema that is checked in is that of the types. Run with
// -update after changing one.
func TestSchema(t *testing.T) {
	t.Parallel()
	golden.Check(t, "schema.json", schematest.Text(t, generateSchema(t)))
}

func generateSchema(t *testing.T) *reflector.Schema {
	t.Helper()
	schema := schematest.Reflect(t, "jobs", "nightshift job file", Spec{}, schemaOf)
	schema.Required = []string{"input", "output"}
	schema.OneOf = []*reflector.Schema{{Required: []string{"endpoint"}}, {Required: []string{"endpoints"}}}
	for _, field := range schema.Definitions["Calendar"].Properties.FromOldest() {
		field.Type, field.OneOf = "", []*reflector.Schema{{Type: "string"}, {Type: "integer"}}
	}
	return schema
}

// schemaOf are the types that are written in a way of their own.
var schemaOf = map[reflect.Type]*reflector.Schema{
	reflect.TypeFor[URLs]():  oneOrSeveral,
	reflect.TypeFor[Crons](): oneOrSeveral,
	reflect.TypeFor[Options](): {Type: "object", AdditionalProperties: &reflector.Schema{OneOf: []*reflector.Schema{
		{Type: "string"}, {Type: "number"}, {Type: "boolean"},
	}}},
	reflect.TypeFor[Duration](): {Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$|^0$`, Examples: []any{"90s", "30m", "12h"}},
	reflect.TypeFor[Money]():    {Type: "string", Pattern: moneyPattern.String(), Examples: []any{"3.20 USD"}},
	reflect.TypeFor[Concurrency](): {OneOf: []*reflector.Schema{
		{Const: "auto"}, {Type: "integer", Minimum: "1"},
	}},
	reflect.TypeFor[Mode]():         {Type: "string", Enum: []any{OnEndpoint, ProviderBatch}},
	reflect.TypeFor[Release]():      {Type: "string", Enum: []any{ReleaseDelete, ReleaseDisable, ReleaseRestore}},
	reflect.TypeFor[NoticeFormat](): {Type: "string", Enum: []any{OpenAINotice}},
	reflect.TypeFor[OnInvalid]():    {Type: "string", Enum: []any{FailOnInvalid, SkipInvalid}},
	reflect.TypeFor[Models]():       {Type: "string", Enum: []any{OneModel, AnyModel}},
	reflect.TypeFor[Size](): {Examples: []any{"64MiB", "20 MB"}, OneOf: []*reflector.Schema{
		{Type: "string", Pattern: sizePattern.String()}, {Type: "integer", Minimum: "1"},
	}},
	reflect.TypeFor[Overlap](): {Type: "string", Enum: []any{OverlapSkip, OverlapBufferOne}},
	reflect.TypeFor[Event](): {Type: "string", Enum: []any{
		OnCompleted, OnFailed, OnExpired, OnCancelled, OnUnconfirmed, OnSkipped,
	}},
}

var oneOrSeveral = &reflector.Schema{OneOf: []*reflector.Schema{
	{Type: "string"}, {Type: "array", Items: &reflector.Schema{Type: "string"}},
}}

// TestSchema_TakesWhatParseTakes, and refuses what it refuses, each with one
// mistake or one more field than the minimal file.
func TestSchema_TakesWhatParseTakes(t *testing.T) {
	t.Parallel()
	for more, good := range map[string]bool{
		"": true,
		"limits: {deadline: 1h30m, cost: 20 EUR, gpu_minutes: 0.5}": true,
		"limits: {deadline: 12}":                                    false,
		"limits: {cost: 20}":                                        false,
		"requests: {concurrency: auto}":                             true,
		"requests: {concurrency: 300}":                              true,
		"requests: {concurrency: many}":                             false,
		"max_line: 1MiB":                                            true,
		"max_line: 1048576":                                         true,
		"max_line: long":                                            false,
		"models: any":                                               true,
		"on_invalid: guess":                                         false,
		"outputs: x":                                                false,
		"schedule: {cron: 0 2 * * *, time_zone: Europe/Berlin, overlap: buffer_one}":       true,
		"schedule: {cron: [0 2 * * *, '@every 2h'], jitter: 5m, catch_up: 2h}":             true,
		"schedule: {calendars: [{hour: 2, day_of_week: mon-fri}], pause_on_failure: true}": true,
		"schedule: {cron: 0 2 * * *, overlap: terminate_other}":                            false,
		"schedule: {cron: 0 2 * * *, skip_unchanged: false}":                               true,
		"schedule: {cron: {a: b}}": false,
		"notify: {webhook: 'https://example.com/x', secret_env: HOOK_SECRET, on: [failed, unconfirmed]}": true,
		"notify: {webhook: 'https://example.com/x', secret: abc}":                                        false,
		"notify: {webhook: 'https://example.com/x', on: [always]}":                                       false,
	} {
		t.Run(more, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(more, "schedule:") {
				more += "\noutput_exists: replace"
			}
			file := []byte(minimal + more + "\n")
			_, parsed := Parse("job.yaml", file)
			if checked := schematest.Validate(t, Schema, file); (checked == nil) != good || (parsed == nil) != good {
				t.Errorf("good is %t; the schema says %v, Parse says %v", good, checked, parsed)
			}
		})
	}
}

// TestExamples: each is valid, and says so to editors.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(file, text); err != nil {
				t.Error(err)
			}
			if err := schematest.Validate(t, Schema, text); err != nil {
				t.Error(err)
			}
			if !bytes.HasPrefix(text, []byte("# yaml-language-server: $schema=../jobs/schema.json\n")) {
				t.Error("its first line does not name the schema")
			}
		})
	}
}
