package cancel

import (
	"slices"

	"github.com/takebackhq/takeback/order"
)

// hold makes the holds follow the wishes: while one is undecided, every host order
// of the Amazon order that can be held is; after the last one, ours are released.
// Back says whether a released order gets its status back.
func (w *wishes) hold(back bool) {
	var held []HeldOrder
	for _, r := range w.f.Requests {
		if len(r.Holds) > 0 {
			held = r.Holds // all undecided wishes of an order have the same
		}
	}
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
		if !slices.Equal(r.Holds, holds) {
			r.Holds, w.touched[r.Item] = slices.Clone(holds), true
		}
	}
}

func (w *wishes) holdMore(held []HeldOrder) []HeldOrder {
	for _, o := range w.f.Orders {
		if w.f.late(o) != "" || slices.ContainsFunc(held, func(h HeldOrder) bool { return h.ID == o.ID }) {
			continue
		}
		held = append(slices.Clone(held), HeldOrder{o.ID, o.Status})
		w.ch.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{
			Owner: order.HeldByBuyer, Why: "the buyer asked to cancel", Since: w.s.At,
		}}, o.ID, w.s)
		if o.Status == order.StatusInProcess {
			w.status(o.ID, order.StatusOnHold, order.StatusInProcess)
		}
	}
	return held
}

// release ends our hold of a host order. Its status comes back if it is the one
// that our hold gave it, and nobody else holds the order.
func (w *wishes) release(h HeldOrder, back bool) {
	w.ch.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByBuyer}}, h.ID, w.s)
	if back && h.Before == order.StatusInProcess && !w.f.heldByOthers(h.ID) {
		w.status(h.ID, h.Before, order.StatusOnHold)
	}
}

// heldByOthers tells whether a host order is held by anybody but a buyer's wish.
func (f Facts) heldByOthers(id order.ID) bool {
	return slices.ContainsFunc(f.Orders, func(o order.Order) bool {
		return o.ID == id && slices.ContainsFunc(o.Holds, func(h order.Hold) bool { return h.Owner != order.HeldByBuyer })
	}) || slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool {
		return c.HostOrder == id && c.Outcome == Open
	})
}

func (w *wishes) status(id order.ID, to, expect order.Status) {
	w.ch.Effect(order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: to, Expect: []order.Status{expect}}}, id, w.s)
}
