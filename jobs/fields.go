package jobs

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/nightshift-run/nightshift/internal/spell"
)

// unknownFields walks a YAML document beside the type that it is read into and
// finds the keys that the type does not have.
func unknownFields(document *yaml.Node, into any) []Problem {
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		document = document.Content[0]
	}
	return unknownIn(document, reflect.TypeOf(into), "")
}

func unknownIn(node *yaml.Node, typ reflect.Type, path string) []Problem {
	if typ.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode {
		var problems []Problem
		for i, item := range node.Content {
			problems = append(problems, unknownIn(item, typ.Elem(), joinPath(path, strconv.Itoa(i)))...)
		}
		return problems
	}
	if typ.Kind() != reflect.Struct || reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return []Problem{{Line: node.Line, Field: path, Message: "must hold fields, not a single value: " + strings.Join(fieldNames(typ), ", ")}}
	}
	var problems []Problem
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		field, known := fieldNamed(typ, key.Value)
		if !known {
			problems = append(problems, Problem{
				Line: key.Line, Field: joinPath(path, key.Value),
				Message: "unknown field; " + spell.Suggest(key.Value, fieldNames(typ)),
			})
			continue
		}
		problems = append(problems, unknownIn(value, field.Type, joinPath(path, key.Value))...)
	}
	return problems
}

// locate finds the value of the field with a dotted path, and the line of its
// name. Where the document does not have it the value is nil and the line that
// of the nearest enclosing field; 0 if there is none.
func locate(document *yaml.Node, path string) (value *yaml.Node, line int) {
	value = document
	if value.Kind == yaml.DocumentNode && len(value.Content) == 1 {
		value = value.Content[0]
	}
	for name := range strings.SplitSeq(path, ".") {
		next := (*yaml.Node)(nil)
		if i, err := strconv.Atoi(name); err == nil && value.Kind == yaml.SequenceNode && i < len(value.Content) {
			line, next = value.Content[i].Line, value.Content[i]
		}
		for i := 0; value.Kind == yaml.MappingNode && i+1 < len(value.Content); i += 2 {
			if value.Content[i].Value == name {
				line, next = value.Content[i].Line, value.Content[i+1]
			}
		}
		if next == nil {
			return nil, line
		}
		value = next
	}
	return value, line
}

func fieldNames(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		names = append(names, yamlName(typ.Field(i)))
	}
	return names
}

func fieldNamed(typ reflect.Type, name string) (reflect.StructField, bool) {
	for i := range typ.NumField() {
		if yamlName(typ.Field(i)) == name {
			return typ.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func yamlName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return name
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
