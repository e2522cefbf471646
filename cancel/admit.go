package cancel

import (
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
)

// admit refuses what must not be cancelled.
func (f Facts) admit(r Request, t target) error {
	if r.ZeroOut && !f.Settings.AllowZeroOutInventory {
		return fmt.Errorf("zero out the stock: %w: switch on AllowZeroOutInventory, or ask without it", ErrNotAllowed)
	}
	if r.Local && !f.Settings.AllowLocalCancel {
		return fmt.Errorf("Do Not Send To Amazon: %w: switch on AllowLocalCancel, or ask without it", ErrNotAllowed)
	}
	if _, err := r.Reason.Cancel(); err != nil {
		return err
	}
	for _, o := range f.Orders {
		if err := order.Check(o); err != nil {
			return err
		}
		switch {
		case o.Fulfilment == order.ByAmazon:
			return fmt.Errorf("%w: ask the buyer to cancel at Amazon", ErrAmazonFulfilled)
		case f.Account.ID != r.Order.Account:
			return fmt.Errorf("account %s is unknown: add it to Accounts", r.Order.Account)
		case f.Account.Company != o.ID.Company:
			return fmt.Errorf("account %s belongs to company %s, order %s does not", f.Account.ID, f.Account.Company, o.ID)
		case !t.part && o.Shipping() != order.Unshipped:
			return fmt.Errorf("%w: order %s is %s: refund what was shipped, and split off what was not", ErrShipped, o.ID, o.Shipping())
		}
	}
	ids := []order.ID{t.from}
	for _, o := range t.carriers {
		switch {
		case over(o):
			return fmt.Errorf("order %s is %s already", o.ID, o.Status)
		case o.Shipping() != order.Unshipped:
			return fmt.Errorf("%w: order %s is %s: refund what was shipped, and split off what was not", ErrShipped, o.ID, o.Shipping())
		}
		ids = append(ids, o.ID)
	}
	if f.gone() { // the order book may not show it yet
		return fmt.Errorf("%w: Amazon shows the order as cancelled", ErrKeyReused)
	}
	// The split of a part that was taken back comes about too.
	for _, c := range f.pendingSplits() {
		switch {
		case c.Outcome == Dropped && !t.part:
			continue
		case f.refusedSplit(c):
			return fmt.Errorf("%w: the order book refused to split %s off from %s for cancellation %s: withdraw that first", ErrSplitPending, c.HostOrder, c.SplitFrom, c.ID)
		}
		return fmt.Errorf("%w: %s is split off from %s by cancellation %s: ask again when it is", ErrSplitPending, c.HostOrder, c.SplitFrom, c.ID)
	}
	gates := slices.DeleteFunc(slices.Clone(f.Gates), func(g Gate) bool { return !slices.Contains(ids, g.HostOrder) })
	asked := Cancellation{HostOrder: t.carriers[0].ID, Order: r.Order, Part: t.part}
	rivals := slices.DeleteFunc(slices.Clone(f.Cancellations), func(c Cancellation) bool {
		return !asked.rivals(c) && !(t.from != order.ID{} && c.covers(t.from))
	})
	if err := alone(gates, rivals); err != nil {
		return err
	}
	if t.part && !r.Local && !f.remains(t.others) {
		return fmt.Errorf("%w: nothing of it has shipped, and its other host orders are cancelled or being cancelled: withdraw those that wait, and ask for Whole", ErrNothingLeft)
	}
	return nil
}

// alone refuses another cancellation beside one that is open or was carried
// out, and any of an order that was handed over.
func alone(gates []Gate, others []Cancellation) error {
	for _, g := range gates {
		if !g.HandedOver.At.IsZero() {
			return fmt.Errorf("%w by %s at %s: refund it when it is shipped", ErrHandedOver, g.HandedOver.By, g.HandedOver.At.Format(time.RFC3339))
		}
	}
	for _, c := range others {
		switch c.Outcome {
		case Open:
			return fmt.Errorf("%w: %s asks for the same (%s): withdraw it first", ErrKeyReused, c.ID, c.Outcome)
		case Cancelled:
			return fmt.Errorf("%w: %s asks for the same (%s)", ErrKeyReused, c.ID, c.Outcome)
		}
	}
	return nil
}

// pendingSplits are the cancellations, dropped ones among them, whose part the order book
// does not show yet. One that it refused to split off never shows: that counts only while
// its cancellation is open, since somebody has to withdraw it.
func (f Facts) pendingSplits() []Cancellation {
	return slices.DeleteFunc(slices.Clone(f.Cancellations), func(c Cancellation) bool {
		return c.SplitFrom == order.ID{} || c.Outcome != Open && f.refusedSplit(c) ||
			slices.ContainsFunc(f.Orders, func(o order.Order) bool { return o.ID == c.HostOrder })
	})
}

// refusedSplit tells whether the order book refused to split the part off.
func (f Facts) refusedSplit(c Cancellation) bool { return slices.Contains(f.Unsplit, c.ID) }

// remains tells whether something was shipped, or is left to be, of host orders that
// share the Amazon order with a part.
func (f Facts) remains(others []order.Order) bool {
	return slices.ContainsFunc(others, func(o order.Order) bool {
		return o.Shipping() != order.Unshipped || !over(o) && !f.underCancellation(o.ID)
	})
}

// underCancellation tells whether a host order is being cancelled, or was.
func (f Facts) underCancellation(id order.ID) bool {
	return slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool {
		return c.Order == f.Ledger.Order && (c.Outcome == Open || c.Outcome == Cancelled) && c.covers(id)
	})
}
