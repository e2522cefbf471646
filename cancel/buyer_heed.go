package cancel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// ErrBuyerAsked refuses a cancellation under another reason than the buyer's where
// the buyer asked for it: Amazon would count it against the seller.
var ErrBuyerAsked = errors.New("the buyer asked for it")

// buyersReason refuses a cancellation that would reach Amazon under a reason that
// counts against the seller, though the buyer has asked for it, whatever was decided
// about that.
func (f Facts) buyersReason(c Cancellation) error {
	if c.Reason == amazon.ReasonBuyerCancelled || c.Local {
		return nil
	}
	for _, r := range f.Requests {
		if r.State != RequestOver && c.concerns(r.Item) {
			return fmt.Errorf("%w: %s for %s would count against the seller: cancel with %s", ErrBuyerAsked, r.what(), c.Reason, amazon.ReasonBuyerCancelled)
		}
	}
	return nil
}

// heed makes the buyer's wishes follow what a change makes of cancellations, in the
// same save.
func (ch *Change) heed(f Facts, s order.Stamp) {
	if len(f.Requests) == 0 {
		return
	}
	w := newWishes(f, s)
	w.ch = *ch
	w.f.Cancellations = slices.Clone(f.Cancellations)
	for _, c := range ch.Cancellations {
		if i := slices.IndexFunc(f.Cancellations, func(old Cancellation) bool { return old.ID == c.ID }); i >= 0 {
			w.f.Cancellations[i] = c
		} else {
			w.f.Cancellations = append(w.f.Cancellations, c)
		}
	}
	for _, c := range ch.Cancellations {
		if c.Outcome == Dropped {
			w.giveBack(c)
		}
		for i := range w.all {
			if r := &w.all[i]; c.concerns(r.Item) {
				w.heed(r, c)
			}
		}
	}
	*ch = w.change(true)
}

// heed is what a cancellation of the item means for a wish.
func (w *wishes) heed(r *BuyerRequest, c Cancellation) {
	granted := c.Outcome == Cancelled || c.Outcome == Open && c.Reason == amazon.ReasonBuyerCancelled
	gone := r.Item == "" || w.f.standing(r.Item) == 0
	switch {
	case c.Outcome == Cancelled && c.Proof == Confirmed && gone:
		if r.waits() && !w.f.beingCancelled(r.Item) {
			w.end(r, "it is cancelled at Amazon")
		}
	case granted && gone && r.State != RequestOver && (r.State != RequestAccepted || r.Entry != c.ID):
		w.become(r, RequestAccepted)
		r.Entry = c.ID
	case c.Outcome == Dropped && r.State == RequestAccepted && (r.Entry == c.ID || r.Item != "" && !gone):
		w.become(r, Undecided)
		w.alert(r, "again/"+string(c.ID), "cancellation %s is %s, and the buyer's wish to cancel %s stands: accept or decline it", c.ID, c.Outcome, r.what())
	}
}

// giveBack has the host orders of a dropped cancellation as they are without it.
func (w *wishes) giveBack(c Cancellation) {
	for i := range w.f.Orders {
		o := &w.f.Orders[i]
		if c.carries(o.ID) && !w.f.underCancellation(o.ID) && o.Status == c.Shown {
			o.Status = w.f.returnsTo(c, o.ID)
			w.back = append(w.back, o.ID)
		}
	}
}

// carries tells whether a host order was there when the cancellation was asked for, and
// got its hold and status from it.
func (c Cancellation) carries(id order.ID) bool {
	return slices.ContainsFunc(c.carriers(), func(o Carrier) bool { return o.HostOrder == id })
}

// beingCancelled tells whether Amazon has not answered all that was asked for about an
// item: units of it may still be cancelled for another reason.
func (f Facts) beingCancelled(item string) bool {
	return slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool { return c.Outcome == Open && c.concerns(item) })
}

// standing counts the units of an item that wait to be shipped and that nobody
// cancels.
func (f Facts) standing(item string) (units int) {
	var waiting []order.ID
	for _, o := range f.Orders {
		if l, ok := o.Line(item); ok && !over(o) {
			waiting = append(waiting, o.ID)
			units += max(0, l.Ordered-l.Cancelled-l.Shipped)
		}
	}
	for _, c := range f.Cancellations {
		if c.Order != f.Ledger.Order || c.ended() {
			continue
		}
		if !c.Part {
			return 0
		}
		if !slices.ContainsFunc(waiting, func(id order.ID) bool { return c.covers(id) || c.SplitFrom == id }) {
			continue
		}
		for _, u := range c.Units {
			if u.Item == item {
				units -= u.Quantity
			}
		}
	}
	return max(0, units)
}

// unhold has a cancellation remember the statuses that its host orders had before
// they were held for the buyer.
func (f Facts) unhold(c *Cancellation, t target) {
	for _, h := range f.holds() {
		c.setBefore(h.ID, h.Before)
		if h.ID == t.from {
			c.Before = h.Before
		}
	}
}

// heldFor is the status that the host orders of a cancellation may have because they
// are held for the buyer.
func (f Facts) heldFor(c Cancellation) []order.Status {
	for _, h := range f.holds() {
		if h.ID == c.SplitFrom || c.carries(h.ID) {
			return []order.Status{order.StatusOnHold}
		}
	}
	return nil
}

// holds are the host orders that are held for the buyer: each undecided wish of the
// Amazon order has them all.
func (f Facts) holds() []HeldOrder {
	for _, r := range f.Requests {
		if len(r.Holds) > 0 {
			return r.Holds
		}
	}
	return nil
}

// shipAfterAll takes the opening of the gate for a decline of the wishes whose
// cancellations were refused or given up.
func (ch *Change) shipAfterAll(f Facts, closing []Cancellation, s order.Stamp) {
	w := newWishes(f, s)
	w.ch = *ch
	for i := range w.all {
		r := &w.all[i]
		if r.State == RequestAccepted && slices.ContainsFunc(closing, func(c Cancellation) bool { return c.ID == r.Entry }) {
			w.become(r, RequestDeclined)
		}
	}
	*ch = w.change(true)
}
