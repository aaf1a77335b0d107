package together

import (
	"encoding/json"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func TestPhase(t *testing.T) {
	t.Parallel()
	const in, out, weightless = `[{"deploymentId": "d", "weight": 0.5}]`, `[]`, `[{"deploymentId": "d", "weight": 0}]`
	for _, test := range []struct {
		split  string
		state  string
		ready  string
		bounds string
		want   provider.Phase
	}{
		{in, "PROVISIONING", "0", "1, 2", provider.Provisioning},
		{in, "PROVISIONING", "1", "2, 2", provider.Degraded},
		{in, "SCALING", "0", "1, 1", provider.Provisioning},
		{in, "SCALING", "1", "2, 2", provider.Degraded},
		{in, "SCALING", "2", "2, 4", provider.Ready},
		{in, "READY", "1", "1, 1", provider.Ready},
		{in, "READY", "null", "null, null", provider.Ready},
		{in, "DEGRADED", "1", "2, 2", provider.Degraded},
		{in, "DEGRADED", "2", "1, 4", provider.Degraded},
		{in, "DEGRADED", "0", "1, 1", provider.Stalled},
		{in, "STOPPING", "1", "0, 0", provider.Stopping},
		{in, "READY", "1", "0, 0", provider.Stopping},
		{in, "STOPPED", "0", "0, 0", provider.Stopped},
		{in, "STOPPED", "0", "1, 1", provider.Stopped},
		{in, "FAILED", "0", "1, 1", provider.Failed},
		{out, "READY", "1", "1, 1", provider.Partial},
		{out, "PROVISIONING", "0", "1, 1", provider.Partial},
		{weightless, "READY", "1", "1, 1", provider.Partial},
		{out, "READY", "1", "0, 0", provider.Stopping},
		{out, "STOPPING", "0", "0, 0", provider.Stopping},
		{out, "STOPPED", "0", "0, 0", provider.Stopped},
		{out, "FAILED", "0", "1, 1", provider.Failed},
		{in, "PAUSED", "1", "1, 1", provider.Unknown},
		{in, "PAUSED", "0", "0, 0", provider.Unknown},
		{in, "UNSPECIFIED", "0", "1, 1", provider.Unknown},
		{in, "", "1", "1, 1", provider.Unknown},
		{`null`, "READY", "1", "1, 1", provider.Unknown},
		{`{}`, "STOPPED", "0", "0, 0", provider.Stopped},
	} {
		low, high := test.bounds[:len(test.bounds)/2-1], test.bounds[len(test.bounds)/2+1:]
		status := `"state": "DEPLOYMENT_STATE_` + test.state + `", "readyReplicas": ` + test.ready
		for form, deployed := range map[string]string{
			"whole": `"status": {` + status + `}`,
			"short": status,
		} {
			text := `{"id": "e", "trafficSplit": ` + test.split + `, "deployments": [{"id": "d", ` + deployed +
				`, "autoscaling": {"minReplicas": ` + low + `, "maxReplicas": ` + high + `}}]}`
			var e endpoint
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if got := phase(&e, e.ours()); got != test.want {
				t.Errorf("%s %+v: %s", form, test, got)
			}
		}
	}
}

func TestGPUOf(t *testing.T) {
	t.Parallel()
	for hardware, want := range map[string]provider.GPU{
		"8xnvidia-h100-80gb": {Type: "nvidia-h100-80gb", Count: 8},
		"1x-h100":            {Type: "-h100", Count: 1},
		"0xh100":             {Type: "0xh100"},
		"gpu-large":          {Type: "gpu-large"},
		"":                   {},
	} {
		if got := gpuOf(hardware); got != want {
			t.Errorf("%s: %+v, want %+v", hardware, got, want)
		}
	}
}
