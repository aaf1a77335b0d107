package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

func hardwareCommand() *cli.Command {
	return &cli.Command{
		Name:  "hardware",
		Usage: "list what can be rented: models, GPUs, regions, prices as far as the provider tells",
		Description: "The words are those of a job file: endpoint.model, flavor, gpu.type, gpu.count, region.\n\n" +
			"Examples:\n" +
			"  nightshift endpoints hardware --provider nebius\n" +
			"  nightshift endpoints hardware --provider nebius --model openai/gpt-oss-120b",
		Flags:  endpointFlags(pricesFlag(), jsonFlag(), &cli.StringFlag{Name: "model", Usage: "only this `MODEL`"}),
		Action: listHardware,
	}
}

// offered is an offer in JSON, where what is not told is left out.
type offered struct {
	Provider    string     `json:"provider"`
	Model       string     `json:"model"`
	Flavor      string     `json:"flavor,omitempty"`
	GPU         jobs.GPU   `json:"gpu"`
	Regions     []string   `json:"regions,omitempty"`
	MaxReplicas int        `json:"max_replicas,omitempty"`
	PerHour     jobs.Money `json:"price_per_hour,omitzero"` // of one replica
	Stock       string     `json:"stock,omitempty"`
	Detail      string     `json:"detail,omitempty"`
}

func listHardware(c *cli.Context) error {
	accounts, err := openAccounts(c)
	if err != nil {
		return err
	}
	priced, err := readPrices(c)
	if err != nil {
		return err
	}
	found := []offered{}
	var errs []error
	for _, account := range accounts {
		offers, err := account.Provider.Catalogue(c.Context, c.String("model"))
		errs = append(errs, err)
		for _, o := range offers {
			found = append(found, offered{
				Provider: account.Name, Model: o.Model, Flavor: o.Flavor, GPU: jobs.GPU{Type: o.GPU.Type, Count: o.GPU.Count}, Regions: o.Regions,
				MaxReplicas: o.MaxReplicas, PerHour: replicaPrice(priced, account.Name, o), Stock: string(o.Stock), Detail: o.Detail,
			})
		}
	}
	switch {
	case c.Bool("json"):
		errs = append(errs, printJSON(c, found))
	case len(found) > 0:
		printHardware(c, found)
	case errors.Join(errs...) == nil:
		fmt.Fprintln(c.App.ErrWriter, "nothing is offered, or the provider has no catalogue")
	}
	return errors.Join(errs...)
}

func printHardware(c *cli.Context, found []offered) {
	table := newTable(c)
	fmt.Fprintln(table, "PROVIDER\tMODEL\tFLAVOR\tGPU\tCOUNT\tREGIONS\tMAX REPLICAS\tPRICE/HOUR\tSTOCK\tDETAIL")
	for _, o := range found {
		price, most, count := unknownPrice, "-", "-"
		switch {
		case !o.PerHour.IsZero():
			price = o.PerHour.String()
		case !registry.Rents(o.Provider):
			price = "-"
		}
		if o.MaxReplicas > 0 {
			most = fmt.Sprint(o.MaxReplicas)
		}
		if o.GPU.Count > 0 {
			count = fmt.Sprint(o.GPU.Count)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.Provider, shown(o.Model), shown(o.Flavor), shown(o.GPU.Type),
			count, shown(strings.Join(o.Regions, " ")), most, price, cmp.Or(o.Stock, "-"), shown(o.Detail))
	}
	table.Flush()
}
