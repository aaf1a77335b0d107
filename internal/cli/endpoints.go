package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sweep"
)

// endpointsCommand holds what asks providers directly: none of its commands
// needs Temporal, so that they work when nothing else does.
func endpointsCommand() *cli.Command {
	return &cli.Command{
		Name:  "endpoints",
		Usage: "look at the providers' endpoints, and end them by hand; needs no Temporal",
		Subcommands: []*cli.Command{
			listEndpointsCommand(), hardwareCommand(), showEndpointCommand(), deleteEndpointsCommand(), sweepCommand(),
		},
	}
}

// endpointFlags are those of commands that ask every provider.
func endpointFlags(more ...cli.Flag) []cli.Flag {
	return askingFlags("only this `PROVIDER`; without it every one whose token is set", more)
}

// accountFlags are those of commands that work on one account.
func accountFlags(more ...cli.Flag) []cli.Flag {
	return askingFlags("`PROVIDER` that has it; needed where the tokens of several are set", more)
}

func askingFlags(which string, more []cli.Flag) []cli.Flag {
	return slices.Concat([]cli.Flag{&cli.StringFlag{Name: "provider", Usage: which}}, more, providerFlags())
}

func installationFlag() cli.Flag {
	return &cli.StringFlag{Name: "installation", Usage: "`NAME` of the installation that is ours; a worker logs it when it is ready, and it is in endpoints' names", EnvVars: []string{"NIGHTSHIFT_INSTALLATION"}}
}

func pricesFlag() cli.Flag {
	return &cli.PathFlag{Name: "prices", Usage: "YAML `FILE` with the price of a GPU for an hour, such as nebius: {gpu-h100-sxm: 3.20 USD}", EnvVars: []string{"NIGHTSHIFT_PRICES"}}
}

// readPrices reads the price file, if there is one.
func readPrices(c *cli.Context) (prices.Prices, error) {
	if c.Path("prices") == "" {
		return nil, nil
	}
	read, err := prices.Load(c.Path("prices"))
	if err != nil {
		return nil, badInput(err)
	}
	return read, nil
}

// openAccounts opens the provider that is named, or every one whose token is
// set.
func openAccounts(c *cli.Context) ([]sweep.Account, error) {
	settings, err := providerSettings(c)
	if err != nil {
		return nil, err
	}
	if name := c.String("provider"); name != "" {
		opened, err := registry.Open(name, settings[name])
		if err != nil {
			return nil, badInput(err)
		}
		return []sweep.Account{{Name: name, Provider: opened}}, nil
	}
	accounts, err := settings.Accounts()
	if err != nil {
		return nil, badInput(err)
	}
	if len(accounts) == 0 {
		return nil, badInput(fmt.Errorf("no provider's token is set; set one of %s", strings.Join(tokenVariables(), ", ")))
	}
	return accounts, nil
}

// openAccount is openAccounts for commands that work on one.
func openAccount(c *cli.Context) (sweep.Account, error) {
	accounts, err := openAccounts(c)
	if err != nil {
		return sweep.Account{}, err
	}
	if len(accounts) > 1 {
		var names []string
		for _, account := range accounts {
			names = append(names, account.Name)
		}
		return sweep.Account{}, badInput(fmt.Errorf("tokens of several providers are set: say which with --provider, one of %s", strings.Join(names, ", ")))
	}
	return accounts[0], nil
}

// tokenVariables are those of the providers that rent; some share one.
func tokenVariables() []string {
	var names []string
	for _, name := range registry.Names() {
		if variables, err := registry.VariablesOf(name); err == nil && registry.Rents(name) {
			names = append(names, variables.Token)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// newTable is a table whose cells are written with tabs between them.
func newTable(c *cli.Context) *tabwriter.Writer {
	return tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
}

// maxShown bounds a provider's words in a table, in bytes.
const maxShown = 100

// shown makes a provider's words fit for a cell.
func shown(words string) string {
	if words == "" {
		return "-"
	}
	return provider.Clip(words, maxShown)
}

// ago is how long ago something was; "-" if it is not told.
func ago(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return short(max(0, time.Since(at)))
}

// untilDeadline says how much time is left to a deadline, or how long ago it
// passed.
func untilDeadline(deadline time.Time) string {
	if deadline.IsZero() {
		return "-"
	}
	if left := time.Until(deadline); left > 0 {
		return "in " + short(left)
	}
	return "PAST by " + short(time.Since(deadline))
}

// hardware describes a shape's GPUs and place.
func hardware(shape provider.Shape) string {
	var parts []string
	if shape.GPU.Type != "" {
		parts = append(parts, fmt.Sprintf("%d x %s", shape.GPU.Count, shape.GPU.Type))
	}
	if shape.Region != "" {
		parts = append(parts, shape.Region)
	}
	return shown(strings.Join(parts, ", "))
}
