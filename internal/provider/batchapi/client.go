package batchapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// Client is one account's Batch API. It is safe for concurrent use, keeps no
// state and never retries. Its errors are *[provider.Error], but for those of a
// file that the caller gives to Upload.
type Client struct {
	dialect Dialect
	rest    *provider.Client
	project string
}

// New returns a client. Settings.BaseURL is the host and what lies before the
// dialect's prefix; it may have the prefix as well. Errors are those of
// [provider.NewClient].
func New(d Dialect, s provider.Settings) (*Client, error) {
	s.BaseURL = strings.TrimSuffix(strings.TrimRight(s.BaseURL, "/"), d.Prefix)
	rest, err := provider.NewClient(d.Name, d.BaseURL, s)
	if err != nil {
		return nil, err
	}
	return &Client{dialect: d, rest: rest, project: s.Project}, nil
}

// Dialect tells whose API this is.
func (c *Client) Dialect() Dialect { return c.dialect }

// window is the only completion window that any of the providers offers.
const window = "24h"

// Upload uploads a file of requests and returns its id. Size is in bytes,
// negative if not known. Repeating it makes another file, which costs nothing;
// one whose reply was lost stays behind under an id that nobody knows.
func (c *Client) Upload(ctx context.Context, name string, body io.Reader, size int64) (string, error) {
	form := provider.Form{Name: name, Type: "application/jsonl", Body: body, Size: size}
	call := c.call("upload file", http.MethodPost, c.dialect.upload)
	if c.dialect.inQuery {
		call.Query.Set("purpose", c.dialect.purpose)
	} else {
		form.Fields = append(form.Fields, [2]string{"purpose", c.dialect.purpose})
	}
	if c.dialect.namesFile {
		form.Fields = append(form.Fields, [2]string{"file_name", name}, [2]string{"file_type", "jsonl"})
	}
	var reply identified
	if err := c.rest.Upload(ctx, call, form, &reply); err != nil {
		return "", err
	}
	return reply.ID, nil
}

// Create makes a batch of an uploaded file, once; url is that of every line.
// Metadata is for people who look at the provider's console, and left out where
// the API has none. An error of kind Ambiguous means that the batch may exist:
// see [Client.Find]. After any other error there is none.
func (c *Client) Create(ctx context.Context, input, url string, metadata map[string]string) (Batch, error) {
	call := c.call("create batch", http.MethodPost, "/batches")
	call.Creates = true
	body := map[string]any{"input_file_id": input, "endpoint": url, "completion_window": window}
	if c.dialect.metadata && len(metadata) > 0 {
		body["metadata"] = metadata
	}
	call.Body = body
	var reply created
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return Batch{}, err
	}
	return reply.batch(), nil
}

// Describe reads a batch. [provider.Absent] reports the error for one that the
// provider does not know.
func (c *Client) Describe(ctx context.Context, id string) (Batch, error) {
	call := c.call("read batch "+provider.Clip(id, maxShownID), http.MethodGet, "/batches/"+url.PathEscape(id))
	var reply created
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return Batch{}, err
	}
	return reply.batch(), nil
}

// Cancel asks for a batch to end. It returns when the provider has taken note;
// Describe says when the batch is over. Cancelling one that is over already is
// an error with some providers, and does no harm.
func (c *Client) Cancel(ctx context.Context, id string) error {
	call := c.call("cancel batch "+provider.Clip(id, maxShownID), http.MethodPost, "/batches/"+url.PathEscape(id)+"/cancel")
	return c.rest.Do(ctx, call, nil)
}

const (
	pageSize   = 100
	maxPages   = 200 // 20,000 batches; the newest come first
	maxShownID = 80  // bytes of an id in an error
)

// Find returns the batch whose input is that file, and whether there is one
// among the account's newest.
func (c *Client) Find(ctx context.Context, input string) (Batch, bool, error) {
	call := c.call("list batches", http.MethodGet, "/batches")
	last := ""
	for range maxPages {
		if c.dialect.pages {
			call.Query.Set("limit", strconv.Itoa(pageSize))
			if last != "" {
				call.Query.Set("after", last)
			}
		}
		var page listing
		if err := c.rest.Do(ctx, call, &page); err != nil {
			return Batch{}, false, err
		}
		for _, one := range page.batches {
			if one.Input.Value == input {
				return one.batch(), true, nil
			}
		}
		before := last
		if last = page.last(); !page.more || last == "" || last == before {
			break
		}
	}
	return Batch{}, false, nil
}

// Open streams a file of results. The caller closes it.
func (c *Client) Open(ctx context.Context, file string) (io.ReadCloser, error) {
	call := c.call("download file "+provider.Clip(file, maxShownID), http.MethodGet, "/files/"+url.PathEscape(file)+"/content")
	return c.rest.Download(ctx, call)
}

// Remove deletes a file; one that does not exist is no error. Where the API has
// no call for it, the file stays and the answer is nil: see [Client.Removes].
func (c *Client) Remove(ctx context.Context, file string) error {
	if !c.dialect.deletes || file == "" {
		return nil
	}
	call := c.call("delete file "+provider.Clip(file, maxShownID), http.MethodDelete, "/files/"+url.PathEscape(file))
	if err := c.rest.Do(ctx, call, nil); !provider.Absent(err) {
		return err
	}
	return nil
}

// Removes reports whether the API can delete files.
func (c *Client) Removes() bool { return c.dialect.deletes }

func (c *Client) call(op, method, path string) provider.Call {
	call := provider.Call{Op: op, Method: method, Path: c.dialect.Prefix + path, Query: url.Values{}}
	switch {
	case c.project == "":
	case c.dialect.projectHeader != "":
		call.Header = http.Header{c.dialect.projectHeader: {c.project}}
	case c.dialect.projectQuery != "":
		call.Query.Set(c.dialect.projectQuery, c.project)
	}
	return call
}
