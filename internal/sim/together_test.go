package sim

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	shellsPath = "/v2/projects/proj_sim/endpoints"

	minimalDeployment = `{"name": "d", "model": "projects/proj_weights/models/ml_gpt-oss-20b/revisions/rv_1",
		"config": "projects/proj_configs/configs/cr_gpt-oss-20b-h100",
		"autoscaling": {"minReplicas": 1, "maxReplicas": 2}}`
)

// ok has the cloud answer a request that must succeed, and decodes the reply.
func ok[T any](t testing.TB, c http.Handler, method, path, body string) T {
	t.Helper()
	w := ask(t, c, method, path, body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: HTTP %d: %s", method, path, w.Code, w.Body)
	}
	return decode[T](t, w.Body)
}

// said is "status reason" of a reply of Together's.
func said(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	reply := decode[struct{ Details []struct{ Detail string } }](t, w.Body)
	text := strconv.Itoa(w.Code)
	for _, d := range reply.Details {
		text += " " + d.Detail
	}
	return text
}

// deploy makes an endpoint with a deployment outside the split, and returns
// their paths.
func deployTogether(t testing.TB, c http.Handler) (shell, deployment string) {
	t.Helper()
	shell = shellsPath + "/" + ok[togetherEndpointBody](t, c, "POST", shellsPath, `{"name": "e"}`).ID
	deployment = shell + "/deployments/" + ok[togetherDeploymentBody](t, c, "POST", shell+"/deployments", minimalDeployment).ID
	return shell, deployment
}

func splitTo(deployment string, weight int) string {
	id := deployment[strings.LastIndexByte(deployment, '/')+1:]
	return `{"trafficSplit": [{"deploymentId": "` + id + `", "weight": ` + strconv.Itoa(weight) + `}]}`
}

// TestTogether_CreateValidates begins with what is accepted and changes one
// thing a row.
func TestTogether_CreateValidates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, new, want string }{
		{"minimal", "", "", "200"},
		{"maximum follows minimum", `, "maxReplicas": 2`, ``, "200"},
		{"region", `"name"`, `"placement": {"inline": {"regions": ["eu-north-2"], "constraint": "ENFORCEMENT_REQUIRED"}}, "name"`, "200"},
		{"adapters", `"name"`, `"enableLora": true, "name"`, "200"},
		{"idle window", `"minReplicas"`, `"scaleToZeroWindow": "300s", "minReplicas"`, "200"},

		{"unknown field", `"name"`, `"inactive_timeout": 5, "name"`, `400 unknown field "inactive_timeout"`},
		{"unknown inner field", `"minReplicas"`, `"metric": 1, "minReplicas"`, `400 unknown field "metric"`},
		{"no name", `"name": "d", `, ``, `400 name must consist of letters, digits, '.', '_' and '-'`},
		{"config of another model", `gpt-oss-20b/rev`, `gpt-oss-120b/rev`, `400 config is not certified for model`},
		{"minimum of zero", `"minReplicas": 1`, `"minReplicas": 0`, `400 autoscaling: minReplicas must be at least 1 unless both are 0`},
		{"stopped from the start", `"minReplicas": 1, "maxReplicas": 2`, `"minReplicas": 0`, `400 autoscaling.minReplicas must be at least 1`},
		{"bounds turned round", `"minReplicas": 1`, `"minReplicas": 3`, `400 autoscaling: maxReplicas must be at least minReplicas, and neither negative`},
		{"window in minutes", `"minReplicas"`, `"scaleToZeroWindow": "5m", "minReplicas"`, `400 autoscaling: scaleToZeroWindow is not a duration in seconds`},
		{"unknown region", `"name"`, `"placement": {"inline": {"regions": ["mars"]}}, "name"`, `400 placement: 1xnvidia-h100-80gb is not offered in region "mars"`},
		{"unknown constraint", `"name"`, `"placement": {"inline": {"constraint": "MAYBE"}}, "name"`, `400 placement: unknown constraint MAYBE`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{})
			shell := shellsPath + "/" + ok[togetherEndpointBody](t, c, "POST", shellsPath, `{"name": "e"}`).ID
			w := ask(t, c, "POST", shell+"/deployments", strings.Replace(minimalDeployment, tt.old, tt.new, 1))
			equal(t, "reply", said(t, w), tt.want)
			equal(t, "running", len(c.Ledger().Running()) == 1, tt.want == "200")
		})
	}
}

