package cli

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

// jobFlags name the flags that stand for fields of a job file. A field that is
// not here has a flag too, called after its path: --endpoint-gpu-type.
var jobFlags = []struct{ path, flag, usage string }{
	{"name", "name", "what people call the job: `NAME`"},
	{"output_exists", "output-exists", "`WHAT` becomes of another job's results there: refuse or replace"},
	{"results.split", "results-split", "begin another result file at `SIZE`, such as 1GiB"},
	{"results.compression", "results-compression", "`KIND` none, gzip or zstd"},
	{"resume_from", "resume-from", "`JOB` or output of an earlier job whose answers are reused; may be given again"},
	{"on_invalid", "on-invalid", "`WHAT` becomes of lines that cannot be sent: fail or skip"},
	{"models", "models", "`HOW` many models the lines may name: one or any"},
	{"expect.url", "expect-url", "`PATH` that every line must have, such as /v1/chat/completions"},
	{"expect.model", "expect-model", "`MODEL` that every line must name"},
	{"expect.served", "expect-served", "`MODEL` to tell of when a line names another; may be given again"},
	{"expect.requests", "expect-requests", "refuse an input of more than `N` requests"},
	{"notify.format", "notify-format", "`FORM` of what is told: openai, as OpenAI's Batch API tells it"},
	{"max_line", "max-line", "`SIZE` of the longest line, at most 1GiB"},
	{"input", "input", "`URL` of the requests, s3:// or file://; may be given again"},
	{"output", "output", "`URL` of the prefix for the results"},
	{"endpoint.provider", "provider", "`PROVIDER` to rent from: " + strings.Join(registry.Names(), ", ")},
	{"endpoint.model", "model", "`MODEL` in the provider's words"},
	{"endpoint.flavor", "flavor", "`FLAVOR` of the model"},
	{"endpoint.gpu.type", "gpu", "`TYPE` of GPU"},
	{"endpoint.gpu.count", "gpus", "`N` GPUs of one replica"},
	{"endpoint.region", "region", "`REGION` to rent in"},
	{"endpoint.replicas.min", "replicas-min", "at least `N` replicas"},
	{"endpoint.replicas.max", "replicas-max", "at most `N` replicas"},
	{"endpoint.id", "endpoint-id", "`ID` of an endpoint that the provider already has"},
	{"endpoint.mode", "mode", "`MODE` endpoint or provider-batch"},
	{"endpoint.release", "release", "`WHAT` happens to the endpoint afterwards: delete, disable or, for --endpoint-id, restore"},
	{"endpoint.idle_stop", "idle-stop", "ask the provider to stop an endpoint that is idle for `TIME`"},
	{"endpoint.share.name", "share", "share the endpoint with jobs that give the same `NAME` and want the same"},
	{"endpoint.share.linger", "linger", "keep a shared endpoint for `TIME` after this job"},
	{"endpoint.share.lifetime", "lifetime", "rent a shared endpoint anew after `TIME`"},
	{"endpoint.options", "option", "`NAME=VALUE` in the provider's own words; may be given again"},
	{"endpoint.price_per_gpu_hour", "price-per-gpu-hour", "`PRICE` such as \"3.20 USD\""},
	{"endpoint.base_url", "base-url", "`URL` of an OpenAI-compatible server, ends in /v1"},
	{"endpoint.control_url", "control-url", "`URL` where endpoints are managed"},
	{"limits.deadline", "deadline", "end the job after `TIME`"},
	{"limits.warmup", "warmup", "wait at most `TIME` for the endpoint's first answer"},
	{"limits.gpu_minutes", "gpu-minutes", "end the job when it has used `N` GPU minutes"},
	{"limits.cost", "cost", "end the job when it has cost `MONEY`, such as \"20 USD\""},
	{"requests.concurrency", "concurrency", "`N` requests in flight from one worker, or auto"},
	{"requests.timeout", "timeout", "one attempt at a request may take `TIME`"},
	{"requests.attempts", "attempts", "send one request at most `N` times"},
	{"requests.defaults", "requests-defaults", "`NAME=VALUE` for bodies without that member; may be given again"},
	{"requests.headers", "requests-headers", "`NAME=VALUE` to send with every request; may be given again"},
	{"requests.order", "requests-order", "`ORDER` of sending: prefix, input or longest-first"},
	{"requests.hedge", "requests-hedge", "`true` sends the last slow requests of a shard a second time"},
	{"schedule.cron", "schedule-cron", "`CRON` times at which the job runs by itself; may be given again"},
	{"schedule.time_zone", "schedule-time-zone", "`ZONE` of these times, such as Europe/Berlin"},
	{"schedule.overlap", "schedule-overlap", "`WHAT` to do while a run is open: skip or buffer_one"},
	{"schedule.catch_up", "schedule-catch-up", "`TIME` by which a run may start late after an outage"},
	{"schedule.jitter", "schedule-jitter", "spread starts over `TIME`"},
	{"schedule.pause_on_failure", "schedule-pause-on-failure", "`true` pauses the schedule after a run that failed"},
	{"schedule.skip_unchanged", "schedule-skip-unchanged", "`false` runs also when nothing is new"},
	{"notify.webhook", "notify-webhook", "`URL` that is told how the job ended"},
	{"notify.webhook_env", "notify-webhook-env", "`VARIABLE` of the worker with that URL"},
	{"notify.secret_env", "notify-secret-env", "`VARIABLE` of the worker with the secret that signs what it is told"},
	{"notify.on", "notify-on", "`EVENT` to tell of; may be given again"},
}

