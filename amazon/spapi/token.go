package spapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/takebackhq/takeback/amazon"
)

// What only a person can mend; both are wrapped in an [*amazon.Error]. Other
// refusals of Login with Amazon, such as unauthorized_client, access_denied and
// invalid_scope, are mistakes in how the application is registered or asks:
// [amazon.Error.Code] names them.
var (
	// ErrSellerAuthorisation: Login with Amazon answered invalid_grant to a
	// refresh token.
	ErrSellerAuthorisation = errors.New("the seller must authorise the application again: the refresh token is wrong, revoked or expired")
	// ErrClientSecret: Login with Amazon answered invalid_client.
	ErrClientSecret = errors.New("the application's client ID or client secret is wrong or expired")
)

// Credentials are the secrets of one account: the application's client ID and
// secret, and the seller's refresh token, which works in its own region only and
// may be missing where only tokens with scopes are asked for. Printing and
// logging them shows no secret.
type Credentials struct{ ClientID, ClientSecret, RefreshToken string }

// String implements [fmt.Stringer].
func (c Credentials) String() string {
	return fmt.Sprintf("credentials of %s [redacted]", clean(c.ClientID, 200))
}

// GoString implements [fmt.GoStringer].
func (c Credentials) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer].
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText implements [encoding.TextMarshaler], so that JSON too, which most
// logs are, holds no secret. What is written so cannot be read back.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// grant is what buys an access token: the seller's refresh token or, with
// scopes, the application's own name and secret.
type grant struct {
	Credentials
	scopes []string // sorted, each once
}

// newGrant refuses credentials that buy nothing.
func newGrant(c Credentials, scopes []string) (grant, error) {
	switch {
	case c.ClientID == "":
		return grant{}, errors.New("credentials without a client ID")
	case c.ClientSecret == "":
		return grant{}, errors.New("credentials without a client secret")
	case c.RefreshToken == "" && len(scopes) == 0:
		return grant{}, errors.New("credentials without a refresh token")
	}
	for _, scope := range scopes {
		if scope == "" || strings.ContainsFunc(scope, unicode.IsSpace) {
			return grant{}, fmt.Errorf("scope %q: want one without space, such as sellingpartnerapi::notifications", scope)
		}
	}
	return grant{c, slices.Compact(slices.Sorted(slices.Values(scopes)))}, nil
}

// form is what Login with Amazon is sent (pages "Connect to the SP-API" and
// "Grantless operations").
func (g grant) form() url.Values {
	form := url.Values{"client_id": {g.ClientID}, "client_secret": {g.ClientSecret}}
	if len(g.scopes) > 0 {
		form.Set("grant_type", "client_credentials")
		form.Set("scope", strings.Join(g.scopes, " "))
	} else {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", g.RefreshToken)
	}
	return form
}

// tokenKey names a token without holding the secrets that buy it.
type tokenKey [sha256.Size]byte

// key tells applications, sellers and scopes apart. The client secret is no part
// of it: tokens outlive its rotation.
func (g grant) key() tokenKey {
	form := g.form()
	form.Del("client_secret")
	return sha256.Sum256([]byte(form.Encode()))
}

// accessToken keeps its value behind a pointer, so that printing what holds a
// token shows an address: %s, which fits none of it, follows a first pointer.
type accessToken struct {
	key     tokenKey
	value   *string
	expires time.Time // on our clock, and rather too early
	ends    time.Time // on Amazon's clock, and rather too late
	failed  time.Time // when it was last not renewed in time, on our clock; under the lock of the cache
}

func (t *accessToken) left(now time.Time) time.Duration { return t.expires.Sub(now) }

// lastUse is when the token has expired for a service of Amazon's whose clock
// shows at when ours shows now. The service that issued it may have another
// clock; the later of both answers is the safe one.
func (t *accessToken) lastUse(at, now time.Time) time.Time {
	if byOurs := at.Add(t.left(now)); byOurs.After(t.ends) {
		return byOurs
	}
	return t.ends
}

// lasts tells whether there is a token, with at least so much left.
func (t *accessToken) lasts(now time.Time, least time.Duration) bool {
	return t != nil && t.left(now) >= least
}

const (
	renewalLife = 5 * time.Minute  // a token with less left is renewed
	callLife    = 30 * time.Second // but used up to here while renewing fails
	createLife  = 10 * time.Minute // what a token must have left to be bound to a createFeed

	renewalWait  = 5 * time.Second  // how long a call that has a token waits for a better one, in real time
	renewalPause = 30 * time.Second // and for how long nobody does so again when that was in vain
)

