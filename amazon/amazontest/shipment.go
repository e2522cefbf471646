package amazontest

import (
	"fmt"
	"slices"
	"time"
)

// Ship confirms the shipment of so many units of an order item, now. Refunds of
// the item that were accepted before ([Order.Pending]) are paid, each amount
// that the balance still allows: Amazon may have refunded it meanwhile. An order
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
		case o.Status == Canceled:
			return fmt.Errorf("ship order %s: it is cancelled", orderNumber)
		case units < 1 || units > it.waiting():
			return fmt.Errorf("ship order %s, item %s: %d units, want 1 to %d, which are neither shipped nor cancelled", orderNumber, item, units, it.waiting())
		}
		now := s.now()
		after := o.clone()
		b.Payments = append(b.Payments, after.ship(item, units, now)...)
		*o = after
		return nil
	})
}

// ship ships units of an item and pays what was accepted of it before.
func (o *Order) ship(item string, units int, now time.Time) []Payment {
	it := o.item(item)
	it.Shipped += units
	o.Status = o.shipping()
	var paid []Payment
	for _, p := range o.forget(item) {
		if p.Component.Charged() && p.Amount.GreaterThan(it.Charges.Minus(it.Refunded)[p.Component]) {
			continue
		}
		p.Time = now
		o.pay(it, p)
		paid = append(paid, p)
	}
	return paid
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
