package batchfile

import (
	"errors"
	"io"
)

// FirstModel returns the model that the first request of a file names, plain or
// compressed; empty if its first line that is not blank is no request, or the
// file cannot be read as text. Errors are the reader's.
func FirstModel(r io.Reader, maxLine int) (string, error) {
	text, _, err := unpack(r)
	if _, foreign := errors.AsType[*unreadable](err); foreign {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer text.Close()
	lines := NewScanner(text, maxLine)
	lines.PassLong()
	if lines.Scan() && !lines.TooLong() {
		request, problems := Parse(lines.Bytes())
		if len(problems) == 0 || request.model != nil {
			return request.Model(), nil
		}
	}
	if _, foreign := errors.AsType[*unreadable](lines.Err()); foreign {
		return "", nil
	}
	return "", lines.Err()
}
