package jobs

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a job file.
type Problem struct {
	Line    int    // 1-based; 0 when the file has no such line, as for a field left out
	Field   string // dotted path, such as endpoint.gpu.count; may be empty
	Message string // what is wrong and what to do
	Source  string // of a value that is not from the file: Override.Source

	column int // of a value that could not be read
}

// String formats the problem without its line.
func (p Problem) String() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// InvalidError is everything that is wrong with one job file.
type InvalidError struct {
	File     string
	Problems []Problem
}

// Error lists the problems, one a line, each as file:line: field: message.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		place := e.File
		if problem.Source != "" {
			place = problem.Source
		}
		if problem.Line > 0 {
			place = fmt.Sprintf("%s:%d", e.File, problem.Line)
		}
		lines[i] = place + ": " + problem.String()
	}
	return strings.Join(lines, "\n")
}
