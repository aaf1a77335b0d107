package commands

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nightshift "github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/jobs"
)

const root = "../.."

// papers are the README and what it points to, by their paths below root.
func papers(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d papers below docs, %v", len(files), err)
	}
	texts := map[string]string{}
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(filepath.ToSlash(file), root+"/")] = string(text)
	}
	return texts
}

var block = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// blocks are the parts of a paper that are in one language.
func blocks(text, language string) (found []string) {
	for _, match := range block.FindAllStringSubmatch(text, -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

func TestPapers_CommandsAreAsTheProgramTakesThem(t *testing.T) {
	calls := 0
	for name, text := range papers(t) {
		for _, shell := range blocks(text, "sh") {
			for _, program := range []string{"nightshift", "./nightshift", "go run ./local", "nightshift-local"} {
				for _, call := range nightshift.CommandLines(shell, program) {
					calls++
					if err := nightshift.Parse(call, All()...); err != nil {
						t.Errorf("%s: %s: %v", name, strings.Join(call, " "), err)
					}
				}
			}
		}
	}
	if calls < 40 {
		t.Errorf("only %d commands were found", calls)
	}
}

func TestPapers_JobFilesAreValid(t *testing.T) {
	t.Parallel()
	files := 0
	for name, text := range papers(t) {
		for _, job := range blocks(text, "yaml") {
			if !strings.Contains(job, "input:") { // another file than a job's
				continue
			}
			files++
			if _, err := jobs.Parse(name, []byte(job)); err != nil {
				t.Errorf("%v\nin\n%s", err, job)
			}
		}
	}
	if files < 3 {
		t.Errorf("only %d job files were found", files)
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestPapers_LinksLeadSomewhere: files are there, and so are headings.
func TestPapers_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	texts := papers(t)
	for name, text := range texts {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			file, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			at := filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			if file == "" {
				at = name
			}
			if _, err := os.Stat(filepath.Join(root, at)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, match[1])
			}
			if heading != "" && !slices.Contains(headings(texts[at]), heading) {
				t.Errorf("%s links to %s, and there is no such heading", name, match[1])
			}
		}
	}
}

var headingLine = regexp.MustCompile(`(?m)^#+ (.*)$`)

// headings are a paper's headings as links name them.
func headings(text string) (names []string) {
	for _, match := range headingLine.FindAllStringSubmatch(text, -1) {
		name := strings.ToLower(match[1])
		name = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(name, "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

var ownVariable = regexp.MustCompile(`\bNIGHTSHIFT_[A-Z0-9_]+\b`)

func TestPapers_VariablesAreRead(t *testing.T) {
	t.Parallel()
	known := nightshift.Variables()
	users := []string{"NIGHTSHIFT_HOOK_SECRET", "NIGHTSHIFT_HEADER_NAME"} // named by job files
	for name, text := range papers(t) {
		for _, variable := range ownVariable.FindAllString(text, -1) {
			if !slices.Contains(known, variable) && !slices.Contains(users, variable) {
				t.Errorf("%s speaks of %s, which nothing reads", name, variable)
			}
		}
	}
}

// TestPapers_MessagesAreInTheCode looks for the text between the dots of each
// message that the troubleshooting page explains.
func TestPapers_MessagesAreInTheCode(t *testing.T) {
	t.Parallel()
	code := source(t)
	messages := regexp.MustCompile("(?m)^### `(.*)`$").FindAllStringSubmatch(papers(t)["docs/troubleshooting.md"], -1)
	if len(messages) < 30 {
		t.Fatalf("only %d messages are explained", len(messages))
	}
	for _, match := range messages {
		for part := range strings.SplitSeq(match[1], "…") {
			if part = strings.TrimSpace(part); len(part) > 3 && !strings.Contains(code, part) {
				t.Errorf("%q is explained, and %q is nowhere in the code", match[1], part)
			}
		}
	}
}

// source is all code but the tests'.
func source(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		read, err := os.ReadFile(path)
		text.Write(read)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text.String(), `\"`, `"`)
}
