package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sweep"
	"github.com/nightshift-run/nightshift/jobs"
)

func listEndpointsCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list every endpoint of the accounts: whose it is, what it does, what it costs",
		Description: "Exit code 1 if an account could not be listed; the others are listed all the same.\n\n" +
			"Examples:\n" +
			"  NEBIUS_API_KEY=... nightshift endpoints list\n" +
			"  nightshift endpoints list --json | jq '.[] | select(.past_deadline)'",
		Flags: endpointFlags(installationFlag(), pricesFlag(),
			&cli.StringFlag{Name: "output", Usage: "`FORMAT` table or json", Value: "table"}, jsonFlag()),
		Action: listEndpoints,
	}
}

// listed is an endpoint in the list. In JSON, what is not known is left out.
type listed struct {
	Provider      string     `json:"provider"`
	ID            string     `json:"id"`
	Name          string     `json:"name,omitempty"`
	Whose         string     `json:"whose"`                  // ours, installation NAME, not nightshift's, or unknown
	Installation  string     `json:"installation,omitempty"` // of nightshift's endpoints
	Job           string     `json:"job,omitempty"`          // of nightshift's endpoints; what stands for it where jobs share one
	Shared        bool       `json:"shared,omitempty"`       // its Endpoint workflow, endpoint/JOB, shows the jobs
	Phase         string     `json:"phase"`                  // provider.Phase
	Detail        string     `json:"detail,omitempty"`       // the provider's own words
	ReadyReplicas int        `json:"ready_replicas"`
	Created       time.Time  `json:"created,omitzero"`
	Deadline      time.Time  `json:"deadline,omitzero"`
	PastDeadline  bool       `json:"past_deadline"` // and it may hold a GPU
	Model         string     `json:"model,omitempty"`
	Hardware      string     `json:"hardware,omitempty"` // of one replica, and where
	PerHour       jobs.Money `json:"price_per_hour,omitzero"`
}

func listEndpoints(c *cli.Context) error {
	format := c.String("output")
	if format != "table" && format != "json" {
		return badInput(fmt.Errorf("--output %q is neither table nor json", format))
	}
	accounts, err := openAccounts(c)
	if err != nil {
		return err
	}
	priced, err := readPrices(c)
	if err != nil {
		return err
	}
	endpoints := []listed{}
	var errs []error
	for _, account := range accounts {
		states, err := account.Provider.List(c.Context)
		errs = append(errs, err)
		rates := rates{account: account, prices: priced, known: map[string]jobs.Money{}}
		for _, state := range states {
			endpoints = append(endpoints, listing(c.Context, whole(c.Context, account, state), c.String("installation"), &rates))
		}
	}
	failed := errors.Join(errs...)
	switch {
	case format == "json" || c.Bool("json"):
		failed = errors.Join(failed, printJSON(c, endpoints))
	case len(endpoints) > 0:
		printEndpoints(c, endpoints)
	case failed == nil: // else nobody knows
		fmt.Fprintln(c.App.ErrWriter, "no endpoints")
	}
	return failed
}

// whole asks for what a listing leaves out: Together's has no flavor, on which the
// price depends.
func whole(ctx context.Context, account sweep.Account, state provider.State) provider.State {
	if state.Phase.Off() || state.Shape.Model != "" || state.Shape.Flavor != "" {
		return state
	}
	described, err := account.Provider.Describe(ctx, state.ID)
	if err != nil || described.Phase == provider.Gone {
		return state
	}
	return described
}

