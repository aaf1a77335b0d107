package batchfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// withID is validLine with another custom_id.
func withID(id string) string { return strings.Replace(validLine, `"a"`, `"`+id+`"`, 1) }

// files makes inputs named a.jsonl, b.jsonl and so on.
func files(texts ...string) []Input {
	var inputs []Input
	for i, text := range texts {
		inputs = append(inputs, inMemory(string(rune('a'+i))+".jsonl", []byte(text)))
	}
	return inputs
}

func makePlan(t *testing.T, inputs []Input, o PlanOptions) (Plan, []Shard) {
	t.Helper()
	var shards []Shard
	o.SpillDir = t.TempDir()
	plan, err := MakePlan(t.Context(), inputs, o, func(s Shard) error {
		shards = append(shards, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Shards != int64(len(shards)) {
		t.Errorf("plan says %d shards, %d emitted", plan.Shards, len(shards))
	}
	checkEmpty(t, o.SpillDir)
	return plan, shards
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("spill left %v, %v", left, err)
	}
}

func TestMakePlan_ProblemsInOrder(t *testing.T) {
	t.Parallel()
	otherURL := strings.Replace(withID("u"), "/v1/chat/completions", "/v1/embeddings", 1)
	otherModel := strings.Replace(withID("m"), `"m","messages"`, `"n","messages"`, 1)
	noModel := strings.Replace(withID("n"), `"model":"m",`, ``, 1)
	wrong := strings.Replace(withID("w"), `POST`, `PUT`, 1)
	for _, row := range []struct {
		name  string
		texts []string
		rules Rules
		want  []string
	}{
		{"valid", []string{validLine}, Rules{}, nil},
		{"no inputs", nil, Rules{}, []string{":0 empty_file"}},
		{"empty file", []string{""}, Rules{}, []string{":0 empty_file"}},
		{"only blank lines", []string{"\n \n", "\r\n"}, Rules{}, []string{":0 empty_file"}},
		{"one of two is empty", []string{"", validLine}, Rules{}, nil},
		{"only bad lines are not empty", []string{"x"}, Rules{}, []string{"a.jsonl:1 invalid_json_line"}},
		{"at the limit", []string{withID("1"), withID("2")}, Rules{MaxRequests: 2}, nil},
		{"over the limit", []string{withID("1"), withID("2") + "\n\n" + withID("3") + "\n" + withID("4")}, Rules{MaxRequests: 2}, []string{"b.jsonl:3 too_many_tasks"}},
		{"another url", []string{withID("1") + "\n" + otherURL}, Rules{}, []string{"a.jsonl:2 url_mismatch"}},
		{"another url than the batch's", []string{withID("1")}, Rules{URL: "/v1/responses"}, []string{"a.jsonl:1 url_mismatch"}},
		{"another url in another file", []string{withID("1"), otherURL}, Rules{}, []string{"b.jsonl:1 url_mismatch"}},
		{"another model", []string{withID("1") + "\n" + otherModel}, Rules{}, []string{"a.jsonl:2 model_mismatch"}},
		{"another model, any allowed", []string{withID("1") + "\n" + otherModel}, Rules{AnyModel: true}, nil},
		{"no model here, a model there", []string{noModel + "\n" + withID("1")}, Rules{}, nil},
		{"model escaped", []string{withID("1") + "\n" + strings.Replace(withID("2"), `"m",`, `"\u006d",`, 1)}, Rules{}, nil},
		{"another model than the batch's", []string{withID("1") + "\n" + otherModel}, Rules{Model: "m", Served: []string{"m", "n"}}, []string{"a.jsonl:2 model_mismatch"}},
		{"a model that is not served, told once", []string{otherModel + "\n" + withID("1"), withID("2")}, Rules{Model: "k", Served: []string{"k"}},
			[]string{"a.jsonl:1 model_not_found", "a.jsonl:2 model_not_found"}},
		{"no model where there must be one", []string{noModel + "\n" + withID("1") + "\nx"}, Rules{Model: "m"},
			[]string{"a.jsonl:1 missing_required_parameter", "a.jsonl:3 invalid_json_line"}},
		{"duplicate", []string{withID("x") + "\n\n" + withID("x")}, Rules{}, []string{"a.jsonl:3 duplicate_custom_id"}},
		{"duplicate in escapes", []string{withID("a/é"), withID(`\u0061\/\u00e9`)}, Rules{}, []string{"b.jsonl:1 duplicate_custom_id"}},
		{"three times", []string{withID("x"), "", withID("y") + "\n" + withID("x") + "\n" + withID("x")}, Rules{},
			[]string{"c.jsonl:2 duplicate_custom_id", "c.jsonl:3 duplicate_custom_id"}},
		{"all sorts", []string{withID("x") + "\nx\n" + withID("x"), wrong + "\n" + otherURL + "\n" + withID("x")}, Rules{},
			[]string{"a.jsonl:2 invalid_json_line", "a.jsonl:3 duplicate_custom_id", "b.jsonl:1 invalid_request", "b.jsonl:2 url_mismatch", "b.jsonl:3 duplicate_custom_id"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plan, _ := makePlan(t, files(row.texts...), PlanOptions{Rules: row.rules})
			var got []string
			byCode := map[string]int64{}
			for _, p := range plan.Problems {
				got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Code))
				byCode[p.Code]++
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("problems %q, want %q", got, row.want)
			}
			if plan.ProblemCount != int64(len(row.want)) || !maps.Equal(plan.ProblemsByCode, byCode) {
				t.Errorf("counts %d, %v", plan.ProblemCount, plan.ProblemsByCode)
			}
		})
	}
}

