package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

// TestFiles_Life goes through a file's life with OpenAI's own client.
func TestFiles_Life(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	began := time.Now().Unix()
	file := w.upload(lines(3))
	if file.CreatedAt < began || file.ExpiresAt != file.CreatedAt+30*24*3600 {
		t.Errorf("created %d, expires %d", file.CreatedAt, file.ExpiresAt)
	}
	want := fmt.Sprintf(`{"id":"%s","object":"file","bytes":%d,"created_at":%d,"expires_at":%d,"filename":"in.jsonl","purpose":"batch","status":"processed","status_details":null}`,
		file.ID, len(lines(3)), file.CreatedAt, file.ExpiresAt)
	if got := compact(t, file.RawJSON()); got != want {
		t.Errorf("file\n got %s\nwant %s", got, want)
	}
	if again, err := client.Files.Get(t.Context(), file.ID); err != nil || compact(t, again.RawJSON()) != want {
		t.Errorf("get: %v", err)
	}
	response, err := client.Files.Content(t.Context(), file.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != lines(3) || response.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("content %q, %v, %v", text, err, response.Header)
	}
	deleted, err := client.Files.Delete(t.Context(), file.ID)
	if err != nil || compact(t, deleted.RawJSON()) != `{"deleted":true,"id":"`+file.ID+`","object":"file"}` {
		t.Errorf("delete: %v, %v", deleted, err)
	}
	for _, left := range w.left() {
		if strings.Contains(left, "contents/") {
			t.Errorf("left: %s", left)
		}
	}
	_, err = client.Files.Get(t.Context(), file.ID)
	if failed, ok := errors.AsType[*openai.Error](err); !ok || failed.StatusCode != 404 || failed.Message != "No such File object: "+file.ID {
		t.Errorf("after delete: %v", err)
	}
}

// TestFiles_Pages lists in both orders, through pages of every size.
func TestFiles_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client("alpha")
	var ids []string
	for range 7 {
		ids = append([]string{w.upload(lines(1)).ID}, ids...)
		w.wait(time.Second)
	}
	for limit := int64(1); limit < 9; limit++ {
		for _, order := range []openai.FileListParamsOrder{openai.FileListParamsOrderDesc, openai.FileListParamsOrderAsc} {
			var got []string
			pages := client.Files.ListAutoPaging(t.Context(), openai.FileListParams{Limit: openai.Int(limit), Order: order, Purpose: openai.String("batch")})
			for pages.Next() {
				got = append(got, pages.Current().ID)
			}
			if order == openai.FileListParamsOrderAsc {
				slices.Reverse(got)
			}
			if pages.Err() != nil || !slices.Equal(got, ids) {
				t.Errorf("limit %d, order %s: %v, %v", limit, order, got, pages.Err())
			}
		}
	}
	_, text := w.ask("alpha", "GET", "/v1/files?limit=2&after="+ids[1], "", "")
	for _, want := range []string{`"object":"list"`, `"first_id":"` + ids[2] + `"`, `"last_id":"` + ids[3] + `"`, `"has_more":true`} {
		if !strings.Contains(compact(t, text), want) {
			t.Errorf("page has no %s: %s", want, text)
		}
	}
	if _, text := w.ask("alpha", "GET", "/v1/files?purpose=batch_output", "", ""); compact(t, text) != `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}` {
		t.Errorf("empty list: %s", text)
	}
}

// TestFiles_Ranges of a file's content.
func TestFiles_Ranges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	file := w.upload("0123456789")
	for _, row := range []struct {
		asked, got, told string
		status           int
	}{
		{"bytes=2-4", "234", "bytes 2-4/10", 206},
		{"bytes=7-", "789", "bytes 7-9/10", 206},
		{"bytes=-3", "789", "bytes 7-9/10", 206},
		{"bytes=20-", `"code": "invalid_range"`, "bytes */10", 416},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/files/"+file.ID+"/content", nil)
		request.Header.Set("Authorization", "Bearer "+w.keys["alpha"])
		request.Header.Set("Range", row.asked)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != row.status || response.Header.Get("Content-Range") != row.told || !strings.Contains(string(text), row.got) || row.status == 206 && string(text) != row.got {
			t.Errorf("%s: %d %q %v", row.asked, response.StatusCode, text, response.Header)
		}
	}
}

// formOf makes a multipart body of fields in order; one with a file name is a
// file.
func formOf(fields ...[3]string) string {
	var text strings.Builder
	for _, field := range fields {
		name := ""
		if field[1] != "" {
			name = `; filename="` + field[1] + `"`
		}
		fmt.Fprintf(&text, "--x\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n", field[0], name, field[2])
	}
	return text.String() + "--x--\r\n"
}

const formType = "multipart/form-data; boundary=x"

