package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// tokenBytes is how many bytes of text are taken for a token: what tokenizers
// of today's models come to for English prose. Code and other languages have
// two to four.
const (
	tokenBytes = 4
	tokenBasis = "4 bytes of prompt text"
)

// asked sums up what the lines of an input ask for.
type asked struct {
	requests, unbounded int64 // all, and those that do not bound their answers
	batchfile.Ask
}

func (a *asked) add(request batchfile.Request) {
	one := request.Ask()
	a.requests++
	a.TextBytes += one.TextBytes
	a.Tokens += one.Tokens
	a.Media += one.Media
	a.MaxOutput += one.MaxOutput
	if one.MaxOutput == 0 {
		a.unbounded++
	}
}

// prompts is an estimate of the tokens of all prompts.
func (a *asked) prompts() int64 { return a.TextBytes/tokenBytes + a.Tokens }

// answers is an estimate of the tokens of all answers, or the most that they
// can have; mean is that of one answer, if it is told.
func (i *inputCheck) answers() (tokens int64, basis string, known bool) {
	switch {
	case i.plan.URL == "/v1/embeddings":
		return 0, "embeddings have none", true
	case i.answer > 0:
		return int64(float64(i.asked.requests) * i.answer), fmt.Sprintf("%g an answer, as given", i.answer), true
	case i.asked.unbounded > 0:
		return 0, fmt.Sprintf("%s lines do not bound their answers; try: --output-tokens", grouped(i.asked.unbounded)), false
	}
	return i.asked.MaxOutput, "at most: the lines' own max_tokens; try: --output-tokens", true
}

func (i *inputCheck) line(what, format string, args ...any) {
	fmt.Fprintf(i.out, "%-9s %s\n", what, fmt.Sprintf(format, args...))
}

func (i *inputCheck) printEstimate() {
	i.printInput()
	media := ""
	if i.asked.Media > 0 {
		media = fmt.Sprintf("; and %s images or the like, whose tokens are not known", grouped(i.asked.Media))
	}
	i.line("prompts", "about %s tokens: an estimate, %s each%s", grouped(i.asked.prompts()), tokenBasis, media)
	answers, basis, known := i.answers()
	if known {
		i.line("answers", "about %s tokens: %s", grouped(answers), basis)
	} else {
		i.line("answers", "unknown: %s", basis)
	}
	for n, offer := range i.offers {
		if len(i.offers) > 1 {
			fmt.Fprintln(i.out)
		}
		i.printOffer(i.spec.Choices()[n], offer, i.asked.prompts()+answers, known)
	}
}

func (i *inputCheck) printInput() {
	packed := map[batchfile.Compression]int{}
	for _, file := range i.plan.Files {
		packed[file.Compression]++
	}
	var kinds []string
	for _, kind := range []batchfile.Compression{batchfile.Gzip, batchfile.Zstd} {
		if packed[kind] > 0 {
			kinds = append(kinds, fmt.Sprintf("%d by %s", packed[kind], kind))
		}
	}
	compressed := ""
	if len(kinds) > 0 {
		compressed = ", compressed " + strings.Join(kinds, ", ")
	}
	i.line("input", "%s, %s bytes of text in %s%s", countOf(i.plan.Requests, "request"), grouped(i.plan.Bytes), countOf(int64(len(i.plan.Files)), "object"), compressed)
	if i.plan.URL != "" {
		i.line("url", "%s", i.plan.URL)
	}
	if len(i.plan.Models) > 0 {
		i.line("model", "%s in the lines; the endpoint's is what is sent", strings.Join(i.plan.Models, ", "))
	}
}

// printOffer tells what the job takes on one of its endpoints.
func (i *inputCheck) printOffer(endpoint jobs.Endpoint, offer offer, tokens int64, known bool) {
	i.line("endpoint", "%s: %s", endpoint, offer.text)
	if endpoint.Mode == jobs.ProviderBatch {
		return
	}
	switch {
	case i.speed == 0:
		i.line("time", "unknown: try: --tokens-per-second with that of a replica, from a small job's report")
		i.line("cost", "unknown: it follows from the time")
		return
	case !known:
		i.line("time", "unknown, as the answers are")
		i.line("cost", "unknown, as the answers are")
		return
	}
	alone, cost := i.takes(offer, tokens)
	replicas := "one replica"
	if n := endpoint.Replicas.Min; n > 1 {
		replicas = fmt.Sprintf("%d replicas, each", n)
	}
	i.line("time", "about %s on %s at %g tokens a second, warm-up not counted", short(alone/time.Duration(endpoint.Replicas.Min)), replicas, i.speed)
	if offer.free {
		return
	}
	if offer.replicaHour.IsZero() {
		i.line("cost", "unknown: nobody tells a price; try: endpoint.price_per_gpu_hour, or --prices")
		return
	}
	i.line("cost", "about %s at %s for a replica for an hour, says %s; warm-up not counted", cost, offer.replicaHour, offer.from)
}

// takes is the time of one replica that so many tokens take at the speed that is
// told, and what that costs.
func (i *inputCheck) takes(offer offer, tokens int64) (alone time.Duration, cost jobs.Money) {
	alone = time.Duration(float64(tokens) / i.speed * float64(time.Second))
	cost = offer.replicaHour
	cost.Amount *= alone.Hours()
	return alone, cost
}

// offer is what is known of an endpoint of the job.
type offer struct {
	text        string
	refused     bool       // a job that asks for it would be
	free        bool       // nothing is rented for it
	replicaHour jobs.Money // zero where nobody tells
	from        string     // who tells it
}

// readOffers asks the providers whose tokens are set here.
func readOffers(c *cli.Context, spec jobs.Spec) ([]offer, error) {
	settings, err := providerSettings(c)
	if err != nil {
		return nil, err
	}
	priced, err := readPrices(c)
	if err != nil {
		return nil, err
	}
	var offers []offer
	for _, endpoint := range spec.Choices() {
		if registry.Rents(endpoint.Provider) && settings[endpoint.Provider].Token == "" {
			offers = append(offers, assumed(endpoint, priced))
		} else {
			offers = append(offers, inquire(c, endpoint, spec.Limits, settings, priced))
		}
	}
	return offers, nil
}

// assumed is what can be said without asking the provider.
func assumed(endpoint jobs.Endpoint, priced prices.Prices) offer {
	o := offer{text: "not asked for: no token of " + endpoint.Provider + " is set here", from: "the job file"}
	perGPU := endpoint.PricePerGPUHour
	if perGPU.IsZero() {
		perGPU, _ = priced.Of(endpoint.Provider, endpoint.GPU.Type)
		o.from = "the price file"
	}
	o.replicaHour = perGPU
	o.replicaHour.Amount *= float64(endpoint.GPU.Count)
	return o
}

// inquire asks the provider, which rents nothing.
func inquire(c *cli.Context, endpoint jobs.Endpoint, limits jobs.Limits, settings activities.Providers, priced prices.Prices) offer {
	asking := &activities.Endpoints{Providers: settings, Prices: priced.Of}
	terms, err := asking.CheckEndpoint(c.Context, workflows.CheckCall{Endpoint: endpoint, Limits: limits})
	told, sorted := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case sorted && slices.Contains(correctable, told.Type()):
		return offer{text: told.Message(), refused: true}
	case sorted:
		return offer{text: "could not be asked for: " + told.Message()}
	case err != nil:
		return offer{text: "could not be asked for: " + err.Error()}
	}
	return offer{text: describeTerms(endpoint, terms), replicaHour: terms.Price, from: terms.PriceFrom, free: terms.GPUs == 0}
}