func TestMakePlan_Messages(t *testing.T) {
	t.Parallel()
	other := strings.NewReplacer(`"a"`, `"b"`, `"m"`, `"n"`, "/v1/chat/completions", "/v1/responses").Replace(validLine)
	plan, _ := makePlan(t, files(validLine+"\n"+other, validLine), PlanOptions{Rules: Rules{MaxRequests: 2}})
	want := []Problem{
		{"a.jsonl", 2, CodeURLMismatch, `url "/v1/responses" is not the batch's "/v1/chat/completions"`, "url"},
		{"a.jsonl", 2, CodeModelMismatch, `model "n" is not that of the lines before, "m"; try: models: any`, "body.model"},
		{"b.jsonl", 1, CodeTooManyTasks, "there are 3 requests, the limit is 2", ""},
		{"b.jsonl", 1, CodeDuplicateCustomID, "custom_id is used before, at a.jsonl:1", "custom_id"},
	}
	if !slices.Equal(plan.Problems, want) {
		t.Errorf("got  %+v\nwant %+v", plan.Problems, want)
	}
}

func TestMakePlan_Counts(t *testing.T) {
	t.Parallel()
	a := "\uFEFF" + withID("1") + "\r\n\r\n" + withID("2") + "\n"
	b := withID("3") + "\n\n"
	var progress [][2]int64
	plan, shards := makePlan(t, files(a, b), PlanOptions{Progress: func(bytes, requests int64) {
		progress = append(progress, [2]int64{bytes, requests})
	}})
	size := int64(len(a) + len(b))
	want := Plan{Requests: 3, Bytes: size, Shards: 2, URL: "/v1/chat/completions", Models: []string{"m"},
		Files: []FilePlan{{Name: "a.jsonl", Bytes: int64(len(a)), Requests: 2, Lines: 3}, {Name: "b.jsonl", Bytes: int64(len(b)), Requests: 1, Lines: 2, before: 3}},

		ProblemsByCode: map[string]int64{}}
	if !reflect.DeepEqual(plan, want) {
		t.Errorf("got  %+v\nwant %+v", plan, want)
	}
	wantShards := []Shard{
		{File: 0, Requests: 2, Offset: 0, Length: int64(len(a)), FirstLine: 1, FirstRequest: 0},
		{File: 1, Requests: 1, Offset: 0, Length: int64(len(b) - 1), FirstLine: 1, FirstRequest: 2},
	}
	if !slices.Equal(shards, wantShards) {
		t.Errorf("got  %+v\nwant %+v", shards, wantShards)
	}
	if !slices.Equal(progress, [][2]int64{{size, 3}}) {
		t.Errorf("progress %v", progress)
	}
}

func TestMakePlan_ModelsAreBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 3 * maxModels {
		id := fmt.Sprint(i)
		fmt.Fprintln(&text, strings.Replace(withID(id), `"m",`, `"m`+id+`",`, 1))
	}
	plan, _ := makePlan(t, files(text.String()), PlanOptions{Rules: Rules{AnyModel: true}})
	if len(plan.Models) != maxModels || plan.Models[0] != "m0" || plan.Models[99] != "m99" || plan.ProblemCount != 0 {
		t.Errorf("%d models %v, %d problems", len(plan.Models), plan.Models, plan.ProblemCount)
	}
}

