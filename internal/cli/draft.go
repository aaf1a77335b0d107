package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// draft is a job file to be written.
type draft struct {
	input, output string
	provider      string
	baseURL       string // of a server that exists already
	shape         provider.Shape
	note          string // where the shape comes from
	offers        []provider.Offer
}

// exampleOf is a shape in a provider's words, from its documentation.
func exampleOf(name string) provider.Shape {
	h100 := func(gpu string) provider.GPU { return provider.GPU{Type: gpu, Count: 1} }
	switch name {
	case "nebius":
		return provider.Shape{Model: "openai/gpt-oss-120b", Flavor: "base", GPU: h100("gpu-h100-sxm"), Region: "eu-north1"}
	case "together":
		return provider.Shape{Model: "openai/gpt-oss-120b", GPU: h100("h100")}
	case "together-v1":
		return provider.Shape{Model: "openai/gpt-oss-120b", GPU: h100("1x_nvidia_h100_80gb_sxm")}
	case "lyceum":
		return provider.Shape{Model: "openai/gpt-oss-120b", GPU: h100("gpu.h100")}
	}
	return provider.Shape{Model: "my-model"}
}

// maxOffers bounds the list in a comment.
const maxOffers = 30

// text is the file. What is commented out shows the default, or a choice.
func (d draft) text(file string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# A job of nightshift. Run it with: nightshift run %s", file)
	say("# A flag exists for each field: nightshift run --help")
	say("")
	say("# The requests: JSONL in the OpenAI Batch format, one URL or a list; s3:// or file://")
	say("input: %s", scalar(d.input))
	say("")
	say("# The prefix for output.jsonl, errors.jsonl, manifest.json and report.json")
	say("output: %s", scalar(d.output))
	say("")
	d.endpoint(say)
	say("")
	say("limits:")
	say("  deadline: 24h            # from submission; then the endpoint is released and what never ran expires")
	say("  warmup: 30m              # from asking for the endpoint to its first answer")
	say("  # gpu_minutes: 600       # at either of these the job ends as at its deadline")
	say("  # cost: 20.00 USD        # needs a price: the provider's, or price_per_gpu_hour")
	say("")
	say("requests:")
	say("  concurrency: auto        # requests in flight from one worker; auto seeks what keeps the endpoint saturated")
	say("  timeout: 10m             # of one attempt")
	say("  attempts: 6              # of one request")
	return b.String()
}

func (d draft) endpoint(say func(string, ...any)) {
	say("# What answers them, in the provider's own words")
	say("endpoint:")
	say("  provider: %s", scalar(d.provider))
	say("  model: %s", scalar(d.shape.Model))
	if d.provider == "static" {
		base := d.baseURL
		if base == "" {
			base = "http://127.0.0.1:8000/v1"
		}
		say("  base_url: %s   # an OpenAI-compatible server; nothing is rented", scalar(base))
		return
	}
	if d.shape.Flavor != "" {
		say("  flavor: %s", scalar(d.shape.Flavor))
	}
	say("  gpu: {type: %s, count: %d}", scalar(d.shape.GPU.Type), max(1, d.shape.GPU.Count))
	if d.shape.Region != "" {
		say("  region: %s", scalar(d.shape.Region))
	}
	say("  # replicas: {min: 1, max: 4}       # bounds of the provider's autoscaling; 1 each without")
	say("  # release: disable                 # GPUs go back, the configuration stays; delete without")
	say("  # price_per_gpu_hour: 3.20 USD     # where the provider does not tell")
	if d.note != "" {
		say("  #\n  # %s", d.note)
	}
	for i, offer := range d.offers {
		if i == maxOffers {
			say("  #   and %d more: nightshift endpoints hardware --provider %s", len(d.offers)-i, d.provider)
			return
		}
		say("  #   %s", offerText(offer))
	}
}

func offerText(o provider.Offer) string {
	parts := []string{"model " + o.Model}
	if o.Flavor != "" {
		parts = append(parts, "flavor "+o.Flavor)
	}
	parts = append(parts, fmt.Sprintf("gpu %d x %s", max(1, o.GPU.Count), o.GPU.Type))
	if len(o.Regions) > 0 {
		parts = append(parts, "region "+strings.Join(o.Regions, " or "))
	}
	if o.Price.PerHour > 0 {
		parts = append(parts, fmt.Sprintf("%.2f %s an hour", o.Price.PerHour, o.Price.Currency))
	}
	if o.Stock != provider.NotTold {
		parts = append(parts, string(o.Stock))
	}
	return strings.ReplaceAll(strings.Join(parts, ", "), "\n", " ")
}

// scalar writes a value so that YAML reads it as text in a block and in braces.
func scalar(value string) string {
	plain := value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:*-") == ""
	first := strings.Trim(value[:min(1, len(value))], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if plain && first == "" && !strings.HasSuffix(value, ":") && !isYAMLWord(value) {
		return value
	}
	return strconv.Quote(value)
}

// isYAMLWord reports whether YAML would not read the value as text.
func isYAMLWord(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}
