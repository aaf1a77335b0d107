package jobs

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const scheduled = minimal + `
schedule: {cron: "0 2 * * *", time_zone: Europe/Berlin}
output_exists: replace
`

func TestSchedule_FillsInDefaults(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(scheduled))
	if err != nil {
		t.Fatal(err)
	}
	s := spec.Schedule
	if s.Overlap != OverlapSkip || s.CatchUp.Std() != time.Hour || !s.Skips() || s.PauseOnFailure || s.Zone().String() != "Europe/Berlin" {
		t.Errorf("schedule = %+v", s)
	}
	if s.String() != "0 2 * * * Europe/Berlin" {
		t.Errorf("in words: %s", s)
	}
	if spec, err := Parse("job.yaml", []byte(minimal)); err != nil || !spec.Schedule.IsZero() || spec.Schedule.Zone() != time.UTC {
		t.Errorf("without one: %+v, %v", spec.Schedule, err)
	}
}

// TestSchedule_TellsWhatIsWrong replaces one field in each row.
func TestSchedule_TellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{`cron: "0 2 * * *", `, "", "job.yaml:6: schedule: has no times"},
		{"0 2 * * *", "0 25 * * *", `schedule.cron: hour "25": "25" is not from 0 to 23`},
		{"0 2 * * *", "0 2 * *", "not five fields but 4"},
		{"0 2 * * *", "0 2 * jux mon-fry", `month "jux"`},
		{"0 2 * * *", "5-3 2 * * *", `minute "5-3": "3" is not from 5 to 59`},
		{"0 2 * * *", "*/0 2 * * *", `"0" is not a step`},
		{"0 2 * * *", "CRON_TZ=UTC 0 2 * * *", "names a time zone"},
		{"0 2 * * *", "@every soon", "@every soon: must be a duration"},
		{"0 2 * * *", "@every 1h/2h", "what comes after / must be a shorter duration"},
		{"0 2 * * *", "@nightly", "not five fields but 1"},
		{"0 2 * * *", strings.Repeat("1,", 100) + "1 2 * * *", "longer than 200 bytes"},
		{`"0 2 * * *"`, `["0 2 * * *", "x"]`, "schedule.cron.1: "},
		{`cron: "0 2 * * *"`, "calendars: [{hour: 2, day_of_week: someday}]", `schedule.calendars.0: day_of_week "someday"`},
		{`cron: "0 2 * * *"`, "calendars: [{hours: 2}]", "schedule.calendars.0.hours: unknown field; did you mean hour?"},
		{"Europe/Berlin", "Berlin", `schedule.time_zone: "Berlin" is not a time zone`},
		{"Europe/Berlin", "Local", `"Local" is not a time zone`},
		{"time_zone", "overlap: allow_all, time_zone", `schedule.overlap: "allow_all" must be skip or buffer_one`},
		{"time_zone", "jitter: -1s, time_zone", "schedule.jitter: must not be negative"},
		{"output_exists: replace", "", "output: every scheduled run needs one of its own"},
		{"time_zone", "catch_up: 1s, time_zone", "schedule.catch_up: must be at least 10s"},
	} {
		t.Run(c.new, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(scheduled, c.old, c.new, 1)
			_, err := Parse("job.yaml", []byte(text))
			if text == scheduled || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nand does not say\n%s", err, c.want)
			}
		})
	}
}

func TestSchedule_Times(t *testing.T) {
	t.Parallel()
	one := func(n int) []Range { return []Range{{n, n, 1}} }
	any := CalendarTimes{
		Second: one(0), Minute: one(0), Hour: one(0),
		DayOfMonth: []Range{{1, 31, 1}}, Month: []Range{{1, 12, 1}}, DayOfWeek: []Range{{0, 6, 1}},
	}
	for cron, change := range map[string]func(*CalendarTimes){
		"0 2 * * *":                      func(c *CalendarTimes) { c.Hour = one(2) },
		"@daily":                         func(*CalendarTimes) {},
		"0 0 * * *  # as early as it is": func(*CalendarTimes) {},
		"@hourly":                        func(c *CalendarTimes) { c.Hour = []Range{{0, 23, 1}} },
		"*/15 9-17/2 1,15 JAN-march mon": func(c *CalendarTimes) {
			c.Minute, c.Hour, c.DayOfMonth = []Range{{0, 59, 15}}, []Range{{9, 17, 2}}, []Range{{1, 1, 1}, {15, 15, 1}}
			c.Month, c.DayOfWeek = []Range{{1, 3, 1}}, one(1)
		},
		"5/10 0 * * 7":     func(c *CalendarTimes) { c.Minute, c.DayOfWeek = []Range{{5, 59, 10}}, one(0) },
		"0 0 * * 1-7":      func(*CalendarTimes) {},
		"0 0 * * 5-7":      func(c *CalendarTimes) { c.DayOfWeek = []Range{{0, 0, 1}, {5, 6, 1}} },
		"0 0 * * 1-7/2":    func(c *CalendarTimes) { c.DayOfWeek = []Range{{0, 0, 1}, {1, 6, 2}} },
		"0 0 * * * 2027":   func(c *CalendarTimes) { c.Year = one(2027) },
		"30 0 0 * * * 202": nil,
		"30 1 2 * * * *":   func(c *CalendarTimes) { c.Second, c.Minute, c.Hour = one(30), one(1), one(2) },
	} {
		times, err := Schedule{Cron: Crons{cron}}.Times()
		if change == nil {
			if err == nil {
				t.Errorf("%s is taken", cron)
			}
			continue
		}
		want := any
		change(&want)
		if err != nil || !reflect.DeepEqual(times.Calendars, []CalendarTimes{want}) || times.Texts[0] != cron {
			t.Errorf("%s: %+v, %v\nwant %+v", cron, times, err, want)
		}
	}
	times, err := Schedule{Cron: Crons{"@every 2h/30m"}, Calendars: []Calendar{{Hour: "3", DayOfWeek: "sat,sun"}}}.Times()
	if err != nil || times.Intervals[0] != (Interval{2 * time.Hour, 30 * time.Minute}) || len(times.Calendars) != 1 || times.Texts[0] != "0 3 * * sat,sun" {
		t.Errorf("%+v, %v", times, err)
	}
}

func FuzzCron(f *testing.F) {
	f.Add("*/15 9-17/2 1,15 JAN-march mon-7 2030")
	f.Add("@every 1h/5m # comment")
	f.Fuzz(func(t *testing.T, text string) {
		times, err := parseCron(text)
		if err != nil {
			return
		}
		for _, c := range times.Calendars {
			for _, ranges := range [][]Range{c.Second, c.Minute, c.Hour, c.DayOfMonth, c.Month, c.DayOfWeek} {
				for _, r := range ranges {
					if r.Start < 0 || r.End < r.Start || r.End > 59 || r.Step < 1 {
						t.Errorf("%q has range %+v", text, r)
					}
				}
				if len(ranges) == 0 {
					t.Errorf("%q has an empty field", text)
				}
			}
		}
	})
}
