package activities

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/pace"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Dial makes the client for an endpoint, which sends the headers with every
// request.
type Dial func(address workflows.Address, headers map[string]string) *chat.Client

// NewDial returns a Dial that sends each provider's token and shares one
// transport.
func NewDial(providers Providers, transport http.RoundTripper) Dial {
	return func(address workflows.Address, headers map[string]string) *chat.Client {
		return chat.New(chat.Options{
			BaseURL: address.BaseURL, APIKey: providers[address.Provider].Token,
			Headers: headers, Transport: transport, Check: readAnswer,
		})
	}
}

func readAnswer(url string, body []byte) (chat.Usage, error) {
	usage, err := batchfile.ReadAnswer(url, body)
	return chat.Usage(usage), err
}

// Targets holds one target for each endpoint that this process sends to, so
// that all shards of an endpoint share its pace.
type Targets struct {
	Dial    Dial
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer

	mu        sync.Mutex
	live      map[string]*target
	forgotten map[counted]int64 // cool-downs of targets that are no longer live
}

// maxTargets bounds what a worker remembers of endpoints it no longer uses.
const maxTargets = 32

// target is one endpoint as this process sees it.
type target struct {
	*chat.Client
	limiter *pace.Limiter
	counted counted
	metrics *telemetry.Target

	turns lineTurns

	mu        sync.Mutex
	users     int
	goneSince time.Time // of the oldest sign that it is gone since its last answer; zero if none
}

// use returns the endpoint's target, and the turn of the job's shards there;
// release must be called when the shard is done with them. The error, of a header
// that the environment does not have, is final.
func (t *Targets) use(call workflows.ShardCall) (_ *target, _ *semaphore.Weighted, release func(), _ error) {
	address, requests := call.Address, call.Requests
	headers, err := requests.ResolvedHeaders(os.LookupEnv)
	if err != nil {
		return nil, nil, nil, final(jobs.Unauthorized, err.Error())
	}
	replicas := max(1, address.Replicas)
	address.Replicas = 0                         // the same endpoint, however many it has by now
	key := fmt.Sprint(address, requests.Headers) // maps are printed in the order of their keys
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil {
		t.live = map[string]*target{}
	}
	one := t.live[key]
	if one == nil {
		t.forgetIdle()
		one = &target{
			Client: t.Dial(address, headers), limiter: pace.New(pace.Options{Fixed: int(requests.Concurrency), Replicas: replicas}),
			counted: counted{address.Provider, call.Model}, metrics: t.Metrics.Target(address.Provider, call.Model),
		}
		t.live[key] = one
	}
	one.users++
	return one, one.turns.join(call.Job), func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		one.users--
		one.turns.leave(call.Job)
	}, nil
}

// forgetIdle makes room. What an idle target knew of its endpoint's pace is
// found out again in seconds.
func (t *Targets) forgetIdle() {
	for key, one := range t.live {
		if len(t.live) >= maxTargets && one.users == 0 {
			delete(t.live, key)
			if t.forgotten == nil {
				t.forgotten = map[counted]int64{}
			}
			t.forgotten[one.counted] += one.limiter.Stats().Cooldowns
		}
	}
}

// counted is what targets are counted by: not by the model that an address
// routes by, which can be a new one for each endpoint.
type counted struct{ provider, model string }

// Paces reads how endpoints are sent to at this moment. Those that are not used
// only count what they had.
func (t *Targets) Paces() (all []telemetry.Pace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, cooldowns := range t.forgotten {
		all = append(all, telemetry.Pace{Provider: key.provider, Model: key.model, Cooldowns: cooldowns})
	}
	for _, one := range t.live {
		now := one.limiter.Stats()
		pace := telemetry.Pace{Provider: one.counted.provider, Model: one.counted.model, Cooldowns: now.Cooldowns}
		if one.users > 0 {
			pace.InFlight, pace.Limit, pace.Waiting = now.InFlight, now.Limit, now.Waiting
			pace.Cooling, pace.Throughput = !now.CoolingUntil.IsZero(), now.Throughput
		}
		all = append(all, pace)
	}
	return all
}

// answered notes that the endpoint is there.
func (t *target) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.goneSince = time.Time{}
}

// missed notes that the endpoint seems to be gone, and returns for how long it
// has seemed so.
func (t *target) missed() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.goneSince.IsZero() {
		t.goneSince = time.Now()
	}
	return time.Since(t.goneSince)
}
