package amazontest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

func TestFaultsBeforeAndAfterTheirEffect(t *testing.T) {
	tests := map[string]struct {
		fault  amazontest.Fault
		status int // 0: the connection broke
		code   string
		feeds  int
	}{
		"dropped before":      {amazontest.Fault{Drop: true}, 0, "", 0},
		"dropped after":       {amazontest.Fault{Drop: true, After: true}, 0, "", 1},
		"500 before":          {amazontest.Fault{Status: 500}, 500, "InternalFailure", 0},
		"500 after":           {amazontest.Fault{Status: 500, After: true}, 500, "InternalFailure", 1},
		"throttled":           {amazontest.Fault{Status: 429}, 429, "QuotaExceeded", 0},
		"forbidden":           {amazontest.Fault{Status: 403}, 403, "Unauthorized", 0},
		"not found":           {amazontest.Fault{Status: 404}, 404, "NotFound", 0},
		"bad request":         {amazontest.Fault{Status: 400}, 400, "InvalidInput", 0},
		"202 with empty body": {amazontest.Fault{Status: 202, After: true}, 202, "", 1},
		"status out of range": {amazontest.Fault{Status: 7}, 500, "InternalFailure", 0},
		"none":                {amazontest.Fault{After: true}, 202, "feedId", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := open(t, amazontest.Config{ProcessingTime: time.Hour})
			web := httptest.NewServer(srv)
			defer web.Close()
			overSocket := client{TB: t, http: web.Client(), host: web.URL}
			overSocket.token = overSocket.login("Atzr|two")
			// Each client's feed is created by another seller, so that one server
			// can play both.
			for seller, c := range map[string]client{merchant: login(t, srv, "Atzr|one"), neighbour: overSocket} {
				doc := c.upload("x")
				srv.Fail(func(call amazontest.Call) amazontest.Fault {
					assert.Zero(t, call.Status)
					assert.LessOrEqual(t, len(srv.Feeds()), 2) // the script may look at the books
					return map[string]amazontest.Fault{"createFeed": tt.fault}[call.Op]
				})
				got, err := c.try("POST", c.host+"/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc), "application/json", c.token)
				assert.Equal(t, tt.status == 0, err != nil, "error %v", err)
				assert.Equal(t, tt.status, got.status)
				assert.Contains(t, got.body, tt.code)
				srv.Fail(nil)

				pages := c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "feedTypes="+string(amazon.RefundFeed))
				assert.Len(t, pages[0], tt.feeds)
				var create amazontest.Call
				for _, call := range srv.Calls() {
					if call.Op == "createFeed" && call.Seller == seller {
						create = call
					}
				}
				assert.Equal(t, tt.status, create.Status)
			}
		})
	}
}

func TestFaultsSpeakTheLanguageOfTheirService(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	address := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"text/xml"}`).field("url")
	srv.Fail(func(amazontest.Call) amazontest.Fault { return amazontest.Fault{Status: 503} })
	assert.Contains(t, c.do("PUT", address, "x", "text/xml", "").body, "<Error><Code>InternalFailure</Code>")
	assert.Equal(t, "temporarily_unavailable", c.do("POST", host+"/auth/o2/token", "", "", "").field("error"))
	assert.Contains(t, c.api("GET", "/feeds/2021-06-30/feeds/1", "").body, `{"errors":[{"code":"InternalFailure"`)
}

func TestNthCall(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	srv.Fail(func(call amazontest.Call) amazontest.Fault {
		return map[int]amazontest.Fault{2: {Status: 500}}[call.Nth]
	})
	var got []int
	for range 3 {
		got = append(got, c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "").status)
	}
	assert.Equal(t, []int{200, 500, 200}, got)
}

// A client may take a request that never touched the wire for one that was not
// sent. In memory it must not look so.
func TestLostAnswerInMemoryLooksSent(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	srv.Fail(func(amazontest.Call) amazontest.Fault { return amazontest.Fault{Drop: true, After: true} })
	var seen []string
	trace := &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { seen = append(seen, "connection") },
		WroteHeaders: func() { seen = append(seen, "headers") },
		WroteRequest: func(httptrace.WroteRequestInfo) { seen = append(seen, "request") },
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", host+"/feeds/2021-06-30/feeds", strings.NewReader("{}"))
	require.NoError(t, err)
	resp, err := c.http.Do(req)
	require.ErrorContains(t, err, "connection broken")
	assert.Nil(t, resp)
	assert.Equal(t, []string{"connection", "headers", "request"}, seen)
}

func TestTraceMayKeepTheRequestFromBeingSent(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	before := len(srv.Calls())
	for name, gotConn := range map[string]func(stop func(), conn net.Conn){
		"connection closed": func(_ func(), conn net.Conn) { assert.NoError(t, conn.Close()) },
		"context ended":     func(stop func(), _ net.Conn) { stop() },
	} {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(info httptrace.GotConnInfo) { gotConn(stop, info.Conn) },
		})
		body := iotest.ErrReader(errors.New("the body was read"))
		req, err := http.NewRequestWithContext(ctx, "POST", host+"/feeds/2021-06-30/feeds", body)
		require.NoError(t, err)
		resp, err := c.http.Do(req)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "body was read", name)
		assert.Nil(t, resp, name)
	}
	assert.Len(t, srv.Calls(), before)
}
