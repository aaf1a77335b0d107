package sim

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The operations of the Batch APIs.
const (
	OpFileUpload  = "file-upload"
	OpFileContent = "file-content"
	OpFileDelete  = "file-delete"
	OpBatchCreate = "batch-create"
	OpBatchRead   = "batch-read"
	OpBatchList   = "batch-list"
	OpBatchCancel = "batch-cancel"
)

// BatchOptions says how the providers' own Batch APIs behave.
type BatchOptions struct {
	Validate time.Duration // from create to the first request: 0 means 1 s, None at once
	Run      time.Duration // from then to the last answer, however many requests: 0 means 20 s, None at once
	Window   time.Duration // after which a batch expires: 0 means 24 h
	Models   []string      // that the lines of a file may name; nil means any
	Storage  int64         // bytes of files kept at once, beyond which uploads are refused: 0 means 1 GiB
}

func (o BatchOptions) withDefaults() BatchOptions {
	o.Validate = orDefault(o.Validate, time.Second)
	o.Run = orDefault(o.Run, 20*time.Second)
	o.Window = orDefault(o.Window, 24*time.Hour)
	if o.Storage == 0 {
		o.Storage = 1 << 30
	}
	return o
}

// batches is the Batch API of one provider: files in memory, and batches that
// are a function of the time since they were made, so that nothing runs
// in the background.
type batches struct {
	dialect *batchDialect
	options BatchOptions
	drain   time.Duration
	lengths Range // of answers

	mu      sync.Mutex
	made    int // ids given out
	stored  int64
	files   map[string]*batchFile
	batches []*providerBatch // in order of creation
}

type batchFile struct {
	id, name, purpose string
	createdAt         time.Time
	content           []byte
}

// mountBatches mounts the Batch API of every provider that has one.
func mountBatches(c *Cloud) {
	for _, d := range batchDialects {
		b := &batches{
			dialect: d, options: c.options.Batches, drain: c.options.Drain, lengths: c.options.AnswerTokens,
			files: map[string]*batchFile{},
		}
		c.batches = append(c.batches, b)
		p := &plane{
			name: d.name, group: AnyControl, refuse: d.refuse, prepare: func(*call) {},
			capacityStatus: http.StatusTooManyRequests, capacityMessage: "Quota of enqueued tokens exceeded",
		}
		c.handle(p, "POST "+d.prefix+d.upload, OpFileUpload, b.upload)
		c.handle(p, "GET "+d.prefix+"/files/{id}/content", OpFileContent, b.content)
		c.handle(p, "POST "+d.prefix+"/batches", OpBatchCreate, b.create)
		c.handle(p, "GET "+d.prefix+"/batches", OpBatchList, b.list)
		c.handle(p, "GET "+d.prefix+"/batches/{id}", OpBatchRead, b.read)
		c.handle(p, "POST "+d.prefix+"/batches/{id}/cancel", OpBatchCancel, b.cancel)
		if d.deletes {
			c.handle(p, "DELETE "+d.prefix+"/files/{id}", OpFileDelete, b.remove)
		}
	}
}

// upload takes a multipart form with one file.
func (b *batches) upload(x *call) reply {
	name, fields, content, err := readUpload(x.r.Header.Get("Content-Type"), x.in.Bytes())
	if err != nil {
		return b.dialect.refuse(http.StatusBadRequest, err.Error())
	}
	purpose := fields["purpose"]
	if b.dialect.purposeInQuery {
		purpose = x.r.URL.Query().Get("purpose")
	}
	if purpose != b.dialect.purpose {
		return b.dialect.refuse(http.StatusBadRequest, fmt.Sprintf("purpose must be %q", b.dialect.purpose))
	}
	if b.dialect.namesFile && fields["file_name"] == "" {
		return b.dialect.refuse(http.StatusBadRequest, "file_name is required")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stored+int64(len(content)) > b.options.Storage {
		return b.dialect.refuse(http.StatusRequestEntityTooLarge, "the storage for files is full")
	}
	f := b.keep(name, purpose, content)
	return jsonReply(http.StatusOK, map[string]any{
		"id": f.id, "object": "file", "filename": name, "bytes": len(content), "purpose": purpose, "created_at": f.createdAt.Unix(),
	})
}

// keep stores a file under a new id.
func (b *batches) keep(name, purpose string, content []byte) *batchFile {
	b.made++
	f := &batchFile{id: "file-" + b.dialect.name + "-" + token(b.made), name: name, purpose: purpose, createdAt: clock(), content: content}
	b.files[f.id] = f
	b.stored += int64(len(content))
	return f
}

func (b *batches) content(x *call) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	f := b.files[x.r.PathValue("id")]
	if f == nil {
		return b.dialect.refuse(http.StatusNotFound, "File not found")
	}
	return reply{status: http.StatusOK, contentType: "application/octet-stream", body: f.content}
}

