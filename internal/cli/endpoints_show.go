package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

func showEndpointCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "say everything that the provider tells about one endpoint",
		ArgsUsage: "ID",
		Description: "Exit code 2 if the provider does not have it.\n\n" +
			"Examples:\n" +
			"  nightshift endpoints show --provider nebius endpoint-xame9mbbjzuV\n" +
			"  nightshift endpoints show --provider nebius --json endpoint-xame9mbbjzuV | jq -r .phase",
		Flags:  accountFlags(pricesFlag(), jsonFlag()),
		Action: showEndpoint,
	}
}

func showEndpoint(c *cli.Context) error {
	if c.NArg() != 1 {
		return badInput(errors.New("show takes one argument, the endpoint's id; see: nightshift endpoints list"))
	}
	account, err := openAccount(c)
	if err != nil {
		return err
	}
	state, err := account.Provider.Describe(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	if state.Phase == provider.Gone {
		return badInput(fmt.Errorf("%s has no endpoint %s", account.Name, c.Args().First()))
	}
	priced, err := readPrices(c)
	if err != nil {
		return err
	}
	rates := rates{account: account, prices: priced, known: map[string]jobs.Money{}}
	entry := listing(c.Context, state, "", &rates)
	if c.Bool("json") {
		return printJSON(c, entry)
	}
	printEndpoint(c.App.Writer, entry, state)
	return nil
}

func printEndpoint(out io.Writer, entry listed, state provider.State) {
	row := func(what, value string) {
		if value != "" {
			fmt.Fprintf(out, "%-9s %s\n", what, value)
		}
	}
	row("endpoint", provider.Clip(state.ID, maxShown))
	row("provider", entry.Provider)
	row("name", provider.Clip(state.Name, maxShown))
	if name, err := provider.ParseName(state.Name); err == nil {
		row("job", provider.Clip(name.Job, maxShown)+", of installation "+provider.Clip(name.Installation, maxShown))
		row("deadline", name.Deadline.UTC().Format(time.RFC3339)+", "+untilDeadline(name.Deadline))
	}
	row("phase", string(state.Phase))
	row("detail", state.Detail)
	row("replicas", fmt.Sprintf("%d ready; from %d to %d", state.ReadyReplicas, state.Shape.Replicas.Min, state.Shape.Replicas.Max))
	if !state.CreatedAt.IsZero() {
		row("created", state.CreatedAt.UTC().Format(time.RFC3339)+", "+ago(state.CreatedAt)+" ago")
	}
	row("model", provider.Clip(state.Shape.Model, maxShown))
	row("flavor", provider.Clip(state.Shape.Flavor, maxShown))
	row("hardware", hardware(state.Shape))
	if registry.Rents(entry.Provider) {
		row("an hour", entry.price())
	}
	row("base URL", provider.Clip(state.BaseURL, maxShown))
	row("route", provider.Clip(state.Model, maxShown)) // what requests carry as "model"
}
