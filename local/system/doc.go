// Package system holds the tests of nightshift as a whole: a real Temporal
// server, a real S3 server, real HTTP to a simulated GPU cloud, and for the
// ways to die the built binary in processes of its own. Each test ends by
// asking the cloud's ledger whether anything still runs, and by counting the
// result lines of every request.
package system
