package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// observe does a call over a real connection and says what a client sees:
// status, content type, Retry-After and what became of the body.
func observe(t *testing.T, server *httptest.Server, method, path, body string, patience time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer secret")
	response, err := server.Client().Do(request)
	if ctx.Err() != nil {
		return "no answer"
	}
	if err != nil {
		return "cut"
	}
	defer response.Body.Close()
	seen := []string{fmt.Sprint(response.StatusCode)}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if value := response.Header.Get(name); value != "" {
			seen = append(seen, value)
		}
	}
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil && len(text) > 0:
		seen = append(seen, "cut body")
	case !json.Valid(text):
		seen = append(seen, "not JSON")
	}
	return strings.Join(seen, " ")
}

// TestFault_Kinds strikes one create and one chat with each kind and looks at
// what the client sees and at what happened all the same.
func TestFault_Kinds(t *testing.T) {
	t.Parallel()
	const never = "never"
	tests := []struct {
		fault        Fault
		create, chat string // what the client sees
		created      bool   // the create took effect
		answered     bool   // the chat did
	}{
		{Fault{Kind: Status}, "500 application/json", "500 application/json", false, false},
		{Fault{Kind: Status, Status: 403, Body: "no"}, "403 application/json not JSON", "403 application/json not JSON", false, false},
		{Fault{Kind: Status, Status: 503, RetryAfter: 1500 * time.Millisecond}, "503 application/json 2", "503 application/json 2", false, false},
		{Fault{Kind: RetryAfter}, "429 application/json 1", "429 application/json 1", false, false},
		{Fault{Kind: Capacity}, "503 application/json", "503 application/json", false, false},
		{Fault{Kind: HTML}, "200 text/html; charset=utf-8 not JSON", "200 text/html; charset=utf-8 not JSON", false, false},
		{Fault{Kind: CutBefore}, "cut", "cut", false, false},
		{Fault{Kind: Hang}, "no answer", "no answer", false, false},
		{Fault{Kind: Hang, Delay: time.Millisecond}, "cut", "cut", false, false},
		{Fault{Kind: LostReply}, "cut", "cut", true, true},
		{Fault{Kind: CutBody}, "201 application/json cut body", "200 application/json cut body", true, true},
		{Fault{Kind: TruncatedJSON}, "201 application/json not JSON", "200 application/json not JSON", true, true},
		{Fault{Kind: EmptyChoices}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: ContentType}, "201 text/plain; charset=utf-8", "200 text/plain; charset=utf-8", true, true},
		{Fault{Kind: ContentType, Body: "text/event-stream"}, "201 text/event-stream", "200 text/event-stream", true, true},
		{Fault{Kind: Slow, Delay: time.Millisecond}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: Trickle, Delay: time.Microsecond}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: LateCreate}, "500 application/json", never, true, true},
		{Fault{Kind: LateCreate, Status: 504, Delay: time.Microsecond}, "504 application/json", never, true, true},
		{Fault{Kind: Busy}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: UnknownState}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: ErrorState}, "201 application/json", "200 application/json", true, true},
		{Fault{Kind: Fail}, "201 application/json", "404 application/json", true, false},
		{Fault{Kind: Vanish}, "201 application/json", "404 application/json", true, false},
	}
	covered := map[Kind]bool{}
	for _, tt := range tests {
		covered[tt.fault.Kind] = true
		t.Run(fmt.Sprint(tt.fault), func(t *testing.T) {
			t.Parallel()
			c, key := instant(t, Options{})
			server := httptest.NewServer(c)
			defer server.Close()
			defer c.Close()
			patience := time.Minute
			if tt.create == "no answer" {
				patience = 50 * time.Millisecond
			}
			tt.fault.Count = 1

			if tt.chat != never {
				tt.fault.Op = OpChat
				c.Inject(tt.fault)
				equal(t, "chat", observe(t, server, "POST", "/v1/chat/completions", chat(key, "hi"), patience), tt.chat)
				equal(t, "answered", c.Ledger().Total.Answered == 1, tt.answered)
			}
			before := len(c.all())
			tt.fault.Op = OpCreate
			c.Inject(tt.fault)
			equal(t, "create", observe(t, server, "POST", endpointsPath, minimalCreate, patience), tt.create)
			equal(t, "created", len(c.all()) > before, tt.created)
			equal(t, "next create", observe(t, server, "POST", endpointsPath, minimalCreate, time.Minute), "201 application/json")
		})
	}
	for kind := range behaviours {
		if !covered[kind] {
			t.Errorf("kind %s is not tried", kind)
		}
	}
}