func TestTogether_Shells(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for _, tt := range []struct{ body, want string }{
		{`{"name": "a"}`, "200"},
		{`{"name": "a"}`, "409 Already Exists"},
		{`{"name": "sim/a"}`, "409 Already Exists"},
		{`{"name": "b", "visibility": "VISIBILITY_INTERNAL"}`, "200"},
		{`{"name": "c", "visibility": "PUBLIC"}`, "400 unknown visibility PUBLIC"},
		{`{"name": "other/c"}`, "400 name must consist of letters, digits, '.', '_' and '-'"},
		{`{"name": "c", "replicas": 1}`, `400 unknown field "replicas"`},
		{``, "400 EOF"},
	} {
		equal(t, tt.body, said(t, ask(t, c, "POST", shellsPath, tt.body)), tt.want)
	}
	equal(t, "accounts of shells", len(c.Ledger().Entries), 0)
	equal(t, "shells listed", len(ok[struct{ Data []togetherEndpointBody }](t, c, "GET", shellsPath, "").Data), 2)
}

// TestTogether_Order: each step of an end is refused until the one before it
// is done.
func TestTogether_Order(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{WarmUp: time.Minute, Drain: time.Minute})
		shell, deployment := deployTogether(t, c)
		const split, autoscaling = "?updateMask=trafficSplit", "?updateMask=autoscaling"
		for i, step := range []struct{ method, path, body, want string }{
			{"PATCH", shell + split, splitTo(deployment, 0), "200"},
			{"DELETE", shell, "", "400 endpoint still has deployments"},
			{"DELETE", deployment, "", "400 deployment is in the endpoint's traffic split"},
			{"PATCH", shell, `{"trafficSplit": []}`, "400 no fields to update"},
			{"PATCH", shell + "?updateMask=traffic", `{}`, `400 update mask: unknown field "traffic"`},
			{"PATCH", shell + split, `{"trafficSplit": [], "etag": "old"}`, "409 stale etag"},
			{"PATCH", shell + split, `{"trafficSplit": [{"deploymentId": "dep_x", "weight": 1}]}`, `400 trafficSplit: deployment "dep_x" cannot have weight 1`},
			{"PATCH", shell + split, `{"trafficSplit": []}`, "200"},
			{"DELETE", deployment, "", "400 deployment must be stopped before it is deleted"},
			{"PATCH", deployment + autoscaling, `{}`, "400 no fields to update"},
			{"PATCH", deployment + autoscaling, `{"autoscaling": {"minReplicas": 0}}`, "400 autoscaling: minReplicas must be at least 1 unless both are 0"},
			{"PATCH", deployment + autoscaling, `{"autoscaling": {"minReplicas": 0, "maxReplicas": 0}, "etag": "old"}`, "409 stale etag"},
			{"PATCH", deployment + autoscaling, `{"autoscaling": {"minReplicas": 0, "maxReplicas": 0}}`, "200"},
			{"DELETE", deployment, "", "400 deployment must be stopped before it is deleted"},
			{"PATCH", deployment + autoscaling, `{"autoscaling": {"minReplicas": 1, "maxReplicas": 1}}`,
				"400 deployment is stopping; it can be started once it has stopped"},
			{"wait", "", "", ""},
			{"PATCH", deployment + autoscaling, `{"autoscaling": {"minReplicas": 0, "maxReplicas": 0}}`, "200"},
			{"DELETE", shell, "", "400 endpoint still has deployments"},
			{"DELETE", deployment, "", "200"},
			{"DELETE", deployment, "", "404 deployment not found"},
			{"DELETE", shell + "?etag=old", "", "409 stale etag"},
			{"DELETE", shell, "", "200"},
			{"DELETE", shell, "", "404 endpoint not found"},
		} {
			if step.method == "wait" {
				pass(2 * time.Minute)
				continue
			}
			equal(t, strconv.Itoa(i)+" "+step.method+" "+step.path, said(t, ask(t, c, step.method, step.path, step.body)), step.want)
		}
		equal(t, "running", len(c.Ledger().Running()), 0)
	})
}

