package takeback_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	ord "github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
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
