package cancel

import (
	"slices"

	"github.com/takebackhq/takeback/order"
)

// catchUp has host orders stand as they will once the book has heard all that was
// decided here: that a cancellation was dropped, that no wish of the buyer is undecided
// any more. It shows our hold until then, because that is released last. What is decided
// meanwhile would else take what we did for the host's own doing.
func (f *Facts) catchUp() {
	f.Orders = slices.Clone(f.Orders)
	for i := range f.Orders {
		o := &f.Orders[i]
		if c, dropped := f.lastDropped(o.ID); dropped && drop(o, order.HeldByCancellation) && o.Status == c.Shown {
			o.Status = f.returnsTo(c, o.ID)
		}
		if len(f.holds()) == 0 && drop(o, order.HeldByBuyer) && len(o.Holds) == 0 && o.Status == order.StatusOnHold {
			o.Status = order.StatusInProcess // no other one is held for a buyer
		}
	}
}

// drop takes the hold of an owner off an order, and tells whether it had it.
func drop(o *order.Order, owner order.HoldOwner) bool {
	holds := slices.DeleteFunc(slices.Clone(o.Holds), func(h order.Hold) bool { return h.Owner == owner })
	had := len(holds) < len(o.Holds)
	o.Holds = holds
	return had
}

// lastDropped finds the last cancellation of a host order, if all of them were dropped.
func (f Facts) lastDropped(id order.ID) (last Cancellation, dropped bool) {
	for _, c := range f.Cancellations {
		switch {
		case c.Order != f.Ledger.Order || !c.carries(id):
		case c.Outcome != Dropped:
			return c, false
		case !dropped || c.Requested.At.After(last.Requested.At):
			last, dropped = c, true
		}
	}
	return last, dropped
}
