package jobs

import (
	"strings"
	"testing"
	"time"
)

func sharing(t *testing.T, share string) Endpoint {
	t.Helper()
	spec, err := Parse("job.yaml", []byte(strings.Replace(minimal, "endpoint: {", "endpoint: {share: {"+share+"}, ", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return spec.Endpoint
}

func TestShare_Defaults(t *testing.T) {
	t.Parallel()
	if got := sharing(t, "name: chat").Share; got != (Share{Name: "chat", Lifetime: Duration(DefaultLifetime)}) {
		t.Errorf("share = %+v", got)
	}
	got := sharing(t, "name: chat, linger: 10m, lifetime: 6h").Share
	if want := (Share{"chat", Duration(10 * time.Minute), Duration(6 * time.Hour)}); got != want {
		t.Errorf("share = %+v, want %+v", got, want)
	}
}

// TestEndpoint_SharedID: jobs meet by it, so it depends on what must be the same
// and on nothing else, and lives on in the names of running endpoints.
func TestEndpoint_SharedID(t *testing.T) {
	t.Parallel()
	first := sharing(t, "name: chat")
	id := first.SharedID()
	if want := "shared-chat-756c9831"; id != want {
		t.Errorf("id = %q, want %q: endpoints that older versions rented are not found again", id, want)
	}
	if CheckID(id) == nil {
		t.Errorf("a job may be called %s", id)
	}
	if other := sharing(t, "name: chat, linger: 10m, lifetime: 6h").SharedID(); other != id {
		t.Errorf("for the sake of its linger a job gets %s instead of %s", other, id)
	}
	for what, change := range map[string]func(*Endpoint){
		"name":     func(e *Endpoint) { e.Share.Name = "code" },
		"replicas": func(e *Endpoint) { e.Replicas.Max = 2 },
		"option":   func(e *Endpoint) { e.Options = Options{"target_rps": "2"} },
	} {
		changed := first
		if change(&changed); changed.SharedID() == id {
			t.Errorf("another %s has the same id", what)
		}
	}
	first.Share.Name = strings.Repeat("n", maxName)
	if long := first.SharedID(); len(long) > MaxID || !validName.MatchString(long) {
		t.Errorf("%q is no id, %d long", long, len(long))
	}
}
