package together

import (
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	given      = "nightshift-a1-nightly-totxk0"
	catalogued = "GET /v2/supported-models?limit=500&product=PRODUCT_DEDICATED"
	looked     = "GET " + shells + "?filter=name%3D%22" + given + "%22&limit=500"
	shelled    = "POST " + shells + ` {"name":"` + given + `","visibility":"VISIBILITY_PRIVATE"}`
	deployed   = "POST " + shells + `/ep_1/deployments {"name":"nightshift","model":"projects/w/models/ml_a/revisions/rv_1",` +
		`"config":"projects/c/configs/cr_a8","autoscaling":{"minReplicas":1,"maxReplicas":4}}`
	split    = "PATCH " + shells + `/ep_1?updateMask=trafficSplit {"trafficSplit":[{"deploymentId":"dep_1","weight":1}],"etag":"v1"}`
	siblings = "GET " + shells + "/ep_1/deployments?limit=500"
)

func validShape() provider.Shape {
	return provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "a-h100-8", GPU: provider.GPU{Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 4},
	}
}

// creating is a service on which every step of a create succeeds, but for the
// answers given.
func creating(t *testing.T, but map[string][]string) (provider.Provider, *service) {
	shell := `{"id": "ep_1", "name": "acme/` + given + `", "etag": "v1", "trafficSplit": [], "deployments": []}`
	running := `{"id": "dep_1", "status": {"state": "DEPLOYMENT_STATE_PROVISIONING"}, "autoscaling": {"minReplicas": 1, "maxReplicas": 4}}`
	answers := map[string][]string{
		"GET /v2/supported-models":             {testdata(t, "models.json")},
		"GET " + shells:                        {`{"data": []}`},
		"POST " + shells:                       {shell},
		"GET " + shells + "/ep_1/deployments":  {`{"data": []}`},
		"POST " + shells + "/ep_1/deployments": {running},
		"PATCH " + shells + "/ep_1": {`{"id": "ep_1", "name": "acme/` + given + `", "etag": "v2",
			"trafficSplit": [{"deploymentId": "dep_1", "weight": 1}], "deployments": [` + running + `]}`},
	}
	for call, answer := range but {
		answers[call] = answer
	}
	return against(t, answers)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	p, s := creating(t, nil)
	state, err := p.Create(t.Context(), given, validShape())
	if err != nil || state.ID != "ep_1" || state.Name != given || state.Model != "acme/"+given || state.Phase != provider.Provisioning ||
		state.Shape.GPU != (provider.GPU{Type: "NVIDIA-H100", Count: 8}) {
		t.Errorf("%+v, %v", state, err)
	}
	s.wants(t, catalogued, looked, shelled, deployed, split)
}

// TestCreate_Whole sends every field that a shape can ask for.
func TestCreate_Whole(t *testing.T) {
	t.Parallel()
	const end = `"autoscaling":{"minReplicas":1,"maxReplicas":4,"scaleToZeroWindow":"90s"},` +
		`"placement":{"inline":{"regions":["eu-north-2"],"constraint":"ENFORCEMENT_REQUIRED"}},"enableLora":true}`
	p, s := creating(t, nil)
	shape := validShape()
	shape.Region, shape.IdleStop, shape.Options = "eu-north-2", 90*time.Second, map[string]string{"enable_lora": "true"}
	if _, err := p.Create(t.Context(), given, shape); err != nil {
		t.Error(err)
	}
	s.wants(t, catalogued, looked, shelled, deployed[:len(deployed)-len(`"autoscaling":{"minReplicas":1,"maxReplicas":4}}`)]+end, split)
}

