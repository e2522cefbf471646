package amazontest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

func TestRefundBeforeShipmentIsPaidWhenItShips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		feed := c.send(amazon.RefundFeed, refunds(
			adjust(unshipped, "10000000000021", "Principal 12.00 USD", "Goodwill 3.00 USD"),
			adjust(unshipped, "10000000000021", "Principal 8.01 USD"),
			adjust(unshipped, "10000000000022", "Principal 7.50 USD"),
		))
		time.Sleep(time.Minute)
		r := c.read(feed)
		assert.Equal(t, []int{3, 2, 1}, []int{r.Processed, r.Successful, r.Failed}, "%+v", r)
		require.Len(t, r.Results, 1)
		assert.Equal(t, "2", r.Results[0].Message, "a pending refund counts against what is left")
		assert.Empty(t, srv.Ledger())
		ord, _ := srv.Order(unshipped)
		require.Len(t, ord.Pending, 3)
		assert.True(t, ord.Left("10000000000021")[order.Principal].Equal(dec("8")))
		assert.True(t, ord.Left("10000000000022").IsZero())

		time.Sleep(time.Hour)
		require.NoError(t, srv.Ship(unshipped, "10000000000021", 1))
		paid := srv.Ledger()
		require.Len(t, paid, 2)
		assert.Equal(t, time.Now().UTC(), paid[0].Time)
		assert.Equal(t, amazon.FeedID(feed), paid[0].Feed)
		assert.Equal(t, "1", paid[0].Message)
		assert.True(t, srv.Paid()["USD"].Equal(dec("15")), "paid %s", srv.Paid())
		ord, _ = srv.Order(unshipped)
		assert.Equal(t, amazon.OrderPartiallyShipped, ord.Status)
		assert.True(t, ord.Items[0].Refunded[order.Principal].Equal(dec("12")))
		assert.True(t, ord.Conceded.Equal(dec("3")))
		assert.Len(t, ord.Pending, 1)

		require.NoError(t, srv.Ship(unshipped, "10000000000021", 1))
		assert.Len(t, srv.Ledger(), 2, "the second unit does not pay again")
		require.NoError(t, srv.Ship(unshipped, "10000000000022", 1))
		assert.True(t, srv.Paid()["USD"].Equal(dec("22.50")), "paid %s", srv.Paid())
		ord, _ = srv.Order(unshipped)
		assert.Equal(t, amazon.OrderShipped, ord.Status)
		assert.Empty(t, ord.Pending)
	})
}

func TestPendingRefundThatIsNeverPaid(t *testing.T) {
	tests := map[string]struct {
		refund string
		then   func(c client, srv *amazontest.Server)
		number string
		paid   string // all in all
	}{
		"order cancelled": {
			adjust(unshipped, "10000000000021", "Principal 5.00 USD"),
			func(c client, _ *amazontest.Server) {
				c.send(amazon.CancelFeed, cancels(acknowledge(unshipped, "Failure", "10000000000021 NoInventory", "10000000000022 NoInventory")))
			}, unshipped, "0",
		},
		"partly shipped order refunded as a whole": {
			adjust(partly, "10000000000032", "Principal 5.00 USD"),
			func(c client, _ *amazontest.Server) {
				c.send(amazon.CancelFeed, cancels(acknowledge(partly, "Failure", "10000000000032 NoInventory")))
			}, partly, "34.50",
		},
		"units cancelled by adjustment": {
			adjust(partly, "10000000000032", "Principal 5.00 USD"),
			func(c client, _ *amazontest.Server) {
				c.send(amazon.RefundFeed, refunds(cancelling(adjust(partly, "10000000000032", "Principal 7.50 USD"), "1", "NoInventory")))
			}, partly, "7.50",
		},
		"refunded by Amazon meanwhile": {
			adjust(unshipped, "10000000000022", "Principal 5.00 USD", "RestockingFee -1.00 USD"),
			func(c client, srv *amazontest.Server) {
				assert.NoError(c, srv.Refund(amazon.ActorAmazon, unshipped, "10000000000022", order.Amounts{order.Principal: dec("7.50")}))
				assert.NoError(c, srv.Ship(unshipped, "10000000000022", 1))
			}, unshipped, "7.50",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				c := login(t, srv, "Atzr|one")
				c.send(amazon.RefundFeed, refunds(tt.refund))
				time.Sleep(time.Minute)
				ord, _ := srv.Order(tt.number)
				require.NotEmpty(t, ord.Pending)
				tt.then(c, srv)
				time.Sleep(time.Minute)
				ord, _ = srv.Order(tt.number)
				assert.Empty(t, ord.Pending)
				assert.True(t, srv.Paid()["USD"].Equal(dec(tt.paid)), "paid %s", srv.Paid())
			})
		})
	}
}

