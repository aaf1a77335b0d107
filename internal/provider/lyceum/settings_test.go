package lyceum

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const hfToken = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm123456789"

// TestHFToken_NeverLeaks: whatever is answered, and however it is printed, the
// Hugging Face token is in nothing that leaves but the request.
func TestHFToken_NeverLeaks(t *testing.T) {
	t.Parallel()
	shape := validShape()
	shape.Options = map[string]string{"hf_token": "default"}
	itself := validShape()
	itself.Options = map[string]string{"hf_token": hfToken}
	echo := strings.Repeat("the token is "+hfToken+" ", 30)
	for _, a := range []answer{
		{200, `{"deployment_id": "d-1", "status": "pending"}`},
		{200, `{"status": "` + echo + `"}`},
		{200, echo},
		{400, `{"detail": "` + echo + `"}`},
		{403, `{"error": {"message": "` + echo + `", "code": "` + hfToken + `"}}`},
		{422, `{"detail": [{"loc": ["body", "` + hfToken + `"], "msg": "` + echo + `", "input": {"hf_token": "` + hfToken + `"}}]}`},
		{500, echo},
		{500, `{"detail": "could not be provisioned: ` + echo + `"}`},
	} {
		p, requests := serving(t, map[string]string{"HF_TOKEN": hfToken}, map[string]answer{"": a})
		created, createErr := p.Create(t.Context(), "n", shape)
		refused, refusedErr := p.Create(t.Context(), "n", itself)
		offer, checkErr := p.Check(t.Context(), itself)
		for _, value := range []any{p, created, createErr, refused, refusedErr, offer, checkErr} {
			for _, format := range []string{"%v", "%+v", "%#v"} {
				if text := fmt.Sprintf(format, value); strings.Contains(text, hfToken) || strings.Contains(text, token) {
					t.Errorf("%v: %s", a.status, text)
				}
			}
		}
		if !strings.Contains(strings.Join(*requests, " "), hfToken) {
			t.Errorf("the token was not sent: %q", *requests)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"LIST_PATH": "/v9/deployments?all=true", "STOP_METHOD": "POST", "STOP_PATH": "/v9/deployments/{id}/stop", "INFERENCE_PATH": "/openai/v1/",
	}
	p, requests := serving(t, environment, map[string]answer{"": {200, `[]`}})
	if _, err := p.List(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Delete(t.Context(), "d-1"); err != nil {
		t.Error(err)
	}
	if want := []string{"GET /v9/deployments?all=true", "POST /v9/deployments/d-1/stop"}; !reflect.DeepEqual(*requests, want) {
		t.Errorf("requests %q, want %q", *requests, want)
	}
	for _, test := range []struct{ base, inference, path, want string }{
		{"", "", "", "https://api.lyceum.technology/api/v2/external"},
		{"http://127.0.0.1:8/", "", "", "http://127.0.0.1:8/api/v2/external"},
		{"http://127.0.0.1:8", "", "/openai/v1/", "http://127.0.0.1:8/openai/v1"},
		{"http://127.0.0.1:8", "", "/", "http://127.0.0.1:8"},
		{"", "http://127.0.0.1:9/v1/", "/openai/v1", "http://127.0.0.1:9/v1"},
	} {
		p, err := New(provider.Settings{
			Token: token, BaseURL: test.base, InferenceURL: test.inference,
			Lookup: func(name string) string { return map[string]string{"INFERENCE_PATH": test.path}[name] },
		})
		if err != nil || p.(*cloud).settings.inference != test.want {
			t.Errorf("%v: %+v, %v", test, p, err)
		}
	}
}

func TestSettings_Problems(t *testing.T) {
	t.Parallel()
	valid := map[string]string{"STOP_METHOD": "POST"}
	for _, test := range []struct{ name, value, says string }{
		{"LIST_PATH", "inference/list", "LYCEUM_LIST_PATH must be a path"},
		{"LIST_PATH", "https://elsewhere/list", "LYCEUM_LIST_PATH must be a path"},
		{"LIST_PATH", "//elsewhere/list", "LYCEUM_LIST_PATH must be a path"},
		{"LIST_PATH", "/list all", "LYCEUM_LIST_PATH must be a path"},
		{"LIST_PATH", "/list#all", "LYCEUM_LIST_PATH must be a path"},
		{"STOP_PATH", "/stop", "LYCEUM_STOP_PATH must hold {id}"},
		{"STOP_PATH", "{id}", "LYCEUM_STOP_PATH must be a path"},
		{"STOP_METHOD", "GET", "LYCEUM_STOP_METHOD must be one of DELETE, POST, PUT, PATCH"},
		{"INFERENCE_PATH", "/v1?x=y", "LYCEUM_INFERENCE_PATH must be a path"},
	} {
		environment := maps.Clone(valid)
		environment[test.name] = test.value
		_, err := New(provider.Settings{Token: token, Lookup: func(name string) string { return environment[name] }})
		if err == nil || provider.KindOf(err) != provider.Refused || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s=%s: %v", test.name, test.value, err)
		}
	}
	_, err := New(provider.Settings{
		Token: token, Project: "a\nb", InferenceURL: "127.0.0.1:9", Lookup: func(string) string { return "x" },
	})
	for _, says := range []string{listSetting, stopMethodSetting, stopPathSetting, inferenceSetting, "organization", "inference URL"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("all at once: %v, does not mention %s", err, says)
		}
	}
	if _, err := New(provider.Settings{}); provider.KindOf(err) != provider.Unauthorized {
		t.Errorf("without a token: %v", err)
	}
}
