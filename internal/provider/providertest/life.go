package providertest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
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
