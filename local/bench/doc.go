// Package bench measures nightshift as a whole, and prints a table of what was
// asked for and what was found. Most is measured against the least that could do
// the same: a loop in Go that reads the input, posts every body and writes every
// answer, without checks, retries, checkpoints or order. Both run as processes of
// their own against the same simulated cloud and S3 server, in turns within one
// run, so that the ratio means something on any machine.
//
// The command is bench of nightshift-local.
package bench
