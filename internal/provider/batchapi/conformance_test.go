package batchapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/sim"
)

const token = "token-of-the-suite"

// stage is a dialect in front of a simulated cloud of its own.
type stage struct {
	*testing.T
	*batchapi.Client
	cloud *sim.Cloud
	http  *http.Client
	base  string
}

// dialects are all of them, with the base URL at which the simulated cloud has
// each.
var dialects = []struct {
	batchapi.Dialect
	base string
}{
	{batchapi.Lyceum, "http://cloud.test"},
	{batchapi.Nebius, "http://cloud.test"},
	{batchapi.Together, "http://cloud.test/together"},
}

// each plays a story with every dialect, in fake time.
func each(t *testing.T, options sim.BatchOptions, story func(*stage)) {
	t.Helper()
	t.Parallel()
	for _, d := range dialects {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud := sim.New(sim.Options{Token: token, Batches: options})
				t.Cleanup(cloud.Close)
				s := &stage{T: t, cloud: cloud, http: providertest.Serve(t, cloud), base: d.base}
				s.Client = s.open(d.Dialect, token)
				story(s)
			})
		})
	}
}

func (s *stage) open(d batchapi.Dialect, token string) *batchapi.Client {
	s.Helper()
	c, err := batchapi.New(d, provider.Settings{Token: token, BaseURL: s.base, HTTPClient: s.http})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

const url = "/v1/chat/completions"

// lines is a file of n requests of which every fifth is refused.
func lines(n int) string {
	var text strings.Builder
	for i := range n {
		body := `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
		if i%5 == 4 {
			body = `{"model":"m"}`
		}
		fmt.Fprintf(&text, `{"custom_id":"r%d","method":"POST","url":%q,"body":%s}`+"\n", i, url, body)
	}
	return text.String()
}

func (s *stage) upload(text string) string {
	s.Helper()
	id, err := s.Upload(s.Context(), "in.jsonl", strings.NewReader(text), int64(len(text)))
	if err != nil || id == "" {
		s.Fatalf("uploaded %q, %v", id, err)
	}
	return id
}

func (s *stage) create(input string) batchapi.Batch {
	s.Helper()
	b, err := s.Create(s.Context(), input, url, map[string]string{"job": "nightly"})
	if err != nil || b.ID == "" || b.Phase != batchapi.Running || b.Input != input {
		s.Fatalf("created %+v, %v", b, err)
	}
	return b
}

// await polls until the batch is over.
func (s *stage) await(id string) batchapi.Batch {
	s.Helper()
	for range 100 {
		b, err := s.Describe(s.Context(), id)
		if err != nil {
			s.Fatal(err)
		}
		if b.Phase != batchapi.Running {
			return b
		}
		time.Sleep(time.Second)
	}
	s.Fatal("the batch does not end")
	return batchapi.Batch{}
}

// results reads a file of results, by custom_id.
func (s *stage) results(file string) map[string]batchapi.Line {
	s.Helper()
	body, err := s.Open(s.Context(), file)
	if err != nil {
		s.Fatal(err)
	}
	defer body.Close()
	found := map[string]batchapi.Line{}
	for scanner := bufio.NewScanner(body); scanner.Scan(); {
		line, err := batchapi.ReadLine(scanner.Bytes())
		if err != nil {
			s.Fatalf("%v: %s", err, scanner.Bytes())
		}
		found[line.CustomID] = line
	}
	return found
}

func TestConformance_Life(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		input := s.upload(lines(10))
		b := s.create(input)
		time.Sleep(11 * time.Second)
		half, err := s.Describe(s.Context(), b.ID)
		if err != nil || half.Phase != batchapi.Running || half.Output != "" || half.Completed != 5 && half.Percent != 50 {
			s.Errorf("half way: %+v, %v", half, err)
		}
		b = s.await(b.ID)
		if b.Phase != batchapi.Completed || b.Output == "" || b.Errors == "" || b.Reason != "" {
			s.Errorf("ended: %+v", b)
		}
		output, failures := s.results(b.Output), s.results(b.Errors)
		if len(output) != 8 || len(failures) != 2 {
			s.Errorf("%d answers and %d failures", len(output), len(failures))
		}
		if line := output["r0"]; line.Status != 200 || !strings.HasPrefix(string(line.Body), `{"id":"chatcmpl-`) {
			s.Errorf("answer: %+v", line)
		}
		if line := failures["r4"]; line.Status != 400 && (line.Code != "400" || line.Message == "") {
			s.Errorf("failure: %+v", line)
		}
		for _, file := range []string{input, b.Output, b.Errors, "file-unknown", ""} {
			if err := s.Remove(s.Context(), file); err != nil {
				s.Errorf("remove %q: %v", file, err)
			}
		}
		if left := s.cloud.Ledger().Files; (left == 0) != s.Removes() {
			s.Errorf("%d files are left", left)
		}
	})
}

