package sim

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestNebius_CreateValidates begins with what is accepted and changes one
// thing a row.
func TestNebius_CreateValidates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		old, new string
		want     []string // "type loc" of each problem; none is a 201
	}{
		{"minimal", "", "", nil},
		{"unknown field", `"name"`, `"surprise": 1, "name"`, nil},
		{"description", `"name"`, `"description": "d", "name"`, nil},
		{"null weights", `"name"`, `"custom_weights_id": null, "name"`, nil},
		{"weights", `"name"`, `"custom_weights_id": "model-artifact_1", "name"`, nil},
		{"highest name", `"nightly"`, `"` + strings.Repeat("ü", 100) + `"`, nil},

		{"no name", `"name"`, `"nome"`, []string{"missing body.name"}},
		{"empty name", `"nightly"`, `""`, []string{"string_too_short body.name"}},
		{"long name", `"nightly"`, `"` + strings.Repeat("n", 101) + `"`, []string{"string_too_long body.name"}},
		{"null name", `"nightly"`, `null`, []string{"string_type body.name"}},
		{"long description", `"name"`, `"description": "` + strings.Repeat("d", 501) + `", "name"`,
			[]string{"string_too_long body.description"}},
		{"foreign weights", `"name"`, `"custom_weights_id": "mine", "name"`, []string{"value_error body.custom_weights_id"}},
		{"unknown model", "gpt-oss-120b", "gpt-oss-121b", []string{"value_error body.model_name"}},
		{"unknown flavor", `"base"`, `"slow"`, []string{"value_error body.flavor_name"}},
		{"unknown GPU", "h100", "h101", []string{"enum body.gpu_type"}},
		{"GPU not offered", "gpu-h100-sxm", "gpu-l40s-d", []string{"value_error body.gpu_type"}},
		{"GPU count not offered", `"gpu_count": 2`, `"gpu_count": 3`, []string{"value_error body.gpu_count"}},
		{"GPU count is text", `"gpu_count": 2`, `"gpu_count": "2"`, []string{"int_type body.gpu_count"}},
		{"no region", `"region"`, `"regio"`, []string{"missing body.region"}},
		{"unknown region", "eu-north1", "eu-north9", []string{"enum body.region"}},
		{"region not offered", "eu-north1", "us-central1", []string{"value_error body.region"}},
		{"no scaling", `"scaling"`, `"scale"`, []string{"missing body.scaling"}},
		{"scaling is a number", `{"min_replicas": 1, "max_replicas": 1}`, `1`, []string{"model_attributes_type body.scaling"}},
		{"no minimum", `"min_replicas": 1, `, ``, []string{"missing body.scaling.min_replicas"}},
		{"minimum zero", `"min_replicas": 1`, `"min_replicas": 0`, []string{"greater_than_equal body.scaling.min_replicas"}},
		{"maximum below minimum", `"min_replicas": 1`, `"min_replicas": 2`, []string{"value_error body.scaling.max_replicas"}},
		{"too many replicas", `"max_replicas": 1`, `"max_replicas": 17`, []string{"value_error body.scaling.max_replicas"}},
		{"two problems", `"name": "nightly", "model_name"`, `"model"`, []string{"missing body.name", "missing body.model_name"}},
		{"not JSON", `}
}`, ``, []string{"json_invalid body"}},
		{"an array", minimalCreate, `[]`, []string{"model_attributes_type body"}},
		{"nothing", minimalCreate, ``, []string{"json_invalid body"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{})
			w := ask(t, c, "POST", endpointsPath, strings.Replace(minimalCreate, tt.old, tt.new, 1))
			status, created := http.StatusUnprocessableEntity, 0
			if tt.want == nil {
				status, created = http.StatusCreated, 1
			}
			equal(t, "status", w.Code, status)
			equal(t, "endpoints", len(list(t, c)), created)
			equal(t, "problems", strings.Join(problems(t, w.Body), ", "), strings.Join(tt.want, ", "))
		})
	}
}

// problems returns "type loc" of each entry of a reply's detail.
func problems(t *testing.T, body *bytes.Buffer) []string {
	t.Helper()
	reply := decode[struct {
		Detail []struct {
			Type, Msg string
			Loc       []string
		}
	}](t, body)
	var all []string
	for _, p := range reply.Detail {
		if p.Msg == "" {
			t.Errorf("%s at %v has no message", p.Type, p.Loc)
		}
		all = append(all, p.Type+" "+strings.Join(p.Loc, "."))
	}
	return all
}