// TestTogether_FailedIsTerminal: it cannot be started, and need not be stopped.
func TestTogether_FailedIsTerminal(t *testing.T) {
	t.Parallel()
	c := New(Options{WarmUp: None})
	_, deployment := deployTogether(t, c)
	c.Inject(Fault{Op: OpDeployment, Kind: Fail, Count: 1})
	equal(t, "state", ok[togetherDeploymentBody](t, c, "GET", deployment, "").Status.State, "DEPLOYMENT_STATE_FAILED")
	start := `{"autoscaling": {"minReplicas": 1, "maxReplicas": 1}}`
	equal(t, "start", said(t, ask(t, c, "PATCH", deployment+"?updateMask=autoscaling", start)), "400 deployment is in a terminal state")
	equal(t, "delete", said(t, ask(t, c, "DELETE", deployment, "")), "200")
	equal(t, "running", len(c.Ledger().Running()), 0)
}

// TestTogether_Serves only what is in the traffic split and has replicas.
func TestTogether_Serves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{WarmUp: time.Minute})
		answer := func() string {
			w := ask(t, c, "POST", "/v1/chat/completions", chat("sim/e", "hello"))
			reply := decode[struct{ Error struct{ Code string } }](t, w.Body)
			return strings.TrimSpace(strconv.Itoa(w.Code) + " " + reply.Error.Code)
		}
		equal(t, "before", answer(), "404 model_not_found")
		shell, deployment := deployTogether(t, c)
		equal(t, "outside the split", answer(), "400 endpoint_not_configured")
		ask(t, c, "PATCH", shell+"?updateMask=trafficSplit", splitTo(deployment, 1))
		equal(t, "warming up", answer(), "503 routing_error")
		pass(time.Minute)
		equal(t, "ready", answer(), "200")
		ask(t, c, "PATCH", shell+"?updateMask=trafficSplit", splitTo(deployment, 0))
		equal(t, "without weight", answer(), "400 endpoint_not_configured")
		equal(t, "key", c.Ledger().Entries[0].Key, "sim/e")
	})
}

// TestTogether_Shapes holds what goes over the wire in golden files.
func TestTogether_Shapes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		shell, deployment := deployTogether(t, c)
		ask(t, c, "PATCH", shell+"?updateMask=trafficSplit", splitTo(deployment, 1))
		pass(time.Minute)
		golden(t, "together-endpoint.json", ask(t, c, "GET", shell, "").Body.Bytes())
		golden(t, "together-deployment.json", ask(t, c, "GET", deployment, "").Body.Bytes())
		golden(t, "together-list.json", ask(t, c, "GET", shellsPath+"?limit=1", "").Body.Bytes())
		golden(t, "together-models.json", ask(t, c, "GET", "/v2/supported-models?product=PRODUCT_DEDICATED&search=20b", "").Body.Bytes())
		golden(t, "together-instance-types.json", ask(t, c, "GET", "/v2/public/inference-instance-types", "").Body.Bytes())
		golden(t, "together-whoami.json", ask(t, c, "GET", "/v1/whoami", "").Body.Bytes())
		golden(t, "together-409.json", ask(t, c, "POST", shellsPath, `{"name": "e"}`).Body.Bytes())
	})
}
