// Package batchfile is the OpenAI Batch file format: it scans and validates
// input files, cuts them into shards, and writes result lines. It does no
// input or output of its own beyond the readers and writers it is handed, but
// for one temporary file while a large input is planned.
//
// # Before anything is rented
//
// [MakePlan] reads all inputs once. For each line that [Scanner] finds, [Parse]
// checks it alone; the planner checks it against the others (url, model,
// custom_id) and adds it to the shard being gathered. A [Shard] is a range of
// whole lines of one file, encoded in [ShardSize] bytes, so that shard i of a
// stored plan is one ranged read. All problems are counted, the first are told
// in detail, each with file, line, code and parameter.
//
// # While the endpoint runs
//
// A worker reads the shard's range with a [Scanner] that continues the file's
// numbering ([Scanner.StartAt]), parses each line again, sends
// [Request.AppendBody], and writes an [AppendResult] line for whatever came of
// it. Request i of a batch is the same i everywhere: Shard.FirstRequest plus
// its place in the shard, Result.Index, and the digits at the end of the
// result line's id, which [ResultIndex] reads back.
//
// # What is kept as it was written
//
// A line is walked once, by a cursor over its bytes, and never decoded into
// values: numbers keep all their digits, repeated keys stay (the last one
// counts, as in most servers), and the body is sent byte for byte but for the
// value of model. The walk accepts exactly what encoding/json accepts, if it is
// valid UTF-8; fuzz tests hold it to that.
//
// # Bounds
//
// Memory depends on the longest line, not on the number of lines. Custom_ids
// are compared as 128-bit hashes, in memory up to 256 Ki of them, and beyond
// that in a temporary file of 24 bytes a line that vanishes with the process.
// Nothing is allocated for an ordinary line.
//
//	go test -run '^$' -bench . ./internal/batchfile
//
// prints the speed of each step, that of json.Valid alone beside that of
// MakePlan, and the memory for ten million lines.
package batchfile