// Amazon left 5.00 of 7.50: the first refund of 3.00 is covered, the second not.
func TestPendingRefundsArePaidAsFarAsTheBalanceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		three := adjust(unshipped, "10000000000022", "Principal 3.00 USD", "RestockingFee -1.00 USD")
		login(t, srv, "Atzr|one").send(amazon.RefundFeed, refunds(three, three))
		time.Sleep(time.Minute)
		require.NoError(t, srv.Refund(amazon.ActorAmazon, unshipped, "10000000000022", order.Amounts{order.Principal: dec("2.50")}))
		require.NoError(t, srv.Ship(unshipped, "10000000000022", 1))
		assert.True(t, srv.Paid()["USD"].Equal(dec("4.50")), "paid %s", srv.Paid())
		ord, _ := srv.Order(unshipped)
		assert.Empty(t, ord.Pending)
	})
}

func TestItemCancelledInFullIsNotRefundedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		c.send(amazon.RefundFeed, refunds(cancelling(adjust(partly, "10000000000032", "Principal 1.00 USD"), "1", "NoInventory")))
		again := c.send(amazon.RefundFeed, refunds(adjust(partly, "10000000000032", "Principal 1.00 USD")))
		time.Sleep(time.Minute)
		r := c.read(again)
		require.Len(t, r.Results, 1)
		assert.Contains(t, r.Results[0].Text, "item is cancelled")
	})
}

func TestShipIsRefused(t *testing.T) {
	srv := open(t, amazontest.Config{})
	tests := map[string]struct {
		number, item string
		units        int
		text         string
	}{
		"unknown order":   {"999-0000000-0000000", "10000000000021", 1, "unknown"},
		"unknown item":    {unshipped, "10000000000099", 1, "no item"},
		"cancelled order": {cancelled, "10000000000051", 1, "is cancelled"},
		"too many":        {unshipped, "10000000000021", 3, "want 1 to 2"},
		"none":            {unshipped, "10000000000021", 0, "want 1 to 2"},
		"already shipped": {shipped, "10000000000011", 1, "want 1 to 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, srv.Ship(tt.number, tt.item, tt.units), tt.text)
		})
	}
	require.NoError(t, srv.Ship(pending, "10000000000041", 2))
	ord, _ := srv.Order(pending)
	assert.Equal(t, amazon.OrderShipped, ord.Status)
}

