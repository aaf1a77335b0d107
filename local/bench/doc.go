// Package bench measures nightshift as a whole against the least that could do
// the same: a loop in Go that reads the input, posts every body and writes every
// answer, without checks, retries, checkpoints or order. Both run as processes
// of their own against the same simulated cloud and S3 server, one after the
// other in the same run, so that the ratio means something on any machine.
//
//	go test -run '^$' -bench . -benchtime 1x ./local/bench
package bench
