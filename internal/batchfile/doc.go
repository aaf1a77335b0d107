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
// # Compressed inputs
//
// gzip, of one member or many, and zstd are told by a file's first bytes, since
// names lie. Neither can be read from the middle, so while the planner reads
// the text it writes it again, one zstd frame a shard ([PlanOptions].Stage): a
// shard is one ranged read there as well, compressed like the input, and what
// becomes of the original later does not matter. Staging plain text would be
// simpler and ten times as large; reading from the middle would need an index
// and the state of the decoder at each shard. Compression that is cut off or
// broken is a problem of the file, invalid_file, and never a shorter input.
//
// # Lines that cannot be sent
//
// They fail the batch or, with [Rules].SkipInvalid, are left out. A line that is
// left out keeps its index and its place in its shard, since what is conserved
// are input lines: each becomes one result line. Its result line has its
// custom_id if it has one that can be used, and null if not. Only lines without
// another problem claim a custom_id; where several of those have the same, the
// first runs and the others are left out. A repetition is known only at the end
// of the pass, so it is told then ([PlanOptions].Repeated), in input order.
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
// Nothing is allocated for an ordinary line. A decoder of zstd takes up to 128
// MiB if the file asks for it, which needs zstd's --long or --ultra.
//
//	go test -run '^$' -bench Plan ./internal/batchfile
//
// prints the speed of MakePlan, beside that of finding the ends of lines and
// that of json.Valid in the same run, and the peak memory of a process that
// plans ten million lines of 1 KB: 600 MB/s of plain text on one core, 370 of
// gzip or zstd, and 35 MB.
package batchfile