func TestRefundsThatNoFeedAskedFor(t *testing.T) {
	usd := func(c order.Component, amount string) order.Amounts { return order.Amounts{c: dec(amount)} }
	tests := map[string]struct {
		by           amazon.Actor
		number, item string
		amounts      order.Amounts
		text         string // of the error; empty: it is carried out
		paid         string
		left         string // principal
	}{
		"staff":                              {amazon.ActorMerchant, shipped, "10000000000011", usd(order.Principal, "5"), "", "5", "15"},
		"staff, goodwill":                    {amazon.ActorMerchant, shipped, "10000000000011", usd(order.Goodwill, "5"), "", "5", "20"},
		"staff, above the balance":           {amazon.ActorMerchant, shipped, "10000000000011", usd(order.Principal, "20.01"), "is left", "0", "20"},
		"staff, above the cap":               {amazon.ActorMerchant, shipped, "10000000000011", usd(order.Goodwill, "50.01"), "above the 50.00 USD", "0", "20"},
		"staff, before shipment":             {amazon.ActorMerchant, unshipped, "10000000000021", usd(order.Principal, "5"), "", "0", "15"},
		"staff, cancelled order":             {amazon.ActorMerchant, cancelled, "10000000000051", usd(order.Principal, "5"), "is cancelled", "0", "0"},
		"Amazon":                             {amazon.ActorAmazon, shipped, "10000000000011", usd(order.Principal, "5"), "", "5", "15"},
		"Amazon, above the balance":          {amazon.ActorAmazon, shipped, "10000000000011", usd(order.Principal, "25"), "", "25", "0"},
		"Amazon, before shipment":            {amazon.ActorAmazon, unshipped, "10000000000021", usd(order.Principal, "5"), "", "5", "15"},
		"Amazon, cancelled order":            {amazon.ActorAmazon, cancelled, "10000000000051", usd(order.Principal, "5"), "", "5", "0"},
		"Amazon, above the concessions' cap": {amazon.ActorAmazon, shipped, "10000000000011", usd(order.Goodwill, "60"), "", "60", "20"},
		"nobody":                             {"", shipped, "10000000000011", usd(order.Principal, "5"), "want MERCHANT or AMAZON", "0", "20"},
		"unknown order":                      {amazon.ActorAmazon, "999-0000000-0000000", "1", usd(order.Principal, "5"), "unknown", "0", "0"},
		"unknown item":                       {amazon.ActorAmazon, shipped, "1", usd(order.Principal, "5"), "no such item", "0", "0"},
		"nothing":                            {amazon.ActorAmazon, shipped, "10000000000011", nil, "no amounts", "0", "20"},
		"below zero":                         {amazon.ActorAmazon, shipped, "10000000000011", usd(order.Principal, "-5"), "below zero", "0", "20"},
		"deduction":                          {amazon.ActorAmazon, shipped, "10000000000011", usd(order.RestockingFee, "5"), "is a deduction", "0", "20"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := open(t, amazontest.Config{ConcessionCap: dec("50")})
			err := srv.Refund(tt.by, tt.number, tt.item, tt.amounts)
			require.Equal(t, tt.text != "", err != nil, "error %v", err)
			if err != nil {
				require.ErrorContains(t, err, tt.text)
			}
			assert.True(t, srv.Paid()["USD"].Equal(dec(tt.paid)), "paid %s", srv.Paid())
			ord, _ := srv.Order(tt.number)
			assert.True(t, ord.Left(tt.item)[order.Principal].Equal(dec(tt.left)), "left %s", ord.Left(tt.item))
			for _, p := range srv.Ledger() {
				assert.Equal(t, tt.by, p.By)
				assert.Empty(t, p.Feed)
				assert.Equal(t, merchant, p.Seller)
				assert.Equal(t, tt.number, p.Order)
				assert.EqualValues(t, "USD", p.Currency)
			}
		})
	}
}

// What Amazon refunded beyond the charge is no debt of the buyer's: it does not
// lower what a whole refund pays for the other components.
func TestWholeRefundAfterAmazonRefundedTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		require.NoError(t, srv.Refund(amazon.ActorAmazon, partly, "10000000000031", order.Amounts{order.Tax: dec("2")}))
		login(t, srv, "Atzr|one").send(amazon.CancelFeed, cancels(acknowledge(partly, "Failure", "10000000000032 NoInventory")))
		time.Sleep(time.Minute)
		assert.True(t, srv.Paid()["USD"].Equal(dec("34.90")), "paid %s, want 2.00 by Amazon and 32.90 of the rest", srv.Paid())
	})
}

func TestWarningIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		require.NoError(t, srv.Warn(shipped, 18030, "Look twice."))
		doc := refunds(
			adjust(shipped, "10000000000011", "Principal 1.00 USD"),
			adjust(shipped, "10000000000011", "Principal 99.00 USD"),
			adjust(yen, "10000000000071", "Principal 1 JPY"),
		)
		first := c.send(amazon.RefundFeed, doc)
		time.Sleep(time.Minute)
		require.NoError(t, srv.Warn(shipped, 0, ""))
		second := c.send(amazon.RefundFeed, doc)
		time.Sleep(time.Minute)

		var got []string
		for _, res := range c.read(first).Results {
			got = append(got, res.Message+" "+res.Result)
		}
		assert.Equal(t, []string{"1 Warning", "2 Warning", "2 Error"}, got)
		assert.Len(t, c.read(second).Results, 1)
		assert.True(t, srv.Paid()["USD"].Equal(dec("2")), "paid %s", srv.Paid())

		report, err := amazon.DecodeProcessingReport(strings.NewReader(string(srv.Feeds()[0].Report)))
		require.NoError(t, err)
		assert.Equal(t, &amazon.Summary{Processed: 3, Successful: 2, WithError: 1, WithWarning: 2}, report.Summary)
		assert.Error(t, srv.Warn("", 1, "x"))
	})
}

// Whatever feeds, staff and shipments do, in any order: no component is refunded
// or promised beyond its charge, and the ledger says what the balances say.
func TestBalancesHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		srv := open(t, amazontest.Config{Now: func() time.Time { return now }})
		c := login(t, srv, "Atzr|one")
		number := rapid.SampledFrom([]string{shipped, unshipped, partly}).Draw(rt, "order")
		start, _ := srv.Order(number)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			item := rapid.SampledFrom(start.Items).Draw(rt, "item").ID
			amount := rapid.SampledFrom([]string{"2.50", "7.50", "20.00"}).Draw(rt, "amount")
			switch rapid.SampledFrom([]string{"feed", "cancel", "staff", "ship"}).Draw(rt, "step") {
			case "feed":
				c.send(amazon.RefundFeed, refunds(adjust(number, item, "Principal "+amount+" USD")))
			case "cancel":
				c.send(amazon.CancelFeed, cancels(acknowledge(number, "Failure", start.Items[0].ID+" NoInventory", start.Items[1].ID+" NoInventory")))
			case "staff":
				_ = srv.Refund(amazon.ActorMerchant, number, item, order.Amounts{order.Principal: dec(amount)}) // may be refused
			case "ship":
				_ = srv.Ship(number, item, 1) // there may be nothing left to ship
			}
			now = now.Add(time.Minute)

			ord, _ := srv.Order(number)
			paid := map[string]order.Amounts{}
			for _, p := range srv.Ledger() {
				paid[p.Item] = paid[p.Item].Plus(order.Amounts{p.Component: p.Amount})
			}
			for _, it := range ord.Items {
				promised := order.Amounts{}
				for _, p := range ord.Pending {
					if p.Item == it.ID {
						promised = promised.Plus(order.Amounts{p.Component: p.Amount})
					}
				}
				if !it.Refunded.Equal(paid[it.ID]) {
					rt.Fatalf("item %s: refunded %s, the ledger has %s", it.ID, it.Refunded, paid[it.ID])
				}
				if err := order.CheckAmounts(it.Charges.Minus(it.Refunded).Minus(promised), ord.Currency); err != nil {
					rt.Fatalf("item %s: %v", it.ID, err)
				}
				if it.Shipped > 0 && len(promised) > 0 || ord.Status == amazon.OrderCancelled && len(ord.Pending) > 0 {
					rt.Fatalf("item %s: %s is pending for ever", it.ID, promised)
				}
			}
		}
	})
}