// TestCreate_GoesOn begins where an earlier call has stopped.
func TestCreate_GoesOn(t *testing.T) {
	t.Parallel()
	const (
		other  = `{"id": "ep_0", "name": "acme/` + given + `2", "deployments": []}`
		routed = `{"deploymentId": "dep_1", "weight": 1}`
		run    = `{"id": "dep_1", "state": "DEPLOYMENT_STATE_READY", "readyReplicas": 1}`
	)
	found := func(split string) []string {
		return []string{`{"data": [` + other + `, {"id": "ep_1", "name": "acme/` + given + `", "etag": "v1", "trafficSplit": [` + split + `]}]}`}
	}
	for _, test := range []struct {
		name string
		but  map[string][]string
		want []string
		kind provider.Kind
	}{
		{"another name", map[string][]string{"GET " + shells: {`{"data": [` + other + `]}`}}, []string{catalogued, looked, shelled, deployed, split}, ""},
		{"shell", map[string][]string{"GET " + shells: found("")}, []string{catalogued, looked, siblings, deployed, split}, ""},
		{"deployment", map[string][]string{
			"GET " + shells: found(""), "GET " + shells + "/ep_1/deployments": {`{"data": [` + run + `]}`},
		}, []string{catalogued, looked, siblings, split}, ""},
		{"everything", map[string][]string{
			"GET " + shells: found(routed), "GET " + shells + "/ep_1/deployments": {`{"data": [` + run + `]}`},
		}, []string{catalogued, looked, siblings}, ""},
		{"on its way out", map[string][]string{
			"GET " + shells: found(""), "GET " + shells + "/ep_1/deployments": {`{"data": [{"id": "dep_1", "state": "DEPLOYMENT_STATE_STOPPING"}]}`},
		}, []string{catalogued, looked, siblings}, provider.Unavailable},
		{"failed", map[string][]string{
			"GET " + shells: found(routed), "GET " + shells + "/ep_1/deployments": {`{"data": [{"id": "dep_1", "state": "DEPLOYMENT_STATE_FAILED"}]}`},
		}, []string{catalogued, looked, siblings}, provider.Unavailable},
		{"deployments not readable", map[string][]string{
			"GET " + shells: found(""), "GET " + shells + "/ep_1/deployments": {`500 {}`},
		}, []string{catalogued, looked, siblings}, provider.Ambiguous},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := creating(t, test.but)
			state, err := p.Create(t.Context(), given, validShape())
			if test.kind == "" && (err != nil || state.ID != "ep_1") || test.kind != "" && (err == nil || provider.KindOf(err) != test.kind) {
				t.Errorf("%+v, %v", state, err)
			}
			s.wants(t, test.want...)
		})
	}
}

// TestCreate_Errors: what may have made something, or finds that something was
// made, is ambiguous; a refusal of the step that rents is not.
func TestCreate_Errors(t *testing.T) {
	t.Parallel()
	const shell, rent, route = "POST " + shells, "POST " + shells + "/ep_1/deployments", "PATCH " + shells + "/ep_1"
	for _, test := range []struct {
		call, answer string
		want         provider.Kind
	}{
		{"GET /v2/supported-models", `500 {}`, provider.Unavailable},
		{"GET " + shells, `500 {}`, provider.Unavailable},
		{shell, `500 {}`, provider.Ambiguous},
		{shell, `{"name": "no id"}`, provider.Ambiguous},
		{shell, `409 {"code": 6, "message": "Already Exists"}`, provider.Ambiguous},
		{shell, `400 {"message": "invalid name"}`, provider.Refused},
		{rent, `500 {}`, provider.Ambiguous},
		{rent, `{}`, provider.Ambiguous},
		{rent, `409 {"code": 6, "message": "Already Exists"}`, provider.Ambiguous},
		{rent, `400 {"message": "unknown field"}`, provider.Refused},
		{rent, `429 {"code": 8, "message": "GPU quota exceeded"}`, provider.Capacity},
		{rent, `429 {"code": 8, "message": "Too Many Requests", "details": [{"detail": "GPU quota exceeded"}]}`, provider.Capacity},
		{rent, `429 {"error": {"message": "rate limit"}}`, provider.RateLimited},
		{rent, `402 {"error": {"message": "add credits", "code": "insufficient_balance"}}`, provider.Capacity},
		{route, `409 {"message": "stale etag"}`, provider.Ambiguous},
		{route, `400 {"message": "no"}`, provider.Ambiguous},
		{route, `401 {}`, provider.Ambiguous},
	} {
		p, _ := creating(t, map[string][]string{test.call: {test.answer}})
		if state, err := p.Create(t.Context(), given, validShape()); err == nil || provider.KindOf(err) != test.want {
			t.Errorf("%s %s: %+v, %v, want kind %s", test.call, test.answer, state, err, test.want)
		}
	}
}
