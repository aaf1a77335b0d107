package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/nightshift-run/nightshift/internal/spell"
)

// Moment is what the templates in a job file's name, input and output are
// filled in from:
//
//	input: s3://prompts/{{ .Date }}/*.jsonl
//	output: s3://answers/{{ .Time | addDays -1 | date "2006/01/02" }}/
//	name: summaries-{{ .Time | date "2006-01" }}
//
// Beside text/template's own functions there are date LAYOUT TIME, which
// formats in Go's way, addDays N TIME, addHours N TIME, addMonths N TIME, and
// in ZONE TIME.
type Moment struct {
	// Time is the time for which a run was scheduled, whenever it starts, or
	// that of the submission; in the schedule's time zone.
	Time time.Time

	Job      string // the job's id; not for the name, which is part of it
	Schedule string // the schedule's id; empty for a job that was submitted by hand
}

// Date is the moment's day, as 2006-01-02.
func (m Moment) Date() string { return m.Time.Format(time.DateOnly) }

// At returns the spec with its templates filled in.
func (s Spec) At(m Moment) (Spec, error) {
	var err error
	if s.Name, err = s.NameAt(m); err != nil {
		return Spec{}, err
	}
	s.Input = slices.Clone(s.Input)
	for i := range s.Input {
		if s.Input[i], err = fillTemplate(s.Input[i], m, inPlaces); err != nil {
			return Spec{}, fmt.Errorf("%s: %w", oneOf("input", i, len(s.Input)), err)
		}
	}
	if s.Output, err = fillTemplate(s.Output, m, inPlaces); err != nil {
		return Spec{}, fmt.Errorf("output: %w", err)
	}
	return s, nil
}

// NameAt returns the job's name with its template filled in. It is part of the
// id of the job, which it cannot name.
func (s Spec) NameAt(m Moment) (string, error) {
	name, err := fillTemplate(s.Name, m, inName)
	if err != nil {
		return "", fmt.Errorf("name: %w", err)
	}
	return name, nil
}

// sample is the spec as it might be filled in, so that what comes of its
// templates can be checked before there is a moment. What cannot be filled in
// is a problem, and a valid value stands for it.
func (s Spec) sample(list *problemList) Spec {
	m := Moment{
		Time: time.Date(2026, time.November, 21, 2, 0, 0, 0, s.Schedule.Zone()),
		Job:  "20261121-020000-job-k3fq", Schedule: "job",
	}
	filled := func(field, text string, known []string, instead string) string {
		result, err := fillTemplate(text, m, known)
		if err != nil {
			list.require(false, field, "%v", err)
			return instead
		}
		return result
	}
	s.Name = filled("name", s.Name, inName, "job")
	s.Input = slices.Clone(s.Input)
	for i := range s.Input {
		s.Input[i] = filled(oneOf("input", i, len(s.Input)), s.Input[i], inPlaces, "s3://prompts/in.jsonl")
	}
	s.Output = filled("output", s.Output, inPlaces, "s3://answers/")
	return s
}

// What templates may name.
var (
	inName   = []string{"Date", "Time", "Schedule"}
	inPlaces = append([]string{"Job"}, inName...)

	templateFunctions = template.FuncMap{
		"date":      func(layout string, at time.Time) string { return at.Format(layout) },
		"addDays":   func(n int, at time.Time) time.Time { return at.AddDate(0, 0, n) },
		"addMonths": func(n int, at time.Time) time.Time { return at.AddDate(0, n, 0) },
		"addHours":  func(n int, at time.Time) time.Time { return at.Add(time.Duration(n) * time.Hour) },
		"in": func(zone string, at time.Time) (time.Time, error) {
			there, err := loadZone(zone)
			if err != nil {
				return at, err
			}
			return at.In(there), nil
		},
	}
)

// fillTemplate fills in a text, which may name the fields known of a Moment.
// Text without {{ is returned as it is.
//
// Workflows may call it: a template's functions read the moment and nothing else.
//
//workflowcheck:ignore
func fillTemplate(text string, m Moment, known []string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	parsed, err := template.New("").Option("missingkey=error").Funcs(templateFunctions).Parse(text)
	if err != nil {
		return "", plainTemplateError(err)
	}
	for _, node := range parsed.Root.Nodes {
		if err := checkNode(node, known); err != nil {
			return "", err
		}
	}
	var filled strings.Builder
	if err := parsed.Execute(&filled, m); err != nil {
		return "", plainTemplateError(err)
	}
	return filled.String(), nil
}

// checkNode refuses names that no Moment has, also where this one would not
// come by them, and statements: a template is text with values in it.
func checkNode(node parse.Node, known []string) error {
	var below []parse.Node
	switch n := node.(type) {
	case *parse.ActionNode:
		below = []parse.Node{n.Pipe}
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			return notAValue(node)
		}
		for _, command := range n.Cmds {
			below = append(below, command.Args...)
		}
	case *parse.ChainNode:
		below = []parse.Node{n.Node}
	case *parse.FieldNode:
		if !slices.Contains(known, n.Ident[0]) {
			return fmt.Errorf("template: unknown name .%s; %s", n.Ident[0], spell.Suggest(n.Ident[0], known))
		}
	case *parse.TextNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.IdentifierNode:
	default:
		return notAValue(node)
	}
	for _, node := range below {
		if err := checkNode(node, known); err != nil {
			return err
		}
	}
	return nil
}

func notAValue(node parse.Node) error {
	return fmt.Errorf("template: %s: only values can stand here, such as {{ .Date }}", node)
}

var (
	templatePlace   = regexp.MustCompile(`^template: :\d+(?::\d+)?: (?:executing "" at )?`)
	unknownFunction = regexp.MustCompile(`function "(\w+)" not defined`)
)

// plainTemplateError says what text/template says without its own places.
func plainTemplateError(err error) error {
	text := templatePlace.ReplaceAllString(err.Error(), "")
	if unknown := unknownFunction.FindStringSubmatch(text); unknown != nil {
		return fmt.Errorf("template: unknown function %s; %s", unknown[1], spell.Suggest(unknown[1], functionNames()))
	}
	return fmt.Errorf("template: %s", text)
}

func functionNames() []string {
	var names []string
	for name := range templateFunctions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
