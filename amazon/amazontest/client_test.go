package amazontest_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

var us = amazon.Account{
	ID: "acme-us", Company: "acme", Merchant: merchant, Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
}

// realClient is the client that hosts use, on the clock of the test's bubble.
func realClient(t *testing.T, srv *amazontest.Server) *spapi.Client {
	t.Helper()
	c, err := spapi.New(spapi.Config{
		HTTPClient: srv.Client(),
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|one"}, nil
		},
	})
	require.NoError(t, err)
	return c
}

// What the server shows is what the client that hosts use reads.
func TestRealClientReadsTheEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx, start := open(t, amazontest.Config{}), t.Context(), time.Now().UTC()
		c := realClient(t, srv)
		require.NoError(t, srv.RequestCancel(unshipped, "10000000000021", "Ordered by mistake"))
		ticket, err := c.Begin(ctx, us, amazon.CancelFeed)
		require.NoError(t, err)
		_, _, err = ticket.Upload(ctx, xmlType, []byte(cancels(acknowledge(unshipped, "Failure", "10000000000021 BuyerCanceled", "10000000000022 NoInventory"))))
		require.NoError(t, err)
		_, err = ticket.Create(ctx)
		require.NoError(t, err)
		require.NoError(t, refund(ctx, c, us, refunds(adjust(shipped, "10000000000011", "Principal 10.00 USD", "RestockingFee -2.50 USD"))))
		time.Sleep(time.Minute)

		got, err := c.Order(ctx, us, unshipped)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(amazon.OrderState{
			Number: unshipped, Status: amazon.OrderCancelled, FulfilledBy: amazon.ActorMerchant, Marketplace: "ATVPDKIKX0DER",
			CreatedAt: start, UpdatedAt: start.Add(time.Minute),
			Items: []amazon.ItemState{
				{
					ID: "10000000000021", SKU: "MUG", Ordered: 2, CancelledBy: amazon.ActorMerchant, CancelledReason: "BuyerCanceled",
					RequestedBy: amazon.ActorBuyer, RequestedReason: "Ordered by mistake",
				},
				{ID: "10000000000022", SKU: "CUP", Ordered: 1, CancelledBy: amazon.ActorMerchant, CancelledReason: "NoInventory"},
			},
		}, got))

		time.Sleep(2 * time.Minute)
		var updated []string
		for o, err := range c.SearchOrders(ctx, us, spapi.OrderQuery{UpdatedAfter: start.Add(time.Second)}) {
			require.NoError(t, err)
			updated = append(updated, o.Number)
		}
		assert.Equal(t, []string{unshipped}, updated)

		early, err := c.Refunds(ctx, us, shipped)
		require.NoError(t, err)
		assert.Empty(t, early, "within 48 hours")
		time.Sleep(48 * time.Hour)
		booked, err := c.Refunds(ctx, us, shipped)
		require.NoError(t, err)
		usd := func(s string) amazon.Booked { return amazon.Booked{Amount: dec(s), Currency: "USD"} }
		parts := []amazon.FinancialPart{{Type: "Principal", Total: usd("-10")}, {Type: "RestockingFee", Total: usd("2.5")}}
		assert.Empty(t, cmp.Diff([]amazon.FinancialRefund{{
			ID: "R000000001", Transaction: "T000000001", Status: "RELEASED", PostedAt: start.Add(time.Minute), Total: usd("-7.5"), Parts: parts,
			Items: []amazon.FinancialItem{{Adjustment: "A000000001-1", SKU: "MUG", Total: usd("-7.5"), Parts: parts}},
		}}, booked))
	})
}

