package worker

import (
	"errors"
	"fmt"
	"regexp"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Deployment is a version of a Worker Deployment: all workers of one fleet have
// one name, and those of one release one build id. Temporal gives new work to
// the deployment's current version only, which somebody has to choose.
//
// Open workflows move to a new current version with their next step
// (auto-upgrade), and are not pinned to the one that began them. A job can run
// for a day, and an endpoint's guard for as long as its endpoint is not
// confirmed off: pinned, they would need the old workers for all that time, and
// an endpoint whose guard waits for workers that somebody has stopped is
// released by nobody but the sweep. That a workflow goes on in a later release is what
// the saved histories of package workflows are replayed for.
type Deployment struct {
	Name    string
	BuildID string
}

var deploymentWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$`)

// Check returns what is wrong with it.
func (d Deployment) Check() error {
	switch {
	case d == Deployment{}:
		return nil
	case d.Name == "":
		return errors.New("a build id is told apart within a deployment, whose name is missing")
	case !deploymentWord.MatchString(d.Name):
		return fmt.Errorf("deployment name %q must be of letters, digits, dashes and underscores", d.Name)
	case d.BuildID == "" || len(d.BuildID) > 200:
		return fmt.Errorf("build id %q must have 1 to 200 characters", d.BuildID)
	}
	return nil
}

func (d Deployment) options() worker.DeploymentOptions {
	if d == (Deployment{}) {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: d.Name, BuildID: d.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}
