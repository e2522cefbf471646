package spapi_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

const (
	feedsPath  = "GET /feeds/2021-06-30/feeds"
	cancelPath = "DELETE /feeds/2021-06-30/feeds/50001"
)

func TestFeed(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s)
	got, err := c.Feed(t.Context(), seller, "50001")
	require.NoError(t, err)
	want := amazon.Feed{
		ID: "50001", Type: amazon.RefundFeed, Status: amazon.FeedDone,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		CreatedAt:    amazonTime,
		StartedAt:    amazonTime.Add(time.Minute + 500*time.Millisecond),
		Result:       "amzn1.tortuga.4.na.out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Feed (-want +got):\n%s", diff)
	}
	asked := s.requests(feedPath)[0]
	assert.Zero(t, asked.length, "a GET with a body is refused")
	assert.Empty(t, asked.header.Get("Content-Type"))
}

func TestFeedRefusesAnAnswerThatProvesNothing(t *testing.T) {
	tests := map[string]string{
		"empty":      ``,
		"no ID":      `{"processingStatus":"DONE","createdTime":"2026-09-01T12:00:00Z"}`,
		"no status":  `{"feedId":"50001","createdTime":"2026-09-01T12:00:00Z"}`,
		"no time":    `{"feedId":"50001","processingStatus":"DONE"}`,
		"empty time": `{"feedId":"50001","processingStatus":"DONE","createdTime":""}`,
		"odd time":   `{"feedId":"50001","processingStatus":"DONE","createdTime":"yesterday"}`,
		"too long":   `{"feedId":"` + string(bytes.Repeat([]byte("5"), 5<<20)) + `"}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedPath, answer(200, body))
			c, _ := connect(t, s)
			_, err := c.Feed(t.Context(), seller, "50001")
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.Less(t, len(err.Error()), 700)
		})
	}
}

func TestFeedsAsksForATypeSinceATime(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, `{"feeds":[{"feedId":"1","processingStatus":"DONE","createdTime":"2026-09-01T12:00:00Z"}]}`))
	c, _ := connect(t, s)
	since := time.Date(2026, 9, 1, 10, 0, 0, 999, time.FixedZone("", 7200))
	list, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, since)
	require.NoError(t, err)
	assert.Equal(t, []amazon.Feed{{ID: "1", Status: amazon.FeedDone, CreatedAt: amazonTime}}, list.Feeds)
	want := []url.Values{
		{"feedTypes": {"POST_PAYMENT_ADJUSTMENT_DATA"}, "pageSize": {"100"}, "createdSince": {"2026-09-01T08:00:00Z"}},
	}
	if diff := cmp.Diff(want, queries(t, s, feedsPath)); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

// What is not in a list may still be on its way until some time on Amazon's
// clock, so the list says when Amazon began to answer it.
func TestListFeedsTellsWhenAmazonAnswered(t *testing.T) {
	dated := func(date string, s step) step {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = []string{date}
			s(w, r)
		}
	}
	begun, later := amazonTime.Format(http.TimeFormat), amazonTime.Add(time.Hour).Format(http.TimeFormat)
	first, last := answer(200, `{"feeds":[],"nextToken":"n"}`), answer(200, `{"feeds":[]}`)
	tests := map[string]struct {
		steps []step
		want  time.Time
	}{
		"one page":                 {[]step{dated(begun, last)}, amazonTime},
		"several pages":            {[]step{dated(begun, first), dated(later, last)}, amazonTime},
		"a first page repeated":    {[]step{dated(later, answer(503, "")), dated(begun, last)}, amazonTime},
		"an answer without a date": {[]step{dated("", last)}, hostTime},
		"a list cut off":           {[]step{dated(begun, first), answer(400, "")}, time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedsPath, tt.steps...)
			stopped := func(conf *spapi.Config) {
				conf.Now, conf.Wait = func() time.Time { return hostTime }, func(context.Context, time.Duration) error { return nil }
			}
			c, _ := connect(t, s, stopped)
			list, _ := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
			assert.Equal(t, tt.want, list.At)
			assert.Len(t, s.requests(feedsPath), len(tt.steps))
		})
	}
}

func TestAllFeedsAsksForEverythingInTheQuery(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, `{"feeds":[],"nextToken":"a+b/c=="}`), answer(200, `{"feeds":[]}`))
	c, _ := connect(t, s)
	feeds, err := collect(c.AllFeeds(t.Context(), seller, spapi.FeedQuery{
		Types:        []amazon.FeedType{amazon.RefundFeed, amazon.CancelFeed},
		Statuses:     []amazon.FeedStatus{amazon.FeedDone, amazon.FeedFatal},
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		Since:        amazonTime.Add(time.Millisecond), Until: amazonTime.Add(time.Minute + time.Millisecond),
	}))
	require.NoError(t, err)
	assert.Empty(t, feeds)
	want := []url.Values{{
		"feedTypes":          {"POST_PAYMENT_ADJUSTMENT_DATA,POST_ORDER_ACKNOWLEDGEMENT_DATA"},
		"processingStatuses": {"DONE,FATAL"},
		"marketplaceIds":     {"ATVPDKIKX0DER"},
		"pageSize":           {"100"},
		"createdSince":       {"2026-09-01T12:00:00Z"},
		"createdUntil":       {"2026-09-01T12:01:01Z"}, // rounding loses nothing
	}, {"nextToken": {"a+b/c=="}}}
	if diff := cmp.Diff(want, queries(t, s, feedsPath)); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestAllFeedsRefusesABadQuery(t *testing.T) {
	one := []amazon.FeedType{amazon.RefundFeed}
	tests := map[string]struct {
		query spapi.FeedQuery
		want  string
	}{
		"no type":              {spapi.FeedQuery{}, "0 feed types: want 1 to 10"},
		"many types":           {spapi.FeedQuery{Types: make([]amazon.FeedType, 11)}, "11 feed types: want 1 to 10"},
		"empty type":           {spapi.FeedQuery{Types: []amazon.FeedType{""}}, "an empty one among the feed types"},
		"many marketplaces":    {spapi.FeedQuery{Types: one, Marketplaces: make([]order.MarketplaceID, 11)}, "11 marketplaces: want 0 to 10"},
		"ends before it start": {spapi.FeedQuery{Types: one, Since: hostTime, Until: hostTime.Add(-time.Hour)}, "ends before it starts"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := collect(c.AllFeeds(t.Context(), seller, tt.query))
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

func TestCancelFeed(t *testing.T) {
	s := newServer(t)
	s.on(cancelPath, answer(500, ""), hangUp, answer(200, ""), answer(400, refused("InvalidInput", "not in queue", "")))
	c, _ := connect(t, s)
	require.NoError(t, c.CancelFeed(t.Context(), seller, "50001"))
	err := c.CancelFeed(t.Context(), seller, "50001")
	assert.Equal(t, amazon.Answered, amazon.Whether(err), "%v", err)
	assert.Len(t, s.requests(cancelPath), 4)
}

func TestEmptyIDsAreRefused(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	_, feed := c.Feed(t.Context(), seller, "")
	_, feeds := c.ListFeeds(t.Context(), seller, "", time.Time{})
	_, document := c.Document(t.Context(), seller, "")
	_, report := c.Report(t.Context(), seller, "")
	_, schedule := c.ReportSchedule(t.Context(), seller, "")
	_, order := c.Order(t.Context(), seller, "")
	_, refunds := c.Refunds(t.Context(), seller, "")
	for name, err := range map[string]error{
		"Feed": feed, "Feeds": feeds, "CancelFeed": c.CancelFeed(t.Context(), seller, ""),
		"Document": document, "Report": report, "CancelReport": c.CancelReport(t.Context(), seller, ""),
		"ReportSchedule": schedule, "CancelReportSchedule": c.CancelReportSchedule(t.Context(), seller, ""),
		"Order": order, "Refunds": refunds,
	} {
		assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%s: %v", name, err)
	}
	assert.Empty(t, s.requests(tokenPath))
}
