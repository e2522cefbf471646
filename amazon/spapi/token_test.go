package spapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

const (
	feedPath = "GET /feeds/2021-06-30/feeds/50001"
	feedJSON = `{"feedId":"50001","feedType":"POST_PAYMENT_ADJUSTMENT_DATA","processingStatus":"DONE",
		"createdTime":"2026-09-01T14:00:00+02:00","processingStartTime":"2026-09-01T12:01:00.5Z",
		"marketplaceIds":["ATVPDKIKX0DER"],"resultFeedDocumentId":"amzn1.tortuga.4.na.out","new":{"field":1}}`
)

func TestManyCallersShareOneTokenCall(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			_, err := c.Waiting(time.Hour).Feed(t.Context(), seller, "50001")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, s.requests(tokenPath), 1)
	assert.Len(t, s.requests(feedPath), 200)

	form := s.requests(tokenPath)[0]
	assert.Equal(t, "application/x-www-form-urlencoded;charset=UTF-8", form.header.Get("Content-Type"))
	assert.Equal(t, "client_id=amzn1.application-oa2-client.example&client_secret=amzn1.oa2-cs.v1.hush"+
		"&grant_type=refresh_token&refresh_token=Atzr%7Crefresh-hush", form.body)
}

func TestSellersDoNotShareTokens(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Credentials = func(_ context.Context, a amazon.Account) (spapi.Credentials, error) {
			cred := secrets
			cred.RefreshToken += string(a.ID)
			return cred, nil
		}
	})
	other := seller
	other.ID = "other-na"
	for _, a := range []amazon.Account{seller, other, seller, other} {
		_, err := c.Feed(t.Context(), a, "50001")
		require.NoError(t, err)
	}
	assert.Len(t, s.requests(tokenPath), 2)
}

// held is a transport whose token call waits until it is released or its
// context ends, in memory, so that fake time and blocked goroutines count.
type held struct {
	release chan struct{}
	calls   chan error // one for each token call that ended
}

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/auth/o2/token" {
		return inMemory(200, feedJSON), nil
	}
	select {
	case <-h.release:
		h.calls <- nil
		return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
	case <-r.Context().Done():
		h.calls <- r.Context().Err()
		return nil, r.Context().Err()
	}
}

// offline returns a client over a transport in memory.
func offline(t testing.TB, transport http.RoundTripper) *spapi.Client {
	t.Helper()
	c, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		HTTPClient:  &http.Client{Transport: transport},
		Now:         func() time.Time { return hostTime },
		Wait:        func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	require.NoError(t, err)
	return c
}

func TestACancelledWaiterLeavesTheTokenCallToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{release: make(chan struct{}), calls: make(chan error, 9)}
		c := offline(t, h)
		first, stop := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() {
			_, err := c.Feed(first, seller, "50001")
			results <- err
		}()
		synctest.Wait()
		go func() {
			_, err := c.Feed(t.Context(), seller, "50001")
			results <- err
		}()
		synctest.Wait()

		stop()
		err := <-results
		assert.ErrorIs(t, err, context.Canceled, "the first caller does not wait")
		assert.Equal(t, amazon.NotSent, amazon.Whether(err))
		close(h.release)
		assert.NoError(t, <-results, "the second gets the token")
		assert.NoError(t, <-h.calls)
		assert.Empty(t, h.calls, "token calls beside that one")
	})
}

func TestTheTokenCallEndsWithItsLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{release: make(chan struct{}), calls: make(chan error, 9)}
		c := offline(t, h)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err := c.Feed(ctx, seller, "50001")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, h.calls, 1, "the call has ended when its last waiter returns")
		assert.ErrorIs(t, <-h.calls, context.Canceled)

		close(h.release)
		_, err = c.Feed(t.Context(), seller, "50001")
		assert.NoError(t, err, "the next caller starts anew")
	})
}

func TestTokensAreRenewedEarly(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, k := connect(t, s)
	tests := []struct {
		pass  time.Duration
		calls int
	}{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {50 * time.Minute, 2}, {24 * time.Hour, 3}}
	for _, tt := range tests {
		require.NoError(t, k.Wait(t.Context(), tt.pass))
		_, err := c.Feed(t.Context(), seller, "50001")
		require.NoError(t, err)
		assert.Len(t, s.requests(tokenPath), tt.calls, "after %s more", tt.pass)
	}
}

