package system

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"github.com/nightshift-run/nightshift/workflows"
)

// saveHistories keeps the histories of these tests' jobs, for the replay test of
// package workflows:
//
//	go test ./local/system -run 'TestJob_(Completes|Cancelled|CreateReplyLost|DeleteFails|EndpointLost)|TestShare_(Five|Asked)' -save-histories "$PWD/workflows/testdata/histories"
var saveHistories = flag.String("save-histories", "", "directory to save workflow histories in")

// keepHistory saves the histories of a job and its Endpoint when the test ends.
func (f *fixture) keepHistory(job string) {
	if *saveHistories == "" {
		return
	}
	f.Cleanup(func() {
		name := strings.NewReplacer("TestJob_", "", "/", "-").Replace(f.Name())
		f.saveHistory(job, name+"-batch.json")
		f.saveHistory(workflows.EndpointID(job), name+"-endpoint.json")
	})
}

// keepSweep saves the history of a sweep that has ended.
func (f *fixture) keepSweep(workflow string) {
	if *saveHistories != "" {
		f.saveHistory(workflow, strings.TrimPrefix(f.Name(), "TestSweep_")+"-sweep.json")
	}
}

// keepShared saves the histories of the jobs that shared an endpoint, and of the
// Endpoint.
func (f *fixture) keepShared(ids []string, guard string) {
	if *saveHistories == "" {
		return
	}
	f.Cleanup(func() {
		name := strings.NewReplacer("TestShare_", "Shared", "/", "-").Replace(f.Name())
		f.saveHistory(guard, name+"-endpoint.json")
		f.saveHistory(ids[len(ids)-1], name+"-batch.json")
	})
}

func (f *fixture) saveHistory(workflow, file string) {
	var history historypb.History
	events := f.Client.GetWorkflowHistory(context.Background(), workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return // this job never had an Endpoint
		}
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: "\t"}.Marshal(&history)
	if err != nil {
		f.Error(err)
	}
	if err := os.WriteFile(filepath.Join(*saveHistories, file), text, 0o644); err != nil {
		f.Error(err)
	}
}

// keepNightly saves the histories of a job that a schedule started, of the
// schedule's run, and of what told of its end.
func (f *fixture) keepNightly(job, name string) {
	if *saveHistories == "" {
		return
	}
	described, err := f.Client.DescribeWorkflowExecution(context.Background(), job, "")
	if err != nil {
		f.Fatal(err)
	}
	f.saveHistory(described.GetWorkflowExecutionInfo().GetParentExecution().GetWorkflowId(), name+"-nightly.json")
	f.saveHistory(workflows.NotifyID(job), name+"-notify.json")
	f.saveHistory(job, name+"-batch.json")
}
