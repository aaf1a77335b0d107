package together

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	got      = "GET " + shells + "/ep_1"
	emptied  = "PATCH " + shells + `/ep_1?updateMask=trafficSplit {"trafficSplit":[],"etag":"v1"}`
	scaled   = "PATCH " + shells + `/ep_1/deployments/dep_1?updateMask=autoscaling {"autoscaling":{"minReplicas":0,"maxReplicas":0}}`
	undone   = "DELETE " + shells + "/ep_1/deployments/dep_1"
	unmade   = "DELETE " + shells + "/ep_1"
	routedTo = `{"deploymentId": "dep_1", "weight": 1}`
)

// changing is a service that has one endpoint with those deployments, where
// every change succeeds but for the answers given.
func changing(t *testing.T, split, deployments string, but map[string][]string) (provider.Provider, *service) {
	e := `{"id": "ep_1", "name": "acme/n", "etag": "v1", "trafficSplit": [` + split + `], "deployments": [` + deployments + `]}`
	answers := map[string][]string{
		got: {e}, "GET " + shells + "/ep_1/deployments": {`{"data": [` + deployments + `]}`},
		"PATCH " + shells + "/ep_1":                   {e},
		"PATCH " + shells + "/ep_1/deployments/dep_1": {deploymentIn("STOPPING")},
		"PATCH " + shells + "/ep_1/deployments/dep_2": {`{"id": "dep_2", "status": {"state": "DEPLOYMENT_STATE_STOPPED"}}`},
		undone: {`{}`}, "DELETE " + shells + "/ep_1/deployments/dep_2": {`{}`}, unmade: {`{}`},
	}
	for call, answer := range but {
		answers[call] = answer
	}
	return against(t, answers)
}

func deploymentIn(state string) string {
	return `{"id": "dep_1", "status": {"state": "DEPLOYMENT_STATE_` + state + `"}, "autoscaling": {"minReplicas": 2, "maxReplicas": 3}}`
}

