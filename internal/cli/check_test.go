package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goodLine is a request of 40 bytes of prompt, "user" and "content" included.
const goodLine = `{"custom_id":"ID","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"What is the colour of gold, and why?"}],"max_tokens":90}}` + "\n"

// checkWorld is a job file and its input in a folder.
func checkWorld(t *testing.T, more string, files map[string]string) (job, folder string) {
	t.Helper()
	folder = t.TempDir()
	files["job.yaml"] = strings.ReplaceAll(`input: file://DIR/in/*.jsonl
output: file://DIR/out/
endpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: gpu-h100-sxm, count: 2}, region: eu-north1}
`, "DIR", folder) + more
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "job.yaml"), folder
}

func ids(names ...string) (text string) {
	for _, name := range names {
		text += strings.Replace(goodLine, "ID", name, 1)
	}
	return text
}

func TestCheck_EstimatesAndProblems(t *testing.T) {
	good := ids("a", "b", "c", "d")
	for _, c := range []struct {
		name  string
		job   string // more of the job file
		files map[string]string
		args  []string
		code  int
		want  []string
		never string
	}{
		{"valid", "", map[string]string{"in/a.jsonl": good}, nil, exitOK, []string{
			"input     4 requests, 712 bytes of text in 1 object\n", "url       /v1/chat/completions", "prompts   about 40 tokens: an estimate, 4 bytes of prompt text each\n",
			"answers   about 360 tokens: at most", "time      unknown", "cost      unknown", "no token of nebius is set here",
		}, "problem"},
		{"with a speed and a price", "", map[string]string{"in/a.jsonl": good, "prices.yaml": "nebius: {gpu-h100-sxm: 3 USD}\n"}, []string{"--prices", "DIR/prices.yaml", "--tokens-per-second", "2", "--output-tokens", "10"}, exitOK, []string{
			"answers   about 40 tokens: 10 an answer, as given", "time      about 40.0s on one replica at 2 tokens a second", "cost      about 0.0667 USD at 6.00 USD for a replica for an hour, says the price file",
		}, "unknown"},
		{"in JSON", "", map[string]string{"in/a.jsonl": good, "prices.yaml": "nebius: {gpu-h100-sxm: 3 USD}\n"}, []string{"--json", "--prices", "DIR/prices.yaml", "--tokens-per-second", "2", "--output-tokens", "10"}, exitOK, []string{
			`"runs": true`, `"requests": 4`, `"prompt_tokens": 40`, `"answer_tokens": 40`, `"replica_seconds": 40`, `"cost": "0.0667 USD"`,
		}, "about"},
		{"a speed and no price", "", map[string]string{"in/a.jsonl": good}, []string{"--tokens-per-second", "2"}, exitOK, []string{"time      about 3m20s", "cost      unknown: nobody tells a price"}, ""},
		{"answers without a bound", "", map[string]string{"in/a.jsonl": strings.ReplaceAll(good, `,"max_tokens":90`, "")}, []string{"--tokens-per-second", "2"}, exitOK, []string{"answers   unknown: 4 lines do not bound", "time      unknown, as the answers are"}, ""},
		{"bad lines", "", map[string]string{"in/a.jsonl": good, "in/b.jsonl": "secret\n" + ids("e", "a")}, nil, exitBadInput, []string{
			"b.jsonl:1: invalid_json_line: ", "b.jsonl:3: duplicate_custom_id custom_id: custom_id is used before, at ", "\n2 problems:", "1 duplicate_custom_id\n", "the job would be refused; try: correct the lines",
		}, "secret"},
		{"bad lines skipped", "on_invalid: skip\n", map[string]string{"in/a.jsonl": good, "in/b.jsonl": "secret\n" + ids("e", "a")}, nil, exitOK, []string{"2 lines would become error lines, and the others run"}, "refused"},
		{"more than is told", "", map[string]string{"in/a.jsonl": strings.Repeat("x\n", 1500)}, nil, exitBadInput, []string{"a.jsonl:1000: ", "1,500 problems, of which the first 1,000 are above:"}, "a.jsonl:1001: "},
		{"several models", "", map[string]string{"in/a.jsonl": good + strings.Replace(ids("z"), `"m"`, `"n"`, 1)}, nil, exitBadInput, []string{"a.jsonl:5: model_mismatch body.model: "}, ""},
		{"several models allowed", "models: any\n", map[string]string{"in/a.jsonl": good + strings.Replace(ids("z"), `"m"`, `"n"`, 1)}, nil, exitOK, []string{"model     m, n in the lines"}, ""},
		{"a line too long", "max_line: 1kB\n", map[string]string{"in/a.jsonl": good + strings.Repeat("x", 1001)}, nil, exitBadInput, []string{"a.jsonl:5: invalid_request: the line is longer than the limit of 1000 bytes"}, ""},
		{"nothing there", "", map[string]string{"in/a.txt": good}, nil, exitBadInput, []string{"in/*.jsonl names no object"}, ""},
		{"a job file with a mistake", "on_invalid: maybe\n", map[string]string{"in/a.jsonl": good}, nil, exitBadInput, []string{`"maybe" must be fail or skip`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			job, folder := checkWorld(t, c.job, c.files)
			args := []string{"check"}
			for _, arg := range c.args {
				args = append(args, strings.ReplaceAll(arg, "DIR", folder))
			}
			stdout, stderr, code := runApp(t, append(args, job)...)
			text := stdout + stderr
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if c.never != "" && strings.Contains(text, c.never) {
				t.Errorf("says %q", c.never)
			}
			if t.Failed() {
				t.Log(text)
			}
			if _, err := os.Stat(filepath.Join(folder, "out")); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// With a token, the provider is asked whether it offers the endpoint.
func TestCheck_AsksTheProvider(t *testing.T) {
	a := newAccount(t)
	for gpu, want := range map[string]int{"gpu-h100-sxm": exitOK, "gpu-h900": exitBadInput} {
		file, folder := a.job(gpu)
		if err := os.WriteFile(filepath.Join(folder, "in.jsonl"), []byte(ids("a")), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := runApp(t, "check", "--nebius-base-url", a.url, "--nebius-api-key-file", a.token, file)
		if code != want || !strings.Contains(stdout, "gpu-h100-sxm") { // what there is, where it is refused
			t.Errorf("%s: exit code %d\n%s%s", gpu, code, stdout, stderr)
		}
	}
	a.running()
}
