//go:build !race

package pace

// leastShare is what part of its fair one the worst of many workers must have.
const leastShare = 0.3
