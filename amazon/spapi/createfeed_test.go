package spapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

func TestUploadAndCreate(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	defer ticket.Close()
	fence, at, err := ticket.Upload(t.Context(), xmlType, []byte("<AmazonEnvelope/>"))
	require.NoError(t, err)
	assert.Equal(t, amazonTime.Add(time.Hour+5*time.Minute), fence, "the fence is on Amazon's clock")
	assert.Equal(t, amazonTime, at)

	feed, err := ticket.Create(t.Context())
	require.NoError(t, err)
	want := amazon.Feed{
		ID: "50001", Type: amazon.RefundFeed, Status: amazon.FeedInQueue,
		Marketplaces: seller.Marketplaces, CreatedAt: amazonTime,
	}
	if diff := cmp.Diff(want, feed); diff != "" {
		t.Errorf("Create (-want +got):\n%s", diff)
	}

	place := s.requests(placePath)
	require.Len(t, place, 1)
	assert.JSONEq(t, `{"contentType":"text/xml; charset=UTF-8"}`, place[0].body)
	assert.Equal(t, "application/json", place[0].header.Get("Content-Type"))
	assert.Regexp(t, `^Acme\\/OMS/7 \(Language=Go/1\.[^;]*; Platform=[a-z0-9]+\)$`, place[0].header.Get("User-Agent"))

	put := s.requests(uploadPath)
	require.Len(t, put, 1)
	assert.Equal(t, []string{xmlType}, put[0].header["Content-Type"], "the signature covers these bytes")
	assert.EqualValues(t, len("<AmazonEnvelope/>"), put[0].length)
	assert.Empty(t, put[0].header.Get("x-amz-access-token"), "S3 must not get the token")
	assert.Empty(t, put[0].header.Get("Authorization"))

	create := s.requests(createPath)
	require.Len(t, create, 1)
	assert.JSONEq(t, `{"feedType":"POST_PAYMENT_ADJUSTMENT_DATA","marketplaceIds":["ATVPDKIKX0DER","A2EUQ1WTGCTBG2"],"inputFeedDocumentId":"amzn1.tortuga.4.na.in"}`, create[0].body)
	assert.Equal(t, "Atza|access-hush", create[0].header.Get("x-amz-access-token"))
	assert.Empty(t, create[0].header.Get("Idempotency-Key"))
	assert.Empty(t, create[0].header.Get("X-Idempotency-Key"))
}

