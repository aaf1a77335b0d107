package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a job file with comments, to begin with",
		ArgsUsage: "[FILE]",
		Description: "Writes job.yaml, or FILE; - is standard output. A file that exists is left alone. Where the\n" +
			"provider's token is set, the provider is asked what it offers, and the file lists it.\n\n" +
			"Examples:\n" +
			"  nightshift init\n" +
			"  NEBIUS_API_KEY=... nightshift init --provider nebius --model openai/gpt-oss-120b\n" +
			"  nightshift init --provider static --model my-model --base-url http://127.0.0.1:8000/v1 -",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "provider", Usage: "`PROVIDER` to rent from; without it the first whose token is set, or nebius"},
			&cli.StringFlag{Name: "model", Usage: "`MODEL` in the provider's words"},
			&cli.StringFlag{Name: "base-url", Usage: "`URL` of the server, for provider static"},
			&cli.StringFlag{Name: "input", Usage: "`URL` of the requests", Value: "s3://my-bucket/prompts.jsonl"},
			&cli.StringFlag{Name: "output", Usage: "`URL` of the prefix for the results", Value: "s3://my-bucket/answers/"},
		}, providerFlags()...),
		Action: writeJobFile,
	}
}

func writeJobFile(c *cli.Context) error {
	if c.NArg() > 1 {
		return badInput(errors.New("init takes at most one argument, the file to write; try: nightshift init --help"))
	}
	draft, err := newDraft(c)
	if err != nil {
		return err
	}
	file := "job.yaml"
	if c.NArg() == 1 {
		file = c.Args().First()
	}
	if file == "-" {
		_, err := fmt.Fprint(c.App.Writer, draft.text("job.yaml"))
		return err
	}
	if err := writeNew(file, draft.text(filepath.Base(file))); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "wrote %s; look it over, then: nightshift run %s\n", file, file)
	return nil
}

// writeNew writes a file that does not exist yet.
func writeNew(file, text string) error {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return badInput(fmt.Errorf("%s exists already, and is left as it is; name another file: nightshift init FILE", file))
	}
	if err != nil {
		return badInput(err)
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

// newDraft decides what the file says: what the flags do, and else what the
// provider offers or, where it cannot be asked, an example.
func newDraft(c *cli.Context) (draft, error) {
	settings, err := providerSettings(c)
	if err != nil {
		return draft{}, err
	}
	name := c.String("provider")
	if name == "" {
		name = "nebius"
		for _, known := range registry.Names() {
			if registry.Rents(known) && settings[known].Token != "" {
				name = known
				break
			}
		}
	}
	variables, err := registry.VariablesOf(name)
	if err != nil {
		return draft{}, badInput(fmt.Errorf("--provider: %w", err))
	}
	d := draft{input: c.String("input"), output: c.String("output"), provider: name, baseURL: c.String("base-url"), shape: exampleOf(name)}
	if c.IsSet("model") {
		d.shape.Model = c.String("model")
	}
	if !registry.Rents(name) {
		return d, nil
	}
	if settings[name].Token == "" {
		d.note = fmt.Sprintf("An example: with %s set, nightshift init asks %s what it offers.", variables.Token, name)
		fmt.Fprintf(c.App.ErrWriter, "%s is not set: the endpoint is an example, and not what %s offers now\n", variables.Token, name)
		return d, nil
	}
	return d, d.ask(c.Context, settings[name], c.String("model"))
}

// askPatience is how long a provider may take to say what it offers.
const askPatience = 30 * time.Second

// ask takes the first offer of the model, or of all.
func (d *draft) ask(ctx context.Context, settings provider.Settings, model string) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	opened, err := registry.Open(d.provider, settings)
	if err != nil {
		return badInput(err)
	}
	offers, err := opened.Catalogue(ctx, model)
	if err != nil {
		return fmt.Errorf("ask %s what it offers: %w", d.provider, err)
	}
	if len(offers) == 0 && model != "" {
		return badInput(fmt.Errorf("%s does not offer %s; see: nightshift endpoints hardware --provider %s", d.provider, model, d.provider))
	}
	if len(offers) == 0 {
		return nil
	}
	first := offers[0]
	if i := slices.IndexFunc(offers, func(o provider.Offer) bool { return o.Stock != provider.SoldOut }); i >= 0 {
		first = offers[i]
	}
	d.shape = provider.Shape{Model: first.Model, Flavor: first.Flavor, GPU: first.GPU}
	if len(first.Regions) > 0 {
		d.shape.Region = first.Regions[0]
	}
	d.offers = offers
	d.note = fmt.Sprintf("What %s offered on %s:", d.provider, time.Now().Format(time.DateOnly))
	return nil
}
