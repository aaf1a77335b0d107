package providertest

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// lifeCases are what happens to endpoints while calls succeed.
var lifeCases = []testCase{
	{name: "Life", run: life},
	{name: "Life/Check", run: check},
	{name: "Life/Neighbours", run: neighbours},
	{name: "Life/Scale", run: scale, scales: true},
	{name: "Life/StopStart", run: stopStart, stops: true},
	{name: "Life/DeleteStopped", run: deleteStopped, stops: true},
	{name: "Life/IdleStop", run: idleStop, idles: true},
	{name: "Life/DeleteWhileStarting", run: deleteWhileStarting},
	{name: "Life/DeleteTwice", run: deleteTwice},
	{name: "Life/Absent", run: absent},
	{name: "Life/UnknownState", run: unknownState},
	{name: "Life/ErrorAndBack", run: errorAndBack},
	{name: "Life/Fails", run: fails},
	{name: "Life/Vanishes", run: vanishes},
	{name: "Life/ListingLags", run: listingLags},
	{name: "Life/Concurrent", run: concurrent},
}

func life(s *stage) {
	created := s.create()
	var seen []provider.Phase
	for begun := time.Now(); !s.describe(created.ID).Phase.Usable(); time.Sleep(pollEvery) {
		seen = append(seen, s.describe(created.ID).Phase)
		if time.Since(begun) > patience {
			s.Fatalf("never usable: %v", seen)
		}
	}
	if seen = slices.Compact(seen); !slices.Equal(seen, []provider.Phase{provider.Provisioning}) {
		s.Errorf("phases before usable: %v", seen)
	}
	ready := s.await(created.ID, provider.Ready)
	if ready.ReadyReplicas != s.shape.Replicas.Min || ready.CreatedAt.IsZero() {
		s.Errorf("ready: %+v", ready)
	}
	if s.Capabilities().CanFind && ready.Name != s.name.String() {
		s.Errorf("name %q, want %q", ready.Name, s.name)
	}
	if m := ready.Shape.Model; m != "" && m != s.shape.Model || ready.Shape.Replicas != s.shape.Replicas {
		s.Errorf("shape %+v, want %+v", ready.Shape, s.shape)
	}
	if base, err := url.Parse(ready.BaseURL); err != nil || !base.IsAbs() || strings.HasSuffix(ready.BaseURL, "/") || ready.Model == "" {
		s.Errorf("base URL %q, model %q", ready.BaseURL, ready.Model)
	}
	if status := s.chat(ready); status != http.StatusOK {
		s.Errorf("a request to the ready endpoint: HTTP %d", status)
	}
	s.remove(created.ID)
}

func check(s *stage) {
	offer, err := s.Check(s.ctx, s.shape)
	if err != nil {
		s.Fatal(err)
	}
	if offer.GPU.Count < 1 {
		s.Errorf("the offer has no GPU: %+v", offer)
	}
	for _, row := range []struct {
		used   bool
		change func(*provider.Shape)
		names  string // of what is offered instead, in the refusal
	}{
		{s.shape.Model != "" && !s.harness.NoCatalogue, func(shape *provider.Shape) { shape.Model += "x" }, s.shape.Model},
		{s.shape.Flavor != "", func(shape *provider.Shape) { shape.Flavor += "x" }, s.shape.Flavor},
		{s.shape.GPU.Type != "" && !s.harness.NoCatalogue, func(shape *provider.Shape) { shape.GPU.Type += "x" }, s.shape.GPU.Type},
		{s.shape.GPU.Count != 0, func(shape *provider.Shape) { shape.GPU.Count = 1000 }, strconv.Itoa(s.shape.GPU.Count)},
		{s.shape.Region != "", func(shape *provider.Shape) { shape.Region += "x" }, s.shape.Region},
		{offer.MaxReplicas > 0, func(shape *provider.Shape) { shape.Replicas.Max = 100_000 }, strconv.Itoa(offer.MaxReplicas)},
		{true, func(shape *provider.Shape) { shape.Replicas = provider.Replicas{Min: 2, Max: 1} }, "replicas.max"},
	} {
		if !row.used {
			continue
		}
		shape := s.shape
		row.change(&shape)
		if said := s.sorted(s.checkShape(shape), provider.Refused).Message; !strings.Contains(said, row.names) {
			s.Errorf("the refusal of %+v does not name %q: %s", shape, row.names, said)
		}
	}
}

// neighbours: other endpoints of the account are listed, and left alone.
func neighbours(s *stage) {
	foreign, err := s.Create(s.ctx, "somebody-elses", s.shape)
	if err != nil {
		s.Fatal(err)
	}
	ours := s.create()
	if all := s.list(); len(all) != 2 {
		s.Errorf("listed: %+v", all)
	}
	if s.Capabilities().CanFind {
		if owned := s.owned(); len(owned) != 1 || owned[0].ID != ours.ID {
			s.Errorf("owned: %+v, want only %s", owned, ours.ID)
		}
	}
	s.remove(ours.ID)
	if phase := s.await(foreign.ID, provider.Ready).Phase; phase != provider.Ready {
		s.Errorf("the neighbour is %s", phase)
	}
}

func scale(s *stage) {
	id := s.ready().ID
	for _, n := range []int{2, 1} {
		bounds := provider.Replicas{Min: n, Max: n}
		if err := s.Scale(s.ctx, id, bounds); err != nil {
			s.Fatal(err)
		}
		state := s.describe(id)
		for begun := time.Now(); state.ReadyReplicas != n && time.Since(begun) < patience; state = s.describe(id) {
			time.Sleep(pollEvery)
		}
		if state.ReadyReplicas != n || state.Phase != provider.Ready || state.Shape.Replicas != bounds {
			s.Errorf("scaled to %d: %+v", n, state)
		}
	}
}

