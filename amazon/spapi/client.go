package spapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Config says how to reach Amazon. Only Credentials is required.
type Config struct {
	// Credentials returns the application's and the seller's secrets of an
	// account. It is asked before every request, also from several goroutines
	// at once, so that a rotated secret is used without a restart; a slow vault
	// should be cached by the host. It must heed ctx.
	Credentials func(ctx context.Context, a amazon.Account) (Credentials, error)

	// AppName and AppVersion name the host in the user agent, which Amazon
	// requires. They default to "Takeback" and "1".
	AppName, AppVersion string

	// HTTPClient carries the requests. It is copied: the copy follows no
	// redirects, so that no access token goes to another host, and gives each
	// attempt the limits that the package comment names, unless its Timeout is
	// shorter. Its Transport must heed the request's context. Nil: a client of
	// our own.
	HTTPClient *http.Client

	// Endpoint returns the base URL of a region, such as
	// https://sellingpartnerapi-na.amazon.com; empty refuses the region. Nil:
	// [Production].
	Endpoint func(amazon.Region) string

	// Buckets keeps what is left of Amazon's limits, in one cell for each
	// account and operation, for all processes that share it and for the next
	// start. Nil: this process counts for itself and starts with full buckets.
	Buckets store.Cells

	// TokenURL is the token endpoint of Login with Amazon. Empty: the one
	// Amazon uses for all regions.
	TokenURL string

	// Logger gets one debug line for each answer, with Amazon's request ID. Nil
	// discards.
	Logger *slog.Logger

	// Now tells the time. Nil: [time.Now].
	Now func() time.Time

	// Wait pauses before a call is repeated, and returns the context's error
	// when that ends first. Nil: a timer. Programs that bring their own Now
	// bring a Wait that fits it: one after which Now is later.
	Wait func(ctx context.Context, d time.Duration) error
}

// Client calls the Selling Partner API. It is safe for use from several
// goroutines, and none of its goroutines outlives the calls that need it.
type Client struct {
	credentials func(context.Context, amazon.Account) (Credentials, error)
	endpoint    func(amazon.Region) string
	tokenURL    string
	userAgent   string
	http        *http.Client
	log         *slog.Logger
	now         func() time.Time
	wait        func(context.Context, time.Duration) error

	tokens   *tokenCache
	buckets  *buckets
	patience time.Duration // how long a call waits for a token of its bucket

	maxAnswer, maxDocument int64 // bytes
}

var (
	_ amazon.API    = (*Client)(nil)
	_ amazon.Bucket = (*Client)(nil)
)

// New returns a client. It calls nobody.
func New(c Config) (*Client, error) {
	if c.Credentials == nil {
		return nil, errors.New("spapi: Config.Credentials is nil: want a function that returns the secrets of an account")
	}
	agent, err := userAgent(c.AppName, c.AppVersion)
	if err != nil {
		return nil, err
	}
	if c.TokenURL != "" {
		if err := checkBase(c.TokenURL); err != nil {
			return nil, fmt.Errorf("spapi: Config.TokenURL: %w", err)
		}
	}
	client := &Client{
		credentials: c.Credentials,
		endpoint:    c.Endpoint,
		tokenURL:    c.TokenURL,
		userAgent:   agent,
		http:        ownHTTP(c.HTTPClient),
		log:         c.Logger,
		now:         c.Now,
		wait:        c.Wait,
		patience:    patience,
		maxAnswer:   maxAnswer,
		maxDocument: maxDocument,
	}
	if client.endpoint == nil {
		client.endpoint = Production
	}
	if client.tokenURL == "" {
		client.tokenURL = "https://api.amazon.com/auth/o2/token"
	}
	if client.log == nil {
		client.log = slog.New(slog.DiscardHandler)
	}
	if client.now == nil {
		client.now = time.Now
	}
	if client.wait == nil {
		client.wait = sleep
	}
	client.tokens = &tokenCache{now: client.now, tokens: map[tokenKey]*accessToken{}, renewals: map[tokenKey]*renewal{}}
	client.buckets = &buckets{
		means: means{cells: c.Buckets, now: client.now, wait: client.wait, log: client.log},
		of:    map[bucketKey]*bucket{},
	}
	return client, nil
}

// patience is how long the calls of a new client wait for a token.
const patience = 5 * time.Second

// Waiting returns the client as somebody sees it who waits so long at most for
// Amazon's limits: zero never waits, and is for a queue that has other work; a
// day is for a program that has none. A call that would wait longer, or longer
// than its context lives, answers at once with an error that [amazon.Throttled]
// recognises. Access tokens and limits are shared with the client it came from,
// which waits five seconds. [Client.Begin] never waits.
func (c *Client) Waiting(most time.Duration) *Client {
	view := *c
	view.patience = most
	return &view
}