func TestCreateSaysWhetherItWasSent(t *testing.T) {
	const html = "<html><head><title>400 Bad Request</title></head></html>"
	notice := "Access to requested resource is denied."
	tests := map[string]struct {
		step    step
		sent    amazon.Sent
		status  int
		code    string
		message string
		retryAt time.Time
	}{
		"accepted without a feed ID": {answer(202, `{}`), amazon.SentUnknown, 202, "", "", time.Time{}},
		"accepted with an empty ID":  {answer(202, `{"feedId":""}`), amazon.SentUnknown, 202, "", "", time.Time{}},
		"accepted, unreadable":       {answer(202, `<html>`), amazon.SentUnknown, 202, "", "", time.Time{}},
		"accepted, cut off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(202)
			io.WriteString(w, `{"feedId":"5`)
		}, amazon.SentUnknown, 202, "", "", time.Time{}},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/feeds/2021-06-30/feeds", http.StatusTemporaryRedirect)
		}, amazon.SentUnknown, 307, "", "", time.Time{}},
		"bad request":       {answer(400, refused("InvalidInput", "no", "")), amazon.Answered, 400, "InvalidInput", "no", time.Time{}},
		"bad request, page": {answer(400, html), amazon.Answered, 400, "", "400 Bad Request", time.Time{}},
		"too big":           {answer(413, ""), amazon.Answered, 413, "", "", time.Time{}},
		"wrong type":        {answer(415, ""), amazon.Answered, 415, "", "", time.Time{}},
		"token expired": {answer(403, refused("Unauthorized", notice, "The access token you provided has expired.")),
			amazon.NotSent, 403, "Unauthorized", notice + " The access token you provided has expired.", hostTime},
		"token revoked": {answer(401, refused("Unauthorized", notice, "The access token you provided is revoked, malformed or invalid.")),
			amazon.NotSent, 401, "Unauthorized", notice + " The access token you provided is revoked, malformed or invalid.", hostTime},
		"token missing": {answer(403, refused("Unauthorized", notice, "Access token is missing in the request header.")),
			amazon.NotSent, 403, "Unauthorized", notice + " Access token is missing in the request header.", hostTime},
		"not authorised":     {answer(403, refused("Unauthorized", notice, "")), amazon.SentUnknown, 403, "Unauthorized", notice, time.Time{}},
		"401 without cause":  {answer(401, ""), amazon.SentUnknown, 401, "", "", time.Time{}},
		"a proxy's 403":      {answer(403, "<title>Your access token is invalid</title>"), amazon.SentUnknown, 403, "", "Your access token is invalid", time.Time{}},
		"not found":          {answer(404, refused("NotFound", "no", "")), amazon.SentUnknown, 404, "NotFound", "no", time.Time{}},
		"throttled":          {answer(429, refused("QuotaExceeded", "quota", "")), amazon.NotSent, 429, "QuotaExceeded", "quota", hostTime.Add(135 * time.Second)},
		"throttled, odd":     {answer(429, refused("InvalidInput", "Too Many Active Keys", "")), amazon.NotSent, 429, "InvalidInput", "Too Many Active Keys", hostTime.Add(135 * time.Second)},
		"internal failure":   {answer(500, refused("InternalFailure", "again", "")), amazon.SentUnknown, 500, "InternalFailure", "again", time.Time{}},
		"unavailable":        {answer(503, ""), amazon.SentUnknown, 503, "", "", time.Time{}},
		"gateway timed out":  {answer(504, `{"message":"Endpoint request timed out"}`), amazon.SentUnknown, 504, "", "Endpoint request timed out", time.Time{}},
		"connection dropped": {hangUp, amazon.SentUnknown, 0, "", "", time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			ticket := uploaded(t, c)
			s.on(createPath, tt.step)

			_, err := ticket.Create(t.Context())
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			want := &amazon.Error{Op: "createFeed", Account: "acme-na", Sent: tt.sent, Status: tt.status,
				Code: tt.code, Message: tt.message, RetryAt: tt.retryAt}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(amazon.Error{}, "Err", "RequestID"), cmpopts.EquateApproxTime(15*time.Second)); diff != "" {
				t.Errorf("Create (-want +got):\n%s", diff)
			}

			_, err = ticket.Create(t.Context())
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "second Create: %v", err)
			assert.Len(t, s.requests(createPath), 1, "createFeed requests on the wire")
			assert.Len(t, s.requests(tokenPath), 1, "createFeed must not renew its token")
		})
	}
}