func TestAValidTokenOutlivesARenewalThatFails(t *testing.T) {
	tests := map[string]struct {
		step step
		pass time.Duration
		ok   bool
	}{
		"service down, token valid":  {answer(503, "down"), 57 * time.Minute, true},
		"service down, token ending": {answer(503, "down"), 60*time.Minute - 10*time.Second, false},
		"revoked, token valid":       {answer(400, `{"error":"invalid_grant"}`), 57 * time.Minute, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedPath, answer(200, feedJSON))
			c, k := connect(t, s)
			_, err := c.Feed(t.Context(), seller, "50001")
			require.NoError(t, err)
			s.on(tokenPath, tt.step)
			require.NoError(t, k.Wait(t.Context(), tt.pass))
			_, err = c.Feed(t.Context(), seller, "50001")
			assert.Equal(t, tt.ok, err == nil, "%v", err)
		})
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	expired := answer(403, refused("Unauthorized", "denied", "The access token you provided has expired."))
	tests := map[string]struct {
		steps         []step
		ok            bool
		tokens, calls int
	}{
		"renewal helps":        {[]step{expired, answer(200, feedJSON)}, true, 2, 2},
		"renewal is no help":   {[]step{expired}, false, 2, 2},
		"401 without a cause":  {[]step{answer(401, ""), answer(200, feedJSON)}, true, 2, 2},
		"403 without a cause":  {[]step{answer(403, refused("Unauthorized", "denied", ""))}, false, 1, 1},
		"403 of the front end": {[]step{answer(403, "<html>")}, false, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedPath, tt.steps...)
			c, _ := connect(t, s)
			_, err := c.Feed(t.Context(), seller, "50001")
			assert.Equal(t, tt.ok, err == nil, "%v", err)
			assert.Len(t, s.requests(tokenPath), tt.tokens)
			assert.Len(t, s.requests(feedPath), tt.calls)
		})
	}
}

func TestTokenRefusals(t *testing.T) {
	tests := map[string]struct {
		step  step
		is    error
		code  string
		calls int
	}{
		"seller must authorise": {answer(400, `{"error":"invalid_grant","error_description":"The request has an invalid grant parameter : refresh_token"}`),
			spapi.ErrSellerAuthorisation, "invalid_grant", 1},
		"secret expired": {answer(401, `{"error":"invalid_client","error_description":"Client authentication failed"}`),
			spapi.ErrClientSecret, "invalid_client", 1},
		"application may not":    {answer(403, `{"error":"unauthorized_client"}`), nil, "unauthorized_client", 1},
		"access denied":          {answer(400, `{"error":"access_denied"}`), nil, "access_denied", 1},
		"mistake":                {answer(400, `{"error":"invalid_request"}`), nil, "invalid_request", 1},
		"broken":                 {answer(500, `{"error":"server_error"}`), nil, "server_error", 5},
		"throttled":              {answer(429, ""), nil, "", 5},
		"down":                   {answer(503, `{"error":"temporarily_unavailable"}`), nil, "temporarily_unavailable", 5},
		"dropped":                {hangUp, nil, "", 5},
		"no token":               {answer(200, `{"expires_in":3600}`), nil, "", 1},
		"no life":                {answer(200, `{"access_token":"Atza|x"}`), nil, "", 1},
		"absurd life":            {answer(200, `{"access_token":"Atza|x","expires_in":1e30}`), nil, "", 1},
		"unfit for a header":     {answer(200, `{"access_token":"Atza|x\r\nHost: evil","expires_in":3600}`), nil, "", 1},
		"a page instead of JSON": {answer(200, `<html>`), nil, "", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(tokenPath, tt.step)
			c, _ := connect(t, s)
			_, err := c.Feed(t.Context(), seller, "50001")
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, "getToken", got.Op)
			assert.Equal(t, amazon.NotSent, got.Sent, "no token, so getFeed was not sent")
			assert.Equal(t, tt.code, got.Code)
			assert.Equal(t, tt.is == spapi.ErrSellerAuthorisation, errors.Is(err, spapi.ErrSellerAuthorisation))
			assert.Equal(t, tt.is == spapi.ErrClientSecret, errors.Is(err, spapi.ErrClientSecret))
			assert.Len(t, s.requests(tokenPath), tt.calls)
			assert.Empty(t, s.requests(feedPath))
		})
	}
}

