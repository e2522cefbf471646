package amazontest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// storageHost stands in presigned addresses of calls that come in memory. The
// top-level domain is reserved never to exist.
const storageHost = "https://documents.s3.invalid"

// Client is an HTTP client whose calls, to any host, reach the server in memory.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.RoundTripper()} }

// RoundTripper carries calls to any host to the server in memory, without a
// socket, and so within a bubble of testing/synctest. It behaves as
// [http.Transport] does: a broken connection is an error that does not tell
// whether the call had its effect, client traces see the request being written,
// and a body with Content-Encoding gzip is unpacked unless the request asked
// for that encoding itself.
func (s *Server) RoundTripper() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(out *http.Request) (*http.Response, error) {
	ctx := out.Context()
	if out.Body != nil {
		defer func() { _ = out.Body.Close() }() // what it held was read, or is not wanted
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	if err := connected(trace); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := received(out)
	if err != nil {
		return nil, err
	}

	// A client that takes an untouched connection for proof of "not sent" must
	// not be misled.
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	a, ok := t.server.exchange(in, storageHost)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("amazontest: connection broken: %w", io.ErrUnexpectedEOF)
	}
	return a.response(out), nil
}

// connected shows a trace the connection, which it may close to keep the
// request from being sent.
func connected(trace *httptrace.ClientTrace) error {
	if trace.GotConn == nil {
		return nil
	}
	conn, far := net.Pipe()
	defer func() { _, _ = conn.Close(), far.Close() }()
	trace.GotConn(httptrace.GotConnInfo{Conn: conn})
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("amazontest: connection closed before the request: %w", err)
	}
	return nil
}

// received is a request as a server sees it.
func received(out *http.Request) (*http.Request, error) {
	var body []byte
	if out.Body != nil {
		var err error
		if body, err = io.ReadAll(out.Body); err != nil {
			return nil, fmt.Errorf("amazontest: read request body: %w", err)
		}
	}
	in := out.Clone(out.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	switch known := out.ContentLength; {
	case known == 0 && len(body) > 0:
		in.ContentLength = -1 // a body of unknown length goes out in chunks
	case known > 0 && known != int64(len(body)):
		return nil, fmt.Errorf("amazontest: request with ContentLength %d has a body of %d bytes", known, len(body))
	}
	return in, nil
}

func (a answer) response(r *http.Request) *http.Response {
	resp := &http.Response{
		Status:     fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.header,
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}
	if a.header.Get("Content-Encoding") == "gzip" && r.Header.Get("Accept-Encoding") == "" {
		if z, err := gzip.NewReader(bytes.NewReader(a.body)); err == nil {
			resp.Body = io.NopCloser(z)
			resp.ContentLength, resp.Uncompressed = -1, true
			resp.Header.Del("Content-Encoding")
		}
	}
	return resp
}
