package sim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	v1Endpoints = "/v1/endpoints"
	v1Create    = `{
	"display_name": "nightly", "model": "openai/gpt-oss-120b", "hardware": "2x_nvidia_h100_80gb_sxm",
	"autoscaling": {"min_replicas": 1, "max_replicas": 2}
}`
)

// createV1 rents an endpoint and returns it as create showed it.
func createV1(t *testing.T, c *Cloud, body string) togetherV1Body {
	t.Helper()
	w := ask(t, c, "POST", v1Endpoints, body)
	if w.Code != http.StatusOK {
		t.Fatalf("create: HTTP %d: %s", w.Code, w.Body)
	}
	return decode[togetherV1Body](t, w.Body)
}

// TestTogetherV1_Shapes holds what goes over the wire in golden files.
func TestTogetherV1_Shapes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		w := ask(t, c, "POST", v1Endpoints, v1Create)
		golden(t, "together-v1-create.json", w.Body.Bytes())
		pass(time.Minute)
		id := c.Ledger().Entries[0].ID
		golden(t, "together-v1-list.json", ask(t, c, "GET", v1Endpoints+"?type=dedicated&mine=true", "").Body.Bytes())
		golden(t, "together-v1-read.json", ask(t, c, "GET", v1Endpoints+"/"+id, "").Body.Bytes())
		golden(t, "together-v1-hardware.json", ask(t, c, "GET", "/v1/hardware?model=openai/gpt-oss-120b", "").Body.Bytes())
		golden(t, "together-v1-hardware-all.json", ask(t, c, "GET", "/v1/hardware", "").Body.Bytes())
		golden(t, "together-v1-zones.json", ask(t, c, "GET", "/v1/clusters/availability-zones", "").Body.Bytes())
		golden(t, "together-v1-400.json", ask(t, c, "POST", v1Endpoints, strings.Replace(v1Create, "h100", "h101", 1)).Body.Bytes())
		golden(t, "together-v1-404.json", ask(t, c, "GET", v1Endpoints+"/absent", "").Body.Bytes())
	})
}

// v1Problem is "status type param" of a reply.
func v1Problem(t *testing.T, c *Cloud, method, path, body string) (status int, problem string) {
	t.Helper()
	w := ask(t, c, method, path, body)
	if w.Code == http.StatusOK {
		return w.Code, ""
	}
	said := decode[struct {
		Error struct{ Message, Type, Param, Code string }
	}](t, w.Body).Error
	if said.Message == "" {
		t.Errorf("HTTP %d has no message", w.Code)
	}
	return w.Code, strings.TrimSpace(strings.Join([]string{said.Type, said.Param + said.Code}, " "))
}

func TestTogetherV1_Create(t *testing.T) {
	t.Parallel()
	const invalid = "invalid_request_error "
	for _, tt := range []struct{ name, old, new, want string }{
		{"valid", "", "", ""},
		{"all fields", `"display_name"`, `"disable_prompt_cache": true, "disable_speculative_decoding": false, "state": "STARTED",` +
			`"inactive_timeout": 60, "availability_zone": "us-central-4b", "display_name"`, ""},
		{"no timeout", `"display_name"`, `"inactive_timeout": null, "display_name"`, ""},
		{"without name", `"display_name": "nightly", `, ``, ""},
		{"unknown field", `"display_name"`, `"name"`, invalid + "name"},
		{"no model", `"model": "openai/gpt-oss-120b", `, ``, invalid + "model"},
		{"model not offered", "gpt-oss-120b", "gpt-oss-7b", invalid + "hardware"},
		{"hardware not offered", "2x_", "3x_", invalid + "hardware"},
		{"eight GPUs", `2x_nvidia_h100_80gb_sxm`, `8x_nvidia_h100_80gb_sxm`, ""},
		{"no autoscaling", `"autoscaling"`, `"model": "openai/gpt-oss-120b", "state": "STARTED", "inactive_timeout": 0, "disable_prompt_cache"`, invalid + "autoscaling"},
		{"no maximum", `, "max_replicas": 2`, ``, invalid + "autoscaling.max_replicas"},
		{"maximum below minimum", `"min_replicas": 1`, `"min_replicas": 3`, invalid + "autoscaling.max_replicas"},
		{"negative timeout", `"display_name"`, `"inactive_timeout": -1, "display_name"`, invalid + "inactive_timeout"},
		{"unknown zone", `"display_name"`, `"availability_zone": "mars", "display_name"`, invalid + "availability_zone"},
		{"unknown state", `"display_name"`, `"state": "PENDING", "display_name"`, invalid + "state"},
		{"flag is text", `"display_name"`, `"disable_prompt_cache": "no", "display_name"`, invalid + "disable_prompt_cache"},
		{"an array", v1Create, `[]`, strings.TrimSpace(invalid)},
		{"nothing", v1Create, ``, strings.TrimSpace(invalid)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{})
			defer c.Close()
			status, problem := v1Problem(t, c, "POST", v1Endpoints, strings.Replace(v1Create, tt.old, tt.new, 1))
			equal(t, "problem", problem, tt.want)
			wanted, exist := http.StatusOK, 1
			if tt.want != "" {
				wanted, exist = http.StatusBadRequest, 0
			}
			equal(t, "status", status, wanted)
			equal(t, "endpoints", len(c.Ledger().Entries), exist)
		})
	}
}

