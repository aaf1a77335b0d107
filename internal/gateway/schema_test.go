package gateway

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"

	reflector "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/nightshift-run/nightshift/examples"
	"github.com/nightshift-run/nightshift/jobs"
)

var update = flag.Bool("update", false, "write schema.json anew")

// TestSchema: the schema that is checked in is that of the types. Run with
// -update after changing one.
func TestSchema(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(generateSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile("schema.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, Schema) {
		t.Error("schema.json is not that of the types; run: go test ./internal/gateway -run TestSchema -update")
	}
}

const schemaID = "https://raw.githubusercontent.com/nightshift-run/nightshift/main/internal/gateway/schema.json"

// generateSchema makes the schema of Config, with the comments of its fields as
// descriptions. What it has in common with job files is as their schema has it.
func generateSchema(t *testing.T) *reflector.Schema {
	t.Helper()
	var job reflector.Schema
	if err := json.Unmarshal(jobs.Schema, &job); err != nil {
		t.Fatal(err)
	}
	known := map[reflect.Type]*reflector.Schema{}
	learn(known, reflect.TypeFor[jobs.Spec](), &job, job.Definitions)
	r := reflector.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true,
		Mapper: func(typ reflect.Type) *reflector.Schema {
			if known[typ] == nil {
				return nil
			}
			one := *known[typ]
			return &one
		},
	}
	if err := r.AddGoComments("github.com/nightshift-run/nightshift/internal/gateway", "./", reflector.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	for name, comment := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(comment), " ")
	}
	schema := r.Reflect(Config{})
	schema.ID, schema.Title = schemaID, "nightshift serve's file"
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

// checkSchema reports what the schema has against a file.
func checkSchema(t *testing.T, file []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	var served any
	if err := yaml.Unmarshal(file, &served); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(served)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
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
			if checked := checkSchema(t, []byte(file)); (checked == nil) != good || (parsed == nil) != good {
				t.Errorf("%s\ngood is %t; the schema says %v, ParseConfig says %v", file, good, checked, parsed)
			}
		})
	}
}
