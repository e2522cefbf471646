package spapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// hosted is a client that a host gave its own *http.Client.
func hosted(t *testing.T, with amazontest.FeedsSetup, h *http.Client, base string) *spapi.Client {
	t.Helper()
	c, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			s := with.Seller
			return spapi.Credentials{ClientID: s.ClientID, ClientSecret: s.ClientSecret, RefreshToken: s.RefreshToken}, nil
		},
		HTTPClient: h,
		Endpoint:   func(amazon.Region) string { return base },
		TokenURL:   base + "/auth/o2/token",
		Now:        with.Now,
	})
	require.NoError(t, err)
	return c
}

// middleware is a transport that looks at every request and answer, and passes
// on copies, as those that log, trace and count do.
type middleware struct{ base http.RoundTripper }

func (m middleware) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if _, err := httputil.DumpRequestOut(r, true); err != nil {
		return nil, err
	}
	resp, err := m.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if _, err := httputil.DumpResponse(resp, true); err != nil {
		return nil, err
	}
	return resp, nil
}

func TestAHostsOwnClientKeepsTheContract(t *testing.T) {
	http2 := func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	}
	tests := map[string]struct {
		serve func(*httptest.Server)
		own   func(t *testing.T, transport *http.Transport) *http.Client
	}{
		"HTTP/2": {http2, func(_ *testing.T, transport *http.Transport) *http.Client {
			return &http.Client{Transport: transport}
		}},
		"no connection is kept": {(*httptest.Server).Start, func(_ *testing.T, transport *http.Transport) *http.Client {
			transport.DisableKeepAlives = true
			return &http.Client{Transport: transport}
		}},
		"nothing is unpacked": {(*httptest.Server).Start, func(_ *testing.T, transport *http.Transport) *http.Client {
			transport.DisableCompression = true
			return &http.Client{Transport: transport}
		}},
		"cookies and a time limit": {(*httptest.Server).Start, func(t *testing.T, transport *http.Transport) *http.Client {
			jar, err := cookiejar.New(nil)
			require.NoError(t, err)
			return &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}
		}},
		"redirects are followed": {(*httptest.Server).Start, func(_ *testing.T, transport *http.Transport) *http.Client {
			return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		}},
		"middleware": {(*httptest.Server).Start, func(_ *testing.T, transport *http.Transport) *http.Client {
			return &http.Client{Transport: middleware{transport}}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			amazontest.TestFeeds(t, func(t *testing.T, with amazontest.FeedsSetup) amazon.Feeds {
				web := httptest.NewUnstartedServer(with.Amazon)
				web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of connections that end with their test
				tt.serve(web)
				t.Cleanup(web.Close)
				return hosted(t, with, tt.own(t, web.Client().Transport.(*http.Transport)), web.URL)
			})
		})
	}
}

func TestAHostsClientStaysAsItIs(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
		}
	}))
	defer elsewhere.Close()
	s := newServer(t)
	s.on(createPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	own := &http.Client{Timeout: 2 * time.Hour}
	c, _ := connect(t, s, func(conf *spapi.Config) { conf.HTTPClient = own })
	_, err := uploaded(t, c).Create(t.Context())
	require.ErrorContains(t, err, "HTTP 307", "Amazon's redirects are not followed")

	assert.Equal(t, &http.Client{Timeout: 2 * time.Hour}, own)
	resp, err := own.Get(elsewhere.URL + "/from")
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "/to", resp.Request.URL.Path, "the host's own redirects are")
}

// A host's client that repeats what fails was seen to send createFeed five
// times. Here it sends one, and the error never says less than what happened.
func TestCreateDefeatsTheHostsRetries(t *testing.T) {
	clients := map[string]func(http.RoundTripper) *http.Client{
		"go-retryablehttp": func(transport http.RoundTripper) *http.Client {
			rc := retryablehttp.NewClient()
			rc.HTTPClient = &http.Client{Transport: transport}
			rc.RetryWaitMin, rc.RetryWaitMax, rc.Logger = time.Millisecond, time.Millisecond, nil
			return rc.StandardClient()
		},
		"a stubborn transport": func(transport http.RoundTripper) *http.Client {
			return &http.Client{Transport: stubborn{transport}}
		},
	}
	faults := map[string]struct {
		fault amazontest.Fault
		feeds int
	}{
		"connection broken before": {amazontest.Fault{Drop: true}, 0},
		"connection broken after":  {amazontest.Fault{Drop: true, After: true}, 1},
		"500 before":               {amazontest.Fault{Status: 500}, 0},
		"500 after":                {amazontest.Fault{Status: 500, After: true}, 1},
		"503 before":               {amazontest.Fault{Status: 503}, 0},
		"503 after":                {amazontest.Fault{Status: 503, After: true}, 1},
		"429":                      {amazontest.Fault{Status: 429}, 0},
	}
	for kind, client := range clients {
		for name, tt := range faults {
			t.Run(kind+", "+name, func(t *testing.T) {
				amz, err := amazontest.New(amazontest.Config{Now: func() time.Time { return amazonTime }})
				require.NoError(t, err)
				with := amazontest.FeedsSetup{
					Amazon: amz, Account: seller, Now: func() time.Time { return hostTime },
					Seller: amazontest.Seller{Merchant: seller.Merchant, ClientID: secrets.ClientID, ClientSecret: secrets.ClientSecret, RefreshToken: secrets.RefreshToken},
				}
				require.NoError(t, amz.AddSeller(with.Seller))
				web := httptest.NewServer(amz)
				defer web.Close()
				ticket := uploaded(t, hosted(t, with, client(web.Client().Transport), web.URL))
				amz.Fail(func(call amazontest.Call) amazontest.Fault {
					return map[string]amazontest.Fault{"createFeed": tt.fault}[call.Op]
				})

				_, err = ticket.Create(t.Context())
				assert.Equal(t, amazon.SentUnknown, amazon.Whether(err), "%v", err)
				assert.ErrorContains(t, err, "a second time")
				sent := 0
				for _, call := range amz.Calls() {
					if call.Op == "createFeed" {
						sent++
					}
				}
				assert.Equal(t, 1, sent, "createFeed requests on the wire")
				assert.Len(t, amz.Feeds(), tt.feeds)
			})
		}
	}
}
