package amazontest_test

import (
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon/amazontest"
)

const formType = "application/x-www-form-urlencoded"

func scopes(secret, scope string) string {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "client_id": {"app"}, "client_secret": {secret}}.Encode()
}

func TestTokenOfNoSeller(t *testing.T) {
	c := login(t, open(t, amazontest.Config{}), "Atzr|one")
	tests := map[string]struct {
		body   string
		status int
		code   string
	}{
		"one scope":     {scopes("secret", "sellingpartnerapi::notifications"), 200, "<nil>"},
		"two scopes":    {scopes("secret", "sellingpartnerapi::notifications sellingpartnerapi::client_credential:rotation"), 200, "<nil>"},
		"unknown scope": {scopes("secret", "sellingpartnerapi::notifications sellingpartnerapi::migration"), 400, "invalid_scope"},
		"no scope":      {scopes("secret", ""), 400, "invalid_request"},
		"wrong secret":  {scopes("guess", "sellingpartnerapi::notifications"), 401, "invalid_client"},
	}
	for name, tt := range tests {
		got := c.do("POST", host+"/auth/o2/token", tt.body, formType, "")
		assert.Equal(t, tt.status, got.status, name)
		assert.Equal(t, tt.code, got.field("error"), name)
	}

	got := c.do("POST", host+"/auth/o2/token", scopes("secret", "sellingpartnerapi::notifications"), formType, "")
	assert.Equal(t, "bearer", got.field("token_type"))
	assert.Equal(t, "3600", got.field("expires_in"))
	assert.NotContains(t, got.body, "refresh_token")
	c.token = got.field("access_token")
	for _, path := range []string{"/feeds/2021-06-30/feeds?feedTypes=X", "/orders/2026-01-01/orders/" + shipped, "/finances/2024-06-19/transactions"} {
		got = c.api("GET", path, "")
		assert.Equal(t, 403, got.status, path)
		assert.Contains(t, got.body, "Access to requested resource is denied.", path)
		assert.NotContains(t, got.body, "access token", "a new token would not help")
	}
}

func TestRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := amazontest.Config{File: filepath.Join(t.TempDir(), "books.json")}
		srv := open(t, config)
		c := login(t, srv, "Atzr|one")
		list := func() int { return c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "").status }
		ask := func(refresh string) response {
			return c.do("POST", host+"/auth/o2/token", form(refresh, "app", "secret"), formType, "")
		}
		require.NoError(t, srv.Revoke(merchant))
		assert.ErrorContains(t, srv.Revoke("A0"), `"A0" is unknown`)
		srv, err := amazontest.New(config)
		require.NoError(t, err)
		c.http = srv.Client()

		got := ask("Atzr|one")
		assert.Equal(t, 400, got.status)
		assert.Equal(t, "invalid_grant", got.field("error"))
		assert.Equal(t, 200, ask("Atzr|two").status, "another seller")
		assert.Equal(t, 200, list(), "the token that was given out")
		time.Sleep(time.Hour)
		assert.Equal(t, 403, list())

		require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: merchant, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|new"}))
		assert.Equal(t, 400, ask("Atzr|one").status)
		assert.Equal(t, 200, ask("Atzr|new").status)
	})
}

func TestRotatedSecret(t *testing.T) {
	srv := open(t, amazontest.Config{})
	require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: "A3", ClientID: "third app", ClientSecret: "old", RefreshToken: "Atzr|three"}))
	require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: "A3", ClientID: "third app", ClientSecret: "new", RefreshToken: "Atzr|three"}))
	c := login(t, srv, "Atzr|one")
	for secret, want := range map[string]int{"old": 401, "new": 200} {
		assert.Equal(t, want, c.do("POST", host+"/auth/o2/token", form("Atzr|three", "third app", secret), formType, "").status, secret)
	}
}

func TestScriptedLoginSpeaksOAuth(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	for status, want := range map[int]string{
		400: "invalid_request", 401: "invalid_client", 403: "access_denied",
		429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable",
	} {
		srv.Fail(func(amazontest.Call) amazontest.Fault { return amazontest.Fault{Status: status} })
		got := c.do("POST", host+"/auth/o2/token", form("Atzr|one", "app", "secret"), formType, "")
		assert.Equal(t, status, got.status)
		assert.Equal(t, want, got.field("error"))
		assert.NotEmpty(t, got.field("error_description"))
		assert.Empty(t, got.header.Get("x-amzn-RateLimit-Limit"))
	}
}
