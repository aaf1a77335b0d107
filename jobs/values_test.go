package jobs

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMoney_Text(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"3 USD": "3.00 USD", "3.20 USD": "3.20 USD", "0.0141 EUR": "0.0141 EUR", "1234.567 USD": "1234.57 USD", "5USD": "5.00 USD",
	} {
		var m Money
		if err := m.UnmarshalText([]byte(text)); err != nil || m.String() != want {
			t.Errorf("%q reads as %q, %v; want %q", text, m, err, want)
		}
	}
	for _, bad := range []string{"3", "USD", "-3 USD", "3 usd", "3,20 USD", "1e3 USD"} {
		var m Money
		if err := m.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q reads as %q", bad, m)
		}
	}
	if got := (Money{}).String(); got != "unknown" {
		t.Errorf("no money is %q", got)
	}
}

// TestSpec_JSONRoundTrip guards what lies in workflow histories.
func TestSpec_JSONRoundTrip(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(strings.Replace(minimal, "provider:", "price_per_gpu_hour: 3.20 USD, provider:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var again Spec
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !reflect.DeepEqual(again.Endpoint, spec.Endpoint) || again.Limits != spec.Limits || !reflect.DeepEqual(again.Requests, spec.Requests) {
		t.Errorf("%+v became %+v", spec, again)
	}
	for _, want := range []string{`"deadline":"24h0m0s"`, `"price_per_gpu_hour":"3.20 USD"`, `"concurrency":"auto"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	first, second := NewID("nightly", at), NewID("nightly", at.Add(time.Second))
	if first >= second {
		t.Errorf("%s does not sort before %s", first, second)
	}
	longest := NewID(strings.Repeat("n", maxName), at)
	for _, id := range []string{first, longest} {
		if err := CheckID(id); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "A", "a b", "-a", "a-", strings.Repeat("a", MaxID+1), "a/b"} {
		if CheckID(bad) == nil {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}
