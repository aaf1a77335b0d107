// Package stats holds what a job's requests measured: how long they took, how
// fast tokens came, how many were in flight when, and which errors there were.
// It is pure: no clock, no network.
//
// # Bounds
//
// A job may have a hundred million requests, so nothing here grows with their
// number. A [Histogram] has a fixed number of buckets, four to an octave, so
// that a quantile is at most a tenth off. A [Series] has at most 120 points:
// when the job outgrows them, two become one and the width doubles. [Faults]
// keep a bounded number of classes and of examples of each.
//
// # Merging
//
// Every attempt at a shard has a [Recorder] of its own, and the measurements of
// all of them are merged when the results are assembled, in whatever order they
// are found. Merging is therefore exact, associative and commutative: all sums
// are of whole numbers, and the points of a series lie on multiples of a power
// of two of seconds since 1970, whoever began them.
//
// # What is never in it
//
// No prompt and no answer: an error is a class and the custom_ids of a few
// requests.
package stats
