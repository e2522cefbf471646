package cancel

import (
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
)

// hold makes the holds follow the wishes: while one is undecided, every host order
// of the Amazon order that can be held is; after the last one, ours are released.
// Back says whether a released order gets its status back.
func (w *wishes) hold(back bool) {
	held := w.f.holds()
	undecided := slices.ContainsFunc(w.all, func(r BuyerRequest) bool { return r.State == Undecided && r.HostOrder.Number != "" })
	switch {
	case undecided:
		held = w.holdMore(held)
	default:
		for _, h := range held {
			w.release(h, back)
		}
		held = nil
	}
	for i := range w.all {
		r := &w.all[i]
		var holds []HeldOrder
		if r.State == Undecided {
			holds = held
		}
		if slices.Equal(r.Holds, holds) {
			continue
		}
		if r.Version > 0 && len(holds) > 0 {
			w.ch.Changed(order.EventChanged, r.subject()+": held", heldNumbers(r.Holds), heldNumbers(holds), w.s)
		}
		r.Holds, w.touched[r.Item] = slices.Clone(holds), true
	}
}

func heldNumbers(holds []HeldOrder) string {
	var numbers []string
	for _, h := range holds {
		numbers = append(numbers, h.ID.Number)
	}
	return strings.Join(numbers, ", ")
}

func (w *wishes) holdMore(held []HeldOrder) []HeldOrder {
	for _, o := range w.f.Orders {
		isHeld := slices.ContainsFunc(held, func(h HeldOrder) bool { return h.ID == o.ID })
		if !isHeld && w.f.late(o) == "" {
			held = append(slices.Clone(held), HeldOrder{o.ID, w.f.unheld(o)})
			w.ch.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{
				Owner: order.HeldByBuyer, Why: "the buyer asked to cancel", Since: w.s.At,
			}}, o.ID, w.s)
		} else if !isHeld || !slices.Contains(w.back, o.ID) {
			continue
		}
		if o.Status == order.StatusInProcess {
			w.status(o.ID, order.StatusOnHold, order.StatusInProcess)
		}
	}
	return held
}

// unheld is the status that a host order would have without the cancellation that is
// under way for it.
func (f Facts) unheld(o order.Order) order.Status {
	for _, c := range f.Cancellations {
		if c.Order == o.Amazon && c.Outcome == Open && c.carries(o.ID) {
			return c.before(o.ID)
		}
	}
	return o.Status
}

// release ends our hold of a host order, and of the parts that were split off from
// it meanwhile. Its status comes back before that if it is the one that our hold gave it,
// and nobody else keeps the order: see [Facts.catchUp].
func (w *wishes) release(h HeldOrder, back bool) {
	if back && w.f.givesBack(h) {
		w.status(h.ID, h.Before, order.StatusOnHold)
	}
	w.free(h.ID)
	for _, c := range w.f.Cancellations {
		if c.SplitFrom == h.ID {
			w.free(c.HostOrder)
		}
	}
}

// givesBack tells whether the end of our hold gives a host order its status back.
func (f Facts) givesBack(h HeldOrder) bool {
	i := slices.IndexFunc(f.Orders, func(o order.Order) bool { return o.ID == h.ID })
	if h.Before != order.StatusInProcess || i < 0 || f.keeps(h.ID) {
		return false
	}
	o := f.Orders[i]
	others := slices.ContainsFunc(o.Holds, func(h order.Hold) bool { return h.Owner != order.HeldByBuyer })
	// The book may not show yet what our hold did.
	return !others && (o.Status == order.StatusOnHold || o.Status == h.Before)
}

// keeps tells whether a cancellation decides on the status of a host order: one that
// was carried out, or one under way that found it there.
func (f Facts) keeps(id order.ID) bool {
	return slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool {
		return c.Order == f.Ledger.Order && (c.Outcome == Cancelled && c.covers(id) || c.Outcome == Open && c.carries(id))
	})
}

func (w *wishes) free(id order.ID) {
	w.ch.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByBuyer}}, id, w.s)
}

func (w *wishes) status(id order.ID, to, expect order.Status) {
	w.ch.Effect(order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: to, Expect: []order.Status{expect}}}, id, w.s)
}
