package pace

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause  = 500 * time.Millisecond // where the server gives no time; OpenAI's own clients begin with as much
	longestRamp = time.Second
	rampSteps   = 8
)

// cooldown is the pause that a throttled answer asks for. Times are since the
// Limiter's origin.
type cooldown struct {
	until     time.Duration // end of the last one
	length    time.Duration // how long it was
	strikes   int           // how many in a row
	answered  int           // since its end
	throttled int           // since its end
	begun     int64         // ever
	timer     *time.Timer
}

// throttled takes in an answer to a request of the given time that asked for a
// pause, and reports whether a new cool-down began.
func (l *Limiter) throttled(now, sent, retryAfter time.Duration) bool {
	c := &l.cooldown
	retryAfter = min(retryAfter, l.options.MaxCooldown)
	if sent < c.until { // it belongs to the storm that the last pause was for
		if now < c.until && now+retryAfter > c.until {
			c.length += now + retryAfter - c.until
			c.until = now + retryAfter
		}
		return false
	}
	c.throttled++
	again := now < c.until+c.length
	if again && c.throttled <= c.answered {
		return false
	}
	if !again {
		c.strikes = 0
	}
	c.length = retryAfter
	if retryAfter <= 0 {
		c.length = pauseAfter(c.strikes, l.options.MaxCooldown)
	}
	c.strikes++
	c.begun++
	c.until, c.answered, c.throttled = now+c.length, 0, 0
	l.admit(now)
	return true
}

// pauseAfter is the pause where the server gives no time: exponential, with
// jitter so that workers throttled together do not come back together.
func pauseAfter(strikes int, longest time.Duration) time.Duration {
	pause := min(firstPause<<min(strikes, 16), longest)
	return pause/2 + rand.N(pause/2+1)
}

// admit sets how many slots there are at this moment of a cool-down or of the
// ramp after it, and sees to it that the next moment is not missed.
func (l *Limiter) admit(now time.Duration) {
	c := &l.cooldown
	ramp := min(c.length, longestRamp)
	switch {
	case now < c.until:
		l.allowed = 0
		l.wake(c.until - now)
	case now < c.until+ramp:
		step := rampSteps*(now-c.until)/ramp + 1
		l.allowed = max(1, l.limit*int(step)/rampSteps)
		l.wake(c.until + (step*ramp+rampSteps-1)/rampSteps - now) // rounded up, or it would be the same step again
	default:
		l.allowed = l.limit
	}
	l.grant()
}

// wake calls admit again.
func (l *Limiter) wake(after time.Duration) {
	if l.cooldown.timer != nil {
		l.cooldown.timer.Reset(after)
		return
	}
	l.cooldown.timer = time.AfterFunc(after, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.admit(l.now())
	})
}
