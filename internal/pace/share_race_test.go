//go:build race

package pace

// leastShare is lower under the race detector, which shuffles what happens at
// one moment: 0.22 was seen once.
const leastShare = 0.1
