package lyceum

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// tariff is one entry of the price list. The list's form is not documented;
// users report these fields for serverless inference.
type tariff struct {
	Meter     provider.Maybe[string] `json:"meter_slug"`
	Unit      provider.Maybe[string] `json:"unit"`
	Currency  provider.Maybe[string] `json:"currency"`
	Price     provider.Maybe[amount] `json:"unit_price"`
	Profile   provider.Maybe[string] `json:"hardware_profile"`
	AppliesTo provider.Maybe[struct {
		Profile provider.Maybe[string] `json:"hardware_profile"`
	}] `json:"applies_to"`
}

// amount is a number, or a text with one.
type amount float64

func (a *amount) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	*a = amount(n)
	return err
}

// hours are the units that prices are read in, in hours.
var hours = map[string]float64{"hour": 1, "hours": 1, "minute": 1.0 / 60, "minutes": 1.0 / 60, "second": 1.0 / 3600, "seconds": 1.0 / 3600}

// perHour reads an entry if it leaves no doubt: a price above zero in a named
// currency, for a named unit of time, of dedicated replicas on one hardware
// profile.
func (t tariff) perHour() (profile string, price provider.Price, ok bool) {
	profile = either(t.Profile, t.AppliesTo.Value.Profile).Value
	unit, timed := hours[normal(t.Unit.Value)]
	currency := strings.ToUpper(strings.TrimSpace(t.Currency.Value))
	if profile == "" || !timed || len(currency) != 3 || !positive(float64(t.Price.Value)) ||
		!strings.Contains(normal(t.Meter.Value), "dedicated") {
		return "", provider.Price{}, false
	}
	return profile, provider.Price{PerHour: float64(t.Price.Value) / unit, Currency: currency}, true
}

// priceList has the prices of a replica by hardware profile, as far as they can
// be read. It is never unreadable.
type priceList map[string]provider.Price

func (p *priceList) UnmarshalJSON(data []byte) error {
	var page struct {
		Prices provider.Maybe[[]provider.Maybe[tariff]] `json:"prices"`
	}
	_ = json.Unmarshal(data, &page) // what cannot be read tells no price
	prices, doubtful := priceList{}, map[string]bool{}
	for _, entry := range page.Prices.Value {
		profile, price, ok := entry.Value.perHour()
		if other, known := prices[profile]; known && other != price {
			doubtful[profile] = true
		}
		if ok {
			prices[profile] = price
		}
	}
	maps.DeleteFunc(prices, func(profile string, _ provider.Price) bool { return doubtful[profile] })
	*p = prices
	return nil
}

// prices reads the price list; none if there is no such list.
func (c *cloud) prices(ctx context.Context) (priceList, error) {
	var reply priceList
	err := c.rest.Do(ctx, c.call("read prices", http.MethodGet, pricingPath), &reply)
	if notThere(err) {
		return nil, nil
	}
	return reply, err
}

// Catalogue implements [provider.Provider]: one offer for each hardware profile
// whose price can be read. There may be others, and which models fit is not
// told.
func (c *cloud) Catalogue(ctx context.Context, model string) ([]provider.Offer, error) {
	prices, err := c.prices(ctx)
	if err != nil {
		return nil, err
	}
	var offers []provider.Offer
	for _, profile := range slices.Sorted(maps.Keys(prices)) {
		offers = append(offers, offer(model, profile, prices[profile]))
	}
	return offers, nil
}

func offer(model, profile string, price provider.Price) provider.Offer {
	return provider.Offer{Model: model, GPU: gpu(profile), Price: price}
}
