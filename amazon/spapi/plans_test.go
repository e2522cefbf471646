package spapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// planned does each operation that has a usage plan once, by its name.
func planned(c *spapi.Client) map[string]func(context.Context) error {
	by := calls(c)
	return map[string]func(context.Context) error{
		"createFeedDocument": by[placePath],
		"createFeed": func(ctx context.Context) error {
			_, err := c.Begin(ctx, seller, amazon.RefundFeed)
			return err
		},
		"getFeed":                   by[feedPath],
		"getFeeds":                  by[feedsPath],
		"cancelFeed":                by[cancelPath],
		"getFeedDocument":           by[feedDocPath],
		"createReport":              by[askPath],
		"getReport":                 by[reportPath],
		"getReports":                by[reportsPath],
		"getReportDocument":         by[reportDocPath],
		"cancelReport":              by[cancelReportPath],
		"createReportSchedule":      by[makeSchedulePath],
		"getReportSchedules":        by[schedulesPath],
		"getReportSchedule":         by[schedulePath],
		"cancelReportSchedule":      by[cancelSchedulePath],
		"createRestrictedDataToken": by[restrictedPath],
		"getOrder":                  by[orderPath],
		"searchOrders":              by[ordersPath],
		"listTransactions":          by[transactionsPath],
	}
}

// allowed calls until there is no token, and returns how often there was one and
// when the next is said to come. It does not matter what else is wrong with a
// call.
func allowed(t *testing.T, op string, call func(context.Context) error) (n int, next time.Time) {
	t.Helper()
	for n = range 100 {
		err := call(t.Context())
		if at, throttled := amazon.Throttled(err); throttled {
			var e *amazon.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, op, e.Op)
			assert.Zero(t, e.Status, "Amazon is not asked")
			return n, at
		}
	}
	require.Fail(t, "never throttled", op)
	return 0, time.Time{}
}

// The numbers are those of the models, once more and with the intervals that
// their fractions stand for.
func TestUsagePlans(t *testing.T) {
	tests := map[string]struct {
		burst int
		every time.Duration
	}{
		"createFeedDocument":        {15, 2 * time.Second},
		"createFeed":                {15, 120 * time.Second},
		"getFeed":                   {15, 500 * time.Millisecond},
		"getFeeds":                  {10, 45 * time.Second},
		"cancelFeed":                {15, 500 * time.Millisecond},
		"getFeedDocument":           {10, 45 * time.Second},
		"createReport":              {15, 60 * time.Second},
		"getReport":                 {15, 500 * time.Millisecond},
		"getReports":                {10, 45 * time.Second},
		"getReportDocument":         {15, 60 * time.Second},
		"cancelReport":              {10, 45 * time.Second},
		"createReportSchedule":      {10, 45 * time.Second},
		"getReportSchedules":        {10, 45 * time.Second},
		"getReportSchedule":         {10, 45 * time.Second},
		"cancelReportSchedule":      {10, 45 * time.Second},
		"createRestrictedDataToken": {10, time.Second},
		"getOrder":                  {30, 2 * time.Second},
		"searchOrders":              {20, 180 * time.Second},
		"listTransactions":          {10, 2 * time.Second},
	}
	assert.Len(t, planned(nil), len(tests))
	for op, tt := range tests {
		t.Run(op, func(t *testing.T) {
			c, k := connect(t, newServer(t))
			call := planned(c.Waiting(0))[op]
			pass := func(d time.Duration) { require.NoError(t, k.Wait(t.Context(), d)) }

			n, next := allowed(t, op, call)
			assert.Equal(t, tt.burst, n, "a full bucket")
			assert.WithinDuration(t, hostTime.Add(tt.every), next, time.Microsecond)

			pass(tt.every - time.Millisecond)
			n, next = allowed(t, op, call)
			assert.Zero(t, n, "before a token is back")
			assert.WithinDuration(t, hostTime.Add(tt.every), next, time.Microsecond)

			pass(time.Millisecond)
			n, _ = allowed(t, op, call)
			assert.Equal(t, 1, n, "when a token is back")

			pass(time.Duration(tt.burst+5) * tt.every)
			n, _ = allowed(t, op, call)
			assert.Equal(t, tt.burst, n, "a bucket holds no more than its burst")
		})
	}
}

// Clients that were refused together come back at different times, and none
// before there is a token.
func TestA429SpreadsThoseItRefuses(t *testing.T) {
	create := func(ctx context.Context, t *testing.T, c *spapi.Client) error {
		_, err := uploaded(t, c).Create(ctx)
		return err
	}
	by := func(route string) func(context.Context, *testing.T, *spapi.Client) error {
		return func(ctx context.Context, _ *testing.T, c *spapi.Client) error { return calls(c)[route](ctx) }
	}
	tests := map[string]struct {
		call        func(context.Context, *testing.T, *spapi.Client) error
		least, most time.Duration
	}{
		createPath:   {create, 120 * time.Second, 150 * time.Second},
		feedsPath:    {by(feedsPath), 45 * time.Second, 56250 * time.Millisecond},
		askPath:      {by(askPath), 60 * time.Second, 75 * time.Second},
		orderPath:    {by(orderPath), 2 * time.Second, 2500 * time.Millisecond},
		tokenPath:    {by(tokenPath), time.Second, 2 * time.Second},
		uploadPath:   {by(uploadPath), time.Second, 2 * time.Second},
		downloadPath: {by(downloadPath), time.Second, 2 * time.Second},
	}
	for route, tt := range tests {
		t.Run(route, func(t *testing.T) {
			s := newServer(t)
			s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
			s.on(route, answer(429, ""))
			times := map[time.Time]bool{}
			for range 20 {
				c, _ := connect(t, s)
				err := tt.call(t.Context(), t, c.Waiting(0))
				comesBack(t, err, tt.least, tt.most)
				at, _ := amazon.Throttled(err)
				times[at] = true
			}
			assert.Len(t, s.requests(route), 20)
			assert.Greater(t, len(times), 1, "of spans in nanoseconds, 20 are not the same by chance")
		})
	}
}
