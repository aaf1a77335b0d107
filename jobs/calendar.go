package jobs

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Crons is one cron expression or a list of them.
type Crons []string

// UnmarshalYAML takes a scalar or a sequence of scalars.
func (c *Crons) UnmarshalYAML(node *yaml.Node) error { return (*URLs)(c).UnmarshalYAML(node) }

// Calendar is times given field by field, each like a field of a cron
// expression: 2, 1-5, mon-fri, "1,15", "*/10". Second, minute and hour are 0
// when left out, the others any.
type Calendar struct {
	Second     string `yaml:"second" json:"second,omitempty"`
	Minute     string `yaml:"minute" json:"minute,omitempty"`
	Hour       string `yaml:"hour" json:"hour,omitempty"`
	DayOfMonth string `yaml:"day_of_month" json:"day_of_month,omitempty"`
	Month      string `yaml:"month" json:"month,omitempty"`
	Year       string `yaml:"year" json:"year,omitempty"`
	DayOfWeek  string `yaml:"day_of_week" json:"day_of_week,omitempty"` // 0 or 7 is Sunday
}

// String writes the calendar as a cron expression, with seconds and a year
// only where they are given.
func (c Calendar) String() string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	cron := strings.Join([]string{or(c.Minute, "0"), or(c.Hour, "0"), or(c.DayOfMonth, "*"), or(c.Month, "*"), or(c.DayOfWeek, "*")}, " ")
	switch {
	case c.Second != "":
		return c.Second + " " + cron + " " + or(c.Year, "*")
	case c.Year != "":
		return cron + " " + c.Year
	}
	return cron
}

// Range is whole numbers from Start to End in steps of Step.
type Range struct{ Start, End, Step int }

// CalendarTimes are the times at which every field matches. No Year means every
// year; the other fields are never empty.
type CalendarTimes struct {
	Second, Minute, Hour, DayOfMonth, Month, Year, DayOfWeek []Range
}

// parse reads the fields and reports what is wrong with all of them.
func (c Calendar) parse() (CalendarTimes, error) {
	var times CalendarTimes
	var wrong []string
	for _, field := range []struct {
		calendarField
		text string
		into *[]Range
	}{
		{calendarField{name: "second", otherwise: "0", max: 59}, c.Second, &times.Second},
		{calendarField{name: "minute", otherwise: "0", max: 59}, c.Minute, &times.Minute},
		{calendarField{name: "hour", otherwise: "0", max: 23}, c.Hour, &times.Hour},
		{calendarField{name: "day_of_month", min: 1, max: 31}, c.DayOfMonth, &times.DayOfMonth},
		{calendarField{name: "month", min: 1, max: 12, names: months}, c.Month, &times.Month},
		{calendarField{name: "year", min: 2000, max: 2100}, c.Year, &times.Year},
		{calendarField{name: "day_of_week", max: 7, names: weekdays}, c.DayOfWeek, &times.DayOfWeek},
	} {
		ranges, err := field.parse(field.text)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		*field.into = ranges
	}
	if len(wrong) > 0 {
		return CalendarTimes{}, fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return times, nil
}

var (
	months   = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// calendarField is one field of a calendar.
type calendarField struct {
	name      string
	otherwise string // when it is left out; empty for any
	min, max  int
	names     []string // of the values from min on, or any three letters of them and more
}

// parse reads a field: numbers or names, ranges a-b, steps /n, several with
// commas. A year that may be any is nil, which is how Temporal has it.
func (f calendarField) parse(text string) ([]Range, error) {
	if text = strings.TrimSpace(text); text == "" {
		text = f.otherwise
	}
	if text == "" {
		text = "*"
	}
	if text == "*" && f.name == "year" {
		return nil, nil
	}
	var ranges []Range
	for part := range strings.SplitSeq(text, ",") {
		one, err := f.parseRange(part)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", f.name, text, err)
		}
		ranges = append(ranges, f.fold(one)...)
	}
	return ranges, nil
}

func (f calendarField) parseRange(part string) (Range, error) {
	span, step, stepped := strings.Cut(part, "/")
	r := Range{Start: f.min, End: f.max, Step: 1}
	if stepped {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 {
			return r, fmt.Errorf("%q is not a step; write it like */10", step)
		}
		r.Step = n
	}
	if span == "*" {
		return r, nil
	}
	first, last, ranged := strings.Cut(span, "-")
	var err error
	if r.Start, err = f.value(first, f.min); err != nil {
		return r, err
	}
	switch {
	case ranged:
		r.End, err = f.value(last, r.Start)
	case !stepped: // 5/10 goes on to the greatest value, 5 alone does not
		r.End = r.Start
	}
	return r, err
}

// value reads a number from least to f.max, or a name for one.
func (f calendarField) value(text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	for i, name := range f.names {
		if len(text) >= 3 && strings.HasPrefix(name, strings.ToLower(text)) {
			n, err = f.min+i, nil
		}
	}
	if err != nil || n < least || n > f.max {
		return 0, fmt.Errorf("%q is not from %d to %d", text, least, f.max)
	}
	return n, nil
}

// fold turns a Sunday that is written 7 into 0, as Temporal does.
func (f calendarField) fold(r Range) []Range {
	if f.name != "day_of_week" || r.End != 7 {
		return []Range{r}
	}
	if r.Start == 7 {
		return []Range{{Step: 1}}
	}
	folded := Range{Start: r.Start, End: 6, Step: r.Step}
	if sunday := (7-r.Start)%r.Step == 0; sunday && (r.Step > 1 || r.Start > 1) {
		return []Range{{Step: 1}, folded}
	} else if sunday {
		folded.Start = 0
	}
	return []Range{folded}
}
