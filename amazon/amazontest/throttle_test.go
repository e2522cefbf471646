package amazontest_test

import (
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

// allowed calls an operation until it is refused, and returns how often it was
// not.
func (c client) allowed(method, path, body string) int {
	c.Helper()
	for n := range 100 {
		if c.api(method, path, body).status == http.StatusTooManyRequests {
			return n
		}
	}
	return 100
}

// The numbers are those of the models, once more and with the intervals that
// their fractions stand for. It does not matter what else is wrong with a call.
func TestUsagePlans(t *testing.T) {
	tests := []struct {
		op, method, path, body string
		burst                  int
		every                  time.Duration
		rate                   string
	}{
		{"createFeedDocument", "POST", "/feeds/2021-06-30/documents", "{}", 15, 2 * time.Second, "0.5"},
		{"createFeed", "POST", "/feeds/2021-06-30/feeds", "{}", 15, 120 * time.Second, "0.0083"},
		{"getFeed", "GET", "/feeds/2021-06-30/feeds/1", "", 15, 500 * time.Millisecond, "2.0"},
		{"getFeeds", "GET", "/feeds/2021-06-30/feeds", "", 10, 45 * time.Second, "0.0222"},
		{"cancelFeed", "DELETE", "/feeds/2021-06-30/feeds/1", "", 15, 500 * time.Millisecond, "2.0"},
		{"getFeedDocument", "GET", "/feeds/2021-06-30/documents/1", "", 10, 45 * time.Second, "0.0222"},
		{"createReport", "POST", "/reports/2021-06-30/reports", "{}", 15, 60 * time.Second, "0.0167"},
		{"getReport", "GET", "/reports/2021-06-30/reports/1", "", 15, 500 * time.Millisecond, "2.0"},
		{"getReports", "GET", "/reports/2021-06-30/reports", "", 10, 45 * time.Second, "0.0222"},
		{"cancelReport", "DELETE", "/reports/2021-06-30/reports/1", "", 10, 45 * time.Second, "0.0222"},
		{"getReportDocument", "GET", "/reports/2021-06-30/documents/1", "", 15, 60 * time.Second, "0.0167"},
		{"createReportSchedule", "POST", "/reports/2021-06-30/schedules", "{}", 10, 45 * time.Second, "0.0222"},
		{"getReportSchedules", "GET", "/reports/2021-06-30/schedules", "", 10, 45 * time.Second, "0.0222"},
		{"getReportSchedule", "GET", "/reports/2021-06-30/schedules/1", "", 10, 45 * time.Second, "0.0222"},
		{"cancelReportSchedule", "DELETE", "/reports/2021-06-30/schedules/1", "", 10, 45 * time.Second, "0.0222"},
		{"createRestrictedDataToken", "POST", "/tokens/2021-03-01/restrictedDataToken", "{}", 10, time.Second, "1.0"},
		{"searchOrders", "GET", "/orders/2026-01-01/orders", "", 20, 180 * time.Second, "0.0056"},
		{"getOrder", "GET", "/orders/2026-01-01/orders/1", "", 30, 2 * time.Second, "0.5"},
		{"listTransactions", "GET", "/finances/2024-06-19/transactions", "", 10, 2 * time.Second, "0.5"},
	}
	for _, tt := range tests {
		t.Run(tt.op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				c := login(t, srv, "Atzr|one")
				time.Sleep(999 * time.Microsecond) // finer than the times in answers
				assert.Equal(t, tt.rate, c.api(tt.method, tt.path, tt.body).header.Get("x-amzn-RateLimit-Limit"))
				assert.Equal(t, tt.burst-1, c.allowed(tt.method, tt.path, tt.body), "a full bucket")

				time.Sleep(tt.every - time.Nanosecond)
				assert.Zero(t, c.allowed(tt.method, tt.path, tt.body), "before a token is back")
				time.Sleep(time.Nanosecond)
				assert.Equal(t, 1, c.allowed(tt.method, tt.path, tt.body), "when a token is back")
				time.Sleep(2*tt.every + tt.every/2)
				assert.Equal(t, 2, c.allowed(tt.method, tt.path, tt.body), "when two and a half are back")
				time.Sleep(tt.every / 2)
				assert.Equal(t, 1, c.allowed(tt.method, tt.path, tt.body), "the half was not lost")
				time.Sleep(time.Duration(tt.burst+5) * tt.every)
				c.token = c.login("Atzr|one")
				assert.Equal(t, tt.burst, c.allowed(tt.method, tt.path, tt.body), "a bucket holds no more than its burst")

				calls := srv.Calls()
				assert.Equal(t, tt.op, calls[len(calls)-1].Op)
				assert.Equal(t, 429, calls[len(calls)-1].Status)
				other := login(t, srv, "Atzr|two")
				assert.Equal(t, tt.burst, other.allowed(tt.method, tt.path, tt.body), "sellers share no bucket")
			})
		})
	}
}

func TestThrottledAnswer(t *testing.T) {
	c := login(t, open(t, amazontest.Config{Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }}), "Atzr|one")
	c.allowed("GET", "/feeds/2021-06-30/feeds", "")
	got := c.api("GET", "/feeds/2021-06-30/feeds", "")
	assert.Equal(t, 429, got.status)
	assert.JSONEq(t, `{"errors":[{"code":"QuotaExceeded","message":"You exceeded your quota for the requested resource.","details":""}]}`, got.body)
	assert.Equal(t, "TooManyRequestsException", got.header.Get("x-amzn-ErrorType"))
	assert.NotEmpty(t, got.header.Get("x-amzn-RequestId"))
	assert.NotEmpty(t, got.header.Get("x-amz-apigw-id"))
	assert.Empty(t, got.header.Get("Retry-After"))
	assert.Empty(t, got.header.Get("x-amzn-RateLimit-Limit"))
}

