package worker

import (
	"strings"
	"testing"
)

func TestDeployment_Check(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		deployment Deployment
		want       string // empty is well
	}{
		{Deployment{}, ""},
		{Deployment{Name: "nightshift", BuildID: "1.4.0"}, ""},
		{Deployment{BuildID: "1.4.0"}, "name is missing"},
		{Deployment{Name: "night.shift", BuildID: "1"}, "letters, digits"},
		{Deployment{Name: "nightshift"}, "build id"},
		{Deployment{Name: "nightshift", BuildID: strings.Repeat("x", 201)}, "build id"},
	} {
		err := test.deployment.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.deployment, err, test.want)
		}
	}
}
