// Package gateway serves OpenAI's Files, Uploads, Batches and Models API in
// front of jobs: clients of that API change their base URL and keep the rest.
//
// It has no database. What a client gave lies in the bucket, what is done about
// it is a job, and every answer is made of the two; so a server that is killed
// loses nothing, and any number of them may serve the same root.
//
// # What lies where
//
//	<root>/tenants/<tenant>/
//	  files/<file>.json             a fileRecord: what there is to know of a file
//	  contents/<file>               the bytes of a file that a client uploaded
//	  batches/<batch>.json          a batchRecord: what a client asked for
//	  open/<batch>/<file>           an empty mark: the batch has not ended, and reads that file
//	  cancels/<batch>.json          when a client asked for its cancellation
//	  results/<batch>/              the output of the job: output.jsonl, errors.jsonl, report.json, ...
//	  ends/<batch>.json             a batchEnd: how it ended
//	  uploads/<upload>/upload.json  what a client announced
//	  uploads/<upload>/parts/<part> its parts
//	  uploads/<upload>/end.json     that it was completed or cancelled
//
// Ids begin with their time, counted backwards, so that a listing of keys is
// newest first, as the API's lists are, and a page begins where the one before
// ended. A record is written once and under a condition; the only one that is
// ever replaced is a file's, by one that says that it was deleted.
//
// # A file's life
//
// The bytes go into contents as they come and are committed when all are there;
// the record makes them a file. A client that hangs up, or a server that is
// killed, leaves no record and so no file; [Server.Sweep] removes what remains of
// it. Results are files without being copied: their records name the objects
// that the job wrote. Their ids follow from the batch's end, so that every
// server that notes it makes the same ones.
//
// A file that is deleted or has expired is gone for clients at once. Its bytes
// stay as long as a batch that has not ended reads them. A batch is forgotten
// later than the last of its files.
//
// # A batch's life
//
// A batch runs as a job whose id is the batch's, but for the underscore. The
// mark is put first, then the record, then the job is started; only then does
// the client hear of the batch. A server that is killed before leaves a batch
// that no job is known of; it ends as failed and has cost nothing. All checks of
// the input are the job's: create succeeds, and what is wrong comes with the
// status failed. The first line's model decides which endpoint the job rents,
// and the job refuses an input with lines of another.
//
// While it runs, its state is that of the workflow, as it was some seconds ago at
// most: clients poll, and looking costs what the job itself needs. When report.json is there,
// or the workflow has ended without, whoever looks first settles it: puts the
// records of the output files and the end, and removes the mark. Two who do so at
// once write the same.
package gateway
