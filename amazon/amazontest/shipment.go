package amazontest

import (
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Ship confirms the shipment of so many units of an order item, now. Refunds of
// the item that were accepted before ([Order.Pending]) are paid, but for those
// that the balance no longer covers: Amazon may have refunded it meanwhile. An order
// that was pending is taken as paid by its buyer. A cancelled order, an unknown
// order or item and more units than are waiting are errors.
func (s *Server) Ship(orderNumber, item string, units int) error {
	return s.change(func(b *books) error {
		o := b.Orders[orderNumber]
		if o == nil {
			return fmt.Errorf("ship order %s: it is unknown; seed it first", orderNumber)
		}
		it := o.item(item)
		switch {
		case it == nil:
			return fmt.Errorf("ship order %s: it has no item %s", orderNumber, item)
		case o.Status == amazon.OrderCancelled:
			return fmt.Errorf("ship order %s: it is cancelled", orderNumber)
		case units < 1 || units > it.waiting():
			return fmt.Errorf("ship order %s, item %s: %d units, want 1 to %d, which are neither shipped nor cancelled", orderNumber, item, units, it.waiting())
		}
		now := s.now()
		after := o.clone()
		b.Payments = append(b.Payments, after.ship(item, units, now)...)
		o.become(after, now)
		return nil
	})
}

// ship ships units of an item and pays what was accepted of it before.
func (o *Order) ship(item string, units int, now time.Time) []Payment {
	it := o.item(item)
	it.Shipped += units
	o.Status = o.shipping()
	var paid []Payment
	for due := o.forget(item); len(due) > 0; {
		n := slices.IndexFunc(due, func(p Payment) bool { return !p.together(due[0]) })
		if n < 0 {
			n = len(due)
		}
		if o.covers(item, due[:n]) {
			for _, p := range due[:n] {
				p.Time = now
				o.pay(it, p)
				paid = append(paid, p)
			}
		}
		due = due[n:]
	}
	return paid
}

// together tells whether two payments of an item are parts of one refund.
func (p Payment) together(q Payment) bool {
	return p.Feed == q.Feed && p.Message == q.Message && p.Time.Equal(q.Time)
}

// covers tells whether enough is left of an item for a refund.
func (o *Order) covers(item string, refund []Payment) bool {
	after := o.Left(item)
	for _, p := range refund {
		if p.Component.Charged() {
			after = after.Minus(order.Amounts{p.Component: p.Amount})
		}
	}
	return order.CheckAmounts(after, o.Currency) == nil
}

// forget takes an item's refunds out of those that are pending.
func (o *Order) forget(item string) []Payment {
	var taken []Payment
	o.Pending = slices.DeleteFunc(o.Pending, func(p Payment) bool {
		if p.Item == item {
			taken = append(taken, p)
		}
		return p.Item == item
	})
	return taken
}
