package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
)

// Pass is the ship gate's answer about one Amazon order, as it was when asked.
type Pass struct {
	Order   order.AmazonID
	May     bool     // every host order of it may ship
	Why     []string // why not, of whichever; empty when May
	Version int64    // of the order's head: what HandOver compares with

	doors []door
}

// door is the answer about one host order.
type door struct {
	gate Gate
	why  []string
}

// MayShip says whether an order may leave the house: not while a cancellation is
// queued or was carried out, not after one was refused or given up until a person
// opened the gate, not while a hold stands or nobody has decided about a buyer's
// wish, and not when the order is cancelled, void or fulfilled by Amazon. Each host
// order that shares the Amazon order has its own answer, see [Pass.Of]: a part that is
// being cancelled does not keep the others. Only between the save that splits a part
// off and the split's showing in the order book none may ship, and none while a
// cancellation is open whose split the book refused. MayShip is a function of its
// arguments alone.
func MayShip(f Facts) Pass {
	p := Pass{Order: f.Ledger.Order, Version: f.Ledger.Version}
	gates := map[order.ID]Gate{}
	for _, g := range f.Gates {
		gates[g.HostOrder] = g
	}
	for _, o := range f.Orders {
		d := door{gate: gates[o.ID]}
		d.gate.HostOrder, d.gate.Order = o.ID, o.Amazon
		d.why = f.closed(o, d.gate)
		p.doors = append(p.doors, d)
	}
	return p.sum()
}

// closed tells why a host order may not ship.
func (f Facts) closed(o order.Order, g Gate) (why []string) {
	no := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if over(o) {
		no("order %s is %s", o.ID, o.Status)
	}
	if o.Fulfilment == order.ByAmazon {
		no("order %s is fulfilled by Amazon: Amazon ships it", o.ID)
	}
	for _, h := range o.Holds {
		// Our own hold only shows what the cancellations below say.
		if h.Owner != order.HeldByCancellation {
			no("order %s is held by %s: %s", o.ID, h.Owner, h.Why)
		}
	}
	for _, c := range f.Cancellations {
		switch {
		case !c.covers(o.ID):
		case c.Outcome == Open || c.Outcome == Cancelled:
			no("cancellation %s is %s", c.ID, c.Outcome)
		case c.closes(g):
			how := "was refused by Amazon"
			if c.Outcome == GivenUp {
				how = "was given up"
			}
			no("cancellation %s %s, and nobody has opened the gate", c.ID, how)
		}
	}
	for _, r := range f.Requests {
		if r.State == Undecided {
			no("the buyer asked to cancel %s: accept or decline it", r.what())
		}
	}
	for _, c := range f.unsplit(g) {
		if f.refusedSplit(c) {
			no("cancellation %s is %s, and the order book refused to split order %s off from %s for it: withdraw it", c.ID, c.Outcome, c.HostOrder, c.SplitFrom)
			continue
		}
		no("cancellation %s splits order %s off from %s, and the order book does not show it yet", c.ID, c.HostOrder, c.SplitFrom)
	}
	return why
}

// sum makes the answer about all host orders of the pass from theirs.
func (p Pass) sum() Pass {
	p.Why = nil
	for _, d := range p.doors {
		for _, why := range d.why {
			if !slices.Contains(p.Why, why) {
				p.Why = append(p.Why, why)
			}
		}
	}
	if len(p.doors) == 0 {
		p.Why = []string{fmt.Sprintf("order %s is not in the host's order book", p.Order)}
	}
	p.May = len(p.Why) == 0
	return p
}

// Of is the answer about some of the host orders that share the Amazon order. One
// that does not carry it may not ship.
func (p Pass) Of(hostOrders ...order.ID) Pass {
	doors := p.doors
	p.doors = nil
	for _, id := range hostOrders {
		i := slices.IndexFunc(doors, func(d door) bool { return d.gate.HostOrder == id })
		if i < 0 {
			p.doors = append(p.doors, door{Gate{HostOrder: id}, []string{fmt.Sprintf("order %s does not carry Amazon order %s", id, p.Order)}})
			continue
		}
		p.doors = append(p.doors, doors[i])
	}
	return p.sum()
}

// unsplit are the cancellations whose split the order book has yet to carry out, also of
// what was taken back: units may still go to another host order. A person may know of
// those that it never will.
func (f Facts) unsplit(g Gate) []Cancellation {
	return slices.DeleteFunc(f.pendingSplits(), func(c Cancellation) bool {
		return c.Outcome == Dropped && g.Opened.At.After(c.Ended.At)
	})
}

// closes tells a cancellation without effect after which nobody has said that the
// order shall ship.
func (c Cancellation) closes(g Gate) bool {
	return (c.Outcome == Refused || c.Outcome == GivenUp) && !g.Opened.At.After(c.Ended.At)
}

// ErrClosed refuses a hand-over of an order that may not ship.
var ErrClosed = errors.New("order may not ship")

