package jobs

import (
	"strings"
	"testing"
	"time"
)

// A moment of which the day is another one in UTC.
var night = Moment{
	Time: time.Date(2026, time.November, 20, 23, 30, 0, 0, time.UTC).In(mustZone("Europe/Berlin")),
	Job:  "20261120-233000-job-k3fq", Schedule: "nightly",
}

func mustZone(name string) *time.Location {
	zone, err := loadZone(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func TestSpec_At_FillsInTemplates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"s3://b/in.jsonl":                                          "s3://b/in.jsonl",
		"s3://b/{{ .Date }}/*.jsonl":                               "s3://b/2026-11-21/*.jsonl",
		"{{.Job}}/{{.Schedule}}":                                   "20261120-233000-job-k3fq/nightly",
		`{{ .Time | addDays -1 | date "2006/01/02" }}`:             "2026/11/20",
		`{{ date "15h04" .Time }}`:                                 "00h30",
		`{{ .Time.Format "2006" }}`:                                "2026",
		`{{ .Time | in "UTC" | date "2006-01-02T15" }}`:            "2026-11-20T23",
		`{{ .Time | addMonths -1 | date "2006-01" }}`:              "2026-10",
		`{{ .Time | addHours 24 | date "2006-01-02" }}`:            "2026-11-22",
		`{{ printf "%s-%s" .Schedule (.Time | date "0102") }}`:     "nightly-1121",
		`{{ (.Time | addDays 1).Weekday }}/{{ .Time.YearDay }}.gz`: "Sunday/325.gz",
	} {
		spec, err := Spec{Name: "job", Input: URLs{"s3://b/x", text}, Output: text}.At(night)
		if err != nil || spec.Output != want || spec.Input[1] != want {
			t.Errorf("%s: %q, %q, %v; want %q", text, spec.Output, spec.Input[1], err, want)
		}
	}
}

// TestParse_ChecksTemplates when the file is read, with the line, wherever in
// the template the mistake is.
func TestParse_ChecksTemplates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"in.jsonl", "{{ .Day }}.jsonl", "job.yaml:2: input: template: unknown name .Day; known: Job, Date, Time, Schedule"},
		{"in.jsonl", "{{ .Dat }}.jsonl", "did you mean Date?"},
		{"in.jsonl", "{{ .Date .jsonl", "input: template: "},
		{"in.jsonl", "{{ .Date | dat `x` }}.jsonl", "unknown function dat; did you mean date?"},
		{"in.jsonl", "{{ or .Date .Nope }}.jsonl", "unknown name .Nope"},
		{"in.jsonl", "{{ .Time.Nope }}.jsonl", "can't evaluate field Nope"},
		{"in.jsonl", "{{ .Time | in `Mars` }}.jsonl", `"Mars" is not a time zone`},
		{"in.jsonl", "{{ if .Date }}x{{ end }}.jsonl", "only values can stand here"},
		{"in.jsonl", "{{ $x := 1 }}.jsonl", "only values can stand here"},
		{"answers/out/", "{{ .Dates }}/", "job.yaml:3: output: template: unknown name .Dates"},
		{"s3://answers/out/", "'{{ .Date }}/'", `output: "2026-11-21/" must be a prefix`},
		{"\noutput", "\nname: '{{ .Job }}'\noutput", "name: template: unknown name .Job"},
		{"\noutput", "\nname: '{{ .Time }}'\noutput", "name: must be lower-case"},
		{"input: s3://prompts/in.jsonl", "input:\n - s3://a/b\n - s3://a/{{ .X }}", "job.yaml:4: input.1: template: unknown name .X"},
	} {
		t.Run(c.new, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(minimal, c.old, c.new, 1)
			_, err := Parse("job.yaml", []byte(text))
			if text == minimal || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nand does not say\n%s", err, c.want)
			}
		})
	}
}

func TestScheduledID(t *testing.T) {
	t.Parallel()
	id := ScheduledID("summaries", night.Time, "run-1")
	if !strings.HasPrefix(id, "20261120-233000-summaries-") || CheckID(id) != nil || len(id) != len("20261120-233000-summaries-k3fq") {
		t.Errorf("id %q, %v", id, CheckID(id))
	}
	if ScheduledID("summaries", night.Time, "run-1") != id || ScheduledID("summaries", night.Time, "run-2") == id {
		t.Error("the same run must have the same id, and another run another")
	}
	if longest := ScheduledID(strings.Repeat("x", maxName), night.Time, "run"); CheckID(longest) != nil {
		t.Error(CheckID(longest))
	}
}

func TestScheduleID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"summaries": "summaries", "summaries-{{ .Date }}": "nightly-run"} {
		if got := ScheduleID("jobs/Nightly Run.yaml", Spec{Name: name}); got != want || CheckScheduleID(got) != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if CheckScheduleID("No") == nil || CheckScheduleID(strings.Repeat("x", maxName+1)) == nil {
		t.Error("ids that are none are taken")
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("s3://b/{{ .Date }}/{{ .Time | addDays -1 | date `x` }}")
	f.Add("{{ (index .Job 1).X }}{{/* */}}")
	f.Fuzz(func(t *testing.T, text string) {
		filled, err := fillTemplate(text, night, inPlaces)
		if again, errAgain := fillTemplate(text, night, inPlaces); again != filled || (err == nil) != (errAgain == nil) {
			t.Errorf("%q is filled in as %q and then as %q", text, filled, again)
		}
	})
}
