package refund

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// shipped refuses a refund of units that are not confirmed as shipped, or by
// policy lets it wait for them.
func (f Facts) shipped(l order.Ledger, d *Draft, of order.Line, ask Ask, cur order.Currency) error {
	err := f.unshipped(l, of, ask, cur)
	if errors.Is(err, ErrNotShipped) && f.Settings.Policy.BeforeShipment == settings.BeforeShipmentWait {
		d.warn("item %s: %d of %d units are confirmed as shipped: the refund waits for the others, unsent", ask.Item, of.Shipped, of.Ordered-of.Cancelled)
		return nil
	}
	return err
}

func (f Facts) unshipped(l order.Ledger, of order.Line, ask Ask, cur order.Currency) error {
	refunded, toShip := f.unitsRefunded(ask.Item), of.Ordered-of.Cancelled
	switch free := of.Shipped - refunded; {
	case of.Cancelled < of.Ordered && ask.Units > toShip-refunded:
		return fmt.Errorf("item %s: %d units: %w: %d of %d are shipped and %d refunded: ask for at most %d",
			ask.Item, ask.Units, order.ErrOver, of.Shipped, of.Ordered, refunded, max(0, free))
	case of.Shipped == 0:
		return fmt.Errorf("item %s: %w: cancel instead", ask.Item, ErrNotShipped)
	case ask.Units > free:
		return fmt.Errorf("item %s: %d units: %w: %d of %d are shipped and %d refunded: ask for at most %d, and cancel the others",
			ask.Item, ask.Units, ErrNotShipped, of.Shipped, of.Ordered, refunded, max(0, free))
	case ask.Amounts == nil || of.Shipped >= toShip:
		return nil
	}
	whole := remaining(l, ask.Item)
	taken := whole.Minus(l.Left(ask.Item))
	left := order.Prorate(whole, of.Shipped, toShip, cur).Minus(taken)
	for _, c := range ask.Amounts.Components() {
		if c.Charged() && ask.Amounts[c].GreaterThan(left[c]) {
			return fmt.Errorf("item %s: %s of %s is more than the %s left of the %d shipped of %d units: %w: cancel the others", ask.Item,
				order.Format(ask.Amounts[c], cur), c, order.Format(decimal.Max(decimal.Zero, left[c]), cur), of.Shipped, toShip, ErrNotShipped)
		}
	}
	return nil
}

// awaited tells why the i-th line of a refund cannot be sent yet: not all that it
// pays for is shipped. Refunds that were asked for before it come first.
func (f Facts) awaited(r Refund, i int) *queue.Aside {
	before := Facts{Orders: f.Orders, Ledger: f.Ledger}
	for _, e := range f.Refunds {
		if cmp.Or(e.Issued.At.Compare(r.Issued.At), cmp.Compare(e.ID, r.ID)) <= 0 {
			before.Refunds = append(before.Refunds, e)
		}
	}
	line := r.Lines[i]
	of, refunded := f.orderLine(line.Item), before.unitsRefunded(line.Item)
	toShip := of.Ordered - of.Cancelled
	switch {
	case of.Item == "":
		return &queue.Aside{State: queue.EntryQueued, Why: fmt.Sprintf("item %s is in none of the host's orders any more", line.Item)}
	case toShip < of.Ordered && (toShip == 0 || line.Units > 0 && refunded > toShip):
		return &queue.Aside{State: queue.EntryNeedsDecision, Why: fmt.Sprintf("item %s: %d of its %d units were cancelled instead of shipped, so there is nothing to give back for them", line.Item, of.Ordered-toShip, of.Ordered)}
	case of.Shipped == 0, line.Units > 0 && refunded > of.Shipped, before.beyondShipped(r, i, of, toShip):
		return &queue.Aside{State: queue.EntryAwaitingShipment, Why: fmt.Sprintf("item %s: %s: %d of %d are", line.Item, ErrNotShipped, of.Shipped, toShip)}
	}
	return nil
}

// cancelled reports whether the units of an item in a host order that were not shipped
// never will be: the order is cancelled, or it is a part whose cancellation stands.
func (f Facts) cancelled(o order.Order, item string) bool {
	return o.Status == order.StatusCancelled || slices.ContainsFunc(f.Cancellations, func(e queue.Entry) bool {
		c := order.Cause{Kind: order.CauseCancellation, ID: string(e.ID)}
		return e.HostOrder == o.ID && !(f.Ledger.Held(c, item).IsZero() && f.Ledger.PostedBy(c, item).IsZero())
	})
}

// remaining is what was charged for the units of an item that are not cancelled.
func remaining(l order.Ledger, item string) order.Amounts {
	return l.Sum(order.Charged, item).
		Minus(l.SumBy(order.Posted, order.CauseCancellation, item)).
		Minus(l.SumBy(order.Reserved, order.CauseCancellation, item))
}

// beyondShipped tells that exact amounts, with what the refunds so far hold, are
// more than what the shipped units cost.
func (f Facts) beyondShipped(r Refund, i int, of order.Line, toShip int) bool {
	if i >= len(r.Asked) || r.Asked[i].Amounts == nil || of.Shipped >= toShip {
		return false
	}
	taken := f.Ledger.Sum(order.Posted, of.Item).Minus(f.Ledger.SumBy(order.Posted, order.CauseCancellation, of.Item))
	for _, e := range f.Refunds {
		taken = taken.Plus(f.Ledger.Held(e.Cause(), of.Item))
	}
	share := order.Prorate(remaining(f.Ledger, of.Item), of.Shipped, toShip, r.Currency)
	for _, c := range r.Lines[i].Amounts.Components() {
		if c.Charged() && taken[c].GreaterThan(share[c]) {
			return true
		}
	}
	return false
}
