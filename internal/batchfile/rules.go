package batchfile

import (
	"fmt"
	"slices"
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
	if first := p.plan.Models[0]; !p.o.AnyModel && first != string(name) {
		found.add(CodeModelMismatch, "body.model",
			fmt.Sprintf("model %s is not that of the lines before, %s; try: models: any", quote(string(name)), quote(first)))
	}
}