// All that can be found out about a document whose answer was lost, and when: the
// feed is listed late, stuck for a day, and dies half-way without a report.
func TestRealClientFindsWhatALostFeedDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		c := realClient(t, srv)
		fate := amazontest.Fate{
			Queued: 24 * time.Hour, Unlisted: 3 * time.Hour,
			End: amazon.FeedFatal, Messages: 1, Report: amazontest.ReportMissing,
		}
		srv.FateOf(func(amazontest.Feed) amazontest.Fate { return fate })
		srv.Fail(amazontest.Nth("createFeed", 1, amazontest.Fault{Drop: true, After: true}))
		start := time.Now().UTC()
		err := refund(ctx, c, us, refunds(
			adjust(shipped, "10000000000011", "Principal 10.00 USD"), adjust(shipped, "10000000000011", "Principal 4.00 USD")))
		require.Equal(t, amazon.SentUnknown, amazon.Whether(err), "%v", err)
		stranger, err := srv.AddFeed(merchant, amazon.RefundFeed, nil)
		require.NoError(t, err)

		look := func() amazon.FeedList {
			list, err := c.ListFeeds(ctx, us, amazon.RefundFeed, start.Add(-15*time.Minute))
			require.NoError(t, err)
			assert.Equal(t, time.Now().UTC(), list.At)
			return list
		}
		time.Sleep(3*time.Hour - time.Second)
		assert.Empty(t, look().Feeds)
		time.Sleep(time.Second)
		found := look().Feeds
		require.Len(t, found, 2)
		assert.Equal(t, stranger, found[0].ID)
		lost := found[1]
		assert.Empty(t, cmp.Diff(amazon.Feed{
			ID: lost.ID, Type: amazon.RefundFeed, Status: amazon.FeedInQueue, Marketplaces: us.Marketplaces, CreatedAt: start,
		}, lost))
		require.NoError(t, c.CancelFeed(ctx, us, stranger))

		time.Sleep(21*time.Hour + time.Minute)
		end := start.Add(24*time.Hour + 30*time.Second)
		for _, want := range []struct {
			id     amazon.FeedID
			status amazon.FeedStatus
		}{{lost.ID, amazon.FeedFatal}, {stranger, amazon.FeedCancelled}} {
			feed, err := c.Feed(ctx, us, want.id)
			require.NoError(t, err)
			assert.Equal(t, want.status, feed.Status)
			assert.Empty(t, feed.Result)
		}

		time.Sleep(time.Until(end.Add(48*time.Hour - time.Millisecond)))
		booked, err := c.Refunds(ctx, us, shipped)
		require.NoError(t, err)
		assert.Empty(t, booked)
		time.Sleep(time.Millisecond)
		booked, err = c.Refunds(ctx, us, shipped)
		require.NoError(t, err)
		require.Len(t, booked, 1)
		assert.Equal(t, end, booked[0].PostedAt)
		assert.True(t, booked[0].Total.Amount.Equal(dec("-10")), "the first message only, not %s", booked[0].Total.Amount)
		assert.Empty(t, cmp.Diff(paid{amazontest.OriginFeed: {"10000000000011": {order.Principal: dec("10")}}}, srv.PaidFor(shipped)))
	})
}

// What the order says after a cancellation, whose answers were lost or not.
func TestRealClientReadsWhetherAnOrderWasCancelled(t *testing.T) {
	tests := map[string]struct {
		refuse int
		fate   amazontest.Fate
		want   amazon.OrderStatus
	}{
		"carried out":        {0, amazontest.Fate{}, amazon.OrderCancelled},
		"refused":            {18028, amazontest.Fate{}, amazon.OrderUnshipped},
		"still in the queue": {0, amazontest.Fate{Queued: amazontest.Forever}, amazon.OrderUnshipped},
		"FATAL before it":    {0, amazontest.Fate{End: amazon.FeedFatal}, amazon.OrderUnshipped},
		"FATAL after it":     {0, amazontest.Fate{End: amazon.FeedFatal, Messages: 1}, amazon.OrderCancelled},
		"its feed cancelled": {0, amazontest.Fate{End: amazon.FeedCancelled}, amazon.OrderUnshipped},
		"without a report":   {0, amazontest.Fate{Report: amazontest.ReportMissing}, amazon.OrderCancelled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, ctx := open(t, amazontest.Config{}), t.Context()
				c := realClient(t, srv)
				require.NoError(t, srv.Refuse(unshipped, tt.refuse, "refused"))
				srv.FateOf(func(amazontest.Feed) amazontest.Fate { return tt.fate })
				ticket, err := c.Begin(ctx, us, amazon.CancelFeed)
				require.NoError(t, err)
				defer ticket.Close()
				doc := cancels(acknowledge(unshipped, "Failure", "10000000000021 NoInventory", "10000000000022 NoInventory"))
				_, _, err = ticket.Upload(ctx, xmlType, []byte(doc))
				require.NoError(t, err)
				_, err = ticket.Create(ctx)
				require.NoError(t, err)
				time.Sleep(time.Minute)

				got, err := c.Order(ctx, us, unshipped)
				require.NoError(t, err)
				assert.Equal(t, tt.want, got.Status)
				var by []amazon.Actor
				for _, it := range got.Items {
					by = append(by, it.CancelledBy)
				}
				who := map[amazon.OrderStatus]amazon.Actor{amazon.OrderCancelled: amazon.ActorMerchant}[tt.want]
				assert.Equal(t, []amazon.Actor{who, who}, by)
			})
		})
	}
}

func TestRealClientReadsReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		c := realClient(t, srv)
		const restricted amazon.ReportType = "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING"
		require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: restricted, Body: []byte("rows"), Gzip: true}))
		id, err := c.CreateReportSchedule(ctx, us, spapi.ReportSchedule{Type: restricted, Period: "PT1H"})
		require.NoError(t, err)
		time.Sleep(90 * time.Minute)
		schedules, err := c.ReportSchedules(ctx, us, restricted)
		require.NoError(t, err)
		require.Len(t, schedules, 1)
		assert.Equal(t, id, schedules[0].ID)
		require.NoError(t, c.CancelReportSchedule(ctx, us, id))
		time.Sleep(24 * time.Hour)

		reports, err := c.Reports(ctx, us, amazon.ReportQuery{Types: []amazon.ReportType{restricted}})
		require.NoError(t, err)
		require.Len(t, reports, 2)
		body, _, err := c.Open(ctx, us, reports[0])
		require.NoError(t, err)
		rows, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		assert.Equal(t, "rows", string(rows))
		assert.True(t, slices.ContainsFunc(srv.Calls(), func(call amazontest.Call) bool {
			return call.Op == "createRestrictedDataToken" && call.Status == 200
		}))
	})
}

func TestRealClientLogsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		c := realClient(t, srv)
		token, err := c.AccessToken(ctx, us, "sellingpartnerapi::notifications")
		require.NoError(t, err)
		assert.NotEmpty(t, token)
		_, err = c.Feed(ctx, us, "1")
		assert.NotErrorIs(t, err, spapi.ErrSellerAuthorisation)

		require.NoError(t, srv.Revoke(merchant))
		time.Sleep(time.Hour)
		_, err = c.Feed(ctx, us, "1")
		require.ErrorIs(t, err, spapi.ErrSellerAuthorisation)
		require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: merchant, ClientID: "app", ClientSecret: "rotated", RefreshToken: "Atzr|one"}))
		require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: neighbour, ClientID: "app", ClientSecret: "rotated", RefreshToken: "Atzr|two"}))
		_, err = c.Feed(ctx, us, "1")
		assert.ErrorIs(t, err, spapi.ErrClientSecret)
	})
}

// A client that sends whenever its own count allows it is never refused, and
// loses nothing of what Amazon allows.
func TestRealClientKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx, start := open(t, amazontest.Config{}), t.Context(), time.Now()
		c := realClient(t, srv)
		doc := refunds(adjust(shipped, "10000000000011", "Principal 0.01 USD"))
		for time.Since(start) < 24*time.Hour {
			err := refund(ctx, c, us, doc)
			if err != nil {
				at, throttled := amazon.Throttled(err)
				require.True(t, throttled, "%v", err)
				time.Sleep(time.Until(at))
			}
		}
		statuses := map[int]int{}
		for _, call := range srv.Calls() {
			statuses[call.Status]++
		}
		assert.Zero(t, statuses[429])
		assert.Len(t, srv.Feeds(), 15+719)
	})
}