// jobFlagOf is the name and the help of the flag for a field.
func jobFlagOf(field string) (name, usage string) {
	for _, known := range jobFlags {
		if known.path == field {
			return known.flag, known.usage
		}
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(field), ""
}

// jobFlagsOf are the flags that say what a job file can, for any command that
// takes a job file. What a flag says comes in place of what the file says.
func jobFlagsOf() []cli.Flag {
	var flags []cli.Flag
	for _, field := range jobs.Fields() {
		name, usage := jobFlagOf(field.Path)
		variables := []string{"NIGHTSHIFT_JOB_" + variable(name)}
		if field.Many {
			flags = append(flags, &cli.StringSliceFlag{Name: name, Usage: usage, EnvVars: variables, Category: "Instead of the job file's fields"})
			continue
		}
		flags = append(flags, &cli.StringFlag{Name: name, Usage: usage, EnvVars: variables, Category: "Instead of the job file's fields"})
	}
	return flags
}

func overridesOf(c *cli.Context) []jobs.Override {
	var overrides []jobs.Override
	for _, field := range jobs.Fields() {
		name, _ := jobFlagOf(field.Path)
		if !c.IsSet(name) {
			continue
		}
		values := []string{c.String(name)}
		if field.Many {
			values = c.StringSlice(name)
		}
		overrides = append(overrides, jobs.Override{Path: field.Path, Values: values, Source: "--" + name})
	}
	return overrides
}

// readJob reads the job file that is the command's argument and the flags that
// override it; without a file the flags alone.
func readJob(c *cli.Context) (jobs.Spec, error) {
	overrides := overridesOf(c)
	if c.NArg() == 0 && len(overrides) > 0 {
		return readJobOfFlags(c, overrides)
	}
	if c.NArg() == 0 {
		return jobs.Spec{}, badInput(fmt.Errorf("%s takes a job file, or flags such as --input, --output, --provider and --model; try: nightshift init, or nightshift %s --help", c.Command.Name, c.Command.Name))
	}
	file, err := oneArgument(c, "the job file")
	if err != nil {
		return jobs.Spec{}, err
	}
	spec, err := readSpec(file, overrides...)
	if err != nil {
		return jobs.Spec{}, badInput(err)
	}
	return spec, knownProviders(file, spec)
}

func readSpec(file string, overrides ...jobs.Override) (jobs.Spec, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return jobs.Spec{}, err
	}
	return jobs.Parse(file, text, overrides...)
}

// readJobOfFlags calls the job after its input, and calls fields by their
// flags.
func readJobOfFlags(c *cli.Context, overrides []jobs.Override) (jobs.Spec, error) {
	name := "job"
	if inputs := c.StringSlice("input"); len(inputs) > 0 {
		name = path.Base(inputs[0])
	}
	spec, err := jobs.Parse(name, nil, overrides...)
	if invalid, ok := errors.AsType[*jobs.InvalidError](err); ok {
		for i := range invalid.Problems {
			problem := &invalid.Problems[i]
			flag, _ := jobFlagOf(problem.Field)
			if problem.Source == "" && problem.Field != "" {
				problem.Source = "--" + flag
			}
			problem.Field = ""
		}
	}
	if err != nil {
		return jobs.Spec{}, badInput(err)
	}
	return spec, knownProviders("--provider", spec)
}

// knownProviders refuses a misspelt provider before anything is submitted.
func knownProviders(source string, spec jobs.Spec) error {
	for _, endpoint := range spec.Choices() {
		if _, err := registry.VariablesOf(endpoint.Provider); err != nil {
			return badInput(fmt.Errorf("%s: %w", source, err))
		}
	}
	return nil
}
