package spapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// How long a server may keep us. An attempt has its time from the first look for
// a connection to the last byte of the answer; a download has no end, but must
// not stand still.
const (
	callLimit   = time.Minute
	uploadLimit = 5 * time.Minute
	idleLimit   = time.Minute

	// saveLimit is how long a database may keep us from telling what happened.
	saveLimit = 5 * time.Second
)

// within returns the host's client with a limit to each attempt at an operation.
func (c *Client) within(op operation) *http.Client {
	h := *c.http
	switch op {
	case download:
		h.Transport = idleTransport{cmp.Or[http.RoundTripper](h.Transport, http.DefaultTransport)}
	case upload:
		h.Timeout = shorter(h.Timeout, uploadLimit)
	default:
		h.Timeout = shorter(h.Timeout, callLimit)
	}
	return &h
}

// shorter returns the host's own limit if it is the shorter one; zero is none.
func shorter(host, own time.Duration) time.Duration {
	if host > 0 {
		return min(host, own)
	}
	return own
}

var errIdle = fmt.Errorf("the server sent nothing for %s", idleLimit)

// idleTransport ends an exchange in which the server sends nothing: no answer,
// or no further byte of it. The time in which nobody reads does not count.
type idleTransport struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t idleTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, stop := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(idleLimit, func() { stop(errIdle) })
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = idleOr(ctx, err)
		stop(nil)
		return nil, err
	}
	resp.Body = &idleBody{ReadCloser: resp.Body, ctx: ctx, stop: stop, timer: timer}
	return resp, nil
}

// idleBody is an answer's body; its context is the one of the exchange.
type idleBody struct {
	io.ReadCloser
	ctx   context.Context
	stop  context.CancelCauseFunc
	timer *time.Timer // stopped, except while reading
}

// Read implements [io.Reader].
func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(idleLimit)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = idleOr(b.ctx, err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *idleBody) Close() error {
	defer b.stop(nil)
	return b.ReadCloser.Close()
}

// idleOr returns errIdle when that is why the exchange ended, else err.
func idleOr(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errIdle) {
		return errIdle
	}
	return err
}