func TestConformance_UnknownSize(t *testing.T) {
	each(t, sim.BatchOptions{Run: sim.None, Validate: sim.None}, func(s *stage) {
		id, err := s.Upload(s.Context(), "in.jsonl", io.MultiReader(strings.NewReader(lines(3))), -1)
		if err != nil {
			s.Fatal(err)
		}
		if b, err := s.Create(s.Context(), id, url, nil); err != nil || s.await(b.ID).Phase != batchapi.Completed {
			s.Errorf("batch %+v, %v", b, err)
		}
	})
}

// TestConformance_BaseURL takes the base URL with the API's prefix as well.
func TestConformance_BaseURL(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		s.base += s.Dialect().Prefix + "/"
		s.Client = s.open(s.Dialect(), token)
		s.upload(lines(1))
	})
}

func TestConformance_Cancel(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		b := s.create(s.upload(lines(4)))
		time.Sleep(11 * time.Second)
		if err := s.Cancel(s.Context(), b.ID); err != nil {
			s.Fatal(err)
		}
		b = s.await(b.ID)
		if b.Phase != batchapi.Cancelled || len(s.results(b.Output)) != 2 {
			s.Errorf("cancelled: %+v", b)
		}
		s.sorted(s.Cancel(s.Context(), b.ID), provider.Unavailable, provider.Refused)
		if running := s.cloud.Ledger().RunningBatches(); len(running) > 0 {
			s.Errorf("still running: %+v", running)
		}
	})
}

func TestConformance_FailsValidation(t *testing.T) {
	each(t, sim.BatchOptions{Models: []string{"another"}}, func(s *stage) {
		b := s.await(s.create(s.upload(lines(2))).ID)
		if b.Phase != batchapi.Failed || !strings.Contains(b.Reason, "line 1 names a model that is not offered") {
			s.Errorf("ended: %+v", b)
		}
	})
}

func TestConformance_Expires(t *testing.T) {
	each(t, sim.BatchOptions{Window: 11 * time.Second, Run: 20 * time.Second}, func(s *stage) {
		b := s.await(s.create(s.upload(lines(4))).ID)
		if b.Phase != batchapi.Expired || len(s.results(b.Output)) != 2 {
			s.Errorf("ended: %+v", b)
		}
	})
}

func TestConformance_UnknownStatusMeansKeepPolling(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		b := s.create(s.upload(lines(1)))
		s.cloud.Inject(sim.Fault{Op: sim.OpBatchRead, Kind: sim.UnknownState, Count: 1})
		got, err := s.Describe(s.Context(), b.ID)
		if err != nil || got.Phase != batchapi.Running || !strings.EqualFold(got.Status, "hibernating") {
			s.Errorf("described %+v, %v", got, err)
		}
	})
}

// TestConformance_FindBehindOthers looks for a batch that is on a later page.
func TestConformance_FindBehindOthers(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		wanted := s.create(s.upload(lines(1)))
		other := s.upload(lines(2))
		for range 250 {
			s.create(other)
		}
		found, ok, err := s.Find(s.Context(), wanted.Input)
		if err != nil || !ok || found.ID != wanted.ID {
			s.Errorf("found %+v, %v, %v", found, ok, err)
		}
		if _, ok, err := s.Find(s.Context(), "file-never-used"); ok || err != nil {
			s.Errorf("found what is not there: %v", err)
		}
	})
}

func TestConformance_Absent(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		if _, err := s.Describe(s.Context(), "batch-unknown"); !provider.Absent(err) {
			s.Errorf("described: %v", err)
		}
		if _, err := s.Open(s.Context(), "file-unknown"); !provider.Absent(err) {
			s.Errorf("opened: %v", err)
		}
		s.Client = s.open(s.Dialect(), "another-token")
		for _, o := range operations {
			s.sorted(o.try(s, "x"), provider.Unauthorized)
		}
	})
}

// operation is one call, about a file or batch.
type operation struct {
	name string
	op   string
	try  func(s *stage, id string) error
}

var operations = []operation{
	{"Upload", sim.OpFileUpload, func(s *stage, _ string) error {
		_, err := s.Upload(s.Context(), "in.jsonl", strings.NewReader(lines(1)), -1)
		return err
	}},
	{"Create", sim.OpBatchCreate, func(s *stage, id string) error {
		_, err := s.Create(s.Context(), id, url, nil)
		return err
	}},
	{"Describe", sim.OpBatchRead, func(s *stage, id string) error { _, err := s.Describe(s.Context(), id); return err }},
	{"Cancel", sim.OpBatchCancel, func(s *stage, id string) error { return s.Cancel(s.Context(), id) }},
	{"Find", sim.OpBatchList, func(s *stage, id string) error { _, _, err := s.Find(s.Context(), id); return err }},
	{"Open", sim.OpFileContent, func(s *stage, id string) error {
		body, err := s.Open(s.Context(), id)
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.Copy(io.Discard, body)
		return err
	}},
}

