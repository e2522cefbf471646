package spapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// calls does each operation once, by the route it takes.
func calls(c *spapi.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		placePath:  func(ctx context.Context) error { return uploadOnce(ctx, c) },
		uploadPath: func(ctx context.Context) error { return uploadOnce(ctx, c) },
		tokenPath:  func(ctx context.Context) error { _, err := c.Feed(ctx, seller, "50001"); return err },
		feedPath:   func(ctx context.Context) error { _, err := c.Feed(ctx, seller, "50001"); return err },
		feedsPath: func(ctx context.Context) error {
			_, err := c.ListFeeds(ctx, seller, amazon.RefundFeed, hostTime)
			return err
		},
		cancelPath: func(ctx context.Context) error { return c.CancelFeed(ctx, seller, "50001") },
		askPath: func(ctx context.Context) error {
			_, err := c.Request(ctx, seller, amazon.ReportRequest{Type: amazon.ReturnsFlatReport})
			return err
		},
		feedDocPath:  func(ctx context.Context) error { return download(c.Document(ctx, seller, "amzn1.tortuga.4.na.out")) },
		downloadPath: func(ctx context.Context) error { return download(c.Document(ctx, seller, "amzn1.tortuga.4.na.out")) },
		reportPath:   func(ctx context.Context) error { _, err := c.Report(ctx, seller, "9001"); return err },
		reportsPath: func(ctx context.Context) error {
			_, err := c.Reports(ctx, seller, amazon.ReportQuery{Types: []amazon.ReportType{amazon.ReturnsFlatReport}})
			return err
		},
		reportDocPath: func(ctx context.Context) error {
			doc, _, err := c.Open(ctx, seller, amazon.Report{ID: "9001", Document: "doc-9001"})
			return download(doc, err)
		},
		cancelReportPath: func(ctx context.Context) error { return c.CancelReport(ctx, seller, "9001") },
		makeSchedulePath: func(ctx context.Context) error {
			_, err := c.CreateReportSchedule(ctx, seller, weekly)
			return err
		},
		schedulesPath: func(ctx context.Context) error {
			_, err := c.ReportSchedules(ctx, seller, amazon.ReturnsFlatReport)
			return err
		},
		schedulePath:       func(ctx context.Context) error { _, err := c.ReportSchedule(ctx, seller, "77"); return err },
		cancelSchedulePath: func(ctx context.Context) error { return c.CancelReportSchedule(ctx, seller, "77") },
		restrictedPath: func(ctx context.Context) error {
			_, _, err := c.RestrictedDataToken(ctx, seller, []spapi.RestrictedResource{{Method: "GET", Path: "/x"}})
			return err
		},
		orderPath: func(ctx context.Context) error { _, err := c.Order(ctx, seller, orderNumber); return err },
		ordersPath: func(ctx context.Context) error {
			_, err := collect(c.SearchOrders(ctx, seller, spapi.OrderQuery{CreatedAfter: hostTime.AddDate(0, 0, -1)}))
			return err
		},
		transactionsPath: func(ctx context.Context) error { _, err := c.Refunds(ctx, seller, orderNumber); return err },
	}
}

func uploadOnce(ctx context.Context, c *spapi.Client) error {
	ticket, err := c.Begin(ctx, seller, amazon.RefundFeed)
	if err != nil {
		return err
	}
	defer ticket.Close()
	_, _, err = ticket.Upload(ctx, xmlType, []byte("<x/>"))
	return err
}

// The client waits as long as it takes: what is repeated is not a question of
// time.
func TestWhatIsRepeated(t *testing.T) {
	failures := map[string]step{"429": answer(429, ""), "503": answer(503, ""), "dropped": hangUp, "400": answer(400, ""), "501": answer(501, "")}
	always := map[string]int{"429": 5, "503": 5, "dropped": 5, "400": 1, "501": 1}
	throttledOnly := map[string]int{"429": 5, "503": 1, "dropped": 1, "400": 1, "501": 1}
	want := map[string]map[string]int{
		placePath: always, uploadPath: always, tokenPath: always, downloadPath: always,
		feedPath: always, reportPath: always, cancelPath: always,
		restrictedPath: always, orderPath: always, transactionsPath: always,
		feedsPath: always, reportsPath: always, feedDocPath: always, reportDocPath: always,
		cancelReportPath: always, makeSchedulePath: always, schedulesPath: always, schedulePath: always, cancelSchedulePath: always,
		ordersPath: always,
		askPath:    throttledOnly,
	}
	assert.Len(t, want, len(calls(nil)))
	for route, counts := range want {
		for failure, count := range counts {
			t.Run(fmt.Sprint(route, " ", failure), func(t *testing.T) {
				s := newServer(t)
				s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
				s.on(route, failures[failure])
				c, _ := connect(t, s, func(conf *spapi.Config) {
					// On a kept-alive connection net/http repeats a GET by itself.
					conf.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				})
				err := calls(c.Waiting(time.Hour))[route](t.Context())
				var got *amazon.Error
				require.ErrorAs(t, err, &got)
				assert.Len(t, s.requests(route), count)
				_, throttled := amazon.Throttled(err)
				assert.Equal(t, failure == "429", throttled, "%v", err)
			})
		}
	}
}

func TestPausesDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(feedsPath, answer(503, ""))
		c, k := connect(t, s, carriedBy(transport))
		began := time.Now()
		require.Error(t, calls(c)[feedsPath](t.Context()))
		assert.Equal(t, began, time.Now(), "only the injected wait passes time")
		require.Len(t, k.waits, 4)
		for i, d := range k.waits {
			assert.GreaterOrEqual(t, d, time.Duration(0), "wait %d", i)
			assert.Less(t, d, time.Second<<i, "wait %d", i)
		}
	})
}

// After a 429 a repeat comes when there is a token again, and not before.
func TestAShortThrottleIsWaitedOut(t *testing.T) {
	s := newServer(t)
	var tries []time.Time
	c, k := connect(t, s)
	s.on(placePath, func(w http.ResponseWriter, r *http.Request) {
		tries = append(tries, k.Now())
		answer(429, "")(w, r)
	})
	require.Error(t, calls(c)[placePath](t.Context()))
	require.Len(t, tries, 5)
	for i := range tries[1:] {
		pause := tries[i+1].Sub(tries[i])
		assert.GreaterOrEqual(t, pause, 2*time.Second, "pause %d", i)
		assert.Less(t, pause, max(2500*time.Millisecond, time.Second<<i)+time.Second, "pause %d", i)
	}
}

// comesBack checks that an error is one of being throttled, to come back within a
// span after hostTime.
func comesBack(t *testing.T, err error, least, most time.Duration) {
	t.Helper()
	at, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.GreaterOrEqual(t, at.Sub(hostTime), least)
	assert.Less(t, at.Sub(hostTime), most)
}

func TestALongThrottleIsNotWaitedOut(t *testing.T) {
	tests := map[string]time.Duration{
		feedsPath:     45 * time.Second,
		reportsPath:   45 * time.Second,
		feedDocPath:   45 * time.Second,
		reportDocPath: 60 * time.Second,
		askPath:       60 * time.Second,

		cancelReportPath:   45 * time.Second,
		makeSchedulePath:   45 * time.Second,
		schedulesPath:      45 * time.Second,
		schedulePath:       45 * time.Second,
		cancelSchedulePath: 45 * time.Second,
		ordersPath:         180 * time.Second,
	}
	for route, every := range tests {
		t.Run(route, func(t *testing.T) {
			s := newServer(t)
			s.on(route, answer(429, refused("QuotaExceeded", "quota", "")))
			c, k := connect(t, s)
			err := calls(c)[route](t.Context())
			comesBack(t, err, every, every*5/4)
			assert.ErrorContains(t, err, "QuotaExceeded")
			assert.Empty(t, k.waits)
			assert.Len(t, s.requests(route), 1)
		})
	}
}

func TestAListThrottledMidwayLetsItsTokensRefill(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, `{"feeds":[],"nextToken":"b"}`), answer(200, `{"feeds":[],"nextToken":"c"}`), answer(429, ""))
	c, _ := connect(t, s)
	list, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	assert.Zero(t, list)
	comesBack(t, err, 3*45*time.Second, 4*45*time.Second)
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.on(placePath, answer(429, ""))
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Wait = func(ctx context.Context, _ time.Duration) error {
			stop(enough)
			return ctx.Err()
		}
	})
	err := uploadOnce(ctx, c)
	assert.ErrorIs(t, err, context.Canceled)
	comesBack(t, err, 2*time.Second, 3*time.Second) // what Amazon said last is still told
	assert.Len(t, s.requests(placePath), 1)
}

func TestRealWaitsAreNotBegunInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(placePath, answer(429, ""))
		c, _ := connect(t, s, carriedBy(transport), func(conf *spapi.Config) { conf.Now, conf.Wait = nil, nil })
		ctx, stop := context.WithTimeout(t.Context(), 1999*time.Millisecond) // a token takes two seconds
		defer stop()
		began := time.Now()
		err := uploadOnce(ctx, c)
		_, throttled := amazon.Throttled(err)
		assert.True(t, throttled, "%v", err)
		assert.Equal(t, began, time.Now())
	})
}