// TestDelete begins in every half-way state. Each row lists the calls after the
// two that read.
func TestDelete(t *testing.T) {
	t.Parallel()
	const second = `, {"id": "dep_2", "state": "DEPLOYMENT_STATE_PROVISIONING"}`
	const scaled2 = "PATCH " + shells + `/ep_1/deployments/dep_2?updateMask=autoscaling {"autoscaling":{"minReplicas":0,"maxReplicas":0}}`
	const undone2 = "DELETE " + shells + "/ep_1/deployments/dep_2"
	const patch, change, notFound = "PATCH " + shells + "/ep_1", "PATCH " + shells + "/ep_1/deployments/dep_1", `404 {"message": "not found"}`
	for _, test := range []struct {
		name, split, deployments string
		but                      map[string][]string
		want                     []string
		kind                     provider.Kind
	}{
		{"running", routedTo, deploymentIn("READY"), nil, []string{emptied, scaled}, ""},
		{"warming up", routedTo, deploymentIn("PROVISIONING"), nil, []string{emptied, scaled}, ""},
		{"in a state nobody knows", routedTo, deploymentIn("DREAMING"), nil, []string{emptied, scaled}, ""},
		{"split cleared", "", deploymentIn("READY"), nil, []string{scaled}, ""},
		{"weight of zero", `{"deploymentId": "dep_1", "weight": 0}`, deploymentIn("STOPPED"), nil, []string{emptied, undone, unmade}, ""},
		{"stopping", "", deploymentIn("STOPPING"), nil, nil, ""},
		{"stopped", routedTo, deploymentIn("STOPPED"), nil, []string{emptied, undone, unmade}, ""},
		{"failed", routedTo, deploymentIn("FAILED"), nil, []string{emptied, undone, unmade}, ""},
		{"shell", "", "", nil, []string{unmade}, ""},
		{"stops at once", "", deploymentIn("READY"), map[string][]string{change: {deploymentIn("STOPPED")}}, []string{scaled, undone, unmade}, ""},
		{"two deployments", routedTo, deploymentIn("STOPPED") + second, nil, []string{emptied, undone, scaled2, undone2, unmade}, ""},
		{"one of two still stopping", "", deploymentIn("STOPPING") + second, nil, []string{scaled2, undone2}, ""},

		{"changed meanwhile", routedTo, deploymentIn("READY"), map[string][]string{patch: {`409 {"message": "stale etag"}`}},
			[]string{emptied}, provider.Unavailable},
		{"not stopped after all", "", deploymentIn("STOPPED"), map[string][]string{undone: {`400 {"message": "not stopped"}`}},
			[]string{undone}, provider.Unavailable},
		{"not empty after all", "", "", map[string][]string{unmade: {`400 {"message": "has deployments"}`}}, []string{unmade}, provider.Unavailable},
		{"token refused", "", deploymentIn("READY"), map[string][]string{change: {`401 {}`}}, []string{scaled}, provider.Unauthorized},

		{"gone while clearing", routedTo, deploymentIn("STOPPED"), map[string][]string{patch: {notFound}, undone: {notFound}, unmade: {notFound}},
			[]string{emptied}, ""},
		{"deployment gone while scaling", "", deploymentIn("READY"), map[string][]string{change: {notFound}, undone: {notFound}},
			[]string{scaled, undone, unmade}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := changing(t, test.split, test.deployments, test.but)
			err := p.Delete(t.Context(), "ep_1")
			if test.kind == "" && err != nil || test.kind != "" && (err == nil || provider.KindOf(err) != test.kind) {
				t.Errorf("%v, want kind %q", err, test.kind)
			}
			s.wants(t, append([]string{got, siblings}, test.want...)...)
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	for state, want := range map[string][]string{
		"READY": {siblings, scaled}, "PROVISIONING": {siblings, scaled}, "DEGRADED": {siblings, scaled},
		"STOPPING": {siblings}, "STOPPED": {siblings}, "FAILED": {siblings},
	} {
		p, s := changing(t, routedTo, deploymentIn(state), nil)
		if err := p.Stop(t.Context(), "ep_1"); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		s.wants(t, want...)
	}
}

func TestScaleAndStart(t *testing.T) {
	t.Parallel()
	bounds := func(bounds string) string {
		return "PATCH " + shells + `/ep_1/deployments/dep_1?updateMask=autoscaling {"autoscaling":{` + bounds + `}}`
	}
	scale := func(p provider.Provider) error {
		return p.Scale(t.Context(), "ep_1", provider.Replicas{Min: 1, Max: 5})
	}
	start := func(p provider.Provider) error { return p.Start(t.Context(), "ep_1") }
	off := `{"id": "dep_1", "state": "DEPLOYMENT_STATE_STOPPED", "autoscaling": {"minReplicas": 0, "maxReplicas": 0}}`
	for _, test := range []struct {
		name, deployments string
		change            func(provider.Provider) error
		want              string // the call after the one that reads
		kind              provider.Kind
	}{
		{"scale", deploymentIn("READY"), scale, bounds(`"minReplicas":1,"maxReplicas":5`), ""},
		{"scale a shell", "", scale, "", provider.Refused},
		{"start", off, start, bounds(`"minReplicas":1,"maxReplicas":1`), ""},
		{"start what idled out", deploymentIn("STOPPED"), start, bounds(`"minReplicas":2,"maxReplicas":3`), ""},
		{"start again", deploymentIn("PROVISIONING"), start, bounds(`"minReplicas":2,"maxReplicas":3`), ""},
		{"start too early", deploymentIn("STOPPING"), start, "", provider.Unavailable},
		{"start what has failed", deploymentIn("FAILED"), start, "", provider.Refused},
		{"start a shell", "", start, "", provider.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := changing(t, routedTo, test.deployments, nil)
			err := test.change(p)
			if test.kind == "" && err != nil || test.kind != "" && (err == nil || provider.KindOf(err) != test.kind) {
				t.Errorf("%v, want kind %q", err, test.kind)
			}
			want := []string{got}
			if test.want != "" {
				want = append(want, test.want)
			}
			s.wants(t, want...)
		})
	}
}

func TestChanges_Absent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		try    func(p provider.Provider, id string) error
		absent bool // what is absent is an error
	}{
		"scale": {func(p provider.Provider, id string) error {
			return p.Scale(t.Context(), id, provider.Replicas{Min: 1, Max: 1})
		}, true},
		"start":  {func(p provider.Provider, id string) error { return p.Start(t.Context(), id) }, true},
		"stop":   {func(p provider.Provider, id string) error { return p.Stop(t.Context(), id) }, false},
		"delete": {func(p provider.Provider, id string) error { return p.Delete(t.Context(), id) }, false},
	} {
		p, s := against(t, nil)
		if err := change.try(p, "ep/1"); (err != nil) != change.absent || change.absent && !provider.Absent(err) {
			t.Errorf("%s of what is absent: %v", name, err)
		}
		s.calls = nil
		if err := change.try(p, ""); err == nil || provider.KindOf(err) != provider.Refused || len(s.calls) > 0 {
			t.Errorf("%s without id: %v, calls %v", name, err, s.calls)
		}
	}
}
