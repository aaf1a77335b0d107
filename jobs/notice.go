package jobs

import (
	"strings"
	"time"
)

// Notice is what a webhook is sent, as JSON, in the form of Standard Webhooks:
//
//	{
//	  "type": "job.completed",
//	  "timestamp": "2026-11-21T03:12:44Z",
//	  "data": {
//	    "job": "20261121-020000-nightly-summaries-k3fq",
//	    "name": "nightly-summaries",
//	    "schedule": "nightly-summaries",
//	    "scheduled_for": "2026-11-21T02:00:00Z",
//	    "outcome": "completed",
//	    "counts": {"total": 1000, "completed": 998, "failed": 2, "never_ran": 0},
//	    "usage": {"input_tokens": 193097, "cached_tokens": 0, "output_tokens": 63462, "reasoning_tokens": 0},
//	    "cost": "4.20 USD",
//	    "gpu_minutes": 84.1,
//	    "started": "2026-11-21T02:00:00Z",
//	    "finished": "2026-11-21T03:12:44Z",
//	    "output": "s3://answers/2026-11-21/",
//	    "report": "s3://answers/2026-11-21/report.json"
//	  }
//	}
//
// It never holds prompts or answers. The headers webhook-id, webhook-timestamp
// and webhook-signature go with it: the id is the same each time that the same
// notice is sent, the signature is v1, and the base64 of the HMAC-SHA256 of
// id.timestamp.body by the secret.
type Notice struct {
	Type      string     `json:"type"`      // "job." and the Event
	Timestamp time.Time  `json:"timestamp"` // when the job ended
	Data      NoticeData `json:"data"`
}

// NoticeData is a job's end in a few words.
type NoticeData struct {
	Job          string    `json:"job"`
	Name         string    `json:"name"`
	Schedule     string    `json:"schedule,omitempty"`     // of a job that a schedule started
	ScheduledFor time.Time `json:"scheduled_for,omitzero"` // likewise
	Outcome      Outcome   `json:"outcome"`
	Reason       string    `json:"reason,omitempty"` // why it did not complete
	Counts       Counts    `json:"counts"`
	Usage        Usage     `json:"usage"`
	Cost         Money     `json:"cost,omitzero"` // absent when a price is not known
	GPUMinutes   float64   `json:"gpu_minutes"`   // billed
	Started      time.Time `json:"started"`
	Finished     time.Time `json:"finished"`
	Output       string    `json:"output"`
	Report       string    `json:"report,omitempty"`      // URL of report.json, where one was written
	Unconfirmed  []string  `json:"unconfirmed,omitempty"` // endpoints that may still be on, as "nebius: ep-1 (name)"
}

// maxReason bounds the reason in a notice: a bad input's names every problem.
const maxReason = 2000

// Event is the event that the report's job ended with.
func (r Report) Event() Event {
	if len(r.Unconfirmed()) > 0 {
		return OnUnconfirmed
	}
	return Event(r.Outcome)
}

// Notice is what a webhook is told of the report; url is where it was written,
// empty if nowhere.
func (r Report) Notice(url string) Notice {
	data := NoticeData{
		Job: r.Job, Name: r.Name, Schedule: r.Schedule, ScheduledFor: r.ScheduledFor,
		Outcome: r.Outcome, Reason: strings.ToValidUTF8(r.Reason[:min(len(r.Reason), maxReason)], ""),
		Counts: r.Counts, Usage: r.Usage, Cost: r.Cost, GPUMinutes: r.GPUSeconds() / 60,
		Started: r.Started, Finished: r.Finished, Output: r.Output, Report: url,
	}
	for _, rental := range r.Unconfirmed() {
		data.Unconfirmed = append(data.Unconfirmed, rental.Provider+": "+rental.ID+" ("+rental.Name+")")
	}
	return Notice{Type: "job." + string(r.Event()), Timestamp: r.Finished, Data: data}
}
