// Package pace decides how many requests to keep in flight against one
// endpoint from this process. It does no input or output: callers take a slot
// with [Limiter.Acquire], send, and report with [Limiter.Release].
//
// # What is sought
//
// A server with continuous batching answers more tokens per second with every
// stream added, up to a knee; from there on streams only wait for each other.
// Too few in flight waste a GPU that is paid by the minute. Too many cost
// nothing but latency, and whatever is in flight when a worker dies. So the
// number sought is the one at which throughput (tokens per second where the
// answers tell, else requests per second) stops growing, and doubt is resolved
// upwards. Latency alone is no signal: long answers are not congestion.
//
// # How it is measured
//
// A window holds the answers to requests that were sent after the number in
// flight was last changed, so it becomes as long as the answers are: about a
// generation. Throughput is the mean number in flight times the speed of a
// stream (Little's law, 1961), which is far steadier than counting what
// happened to finish. Windows are compared by elasticity: e in throughput ~
// inFlight^e, 1 where every stream added runs at full speed, 0 beyond the knee.
//
// # How it is sought
//
//   - Climb: double the number with every window while e >= 0.5, as slow start
//     does (Jacobson, Congestion Avoidance and Control, 1988). Then settle a
//     tenth above where the last two windows put the knee: the last number
//     times the growth that the last doubling brought.
//   - Probe: from then on, in one window of eight, try a few more, and in
//     another try a fifth less; keep what throughput speaks for. More must bring
//     e >= 0.1, less must cost nothing, and the gap between the two is what
//     keeps the number still (hill climbing with hysteresis; compare PCC
//     Allegro, Dong et al., 2015). A step up is four times the square root of
//     the number, after the queue allowance of Netflix's Gradient2
//     (concurrency-limits); it doubles where e >= 0.85 shows that replicas came.
//   - Back off: a cool-down, or failures beyond a tenth of a window, take a
//     quarter off the number, once per window (AIMD, Chiu and Jain, 1989).
//
// Unlike Vegas (Brakmo, 1994) or Gradient2, latency is never compared with a
// minimum: with answers of ten or ten thousand tokens there is none.
//
// # Several workers on one endpoint
//
// A worker that adds streams to a saturated endpoint gets more of it, taken
// from the others; were each to trust what it sees, all would add for ever.
// Therefore windows of the probing phase lie on a grid of wall-clock beats, the
// same in every worker: they probe together, and what each then measures is
// what the endpoint as a whole gains. Steps up are larger for the smaller and
// steps down proportional, which evens them out. This needs no messages, only
// clocks that agree to a fraction of an answer's time. A worker that starts
// late climbs alone, and overshoots its share until the probes even it out.
//
// # Cool-down
//
// A throttled answer stops all sending until Retry-After is over or, where the
// server gives no time, for half a second that doubles when it recurs. Waiting
// holds no slot. Afterwards slots are given back in eight steps. Answers to
// what was sent before the pause say nothing new. For as long as the
// cool-down took, the next one starts only when more are throttled than
// answered: a server that throttles a share of the requests whatever the rate
// would otherwise be paid one burst per pause.
package pace
