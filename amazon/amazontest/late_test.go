package amazontest_test

import (
	"fmt"
	"path/filepath"
	"sync"
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

// lateCreate makes a createFeed go wrong in a way that leaves it under way, and
// returns what the journal says about it.
func lateCreate(t *testing.T, srv *amazontest.Server, f amazontest.Fault) func() amazontest.Call {
	t.Helper()
	c := login(t, srv, "Atzr|one")
	doc := c.upload(refunds(adjust(shipped, "10000000000011", "Principal 5.00 USD")))
	srv.Fail(amazontest.Nth("createFeed", 1, f))
	got, err := c.try("POST", host+"/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc), "application/json", c.token)
	require.Equal(t, f.Status == 0, err != nil, "error %v", err)
	require.Equal(t, f.Status, got.status)
	require.Empty(t, srv.Feeds())
	made := srv.Calls()
	n := made[len(made)-1].Number
	return func() amazontest.Call { return srv.Calls()[n-1] }
}

func TestLateCallArrivesWithoutItsCaller(t *testing.T) {
	for name, fault := range map[string]amazontest.Fault{
		"connection broken":  {Late: 10 * time.Minute},
		"gateway timed out":  {Late: 10 * time.Minute, Status: 504},
		"After says nothing": {Late: 10 * time.Minute, After: true},
		"nor does Drop":      {Late: 10 * time.Minute, Drop: true},
		"nor does Omit":      {Late: 10 * time.Minute, Omit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				start := time.Now().UTC()
				call := lateCreate(t, srv, fault)
				time.Sleep(10*time.Minute - time.Millisecond)
				assert.Empty(t, srv.Feeds())
				assert.Zero(t, call().Effect)

				time.Sleep(time.Hour) // nobody looked when it arrived
				feeds := srv.Feeds()
				require.Len(t, feeds, 1)
				assert.Equal(t, start.Add(10*time.Minute), feeds[0].CreatedAt)
				assert.Equal(t, start.Add(11*time.Minute), feeds[0].EndedAt)
				assert.Equal(t, amazon.FeedDone, feeds[0].Status)
				assert.True(t, srv.Paid()["USD"].Equal(dec("5")), "paid %s", srv.Paid())
				assert.Equal(t, fault.Status, call().Status)
				assert.Equal(t, 202, call().Effect)
				assert.Equal(t, start.Add(10*time.Minute), call().EffectTime)
				assert.Equal(t, fault, call().Fault)
			})
		})
	}
}

// The fence rests on this: a createFeed that arrives after its access token has
// expired creates nothing, however late that is.
func TestLateCallWithAnExpiredTokenIsRefused(t *testing.T) {
	tests := map[string]struct {
		late   time.Duration
		effect int
		feeds  int
	}{
		"at the last moment": {time.Hour - time.Millisecond, 202, 1},
		"expired":            {time.Hour, 403, 0},
		"long expired":       {30 * 24 * time.Hour, 403, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				call := lateCreate(t, srv, amazontest.Fault{Late: tt.late})
				time.Sleep(31 * 24 * time.Hour)
				assert.Len(t, srv.Feeds(), tt.feeds)
				assert.Equal(t, tt.effect, call().Effect)
			})
		})
	}
}

func TestReleaseLetsLateCallsArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		call := lateCreate(t, srv, amazontest.Fault{Late: amazontest.Forever})
		time.Sleep(30 * time.Minute)
		assert.Empty(t, srv.Feeds())
		require.NoError(t, srv.Release())
		require.Len(t, srv.Feeds(), 1)
		assert.Equal(t, time.Now().UTC(), srv.Feeds()[0].CreatedAt)
		assert.Equal(t, 202, call().Effect)
		require.NoError(t, srv.Release())
		assert.Len(t, srv.Feeds(), 1, "it arrives once")
	})
}

// Calls that are under way may overtake each other.
func TestLateCallsArriveWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		var docs []string
		for _, amount := range []string{"12.00", "11.00", "10.00"} {
			docs = append(docs, c.upload(refunds(adjust(shipped, "10000000000011", "Principal "+amount+" USD"))))
		}
		srv.Fail(amazontest.Nth("createFeed", 1, amazontest.Fault{Late: 5 * time.Minute}, amazontest.Fault{Late: 2 * time.Minute}))
		for _, doc := range docs {
			_, _ = c.try("POST", host+"/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc), "application/json", c.token)
		}
		time.Sleep(time.Hour)
		assert.True(t, srv.Paid()["USD"].Equal(dec("10")), "paid %s: the balance is for the first to arrive", srv.Paid())
		var created []time.Time
		for _, f := range srv.Feeds() {
			created = append(created, f.CreatedAt)
		}
		start := time.Now().UTC().Add(-time.Hour)
		assert.Equal(t, []time.Time{start, start.Add(2 * time.Minute), start.Add(5 * time.Minute)}, created)
	})
}

func TestEveryKindOfCallMayBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		made := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"`+xmlType+`"}`)
		srv.Fail(func(call amazontest.Call) amazontest.Fault {
			return map[string]amazontest.Fault{"upload": {Late: time.Minute}, "login": {Late: time.Minute}}[call.Op]
		})
		_, err := c.try("PUT", made.field("url"), refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD")), xmlType, "")
		require.Error(t, err)
		_, err = c.try("POST", host+"/auth/o2/token", form("Atzr|one", "app", "secret"), "application/x-www-form-urlencoded", "")
		require.Error(t, err)
		body := feedBody(amazon.RefundFeed, made.field("feedDocumentId"))
		assert.Equal(t, 400, c.api("POST", "/feeds/2021-06-30/feeds", body).status, "nothing is uploaded yet")
		time.Sleep(time.Minute)
		assert.Equal(t, 202, c.api("POST", "/feeds/2021-06-30/feeds", body).status)
		effects := map[string]int{}
		for _, call := range srv.Calls() {
			effects[call.Op] = call.Effect
		}
		assert.Equal(t, map[string]int{"login": 200, "createFeedDocument": 201, "upload": 200, "createFeed": 202}, effects)
	})
}

func TestLateCallsAndPendingRefundsOutliveTheirServer(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	config := amazontest.Config{Now: func() time.Time { return now }, File: filepath.Join(t.TempDir(), "books.json")}
	srv := open(t, config)
	lateCreate(t, srv, amazontest.Fault{Late: 10 * time.Minute})
	c := login(t, srv, "Atzr|one")
	c.send(amazon.RefundFeed, refunds(adjust(unshipped, "10000000000021", "Principal 3.00 USD")))
	require.NoError(t, srv.Warn(shipped, 18030, "Look twice.")) // shows in the reports of the feeds
	srv.FateOf(func(f amazontest.Feed) amazontest.Fate {
		return map[bool]amazontest.Fate{true: {End: amazon.FeedFatal, Messages: 1, Unlisted: time.Hour}}[f.Stranger]
	})
	_, err := srv.AddFeed(merchant, amazon.RefundFeed, []byte(refunds(
		adjust(shipped, "10000000000011", "Principal 1.00 USD"), adjust(shipped, "10000000000011", "Principal 1.00 USD"),
	)))
	require.NoError(t, err)

	old := srv
	srv, err = amazontest.New(config)
	require.NoError(t, err)
	for range 2 {
		assert.Empty(t, cmp.Diff(old.Orders(), srv.Orders()))
		assert.Empty(t, cmp.Diff(old.Feeds(), srv.Feeds()))
		assert.Empty(t, cmp.Diff(old.Ledger(), srv.Ledger()))
		assert.Empty(t, cmp.Diff(old.Calls(), srv.Calls()))
		now = now.Add(20 * time.Minute)
	}
	require.NoError(t, srv.Ship(unshipped, "10000000000021", 2))
	assert.True(t, srv.Paid()["USD"].Equal(dec("9")), "paid %s: 1 FATAL, 5 late, 3 on shipment", srv.Paid())
}

func TestManyLateCallsAtOnce(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// It is about calls that overlap, and makes too many of them.
	srv := open(t, amazontest.Config{Throttle: amazontest.Throttle{Off: true}, Now: func() time.Time { return now }})
	srv.Fail(func(call amazontest.Call) amazontest.Fault {
		late := time.Duration(call.Nth%3) * time.Second
		return map[string]amazontest.Fault{"createFeed": {Late: late}, "getFeeds": {Delay: time.Millisecond}}[call.Op]
	})
	srv.FateOf(func(f amazontest.Feed) amazontest.Fate {
		return amazontest.Fate{Queued: time.Duration(len(f.Document)) * time.Second}
	})
	var all sync.WaitGroup
	for i := range 6 {
		c := login(t, srv, "Atzr|one")
		doc := c.upload(refunds(adjust(shipped, "10000000000011", fmt.Sprintf("Principal 0.%d1 USD", i))))
		all.Go(func() {
			for range 3 {
				_, _ = c.try("POST", host+"/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc), "application/json", c.token)
				_, err := srv.AddFeed(merchant, amazon.CancelFeed, nil)
				assert.NoError(t, err)
				assert.NoError(t, srv.Refund(amazon.ActorAmazon, unshipped, "10000000000021", order.Amounts{order.Tax: dec("0.01")}))
				assert.Equal(t, 200, c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "").status)
			}
		})
	}
	all.Wait()
	now = now.Add(24 * time.Hour)
	assert.Len(t, srv.Feeds(), 36)
	assert.Len(t, srv.Ledger(), 36, "18 by feeds, 18 by Amazon")
	seen := map[amazon.FeedID]bool{}
	for _, f := range srv.Feeds() {
		seen[f.ID] = true
	}
	assert.Len(t, seen, 36, "feeds got equal IDs")
}
