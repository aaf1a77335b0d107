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
	{"endpoint.release", "release", "`WHAT` happens to the endpoint afterwards: delete or disable"},
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
}

// jobFlagOf is the name and the help of the flag for a field.
func jobFlagOf(field string) (name, usage string) {
	for _, known := range jobFlags {
		if known.path == field {
			return known.flag, known.usage
		}
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(field), "job file: " + field
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
