package spapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"github.com/takebackhq/takeback/amazon"
)

// errSecondSend is the cause of death of a request that something below us began
// to send again.
var errSecondSend = errors.New("the HTTP client tried to send createFeed a second time and was stopped: " +
	"give spapi.New one that repeats nothing")

// sendOnce writes one request to the wire, at most once, and reads the answer.
// Nothing here repeats, and what is below is kept from it: redirects are not
// followed, the body cannot be read again, and a guard stops whoever brings a
// second connection.
//
// The answer's status is zero when there was none. onWire is false when Amazon
// cannot have got a whole request: then, and only then, the error says NotSent.
func (c *Client) sendOnce(ctx context.Context, a amazon.Account, r request, payload []byte, tok *accessToken) (ans answer, onWire bool, err error) {
	if err := ctx.Err(); err != nil {
		return answer{}, false, notSent(r.op, a, err)
	}
	address, err := c.address(a, r)
	if err != nil {
		return answer{}, false, notSent(r.op, a, err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	body := &onceBody{rest: payload}
	// Of this type of body net/http knows no GetBody, and with no
	// Idempotency-Key header it does not repeat a POST.
	req, err := http.NewRequestWithContext(guard(ctx, stop), r.op.method, address, body)
	if err != nil {
		return answer{}, false, notSent(r.op, a, quiet(err))
	}
	req.ContentLength = int64(len(payload))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set(tokenHeader, *tok.value)

	resp, err := c.within(r.op).Do(req)
	if cause := context.Cause(ctx); errors.Is(cause, errSecondSend) {
		err = cause
		if resp != nil {
			resp.Body.Close()
		}
	}
	c.logAnswer(ctx, a, r.op, resp, err)
	if err != nil {
		e := &amazon.Error{Op: r.op.name, Account: string(a.ID), Err: quiet(err)}
		if body.seal() {
			e.Sent = amazon.NotSent
		}
		return answer{}, e.Sent == amazon.SentUnknown, e
	}
	ans, err = c.read(a, r.op, resp)
	return ans, true, err
}

// guard watches the connections that a request is given. The first is for the
// request; a second one means that something below sends it again. Ending the
// context is not enough then: a connection that is at hand is written to before
// anybody looks at the context. So the connection is closed, before its first
// byte.
func guard(ctx context.Context, stop context.CancelCauseFunc) context.Context {
	var taken atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if info.Conn.LocalAddr() == nil && info.Conn.RemoteAddr() == nil {
				return // from nowhere to nowhere: httputil.DumpRequestOut shows a host what will be sent
			}
			if taken.Swap(true) {
				stop(errSecondSend)
				info.Conn.Close()
			}
		},
	})
}

// onceBody is a request body that can be read once. Its length is announced in
// the headers, so as long as nobody has read from it, nobody has sent a request
// that Amazon would act on.
type onceBody struct {
	mu     sync.Mutex
	rest   []byte
	begun  bool
	closed bool
}

var errBodyClosed = errors.New("the body of createFeed is sent once")

// Read implements [io.Reader].
func (b *onceBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errBodyClosed
	}
	b.begun = true
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements [io.Closer].
func (b *onceBody) Close() error {
	b.seal()
	return nil
}

// seal ends reading for good and tells whether none had begun.
func (b *onceBody) seal() (untouched bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return !b.begun
}