func TestFault_StrikesWhom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faults []Fault
		want   string // fate of list, chat, list, chat, list, chat: . or the status
	}{
		{"none", nil, "......"},
		{"for ever", []Fault{{Op: OpList, Kind: Status}}, "5.5.5."},
		{"once", []Fault{{Op: OpList, Kind: Status, Count: 1}}, "5....."},
		{"every second", []Fault{{Op: OpList, Kind: Status, Every: 2}}, "..5..."},
		{"every second, whatever it is", []Fault{{Kind: Status, Every: 2}}, ".5.5.5"},
		{"every second, once", []Fault{{Kind: Status, Every: 2, Count: 1}}, ".5...."},
		{"control", []Fault{{Op: AnyControl, Kind: Status}}, "5.5.5."},
		{"data", []Fault{{Op: AnyData, Kind: Status}}, ".5.5.5"},
		{"one after another", []Fault{{Op: OpList, Kind: Status, Count: 1}, {Op: OpList, Kind: RetryAfter, Count: 1}}, "5.4..."},
		{"other operation", []Fault{{Op: OpDelete, Kind: Status}}, "......"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, key := instant(t, Options{})
			for _, f := range tt.faults {
				c.Inject(f)
			}
			var got strings.Builder
			for i := range 6 {
				method, path, body := "GET", endpointsPath, ""
				if i%2 == 1 {
					method, path, body = "POST", "/v1/chat/completions", chat(key, "hi")
				}
				w := ask(t, c, method, path, body)
				got.WriteString(strings.Replace(fmt.Sprint(w.Code/100), "2", ".", 1))
			}
			equal(t, "fates", got.String(), tt.want)
			struck := int64(0)
			for _, n := range c.Ledger().Faults {
				struck += n
			}
			equal(t, "struck", struck, int64(6-strings.Count(tt.want, ".")))
			c.ClearFaults()
			equal(t, "after clearing", ask(t, c, "GET", endpointsPath, "").Code, http.StatusOK)
		})
	}
}

func TestFault_StatesAreOnlyShown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault Fault
		want  nebiusDeployment
	}{
		{Fault{Kind: UnknownState}, nebiusDeployment{0, "hibernating", "hibernating"}},
		{Fault{Kind: UnknownState, Body: "moving"}, nebiusDeployment{0, "moving", "moving"}},
		{Fault{Kind: ErrorState}, nebiusDeployment{0, "error", "not_ready"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.fault), func(t *testing.T) {
			t.Parallel()
			c, key := instant(t, Options{})
			tt.fault.Op, tt.fault.Count = OpList, 1
			c.Inject(tt.fault)
			equal(t, "shown", deployment(t, c), tt.want)
			equal(t, "chat", ask(t, c, "POST", "/v1/chat/completions", chat(key, "hi")).Code, http.StatusOK)
			equal(t, "true", deployment(t, c), nebiusDeployment{1, "running", "ready"})
		})
	}
}

func TestFault_EmptyList(t *testing.T) {
	t.Parallel()
	c, _ := instant(t, Options{})
	c.Inject(Fault{Op: OpList, Kind: EmptyChoices, Count: 1})
	equal(t, "listed", len(list(t, c)), 0)
	equal(t, "listed then", len(list(t, c)), 1)
}

// TestFault_EndpointDies has a request in flight when another one strikes the
// endpoint down.
func TestFault_EndpointDies(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]nebiusDeployment{
		Fail:   {0, "error", "not_ready"},
		Vanish: {Status: "absent"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := New(second(Model{}))
				e := create(t, c, minimalCreate)
				inFlight := make(chan int)
				go func() { inFlight <- ask(t, c, "POST", "/v1/chat/completions", chat(e.RoutingKey, "hi")).Code }()
				pass(500 * time.Millisecond)
				c.Inject(Fault{Op: OpChat, Kind: kind, Count: 1})
				equal(t, "struck", ask(t, c, "POST", "/v1/chat/completions", chat(e.RoutingKey, "hi")).Code, http.StatusNotFound)
				equal(t, "in flight", <-inFlight, http.StatusServiceUnavailable)
				pass(time.Hour)
				equal(t, "deployment", deployment(t, c), want)
				equal(t, "replica-seconds", c.Ledger().Total.ReplicaSeconds, 0.5)
				equal(t, "running", len(c.Ledger().Running()), map[Kind]int{Fail: 1, Vanish: 0}[kind])
				ask(t, c, "DELETE", endpointsPath+"/"+e.ID, "")
				pass(time.Second)
				equal(t, "after deletion", len(c.Ledger().Running()), 0)
			})
		})
	}
}

func TestFault_LateCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		c.Inject(Fault{Op: OpCreate, Kind: LateCreate, Delay: time.Minute, Count: 1})
		equal(t, "create", ask(t, c, "POST", endpointsPath, minimalCreate).Code, http.StatusInternalServerError)
		equal(t, "listed at once", len(list(t, c)), 0)
		equal(t, "may come to hold GPUs", c.Ledger().Running()[0].State, Late)
		pass(59 * time.Second)
		equal(t, "listed before", len(list(t, c)), 0)
		pass(time.Second)
		equal(t, "listed", deployment(t, c), nebiusDeployment{0, "starting", "not_ready"})
		pass(9 * time.Second)
		equal(t, "billed", c.Ledger().Total.ReplicaSeconds, 1)
	})
}

