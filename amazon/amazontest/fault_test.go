package amazontest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
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
		"drop wins":           {amazontest.Fault{Drop: true, Status: 500, Body: "x"}, 0, "", 0},
		"drop wins, after":    {amazontest.Fault{Drop: true, Status: 500, After: true}, 0, "", 1},
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
	assert.Contains(t, c.do("PUT", address, "x", "text/xml", "").body, "<Error><Code>SlowDown</Code>")
	assert.Equal(t, "temporarily_unavailable", c.do("POST", host+"/auth/o2/token", "", "", "").field("error"))
	assert.Contains(t, c.api("GET", "/feeds/2021-06-30/feeds/1", "").body, `{"errors":[{"code":"InternalFailure"`)
}

func TestScriptsAreAskedInTheirOrder(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	storm := slices.Repeat([]amazontest.Fault{{Status: 429}}, 2)
	srv.Fail(
		nil,
		func(amazontest.Call) amazontest.Fault { return amazontest.Fault{After: true} }, // no fault
		amazontest.Nth("getFeed", 1, amazontest.Fault{Status: 503}),
		amazontest.Nth("getFeeds", 2, append(storm, amazontest.Fault{}, amazontest.Fault{Status: 500})...),
		func(call amazontest.Call) amazontest.Fault {
			return map[int]amazontest.Fault{3: {Status: 400}, 4: {Status: 404}}[call.Nth]
		},
	)
	var got []int
	for range 6 {
		got = append(got, c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "").status)
	}
	assert.Equal(t, []int{200, 429, 429, 404, 500, 200}, got)
	srv.Fail()
	assert.Equal(t, 404, c.api("GET", "/feeds/2021-06-30/feeds/1", "").status)
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

