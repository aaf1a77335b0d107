// Package scale runs one large job by worker processes of its own and measures
// what only a large job shows: whether a worker's memory stays flat, how much
// history the job takes, whether workers share it evenly, what the death of one
// costs, and, line by line, whether anything was lost or answered twice.
//
//	nightshift-local scale --lines 1000000 --workers 1 --workers 2
//
// Temporal, the S3 server and the simulated GPU cloud live in the calling
// process, which is not measured; all of it shares the machine's processors with
// the workers, so seconds and requests a second are a lower bound. Memory is the
// resident set that the system counts, as a container's limit does.
package scale
