// Package deaths proves nightshift's main promise: whatever dies, no GPU leaks.
//
// It runs a matrix of cases, deaths by moments, each in a world of its own: a
// Temporal server on a database file, an S3 server and workers, all processes
// that are killed with SIGKILL, and a simulated GPU cloud that lives in the
// calling process and so survives, as a real one does. The cloud's ledger says
// when the moment has come, and at the end what was leaked:
//
//	results, err := deaths.Run(ctx, deaths.Matrix("nebius"), deaths.Options{Program: program, Dir: dir})
//	deaths.Print(os.Stdout, results)
//
// # Moments
//
// A moment is a state of the ledger (moments.go). While creating, the endpoint
// exists and the reply to its create is held back until the death has struck,
// and then lost. While releasing, every delete is refused until the death has
// struck, and a few times more.
//
// # What is counted
//
// A case is over when the job is closed, the cloud runs nothing and the job's
// Endpoint workflow has nothing left to do but its second look two minutes
// later, which is not waited for. Then (judge.go):
//
//   - leaked: endpoints that hold a GPU, or may come to,
//   - doubled: endpoints that were rented while the job had another,
//   - lost, twice: requests with no result line, or with several; a job that was
//     terminated or timed out ran no code to assemble its results,
//   - resent: requests that the endpoint took more than once,
//   - release: seconds from the death to the accepted stop, of jobs that the
//     death ended.
//
// A case is broken if any of the first four is not zero, if the job ended
// otherwise than that death should end it, if it said that it was over while its
// endpoint ran, or if a killed worker's successor sent more anew than what was
// in flight or not yet flushed.
//
// A server that exists is not created or given back: of it there are the moments
// warming, in which it answers 503 as one does that loads its model, and
// running, and nothing to leak, but lines to lose.
//
// # How to add a provider, a death, a moment
//
// Each is one entry of a table: providers.go, strikes.go, moments.go.
package deaths
