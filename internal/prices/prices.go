// Package prices reads what the operator pays for GPUs, for providers that do
// not tell. The file is YAML, one provider a block, one GPU type a line:
//
//	nebius:
//	  gpu-h100-sxm: 3.20 USD
//	  gpu-h200-sxm: 3.90 USD
//
// Each amount is the price of one GPU for one hour. GPU types are the
// provider's own words, as in job files; whether a provider has such a GPU is
// not checked, since that changes with its offers.
package prices

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/spell"
	"github.com/nightshift-run/nightshift/jobs"
)

// Prices is the price of one GPU for one hour, by provider and GPU type. A nil
// Prices knows none.
type Prices map[string]map[string]jobs.Money

// Of returns what one GPU of that type costs for one hour with that provider,
// and whether the file says so.
func (p Prices) Of(provider, gpuType string) (jobs.Money, bool) {
	price, ok := p[provider][gpuType]
	return price, ok
}

// Load reads a price file strictly: unknown providers, names that come twice
// and what is no amount come back as one *[jobs.InvalidError] that names every
// problem with its line.
func Load(path string) (Prices, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read price file: %w", err)
	}
	return parse(path, text)
}

func parse(path string, text []byte) (Prices, error) {
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, &jobs.InvalidError{File: path, Problems: []jobs.Problem{{Message: unreadable(err)}}}
	}
	r := reader{prices: Prices{}}
	if len(document.Content) == 1 {
		r.providers(document.Content[0])
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b jobs.Problem) int { return a.Line - b.Line })
		return nil, &jobs.InvalidError{File: path, Problems: r.problems}
	}
	return r.prices, nil
}

func unreadable(err error) string {
	if strings.Contains(err.Error(), "no documents in stream") {
		return "the file is empty; it holds lines such as nebius: {gpu-h100-sxm: 3.20 USD}"
	}
	return err.Error()
}

// reader walks the document and gathers prices and problems.
type reader struct {
	prices   Prices
	problems []jobs.Problem
}

func (r *reader) report(node *yaml.Node, field, format string, args ...any) {
	r.problems = append(r.problems, jobs.Problem{Line: node.Line, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) providers(node *yaml.Node) {
	r.fields(node, "", "providers, such as nebius: {gpu-h100-sxm: 3.20 USD}", func(key, value *yaml.Node) {
		if !slices.Contains(registry.Names(), key.Value) {
			r.report(key, key.Value, "unknown provider; %s", spell.Suggest(key.Value, registry.Names()))
		}
		r.prices[key.Value] = map[string]jobs.Money{}
		r.gpus(key.Value, value)
	})
}

func (r *reader) gpus(provider string, node *yaml.Node) {
	r.fields(node, provider, "GPU types, such as {gpu-h100-sxm: 3.20 USD}", func(key, value *yaml.Node) {
		field := provider + "." + key.Value
		if value.Kind != yaml.ScalarNode {
			r.report(value, field, `must be an amount; write it like "3.20 USD"`)
			return
		}
		var price jobs.Money
		if err := price.UnmarshalText([]byte(value.Value)); err != nil {
			r.report(value, field, "%v", err)
		} else if price.IsZero() {
			r.report(value, field, `has no amount; write it like "3.20 USD"`)
		}
		r.prices[provider][key.Value] = price
	})
}

// fields calls use for every field of a mapping, once a name.
func (r *reader) fields(node *yaml.Node, field, holds string, use func(key, value *yaml.Node)) {
	if node.Kind != yaml.MappingNode {
		r.report(node, field, "must hold %s", holds)
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if first, twice := lines[key.Value]; twice {
			r.report(key, strings.TrimPrefix(field+"."+key.Value, "."), "comes twice; it is in line %d already", first)
			continue
		}
		lines[key.Value] = key.Line
		use(key, node.Content[i+1])
	}
}
