package jobs

import (
	"encoding"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Override sets one field of a job file from elsewhere, such as a flag.
type Override struct {
	Path   string   // dotted path of the field, such as endpoint.gpu.type
	Values []string // the value; the items of a list; NAME=VALUE of a mapping
	Source string   // what messages call it, such as --gpu
}

// Field is one value that a job file can hold.
type Field struct {
	Path string // dotted
	Many bool   // a list, or a mapping from names to values
}

// Fields lists the values that a job file can hold, but for those below
// endpoints, which are those of endpoint.
func Fields() []Field { return fieldsOf(reflect.TypeFor[Spec](), "") }

func fieldsOf(typ reflect.Type, path string) []Field {
	var fields []Field
	for i := range typ.NumField() {
		field := typ.Field(i)
		at, inner := joinPath(path, yamlName(field)), plain(field.Type)
		switch {
		case yamlName(field) == "" || yamlName(field) == "-":
		case inner.Kind() == reflect.Slice && plain(inner.Elem()).Kind() == reflect.Struct:
		case inner.Kind() == reflect.Struct && !reads(inner):
			fields = append(fields, fieldsOf(inner, at)...)
		default:
			many := inner.Kind() == reflect.Map || inner.Kind() == reflect.Slice
			fields = append(fields, Field{Path: at, Many: many})
		}
	}
	return fields
}

// reads reports whether a type reads single values by itself.
func reads(typ reflect.Type) bool {
	pointer := reflect.PointerTo(typ)
	return pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || pointer.Implements(reflect.TypeFor[interface{ UnmarshalYAML(*yaml.Node) error }]())
}

func plain(typ reflect.Type) reflect.Type {
	if typ.Kind() == reflect.Pointer {
		return typ.Elem()
	}
	return typ
}

// override puts the overrides into a document. Their nodes have line numbers of
// their own, below zero, so that what is wrong with them can be told from what
// is wrong with the file: see [overridden].
func override(document *yaml.Node, overrides []Override) {
	for i, one := range overrides {
		node := document
		if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
			node = node.Content[0]
		}
		typ := reflect.TypeFor[Spec]()
		names := strings.Split(one.Path, ".")
		for depth, name := range names {
			key, value := child(node, name, -1-i)
			if node = value; depth == len(names)-1 {
				key.Line = -1 - i
			}
			if field, known := fieldNamed(typ, name); known {
				typ = plain(field.Type)
			}
		}
		*node = *valueNode(typ, one.Values)
		place(node, -1-i)
	}
}

// child finds or adds the value of a name in a mapping; what is no mapping
// becomes one.
func child(node *yaml.Node, name string, line int) (key, value *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		*node = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: line}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i], node.Content[i+1]
		}
	}
	key, value = text(name), &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: line}
	key.Line = line
	node.Content = append(node.Content, key, value)
	return key, value
}

// valueNode writes values as YAML would have them for a type.
func valueNode(typ reflect.Type, values []string) *yaml.Node {
	switch typ.Kind() {
	case reflect.Slice:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, value := range values {
			node.Content = append(node.Content, text(value))
		}
		return node
	case reflect.Map:
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, pair := range values {
			name, value, _ := strings.Cut(pair, "=")
			node.Content = append(node.Content, text(name), flow(value))
		}
		return node
	case reflect.String:
		return text(strings.Join(values, " "))
	}
	return flow(strings.Join(values, " "))
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// flow reads a value as a job file would: a number, a list in brackets. What
// cannot be read is text, and the field's type says what is wrong with it.
func flow(value string) *yaml.Node {
	var document yaml.Node
	if yaml.Load([]byte(value), &document) != nil || len(document.Content) != 1 {
		return text(value)
	}
	return document.Content[0]
}

// place gives a node and what is below it a line.
func place(node *yaml.Node, line int) {
	node.Line, node.Column = line, 0
	for _, inner := range node.Content {
		place(inner, line)
	}
}

// overridden gives the problems of overrides their sources in place of lines. A
// field that is missing beside one that was overridden is not its problem.
func overridden(problems []Problem, overrides []Override) {
	for i := range problems {
		problem := &problems[i]
		at := -1 - problem.Line
		if at < 0 || at >= len(overrides) {
			continue
		}
		problem.Line = 0
		if path := overrides[at].Path; problem.Field == "" || strings.HasPrefix(problem.Field+".", path+".") {
			problem.Source = overrides[at].Source
		}
	}
}
