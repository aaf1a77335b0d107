package workflows

import (
	"fmt"
	"time"
)

// details is what the Web UI shows on the workflow's page, in Markdown.
func (r *rental) details() string {
	record := r.news.Rental
	text := fmt.Sprintf("**%s** for %s\n\n|  |  |\n|---|---|\n| shape | %s |\n", r.news.Stage, r.owners(), record.Shape)
	for _, row := range []struct{ name, value string }{
		{"endpoint", record.ID}, {"name", record.Name},
		{"created", clock(record.Created)}, {"first answer", clock(record.Ready)},
		{"stop accepted", clock(record.StopAsked)}, {"confirmed off", clock(record.Confirmed)},
		{"confirmed by", record.ConfirmHow}, {"released because", r.reason},
	} {
		if row.value != "" {
			text += "| " + row.name + " | " + row.value + " |\n"
		}
	}
	return text
}

// owners names who has the endpoint, in Markdown.
func (r *rental) owners() string {
	if r.sharing != nil {
		return r.sharing.owners()
	}
	return "job `" + r.request.Job + "`"
}

func clock(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05Z")
}