func listing(ctx context.Context, state provider.State, ours string, rates *rates) listed {
	e := listed{
		Provider: rates.account.Name, ID: state.ID, Name: state.Name, Phase: string(state.Phase), Detail: state.Detail,
		ReadyReplicas: state.ReadyReplicas, Created: state.CreatedAt, Model: state.Shape.Model,
		PerHour: rates.now(ctx, state), Whose: "not nightshift's",
	}
	if state.Shape.GPU.Type != "" || state.Shape.Region != "" {
		e.Hardware = hardware(state.Shape)
	}
	if !rates.account.Provider.Capabilities().CanFind {
		e.Whose = "unknown" // the provider keeps no names
		return e
	}
	name, err := provider.ParseName(state.Name)
	if err != nil {
		return e
	}
	e.Installation, e.Job, e.Deadline = name.Installation, name.Job, name.Deadline
	e.Shared = jobs.IsSharedID(name.Job)
	e.PastDeadline = !state.Phase.Off() && time.Now().After(name.Deadline)
	e.Whose = "installation " + name.Installation
	if name.Installation == ours {
		e.Whose = "ours"
	}
	return e
}

func printEndpoints(c *cli.Context, endpoints []listed) {
	table := newTable(c)
	fmt.Fprintln(table, "PROVIDER\tID\tJOB OR NAME\tWHOSE\tPHASE\tREPLICAS\tAGE\tDEADLINE\tHARDWARE\tPRICE/HOUR")
	late := 0
	for _, e := range endpoints {
		what := cmp.Or(e.Job, e.Name)
		if e.Shared {
			what += " (several jobs)"
		}
		deadline := untilDeadline(e.Deadline)
		if provider.Phase(e.Phase).Off() {
			deadline = "-"
		}
		if e.PastDeadline {
			late++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n",
			e.Provider, shown(e.ID), shown(what), shown(e.Whose), e.Phase, e.ReadyReplicas, ago(e.Created), deadline, shown(e.Hardware), e.price())
	}
	table.Flush()
	if late > 0 {
		fmt.Fprintf(c.App.ErrWriter, "\n%d past their deadline; see what a sweep would delete: nightshift endpoints sweep --dry-run\n", late)
	}
}

// price is what the endpoint costs for an hour as it is now, in words.
func (e listed) price() string {
	phase := provider.Phase(e.Phase)
	switch {
	case !e.PerHour.IsZero():
		return e.PerHour.String()
	case e.ReadyReplicas > 0, phase.Usable(), phase == provider.Unknown:
		return unknownPrice
	}
	return "-" // nothing is billed
}

// unknownPrice is said where neither the provider nor a price file tells.
const unknownPrice = "unknown"

// rates finds what endpoints of one account cost.
type rates struct {
	account sweep.Account
	prices  prices.Prices
	known   map[string]jobs.Money // of one replica for one hour, by shape
}

// now is what an endpoint costs for one hour with the replicas that are ready
// now; zero if nobody tells, or none is ready.
func (r *rates) now(ctx context.Context, state provider.State) jobs.Money {
	replicas := state.ReadyReplicas
	if state.Phase.Usable() {
		replicas = max(1, replicas) // not every provider tells how many
	}
	if state.Phase.Off() || replicas == 0 {
		return jobs.Money{}
	}
	price := r.ofReplica(ctx, state.Shape)
	price.Amount *= float64(replicas)
	return price
}

// ofReplica asks the catalogue once a shape. One that the catalogue does not
// have any more has no price.
func (r *rates) ofReplica(ctx context.Context, shape provider.Shape) jobs.Money {
	key := fmt.Sprint(shape.Model, shape.Flavor, shape.GPU, shape.Region)
	price, asked := r.known[key]
	if asked {
		return price
	}
	offer, err := r.account.Provider.Check(ctx, shape)
	if err != nil {
		offer = provider.Offer{GPU: shape.GPU}
	}
	price = replicaPrice(r.prices, r.account.Name, offer)
	r.known[key] = price
	return price
}

// replicaPrice is what one replica of an offer costs for one hour: as the
// provider says, or as the price file does.
func replicaPrice(file prices.Prices, providerName string, offer provider.Offer) jobs.Money {
	if offer.Price.PerHour > 0 {
		return jobs.Money{Amount: offer.Price.PerHour, Currency: offer.Price.Currency}
	}
	price, _ := file.Of(providerName, offer.GPU.Type)
	price.Amount *= float64(max(1, offer.GPU.Count))
	return price
}
