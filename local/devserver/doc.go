// Package devserver runs a Temporal server and its Web UI inside the process,
// on one SQLite file or in memory. It is for one person on one machine:
// loopback only, no authentication, one history shard, one partition a task
// queue (SQLite gains nothing from more).
//
// The server's own packages leave gaps that an embedder has to fill:
//
//   - The server neither migrates a SQLite file nor checks its schema: on a file
//     of another version it reports itself healthy and then hangs every call. So
//     each file carries a stamp, and [Start] refuses a file whose stamp differs.
//     The schema and the stamp are written in one transaction; a file is either
//     empty or complete.
//   - Nothing stops two processes from serving one file, and both would run its
//     workflows. So Start takes an operating-system lock on a sibling file, which
//     the kernel drops with the process.
//   - Namespaces are written to the database before the server starts, because one
//     registered over the API is unknown to the server's caches for seconds. What
//     an existing file lacks (search attributes, another retention) is brought up
//     to date over the API once the server answers.
//   - The SQLite plugin keys a process-wide pool by connection string and never
//     closes it. So every Start uses a connection string of its own, the
//     connections to a file expire, and Stop folds the write-ahead log into it.
//     An in-memory database lives until the process ends.
//   - The server ends the process, through its logger, over a port that it cannot
//     bind. The logger here panics instead, and Start makes an error of it.
//   - The Web UI's own Start does the same and cannot be given a listener. So its
//     routes are put together here and served from a listener that Start binds
//     before anything else runs.
//
// The file's write-ahead log is synced at checkpoints, not at each commit: killing
// the process loses nothing, a power cut can lose the last moments.
package devserver
