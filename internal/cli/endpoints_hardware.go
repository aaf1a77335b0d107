package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func hardwareCommand() *cli.Command {
	return &cli.Command{
		Name:  "hardware",
		Usage: "list what can be rented: models, GPUs, regions, prices as far as the provider tells",
		Description: "The words are those of a job file: endpoint.model, flavor, gpu.type, gpu.count, region.\n\n" +
			"Examples:\n" +
			"  nightshift endpoints hardware --provider nebius\n" +
			"  nightshift endpoints hardware --provider nebius --model openai/gpt-oss-120b",
		Flags:  endpointFlags(pricesFlag(), &cli.StringFlag{Name: "model", Usage: "only this `MODEL`"}),
		Action: listHardware,
	}
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
	table := newTable(c)
	fmt.Fprintln(table, "PROVIDER\tMODEL\tFLAVOR\tGPU\tCOUNT\tREGIONS\tMAX REPLICAS\tPRICE/HOUR\tSTOCK\tDETAIL")
	offered := 0
	var errs []error
	for _, account := range accounts {
		offers, err := account.Provider.Catalogue(c.Context, c.String("model"))
		errs = append(errs, err)
		for _, o := range offers {
			price, most, count := "-", "-", "-"
			if money := replicaPrice(priced, account.Name, o); !money.IsZero() {
				price = money.String()
			}
			if o.MaxReplicas > 0 {
				most = fmt.Sprint(o.MaxReplicas)
			}
			if o.GPU.Count > 0 {
				count = fmt.Sprint(o.GPU.Count)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", account.Name, shown(o.Model), shown(o.Flavor), shown(o.GPU.Type),
				count, shown(strings.Join(o.Regions, " ")), most, price, cmp.Or(string(o.Stock), "-"), shown(o.Detail))
			offered++
		}
	}
	if offered > 0 {
		table.Flush()
	} else if errors.Join(errs...) == nil {
		fmt.Fprintln(c.App.ErrWriter, "nothing is offered, or the provider has no catalogue")
	}
	return errors.Join(errs...)
}