// HandOver records that the parcel leaves, if nothing about the Amazon order
// changed since the gate was asked; otherwise it answers store.ErrConflict: ask
// again. It is for the host orders that are named, or for all of the pass when none
// is; if one of them may not ship, nothing is recorded and the error is ErrClosed. st
// may be bound to the host's transaction. The stamp says who hands over and when.
// Handing over again, with a new Pass, keeps the first stamp.
func (p Pass) HandOver(ctx context.Context, st Store, s order.Stamp, hostOrders ...order.ID) error {
	if p.May && len(p.doors) == 0 {
		return fmt.Errorf("order %s: %w: the pass is not one that MayShip gave", p.Order, ErrClosed)
	}
	all := len(p.doors)
	if len(hostOrders) > 0 {
		p = p.Of(hostOrders...)
	}
	if !p.May {
		return fmt.Errorf("order %s: %w: %s", p.Order, ErrClosed, strings.Join(p.Why, "; "))
	}
	if s.By == "" || s.At.IsZero() {
		return fmt.Errorf("hand over order %s: stamp by %.40q at %s: say who hands over, and when", p.Order, s.By, s.At.Format(time.RFC3339))
	}
	if err := order.CheckActor(s.By); err != nil {
		return fmt.Errorf("hand over order %s: %w", p.Order, err)
	}
	s.At = s.At.UTC()
	c := Change{Writes: order.Writes{Order: p.Order, Version: p.Version}}
	text := "handed over"
	for _, d := range p.doors {
		if !d.gate.HandedOver.At.IsZero() {
			continue
		}
		d.gate.HandedOver = s
		c.Gates = append(c.Gates, d.gate)
		if all > 1 {
			text += " " + d.gate.HostOrder.String()
		}
	}
	if len(c.Gates) > 0 { // else it only makes sure that nothing has changed
		c.Event(order.EventGate, "order "+p.Order.Number, text, s)
	}
	if err := st.SaveCancellations(ctx, []Change{c}); err != nil {
		return fmt.Errorf("hand over order %s: %w", p.Order, err)
	}
	return nil
}

// MayShip asks the gate about an Amazon order.
func (s *Service) MayShip(ctx context.Context, id order.AmazonID) (Pass, error) {
	f, err := s.facts(ctx, Request{Order: id})
	if err != nil {
		return Pass{}, fmt.Errorf("ship gate of order %s: %w", id.Number, err)
	}
	return MayShip(f), nil
}

// Open opens the gate after a cancellation was refused by Amazon or given up: a
// person decided that the order shall ship after all. Our hold is released, and the
// order's status comes back. It opens too where a cancellation was taken back before the
// order book carried out its split, and never will. Opening a gate that no such
// cancellation closes is an error.
func (s *Service) Open(ctx context.Context, id order.AmazonID, by, why string) error {
	if err := order.CheckActor(by); err != nil {
		return fmt.Errorf("open gate of order %s: %w", id.Number, err)
	}
	f, err := s.facts(ctx, Request{Order: id})
	if err != nil {
		return fmt.Errorf("open gate of order %s: %w", id.Number, err)
	}
	stamp := order.Stamp{By: by, At: s.c.Now().UTC(), Why: why}
	c := Change{Writes: order.Writes{Order: id, Version: f.Ledger.Version}}
	var closed []Cancellation
	for _, d := range MayShip(f).doors {
		g := d.gate
		closing := slices.DeleteFunc(slices.Clone(f.Cancellations), func(c Cancellation) bool {
			return !c.covers(g.HostOrder) || !c.closes(g)
		})
		dropped := slices.DeleteFunc(f.unsplit(g), func(c Cancellation) bool { return c.Outcome != Dropped })
		if len(closing)+len(dropped) == 0 {
			continue
		}
		g.Opened = stamp
		for _, ended := range slices.Concat(closing, dropped) {
			// The clock of whoever recorded the end may be ahead of ours.
			if !g.Opened.At.After(ended.Ended.At) {
				g.Opened.At = ended.Ended.At.Add(time.Microsecond)
			}
		}
		c.Gates, closed = append(c.Gates, g), append(closed, closing...)
		if len(closing) == 0 {
			continue
		}
		c.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByCancellation}}, g.HostOrder, stamp)
		// The first of them found the order as it was before all.
		c.statusOf(Carrier{HostOrder: g.HostOrder}, f.returnsTo(closing[0], g.HostOrder), stamp, order.StatusProblemOrder)
	}
	if len(c.Gates) == 0 {
		return fmt.Errorf("open gate of order %s: no cancellation that was refused or given up closes it, and none that was taken back before its split", id.Number)
	}
	c.Event(order.EventGate, "order "+id.Number, "opened", stamp)
	c.shipAfterAll(f, closed, stamp)
	if err := s.c.Store.SaveCancellations(ctx, []Change{c}); err != nil {
		return fmt.Errorf("open gate of order %s: %w", id.Number, err)
	}
	return nil
}
