package spapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/internal/wirelog"
	"github.com/takebackhq/takeback/order"
)

var (
	// The two clocks differ, so that a test notices which one was used.
	hostTime   = time.Date(2026, 9, 1, 11, 58, 0, 0, time.UTC)
	amazonTime = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

	seller = amazon.Account{
		ID: "acme-na", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"},
	}
	secrets = spapi.Credentials{
		ClientID:     "amzn1.application-oa2-client.example",
		ClientSecret: "amzn1.oa2-cs.v1.hush",
		RefreshToken: "Atzr|refresh-hush",
	}
)

const (
	xmlType     = `text/xml; charset=UTF-8`
	tokenPath   = "POST /auth/o2/token"
	placePath   = "POST /feeds/2021-06-30/documents"
	uploadPath  = "PUT /s3/in"
	createPath  = "POST /feeds/2021-06-30/feeds"
	noSignature = "X-Amz-Signature=hush"
)

// step is one scripted answer.
type step func(w http.ResponseWriter, r *http.Request)

// answer is a step with a status and a body.
func answer(status int, body string) step {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hangUp is a step that reads the request and drops the connection.
func hangUp(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

// seen is a request that arrived.
type seen struct {
	proto  string
	route  string
	query  string
	header http.Header
	length int64
	body   string
}

// server answers by script: for each route its steps in turn, the last of them
// for ever.
type server struct {
	URL string

	mu     sync.Mutex
	script map[string][]step
	seen   []seen
}

func newServer(t *testing.T) *server {
	s := &server{script: map[string][]step{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.listen(h.URL)
	return s
}

// newServer2 is a server that speaks HTTP/2, and the transport that reaches it.
func newServer2(t *testing.T) (*server, *http.Transport) {
	s := &server{script: map[string][]step{}}
	h := httptest.NewUnstartedServer(s)
	h.EnableHTTP2 = true
	h.StartTLS()
	t.Cleanup(h.Close)
	s.listen(h.URL)
	return s, h.Client().Transport.(*http.Transport)
}

// listen sets the script of a day on which nothing goes wrong.
func (s *server) listen(url string) {
	s.URL = url
	s.on(tokenPath, answer(200, `{"access_token":"Atza|access-hush","refresh_token":"Atzr|refresh-hush","token_type":"bearer","expires_in":3600}`))
	s.on(placePath, answer(201, fmt.Sprintf(`{"feedDocumentId":"amzn1.tortuga.4.na.in","url":"%s/s3/in?%s"}`, s.URL, noSignature)))
	s.on(uploadPath, answer(200, ""))
	s.on(createPath, answer(202, `{"feedId":"50001"}`))
}

func (s *server) on(route string, steps ...step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[route] = steps
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, brokeOff := io.ReadAll(r.Body)
	if brokeOff == nil {
		if err := wirelog.Write(wirelog.Exchange{Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header, Body: body}); err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
	}
	route := r.Method + " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.seen = append(s.seen, seen{r.Proto, route, r.URL.RawQuery, r.Header.Clone(), r.ContentLength, string(body)})
	steps := s.script[route]
	if len(steps) > 1 {
		s.script[route] = steps[1:]
	}
	s.mu.Unlock()

	w.Header().Set("Date", amazonTime.Format(http.TimeFormat))
	w.Header().Set("x-amzn-RequestId", "req-1")
	if len(steps) == 0 {
		http.Error(w, "no such route in the script", http.StatusNotImplemented)
		return
	}
	steps[0](w, r)
}

// requests returns what arrived on a route.
func (s *server) requests(route string) []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(r seen) bool { return r.route != route })
}

// clock is a time that passes only in waits.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.waits = append(c.waits, d)
	return ctx.Err()
}

// connect returns a client of a server, with a clock of its own.
func connect(t *testing.T, s *server, change ...func(*spapi.Config)) (*spapi.Client, *clock) {
	t.Helper()
	k := &clock{now: hostTime}
	conf := spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		AppName:     "Acme/OMS", AppVersion: "7",
		Endpoint: func(amazon.Region) string { return s.URL },
		TokenURL: s.URL + "/auth/o2/token",
		Now:      k.Now,
		Wait:     k.Wait,
	}
	for _, f := range change {
		f(&conf)
	}
	c, err := spapi.New(conf)
	require.NoError(t, err)
	return c, k
}

// uploaded returns a ticket that is ready for Create.
func uploaded(t *testing.T, c *spapi.Client) amazon.Ticket {
	t.Helper()
	ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	t.Cleanup(ticket.Close)
	_, _, err = ticket.Upload(t.Context(), xmlType, []byte("<AmazonEnvelope/>"))
	require.NoError(t, err)
	return ticket
}

// refused is an error list as Amazon writes it.
func refused(code, message, details string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"message":%q,"details":%q}]}`, code, message, details)
}