// TestFiles_Refused says what is wrong in OpenAI's words, and leaves nothing.
func TestFiles_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.File = 100 })
	purpose, file := [3]string{"purpose", "", "batch"}, [3]string{"file", "a.jsonl", "{}"}
	seconds := func(n string) [3]string { return [3]string{"expires_after[seconds]", "", n} }
	anchor := [3]string{"expires_after[anchor]", "", "created_at"}
	for _, row := range []struct {
		name, contentType, body, want string
		status                        int
	}{
		{"no form", "application/json", `{}`, `"message":"The request must be multipart/form-data`, 400},
		{"no purpose", formType, formOf(file), `"message":"Missing required parameter: 'purpose'.","type":"invalid_request_error","param":"purpose","code":"missing_required_parameter"`, 400},
		{"no file", formType, formOf(purpose), `"param":"file","code":"missing_required_parameter"`, 400},
		{"another purpose", formType, formOf(file, [3]string{"purpose", "", "vision"}), `"message":"Invalid value: 'vision'. Supported values are: 'batch'.","type":"invalid_request_error","param":"purpose","code":"invalid_value"`, 400},
		{"no JSONL", formType, formOf(purpose, [3]string{"file", "a.txt", "{}"}), `"message":"Invalid file format for Batch API. Must be .jsonl","type":"invalid_request_error","param":"file","code":null`, 400},
		{"two files", formType, formOf(purpose, file, file), `two fields called 'file'`, 400},
		{"expires too early", formType, formOf(purpose, file, anchor, seconds("3599")), `must be between 3600 and 2592000`, 400},
		{"expires too late", formType, formOf(purpose, file, anchor, seconds("2592001")), `must be between 3600 and 2592000`, 400},
		{"expires without anchor", formType, formOf(purpose, file, seconds("3600")), `"param":"expires_after.anchor"`, 400},
		{"too large", formType, formOf(purpose, [3]string{"file", "a.jsonl", strings.Repeat("x", 101)}), `"message":"The file exceeds the limit of 100 bytes.","type":"invalid_request_error","param":"file","code":"file_too_large"`, 413},
		{"much too large", formType, formOf(purpose, [3]string{"file", "a.jsonl", strings.Repeat("x", 2<<20)}), `exceeds the limit of 100 bytes`, 413},
		{"cut off", formType, formOf(purpose, file)[:80], `could not be read to its end`, 400},
	} {
		response, text := w.ask("alpha", "POST", "/v1/files", row.contentType, row.body)
		if response.StatusCode != row.status || !strings.Contains(compact(t, text), row.want) {
			t.Errorf("%s: %d %s\nwant %d %s", row.name, response.StatusCode, text, row.status, row.want)
		}
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	response, text := w.ask("alpha", "POST", "/v1/files", formType, formOf(anchor, seconds("3600"), purpose, file))
	if response.StatusCode != 200 || !strings.Contains(text, `"filename": "a.jsonl"`) {
		t.Errorf("a form with its fields before the file: %d %s", response.StatusCode, text)
	}
}

// TestFiles_HungUp: of a client that goes away in the middle nothing is left.
func TestFiles_HungUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	accessLog, logged := io.Pipe()
	_, url := w.serveLogging(slog.New(slog.NewJSONHandler(logged, nil)))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: 10000000\r\n\r\n", w.keys["alpha"], formType)
	if _, err := io.Copy(conn, io.MultiReader(strings.NewReader(strings.TrimSuffix(formOf([3]string{"file", "a.jsonl", ""}), "\r\n--x--\r\n")), bytes.NewReader(make([]byte, 3<<20)))); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	var served struct{ Status, Received int }
	if err := json.NewDecoder(accessLog).Decode(&served); err != nil {
		t.Fatal(err)
	}
	if left := w.left(); len(left) > 0 || served.Received < 3<<20 || served.Status < 400 {
		t.Errorf("served %+v, left: %v", served, left)
	}
}

// TestFiles_Quota: a tenant has as many files and bytes as it may have, parts of
// uploads included.
func TestFiles_Quota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.Files, c.Limits.Bytes = 2, 100 })
	upload := func(tenant string, bytes int) (int, string) {
		response, text := w.ask(tenant, "POST", "/v1/files", formType, formOf([3]string{"purpose", "", "batch"}, [3]string{"file", "a.jsonl", strings.Repeat("x", bytes)}))
		return response.StatusCode, text
	}
	for _, row := range []struct {
		tenant string
		bytes  int
		status int
		want   string
	}{
		{"alpha", 60, 200, ""},
		{"alpha", 50, 413, "The file exceeds the 40 bytes that are left of the 100 that your files may have."},
		{"beta", 100, 200, ""},
		{"beta", 1, 429, "Your files have 100 bytes, and may have 100"},
		{"alpha", 10, 200, ""},
		{"alpha", 10, 429, "Files: you have 2, and may have 2"},
	} {
		if status, text := upload(row.tenant, row.bytes); status != row.status || !strings.Contains(text, row.want) {
			t.Errorf("%s, %d bytes: %d %s", row.tenant, row.bytes, status, text)
		}
	}
}
