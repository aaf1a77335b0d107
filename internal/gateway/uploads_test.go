package gateway

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

func newUpload(text string) openai.UploadNewParams {
	return openai.UploadNewParams{Bytes: int64(len(text)), Filename: "big.jsonl", MimeType: "application/jsonl", Purpose: openai.FilePurposeBatch}
}

func (w *world) part(upload, text string) string {
	w.Helper()
	client := w.client("alpha")
	part, err := client.Uploads.Parts.New(w.Context(), upload, openai.UploadPartNewParams{Data: strings.NewReader(text)})
	if err != nil {
		w.Fatal(err)
	}
	return part.ID
}

// TestUploads_Life: parts that come in another order than theirs make a file.
func TestUploads_Life(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	upload, err := client.Uploads.New(t.Context(), newUpload("one two three"))
	if err != nil || upload.Status != openai.UploadStatusPending || upload.ExpiresAt != upload.CreatedAt+3600 {
		t.Fatal(upload, err)
	}
	third, first, second := w.part(upload.ID, "three"), w.part(upload.ID, "one "), w.part(upload.ID, "two ")
	sum := md5.Sum([]byte("one two three"))
	params := openai.UploadCompleteParams{PartIDs: []string{first, second, third}, Md5: openai.String(hex.EncodeToString(sum[:]))}
	for range 2 { // a client that lost the answer asks again
		done, err := client.Uploads.Complete(t.Context(), upload.ID, params)
		if err != nil || done.Status != openai.UploadStatusCompleted || done.File.Bytes != 13 || done.File.Filename != "big.jsonl" {
			t.Fatal(done, err)
		}
		response, err := client.Files.Content(t.Context(), done.File.ID)
		if err != nil || readAll(t, response) != "one two three" {
			t.Errorf("content: %v", err)
		}
	}
	for _, left := range w.left() {
		if strings.Contains(left, "/parts/") {
			t.Errorf("left: %s", left)
		}
	}
}

// TestUploads_Refused says what is wrong, and makes no file.
func TestUploads_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.File = 50 })
	client := w.client("alpha")
	upload, err := client.Uploads.New(t.Context(), newUpload("12345"))
	if err != nil {
		t.Fatal(err)
	}
	part, long := w.part(upload.ID, "1234"), w.part(upload.ID, strings.Repeat("x", 40))
	complete := "/v1/uploads/" + upload.ID + "/complete"
	for _, row := range []struct {
		path, body, want string
		status           int
	}{
		{"/v1/uploads", `{"bytes":51,"filename":"a.jsonl","purpose":"batch","mime_type":"x"}`, "limit of 50 bytes", 413},
		{"/v1/uploads", `{"filename":"a.jsonl","purpose":"batch","mime_type":"x"}`, "Missing required parameter: 'bytes'.", 400},
		{"/v1/uploads", `{"bytes":0,"filename":"a.jsonl","purpose":"batch","mime_type":"x"}`, "integer below minimum", 400},
		{"/v1/uploads", `{"bytes":5,"filename":"a.jsonl","purpose":"vision","mime_type":"x"}`, "'vision'", 400},
		{"/v1/uploads/upload_x/cancel", ``, "No such Upload object: upload_x", 404},
		{complete, `{"part_ids":[]}`, "'part_ids'", 400},
		{complete, `{"part_ids":["part_x"]}`, "No such Part object: part_x", 400},
		{complete, `{"part_ids":["` + part + `"]}`, "The parts have 4 bytes together, and the upload was created for 5", 400},
		{complete, `{"part_ids":["` + long + `","` + part + `"]}`, "The parts have 40 bytes", 400},
	} {
		response, text := w.ask("alpha", "POST", row.path, "application/json", row.body)
		if response.StatusCode != row.status || !strings.Contains(text, row.want) {
			t.Errorf("%s %s: %d %s", row.path, row.body, response.StatusCode, text)
		}
	}
	if _, text := w.ask("beta", "POST", complete, "application/json", `{"part_ids":["`+part+`"]}`); !strings.Contains(text, "No such Upload") {
		t.Errorf("of another tenant: %s", text)
	}
	cancelled, err := client.Uploads.Cancel(t.Context(), upload.ID)
	if err != nil || cancelled.Status != openai.UploadStatusCancelled {
		t.Fatal(cancelled, err)
	}
	_, err = client.Uploads.Parts.New(t.Context(), upload.ID, openai.UploadPartNewParams{Data: strings.NewReader("x")})
	if !says(err, "status 'cancelled'") {
		t.Errorf("a part for a cancelled upload: %v", err)
	}
	late, err := client.Uploads.New(t.Context(), newUpload("12345"))
	if err != nil {
		t.Fatal(err)
	}
	w.wait(2 * time.Hour)
	if _, err := client.Uploads.Cancel(t.Context(), late.ID); !says(err, "status 'expired'") {
		t.Errorf("an hour later: %v", err)
	}
	for _, left := range w.left() {
		if strings.Contains(left, "/parts/") || strings.Contains(left, "files/") {
			t.Errorf("left: %s", left)
		}
	}
}

// says reports whether an error is the API's and its message has a text.
func says(err error, text string) bool {
	failed, ok := errors.AsType[*openai.Error](err)
	return ok && strings.Contains(failed.Message, text)
}