// Production returns Amazon's endpoint of a region (page "SP-API endpoints").
// Empty: there is no such region.
func Production(r amazon.Region) string {
	switch r {
	case amazon.NorthAmerica:
		return "https://sellingpartnerapi-na.amazon.com"
	case amazon.Europe:
		return "https://sellingpartnerapi-eu.amazon.com"
	case amazon.FarEast:
		return "https://sellingpartnerapi-fe.amazon.com"
	}
	return ""
}

// checkBase refuses an address that requests cannot be put below. Its error shows
// nothing of one that may hold a secret.
func checkBase(address string) error {
	const want = "want https or http, a host, and no user, query or fragment"
	u, err := url.Parse(address)
	switch {
	case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New(want)
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("%q: %s", clean(address, maxCode), want)
	}
	return nil
}

// Sandbox returns Amazon's sandbox of a region (page "Selling Partner API
// sandbox"). It answers with fixed samples and knows no refunds: it proves that a
// program gets through, and nothing else.
func Sandbox(r amazon.Region) string {
	return strings.Replace(Production(r), "https://", "https://sandbox.", 1)
}

// userAgent writes the form that Amazon asks for, and refuses what Amazon would
// refuse.
func userAgent(name, version string) (string, error) {
	if name == "" {
		name = "Takeback"
	}
	if version == "" {
		version = "1"
	}
	escape := strings.NewReplacer(`\`, `\\`, `/`, `\/`, `(`, `\(`, `)`, `\)`, `=`, `\=`, `;`, `\;`).Replace
	agent := fmt.Sprintf("%s/%s (Language=Go/%s; Platform=%s)", escape(name), escape(version),
		escape(strings.TrimPrefix(runtime.Version(), "go")), escape(runtime.GOOS))
	if len(agent) > 500 {
		return "", fmt.Errorf("spapi: user agent of %d characters: Amazon takes 500; shorten AppName or AppVersion", len(agent))
	}
	for _, r := range agent {
		if r < ' ' || r > '~' {
			return "", fmt.Errorf("spapi: user agent with the character %q: want printable ASCII in AppName and AppVersion", r)
		}
	}
	return agent, nil
}

// ownHTTP copies the host's client, without redirects: Go would carry
// x-amz-access-token along to another host, and would send a POST again after a
// 307.
func ownHTTP(h *http.Client) *http.Client {
	if h == nil {
		h = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 10,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
		}}
	}
	own := *h
	own.Transport = discreet{cmp.Or[http.RoundTripper](own.Transport, http.DefaultTransport)}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// sleep is the Wait of a Config that has none.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// maxAnswer bounds the answers that are read as a whole. A page of a hundred
// feeds has some 50 KB, one of five hundred transactions some megabytes.
const maxAnswer = 16 << 20

// request is one call of an operation, before it has a token.
type request struct {
	op    operation
	path  string // below the endpoint, escaped
	query url.Values
	body  any // encoded as JSON; nil: no body at all, which Amazon insists on for a GET

	// token fetches what the call is made with; nil: the seller's access token.
	token func(context.Context) (*accessToken, error)
}

// call does one operation and decodes the answer into out, unless that is nil.
// It returns the time of the answer on Amazon's clock. When Amazon refuses the
// token, it renews that and calls once more; nothing was done then.
func (c *Client) call(ctx context.Context, a amazon.Account, r request, out any) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, notSent(r.op, a, err)
	}
	fetch := r.token
	if fetch == nil {
		fetch = func(ctx context.Context) (*accessToken, error) { return c.token(ctx, a, callLife) }
	}
	tok, err := fetch(ctx)
	if err != nil {
		return time.Time{}, err
	}
	ans, err := c.callWith(ctx, a, r, tok)
	if ans.tokenRefused() || ans.status == http.StatusUnauthorized {
		c.tokens.drop(tok)
		if tok, err = fetch(ctx); err != nil {
			return time.Time{}, err
		}
		ans, err = c.callWith(ctx, a, r, tok)
	}
	if err != nil {
		return time.Time{}, err
	}
	if out != nil {
		if err := json.Unmarshal(ans.body, out); err != nil {
			return time.Time{}, ans.failure(fmt.Errorf("answer is not the JSON of its model: %w", quiet(err)))
		}
	}
	return ans.date, nil
}

// callWith does one operation with one token.
func (c *Client) callWith(ctx context.Context, a amazon.Account, r request, tok *accessToken) (answer, error) {
	req, err := c.newRequest(ctx, a, r)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set(tokenHeader, *tok.value)
	resp, err := c.do(a, r.op, req)
	if err != nil {
		return answer{}, err
	}
	return c.read(a, r.op, resp)
}

const tokenHeader = "x-amz-access-token"

// newRequest addresses a request to the region of an account.
func (c *Client) newRequest(ctx context.Context, a amazon.Account, r request) (*retryablehttp.Request, error) {
	address, err := c.address(a, r)
	if err != nil {
		return nil, notSent(r.op, a, err)
	}
	var body any
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return nil, notSent(r.op, a, err)
		}
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.op.method, address, body)
	if err != nil {
		return nil, notSent(r.op, a, quiet(err))
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// address returns the URL of a request.
func (c *Client) address(a amazon.Account, r request) (string, error) {
	base := c.endpoint(a.Region)
	if base == "" {
		return "", fmt.Errorf("no endpoint for region %q: want NA, EU or FE", string(a.Region))
	}
	if err := checkBase(base); err != nil {
		return "", fmt.Errorf("endpoint of region %s: %w", a.Region, err)
	}
	address := strings.TrimSuffix(base, "/") + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	return address, nil
}

// answer is what came back for a request, read to its end.
type answer struct {
	op      operation
	account order.AccountID
	status  int
	header  http.Header
	date    time.Time // on Amazon's clock
	body    []byte
	refusal refusal // what the body says, unless the status is 2xx
}

// read reads an answer. A status other than 2xx is an error; the answer is
// returned beside it.
func (c *Client) read(a amazon.Account, op operation, resp *http.Response) (answer, error) {
	defer resp.Body.Close()
	ans := answer{op: op, account: a.ID, status: resp.StatusCode, header: resp.Header, date: c.amazonTime(resp.Header)}
	if resp.StatusCode/100 != 2 {
		// An error body that breaks off still says something.
		ans.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		ans.refusal = parseRefusal(ans.body, carried(resp.Request))
		return ans, ans.failure(nil)
	}
	var err error
	switch ans.body, err = io.ReadAll(io.LimitReader(resp.Body, c.maxAnswer+1)); {
	case err != nil:
		return ans, ans.failure(fmt.Errorf("answer breaks off: %w", quiet(err)))
	case int64(len(ans.body)) > c.maxAnswer:
		return ans, ans.failure(fmt.Errorf("answer of more than %d bytes", c.maxAnswer))
	}
	ans.body = bytes.TrimSpace(ans.body)
	return ans, nil
}

// amazonTime returns the time of an answer on Amazon's clock, or our own when
// the answer does not say.
func (c *Client) amazonTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return c.now().UTC()
	}
	return t.UTC()
}

// failure returns the error that an answer is.
func (ans answer) failure(err error) *amazon.Error {
	e := &amazon.Error{
		Op:        ans.op.name,
		Account:   string(ans.account),
		Status:    ans.status,
		Code:      ans.refusal.code,
		Message:   ans.refusal.message,
		RequestID: requestID(ans.header),
		Err:       err,
	}
	switch {
	case ans.status == http.StatusTooManyRequests:
		e.Sent = amazon.NotSent
	case ans.status/100 == 4:
		e.Sent = amazon.Answered
	}
	return e
}

// tokenRefused tells whether Amazon refused the call because of its access
// token. An expired one gets a 403; the models declare 401.
func (ans answer) tokenRefused() bool {
	return (ans.status == http.StatusUnauthorized || ans.status == http.StatusForbidden) && ans.refusal.token
}

// requestIDs are the headers with what Amazon's support asks for: that of the
// API, and that of S3.
var requestIDs = [...]string{"x-amzn-RequestId", "x-amz-request-id"}

func requestID(h http.Header) string {
	return clean(cmp.Or(h.Get(requestIDs[0]), h.Get(requestIDs[1])), 100)
}

// notSent is the error of a call that never left.
func notSent(op operation, a amazon.Account, err error) *amazon.Error {
	return &amazon.Error{Op: op.name, Account: string(a.ID), Sent: amazon.NotSent, Err: err}
}

// timestamp reads Amazon's ISO 8601 times; an absent or empty one is zero.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" || string(b) == `""` {
		return nil
	}
	if err := t.Time.UnmarshalJSON(b); err != nil {
		return err
	}
	t.Time = t.UTC()
	return nil
}

// format writes a time as Amazon reads it, rounded down to a second.
func format(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