func TestACallWhoseContextIsDoneIsNotSent(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for route, call := range calls(c) {
		err := call(ctx)
		assert.ErrorIs(t, err, context.Canceled, route)
		assert.Equal(t, amazon.NotSent, amazon.Whether(err), route)
	}
	assert.Empty(t, s.seen)
}

func TestNewRefusesABadConfig(t *testing.T) {
	credentials := func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil }
	tests := map[string]struct {
		conf spapi.Config
		want string
	}{
		"no credentials":         {spapi.Config{}, "Config.Credentials is nil"},
		"newline in the agent":   {spapi.Config{Credentials: credentials, AppName: "a\r\nHost: b"}, "printable ASCII"},
		"token URL of nothing":   {spapi.Config{Credentials: credentials, TokenURL: "::"}, "Config.TokenURL"},
		"token URL by FTP":       {spapi.Config{Credentials: credentials, TokenURL: "ftp://api.amazon.com/auth"}, "want https or http"},
		"token URL with a query": {spapi.Config{Credentials: credentials, TokenURL: "https://api.amazon.com/auth?x=y"}, "no user, query or fragment"},
		"agent too long":         {spapi.Config{Credentials: credentials, AppVersion: fmt.Sprintf("%500d", 1)}, "Amazon takes 500"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := spapi.New(tt.conf)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestRegionsHaveTheirEndpoints(t *testing.T) {
	tests := map[amazon.Region]string{
		amazon.NorthAmerica: "sellingpartnerapi-na.amazon.com",
		amazon.Europe:       "sellingpartnerapi-eu.amazon.com",
		amazon.FarEast:      "sellingpartnerapi-fe.amazon.com",
	}
	for region, want := range tests {
		var hosts []string
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Host)
			return inMemory(200, `{"access_token":"Atza|x","expires_in":3600,"feedId":"5","processingStatus":"DONE","createdTime":"2026-09-01T12:00:00Z"}`), nil
		}))
		account := seller
		account.Region = region
		_, err := c.Feed(t.Context(), account, "5")
		require.NoError(t, err)
		assert.Equal(t, []string{"api.amazon.com", want}, hosts)
	}
	for _, odd := range []string{"not a URL", "ftp://amazon.test", "https://", "https://h?x=y", "https://h#f", "https://user:hush@h"} {
		c, _ := connect(t, newServer(t), func(conf *spapi.Config) { conf.Endpoint = func(amazon.Region) string { return odd } })
		_, err := c.Feed(t.Context(), seller, "5")
		assert.ErrorContains(t, err, "endpoint of region NA", odd)
		assert.Equal(t, amazon.NotSent, amazon.Whether(err), odd)
	}
	unknown := seller
	unknown.Region = "MOON"
	_, err := offline(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
	})).Feed(t.Context(), unknown, "5")
	assert.ErrorContains(t, err, `no endpoint for region "MOON"`)
}

// Where one try may have had its effect, a later refusal does not unsay it.
func TestATryThatMayHaveWorkedIsNotUnsaid(t *testing.T) {
	tests := map[string]struct {
		route string
		first step
		sent  amazon.Sent
		again bool // throttled, and nothing else
	}{
		"a write answered 503":         {makeSchedulePath, answer(503, ""), amazon.SentUnknown, false},
		"a write whose answer is lost": {makeSchedulePath, hangUp, amazon.SentUnknown, false},
		"a read answered 503":          {feedsPath, answer(503, ""), amazon.NotSent, true},
		"a read whose answer is lost":  {feedsPath, hangUp, amazon.NotSent, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(makeSchedulePath, answer(201, `{"reportScheduleId":"77"}`))
			s.on(feedsPath, answer(200, noFeeds))
			c, _ := connect(t, s, func(conf *spapi.Config) {
				conf.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			})
			for range 9 {
				require.NoError(t, calls(c)[tt.route](t.Context()))
			}
			s.on(tt.route, tt.first)
			err := calls(c)[tt.route](t.Context())
			assert.Equal(t, tt.sent, amazon.Whether(err), "%v", err)
			_, throttled := amazon.Throttled(err)
			assert.Equal(t, tt.again, throttled, "%v", err)
			assert.Len(t, s.requests(tt.route), 10)
			var e *amazon.Error
			require.ErrorAs(t, err, &e)
			assert.False(t, e.RetryAt.IsZero(), "%v", err)
		})
	}
}
