package pace

import (
	"math"
	"time"
)

const (
	climbs      = 0.5  // elasticity at which doubling goes on: it brings 41 % or more
	grows       = 0.1  // elasticity for which more in flight is worth having
	roomy       = 0.85 // elasticity at which the endpoint is far from its knee
	headroom    = 1.1  // of the knee; what keeps a batch full while answers are exchanged
	backOffTo   = 0.75
	probeDownTo = 0.8
	probeEvery  = 8 // beats; a probe up on the first, down on the middle one
	outage      = 3 // retreats in a row that no overload explains
)

// climber chooses the next limit from readings. It is pure: it knows neither
// time nor requests.
type climber struct {
	min, max int
	climbing bool
	forgiven bool          // a retreat has interrupted the climb already
	retreats int           // in a row, since the last reading
	beat     time.Duration // length of a window when not climbing
	base     reading       // what the next reading is compared with; zero when there is none
	probe    direction     // what the next reading will be the result of
	roomy    bool          // the last probe up found room
}

type direction int

const (
	down direction = -1
	none direction = 0
	up   direction = 1
)

func newClimber(least, most int) climber {
	c := climber{min: least, max: most}
	c.restart()
	return c
}

// restart climbs again from wherever the limit is.
func (c *climber) restart() {
	*c = climber{min: c.min, max: c.max, climbing: true, beat: max(c.beat, minWindow)}
}

// next returns the limit to try after a reading, closed in the numbered beat.
func (c *climber) next(r reading, beat int64) int {
	if c.retreats >= outage {
		c.restart()
	}
	c.retreats = 0
	if c.climbing {
		return c.climb(r)
	}
	before, probe := c.base, c.probe
	c.base, c.probe = r, none
	switch {
	case probe == up && r.inFlight > before.inFlight:
		e := elasticity(before, r)
		c.roomy = e >= roomy
		if e < grows {
			c.base = before
		}
		return c.clamp(c.base.inFlight)
	case probe == down && r.inFlight < before.inFlight:
		if elasticity(before, r) > 0 {
			c.base = before
		}
		return c.clamp(c.base.inFlight)
	}
	return c.probeAt(beat)
}

// climb doubles the limit while that brings enough.
func (c *climber) climb(r reading) int {
	before := c.base
	c.base = r
	if before.inFlight == 0 || r.inFlight < before.inFlight*1.05 || elasticity(before, r) >= climbs {
		return c.clamp(2 * r.inFlight)
	}
	c.climbing, c.base = false, reading{}
	knee := before.inFlight * max(1, r.throughput()/before.throughput())
	return c.clamp(min(knee*headroom, r.inFlight))
}

// probeAt returns the limit for the numbered beat, seen from base.
func (c *climber) probeAt(beat int64) int {
	n := c.base.inFlight
	switch beat % probeEvery {
	case 0:
		c.probe = up
		if c.roomy {
			return c.clamp(2 * n)
		}
		return c.clamp(n + min(n, 4*math.Sqrt(n)))
	case probeEvery / 2:
		c.probe = down
		return c.clamp(n * probeDownTo)
	}
	return c.clamp(n)
}

// retreat returns the limit after a failure of the endpoint. It ends a climb,
// except for the first time: one bad moment while replicas start up must not
// leave the rest of the way to the probes. Several in a row are an outage, after
// which the climb begins anew: an endpoint that is back must not stay idle.
func (c *climber) retreat(limit int) int {
	climbing := c.climbing && !c.forgiven
	*c = climber{min: c.min, max: c.max, climbing: climbing, forgiven: true, retreats: c.retreats + 1, beat: c.beat}
	return c.clamp(float64(limit) * backOffTo)
}

func (c *climber) clamp(limit float64) int {
	return min(max(int(math.Round(limit)), c.min), c.max)
}
