package jobs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// maxName leaves room for the time and a random end in a job id of 63.
const maxName = 40

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// Problems checks the spec as a whole and returns everything that is wrong
// with it, each with the dotted path of its field. Whether the provider offers
// the endpoint's shape is not known here: that is asked before anything is
// rented.
func (s Spec) Problems() []Problem {
	var list problemList
	sample := s.sample(&list) // with its templates filled in
	list.require(validName.MatchString(sample.Name) && len(sample.Name) <= maxName, "name",
		"must be lower-case letters, digits and dashes, at most %d", maxName)
	sample.checkPlaces(&list)
	s.checkLines(&list)
	s.checkResults(&list)
	s.checkEndpoints(&list)
	s.Schedule.check(&list)
	list.require(s.Schedule.IsZero() || s.OutputExists == ReplaceOutput || strings.Contains(s.Output, "{{"), "output",
		"every scheduled run needs one of its own: say its date, such as s3://answers/{{ .Date }}/, or write output_exists: replace")
	s.Notify.check(&list)
	list.require(s.Limits.Deadline > 0, "limits.deadline", "must be longer than zero")
	list.require(s.Limits.Warmup > 0, "limits.warmup", "must be longer than zero")
	list.require(s.Limits.GPUMinutes >= 0, "limits.gpu_minutes", "must not be negative")
	s.Requests.check(&list)
	return list
}

func (s Spec) checkPlaces(list *problemList) {
	list.require(len(s.Input) > 0, "input", "is missing; name the JSONL file with the requests, such as s3://bucket/prompts.jsonl")
	for _, input := range s.Input {
		list.require(isObjectURL(input), "input", "%q must be an object, a prefix that ends in a slash, or a pattern: s3://bucket/key, s3://bucket/prefix/, file:///path/*.jsonl", input)
	}
	list.require(s.Output != "", "output", "is missing; name the prefix for the results, such as s3://bucket/answers/")
	if s.Output != "" {
		list.require(isObjectURL(s.Output), "output", "%q must be a prefix: s3://bucket/prefix/ or file:///path/", s.Output)
	}
}

func (s Spec) checkEndpoints(list *problemList) {
	if len(s.Endpoints) == 0 {
		s.Endpoint.check(list, "endpoint.")
		return
	}
	list.require(reflect.ValueOf(s.Endpoint).IsZero(), "endpoint", "cannot stand beside endpoints; put it first in that list")
	for i, endpoint := range s.Endpoints {
		endpoint.check(list, fmt.Sprintf("endpoints.%d.", i))
	}
}

// check reports what is wrong with an endpoint whose fields' paths begin with
// at.
func (e Endpoint) check(list *problemList, at string) {
	list.require(e.Provider != "", at+"provider", "is missing; such as nebius")
	list.require(e.Model != "" || e.ID != "", at+"model", "is missing; such as openai/gpt-oss-120b")
	list.require(e.Mode == OnEndpoint || e.Mode == ProviderBatch, at+"mode", "%q must be endpoint or provider-batch", e.Mode)
	list.require(e.ID == "" || e.Mode == OnEndpoint, at+"id", "cannot be used with mode provider-batch, which has no endpoint")
	list.require(e.GPU.Count >= 1, at+"gpu.count", "must be at least 1")
	list.require(e.Replicas.Min >= 1, at+"replicas.min", "must be at least 1")
	list.require(e.Replicas.Max >= e.Replicas.Min, at+"replicas.max", "must not be less than min")
	list.require(e.IdleStop >= 0, at+"idle_stop", "must not be negative")
	e.checkRelease(list, at)
	e.checkShare(list, at)
	for _, address := range []struct{ field, url string }{{"base_url", e.BaseURL}, {"control_url", e.ControlURL}} {
		list.require(address.url == "" || strings.HasPrefix(address.url, "https://") || strings.HasPrefix(address.url, "http://"),
			at+address.field, "%q must begin with https:// or http://", address.url)
	}
}

func (e Endpoint) checkRelease(list *problemList, at string) {
	if e.ID != "" {
		list.require(e.Release == ReleaseRestore, at+"release", "%q: an endpoint that is named by its id can only be returned to the state in which it was found: restore", e.Release)
		return
	}
	list.require(e.Release == ReleaseDelete || e.Release == ReleaseDisable, at+"release", "%q must be delete or disable", e.Release)
}

func isObjectURL(url string) bool {
	bucket, isS3 := strings.CutPrefix(url, "s3://")
	path, isFile := strings.CutPrefix(url, "file://")
	switch {
	case isS3:
		name, _, _ := strings.Cut(bucket, "/")
		return name != ""
	case isFile:
		return strings.HasPrefix(path, "/") && path != "/"
	}
	return false
}

// problemList gathers problems as checks fail.
type problemList []Problem

func (list *problemList) require(ok bool, field, format string, args ...any) {
	if !ok {
		*list = append(*list, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}
