package provider_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func TestReadOptions(t *testing.T) {
	t.Parallel()
	text, number, share, flag, span := "kept", 1, 0.5, false, time.Minute
	problems := provider.ReadOptions(map[string]string{
		"number": "12", "share": "2.5", "flag": " true ", "span": "5m",
	}, map[string]any{"text": &text, "number": &number, "share": &share, "flag": &flag, "span": &span})
	if len(problems) > 0 || text != "kept" || number != 12 || share != 2.5 || !flag || span != 5*time.Minute {
		t.Errorf("read %q %d %g %t %s, problems %q", text, number, share, flag, span, problems)
	}
}

func TestReadOptions_Problems(t *testing.T) {
	t.Parallel()
	var number int
	var span time.Duration
	got := provider.ReadOptions(map[string]string{"numbr": "1", "number": "many", "span": "5"}, map[string]any{"number": &number, "span": &span})
	want := []string{
		`options.number "many": must be a whole number`,
		`option "numbr" is none of number, span; did you mean number?`,
		`options.span "5": must be a duration such as 5m`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if got := provider.ReadOptions(map[string]string{"x": ""}, nil); len(got) != 1 || got[0] != "options.x: this provider has no options" {
		t.Errorf("without any option: %q", got)
	}
}
