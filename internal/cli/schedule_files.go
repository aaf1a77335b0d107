package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/workflows"
)

// scheduledJobs reads a job file, or those of a directory that have a schedule,
// and returns them in the order of the schedules' ids; whole says that it was a
// directory. Everything that is wrong is one error.
func scheduledJobs(path string, talk io.Writer) (wanted []workflows.NightlyInput, whole bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		input, err := scheduledJob(path, "")
		return []workflows.NightlyInput{input}, false, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, true, err
	}
	var errs []error
	from := map[string]string{} // file by schedule
	for _, entry := range entries {
		file := filepath.Join(path, entry.Name())
		if ending := filepath.Ext(file); entry.IsDir() || ending != ".yaml" && ending != ".yml" {
			continue
		}
		spec, err := readSpec(file)
		if err == nil && spec.Schedule.IsZero() {
			fmt.Fprintf(talk, "%s has no schedule and is left out\n", file)
			continue
		}
		input, err := scheduledJob(file, "")
		if other, twice := from[input.Schedule]; twice && err == nil {
			err = fmt.Errorf("%s: its schedule %s is that of %s too; give one of them another name", file, input.Schedule, other)
		}
		errs = append(errs, err)
		from[input.Schedule] = file
		wanted = append(wanted, input)
	}
	if len(wanted) == 0 {
		errs = append(errs, fmt.Errorf("no job file with a schedule lies in %s", path))
	}
	slices.SortFunc(wanted, func(a, b workflows.NightlyInput) int { return cmp.Compare(a.Schedule, b.Schedule) })
	return wanted, true, errors.Join(errs...)
}

// differences says what a schedule has otherwise than its job file. What was
// changed in Temporal alone, such as by its Web UI, is told in one line.
func (s *schedule) differences(wanted workflows.NightlyInput) ([]string, error) {
	is, err := flatten(s.spec)
	if err != nil {
		return nil, err
	}
	want, err := flatten(wanted.Spec)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range is {
		names = append(names, name)
	}
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	var differences []string
	for _, name := range slices.Compact(names) {
		if is[name] != want[name] {
			differences = append(differences, fmt.Sprintf("%s: %s -> %s", name, cmp.Or(is[name], "none"), cmp.Or(want[name], "none")))
		}
	}
	times, err := scheduleTimes(wanted.Spec.Schedule)
	if err != nil {
		return nil, err
	}
	if policy := schedulePolicy(wanted.Spec.Schedule); len(differences) == 0 && !s.isAs(times, policy) {
		differences = []string{"its times or its policy were changed in Temporal, and are put back"}
	}
	return differences, nil
}

func (s *schedule) isAs(times client.ScheduleSpec, policy client.SchedulePolicies) bool {
	action, ok := s.Schedule.Action.(*client.ScheduleWorkflowAction)
	return ok && action.TaskQueue == workflows.ControlQueue && sameTimes(*s.Schedule.Spec, times) && *s.Schedule.Policy == policy
}

// flatten turns a value into its fields' dotted paths and their values as text.
func flatten(value any) (map[string]string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	flat := map[string]string{}
	flattenInto(flat, "", tree)
	return flat, nil
}

func flattenInto(flat map[string]string, path string, tree any) {
	switch t := tree.(type) {
	case map[string]any:
		for name, value := range t {
			flattenInto(flat, joined(path, name), value)
		}
	case []any:
		for i, value := range t {
			flattenInto(flat, joined(path, strconv.Itoa(i)), value)
		}
	default:
		flat[path] = fmt.Sprint(t)
	}
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