// A script may pick one feed, document or report, however often others are
// asked for.
func TestScriptPicksByPath(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	address := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"`+xmlType+`"}`).field("url")
	one, two := c.send(amazon.RefundFeed, three()), c.send(amazon.RefundFeed, three())
	srv.Fail(func(call amazontest.Call) amazontest.Fault {
		return map[string]amazontest.Fault{"/feeds/2021-06-30/feeds/" + two: {Status: 503}}[call.Path]
	})
	for range 2 {
		assert.Equal(t, 200, c.api("GET", "/feeds/2021-06-30/feeds/"+one, "").status)
		assert.Equal(t, 503, c.api("GET", "/feeds/2021-06-30/feeds/"+two+"?x=y", "").status)
	}
	c.do("PUT", address, "x", xmlType, "")
	calls := srv.Calls()
	assert.Equal(t, "/presigned/"+merchant+"/amzn1.tortuga.4.na.000001", calls[len(calls)-1].Path, "the query is a secret")
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

func TestFaultsInTheBody(t *testing.T) {
	const page = "<html><body>Service Unavailable</body></html>"
	tests := map[string]struct {
		fault       amazontest.Fault
		status      int
		contentType string
		body        string
		feeds       int
	}{
		"HTML in place of the answer":  {amazontest.Fault{Body: page, ContentType: "text/html"}, 202, "text/html", page, 1},
		"garbage that claims JSON":     {amazontest.Fault{Body: `{"feedId":`}, 202, "application/json", `{"feedId":`, 1},
		"nothing":                      {amazontest.Fault{ContentType: "application/json"}, 202, "application/json", "", 1},
		"HTML of a proxy, before":      {amazontest.Fault{Status: 503, Body: page, ContentType: "text/html"}, 503, "text/html", page, 0},
		"HTML of a proxy, after":       {amazontest.Fault{Status: 502, Body: page, ContentType: "text/html", After: true}, 502, "text/html", page, 1},
		"login page of a proxy, 200":   {amazontest.Fault{Status: 200, Body: page, ContentType: "text/html"}, 200, "text/html", page, 0},
		"throttled with an empty body": {amazontest.Fault{Status: 429, ContentType: "text/plain"}, 429, "text/plain", "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := open(t, amazontest.Config{})
			c := login(t, srv, "Atzr|one")
			doc := c.upload("x")
			srv.Fail(amazontest.Nth("createFeed", 1, tt.fault))
			got := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc))
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.contentType, got.header.Get("Content-Type"))
			assert.Equal(t, tt.body, got.body)
			assert.NotEmpty(t, got.header.Get("x-amzn-RequestId"))
			assert.Len(t, srv.Feeds(), tt.feeds)
		})
	}
}

func TestBodyInPlaceOfAPackedOneIsNotPacked(t *testing.T) {
	srv := open(t, amazontest.Config{Gzip: true})
	c := login(t, srv, "Atzr|one")
	doc := c.api("GET", "/feeds/2021-06-30/documents/"+c.upload("x")+"?enableContentEncodingUrlHeader=true", "")
	srv.Fail(amazontest.Nth("download", 1, amazontest.Fault{Body: "plain"}))
	assert.Equal(t, "plain", c.do("GET", doc.field("url"), "", "", "").body)
	assert.Equal(t, "x", c.do("GET", doc.field("url"), "", "", "").body)
}

func TestSlowAnswers(t *testing.T) {
	tests := map[string]struct {
		fault  amazontest.Fault
		takes  time.Duration
		ok     bool
		status int // in the journal
		feeds  int
	}{
		"slow":                      {amazontest.Fault{Delay: 20 * time.Second}, 20 * time.Second, true, 202, 1},
		"slow 500":                  {amazontest.Fault{Delay: 20 * time.Second, Status: 500}, 20 * time.Second, true, 500, 0},
		"broken after a while":      {amazontest.Fault{Delay: 20 * time.Second, Drop: true}, 20 * time.Second, false, 0, 0},
		"slower than the caller":    {amazontest.Fault{Delay: time.Minute}, 30 * time.Second, false, 202, 1},
		"never, after the effect":   {amazontest.Fault{Delay: amazontest.Forever}, 30 * time.Second, false, 0, 1},
		"never, without any effect": {amazontest.Fault{Delay: amazontest.Forever, Drop: true}, 30 * time.Second, false, 0, 0},
		"delay below zero":          {amazontest.Fault{Delay: -1}, 0, true, 202, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				c := login(t, srv, "Atzr|one")
				doc := c.upload("x")
				srv.Fail(amazontest.Nth("createFeed", 1, tt.fault))
				c.http.Timeout = 30 * time.Second
				start := time.Now()
				_, err := c.try("POST", host+"/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc), "application/json", c.token)
				assert.Equal(t, tt.ok, err == nil, "error %v", err)
				assert.Equal(t, tt.takes, time.Since(start))
				assert.Len(t, srv.Feeds(), tt.feeds)
				calls := srv.Calls()
				assert.Equal(t, tt.status, calls[len(calls)-1].Status)
				assert.Equal(t, tt.fault, calls[len(calls)-1].Fault)
			})
		})
	}
}

// Over a socket the server learns that its caller is gone, and lets go.
func TestHangingCallEndsWithItsCaller(t *testing.T) {
	srv := open(t, amazontest.Config{})
	web := httptest.NewServer(srv)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	srv.Fail(func(amazontest.Call) amazontest.Fault {
		leave()
		return amazontest.Fault{Delay: amazontest.Forever}
	})
	req, err := http.NewRequestWithContext(ctx, "POST", web.URL+"/auth/o2/token", strings.NewReader("{}"))
	require.NoError(t, err)
	_, err = web.Client().Do(req)
	require.ErrorIs(t, err, context.Canceled)
	web.Close() // waits for its calls
}

// A caller that hangs keeps nobody else from being answered.
func TestHangingCallHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		srv.Fail(amazontest.Nth("getFeed", 1, amazontest.Fault{Delay: amazontest.Forever}))
		ctx, leave := context.WithCancel(t.Context())
		var hanging error
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, _ := http.NewRequestWithContext(ctx, "GET", host+"/feeds/2021-06-30/feeds/1", nil)
			_, hanging = c.http.Do(req)
		}()
		synctest.Wait()
		assert.Equal(t, 404, c.api("GET", "/feeds/2021-06-30/feeds/1", "").status)
		leave()
		<-done
		assert.ErrorIs(t, hanging, context.Canceled)
	})
}

func TestIncompleteLists(t *testing.T) {
	five, four, three, two, one := "50000000005", "50000000004", "50000000003", "50000000002", "50000000001"
	tests := map[string]struct {
		call int
		omit int
		want [][]string
	}{
		"complete":           {1, 0, [][]string{{five, four}, {three, two}, {one}}},
		"newest missing":     {1, 1, [][]string{{four, three}, {two, one}}},
		"hole in the middle": {2, 1, [][]string{{five, four}, {two, one}}},
		"end missing":        {3, 1, [][]string{{five, four}, {three, two}, {}}},
		"as if empty":        {1, 9, [][]string{{}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := open(t, amazontest.Config{})
			c := login(t, srv, "Atzr|one")
			doc := c.upload("x")
			for range 5 {
				require.Equal(t, 202, c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc)).status)
			}
			list := func() [][]string {
				return c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "pageSize=2&feedTypes="+string(amazon.RefundFeed))
			}
			srv.Fail(amazontest.Nth("getFeeds", tt.call, amazontest.Fault{Omit: tt.omit}))
			assert.Equal(t, tt.want, list())
			assert.Equal(t, [][]string{{five, four}, {three, two}, {one}}, list())
		})
	}
}
