package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Interval is every so often, counted from 1970 and moved by Offset.
type Interval struct{ Every, Offset time.Duration }

// Times are the times of a schedule: those of any of the two.
type Times struct {
	Calendars []CalendarTimes
	Intervals []Interval
	Texts     []string // of each of the calendars, as the job file has them
}

// Times reads what the schedule says in words. The error is nil for the
// schedule of a spec without problems.
func (s Schedule) Times() (Times, error) {
	var times Times
	for _, text := range s.Cron {
		one, err := parseCron(text)
		if err != nil {
			return Times{}, err
		}
		times.Calendars = append(times.Calendars, one.Calendars...)
		times.Intervals = append(times.Intervals, one.Intervals...)
		times.Texts = append(times.Texts, one.Texts...)
	}
	for _, calendar := range s.Calendars {
		one, err := calendar.parse()
		if err != nil {
			return Times{}, err
		}
		times.Calendars = append(times.Calendars, one)
		times.Texts = append(times.Texts, calendar.String())
	}
	return times, nil
}

// maxCron is Temporal's limit of the comment that keeps the original text.
const maxCron = 200

var cronNames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
	"@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// parseCron reads a cron expression. Its words are Temporal's: five to seven
// fields, names of months and days, @daily and its like, @every 1h/5m, a
// comment after #.
func parseCron(text string) (Times, error) {
	if len(text) > maxCron {
		return Times{}, fmt.Errorf("is longer than %d bytes", maxCron)
	}
	cron, _, _ := strings.Cut(text, "#")
	cron = strings.TrimSpace(cron)
	if strings.HasPrefix(cron, "TZ=") || strings.HasPrefix(cron, "CRON_TZ=") {
		return Times{}, errors.New("names a time zone; write it as time_zone instead")
	}
	if every, ok := strings.CutPrefix(cron, "@every"); ok {
		interval, err := parseEvery(strings.TrimSpace(every))
		return Times{Intervals: []Interval{interval}}, err
	}
	if named, ok := cronNames[cron]; ok {
		cron = named
	}
	calendar, err := cronFields(cron)
	if err != nil {
		return Times{}, err
	}
	times, err := calendar.parse()
	return Times{Calendars: []CalendarTimes{times}, Texts: []string{text}}, err
}

func cronFields(cron string) (Calendar, error) {
	f := strings.Fields(cron)
	switch len(f) {
	case 5:
		return Calendar{Minute: f[0], Hour: f[1], DayOfMonth: f[2], Month: f[3], DayOfWeek: f[4]}, nil
	case 6:
		return Calendar{Minute: f[0], Hour: f[1], DayOfMonth: f[2], Month: f[3], DayOfWeek: f[4], Year: f[5]}, nil
	case 7:
		return Calendar{Second: f[0], Minute: f[1], Hour: f[2], DayOfMonth: f[3], Month: f[4], DayOfWeek: f[5], Year: f[6]}, nil
	}
	return Calendar{}, fmt.Errorf("%q has not five fields but %d; write minute, hour, day of month, month and day of week, such as 0 2 * * *", cron, len(f))
}

func parseEvery(text string) (Interval, error) {
	every, offset, moved := strings.Cut(text, "/")
	var interval Interval
	var err error
	if interval.Every, err = time.ParseDuration(every); err != nil || interval.Every < time.Second {
		return interval, fmt.Errorf("@every %s: must be a duration of at least 1s, such as @every 2h", text)
	}
	if moved {
		interval.Offset, err = time.ParseDuration(offset)
		if err != nil || interval.Offset < 0 || interval.Offset >= interval.Every {
			return interval, fmt.Errorf("@every %s: what comes after / must be a shorter duration, such as @every 2h/30m", text)
		}
	}
	return interval, nil
}