// A worker that reads the shards must see every request once, in order, with
// the numbers of the whole file.
func TestMakePlan_ShardsCoverEveryRequest(t *testing.T) {
	t.Parallel()
	var a strings.Builder
	a.WriteString("\uFEFF\n")
	for i := range 1000 {
		end := []string{"\n", "\r\n", "\n\n \n"}[i%3]
		a.WriteString(withID(fmt.Sprintf("a%d", i)+strings.Repeat("x", i%97)) + end)
	}
	texts := []string{a.String(), "", withID("b"), "\n"}
	for _, o := range []PlanOptions{{}, {ShardRequests: 1}, {ShardRequests: 7}, {ShardBytes: 1}, {ShardBytes: 1000}, {ShardBytes: 999, ShardRequests: 7}} {
		plan, shards := makePlan(t, files(texts...), o)
		if plan.ProblemCount != 0 || plan.Requests != 1001 {
			t.Fatalf("%d requests, problems %v", plan.Requests, plan.Problems)
		}
		var got []string
		for _, s := range shards {
			got = append(got, readShard(t, texts[s.File], s, o, len(got))...)
		}
		var want []string
		for i, text := range texts {
			for _, line := range scanAll(NewScanner(strings.NewReader(text), 0)) {
				want = append(want, fmt.Sprint(i, line.line, line.offset, line.text))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: the shards read differently from the files", o)
		}
	}
}

func readShard(t *testing.T, text string, s Shard, o PlanOptions, request int) (lines []string) {
	t.Helper()
	scanner := NewScanner(strings.NewReader(text[s.Offset:s.Offset+s.Length]), 0)
	scanner.StartAt(s.FirstLine)
	for scanner.Scan() {
		lines = append(lines, fmt.Sprint(s.File, scanner.Line(), s.Offset+scanner.Offset(), string(scanner.Bytes())))
	}
	if len(lines) != int(s.Requests) || s.FirstRequest != int64(request) {
		t.Errorf("shard %+v has %d lines, after %d", s, len(lines), request)
	}
	if o.ShardRequests > 0 && len(lines) > o.ShardRequests || o.ShardBytes > 0 && s.Length > o.ShardBytes && len(lines) > 1 {
		t.Errorf("shard %+v is over the limits %+v", s, o)
	}
	return lines
}

func TestMakePlan_FirstProblemsInDetail(t *testing.T) {
	t.Parallel()
	// Every line but the first repeats its custom_id; every tenth names GET.
	var text strings.Builder
	for i := range 1000 {
		line := validLine
		if i%10 == 9 {
			line = strings.Replace(line, "POST", "GET", 1)
		}
		fmt.Fprintln(&text, line)
	}
	plan, _ := makePlan(t, files(text.String()), PlanOptions{MaxProblems: 20})
	if want := map[string]int64{CodeDuplicateCustomID: 999, CodeInvalidRequest: 100}; !maps.Equal(plan.ProblemsByCode, want) || plan.ProblemCount != 1099 {
		t.Errorf("counts %d, %v", plan.ProblemCount, plan.ProblemsByCode)
	}
	var got []string
	for _, p := range plan.Problems {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Code))
	}
	var want []string
	for i := 2; len(want) < 20; i++ {
		if i%10 == 0 {
			want = append(want, fmt.Sprintf("%d %s", i, CodeInvalidRequest))
		}
		want = append(want, fmt.Sprintf("%d %s", i, CodeDuplicateCustomID))
	}
	if !slices.Equal(got, want[:20]) {
		t.Errorf("got %q, want %q", got, want[:20])
	}
}

func TestMakePlan_DuplicatesBeyondMemory(t *testing.T) {
	t.Parallel()
	const lines = residentIDs + residentIDs/4
	again := withID("00000007") + "\n" + withID(fmt.Sprintf("%08d", lines))
	inputs := []Input{generated(lines, withID("00000000")+"\n"), inMemory("again", []byte(again))}
	plan, _ := makePlan(t, inputs, PlanOptions{})
	want := []Problem{
		{"again", 1, CodeDuplicateCustomID, "custom_id is used before, at generated:7", "custom_id"},
		{"again", 2, CodeDuplicateCustomID, fmt.Sprintf("custom_id is used before, at generated:%d", lines), "custom_id"},
	}
	if !slices.Equal(plan.Problems, want) {
		t.Errorf("got %+v, want %+v", plan.Problems, want)
	}
}

