// Package providertest is the conformance suite of the contract in package
// provider: every provider must pass it against the simulated cloud.
//
// Each case has a cloud of its own and runs in a bubble of fake time, over
// connections in memory, so that warm-up, drain and timeouts have their true
// lengths and cost nothing. Each case ends as a sweep would: whatever is still
// listed is deleted, and the cloud's ledger must then know of nothing that runs.
package providertest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// Harness is what the suite needs to know of a provider.
type Harness struct {
	// Open makes the provider. BaseURL, Token and HTTPClient lead to the
	// simulated cloud; Open may add to them.
	Open func(provider.Settings) (provider.Provider, error)

	// Shape is one that the simulated cloud offers, with Replicas {1, 2}.
	Shape provider.Shape

	// NoCatalogue: the provider tells neither models nor hardware nor limits, so
	// that Check leaves it to Create to refuse those that do not exist.
	NoCatalogue bool

	// Wakes: a request to an endpoint that the provider stopped because it was
	// idle starts it again, and is answered.
	Wakes bool

	// FailedIsFinal: when the provider says that an endpoint has failed, it will
	// not recover, so that Describe says Failed and not Stalled.
	FailedIsFinal bool

	// Cloud is how the simulated cloud differs from its defaults. Token is set
	// by the suite, and so are WarmUp and Drain: 12 minutes and 1 minute.
	Cloud sim.Options
}

// Run runs every case as a parallel subtest.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range slices.Concat(lifeCases, createCases(), stepCases(), changeCases(), refusalCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, h)
				switch can := s.Capabilities(); {
				case c.stops && !can.CanStop:
					t.Skip("the provider cannot stop endpoints")
				case c.scales && !can.CanScale:
					t.Skip("the provider cannot scale endpoints")
				case c.idles && can.IdleStop == 0:
					t.Skip("the provider never stops an endpoint by itself")
				}
				c.run(s)
				s.sweep()
			})
		})
	}
}

// testCase is one story.
type testCase struct {
	name   string
	run    func(*stage)
	stops  bool // needs Stop and Start
	scales bool // needs Scale
	idles  bool // needs a provider that stops what is idle
}

const (
	token  = "token-of-the-suite"
	warmUp = 12 * time.Minute
	drain  = time.Minute

	pollEvery = 10 * time.Second
	patience  = time.Hour // longer than everything that a cloud is told to take
)
