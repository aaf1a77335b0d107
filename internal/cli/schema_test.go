package cli

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/jobs"
)

func TestSchema_IsPrinted(t *testing.T) {
	for command, want := range map[string][]byte{"": jobs.Schema, "serve": gateway.Schema} {
		args := []string{"schema"}
		if command != "" {
			args = append(args, command)
		}
		if text, talk, code := runApp(t, args...); code != 0 || talk != "" || text != string(want) {
			t.Errorf("%v ended with %d: %s%s", args, code, text, talk)
		}
	}
}