func TestFault_SlowTakesEffectAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		c.Inject(Fault{Op: OpCreate, Kind: Slow, Delay: time.Minute})
		ctx, leave := context.WithCancel(t.Context())
		request := httptest.NewRequestWithContext(ctx, "POST", endpointsPath, strings.NewReader(minimalCreate))
		request.Header.Set("Authorization", "Bearer secret")
		go c.ServeHTTP(httptest.NewRecorder(), request)
		pass(time.Second)
		leave()
		pass(58 * time.Second)
		equal(t, "before", len(list(t, c)), 0)
		pass(time.Second)
		synctest.Wait()
		equal(t, "after", len(list(t, c)), 1)
	})
}

func TestFault_BusyWhileStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		path := endpointsPath + "/" + create(t, c, minimalCreate).ID
		c.Inject(Fault{Op: OpDelete, Kind: Busy})
		equal(t, "while starting", ask(t, c, "DELETE", path, "").Code, http.StatusConflict)
		pass(8 * time.Second)
		equal(t, "when ready", ask(t, c, "DELETE", path, "").Code, http.StatusNoContent)
	})
}

// TestClient does over HTTP what Inject, Ledger and ClearFaults do in Go.
func TestClient(t *testing.T) {
	t.Parallel()
	c, key := instant(t, Options{})
	server := httptest.NewServer(c)
	defer server.Close()
	client := Client{BaseURL: server.URL + "/"}
	ctx := t.Context()
	fault := Fault{
		Op: OpChat, Kind: RetryAfter, Status: 503, Delay: 1500 * time.Millisecond,
		RetryAfter: 2 * time.Second, Count: 3, Every: 1, Body: "later",
	}
	if err := client.Inject(ctx, fault); err != nil {
		t.Fatal(err)
	}
	equal(t, "armed", c.faults.armed[0].Fault, fault)
	equal(t, "chat", observe(t, server, "POST", "/v1/chat/completions", chat(key, "hi"), time.Minute), "503 application/json 2 not JSON")
	if err := client.ClearFaults(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, "chat", observe(t, server, "POST", "/v1/chat/completions", chat(key, "hi"), time.Minute), "200 application/json")

	ledger, err := client.Ledger(ctx)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "running", ledger.Running()[0].Key, key)
	equal(t, "fired", ledger.Faults[RetryAfter], 1)
	equal(t, "refused", ledger.Data.Statuses[503], 1)
	equal(t, "answered", ledger.Data.Statuses[200], 1)
}

func TestInject_RefusesWhatNeverStrikes(t *testing.T) {
	t.Parallel()
	valid := Fault{Op: OpList, Kind: Status}
	tests := []struct {
		name   string
		change func(*Fault)
		want   string // in the error; "" is none
	}{
		{"valid", func(*Fault) {}, ""},
		{"every operation", func(f *Fault) { f.Op = "" }, ""},
		{"unknown operation", func(f *Fault) { f.Op = "chta" }, "known are batch-cancel, batch-create"},
		{"unknown kind", func(f *Fault) { f.Kind = "slwo" }, `"slow"`},
		{"no kind", func(f *Fault) { f.Kind = "" }, "is unknown"},
		{"status too low", func(f *Fault) { f.Status = 42 }, "status 42"},
		{"status too high", func(f *Fault) { f.Status = 600 }, "status 600"},
		{"negative count", func(f *Fault) { f.Count = -1 }, "negative"},
	}
	c := New(Options{})
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := valid
			tt.change(&f)
			for how, err := range map[string]error{
				"Go":   c.inject(f),
				"HTTP": Client{BaseURL: server.URL}.Inject(context.Background(), f),
			} {
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %v, want %q", how, err, tt.want)
				}
			}
		})
	}
}

// TestFault_Names lists what other processes may write: it changes only by
// growing.
func TestFault_Names(t *testing.T) {
	t.Parallel()
	equal(t, "kinds", fmt.Sprint(slices.Sorted(maps.Keys(behaviours))),
		"[busy capacity cut-before cut-body empty-choices error-state fail hang html-200 late-create lost-reply"+
			" retry-after slow status trickle truncated-json unknown-state vanish wrong-content-type]")
	equal(t, "operations", strings.TrimSpace(strings.Join(slices.Sorted(maps.Keys(New(Options{}).operations)), " ")),
		"batch-cancel batch-create batch-list batch-read chat completions control create create-shell data delete"+
			" delete-deployment embeddings file-content file-delete file-upload get get-deployment hardware instance-types"+
			" list list-deployments models pricing responses split templates update whoami zones")
	var f Fault
	if err := json.Unmarshal([]byte(`{"kind": "slow", "delya": "1s"}`), &f); err == nil {
		t.Error("a misspelt name was accepted")
	}
}