func (b *batches) remove(x *call) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.files[x.r.PathValue("id")]
	if f == nil {
		return b.dialect.refuse(http.StatusNotFound, "File not found")
	}
	delete(b.files, f.id)
	b.stored -= int64(len(f.content))
	return jsonReply(http.StatusOK, map[string]any{"id": f.id, "object": "file", "deleted": true})
}

func (b *batches) create(x *call) reply {
	form := parseForm(x.in.Bytes())
	input, url := form.text("input_file_id", 1, 200), form.text("endpoint", 1, 200)
	if len(*form.problems) > 0 {
		return b.dialect.refuse(http.StatusUnprocessableEntity, "input_file_id and endpoint are required")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.files[input]
	if f == nil {
		return b.dialect.refuse(http.StatusBadRequest, "Input file not found")
	}
	b.made++
	one := &providerBatch{
		provider: b.dialect.name, id: "batch-" + b.dialect.name + "-" + token(b.made), url: url, input: f.id,
		createdAt: clock().Add(x.late), options: b.options, drain: b.drain, metadata: form.fields["metadata"],
	}
	one.readInput(f.content)
	b.batches = append(b.batches, one)
	return jsonReply(b.dialect.createdStatus, b.dialect.wrap(b.show(one, x.shown)))
}

func (b *batches) read(x *call) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.find(x.r.PathValue("id"))
	if one == nil {
		return b.dialect.refuse(http.StatusNotFound, "Batch not found")
	}
	return jsonReply(http.StatusOK, b.show(one, x.shown))
}

// list shows the newest first.
func (b *batches) list(x *call) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown := []map[string]any{}
	for _, one := range slices.Backward(b.batches) {
		if !one.createdAt.After(clock()) {
			shown = append(shown, b.show(one, x.shown))
		}
	}
	return jsonReply(http.StatusOK, b.dialect.page(shown, x.r.URL.Query()))
}

func (b *batches) cancel(x *call) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.find(x.r.PathValue("id"))
	if one == nil {
		return b.dialect.refuse(http.StatusNotFound, "Batch not found")
	}
	if one.state(clock()).over() {
		return b.dialect.refuse(http.StatusConflict, "The batch has ended")
	}
	if one.cancelledAt.IsZero() {
		one.cancelledAt = clock()
	}
	return jsonReply(http.StatusOK, b.show(one, x.shown))
}

// find returns the batch of that id if the API shows it, or nil.
func (b *batches) find(id string) *providerBatch {
	b.settle()
	for _, one := range b.batches {
		if one.id == id && !one.createdAt.After(clock()) {
			return one
		}
	}
	return nil
}

// settle writes the files of the batches that have ended.
func (b *batches) settle() {
	for _, one := range b.batches {
		if state := one.state(clock()); state.over() && one.lines != nil {
			output, failures := one.results(b.dialect, b.lengths)
			if len(output) > 0 {
				one.output = b.keep(one.id+"_output.jsonl", "batch_output", output).id
			}
			if len(failures) > 0 {
				one.errors = b.keep(one.id+"_error.jsonl", "batch_output", failures).id
			}
			one.lines = nil
		}
	}
}

// show is a batch in the provider's words; a shown state that is not empty
// stands for the true one.
func (b *batches) show(one *providerBatch, shown State) map[string]any {
	b.settle()
	state := one.state(clock())
	if shown != "" {
		state = batchState(shown)
	}
	return b.dialect.show(one, state)
}
