package spell

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"nebius", "together", "together-v1", "lyceum", "static"}
	for word, want := range map[string]string{
		"nebius":     "nebius",
		"nebbius":    "nebius",
		"Togehter":   "together",
		"togetherv1": "together-v1",
		"lyzeum":     "lyceum",
		"satitc":     "static",
		"aws":        "",
		"":           "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("x", nil); got != "" {
		t.Errorf("Nearest among none = %q", got)
	}
}