// TestNebius_Shapes holds what goes over the wire in golden files. The clock
// of synctest begins in 2000.
func TestNebius_Shapes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		golden(t, "nebius-create.json", ask(t, c, "POST", endpointsPath, minimalCreate).Body.Bytes())
		pass(time.Minute)
		golden(t, "nebius-list.json", ask(t, c, "GET", endpointsPath, "").Body.Bytes())
		golden(t, "nebius-templates.json", ask(t, c, "GET", endpointsPath+"/templates", "").Body.Bytes())
		golden(t, "nebius-422.json", ask(t, c, "POST", endpointsPath, strings.Replace(minimalCreate, "h100", "h101", 1)).Body.Bytes())
		golden(t, "nebius-404.json", ask(t, c, "PATCH", endpointsPath+"/absent", "{}").Body.Bytes())
		golden(t, "ledger.json", ask(t, c, "GET", ledgerPath, "").Body.Bytes())
	})
}

func TestNebius_CreateReply(t *testing.T) {
	t.Parallel()
	type body struct {
		ID         string `json:"id"`
		EndpointID string `json:"endpoint_id"`
		Endpoint   struct {
			ID string `json:"id"`
		} `json:"endpoint"`
	}
	for _, shape := range []CreateReply{"", Bare, Wrapped, EndpointID} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			c := New(Options{CreateReply: shape})
			got := decode[body](t, ask(t, c, "POST", endpointsPath, minimalCreate).Body)
			id := list(t, c)[0].ID
			var want body
			switch shape {
			case Wrapped:
				want.Endpoint.ID = id
			case EndpointID:
				want.EndpointID = id
			default:
				want.ID = id
			}
			equal(t, "reply", got, want)
		})
	}
}

func TestNebius_Update(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       []string
		changed    func(*nebiusBody)
	}{
		{"nothing", `{}`, nil, func(*nebiusBody) {}},
		{"region cannot change", `{"region": "eu-west1"}`, nil, func(*nebiusBody) {}},
		{"name", `{"name": "other"}`, nil, func(b *nebiusBody) { b.Name = "other" }},
		{"description", `{"description": "d"}`, nil, func(b *nebiusBody) { b.Description = "d" }},
		{"bounds", `{"scaling": {"min_replicas": 1, "max_replicas": 3}}`, nil, func(b *nebiusBody) { b.Scaling.MaxReplicas = 3 }},
		{"disable", `{"enabled": false}`, nil, func(b *nebiusBody) {
			b.Enabled, b.Deployment = false, nebiusDeployment{Status: "stopped", Readiness: "not_ready"}
		}},
		{"GPU type", `{"gpu_type": "gpu-b300-sxm"}`, []string{"value_error body.gpu_type"}, func(*nebiusBody) {}},
		{"half of the bounds", `{"scaling": {"min_replicas": 1}}`, []string{"missing body.scaling.max_replicas"}, func(*nebiusBody) {}},
		{"enabled is text", `{"enabled": "no"}`, []string{"bool_type body.enabled"}, func(*nebiusBody) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{WarmUp: None, Drain: None})
			want := create(t, c, minimalCreate)
			w := ask(t, c, "PATCH", endpointsPath+"/"+want.ID, tt.body)
			if tt.want == nil {
				equal(t, "status", w.Code, http.StatusOK)
			} else {
				equal(t, "status", w.Code, http.StatusUnprocessableEntity)
				equal(t, "problems", strings.Join(problems(t, w.Body), ", "), strings.Join(tt.want, ", "))
			}
			tt.changed(&want)
			equal(t, "listed afterwards", list(t, c)[0], want)
		})
	}
}

// TestNebius_HasFiveOperations: there is no reading of a single endpoint.
func TestNebius_HasFiveOperations(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	path := endpointsPath + "/" + create(t, c, minimalCreate).ID
	equal(t, "get one", ask(t, c, "GET", path, "").Code, http.StatusMethodNotAllowed)
	equal(t, "patch the absent", ask(t, c, "PATCH", endpointsPath+"/absent", "{}").Code, http.StatusNotFound)
	equal(t, "project", ask(t, c, "GET", endpointsPath+"?ai_project_id=p", "").Code, http.StatusOK)
	ask(t, c, "DELETE", path, "")
	calls := c.Ledger().Calls
	for op, want := range map[string]int64{OpCreate: 1, OpUpdate: 1, OpDelete: 1, OpList: 1, OpTemplates: 0} {
		equal(t, op, calls[op], want)
	}
}

// TestNebius_SameCallsSameWords: ids and keys follow from the order of calls.
func TestNebius_SameCallsSameWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var twice [2]string
		for i := range twice {
			c := New(Options{})
			create(t, c, minimalCreate)
			create(t, c, minimalCreate)
			twice[i] = ask(t, c, "GET", endpointsPath, "").Body.String()
		}
		equal(t, "second cloud", twice[1], twice[0])
	})
}
