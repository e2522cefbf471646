package amazontest_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

// three is a document whose second message is refused. It pays 1.00 and 3.00.
func three() string {
	return refunds(
		adjust(shipped, "10000000000011", "Principal 1.00 USD"),
		adjust(shipped, "10000000000011", "Principal 99.00 USD"),
		adjust(shipped, "10000000000011", "Principal 3.00 USD"),
	)
}

func TestFatesOfFeeds(t *testing.T) {
	type moment struct {
		after  time.Duration // its creation
		status amazon.FeedStatus
	}
	type read struct {
		there  bool
		status string // its StatusCode; empty: it cannot be read
		counts *amazon.Summary
	}
	none, garbled := read{}, read{there: true}
	complete := read{true, "Complete", &amazon.Summary{Processed: 3, Successful: 2, WithError: 1}}
	const minute = time.Minute
	tests := map[string]struct {
		fate   amazontest.Fate
		states []moment
		paid   string
		report read
	}{
		"as it should be":             {amazontest.Fate{}, []moment{{0, "IN_QUEUE"}, {30 * time.Second, "IN_PROGRESS"}, {minute, "DONE"}}, "4", complete},
		"a queue of an hour":          {amazontest.Fate{Queued: time.Hour}, []moment{{59 * minute, "IN_QUEUE"}, {60 * minute, "IN_PROGRESS"}, {61 * minute, "DONE"}}, "4", complete},
		"slow":                        {amazontest.Fate{InProgress: time.Hour}, []moment{{minute, "IN_PROGRESS"}, {60 * minute, "IN_PROGRESS"}, {61 * minute, "DONE"}}, "4", complete},
		"stuck in the queue":          {amazontest.Fate{Queued: amazontest.Forever}, []moment{{89 * 24 * time.Hour, "IN_QUEUE"}}, "0", none},
		"stuck in progress":           {amazontest.Fate{InProgress: amazontest.Forever}, []moment{{minute, "IN_PROGRESS"}, {89 * 24 * time.Hour, "IN_PROGRESS"}}, "0", none},
		"stuck in both":               {amazontest.Fate{Queued: amazontest.Forever, InProgress: amazontest.Forever}, []moment{{minute, "IN_QUEUE"}}, "0", none},
		"cancelled":                   {amazontest.Fate{End: amazon.FeedCancelled}, []moment{{0, "IN_QUEUE"}, {minute, "CANCELLED"}}, "0", none},
		"FATAL after none":            {amazontest.Fate{End: amazon.FeedFatal}, []moment{{30 * time.Second, "IN_PROGRESS"}, {minute, "FATAL"}}, "0", read{true, "Processing", &amazon.Summary{Processed: 0, Successful: 0, WithError: 0}}},
		"FATAL after some":            {amazontest.Fate{End: amazon.FeedFatal, Messages: 2}, []moment{{minute, "FATAL"}}, "1", read{true, "Processing", &amazon.Summary{Processed: 2, Successful: 1, WithError: 1}}},
		"FATAL after all":             {amazontest.Fate{End: amazon.FeedFatal, Messages: 99}, []moment{{minute, "FATAL"}}, "4", complete},
		"FATAL without a report":      {amazontest.Fate{End: amazon.FeedFatal, Messages: 1, Report: amazontest.ReportMissing}, []moment{{minute, "FATAL"}}, "1", none},
		"report missing":              {amazontest.Fate{Report: amazontest.ReportMissing}, []moment{{minute, "DONE"}}, "4", none},
		"report that does not add up": {amazontest.Fate{Report: amazontest.ReportMiscounted}, []moment{{minute, "DONE"}}, "4", read{true, "Complete", &amazon.Summary{Processed: 2, Successful: 3, WithError: 1}}},
		"report cut off":              {amazontest.Fate{Report: amazontest.ReportCutOff}, []moment{{minute, "DONE"}}, "4", garbled},
		"report of another format":    {amazontest.Fate{Report: amazontest.ReportPlain}, []moment{{minute, "DONE"}}, "4", garbled},
		"end of an unknown name":      {amazontest.Fate{End: "LOST", Messages: 1}, []moment{{minute, "DONE"}}, "4", complete},
		"times below zero":            {amazontest.Fate{Queued: -1, InProgress: -1, Unlisted: -1, Unknown: -1}, []moment{{0, "IN_QUEUE"}, {minute, "DONE"}}, "4", complete},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				srv.FateOf(func(amazontest.Feed) amazontest.Fate { return tt.fate })
				c := login(t, srv, "Atzr|one")
				id := c.send(amazon.RefundFeed, three())
				start := time.Now()
				for _, m := range tt.states {
					time.Sleep(m.after - time.Since(start))
					c.token = c.login("Atzr|one")
					got := c.api("GET", "/feeds/2021-06-30/feeds/"+id, "")
					assert.EqualValues(t, m.status, got.field("processingStatus"), "after %s", m.after)
				}
				feed := srv.Feeds()[0]
				assert.True(t, srv.Paid()["USD"].Equal(dec(tt.paid)), "paid %s", srv.Paid())
				assert.Equal(t, tt.fate, feed.Fate)

				p, err := amazon.DecodeProcessingReport(bytes.NewReader(feed.Report))
				assert.Equal(t, tt.report.status == "", err != nil, "error %v", err)
				assert.Equal(t, tt.report, read{feed.Report != nil, p.StatusCode, p.Summary})
			})
		})
	}
}

func TestStuckFeedCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		srv.FateOf(func(amazontest.Feed) amazontest.Fate { return amazontest.Fate{Queued: amazontest.Forever} })
		c := login(t, srv, "Atzr|one")
		id := c.send(amazon.RefundFeed, three())
		time.Sleep(30 * time.Minute)
		require.Equal(t, 200, c.api("DELETE", "/feeds/2021-06-30/feeds/"+id, "").status)
		time.Sleep(time.Hour)
		assert.Equal(t, amazon.FeedCancelled, srv.Feeds()[0].Status)
		assert.Empty(t, srv.Ledger())
	})
}

func TestFreshFeedIsNotSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		fates := map[amazon.FeedID]amazontest.Fate{
			"50000000001": {Unlisted: 20 * time.Minute},
			"50000000002": {Unknown: 10 * time.Minute},
			"50000000003": {Unlisted: amazontest.Forever, Unknown: amazontest.Forever},
		}
		srv.FateOf(func(f amazontest.Feed) amazontest.Fate { return fates[f.ID] })
		c := login(t, srv, "Atzr|one")
		for range 3 {
			c.send(amazon.RefundFeed, refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD")))
		}
		seen := func() (listed []string, found []int) {
			for n := range 3 {
				found = append(found, c.api("GET", "/feeds/2021-06-30/feeds/5000000000"+string(rune('1'+n)), "").status)
			}
			return c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "feedTypes="+string(amazon.RefundFeed))[0], found
		}
		listed, found := seen()
		assert.Equal(t, []string{"50000000002"}, listed)
		assert.Equal(t, []int{200, 404, 404}, found)
		assert.Equal(t, 404, c.api("DELETE", "/feeds/2021-06-30/feeds/50000000002", "").status)
		time.Sleep(10 * time.Minute)
		listed, found = seen()
		assert.Equal(t, []string{"50000000002"}, listed)
		assert.Equal(t, []int{200, 200, 404}, found)
		time.Sleep(10 * time.Minute)
		listed, found = seen()
		assert.Equal(t, []string{"50000000002", "50000000001"}, listed)
		assert.Equal(t, []int{200, 200, 404}, found)
		assert.Len(t, srv.Ledger(), 3, "seen or not, it pays")
	})
}

func TestFateIsAskedOnceForEachFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		var asked []amazontest.Feed
		srv.FateOf(func(f amazontest.Feed) amazontest.Fate {
			asked = append(asked, f)
			return amazontest.Fate{}
		})
		c := login(t, srv, "Atzr|one")
		c.send(amazon.RefundFeed, three())
		start := time.Now().UTC()
		time.Sleep(time.Hour)
		_, err := srv.AddFeed(neighbour, "POST_PRODUCT_DATA", nil, "A1PA6795UKMFR9")
		require.NoError(t, err)
		srv.FateOf(nil)
		_, err = srv.AddFeed(neighbour, "POST_PRODUCT_DATA", nil)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		want := []amazontest.Feed{
			{ID: "50000000001", Seller: merchant, Type: amazon.RefundFeed, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}, Status: "IN_QUEUE", CreatedAt: start, Document: []byte(three()), ContentType: amazon.ContentType},
			{ID: "50000000001", Seller: neighbour, Type: "POST_PRODUCT_DATA", Marketplaces: []order.MarketplaceID{"A1PA6795UKMFR9"}, Status: "IN_QUEUE", CreatedAt: start.Add(time.Hour), ContentType: amazon.ContentType, Stranger: true},
		}
		assert.Empty(t, cmp.Diff(want, asked))
	})
}

func TestFeedsOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		doc := []byte(refunds(adjust(shipped, "10000000000011", "Principal 2.00 USD"), adjust(foreign, "10000000000061", "Principal 2.00 USD")))
		paying, err := srv.AddFeed(merchant, amazon.RefundFeed, doc, "ATVPDKIKX0DER")
		require.NoError(t, err)
		doc[0] = 'x' // the document is the caller's
		idle, err := srv.AddFeed(merchant, amazon.RefundFeed, nil)
		require.NoError(t, err)
		unread, err := srv.AddFeed(merchant, "POST_PRODUCT_DATA", []byte("sku\tprice\n"))
		require.NoError(t, err)
		ours := c.send(amazon.RefundFeed, three())
		time.Sleep(time.Minute)

		listed := c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "feedTypes=POST_PRODUCT_DATA,"+string(amazon.RefundFeed))[0]
		assert.Equal(t, []string{ours, string(unread), string(idle), string(paying)}, listed)
		assert.Equal(t, [][]string{{ours, string(paying)}},
			c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "marketplaceIds=ATVPDKIKX0DER&feedTypes="+string(amazon.RefundFeed)))
		assert.Equal(t, []int{2, 1, 1}, []int{c.read(string(paying)).Processed, c.read(string(paying)).Successful, c.read(string(paying)).Failed})
		for _, id := range []amazon.FeedID{idle, unread} {
			got := c.api("GET", "/feeds/2021-06-30/feeds/"+string(id), "")
			assert.Equal(t, "DONE", got.field("processingStatus"))
			assert.Equal(t, "<nil>", got.field("resultFeedDocumentId"))
		}
		assert.True(t, srv.Paid()["USD"].Equal(dec("6")), "paid %s", srv.Paid())
		var strangers []bool
		for _, f := range srv.Feeds() {
			strangers = append(strangers, f.Stranger)
		}
		assert.Equal(t, []bool{true, true, true, false}, strangers)

		_, err = srv.AddFeed("A3", amazon.RefundFeed, nil)
		require.ErrorContains(t, err, "add it first")
		_, err = srv.AddFeed(merchant, "", nil)
		require.ErrorContains(t, err, "without a type")
		assert.Len(t, srv.Feeds(), 4)
	})
}

// Feeds are carried out in the order in which they end, whenever somebody looks.
func TestFeedThatEndsFirstIsCarriedOutFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		srv.FateOf(func(f amazontest.Feed) amazontest.Fate {
			return map[amazon.FeedID]amazontest.Fate{"50000000001": {InProgress: time.Hour}}[f.ID]
		})
		c := login(t, srv, "Atzr|one")
		slow := c.send(amazon.RefundFeed, refunds(adjust(shipped, "10000000000011", "Principal 12.00 USD")))
		fast := c.send(amazon.RefundFeed, refunds(adjust(shipped, "10000000000011", "Principal 11.00 USD")))
		time.Sleep(2 * time.Hour)
		c.token = c.login("Atzr|one")
		assert.Equal(t, 1, c.read(fast).Successful)
		assert.Equal(t, 1, c.read(slow).Failed)
	})
}

func TestSkewOfAmazonsClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": 7 * time.Minute, "behind": -7 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{Skew: skew})
				c := login(t, srv, "Atzr|one")
				id := c.send(amazon.RefundFeed, three())
				got := c.api("GET", "/feeds/2021-06-30/feeds/"+id, "")
				theirs := time.Now().Add(skew).UTC()
				assert.Equal(t, theirs.Format(http.TimeFormat), got.header.Get("Date"))
				assert.Equal(t, theirs.Format(time.RFC3339), got.field("createdTime"))
				assert.Equal(t, theirs, srv.Feeds()[0].CreatedAt)
				assert.Len(t, c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", "feedTypes="+string(amazon.RefundFeed))[0], 1)

				// A token lives its hour, whatever the clocks say.
				time.Sleep(time.Hour - time.Millisecond)
				assert.Equal(t, 200, c.api("GET", "/feeds/2021-06-30/feeds/"+id, "").status)
				time.Sleep(time.Millisecond)
				assert.Equal(t, 403, c.api("GET", "/feeds/2021-06-30/feeds/"+id, "").status)
			})
		})
	}
}
