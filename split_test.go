package takeback_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	ord "github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
)

// One of two units is split off and cancelled: it waits until the other one is
// shipped, goes as an adjustment, and Amazon gives back what was paid for it. Never
// is the whole order cancelled.
func TestASplitCancellationReachesAmazon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{}, 2)
		const n = 1 // not shipped
		c, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{
			Order: amazonID(n), Split: []ord.LineQuantity{{Item: item(n), Quantity: 1}}, SplitTo: "SO-1-B",
			Reason: amazon.ReasonNoInventory, By: "ben",
		})
		require.NoError(t, err)
		o.stepFor(t, time.Hour)
		assert.Equal(t, queue.EntryAwaitingShipment, o.entry(t, c.ID).State)
		assert.Equal(t, ord.StatusOnHold, o.book.order("SO-1-B").Status)
		gate, err := o.desk.Cancels.MayShip(t.Context(), amazonID(n))
		require.NoError(t, err)
		assert.True(t, gate.Of(ord.ID{Company: "acme", Number: "SO-1"}).May)
		assert.False(t, gate.Of(c.HostOrder).May)

		require.NoError(t, o.fake.Ship(amazonID(n).Number, item(n), 1))
		o.book.ship("SO-1")
		o.stepFor(t, 2*time.Hour)
		assert.Equal(t, queue.EntryAccepted, o.entry(t, c.ID).State)
		assert.Equal(t, ord.StatusCancelled, o.book.order("SO-1-B").Status)
		assert.Equal(t, "21.65", o.fake.Paid()["USD"].String())
		seen, err := o.desk.Cancels.Cancellation(t.Context(), c.ID)
		require.NoError(t, err)
		assert.Equal(t, cancel.Confirmed, seen.Proof)
	})
}

// ship says that all units of an order have left.
func (b *ledgerBook) ship(number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := ord.ID{Company: "acme", Number: number}
	for i, l := range b.orders[id].Lines {
		b.orders[id].Lines[i].Shipped = l.Ordered
	}
}

// split moves units to a new order.
func (b *ledgerBook) split(o ord.Order, e ord.Effect) (ord.Order, error) {
	rest, part, err := ord.Split(o, e.Split.To, e.Split.Lines)
	if err != nil {
		return o, err
	}
	b.orders[part.ID] = part
	return rest, nil
}

// What Amazon pays for a part shows in its settlement and in its books as a refund.
// Both are explained by the cancellation, whether Amazon gives our IDs back or not: no
// end stays open, the ledgers are equal, and the unit that was shipped can be refunded.
func TestASplitCancellationIsSettled(t *testing.T) {
	for name, ownIDs := range map[string]bool{"by its adjustment ID": true, "by what was paid": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, settings.Settings{}, 2)
				const n = 1 // not shipped
				begin := time.Now()
				c, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{
					Order: amazonID(n), Split: []ord.LineQuantity{{Item: item(n), Quantity: 1}}, SplitTo: "SO-1-B",
					Reason: amazon.ReasonNoInventory, By: "ben",
				})
				require.NoError(t, err)
				o.stepFor(t, time.Hour)
				require.NoError(t, o.fake.Ship(amazonID(n).Number, item(n), 1))
				o.book.ship("SO-1")
				o.stepFor(t, 72*time.Hour)
				require.Equal(t, queue.EntryAccepted, o.entry(t, c.ID).State)
				assert.Equal(t, ord.PartialPayment, o.book.payment["SO-1-B"])

				back, err := o.desk.Refunds.Issue(t.Context(), refund.Request{
					Order: amazonID(n), Lines: []refund.Ask{{Item: item(n), Units: 1}}, Reason: amazon.ReasonCustomerReturn,
					Key: "back", By: "anna", Look: true,
				})
				require.NoError(t, err, "what Amazon's books show is the part")
				assert.Equal(t, "21.65 USD", back.Total().String())
				o.stepFor(t, 2*time.Hour)
				require.Equal(t, queue.EntryAccepted, o.entry(t, back.ID).State)

				for range 2 { // the second time changes nothing
					file, err := o.fake.Settle(amazontest.Settlement{
						Seller: "A1EXAMPLE", Marketplace: "ATVPDKIKX0DER", Start: begin.Add(-time.Hour), End: time.Now(), ID: "900", OwnIDs: ownIDs,
					})
					require.NoError(t, err)
					_, err = o.desk.Settlements.Import(t.Context(), seller, settlement.AmazonFormat, amazon.ReportMeta{Name: "900.txt"}, bytes.NewReader(file.Body))
					require.NoError(t, err)
				}
				bookings, err := o.desk.Settlements.Bookings(t.Context(), settlement.BookingQuery{})
				require.NoError(t, err)
				require.Len(t, bookings, 2)
				assert.Equal(t, c.ID, bookings[0].Cancellation)
				assert.Equal(t, settlement.MatchCancelled, bookings[0].Match)
				assert.Equal(t, back.ID, bookings[1].Refund)
				assert.Equal(t, refund.Settled, o.refund(t, back.ID).Lines[0].Proof)
				ends, err := o.desk.Settlements.OpenEnds(t.Context(), settlement.EndsQuery{})
				require.NoError(t, err)
				assert.Empty(t, ends.Ends)
				assert.Equal(t, "1 of 21.65, 1 of 21.65", fmt.Sprintf("%d of %s, %d of %s",
					ends.Totals[0].Settled.Count, ends.Totals[0].Settled.Amount, ends.Totals[0].Cancelled.Count, ends.Totals[0].Cancelled.Amount))

				ledgers, err := o.store.Ledgers(t.Context(), []ord.AmazonID{amazonID(n)})
				require.NoError(t, err)
				paid := o.fake.PaidFor(amazonID(n).Number)
				require.Len(t, paid, 1)
				assert.True(t, ledgers[0].Sum(ord.Posted, item(n)).Equal(paid[amazontest.OriginFeed][item(n)]), "%s", paid)
				assert.Equal(t, "43.3", ledgers[0].Total(ord.Posted).String())
				assert.Zero(t, ledgers[0].Total(ord.Reserved).Sign())
			})
		})
	}
}