// dialer fails or passes on dials, so that a request meets no connection.
type dialer struct{ refuse bool }

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.refuse {
		return nil, errors.New("connection refused")
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func TestCreateWithoutAConnectionIsNotSent(t *testing.T) {
	s := newServer(t)
	d := &dialer{}
	transport := &http.Transport{DialContext: d.dial, DisableKeepAlives: true}
	c, k := connect(t, s, func(conf *spapi.Config) { conf.HTTPClient = &http.Client{Transport: transport} })
	ticket := uploaded(t, c)
	d.refuse = true
	_, err := ticket.Create(t.Context())
	assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
	assert.ErrorContains(t, err, "connection refused")
	assert.Empty(t, s.requests(createPath))

	ticket.Close()
	ticket.Close()
	assert.Equal(t, 15, begins(t, c, k.Now()), "the token comes back, once")
}

func TestCreateIsNotSentWhenItCannotBe(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	done, stop := context.WithCancel(t.Context())
	stop()

	bare, err := c.Begin(t.Context(), seller, amazon.CancelFeed)
	require.NoError(t, err)
	_, err = bare.Create(t.Context())
	assert.Equal(t, amazon.NotSent, amazon.Whether(err), "without Upload: %v", err)

	_, err = uploaded(t, c).Create(done)
	assert.Equal(t, amazon.NotSent, amazon.Whether(err), "context done: %v", err)
	assert.ErrorIs(t, err, context.Canceled)

	closed := uploaded(t, c)
	closed.Close()
	_, err = closed.Create(t.Context())
	assert.Equal(t, amazon.NotSent, amazon.Whether(err), "closed: %v", err)

	unbound := uploadedThenFailing(t, c, s)
	_, err = unbound.Create(t.Context())
	assert.Equal(t, amazon.NotSent, amazon.Whether(err), "after an Upload that failed: %v", err)

	assert.Empty(t, s.requests(createPath))
}

// uploadedThenFailing returns a ticket whose second Upload failed.
func uploadedThenFailing(t *testing.T, c *spapi.Client, s *server) amazon.Ticket {
	t.Helper()
	s.on(uploadPath, answer(200, ""), answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"))
	ticket := uploaded(t, c)
	_, _, err := ticket.Upload(t.Context(), xmlType, []byte("<other/>"))
	require.ErrorContains(t, err, "SignatureDoesNotMatch")
	return ticket
}

func TestCreateEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	ticket := uploaded(t, c)
	ctx, stop := context.WithCancel(t.Context())
	s.on(createPath, func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	})
	_, err := ticket.Create(ctx)
	assert.Equal(t, amazon.SentUnknown, amazon.Whether(err), "%v", err)
	assert.ErrorIs(t, err, context.Canceled)
}

// stubborn repeats every request until it is answered with success, as a host's
// resilient transport might.
type stubborn struct{ base http.RoundTripper }

func (s stubborn) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	var (
		resp *http.Response
		err  error
	)
	for range 5 {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		if resp, err = s.base.RoundTrip(again); err == nil && resp.StatusCode < 300 {
			return resp, nil
		}
		if resp != nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	return resp, err
}

// lingering is a connection that takes its time to close, so that a request
// which is stopped too late still gets through.
type lingering struct{ net.Conn }

func (l lingering) Close() error {
	time.Sleep(5 * time.Millisecond)
	return l.Conn.Close()
}

// plain returns a server and a transport that speak HTTP/1.1.
func plain(t *testing.T) (*server, *http.Transport) {
	return newServer(t), &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return lingering{conn}, err
	}}
}

// nowhere is a connection that does not say where it leads.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return nil }

// unnamed returns a server and a transport over such connections.
func unnamed(t *testing.T) (*server, *http.Transport) {
	s, transport := plain(t)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return nowhere{conn}, err
	}
	return s, transport
}

func TestCreateDefeatsARetryingTransport(t *testing.T) {
	tests := map[string]struct {
		serve func(*testing.T) (*server, *http.Transport)
		proto string
		first step
	}{
		"after a 500":                           {plain, "HTTP/1.1", answer(500, "")},
		"after a 429":                           {plain, "HTTP/1.1", answer(429, "")},
		"after a dropped connection":            {plain, "HTTP/1.1", hangUp},
		"after a 500, over unnamed connections": {unnamed, "HTTP/1.1", answer(500, "")},
		"after a 500, over HTTP/2":              {newServer2, "HTTP/2.0", answer(500, "")},
		"after a stream was reset over HTTP/2":  {newServer2, "HTTP/2.0", hangUp},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for range 20 { // the guard must not win by luck
				s, transport := tt.serve(t)
				c, _ := connect(t, s, func(conf *spapi.Config) {
					conf.HTTPClient = &http.Client{Transport: stubborn{transport}}
				})
				ticket := uploaded(t, c)
				s.on(createPath, tt.first, answer(202, `{"feedId":"50002"}`))
				_, err := ticket.Create(t.Context())
				assert.Equal(t, amazon.SentUnknown, amazon.Whether(err), "%v", err)
				assert.ErrorContains(t, err, "second time")
				got := s.requests(createPath)
				require.Len(t, got, 1, "createFeed requests on the wire")
				assert.Equal(t, tt.proto, got[0].proto)
				transport.CloseIdleConnections()
			}
		})
	}
}