func TestGrantlessTokens(t *testing.T) {
	s := newServer(t)
	s.on(tokenPath, answer(200, `{"access_token":"Atza|grantless-hush","token_type":"bearer","expires_in":3600}`))
	c, k := connect(t, s, func(conf *spapi.Config) {
		conf.Credentials = func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: secrets.ClientID, ClientSecret: secrets.ClientSecret}, nil
		}
	})
	const one, two = "sellingpartnerapi::notifications", "sellingpartnerapi::client_credential:rotation"
	for _, scopes := range [][]string{{one}, {one, one}, {one, two}, {two, one}} {
		token, err := c.AccessToken(t.Context(), seller, scopes...)
		require.NoError(t, err)
		assert.Equal(t, "Atza|grantless-hush", token)
	}
	asked := s.requests(tokenPath)
	require.Len(t, asked, 2, "one call for each set of scopes, whatever their order")
	assert.Equal(t, "client_id=amzn1.application-oa2-client.example&client_secret=amzn1.oa2-cs.v1.hush"+
		"&grant_type=client_credentials&scope=sellingpartnerapi%3A%3Anotifications", asked[0].body)
	assert.Contains(t, asked[1].body, "scope=sellingpartnerapi%3A%3Aclient_credential%3Arotation+sellingpartnerapi%3A%3Anotifications")

	require.NoError(t, k.Wait(t.Context(), 56*time.Minute))
	_, err := c.AccessToken(t.Context(), seller, one)
	require.NoError(t, err)
	assert.Len(t, s.requests(tokenPath), 3, "renewed early")

	_, err = c.AccessToken(t.Context(), seller)
	assert.ErrorContains(t, err, "without a refresh token")
}

func TestAccessTokenIsTheOneOfTheCalls(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s)
	token, err := c.AccessToken(t.Context(), seller)
	require.NoError(t, err)
	_, err = c.Feed(t.Context(), seller, "50001")
	require.NoError(t, err)
	assert.Equal(t, token, s.requests(feedPath)[0].header.Get("x-amz-access-token"))
	assert.Len(t, s.requests(tokenPath), 1)

	_, err = c.AccessToken(t.Context(), seller, "sellingpartnerapi::notifications")
	require.NoError(t, err)
	assert.Len(t, s.requests(tokenPath), 2, "a seller's token is no grantless one")
}

func TestGrantlessTokenErrors(t *testing.T) {
	tests := map[string]struct {
		scope string
		step  step
		want  string
		is    error
		calls int
	}{
		"empty scope":          {"", answer(200, ""), `scope ""`, nil, 0},
		"two scopes in one":    {"a b", answer(200, ""), `scope "a b"`, nil, 0},
		"unknown scope":        {"a", answer(400, `{"error":"invalid_scope"}`), "HTTP 400 invalid_scope", nil, 1},
		"secret expired":       {"a", answer(401, `{"error":"invalid_client"}`), "invalid_client", spapi.ErrClientSecret, 1},
		"no seller to ask for": {"a", answer(400, `{"error":"invalid_grant"}`), "HTTP 400 invalid_grant", nil, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(tokenPath, tt.step)
			c, _ := connect(t, s)
			_, err := c.AccessToken(t.Context(), seller, tt.scope)
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, tt.is != nil, errors.Is(err, spapi.ErrClientSecret))
			assert.NotErrorIs(t, err, spapi.ErrSellerAuthorisation)
			assert.Len(t, s.requests(tokenPath), tt.calls)
		})
	}
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	tests := map[string]struct {
		cred spapi.Credentials
		err  error
		want string
	}{
		"vault is closed":  {spapi.Credentials{}, errors.New("vault is sealed"), "vault is sealed"},
		"no client ID":     {spapi.Credentials{ClientSecret: "s", RefreshToken: "r"}, nil, "without a client ID"},
		"no client secret": {spapi.Credentials{ClientID: "c", RefreshToken: "r"}, nil, "without a client secret"},
		"no refresh token": {spapi.Credentials{ClientID: "c", ClientSecret: "s"}, nil, "without a refresh token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s, func(conf *spapi.Config) {
				conf.Credentials = func(context.Context, amazon.Account) (spapi.Credentials, error) { return tt.cred, tt.err }
			})
			_, err := c.Feed(t.Context(), seller, "50001")
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

// A transport that panics on a caller's goroutine is the caller's to recover
// from. The token call runs on one of ours.
func TestAPanicInATokenCallIsAnError(t *testing.T) {
	c := offline(t, roundTrip(func(*http.Request) (*http.Response, error) { panic("Atzr|refresh-hush") }))
	for range 2 {
		_, err := c.Feed(t.Context(), seller, "5")
		assert.ErrorContains(t, err, "panicked")
		assert.NotContains(t, err.Error(), "hush")
		assert.Equal(t, amazon.NotSent, amazon.Whether(err))
	}
}

func TestAnErrorWithoutACauseIsAnError(t *testing.T) {
	c := offline(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, &url.Error{} }))
	_, err := c.Feed(t.Context(), seller, "5")
	assert.ErrorContains(t, err, "without a cause")
}
