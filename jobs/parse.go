package jobs

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Parse reads a job file strictly and returns the spec with defaults filled
// in. fileName is used in messages, and for the job's name when the file has
// none. Whatever is wrong with the file comes back as one *[InvalidError] that
// names every problem with its line. Overrides come in place of what the file
// says; with some, the file may be empty.
func Parse(fileName string, text []byte, overrides ...Override) (Spec, error) {
	if len(text) == 0 && len(overrides) > 0 {
		text = []byte("{}")
	}
	fillIn := func(spec Spec) Spec {
		if spec.Name == "" {
			spec.Name = nameFromFile(fileName)
		}
		return spec.WithDefaults()
	}
	return load(fileName, text, overrides, fillIn, Spec.Problems)
}

// Load reads a YAML file that is not a job's as strictly as [Parse] reads those:
// into T, whose defaults fillIn fills in and which check judges. Fields of T are
// named by yaml tags.
func Load[T any](fileName string, text []byte, fillIn func(T) T, check func(T) []Problem) (T, error) {
	return load(fileName, text, nil, fillIn, check)
}

func load[T any](fileName string, text []byte, overrides []Override, fillIn func(T) T, check func(T) []Problem) (into T, err error) {
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return into, &InvalidError{File: fileName, Problems: loadProblems(err)}
	}
	override(&document, overrides)
	problems := unknownFields(&document, into)
	unreadable := loadProblems(document.Load(&into))
	problems = append(problems, unreadable...)
	into = fillIn(into)
	for _, problem := range check(into) {
		value, line := locate(&document, problem.Field)
		if problem.Line = line; !told(unreadable, value) {
			problems = append(problems, problem)
		}
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
		overridden(problems, overrides)
		var none T
		return none, &InvalidError{File: fileName, Problems: problems}
	}
	return into, nil
}

// told reports whether a value has been complained about already: one that
// could not be read looks like one that was left out.
func told(unreadable []Problem, value *yaml.Node) bool {
	return value != nil && slices.ContainsFunc(unreadable, func(p Problem) bool {
		return p.Line == value.Line && p.column == value.Column
	})
}

// loadProblems turns the YAML library's errors into problems.
func loadProblems(err error) []Problem {
	if err == nil {
		return nil
	}
	if several, ok := errors.AsType[*yaml.LoadErrors](err); ok {
		problems := make([]Problem, len(several.Errors))
		for i, one := range several.Errors {
			problems[i] = Problem{Line: one.Mark.Line, column: one.Mark.Column, Message: plainWords(one.Message)}
		}
		return problems
	}
	if one, ok := errors.AsType[*yaml.LoadError](err); ok {
		return []Problem{{Line: one.Mark.Line, Message: "not valid YAML: " + one.Message}}
	}
	return []Problem{{Message: err.Error()}}
}

var constructError = regexp.MustCompile("^cannot construct !!(\\w+) `(.*)` into (.+)$")

// plainWords says what the YAML library says of a value of the wrong type
// without naming Go types.
func plainWords(message string) string {
	if strings.Contains(message, "no documents in stream") {
		return "the file is empty"
	}
	parts := constructError.FindStringSubmatch(message)
	if parts == nil {
		return message
	}
	wanted := map[string]string{"int": "a whole number", "float64": "a number", "string": "text", "bool": "true or false"}[parts[3]]
	if wanted == "" {
		return "a value of the wrong kind: `" + parts[2] + "`"
	}
	return "`" + parts[2] + "` is not " + wanted
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// nameFromFile makes a job name of a file name: "Nightly Run.yaml" becomes
// "nightly-run".
func nameFromFile(fileName string) string {
	base := path.Base(strings.ReplaceAll(fileName, `\`, "/"))
	base = strings.TrimSuffix(base, path.Ext(base))
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(base), "-"), "-")
	if name == "" {
		return "job"
	}
	return strings.TrimRight(name[:min(len(name), maxName)], "-")
}
