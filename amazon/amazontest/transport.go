package amazontest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
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
	body := []byte{}
	if out.Body != nil {
		var err error
		body, err = io.ReadAll(out.Body)
		if closed := out.Body.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, fmt.Errorf("amazontest: read request body: %w", err)
		}
	}
	ctx := out.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	in := out.Clone(ctx)
	in.Body = io.NopCloser(bytes.NewReader(body))
	if out.ContentLength == 0 && len(body) > 0 {
		in.ContentLength = -1 // a body of unknown length would go out in chunks
	}
	if known := out.ContentLength; known > 0 && known != int64(len(body)) {
		return nil, fmt.Errorf("amazontest: request with ContentLength %d has a body of %d bytes", known, len(body))
	}
	traceWritten(out)
	a, ok := t.server.exchange(in, storageHost)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("amazontest: connection broken: %w", io.ErrUnexpectedEOF)
	}
	return a.response(out), nil
}

// traceWritten tells a client trace that the request has left: a client that
// takes an untouched connection for proof of "not sent" must not be misled.
func traceWritten(r *http.Request) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace == nil {
		return
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
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
