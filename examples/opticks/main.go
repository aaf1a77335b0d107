// Command opticks makes examples/opticks.jsonl: about a thousand requests, each
// for a summary of a passage of Newton's Opticks (1730; the transcription that
// Go's source tree has as test data, in the public domain). A few lines are
// written in ways that are allowed and rare, so that whatever works on this
// file has met them.
//
//	go run ./examples/opticks
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf16"
)

//go:generate go run . -o ../opticks.jsonl

const (
	minPassage = 100 // bytes; shorter paragraphs are headings
	maxPassage = 600 // bytes after which a paragraph is cut at the next sentence's end
)

func main() {
	out := flag.String("o", filepath.Join("examples", "opticks.jsonl"), "file to write")
	flag.Parse()
	text, err := os.ReadFile(textPath())
	if err != nil {
		log.Fatalf("read Opticks: %v", err)
	}
	if err := os.WriteFile(*out, requests(string(text)), 0o644); err != nil {
		log.Fatalf("write requests: %v", err)
	}
}

// textPath is where a Go installation has the book.
func textPath() string {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatalf("find the Go installation: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src", "testdata", "Isaac.Newton-Opticks.txt")
}

// requests makes the file.
func requests(text string) []byte {
	all := passages(text)
	var file bytes.Buffer
	for i, passage := range all {
		number := i + 1
		if number == longLine {
			passage = strings.Join(all[:100], "\n\n")
		}
		file.WriteString(request(number, passage))
		if number < len(all) { // the last line goes without
			file.WriteString(lineEnd(number))
		}
	}
	return file.Bytes()
}

var (
	paragraphEnd = regexp.MustCompile(`\r?\n\s*\n`)
	sentence     = regexp.MustCompile(`(?s).*?([.;:]\s|$)`)
)

// passages cuts the book into paragraphs, and long paragraphs after sentences.
func passages(text string) []string {
	_, book, _ := strings.Cut(text, "OPTICKS:") // before it are the transcribers' names
	var all []string
	for _, paragraph := range paragraphEnd.Split(book, -1) {
		paragraph = strings.TrimSpace(paragraph)
		if len(paragraph) < minPassage {
			continue
		}
		passage := ""
		for _, s := range sentence.FindAllString(paragraph, -1) {
			if passage += s; len(passage) >= maxPassage {
				all = append(all, strings.TrimSpace(passage))
				passage = ""
			}
		}
		if passage = strings.TrimSpace(passage); passage != "" {
			all = append(all, passage)
		}
	}
	return all
}

// The numbers of the lines that are out of the ordinary. See also forms.
const (
	manyLanguages = 40
	escapedLine   = 50
	longLine      = 60
	windowsLine   = 70
	blankLine     = 80
)

const usual = `{"custom_id":%[1]s,"method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b",` +
	`"messages":[{"role":"system","content":"Answer in one sentence."},{"role":"user","content":%[2]s}],"max_tokens":120}}`

// forms are other ways to write a line, by its number.
var forms = map[int]string{
	// White space, and another order.
	10: `	{ "body" : { "messages" : [ { "content" : %[2]s , "role" : "user" } ] , "max_tokens" : 120 , "model" : "openai/gpt-oss-120b" } ,` +
		` "url" : "/v1/chat/completions" , "method" : "POST" , "custom_id" : %[1]s } `,
	// An integer that a float64 cannot hold, and numbers in several spellings.
	20: `{"custom_id":%[1]s,"method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b",` +
		`"seed":9007199254740993,"temperature":1.0e-1,"top_p":0.90,"messages":[{"role":"user","content":%[2]s}],"max_tokens":120}}`,
	// A repeated key: the last one counts.
	30: `{"custom_id":%[1]s,"method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b",` +
		`"temperature":1,"messages":[{"role":"user","content":%[2]s}],"max_tokens":120,"temperature":0}}`,
	// Slashes escaped, as PHP does.
	escapedLine: `{"custom_id":%[1]s,"method":"POST","url":"\/v1\/chat\/completions","body":{"model":"openai\/gpt-oss-120b",` +
		`"messages":[{"role":"user","content":%[2]s}],"max_tokens":120}}`,
}

// request writes the line of that number, from 1, without its end.
func request(number int, passage string) string {
	form, known := forms[number]
	if !known {
		form = usual
	}
	task := "Summarise this passage of Newton's Opticks in modern English:"
	if number == manyLanguages {
		task = "Résumez ce passage en français, 再用中文概括, и по-русски, ثم بالعربية, με λίγα λόγια; end with 🌈👩‍🔬:"
	}
	quote := quoted
	if number == escapedLine {
		quote = escaped
	}
	id := fmt.Sprintf("opticks-%04d", number)
	return fmt.Sprintf(form, quoted(id), quote(task+"\n\n"+passage))
}

func lineEnd(number int) string {
	switch number {
	case windowsLine:
		return "\r\n"
	case blankLine:
		return "\n \n"
	}
	return "\n"
}

// quoted writes s as JSON.
func quoted(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(err) // a string has no way to fail
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// escaped writes s as JSON with every character as an escape.
func escaped(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04X`, unit)
	}
	return `"` + b.String() + `"`
}
