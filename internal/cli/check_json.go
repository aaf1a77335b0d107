package cli

import (
	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
)

// estimate is the check in JSON. What is not known is left out.
type estimate struct {
	Runs         bool             `json:"runs"` // the job would not be refused
	Input        batchfile.Plan   `json:"input"`
	PromptTokens int64            `json:"prompt_tokens"`
	AnswerTokens int64            `json:"answer_tokens,omitempty"`
	Endpoints    []estimatedOffer `json:"endpoints"`
}

type estimatedOffer struct {
	Endpoint       string     `json:"endpoint"`
	Provider       string     `json:"provider"`
	Says           string     `json:"says"` // whether it is offered, and at what price
	Refused        bool       `json:"refused"`
	ReplicaSeconds float64    `json:"replica_seconds,omitempty"` // warm-up not counted
	Cost           jobs.Money `json:"cost,omitzero"`
}

func (i *inputCheck) estimate() estimate {
	answers, _, known := i.answers()
	e := estimate{Runs: i.runs(), Input: i.plan, PromptTokens: i.asked.prompts(), Endpoints: []estimatedOffer{}}
	if known {
		e.AnswerTokens = answers
	}
	for n, offer := range i.offers {
		endpoint := i.spec.Choices()[n]
		one := estimatedOffer{Endpoint: endpoint.String(), Provider: endpoint.Provider, Says: offer.text, Refused: offer.refused}
		if i.speed > 0 && known && endpoint.Mode != jobs.ProviderBatch {
			alone, cost := i.takes(offer, e.PromptTokens+answers)
			one.ReplicaSeconds = alone.Seconds()
			if !offer.free {
				one.Cost = cost
			}
		}
		e.Endpoints = append(e.Endpoints, one)
	}
	return e
}
