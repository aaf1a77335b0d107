package batchfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// check reads the line at which the scanner stands and reports all that is
// wrong with it, by itself and beside the lines before.
func (p *planner) check(lines *Scanner) (Request, []Problem) {
	if lines.TooLong() {
		return Request{}, []Problem{{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("the line is longer than the limit of %d bytes; try: a higher max_line", p.o.MaxLine)}}
	}
	request, problems := Parse(lines.Bytes())
	if len(problems) > 0 && p.o.SkipInvalid {
		return request, problems // a line that is left out sets no rule for the others
	}
	found := findings(problems)
	p.checkURL(&found, request.URL)
	if request.model == nil && request.Body != nil && p.o.Model != "" {
		found.add(CodeMissingParameter, "body.model", "Missing required parameter: 'body.model'.")
	}
	p.checkModel(&found, request.model)
	return request, found
}

func (p *planner) checkURL(found *findings, url string) {
	if p.plan.URL == "" {
		p.plan.URL = url
	}
	if url != "" && url != p.plan.URL {
		found.add(CodeURLMismatch, "url", fmt.Sprintf("url %s is not the batch's %s", quote(url), quote(p.plan.URL)))
	}
}

func (p *planner) checkModel(found *findings, model token) {
	if model == nil {
		return
	}
	var scratch [maxName]byte
	name := model.content(scratch[:0])
	known := slices.ContainsFunc(p.plan.Models, func(m string) bool { return m == string(name) })
	if !known && len(p.plan.Models) < maxModels {
		p.plan.Models = append(p.plan.Models, string(name))
	}
	switch want := cmp.Or(p.o.Model, p.plan.Models[0]); {
	case p.o.AnyModel || want == string(name):
	case p.o.Model == "":
		found.add(CodeModelMismatch, "body.model",
			fmt.Sprintf("model %s is not that of the lines before, %s; try: models: any", quote(string(name)), quote(want)))
	case slices.Contains(p.o.Served, string(name)):
		found.add(CodeModelMismatch, "body.model", fmt.Sprintf("model %s is not the batch's, %s", quote(string(name)), quote(want)))
	case !known:
		found.add(CodeModelNotFound, "body.model",
			fmt.Sprintf("The model %s does not exist or is not served here. Served: %s.", quote(string(name)), quoteAll(p.o.Served)))
	}
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return cmp.Or(strings.Join(quoted, ", "), "no model")
}