func stopStart(s *stage) {
	before := s.ready()
	for range 2 {
		if err := s.Stop(s.ctx, before.ID); err != nil {
			s.Fatal(err)
		}
		if state := s.describe(before.ID); state.Phase != provider.Stopping {
			s.Errorf("asked to stop: %s", state.Phase)
		}
	}
	s.await(before.ID, provider.Stopped)
	if err := s.Stop(s.ctx, before.ID); err != nil {
		s.Errorf("stop of what is stopped: %v", err)
	}
	if err := s.Start(s.ctx, before.ID); err != nil {
		s.Fatal(err)
	}
	if state := s.describe(before.ID); state.Phase != provider.Provisioning {
		s.Errorf("asked to start: %s", state.Phase)
	}
	after := s.await(before.ID, provider.Ready)
	if after.Model != before.Model || after.BaseURL != before.BaseURL || after.Name != before.Name {
		s.Errorf("before %+v, after %+v", before, after)
	}
	if status := s.chat(after); status != http.StatusOK {
		s.Errorf("a request after stop and start: HTTP %d", status)
	}
}

func deleteStopped(s *stage) {
	id := s.ready().ID
	if err := s.Stop(s.ctx, id); err != nil {
		s.Fatal(err)
	}
	s.await(id, provider.Stopped)
	s.remove(id)
}

// deleteWhileStarting: a provider that is too busy to delete says so, and is
// asked again.
func deleteWhileStarting(s *stage) {
	id := s.create().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Busy})
	for range 3 {
		s.sorted(s.Delete(s.ctx, id), provider.Unavailable)
	}
	s.cloud.ClearFaults()
	s.remove(id)
}

func deleteTwice(s *stage) {
	id := s.ready().ID
	for range 2 {
		if err := s.Delete(s.ctx, id); err != nil {
			s.Errorf("delete: %v", err)
		}
		if phase := s.describe(id).Phase; phase != provider.Stopping && phase != provider.Gone {
			s.Errorf("asked to delete: %s", phase)
		}
	}
	s.remove(id)
	if err := s.Delete(s.ctx, id); err != nil {
		s.Errorf("delete of what is gone: %v", err)
	}
}

func absent(s *stage) {
	id := s.create().ID
	s.remove(id)
	if state := s.describe(id); !reflect.DeepEqual(state, provider.State{ID: id, Phase: provider.Gone}) {
		s.Errorf("described: %+v", state)
	}
	if err := s.Delete(s.ctx, id); err != nil {
		s.Errorf("delete: %v", err)
	}
	if s.Capabilities().CanScale {
		s.sorted(s.Scale(s.ctx, id, s.shape.Replicas), provider.Refused)
	}
	if !s.Capabilities().CanStop {
		return
	}
	if err := s.Stop(s.ctx, id); err != nil {
		s.Errorf("stop: %v", err)
	}
	s.sorted(s.Start(s.ctx, id), provider.Refused)
}

// unknownState: words that nobody knows are waited out, whatever they are.
func unknownState(s *stage) {
	id := s.create().ID
	for _, word := range []string{"hibernating", "Ready?", "two\nlines", strings.Repeat("x", 10_000)} {
		s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.UnknownState, Body: word})
		state := s.describe(id)
		s.cloud.ClearFaults()
		if state.Phase != provider.Unknown || len(state.Detail) > 300 || strings.Contains(state.Detail, "\n") {
			s.Errorf("state %.20q is phase %s, detail %.100q", word, state.Phase, state.Detail)
		}
	}
	s.await(id, provider.Ready)
}

// errorAndBack: an endpoint that is shown as failed may be well again at the
// next look, and is only Failed where the provider's word for it is final.
func errorAndBack(s *stage) {
	id := s.ready().ID
	want := provider.Stalled
	if s.harness.FailedIsFinal {
		want = provider.Failed
	}
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.ErrorState})
	if state := s.describe(id); state.Phase != want {
		s.Errorf("shown as failed: %+v", state)
	}
	s.cloud.ClearFaults()
	if state := s.describe(id); state.Phase != provider.Ready {
		s.Errorf("after that: %+v", state)
	}
}

func fails(s *stage) {
	id := s.ready().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Fail, Count: 1})
	for range 2 {
		if state := s.describe(id); state.Phase != provider.Stalled && state.Phase != provider.Failed || state.ReadyReplicas != 0 {
			s.Errorf("failed: %+v", state)
		}
	}
	s.remove(id)
}

func vanishes(s *stage) {
	id := s.ready().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Vanish, Count: 1})
	if state := s.describe(id); state.Phase != provider.Gone {
		s.Errorf("vanished: %+v", state)
	}
	s.remove(id)
}

// listingLags: an endpoint that the listing does not show yet is no error.
func listingLags(s *stage) {
	id := s.create().ID
	s.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.EmptyChoices, Count: 1})
	if state, err := s.Describe(s.ctx, id); err != nil || state.ID != id || state.Phase.Usable() {
		s.Errorf("not listed yet: %+v, %v", state, err)
	}
	s.await(id, provider.Ready)
}

func concurrent(s *stage) {
	id := s.ready().ID
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if state, err := s.Describe(s.ctx, id); err != nil || state.Phase != provider.Ready {
				s.Errorf("described: %+v, %v", state, err)
			}
		})
	}
	calls.Wait()
}
