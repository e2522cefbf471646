package takeback_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	ord "github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
)

// Amazon's answer about a refund is lost. A settlement shows that it was paid, and
// the queue finds out: in either order it is posted once.
func TestASettlementAndTheQueuePostOnce(t *testing.T) {
	for name, settledFirst := range map[string]bool{"the settlement first": true, "the queue first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, settings.Settings{}, 1)
				o.fake.FateOf(func(amazontest.Feed) amazontest.Fate { return amazontest.Fate{End: amazon.FeedFatal, Messages: 1} })
				asked := o.refundOne(t, 0, "one")
				o.stepFor(t, 5*time.Minute)
				require.Equal(t, queue.EntryUnknownResult, o.entry(t, asked.ID).State)
				amounts := asked.Lines[0].Amounts
				file := settlementOf(asked, time.Now())
				if settledFirst {
					o.settle(t, file, settlement.MatchUnanswered)
					assert.Zero(t, o.refund(t, asked.ID).Lines[0].Paid)
				}
				o.stepFor(t, 72*time.Hour)
				require.Equal(t, queue.EntryAccepted, o.entry(t, asked.ID).State)
				if !settledFirst {
					o.settle(t, file, settlement.MatchSettled)
				}
				line := o.refund(t, asked.ID).Lines[0]
				assert.Equal(t, refund.Settled, line.Proof)
				assert.Equal(t, refund.LinePosted, line.Outcome)
				ls, err := o.store.Ledgers(t.Context(), []ord.AmazonID{amazonID(0)})
				require.NoError(t, err)
				assert.True(t, ls[0].Sum(ord.Posted, item(0)).Equal(amounts))
				o.assertBooksAgree(t, 1)
				ends, err := o.desk.Settlements.OpenEnds(t.Context(), settlement.EndsQuery{})
				require.NoError(t, err)
				assert.Empty(t, ends.Ends)
			})
		})
	}
}

func (o *office) refund(t *testing.T, id queue.EntryID) refund.Refund {
	t.Helper()
	r, err := o.desk.Refunds.Refund(t.Context(), id)
	require.NoError(t, err)
	return r
}

// seller is the account of every office.
var seller = amazon.Account{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []ord.MarketplaceID{"ATVPDKIKX0DER"}}

// settle imports a settlement of one booking.
func (o *office) settle(t *testing.T, file string, want settlement.Match) {
	t.Helper()
	in, err := o.desk.Settlements.Import(t.Context(), seller, settlement.AmazonFormat, amazon.ReportMeta{Name: "900.txt"}, strings.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, map[settlement.Match]int{want: 1}, in.Bookings)
}

// settlementOf is a report that shows one refund.
func settlementOf(r refund.Refund, at time.Time) string {
	var b strings.Builder
	b.WriteString("settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tadjustment-id\t" +
		"amount-type\tamount-description\tamount\tposted-date-time\torder-item-code\tsku\n")
	day := func(d int) string { return at.UTC().AddDate(0, 0, d).Format("2006-01-02 15:04:05 UTC") }
	fmt.Fprintf(&b, "900\t%s\t%s\t%s\t%s\tUSD\n", day(-1), day(13), day(15), r.Total().Amount.Neg().StringFixed(2))
	for _, l := range r.Lines {
		for _, c := range l.Amounts.Components() {
			fmt.Fprintf(&b, "900\t\t\t\t\t\tRefund\t%s\tamzn1:crow:1\tItemPrice\t%s\t%s\t%s\t%s\t%s\n",
				r.Order.Number, c, l.Amounts[c].Neg().StringFixed(2), day(0), l.Item, l.SKU)
		}
	}
	return b.String()
}
