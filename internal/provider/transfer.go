package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"
)

// Form is a multipart form with one file, the way in which control planes take
// what is too large for JSON.
type Form struct {
	Fields [][2]string // names and values, sent ahead of the file
	Name   string      // of the file, in plain ASCII; its field is called "file"
	Type   string      // of the file, such as application/jsonl
	Body   io.Reader
	Size   int64 // bytes in Body; negative when not known, and then sent in chunks
}

// Upload sends the call with the form as its body, once, and decodes the answer
// as [Client.Do] does. It holds a buffer of the form and no more, and has
// done with Body when it returns. It may take any time: it is given up
// when nothing has moved for the client's timeout. An error of Body is
// returned as it is; all others are sorted.
func (c *Client) Upload(ctx context.Context, call Call, form Form, reply any) error {
	var sent sending
	ctx, guard := watch(ctx, c.timeout)
	defer guard.end()
	head, tail, boundary, err := form.frame()
	if err != nil {
		return c.refused(call, "form cannot be made: "+err.Error())
	}
	source := &upload{Reader: form.Body, guard: guard, closed: make(chan struct{})}
	request, err := c.bare(sent.watch(ctx), call, struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), source, bytes.NewReader(tail)), source})
	if err != nil {
		return c.refused(call, "request cannot be made: "+err.Error())
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	if request.ContentLength = -1; form.Size >= 0 {
		request.ContentLength = int64(len(head)) + form.Size + int64(len(tail))
	}
	err = c.transmit(call, request, &sent, reply)
	guard.end()
	<-source.closed // the transport may read on after it has answered
	if failed := source.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

// frame returns what goes before and after the file.
func (f Form) frame() (head, tail []byte, boundary string, err error) {
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	for _, field := range f.Fields {
		err = errors.Join(err, form.WriteField(field[0], field[1]))
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename=%q`, f.Name))
	header.Set("Content-Type", f.Type)
	_, partErr := form.CreatePart(header)
	head = bytes.Clone(buffer.Bytes())
	err = errors.Join(err, partErr, form.Close())
	return head, buffer.Bytes()[len(head):], form.Boundary(), err
}

// upload is the file of a form on its way. The time that its source takes is
// not the network's.
type upload struct {
	io.Reader
	guard  *stallGuard
	failed atomic.Pointer[error] // what the source said
	once   sync.Once
	closed chan struct{}
}

func (u *upload) Read(p []byte) (int, error) {
	u.guard.rest()
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		u.failed.Store(&err)
	}
	u.guard.wait()
	return n, err
}

func (u *upload) Close() error {
	u.once.Do(func() { close(u.closed) })
	return nil
}

// Download sends the call once and returns the answer's body as a stream, which
// the caller closes and which serves one goroutine. It is given up when nothing
// has come for the client's timeout while somebody was reading. Errors, those
// of reading included, are sorted; the end that a reader sees without an error is
// the answer's own. Redirects to other hosts are followed, without the token:
// files often lie in an object store.
func (c *Client) Download(ctx context.Context, call Call) (io.ReadCloser, error) {
	var sent sending
	ctx, guard := watch(ctx, c.timeout)
	request, err := c.bare(sent.watch(ctx), call, nil)
	if err != nil {
		guard.end()
		return nil, c.refused(call, "request cannot be made: "+err.Error())
	}
	over := *c.http
	over.CheckRedirect = withoutToken
	response, err := c.exchange(&over, call, request, &sent)
	if err != nil {
		guard.end()
		return nil, err
	}
	guard.rest()
	return &download{client: c, call: call, ctx: ctx, guard: guard, body: response.Body}, nil
}

// withoutToken follows a redirect of a GET anywhere, but takes the token only
// to where it belongs, and from https never to http.
func withoutToken(request *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirect || request.Method != first.Method || request.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	if request.URL.Host != first.URL.Host {
		request.Header.Del("Authorization")
	}
	return nil
}

// download is the body of an answer.
type download struct {
	client *Client
	call   Call
	ctx    context.Context
	guard  *stallGuard
	body   io.ReadCloser
}

func (d *download) Read(p []byte) (int, error) {
	d.guard.wait()
	n, err := d.body.Read(p)
	d.guard.rest()
	if err != nil && err != io.EOF {
		err = d.client.unanswered(d.ctx, d.call, false, err)
	}
	return n, err
}

func (d *download) Close() error {
	defer d.guard.end()
	return d.body.Close()
}

// stallGuard ends a context when the network has not moved for a time.
type stallGuard struct {
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func watch(ctx context.Context, limit time.Duration) (context.Context, *stallGuard) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &stallGuard{cancel: cancel, limit: limit, timer: time.AfterFunc(limit, func() {
		cancel(fmt.Errorf("nothing moved for %v", limit))
	})}
}

// wait begins to count, rest stops it.
func (g *stallGuard) wait() { g.timer.Reset(g.limit) }
func (g *stallGuard) rest() { g.timer.Stop() }

// end frees what the guard holds, and cuts what is still under way.
func (g *stallGuard) end() {
	g.timer.Stop()
	g.cancel(context.Canceled)
}
