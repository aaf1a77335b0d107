package sim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
)

// readUpload reads a form; its content is a copy.
func readUpload(contentType string, body []byte) (name string, fields map[string]string, content []byte, err error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", nil, nil, errors.New("the body is not a form")
	}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	fields = map[string]string{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", nil, nil, errors.New("the form is cut short")
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return "", nil, nil, errors.New("the form is cut short")
		}
		if fields[part.FormName()] = string(text); part.FormName() == "file" {
			name, content = part.FileName(), text
		}
	}
	if name == "" {
		return "", nil, nil, errors.New("the form has no file")
	}
	return name, fields, content, nil
}
