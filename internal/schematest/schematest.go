// Package schematest makes the JSON Schemas of files that people write from the
// types that the files are read into, and checks files against a schema as an
// editor does.
package schematest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	reflector "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

const module = "github.com/nightshift-run/nightshift/"

// ID is the name of the schema in a package's folder, such as "jobs": the
// address at which editors find it.
func ID(folder string) string {
	return "https://raw.githubusercontent.com/nightshift-run/nightshift/main/" + folder + "/schema.json"
}

// Reflect makes the schema of a type of the package in that folder, which must
// be the one that is tested. Comments of fields are descriptions. A type in
// written has that schema, whatever Go makes of it.
func Reflect(t testing.TB, folder, title string, of any, written map[reflect.Type]*reflector.Schema) *reflector.Schema {
	t.Helper()
	r := reflector.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true,
		Mapper: func(typ reflect.Type) *reflector.Schema {
			if written[typ] == nil {
				return nil
			}
			one := *written[typ] // each field's own, which holds its description
			return &one
		},
	}
	if err := r.AddGoComments(module+folder, "./", reflector.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	for name, comment := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(comment), " ")
	}
	schema := r.Reflect(of)
	schema.ID, schema.Title = reflector.ID(ID(folder)), title
	return schema
}

// Text is a schema as it is checked in.
func Text(t testing.TB, schema *reflector.Schema) []byte {
	t.Helper()
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// Validate reports what a schema has against a YAML file.
func Validate(t testing.TB, schema, file []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	const name = "schema.json"
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	var written any
	if err := yaml.Unmarshal(file, &written); err != nil {
		return err
	}
	text, err := json.Marshal(written)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(instance)
}
