package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

func (w *world) sweep() {
	w.Helper()
	if err := w.server.Sweep(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// has counts what lies below the root with a text in its path.
func (w *world) has(text string) (n int) {
	w.Helper()
	for _, left := range w.left() {
		if strings.Contains(left, text) {
			n++
		}
	}
	return n
}

// TestSweep_ExpiredFiles are gone for clients at once, and their bytes with the
// sweep, but for those that an open batch reads.
func TestSweep_ExpiredFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	batch := w.batch()
	w.upload("unused")
	w.wait(31 * 24 * time.Hour)
	if files, err := client.Files.List(t.Context(), openai.FileListParams{}); err != nil || len(files.Data) != 0 {
		t.Errorf("files after their time: %v, %v", files, err)
	}
	w.sweep()
	if n := w.has("contents/"); n != 1 {
		t.Errorf("the bytes of %d files are left: %v", n, w.left())
	}
	w.finish(batch.ID, jobs200(), "{}\n", "")
	w.sweep()
	w.sweep() // the first settles the batch
	w.wait(25 * time.Hour)
	w.sweep()
	if n := w.has("contents/") + w.has("open/"); n != 0 {
		t.Errorf("left: %v", w.left())
	}
	if got := w.get(batch.ID); got.Status != "completed" {
		t.Errorf("the batch: %s", got.RawJSON())
	}
}

// TestSweep_Results: with an output file goes what the job left of prompts and
// answers; the report stays.
func TestSweep_Results(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	batch := w.batch()
	w.finish(batch.ID, jobs200(), "{}\n", "")
	if _, err := client.Files.Delete(t.Context(), w.get(batch.ID).OutputFileID); err != nil {
		t.Fatal(err)
	}
	if w.has("results/") != 1 || w.has("report.json") != 1 {
		t.Errorf("left: %v", w.left())
	}
}

// TestSweep_Batches that ended long ago are forgotten with all that was left of
// them; one that ended since, or runs, is not.
func TestSweep_Batches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.BatchLifetime = c.FileLifetime })
	client := w.client("alpha")
	w.wait(at(100).Sub(w.now())) // when the first job ends
	old, running := w.batch(), w.batch()
	if _, err := client.Batches.Cancel(t.Context(), old.ID); err != nil {
		t.Fatal(err)
	}
	w.finish(old.ID, jobs200(), "{}\n", "{}\n")
	w.get(old.ID)
	w.wait(w.config.BatchLifetime.Std() - time.Minute)
	w.sweep()
	if got := w.get(old.ID); got.Status != "completed" {
		t.Errorf("before its time: %s", got.RawJSON())
	}
	w.wait(2 * time.Minute)
	w.sweep()
	if response, text := w.ask("alpha", "GET", "/v1/batches/"+old.ID, "", ""); response.StatusCode != 404 {
		t.Errorf("after its time: %d %s", response.StatusCode, text)
	}
	if page, err := client.Batches.List(t.Context(), openai.BatchListParams{}); err != nil || len(page.Data) != 1 || page.Data[0].ID != running.ID {
		t.Errorf("listed: %v, %v", page, err)
	}
	if n := w.has(old.ID); n != 0 {
		t.Errorf("left: %v", w.left())
	}
	w.wait(25 * time.Hour)
	w.sweep()
	if n := w.has("files/"); n != 1 { // the input of the batch that runs
		t.Errorf("left: %v", w.left())
	}
}

// TestSweep_Leftovers of servers that were killed.
func TestSweep_Leftovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	kept := w.upload("kept")
	v := w.server.visitor("alpha")
	w.put(v.content("file-never-recorded"), "x")
	w.put(v.mark("batch_never_recorded", "none"), "")
	partial := filepath.Join(w.dir, "root/tenants/alpha/contents/.bucket-partial-1")
	if err := os.WriteFile(partial, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	upload, err := client.Uploads.New(t.Context(), newUpload("12345"))
	if err != nil {
		t.Fatal(err)
	}
	w.part(upload.ID, "12345")
	before := len(w.left())
	w.sweep()
	if len(w.left()) != before {
		t.Errorf("what is new was swept: %v", w.left())
	}
	w.wait(26 * time.Hour)
	w.sweep()
	if left := w.left(); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
	if response, err := client.Files.Content(t.Context(), kept.ID); err != nil || readAll(t, response) != "kept" {
		t.Errorf("the file that was not: %v", err)
	}
}

// TestTenants_AreFound whatever their names sort like.
func TestTenants_AreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tenant := range []string{"a", "a-b", "a0", "b"} {
		w.put(w.server.visitor(tenant).file("x"), "{}")
		w.put(w.server.visitor(tenant).file("y"), "{}")
	}
	found, err := w.server.tenants(t.Context())
	if err != nil || strings.Join(found, " ") != "a-b a a0 b" {
		t.Errorf("%v, %v", found, err)
	}
}
