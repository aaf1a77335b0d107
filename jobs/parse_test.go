package jobs

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// minimal is the least that a job file must say.
const minimal = `
input: s3://prompts/in.jsonl
output: s3://answers/out/
endpoint: {provider: nebius, model: openai/gpt-oss-120b, gpu: {type: gpu-h100-sxm}}
`

func TestParse_FillsInDefaults(t *testing.T) {
	t.Parallel()
	spec, err := Parse("jobs/Nightly Run.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if spec.Name != "nightly-run" {
		t.Errorf("name = %q", spec.Name)
	}
	if spec.Endpoint.Replicas != (Replicas{Min: 1, Max: 1}) || spec.Endpoint.GPU.Count != 1 || spec.Endpoint.Release != ReleaseDelete {
		t.Errorf("endpoint = %+v", spec.Endpoint)
	}
	if spec.Limits.Deadline.Std() != 24*time.Hour || spec.Limits.Warmup.Std() != 30*time.Minute {
		t.Errorf("limits = %+v", spec.Limits)
	}
	if spec.Requests.Attempts != 6 || spec.Requests.Timeout.Std() != 10*time.Minute || spec.Requests.Concurrency != 0 {
		t.Errorf("requests = %+v", spec.Requests)
	}
}

func TestParse_ReadsEveryField(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(`
name: summaries
input: [s3://a/1.jsonl, s3://a/2.jsonl]
output: file:///tmp/out/
endpoint:
  provider: nebius
  model: m
  flavor: fast
  gpu: {type: gpu-h200-sxm, count: 8}
  region: eu-west1
  replicas: {min: 2, max: 4}
  release: disable
  price_per_gpu_hour: 2.50 EUR
  idle_stop: 30m
  options: {target_rps: 2.5, lora: true}
  control_url: http://127.0.0.1:1
  base_url: http://127.0.0.1:2/v1
on_invalid: skip
models: any
max_line: 20MB
limits: {deadline: 12h, warmup: 45m, gpu_minutes: 90, cost: 20 EUR}
requests: {concurrency: 300, timeout: 90s, attempts: 3}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Spec{
		Name: "summaries", Input: URLs{"s3://a/1.jsonl", "s3://a/2.jsonl"}, Output: "file:///tmp/out/",
		Endpoint: Endpoint{
			Provider: "nebius", Model: "m", Flavor: "fast", GPU: GPU{"gpu-h200-sxm", 8}, Region: "eu-west1",
			Replicas: Replicas{2, 4}, Release: ReleaseDisable, PricePerGPUHour: Money{2.5, "EUR"},
			Mode: OnEndpoint, IdleStop: Duration(30 * time.Minute), Options: Options{"target_rps": "2.5", "lora": "true"},
			ControlURL: "http://127.0.0.1:1", BaseURL: "http://127.0.0.1:2/v1",
		},
		OnInvalid: SkipInvalid, Models: AnyModel, MaxLine: 20e6,

		Limits:   Limits{Duration(12 * time.Hour), Duration(45 * time.Minute), 90, Money{20, "EUR"}},
		Requests: Requests{Concurrency: 300, Timeout: Duration(90 * time.Second), Attempts: 3, Order: PrefixOrder},
	}
	if !reflect.DeepEqual(spec, want) {
		t.Errorf("spec = %+v\nwant   %+v", spec, want)
	}
}

func TestParse_ListOfEndpoints(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(`
input: s3://prompts/in.jsonl
output: s3://answers/out/
endpoints:
  - {provider: nebius, model: a, gpu: {type: x}, replicas: {min: 2}}
  - {provider: nebius, id: ep-1}
  - {provider: lyceum, model: b, mode: provider-batch}
`))
	if err != nil {
		t.Fatal(err)
	}
	choices := spec.Choices()
	if len(choices) != 3 || choices[0].Replicas.Max != 2 || choices[0].Release != ReleaseDelete ||
		choices[1].Release != ReleaseRestore || choices[1].String() != "endpoint ep-1" || choices[2].Mode != ProviderBatch {
		t.Errorf("choices = %+v", choices)
	}
}

// TestParse_TellsWhatIsWrong adds one mistake to the minimal file in each row.
func TestParse_TellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new, want string
	}{
		{"unknown field", "\noutput:", "\noutputs: x\noutput:", "job.yaml:3: outputs: unknown field; did you mean output?"},
		{"unknown field below", "gpu: {type", "gpu: {typ: x, type", "job.yaml:4: endpoint.gpu.typ: unknown field; did you mean type?"},
		{"field twice", "\noutput:", "\noutput: s3://b/x/\noutput:", `mapping key "output" already defined`},
		{"no input", "input: s3://prompts/in.jsonl", "", "input: is missing"},
		{"on_invalid", "\noutput:", "\non_invalid: ignore\noutput:", `on_invalid: "ignore" must be fail or skip`},
		{"models", "\noutput:", "\nmodels: two\noutput:", `models: "two" must be one or any`},
		{"max_line", "\noutput:", "\nmax_line: 2GiB\noutput:", "max_line: must be more than nothing and at most 1GiB"},
		{"max_line without a unit", "\noutput:", "\nmax_line: long\noutput:", `"long" is not a size`},
		{"input is a path", "s3://prompts/in.jsonl", "in.jsonl", `"in.jsonl" must be an object`},
		{"no output", "output: s3://answers/out/", "", "output: is missing"},
		{"no provider", "provider: nebius, ", "", "endpoint.provider: is missing"},
		{"no model", "model: openai/gpt-oss-120b, ", "", "endpoint.model: is missing"},
		{"count", "gpu: {type", "gpu: {count: -1, type", "endpoint.gpu.count: must be at least 1"},
		{"count is a word", "gpu: {type", "gpu: {count: two, type", "`two` is not a whole number"},
		{"replicas", "provider:", "replicas: {min: 3, max: 2}, provider:", "endpoint.replicas.max: must not be less than min"},
		{"release", "provider:", "release: keep, provider:", "endpoint.release: \"keep\" must be delete or disable"},
		{"price", "provider:", "price_per_gpu_hour: 3, provider:", `"3" is not an amount`},
		{"control url", "provider:", "control_url: ftp://x, provider:", "endpoint.control_url"},
		{"duration", "\noutput:", "\nlimits: {deadline: 12}\noutput:", `"12" is not a duration`},
		{"negative", "\noutput:", "\nlimits: {warmup: -1m}\noutput:", "limits.warmup: must be longer than zero"},
		{"attempts", "\noutput:", "\nrequests: {attempts: 1000}\noutput:", "requests.attempts: must be from 1 to 100"},
		{"concurrency", "\noutput:", "\nrequests: {concurrency: many}\noutput:", `"many" is not a number of requests`},
		{"order", "\noutput:", "\nrequests: {order: random}\noutput:", `requests.order: "random" must be prefix, input or longest-first`},
		{"a default model", "\noutput:", "\nrequests: {defaults: {model: x}}\noutput:", "requests.defaults.model: cannot be set"},
		{"streamed answers", "\noutput:", "\nrequests: {defaults: {stream: true}}\noutput:", "requests.defaults.stream: answers of a batch are not streamed"},
		{"defaults are a word", "\noutput:", "\nrequests: {defaults: hot}\noutput:", "job.yaml:3"},
		{"the token", "\noutput:", "\nrequests: {headers: {authorization: Bearer x}}\noutput:", "requests.headers.authorization: cannot be set by a job"},
		{"hop by hop", "\noutput:", "\nrequests: {headers: {Transfer-Encoding: chunked}}\noutput:", "requests.headers.Transfer-Encoding: cannot be set by a job"},
		{"no header", "\noutput:", "\nrequests: {headers: {\"a b\": x}}\noutput:", `"a b" is not the name of a header`},
		{"two headers in one", "\noutput:", "\nrequests: {headers: {X-A: \"x\\r\\nX-B: y\"}}\noutput:", "requests.headers.X-A: must be printable ASCII"},
		{"the worker's secrets", "\noutput:", "\nrequests: {headers: {X-A: \"${AWS_SECRET_ACCESS_KEY}\"}}\noutput:", "${AWS_SECRET_ACCESS_KEY} must begin with NIGHTSHIFT_HEADER_"},
		{"name", "\noutput:", "\nname: Nightly Run\noutput:", "name: must be lower-case"},
		{"endpoint is a word", "endpoint: {", "x: {", "endpoint.provider: is missing"},
		{"both ways", "\noutput:", "\nendpoints: [{provider: nebius, model: m}]\noutput:", "endpoint: cannot stand beside endpoints"},
		{"in a list", "endpoint: {provider: nebius, model: openai/gpt-oss-120b, gpu: {type: gpu-h100-sxm}}",
			"endpoints: [{provider: nebius, model: m}, {provider: nebius}]", "endpoints.1.model: is missing"},
		{"unknown in a list", "endpoint: {provider: nebius, model: openai/gpt-oss-120b, gpu: {type: gpu-h100-sxm}}",
			"endpoints: [{provider: nebius, modl: m}]", "endpoints.0.modl: unknown field"},
		{"option", "provider: nebius,", "provider: nebius, options: {a: [1]},", "option a must be a single value"},
		{"mode", "provider: nebius,", "provider: nebius, mode: batch,", `"batch" must be endpoint or provider-batch`},
		{"release of an id", "provider: nebius,", "provider: nebius, id: ep-1, release: delete,", "only be returned to the state in which it was found"},
		{"share without a name", "provider: nebius,", "provider: nebius, share: {linger: 5m},", "endpoint.share.name: must be lower-case"},
		{"linger", "provider: nebius,", "provider: nebius, share: {name: chat, linger: 2h, lifetime: 1h},", "endpoint.share.linger: must be shorter than share.lifetime, which is 1h"},
		{"negative linger", "provider: nebius,", "provider: nebius, share: {name: chat, linger: -1s},", "endpoint.share.linger: must not be negative"},
		{"lifetime", "provider: nebius,", "provider: nebius, share: {name: chat, lifetime: -1h},", "endpoint.share.lifetime: must be longer than zero"},
		{"idle stop", "provider: nebius,", "provider: nebius, idle_stop: 5m, share: {name: chat, linger: 10m},", "endpoint.idle_stop: must be longer than share.linger"},
		{"shared and kept", "provider: nebius,", "provider: nebius, release: disable, share: {name: chat},", "a shared endpoint is deleted in the end"},
		{"shared id", "provider: nebius,", "provider: nebius, id: ep-1, share: {name: chat},", "endpoint.share: cannot stand beside id"},
		{"shared batches", "provider: nebius,", "provider: nebius, mode: provider-batch, share: {name: chat},", "endpoint.share: cannot be used with mode provider-batch"},
		{"GPU minutes", "\noutput:", "\nlimits: {gpu_minutes: -1}\noutput:", "limits.gpu_minutes: must not be negative"},
		{"cost", "\noutput:", "\nlimits: {cost: 20}\noutput:", `"20" is not an amount`},
		{"policy", "\noutput:", "\noutput_exists: maybe\noutput:", `output_exists: "maybe" must be refuse or replace`},
		{"compression", "\noutput:", "\nresults: {compression: lzma}\noutput:", `results.compression: "lzma" must be gzip, zstd or none`},
		{"split", "\noutput:", "\nresults: {split: 10}\noutput:", "results.split: must be at least 64KiB"},
		{"resume from", "\noutput:", "\nresume_from: [a, Not An Id]\noutput:", `resume_from: "Not An Id" must be the id of an earlier job`},
		{"not YAML", "endpoint: {", "endpoint: [{", "not valid YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(minimal, c.old, c.new, 1)
			if text == minimal {
				t.Fatal("the row changes nothing")
			}
			_, err := Parse("job.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nand does not say\n%s", err, c.want)
			}
		})
	}
}

func TestParse_TellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Parse("job.yaml", []byte("inpt: x\nendpoint:\n  gpu: {count: none}\nlimits: {deadline: soon}\n"))
	invalid, ok := errors.AsType[*InvalidError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	var text strings.Builder
	for _, problem := range invalid.Problems {
		text.WriteString(problem.Field + "\n" + problem.Message + "\n")
	}
	for _, want := range []string{"inpt", "input", "output", "endpoint.provider", "endpoint.model", "none", "soon"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("nothing is said about %s:\n%v", want, err)
		}
	}
}

func TestParse_EmptyFile(t *testing.T) {
	t.Parallel()
	if _, err := Parse("job.yaml", nil); err == nil || !strings.Contains(err.Error(), "the file is empty") {
		t.Errorf("error is %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("endpoint: 1\nlimits: [x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := Parse("job.yaml", text)
		if err == nil && len(spec.Problems()) > 0 {
			t.Errorf("accepted a spec with problems: %v", spec.Problems())
		}
	})
}
