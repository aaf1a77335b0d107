// Package jobs is the vocabulary of nightshift: what a job is, what may be
// asked of it, what came of it. It reads job files, fills in defaults, finds
// every problem at once, and knows neither Temporal nor any provider.
//
// A job file is YAML; an unknown field is an error. See [Spec] for the fields,
// [Report] for what a run leaves behind.
package jobs
