package batchfile

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The codes of problems with an input file, as OpenAI's API names them.
const (
	CodeInvalidJSONLine      = "invalid_json_line"
	CodeDuplicateCustomID    = "duplicate_custom_id"
	CodeURLMismatch          = "url_mismatch"
	CodeInvalidURL           = "invalid_url"
	CodeModelMismatch        = "model_mismatch"
	CodeModelNotFound        = "model_not_found"
	CodeEmptyFile            = "empty_file"
	CodeTooManyTasks         = "too_many_tasks"
	CodeMissingParameter     = "missing_required_parameter"
	CodeInvalidRequest       = "invalid_request"
	CodeStreamingUnsupported = "streaming_unsupported"
	CodeInvalidFile          = "invalid_file" // ours: not text, or its compression is broken
)

// Problem is something wrong with one line of an input, or with all of it. Its
// text quotes names of models and URLs, shortened, and nothing else that the
// file says.
type Problem struct {
	File    string `json:"file,omitempty"` // the input's name; empty when it is about all of them
	Line    int64  `json:"line,omitempty"` // 1-based; 0 when it is about no line
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"` // the field, such as "body.model"; may be empty
}

// Place is where the problem is, to stand before its text: "FILE:LINE: ", or as
// much of it as there is.
func (p Problem) Place() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File + ": "
	}
	return p.File + ":" + strconv.FormatInt(p.Line, 10) + ": "
}

// quote puts a model or a URL into a message, in at most 100 characters.
func quote(name string) string {
	const limit = 100
	if utf8.RuneCountInString(name) > limit {
		name = string([]rune(name)[:limit]) + "..."
	}
	return strconv.Quote(name)
}

// problemLog keeps the first problems of a plan in detail, and counts all.
type problemLog struct {
	limit  int
	kept   []logged
	full   bool  // limit problems are known that come before line
	line   int64 // see full
	count  int64
	byCode map[string]int64
}

// logged is a problem with its line's number over all inputs.
type logged struct {
	line int64
	Problem
}

// add takes problems in any order, those of one line in theirs.
func (l *problemLog) add(line int64, p Problem) {
	l.count++
	l.byCode[p.Code]++
	if l.full && line >= l.line {
		return
	}
	l.kept = append(l.kept, logged{line, p})
	if len(l.kept) >= 2*l.limit {
		l.trim()
	}
}

// trim sorts what is kept by line and drops what is beyond the limit.
func (l *problemLog) trim() {
	slices.SortStableFunc(l.kept, func(a, b logged) int { return cmp.Compare(a.line, b.line) })
	if len(l.kept) < l.limit {
		return
	}
	clear(l.kept[l.limit:])
	l.kept = l.kept[:l.limit]
	l.full, l.line = true, l.kept[l.limit-1].line
}

// result returns the problems to tell, in order, and the counts of all.
func (l *problemLog) result() ([]Problem, int64, map[string]int64) {
	l.trim()
	var first []Problem
	for _, one := range l.kept {
		first = append(first, one.Problem)
	}
	return first, l.count, l.byCode
}
