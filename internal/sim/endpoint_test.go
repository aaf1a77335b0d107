package sim

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets simulated time go by.
func pass(d time.Duration) { <-time.After(d) }

// deployment returns status, readiness and ready replicas of the only
// endpoint listed, or "absent".
func deployment(t *testing.T, c *Cloud) nebiusDeployment {
	t.Helper()
	switch listed := list(t, c); len(listed) {
	case 0:
		return nebiusDeployment{Status: "absent"}
	case 1:
		return listed[0].Deployment
	default:
		t.Fatalf("%d endpoints are listed", len(listed))
		return nebiusDeployment{}
	}
}

func TestEndpoint_ReplicasArriveOneAfterAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		create(t, c, scaled(`{"min_replicas": 3, "max_replicas": 3}`))
		for _, want := range []nebiusDeployment{
			{0, "starting", "not_ready"},       // 7.5 s
			{1, "starting", "partially_ready"}, // 9.5 s
			{2, "starting", "partially_ready"}, // 11.5 s
			{ReadyReplicas: 3, Status: "running", Readiness: "ready"},
		} {
			pass(2 * time.Second)
			if want.ReadyReplicas == 0 {
				pass(5500 * time.Millisecond)
			}
			equal(t, "deployment", deployment(t, c), want)
		}
	})
}

// TestEndpoint_BillsReadyReplicasOnly goes through a whole life: 8 s of
// warm-up, 2 s with one replica, 10 s with two, a stop with its drain, an hour
// of nothing, a second start, deletion while starting.
func TestEndpoint_BillsReadyReplicasOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		start := time.Now()
		path := endpointsPath + "/" + create(t, c, scaled(`{"min_replicas": 2, "max_replicas": 2}`)).ID
		pass(20 * time.Second)

		ask(t, c, "PATCH", path, `{"enabled": false}`)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{0, "stopping", "not_ready"})
		pass(time.Hour)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{0, "stopped", "not_ready"})
		stopped := c.Ledger().Entries[0]
		equal(t, "replica-seconds", stopped.ReplicaSeconds, 22)
		equal(t, "GPU-seconds", stopped.GPUSeconds, 44)
		equal(t, "ready", stopped.ReadyAt.Sub(start), 8*time.Second)
		equal(t, "stop requested", stopped.StopRequestedAt.Sub(start), 20*time.Second)
		equal(t, "stopped", stopped.StoppedAt.Sub(start), 21*time.Second)
		equal(t, "running", len(c.Ledger().Running()), 0)

		ask(t, c, "PATCH", path, `{"enabled": true}`)
		equal(t, "running", len(c.Ledger().Running()), 1)
		pass(4 * time.Second)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{0, "starting", "not_ready"})
		equal(t, "delete", ask(t, c, "DELETE", path, "").Code, http.StatusNoContent)
		equal(t, "delete again", ask(t, c, "DELETE", path, "").Code, http.StatusNoContent)
		equal(t, "running", len(c.Ledger().Running()), 1)
		pass(time.Second)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{Status: "absent"})
		equal(t, "delete of what is gone", ask(t, c, "DELETE", path, "").Code, http.StatusNotFound)

		ledger := c.Ledger()
		equal(t, "running", len(ledger.Running()), 0)
		equal(t, "state", ledger.Entries[0].State, Gone)
		equal(t, "replica-seconds", ledger.Total.ReplicaSeconds, 22)
	})
}

func TestEndpoint_BillsUpToNowWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		create(t, c, minimalCreate)
		pass(8*time.Second + 1500*time.Millisecond)
		equal(t, "GPU-seconds", c.Ledger().Total.GPUSeconds, 3)
	})
}

func TestEndpoint_ScalesWhenAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		path := endpointsPath + "/" + create(t, c, minimalCreate).ID
		pass(8 * time.Second)

		ask(t, c, "PATCH", path, `{"scaling": {"min_replicas": 2, "max_replicas": 2}}`)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{1, "updating", "partially_ready"})
		pass(8 * time.Second)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{2, "running", "ready"})

		ask(t, c, "PATCH", path, `{"scaling": {"min_replicas": 1, "max_replicas": 1}}`)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{1, "running", "ready"})
		pass(10 * time.Second)
		equal(t, "replica-seconds", c.Ledger().Total.ReplicaSeconds, 8+10)

		ask(t, c, "PATCH", path, `{"gpu_count": 4}`)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{0, "updating", "not_ready"})
		pass(9 * time.Second)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{1, "running", "ready"})
		equal(t, "GPU-seconds", c.Ledger().Total.GPUSeconds, 18*2+1*4)
	})
}

func TestEndpoint_NoTimeAtAll(t *testing.T) {
	t.Parallel()
	c := New(Options{WarmUp: None, Drain: None})
	e := create(t, c, minimalCreate)
	equal(t, "deployment", e.Deployment, nebiusDeployment{1, "running", "ready"})
	ask(t, c, "DELETE", endpointsPath+"/"+e.ID, "")
	equal(t, "deployment", deployment(t, c), nebiusDeployment{Status: "absent"})
}

func TestEndpoint_RestartsWhileStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Drain: time.Minute})
		path := endpointsPath + "/" + create(t, c, minimalCreate).ID
		pass(8 * time.Second)
		ask(t, c, "PATCH", path, `{"enabled": false}`)
		pass(time.Second)
		ask(t, c, "PATCH", path, `{"enabled": true}`)
		pass(time.Hour)
		equal(t, "deployment", deployment(t, c), nebiusDeployment{1, "running", "ready"})

		ask(t, c, "DELETE", path, "")
		equal(t, "disable while deleting", ask(t, c, "PATCH", path, `{"enabled": false}`).Code, http.StatusConflict)
		pass(time.Minute)
		equal(t, "state", c.Ledger().Entries[0].State, Gone)
	})
}

func TestEndpoint_DeletedWhenStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		path := endpointsPath + "/" + create(t, c, minimalCreate).ID
		pass(10 * time.Second)
		ask(t, c, "PATCH", path, `{"enabled": false}`)
		pass(time.Minute)
		stopped := c.Ledger().Entries[0]
		ask(t, c, "DELETE", path, "")
		pass(time.Minute)

		gone := c.Ledger().Entries[0]
		equal(t, "state", gone.State, Gone)
		stopped.State = Gone
		equal(t, "all else", gone, stopped)
	})
}
