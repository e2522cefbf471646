package spapi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// pipes is a network in memory, where fake time passes while a peer is silent.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newServerInMemory returns a server for use in a bubble, and the transport that
// reaches it.
func newServerInMemory(t *testing.T) (*server, *http.Transport) {
	s := &server{script: map[string][]step{}}
	p := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	h := &http.Server{Handler: s}
	served := make(chan error, 1)
	go func() { served <- h.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		assert.NoError(t, h.Close())
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	s.listen("http://amazon.test")
	s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
	return s, transport
}

// carriedBy puts a transport into a Config.
func carriedBy(transport http.RoundTripper) func(*spapi.Config) {
	return func(conf *spapi.Config) { conf.HTTPClient = &http.Client{Transport: transport} }
}

// silent is a step that reads the request and never answers.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// stalled is a step that falls silent within its answer.
func stalled(status int, begins string) step {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		io.WriteString(w, begins)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// noContext is a call by a caller who would wait for ever.
var noContext = context.Background()

func TestNoServerHoldsACall(t *testing.T) {
	tests := map[string]struct {
		route string
		step  step
		tries int
		limit time.Duration
	}{
		"getToken, no answer":             {tokenPath, silent, 5, time.Minute},
		"getToken, half an answer":        {tokenPath, stalled(200, `{"access_token":`), 1, time.Minute},
		"getToken, half a refusal":        {tokenPath, stalled(400, `{"error":`), 1, time.Minute},
		"createFeedDocument, no answer":   {placePath, silent, 5, time.Minute},
		"createFeedDocument, half of one": {placePath, stalled(201, `{"url":`), 1, time.Minute},
		"upload, no answer":               {uploadPath, silent, 5, 5 * time.Minute},
		"upload, half an answer":          {uploadPath, stalled(200, "x"), 1, 5 * time.Minute},
		"getFeed, no answer":              {feedPath, silent, 5, time.Minute},
		"getFeed, half an answer":         {feedPath, stalled(200, `{"feedId":`), 1, time.Minute},
		"getFeed, half of each 503":       {feedPath, stalled(503, "x"), 5, time.Minute},
		"createReport, no answer":         {askPath, silent, 1, time.Minute},
		"download, no answer":             {downloadPath, silent, 5, time.Minute},
		"download, half a document":       {downloadPath, stalled(200, "<AmazonEnvelope>"), 1, time.Minute},
		"download, half a packed one":     {downloadPath, stalled(200, "\x1f\x8b"), 1, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, transport := newServerInMemory(t)
				s.on(tt.route, tt.step)
				c, _ := connect(t, s, carriedBy(transport))
				began := time.Now()
				err := calls(c)[tt.route](noContext)
				var got *amazon.Error
				require.ErrorAs(t, err, &got)
				assert.Equal(t, time.Duration(tt.tries)*tt.limit, time.Since(began))
				assert.Len(t, s.requests(tt.route), tt.tries)
				assert.NotContains(t, err.Error(), "hush")
			})
		})
	}
}

func TestAStalledCallMayStillSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(tokenPath, silent, answer(200, `{"access_token":"Atza|x","expires_in":3600}`))
		s.on(feedPath, silent, answer(200, feedJSON))
		c, _ := connect(t, s, carriedBy(transport))
		_, err := c.Feed(noContext, seller, "50001")
		assert.NoError(t, err)
	})
}

func TestAnUploadThatNobodyReadsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		c, _ := connect(t, s, carriedBy(roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPut {
				return transport.RoundTrip(r)
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})))
		began := time.Now()
		err := uploadOnce(noContext, c)
		assert.ErrorContains(t, err, "amazon upload")
		assert.Equal(t, 5*5*time.Minute, time.Since(began))
	})
}

func TestTheHostsShorterTimeoutCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(feedPath, silent)
		c, _ := connect(t, s, func(conf *spapi.Config) {
			conf.HTTPClient = &http.Client{Transport: transport, Timeout: time.Second}
		})
		began := time.Now()
		_, err := c.Feed(noContext, seller, "50001")
		require.Error(t, err)
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestAStalledCreateIsUnknownOnceItsBodyMayHaveLeft(t *testing.T) {
	tests := map[string]step{
		"no answer":      silent,
		"half a feed":    stalled(202, `{"feedId":"5`),
		"half a failure": stalled(500, `{"errors":`),
	}
	for name, step := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, transport := newServerInMemory(t)
				s.on(createPath, step)
				c, _ := connect(t, s, carriedBy(transport))
				ticket := uploaded(t, c)
				began := time.Now()
				_, err := ticket.Create(noContext)
				assert.Equal(t, amazon.SentUnknown, amazon.Whether(err), "%v", err)
				assert.Equal(t, time.Minute, time.Since(began))
				assert.Len(t, s.requests(createPath), 1)
			})
		})
	}
}

func TestACreateThatFindsNoConnectionInTimeIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		transport.DisableKeepAlives = true
		dial, blocked := transport.DialContext, false
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if blocked {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
		c, _ := connect(t, s, carriedBy(transport))
		ticket := uploaded(t, c)
		blocked = true
		_, err := ticket.Create(noContext)
		assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
		assert.Empty(t, s.requests(createPath))
	})
}

func TestADownloadMayTakeLongWhileItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				time.Sleep(50 * time.Second)
				io.WriteString(w, "row\n")
				w.(http.Flusher).Flush()
			}
		})
		c, _ := connect(t, s, carriedBy(transport))
		doc, err := c.Document(noContext, seller, "amzn1.tortuga.4.na.out")
		require.NoError(t, err)
		defer doc.Close()
		first := make([]byte, 1)
		_, err = io.ReadFull(doc, first)
		require.NoError(t, err)
		time.Sleep(time.Hour) // the reader is busy with what it has
		rest, err := io.ReadAll(doc)
		require.NoError(t, err)
		assert.Len(t, rest, 20*len("row\n")-1)
	})
}

func TestADownloadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(downloadPath, stalled(200, "<AmazonEnvelope>"))
		c, _ := connect(t, s, carriedBy(transport))
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		err := download(c.Document(ctx, seller, "amzn1.tortuga.4.na.out"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
