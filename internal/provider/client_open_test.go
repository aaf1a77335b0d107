package provider

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestNewOpenClient: a service that asks for no token gets no header, and its
// words come through whole.
func TestNewOpenClient(t *testing.T) {
	t.Parallel()
	for token, want := range map[string][]string{"": nil, " \n": nil, "key": {"Bearer key"}} {
		var got []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Values("Authorization")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error": "no such thing"}`)
		}))
		t.Cleanup(server.Close)
		c, err := NewOpenClient("own", server.URL, Settings{Token: token})
		if err != nil {
			t.Fatal(err)
		}
		said := sorted(t, c.Do(t.Context(), Call{Op: "look", Method: http.MethodGet, Path: "/"}, nil))
		if len(got) != len(want) || len(want) == 1 && got[0] != want[0] || said.Message != "no such thing" {
			t.Errorf("token %q: header %q, want %q; error %q", token, got, want, said.Message)
		}
	}
	if _, err := NewClient("rented", "http://127.0.0.1:1", Settings{Token: " "}); KindOf(err) != Unauthorized || err == nil {
		t.Errorf("a client without token: %v", err)
	}
}