// TestTogetherV1_Life: states in Together's words, and what each is billed.
func TestTogetherV1_Life(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{WarmUp: time.Minute, Drain: time.Minute})
		defer c.Close()
		e := createV1(t, c, v1Create)
		path := v1Endpoints + "/" + e.ID
		var states []string
		look := func() {
			w := ask(t, c, "GET", path, "")
			if w.Code != http.StatusOK {
				states = append(states, http.StatusText(w.Code))
				return
			}
			states = append(states, decode[togetherV1Body](t, w.Body).State)
		}
		states = append(states, e.State)
		look()
		pass(time.Minute)
		look()
		equal(t, "answer", ask(t, c, "POST", "/v1/chat/completions", chat(e.Name, "Why?")).Code, http.StatusOK)
		for _, step := range []struct{ method, body string }{{"PATCH", `{"state": "STOPPED"}`}, {"PATCH", `{"state": "STARTED"}`}, {"DELETE", ""}} {
			if code := ask(t, c, step.method, path, step.body).Code; code/100 != 2 {
				t.Errorf("%s %s: HTTP %d", step.method, step.body, code)
			}
			look()
			pass(time.Minute)
			look()
		}
		want := []string{"PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED", "STARTING", "STARTED", "STOPPING", "Not Found"}
		if !slices.Equal(states, want) {
			t.Errorf("states:\n got %v\nwant %v", states, want)
		}
		equal(t, "running", len(c.Ledger().Running()), 0)
	})
}

// TestTogetherV1_Closed: as the service is today, what runs goes on and what is
// stopped stays so.
func TestTogetherV1_Closed(t *testing.T) {
	t.Parallel()
	const refused = "invalid_request_error endpoints_v1_create_access_disabled"
	c := New(Options{WarmUp: None, Drain: None})
	defer c.Close()
	running, stopped := createV1(t, c, v1Create), createV1(t, c, strings.Replace(v1Create, `{`, `{"state": "STOPPED",`, 1))
	c.options.TogetherV1Closed = true
	for _, tt := range []struct {
		method, path, body string
		status             int
		problem            string
	}{
		{"POST", v1Endpoints, v1Create, http.StatusForbidden, refused},
		{"PATCH", v1Endpoints + "/" + stopped.ID, `{"state": "STARTED"}`, http.StatusForbidden, refused},
		{"PATCH", v1Endpoints + "/" + running.ID, `{"state": "STARTED", "autoscaling": {"min_replicas": 1, "max_replicas": 3}}`, http.StatusOK, ""},
		{"PATCH", v1Endpoints + "/" + running.ID, `{"model": "other"}`, http.StatusBadRequest, "invalid_request_error model"},
		{"PATCH", v1Endpoints + "/" + running.ID, `{"state": "STOPPED"}`, http.StatusOK, ""},
		{"PATCH", v1Endpoints + "/" + running.ID, `{"state": "STARTED"}`, http.StatusForbidden, refused},
	} {
		status, problem := v1Problem(t, c, tt.method, tt.path, tt.body)
		equal(t, tt.method+" "+tt.body, status, tt.status)
		equal(t, tt.method+" "+tt.body, problem, tt.problem)
	}
	equal(t, "running", len(c.Ledger().Running()), 0)
}

// TestTogetherV1_StopsWhenIdle, in whole minutes without a request, and no
// request starts it again.
func TestTogetherV1_StopsWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{WarmUp: time.Minute, Drain: None})
		defer c.Close()
		e := createV1(t, c, strings.Replace(v1Create, `{`, `{"inactive_timeout": 2,`, 1))
		state := func() State { return c.Ledger().Entries[0].State }
		chat := func() int {
			return ask(t, c, "POST", "/v1/chat/completions", `{"model":"`+e.Name+`","messages":[{"role":"user","content":"hello"}]}`).Code
		}
		pass(2*time.Minute + 30*time.Second)
		equal(t, "busy", chat(), http.StatusOK)
		pass(time.Minute + 50*time.Second)
		equal(t, "a moment before", state(), Running)
		pass(20 * time.Second)
		equal(t, "idle for two minutes", state(), Stopped)
		if code := chat(); code == http.StatusOK || state() != Stopped {
			t.Errorf("a request was answered with %d, and left it %s", code, state())
		}
		path := v1Endpoints + "/" + e.ID
		equal(t, "start", ask(t, c, "PATCH", path, `{"state": "STARTED", "inactive_timeout": 0}`).Code, http.StatusOK)
		pass(time.Hour)
		equal(t, "never idle", state(), Running)
	})
}

// TestTogetherV1_List: who does not say what to list gets what is not theirs.
func TestTogetherV1_List(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	defer c.Close()
	createV1(t, c, v1Create)
	for query, want := range map[string][]string{
		"":                          {"serverless", "dedicated"},
		"?mine=true":                {"dedicated"},
		"?type=dedicated":           {"dedicated"},
		"?type=serverless":          {"serverless"},
		"?type=dedicated&mine=true": {"dedicated"},
	} {
		var kinds []string
		for _, item := range decode[struct{ Data []togetherV1Item }](t, ask(t, c, "GET", v1Endpoints+query, "").Body).Data {
			kinds = append(kinds, item.Type)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: %v, want %v", query, kinds, want)
		}
	}
	status, problem := v1Problem(t, c, "GET", v1Endpoints+"?type=mine", "")
	equal(t, "unknown type", status, http.StatusBadRequest)
	equal(t, "unknown type", problem, "invalid_request_error type")
	status, _ = v1Problem(t, c, "GET", "/v1/hardware?model=unknown", "")
	equal(t, "unknown model", status, http.StatusNotFound)
}