func TestCreateRenewsNothingButTheNextTicketDoes(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	ticket := uploaded(t, c)
	s.on(createPath, answer(403, refused("Unauthorized", "denied", "The access token you provided has expired.")))
	_, err := ticket.Create(t.Context())
	require.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
	assert.Len(t, s.requests(tokenPath), 1)
	uploaded(t, c)
	assert.Len(t, s.requests(tokenPath), 2, "the refused token was forgotten")
}

func TestUploadBindsATokenThatLasts(t *testing.T) {
	s := newServer(t)
	c, k := connect(t, s)
	uploaded(t, c)
	require.NoError(t, k.Wait(t.Context(), 51*time.Minute))
	ticket := uploaded(t, c)
	require.Len(t, s.requests(tokenPath), 2, "nine minutes are not enough for a createFeed")
	require.NoError(t, k.Wait(t.Context(), 2*time.Hour))
	_, err := ticket.Create(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.requests(tokenPath), 2, "Create uses the bound token and no other")
}

func TestUploadIsRepeated(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	s.on(placePath, hangUp, answer(503, ""), answer(201, `{"feedDocumentId":"d","url":"`+s.URL+`/s3/in?`+noSignature+`"}`))
	s.on(uploadPath, answer(500, ""), hangUp, answer(200, ""))
	uploaded(t, c)
	puts := s.requests(uploadPath)
	require.Len(t, puts, 3)
	assert.Equal(t, puts[0].body, puts[2].body)
	assert.Equal(t, puts[0].header["Content-Type"], puts[2].header["Content-Type"])
}

func TestUploadRefusesBadInput(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	tests := map[string]struct{ contentType, doc string }{
		"empty document":     {xmlType, ""},
		"no content type":    {"", "<x/>"},
		"space around type":  {xmlType + " ", "<x/>"},
		"newline after type": {xmlType + "\n", "<x/>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := ticket.Upload(t.Context(), tt.contentType, []byte(tt.doc))
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
		})
	}
	assert.Empty(t, s.requests(placePath))
}

func TestBeginRefusesBadInput(t *testing.T) {
	c, _ := connect(t, newServer(t))
	noMarketplace := seller
	noMarketplace.Marketplaces = nil
	done, stop := context.WithCancel(t.Context())
	stop()
	tests := map[string]struct {
		ctx      context.Context
		account  amazon.Account
		feedType amazon.FeedType
	}{
		"no marketplace": {t.Context(), noMarketplace, amazon.RefundFeed},
		"no account":     {t.Context(), amazon.Account{}, amazon.RefundFeed},
		"no feed type":   {t.Context(), seller, ""},
		"context done":   {done, seller, amazon.RefundFeed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := c.Begin(tt.ctx, tt.account, tt.feedType)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
		})
	}
}

// Login with Amazon may have another clock than the API. A fence that lies too
// early would let a refund be sent again while its first createFeed still works.
func TestTheFenceOutlivesTheToken(t *testing.T) {
	for _, off := range []time.Duration{-2 * time.Hour, -time.Minute, 0, time.Minute, 2 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			s := newServer(t)
			s.on(tokenPath, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", amazonTime.Add(off).Format(http.TimeFormat))
				answer(200, `{"access_token":"Atza|access-hush","token_type":"bearer","expires_in":3600}`)(w, r)
			})
			c, k := connect(t, s)
			_, err := c.AccessToken(t.Context(), seller)
			require.NoError(t, err)
			require.NoError(t, k.Wait(t.Context(), 20*time.Minute))
			ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
			require.NoError(t, err)
			defer ticket.Close()
			fence, at, err := ticket.Upload(t.Context(), xmlType, []byte("<AmazonEnvelope/>"))
			require.NoError(t, err)
			assert.GreaterOrEqual(t, fence.Sub(at), 45*time.Minute, "40 minutes that the token has left, and a margin")
		})
	}
}
