package jobs

import (
	"fmt"
	"time"
	_ "time/tzdata" // a worker in a bare container knows time zones too
)

// Schedule says when a job runs by itself. A job file has one to be given to
// the schedule commands; submitting it by hand runs it once, now.
type Schedule struct {
	// Cron is one cron expression or a list of them, of five fields (minute,
	// hour, day of month, month, day of week), with a year behind them, or with
	// seconds in front of them and a year behind; or @daily and its like, or
	// @every 2h. Where both days are given, both must match.
	Cron Crons `yaml:"cron" json:"cron,omitempty"`

	// Calendars are further times, each given field by field.
	Calendars []Calendar `yaml:"calendars" json:"calendars,omitempty"`

	// TimeZone is the IANA name of the zone that all of this, and the dates in
	// templates, are in. The default is UTC. A time that the clocks skip is
	// skipped, and one that they repeat is run twice.
	TimeZone string `yaml:"time_zone" json:"time_zone,omitempty"`

	// Jitter starts each run up to so much later, at random.
	Jitter Duration `yaml:"jitter" json:"jitter,omitzero"`

	// Overlap says what becomes of a run that is due while another is open.
	Overlap Overlap `yaml:"overlap" json:"overlap,omitempty"`

	// CatchUp is how late a run may start that was missed, since Temporal or
	// every worker was down: at least 10s. Older ones are given up.
	CatchUp Duration `yaml:"catch_up" json:"catch_up,omitzero"`

	// PauseOnFailure pauses the schedule when a run fails.
	PauseOnFailure bool `yaml:"pause_on_failure" json:"pause_on_failure,omitempty"`

	// SkipUnchanged ends a run as skipped, with nothing rented, when there is no
	// input, or when this job has completed with the same input before. The
	// default is true.
	SkipUnchanged *bool `yaml:"skip_unchanged" json:"skip_unchanged,omitempty"`
}

// Overlap is what becomes of a run that is due while another of its schedule
// is open. None ends the open one.
type Overlap string

// The overlaps.
const (
	OverlapSkip      Overlap = "skip"       // it does not take place
	OverlapBufferOne Overlap = "buffer_one" // it starts when the other has ended; of several, one
)

// DefaultCatchUp keeps an outage of a week from renting a week of endpoints at
// its end; minCatchUp is Temporal's own.
const (
	DefaultCatchUp = time.Hour
	minCatchUp     = 10 * time.Second
)

// IsZero reports whether the job has no schedule.
func (s Schedule) IsZero() bool {
	return len(s.Cron) == 0 && len(s.Calendars) == 0 && s.TimeZone == "" && s.Jitter == 0 && s.Overlap == "" &&
		s.CatchUp == 0 && !s.PauseOnFailure && s.SkipUnchanged == nil
}

// Skips reports whether a run without anything new is skipped.
func (s Schedule) Skips() bool { return s.SkipUnchanged == nil || *s.SkipUnchanged }

// Zone is the schedule's time zone; UTC where none is given or known.
func (s Schedule) Zone() *time.Location {
	zone, err := loadZone(s.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// String is the schedule in a few words: "0 2 * * * Europe/Berlin".
func (s Schedule) String() string {
	text := ""
	for _, cron := range s.Cron {
		text += cron + ", "
	}
	for _, calendar := range s.Calendars {
		text += calendar.String() + ", "
	}
	if text == "" {
		return "never"
	}
	text = text[:len(text)-len(", ")]
	if s.TimeZone != "" {
		text += " " + s.TimeZone
	}
	return text
}

func (s *Schedule) fillIn() {
	if s.IsZero() {
		return
	}
	fill(&s.TimeZone, "UTC")
	fill(&s.Overlap, OverlapSkip)
	fill(&s.CatchUp, Duration(DefaultCatchUp))
	if s.SkipUnchanged == nil {
		skips := true
		s.SkipUnchanged = &skips
	}
}

func (s Schedule) check(list *problemList) {
	if s.IsZero() {
		return
	}
	list.require(len(s.Cron)+len(s.Calendars) > 0, "schedule", `has no times; write some, such as cron: "0 2 * * *"`)
	for i, cron := range s.Cron {
		if _, err := parseCron(cron); err != nil {
			list.require(false, oneOf("schedule.cron", i, len(s.Cron)), "%v", err)
		}
	}
	for i, calendar := range s.Calendars {
		if _, err := calendar.parse(); err != nil {
			list.require(false, fmt.Sprintf("schedule.calendars.%d", i), "%v", err)
		}
	}
	if _, err := loadZone(s.TimeZone); err != nil {
		list.require(false, "schedule.time_zone", "%v", err)
	}
	list.require(s.Jitter >= 0, "schedule.jitter", "must not be negative")
	list.require(s.Overlap == OverlapSkip || s.Overlap == OverlapBufferOne, "schedule.overlap", "%q must be skip or buffer_one", s.Overlap)
	list.require(s.CatchUp.Std() >= minCatchUp, "schedule.catch_up", "must be at least 10s")
}

// oneOf is the path of one of a field's values, of which there may be several.
func oneOf(field string, i, of int) string {
	if of == 1 {
		return field
	}
	return fmt.Sprintf("%s.%d", field, i)
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; write one like UTC or Europe/Berlin", name)
	}
	return zone, nil
}
