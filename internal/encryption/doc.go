// Package encryption keeps what goes through Temporal from those who run
// Temporal: job files, references, counts and error texts are sealed with
// AES-256-GCM before they leave the process, and opened when they come back.
//
// It works on the connection ([Interceptors]), so that everything is covered
// that a client sends and reads: workflows and their results, signals, updates,
// queries, heartbeats, memos, schedules, what the Web UI shows as summaries and
// details, and the texts of failures. Not covered are what Temporal itself must
// read: ids of workflows, types, task queues, and search attributes.
//
// # Keys
//
// [Keys] are named by ids, and the id travels with what was sealed. The first key
// seals, and every key opens. So keys are rotated in three steps, each of
// which may take its time, in the middle of jobs:
//
//  1. add the new key below the others, everywhere;
//  2. move it to the top, everywhere;
//  3. remove the old one when no history is kept any more that it has sealed.
//
// A process that reads them from a file notices each step by itself.
//
// What is not sealed is passed through: encryption can be switched on while jobs
// run. An unknown key is an error of gRPC's code FailedPrecondition, which
// Temporal's SDK does not retry: commands say it at once, and workers log it, are
// not ready, and go on when they get the key.
package encryption