// AccessToken returns the token that the seller's calls are made with or, with
// scopes, one for grantless operations, which need no seller and no refresh
// token: it is for operations that Client does not have. A token has at least
// five minutes left, and 30 seconds while Login with Amazon fails to renew it or
// takes its time. Tokens are kept, and callers who find none share one call; ask
// again rather than keep one, and give one that Amazon refuses to
// [Client.DropAccessToken]. It belongs into the header x-amz-access-token and
// into no log.
func (c *Client) AccessToken(ctx context.Context, a amazon.Account, scopes ...string) (string, error) {
	tok, err := c.token(ctx, a, callLife, scopes...)
	if err != nil {
		return "", err
	}
	return *tok.value, nil
}

// DropAccessToken forgets a token that AccessToken returned, so that the next
// call asks for another. It is for a token that Amazon refused, with 401 or with
// a 403 that names the access token: without it the token stays until it is due
// for renewal. Dropping again, or what is not or no longer kept, does nothing, so
// several callers may drop the token they shared.
func (c *Client) DropAccessToken(token string) { c.tokens.dropValue(token) }

// token returns an access token that lives for at least so long, unless a fresh
// one lives shorter. Callers who find none share one renewal.
func (c *Client) token(ctx context.Context, a amazon.Account, least time.Duration, scopes ...string) (*accessToken, error) {
	cred, err := c.credentials(ctx, a)
	if err != nil {
		return nil, notSent(getToken, a, fmt.Errorf("credentials: %w", quiet(err)))
	}
	g, err := newGrant(cred, scopes)
	if err != nil {
		return nil, notSent(getToken, a, err)
	}
	tok, err := c.tokens.get(ctx, g.key(), least, func(ctx context.Context) (*accessToken, error) {
		return c.fetchToken(ctx, a, g)
	})
	if err == nil {
		return tok, nil
	}
	var e *amazon.Error
	if !errors.As(err, &e) {
		return nil, notSent(getToken, a, err)
	}
	// Whatever became of the token call, the call it was for did not happen.
	own := *e
	own.Account, own.Sent = string(a.ID), amazon.NotSent
	return nil, &own
}

// fetchToken asks Login with Amazon for an access token.
func (c *Client) fetchToken(ctx context.Context, a amazon.Account, g grant) (*accessToken, error) {
	req, err := retryablehttp.NewRequestWithContext(carrying(ctx, g.Credentials), getToken.method, c.tokenURL, []byte(g.form().Encode()))
	if err != nil {
		return nil, notSent(getToken, a, quiet(err))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	asked := c.now()
	resp, err := c.do(a, getToken, req)
	if err != nil {
		return nil, err
	}
	ans, err := c.read(a, getToken, resp)
	if err != nil {
		return nil, g.explain(err)
	}
	value, life, err := parseToken(ans.body)
	if err != nil {
		return nil, ans.failure(err)
	}
	return &accessToken{key: g.key(), value: &value, expires: asked.Add(life), ends: ans.date.Add(life)}, nil
}

// explain says what to do about a refusal of Login with Amazon.
func (g grant) explain(err error) error {
	var e *amazon.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == "invalid_grant" && len(g.scopes) == 0:
			e.Err = ErrSellerAuthorisation
		case e.Code == "invalid_client":
			e.Err = ErrClientSecret
		}
	}
	return err
}

// parseToken reads the answer of Login with Amazon. Its errors quote nothing of
// it.
func parseToken(body []byte) (value string, life time.Duration, err error) {
	var doc struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return "", 0, errors.New("token answer is not the JSON of Login with Amazon")
	}
	life, err = checkToken(doc.AccessToken, doc.ExpiresIn)
	return doc.AccessToken, life, err
}

// checkToken refuses a token that no header can carry and a life that cannot be
// meant. Its errors quote nothing of the token.
func checkToken(value string, expiresIn json.Number) (life time.Duration, err error) {
	if value == "" || len(value) > 4096 {
		return 0, fmt.Errorf("access token of %d bytes: want 1 to 4096", len(value))
	}
	for _, b := range []byte(value) {
		if b <= ' ' || b > '~' {
			return 0, errors.New("access token with characters that no HTTP header can carry")
		}
	}
	seconds, err := expiresIn.Int64()
	if err != nil || seconds < 1 || seconds > 24*60*60 {
		return 0, fmt.Errorf("life of the token %q: want 1 to 86400 seconds", clean(expiresIn.String(), 20))
	}
	return time.Duration(seconds) * time.Second, nil
}