func TestIDSet_SpillFails(t *testing.T) {
	t.Parallel()
	for _, sightings := range []int{2, 3} { // nothing, or something, is left to be written
		ids := newIDSet(t.TempDir())
		ids.resident = 2
		for i := range sightings {
			if err := ids.add([]byte("x"), int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := ids.spill.file.Close(); err != nil {
			t.Fatal(err)
		}
		if err := ids.duplicates(t.Context(), func(int64, int64) error { return nil }); !errors.Is(err, os.ErrClosed) {
			t.Errorf("duplicates: %v", err)
		}
		if err := ids.close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	}
}

func TestIDSet_SpilledAsInMemory(t *testing.T) {
	t.Parallel()
	for _, resident := range []int{1, 3, 100, 1 << 20} {
		dir := t.TempDir()
		ids := newIDSet(dir)
		ids.resident = resident
		for i := range 1000 {
			if err := ids.add(fmt.Append(nil, i%700), int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		got := map[int64]int64{}
		if err := ids.duplicates(t.Context(), func(line, first int64) error { got[line] = first; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 300 {
			t.Errorf("%d in memory: %d duplicates", resident, len(got))
		}
		for line, first := range got {
			if first != line-700 {
				t.Errorf("%d in memory: line %d repeats %d", resident, line, first)
			}
		}
		if err := ids.close(); err != nil {
			t.Error(err)
		}
		checkEmpty(t, dir)
	}
}

func TestMakePlan_LineTooLong(t *testing.T) {
	t.Parallel()
	plan, _ := makePlan(t, files(withID("1")+"\n"+withID(strings.Repeat("x", 100)), withID("2")+"\nx"), PlanOptions{Rules: Rules{MaxLine: len(validLine)}})
	want := []string{"a.jsonl:2 invalid_request", "b.jsonl:2 invalid_json_line"}
	var got []string
	for _, p := range plan.Problems {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Code))
	}
	if !slices.Equal(got, want) || !strings.Contains(plan.Problems[0].Message, fmt.Sprint(len(validLine))) {
		t.Errorf("problems %+v, want %q", plan.Problems, want)
	}
}

// closeRecorder counts how often its inputs are closed.
type closeRecorder struct {
	io.Reader
	closed *int
}

func (c closeRecorder) Close() error { *c.closed++; return nil }

func TestMakePlan_Errors(t *testing.T) {
	t.Parallel()
	trouble := errors.New("trouble")
	opens := func(r io.Reader, closed *int) Input {
		return Input{Name: "s3://in/a", Open: func(context.Context) (io.ReadCloser, error) { return closeRecorder{r, closed}, nil }}
	}
	many := func() io.Reader { return newLineMaker(residentIDs+10, withID("00000000")+"\n") }
	for _, row := range []struct {
		name   string
		reader io.Reader
		dir    string
		emit   error
		want   string
	}{
		{"read", io.MultiReader(strings.NewReader(validLine+"\n{"), iotest.ErrReader(trouble)), "", nil, fmt.Sprintf("read s3://in/a at %d: trouble", len(validLine)+1)},
		{"emit", strings.NewReader(validLine), "", trouble, "emit shard 0: trouble"},
		{"emit after spilling", many(), "", trouble, "emit shard 0: trouble"},
		{"no folder to spill into", many(), "/nonexistent", nil, "spill custom_ids: open /nonexistent"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			closed, dir := 0, t.TempDir()
			o := PlanOptions{SpillDir: dir + row.dir, ShardRequests: residentIDs + 5, ShardBytes: 1 << 40}
			_, err := MakePlan(t.Context(), []Input{opens(row.reader, &closed)}, o, func(Shard) error { return row.emit })
			if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), dir, ""), row.want) {
				t.Errorf("error %v, want %s", err, row.want)
			}
			if row.want != "" && row.dir == "" && !errors.Is(err, trouble) {
				t.Errorf("error %v does not wrap its cause", err)
			}
			if closed != 1 {
				t.Errorf("closed %d times", closed)
			}
			checkEmpty(t, dir)
		})
	}
}

func TestMakePlan_OpenFails(t *testing.T) {
	t.Parallel()
	absent := Input{Name: "s3://in/a", Open: func(context.Context) (io.ReadCloser, error) { return nil, os.ErrNotExist }}
	_, err := MakePlan(t.Context(), []Input{absent}, PlanOptions{}, func(Shard) error { return nil })
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "open s3://in/a: ") {
		t.Error(err)
	}
}

func TestMakePlan_Cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := PlanOptions{SpillDir: t.TempDir(), Progress: func(int64, int64) { cancel() }}
	_, err := MakePlan(ctx, []Input{generated(1<<30, withID("00000000")+"\n")}, o, func(Shard) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkEmpty(t, o.SpillDir)
}

func TestMakePlan_MemoryIsBounded(t *testing.T) {
	const lines = 600_000 // two runs spilled
	before, peak := memoryInUse(), uint64(0)
	o := PlanOptions{SpillDir: t.TempDir(), Progress: func(int64, int64) { peak = max(peak, memoryInUse()) }}
	plan, err := MakePlan(t.Context(), []Input{generated(lines, withID("00000000")+"\n")}, o, func(Shard) error { return nil })
	if err != nil || plan.Requests != lines || plan.ProblemCount != 0 {
		t.Fatal(plan, err)
	}
	if peak == 0 || peak > before+40<<20 { // the race detector's own share included
		t.Errorf("%d bytes of memory, %d before", peak, before)
	}
}