func TestRefusedCallsThatCost(t *testing.T) {
	tests := map[string]struct {
		throttle amazontest.Throttle
		want     []int
	}{
		"nothing": {amazontest.Throttle{}, []int{0, 1, 1, 0}},
		"a wait":  {amazontest.Throttle{Costly: true}, []int{0, 0, 0, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := login(t, open(t, amazontest.Config{Throttle: tt.throttle}), "Atzr|one")
				assert.Equal(t, 10, c.allowed("GET", "/feeds/2021-06-30/feeds", ""))
				var got []int
				for range tt.want { // the token comes back after 45 s
					time.Sleep(30 * time.Second)
					got = append(got, c.allowed("GET", "/feeds/2021-06-30/feeds", ""))
				}
				assert.Equal(t, tt.want, got)
				time.Sleep(45 * time.Second)
				assert.Equal(t, 1, c.allowed("GET", "/feeds/2021-06-30/feeds", ""), "whoever waits is let in")
			})
		})
	}
}

func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := login(t, open(t, amazontest.Config{Throttle: amazontest.Throttle{Speed: 60}}), "Atzr|one")
		assert.Equal(t, "0.5", c.api("POST", "/feeds/2021-06-30/feeds", "{}").header.Get("x-amzn-RateLimit-Limit"))
		assert.Equal(t, 14, c.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))
		time.Sleep(2 * time.Second)
		assert.Equal(t, 1, c.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))

		unlimited := login(t, open(t, amazontest.Config{Throttle: amazontest.Throttle{Off: true}}), "Atzr|one")
		assert.Equal(t, 100, unlimited.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))
		assert.Equal(t, "0.0083", unlimited.api("POST", "/feeds/2021-06-30/feeds", "{}").header.Get("x-amzn-RateLimit-Limit"))
	})
	for _, speed := range []float64{-1, 1e-9, 1e9, math.Inf(1), math.NaN()} {
		_, err := amazontest.New(amazontest.Config{Throttle: amazontest.Throttle{Speed: speed}})
		assert.ErrorContains(t, err, "throttle speed", "%v", speed)
	}
}

func TestWhatTakesNoToken(t *testing.T) {
	srv := open(t, amazontest.Config{Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }})
	c := login(t, srv, "Atzr|one")
	list := func(token string) int { return c.do("GET", host+"/feeds/2021-06-30/feeds", "", "", token).status }
	for range 20 {
		assert.Equal(t, 403, list("Atza|other"))
	}
	srv.Fail(func(amazontest.Call) amazontest.Fault { return amazontest.Fault{Status: 503} })
	for range 20 {
		assert.Equal(t, 503, list(c.token))
	}
	srv.Fail(nil)
	assert.Equal(t, 10, c.allowed("GET", "/feeds/2021-06-30/feeds", ""))
	for range 40 {
		c.login("Atzr|one")
	}
}

func TestBucketsOutliveTheirServer(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	config := amazontest.Config{Now: func() time.Time { return now }, File: filepath.Join(t.TempDir(), "books.json")}
	c := login(t, open(t, config), "Atzr|one")
	assert.Equal(t, 15, c.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))
	restart := func() {
		srv, err := amazontest.New(config)
		require.NoError(t, err)
		c.http = srv.Client()
	}

	now = now.Add(119 * time.Second)
	restart()
	assert.Zero(t, c.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))
	now = now.Add(time.Second)
	restart()
	assert.Equal(t, 1, c.allowed("POST", "/feeds/2021-06-30/feeds", "{}"))

	// A program that moves its own clock starts again with one that is behind.
	now = now.Add(2 * time.Minute)
	require.Equal(t, 400, c.api("GET", "/feeds/2021-06-30/feeds", "").status)
	now = now.Add(-3 * time.Minute)
	restart()
	assert.Equal(t, 9, c.allowed("GET", "/feeds/2021-06-30/feeds", ""))
}

// Whatever the pauses between calls, a bucket lets through what arithmetic with
// whole tokens says.
func TestBucketKeepsCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const burst, every = 10, 45_000 // getFeeds, in milliseconds
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		c := login(t, open(t, amazontest.Config{Now: func() time.Time { return now }}), "Atzr|one")
		water := burst * every
		for _, pause := range rapid.SliceOfN(rapid.IntRange(0, 60), 1, 60).Draw(rt, "pauses, in seconds") {
			now = now.Add(time.Duration(pause) * time.Second)
			water = min(burst*every, water+pause*1000)
			want := map[bool]int{true: 400, false: 429}[water >= every]
			if want == 400 {
				water -= every
			}
			require.Equal(rt, want, c.api("GET", "/feeds/2021-06-30/feeds", "").status)
		}
	})
}

// A day of throttled work takes no time in a bubble: the burst, and then one feed
// every two minutes.
func TestADayOfThrottledWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		doc, start := c.upload(refunds(adjust(shipped, "10000000000011", "Principal 0.01 USD"))), time.Now()
		statuses := map[int]int{}
		for time.Since(start) < 24*time.Hour {
			c.token = c.login("Atzr|one")
			got := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc))
			statuses[got.status]++
			if got.status != http.StatusAccepted {
				time.Sleep(2 * time.Minute)
			}
		}
		assert.Empty(t, cmp.Diff(map[int]int{202: 15 + 719, 429: 720}, statuses))
		assert.Equal(t, "7.34", fmt.Sprint(srv.Paid()["USD"]))
	})
}
