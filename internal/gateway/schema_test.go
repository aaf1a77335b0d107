package gateway

import (
	"encoding/json"
	"path"
	"reflect"
	"testing"

	reflector "github.com/invopop/jsonschema"

	"github.com/nightshift-run/nightshift/examples"
	"github.com/nightshift-run/nightshift/internal/golden"
	"github.com/nightshift-run/nightshift/internal/schematest"
	"github.com/nightshift-run/nightshift/jobs"
)

// TestSchema: the schema that is checked in is that of the types. Run with
// -update after changing one.
func TestSchema(t *testing.T) {
	t.Parallel()
	golden.Check(t, "schema.json", schematest.Text(t, generateSchema(t)))
}

// generateSchema makes the schema of Config. What it has in common with job
// files is as their schema has it.
func generateSchema(t *testing.T) *reflector.Schema {
	t.Helper()
	var job reflector.Schema
	if err := json.Unmarshal(jobs.Schema, &job); err != nil {
		t.Fatal(err)
	}
	known := map[reflect.Type]*reflector.Schema{}
	learn(known, reflect.TypeFor[jobs.Spec](), &job, job.Definitions)
	schema := schematest.Reflect(t, "internal/gateway", "nightshift serve's file", Config{}, known)
	schema.Required = []string{"root", "models"}
	schema.Definitions["Model"].Required = []string{"name"}
	schema.Definitions["Model"].OneOf = []*reflector.Schema{{Required: []string{"endpoint"}}, {Required: []string{"endpoints"}}}
	schema.Definitions["Tenant"].Required = []string{"name"}
	schema.Definitions["Tenant"].Properties.Value("name").Pattern = validTenant.String()
	for _, shared := range []string{"Endpoint", "Requests"} {
		borrow(schema.Definitions, job.Definitions, shared)
	}
	return schema
}

// learn notes how a schema has each field's type of a struct, and those of the
// structs in it.
func learn(known map[reflect.Type]*reflector.Schema, typ reflect.Type, schema *reflector.Schema, definitions reflector.Definitions) {
	for field := range typ.Fields() {
		property, ok := schema.Properties.Get(field.Tag.Get("yaml"))
		if !ok || field.Type.PkgPath() == "" || known[field.Type] != nil {
			continue
		}
		one := *property
		one.Description = ""
		known[field.Type] = &one
		if field.Type.Kind() == reflect.Struct && one.Ref != "" {
			learn(known, field.Type, definitions[path.Base(one.Ref)], definitions)
		}
	}
}

// borrow copies a definition, and those that it refers to.
func borrow(to, from reflector.Definitions, name string) {
	if to[name] != nil {
		return
	}
	to[name] = from[name]
	if from[name].Properties == nil {
		return
	}
	for _, property := range from[name].Properties.FromOldest() {
		if property.Ref != "" {
			borrow(to, from, path.Base(property.Ref))
		}
	}
}

// TestSchema_TakesWhatParseConfigTakes, and refuses what it refuses, each with
// one mistake or one more field than the minimal file.
func TestSchema_TakesWhatParseConfigTakes(t *testing.T) {
	t.Parallel()
	const root, model = "root: s3://b/x/\n", "models: [{name: m, endpoint: {provider: static, base_url: 'http://127.0.0.1:1/v1', model: m}, "
	for file, good := range map[string]bool{
		string(examples.Serve): true,
		root + model + "}]":    true,
		root + model + "linger: 10m, limits: {warmup: 30m, gpu_minutes: 0.5, cost: 80 USD}, requests: {concurrency: auto}, tenants: [a]}]":          true,
		root + model + "}]\ncompletion_windows: [24h, 2h]\nfile_lifetime: 720h\nbatch_lifetime: 9000h\nlimits: {file: 4 GB, bytes: 1000, files: 3}": true,
		root + model + "}]\nwebhook: {url: 'https://example.com/', secret_env: HOOK}\ntenants: [{name: a, limits: {open_batches: 2}}]":              true,
		root:                         false,
		model + "}]":                 false,
		root + "models: [{name: m}]": false,
		root + model + "}]\nrots: x": false,
		root + model + "endpoints: [{provider: static, base_url: 'http://127.0.0.1:1/v1', model: m}]}]": false,
		root + model + "linger: long}]":                                     false,
		root + model + "limits: {cost: 80}}]":                               false,
		root + model + "limits: {deadline: 1h}}]":                           false,
		root + model + "}]\nlimits: {file: large}":                          false,
		root + model + "}]\nlimits: {files: many}":                          false,
		root + model + "}]\ntenants: [{name: A}]":                           false,
		root + model + "}]\ntenants: [{limits: {files: 1}}]":                false,
		root + "models: [{name: m, endpoint: {provider: nebius, gpus: 1}}]": false,
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			_, parsed := ParseConfig("serve.yaml", []byte(file))
			if checked := schematest.Validate(t, Schema, []byte(file)); (checked == nil) != good || (parsed == nil) != good {
				t.Errorf("%s\ngood is %t; the schema says %v, ParseConfig says %v", file, good, checked, parsed)
			}
		})
	}
}