// tokenCache keeps one access token per application and seller, or scopes.
type tokenCache struct {
	now func() time.Time

	mu       sync.Mutex
	tokens   map[tokenKey]*accessToken
	renewals map[tokenKey]*renewal
}

// renewal is a token call under way, shared by all who wait for it.
type renewal struct {
	stop    context.CancelFunc
	waiters int
	done    chan struct{} // closed when tok and err are set
	tok     *accessToken
	err     error
}

type fetch func(context.Context) (*accessToken, error)

// run calls f. It is on a goroutine of ours, where nobody could recover from a
// panic of the host's transport: that becomes an error.
func (f fetch) run(ctx context.Context) (tok *accessToken, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP transport panicked: %s", clean(fmt.Sprint(p), maxMessage))
		}
	}()
	return f(ctx)
}

// get returns the cached token if it lasts, else what the one renewal under way
// brings. A cached token that still has what the caller needs is the answer when
// the renewal is late or fails, and for a while after that nobody waits for one;
// only a refusal of Login with Amazon is not passed over.
func (tc *tokenCache) get(ctx context.Context, key tokenKey, least time.Duration, f fetch) (*accessToken, error) {
	tc.mu.Lock()
	old, now := tc.tokens[key], tc.now()
	spare := old.lasts(now, least)
	if old.lasts(now, max(least, renewalLife)) || spare && now.Sub(old.failed) < renewalPause {
		tc.mu.Unlock()
		return old, nil
	}
	r := tc.join(ctx, key, f)
	tc.mu.Unlock()
	if !spare {
		return tc.await(ctx, key, r)
	}

	brief, stop := context.WithTimeout(ctx, patienceFor(ctx, old.left(now)-least))
	defer stop()
	tok, err := tc.await(brief, key, r)
	if err == nil || ctx.Err() != nil || amazon.Whether(err) == amazon.Answered {
		return tok, err
	}
	tc.mu.Lock()
	defer tc.mu.Unlock()
	old.failed = tc.now()
	return old, nil
}

// patienceFor returns how long to wait for a renewal that can be done without:
// while the old token is good, and in half the time that the caller has, so that
// the other half is for the call.
func patienceFor(ctx context.Context, good time.Duration) time.Duration {
	most := min(renewalWait, good)
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)/2)
	}
	return most
}

// join adds a waiter to the renewal under way, or begins one. It does not end
// with the context of any caller, but with the last of them. The cache is locked.
func (tc *tokenCache) join(ctx context.Context, key tokenKey, f fetch) *renewal {
	r := tc.renewals[key]
	if r == nil {
		shared, stop := context.WithCancel(context.WithoutCancel(ctx))
		r = &renewal{stop: stop, done: make(chan struct{})}
		tc.renewals[key] = r
		go func() {
			defer stop()
			tok, err := f.run(shared)
			tc.finish(key, r, tok, err)
		}()
	}
	r.waiters++
	return r
}

// await returns what the renewal brings.
func (tc *tokenCache) await(ctx context.Context, key tokenKey, r *renewal) (*accessToken, error) {
	select {
	case <-r.done:
		return r.tok, r.err
	case <-ctx.Done():
		tc.leave(key, r)
		return nil, ctx.Err()
	}
}

func (tc *tokenCache) finish(key tokenKey, r *renewal, tok *accessToken, err error) {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	if err == nil {
		tc.tokens[key] = tok
	}
	if tc.renewals[key] == r {
		delete(tc.renewals, key)
	}
	r.tok, r.err = tok, err
	close(r.done)
}

// leave gives up waiting. The last one out stops the renewal and sees it end.
func (tc *tokenCache) leave(key tokenKey, r *renewal) {
	tc.mu.Lock()
	r.waiters--
	last := r.waiters == 0
	if last && tc.renewals[key] == r {
		delete(tc.renewals, key)
	}
	tc.mu.Unlock()
	if last {
		r.stop()
		<-r.done
	}
}

// drop forgets a token that Amazon refused, unless it was renewed meanwhile.
func (tc *tokenCache) drop(t *accessToken) {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	if tc.tokens[t.key] == t {
		delete(tc.tokens, t.key)
	}
}

// dropValue is drop for whoever knows the token by its value only.
func (tc *tokenCache) dropValue(value string) {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	maps.DeleteFunc(tc.tokens, func(_ tokenKey, t *accessToken) bool { return *t.value == value })
}