// TestConformance_Faults strikes each operation with each fault.
func TestConformance_Faults(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault sim.Fault
		kind  provider.Kind // "" for none
	}{
		{"LostReply", sim.Fault{Kind: sim.LostReply}, provider.Unavailable},
		{"ServerError", sim.Fault{Kind: sim.Status}, provider.Unavailable},
		{"CutBefore", sim.Fault{Kind: sim.CutBefore}, provider.Unavailable},
		{"NoAnswer", sim.Fault{Kind: sim.Hang}, provider.Unavailable},
		{"TooLate", sim.Fault{Kind: sim.Slow, Delay: 2 * time.Minute}, provider.Unavailable},
		{"WebPage", sim.Fault{Kind: sim.HTML}, provider.Unavailable},
		{"Slow", sim.Fault{Kind: sim.Slow, Delay: 20 * time.Second}, ""},
		{"Trickles", sim.Fault{Kind: sim.Trickle, Delay: time.Second}, ""},
		{"RateLimit", sim.Fault{Kind: sim.RetryAfter, RetryAfter: 7 * time.Second}, provider.RateLimited},
		{"Forbidden", sim.Fault{Kind: sim.Status, Status: 403}, provider.Unauthorized},
		{"Invalid", sim.Fault{Kind: sim.Status, Status: 422}, provider.Refused},
	} {
		for _, o := range operations {
			t.Run(row.name+"/"+o.name, func(t *testing.T) {
				each(t, sim.BatchOptions{}, func(s *stage) {
					id := s.upload(lines(2))
					if o.op == sim.OpBatchRead || o.op == sim.OpBatchCancel {
						id = s.create(id).ID
					}
					fault := row.fault
					fault.Op = o.op
					s.cloud.Inject(fault)
					err, kind := o.try(s, id), row.kind
					if o.op == sim.OpBatchCreate && kind == provider.Unavailable {
						kind = provider.Ambiguous
					}
					if kind == "" {
						if err != nil {
							s.Error(err)
						}
						return
					}
					if got := s.sorted(err, kind); got.RetryAfter != fault.RetryAfter {
						s.Errorf("retry after %v", got.RetryAfter)
					}
				})
			})
		}
	}
}

// TestConformance_LostCreate finds what a lost or late create has made.
func TestConformance_LostCreate(t *testing.T) {
	for _, fault := range []sim.Fault{
		{Kind: sim.LostReply}, {Kind: sim.CutBody}, {Kind: sim.TruncatedJSON}, {Kind: sim.LateCreate, Delay: 20 * time.Second},
	} {
		fault.Op = sim.OpBatchCreate
		t.Run(string(fault.Kind), func(t *testing.T) {
			each(t, sim.BatchOptions{}, func(s *stage) {
				input := s.upload(lines(1))
				s.cloud.Inject(fault)
				_, err := s.Create(s.Context(), input, url, nil)
				s.sorted(err, provider.Ambiguous)
				time.Sleep(fault.Delay)
				if found, ok, err := s.Find(s.Context(), input); err != nil || !ok || found.Input != input {
					s.Errorf("found %+v, %v, %v", found, ok, err)
				}
			})
		})
	}
}

func TestConformance_CutDownload(t *testing.T) {
	each(t, sim.BatchOptions{}, func(s *stage) {
		b := s.await(s.create(s.upload(lines(100))).ID)
		s.cloud.Inject(sim.Fault{Op: sim.OpFileContent, Kind: sim.CutBody, Count: 1})
		body, err := s.Open(s.Context(), b.Output)
		if err != nil {
			s.Fatal(err)
		}
		defer body.Close()
		_, err = io.Copy(io.Discard, body)
		s.sorted(err, provider.Unavailable)
	})
}

// sorted checks that err is of one of the kinds, and fit for a log.
func (s *stage) sorted(err error, kinds ...provider.Kind) *provider.Error {
	s.Helper()
	sorted, ok := errors.AsType[*provider.Error](err)
	if !ok {
		s.Fatalf("error %v, want kind %v", err, kinds)
	}
	if !slices.Contains(kinds, sorted.Kind) {
		s.Errorf("error %q is of kind %s, want %v", err, sorted.Kind, kinds)
	}
	if text := err.Error(); strings.Contains(text, token) || strings.Contains(text, "\n") || !strings.HasPrefix(sorted.Op, s.Dialect().Name) {
		s.Errorf("error is not fit for a log: %q", text)
	}
	return sorted
}
