package jobs

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// URLs is one URL or a list of them.
type URLs []string

// UnmarshalYAML takes a scalar or a sequence of scalars.
func (u *URLs) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*u = URLs{node.Value}
		return nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return err
	}
	*u = list
	return nil
}

// Options are a provider's own words and their values, kept as they are
// written: numbers and true or false too.
type Options map[string]string

// UnmarshalYAML takes a mapping from names to single values.
func (o *Options) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("options must be names with single values")
	}
	*o = Options{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return fmt.Errorf("option %s must be a single value", name.Value)
		}
		(*o)[name.Value] = value.Value
	}
	return nil
}

// Duration is a time.Duration that is written as people write it: 90s, 12h,
// 1h30m. In JSON it is a string, so that it can be read in a workflow history.
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a Go duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like 90s, 30m or 12h", text)
	}
	*d = Duration(parsed)
	return nil
}

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Concurrency is a number of requests in flight; 0 is written "auto".
type Concurrency int

// MarshalText writes a number or "auto".
func (c Concurrency) MarshalText() ([]byte, error) {
	if c == 0 {
		return []byte("auto"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// UnmarshalText reads a positive number or "auto".
func (c *Concurrency) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*c = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf(`%q is not a number of requests; write "auto" or a number from 1`, text)
	}
	*c = Concurrency(n)
	return nil
}

// Money is an amount with its currency, written like "3.20 USD".
type Money struct {
	Amount   float64
	Currency string // ISO 4217
}

var moneyPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([A-Z]{3})$`)

// MarshalText writes amounts below one with four decimals, others with two.
func (m Money) MarshalText() ([]byte, error) {
	if m.Currency == "" {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// String formats the amount for people; the zero Money is "unknown".
func (m Money) String() string {
	if m.Currency == "" {
		return "unknown"
	}
	decimals := 2
	if m.Amount != 0 && math.Abs(m.Amount) < 1 {
		decimals = 4
	}
	return strconv.FormatFloat(m.Amount, 'f', decimals, 64) + " " + m.Currency
}

// UnmarshalText reads an amount and a currency.
func (m *Money) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = Money{}
		return nil
	}
	parts := moneyPattern.FindStringSubmatch(strings.TrimSpace(string(text)))
	if parts == nil {
		return fmt.Errorf(`%q is not an amount; write it like "3.20 USD"`, text)
	}
	amount, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return fmt.Errorf("%q is not an amount: %w", text, err)
	}
	*m = Money{Amount: amount, Currency: parts[2]}
	return nil
}

// IsZero reports whether no amount was given.
func (m Money) IsZero() bool { return m == Money{} }

// plus adds two amounts. Where one is not known, or they are of different
// currencies, so is the sum.
func (m Money) plus(other Money) Money {
	if m.Currency != other.Currency {
		return Money{}
	}
	return Money{Amount: m.Amount + other.Amount, Currency: m.Currency}
}
