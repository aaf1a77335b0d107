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
	Dial Dial

	mu   sync.Mutex
	live map[string]*target
}

// maxTargets bounds what a worker remembers of endpoints it no longer uses.
const maxTargets = 32

// target is one endpoint as this process sees it.
type target struct {
	*chat.Client
	limiter *pace.Limiter

	turns lineTurns

	mu        sync.Mutex
	users     int
	goneSince time.Time // of the oldest sign that it is gone since its last answer; zero if none
}

// use returns the endpoint's target, and the turn of the job's shards there;
// release must be called when the shard is done with them. The error, of a header
// that the environment does not have, is final.
func (t *Targets) use(job string, address workflows.Address, requests jobs.Requests) (_ *target, _ *semaphore.Weighted, release func(), _ error) {
	headers, err := requests.ResolvedHeaders(os.LookupEnv)
	if err != nil {
		return nil, nil, nil, final(jobs.Unauthorized, err.Error())
	}
	key := fmt.Sprint(address, requests.Headers) // maps are printed in the order of their keys
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil {
		t.live = map[string]*target{}
	}
	one := t.live[key]
	if one == nil {
		t.forgetIdle()
		one = &target{Client: t.Dial(address, headers), limiter: pace.New(pace.Options{Fixed: int(requests.Concurrency)})}
		t.live[key] = one
	}
	one.users++
	return one, one.turns.join(job), func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		one.users--
		one.turns.leave(job)
	}, nil
}

// forgetIdle makes room. What an idle target knew of its endpoint's pace is
// found out again in seconds.
func (t *Targets) forgetIdle() {
	for key, one := range t.live {
		if len(t.live) >= maxTargets && one.users == 0 {
			delete(t.live, key)
		}
	}
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
