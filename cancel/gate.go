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
	May     bool
	Why     []string // why not; empty when May
	Version int64    // of the order's head: what HandOver compares with

	gates []Gate
}

// MayShip says whether an order may leave the house: not while a cancellation
// is queued or was carried out, not after one was refused or given up until a
// person opened the gate, not while a hold stands, and not when the order is cancelled
// or void. It is a function of its arguments alone.
func MayShip(f Facts) Pass {
	p := Pass{Order: f.Ledger.Order, Version: f.Ledger.Version}
	no := func(format string, args ...any) { p.Why = append(p.Why, fmt.Sprintf(format, args...)) }
	gates := map[order.ID]Gate{}
	for _, g := range f.Gates {
		gates[g.HostOrder] = g
	}
	for _, o := range f.Orders {
		g := gates[o.ID]
		g.HostOrder, g.Order = o.ID, o.Amazon
		p.gates = append(p.gates, g)
		if o.Status == order.StatusCancelled || o.Status == order.StatusVoid {
			no("order %s is %s", o.ID, o.Status)
		}
		for _, h := range o.Holds {
			// Our own hold only shows what the cancellations below say.
			if h.Owner != order.HeldByCancellation {
				no("order %s is held by %s: %s", o.ID, h.Owner, h.Why)
			}
		}
	}
	for _, c := range f.Cancellations {
		switch {
		case c.Outcome == Open || c.Outcome == Cancelled:
			no("cancellation %s is %s", c.ID, c.Outcome)
		case c.closes(gates[c.HostOrder]):
			how := "was refused by Amazon"
			if c.Outcome == GivenUp {
				how = "was given up"
			}
			no("cancellation %s %s, and nobody has opened the gate", c.ID, how)
		}
	}
	if len(f.Orders) == 0 {
		no("order %s is not in the host's order book", p.Order)
	}
	p.May = len(p.Why) == 0
	return p
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
// again. st may be bound to the host's transaction. The stamp says who hands
// over and when. Handing over again, with a new Pass, keeps the first stamp.
func (p Pass) HandOver(ctx context.Context, st Store, s order.Stamp) error {
	if p.May && len(p.gates) == 0 {
		return fmt.Errorf("order %s: %w: the pass is not one that MayShip gave", p.Order, ErrClosed)
	}
	if !p.May {
		return fmt.Errorf("order %s: %w: %s", p.Order, ErrClosed, strings.Join(p.Why, "; "))
	}
	if s.By == "" || s.At.IsZero() {
		return fmt.Errorf("hand over order %s: stamp by %q at %s: say who hands over, and when", p.Order, s.By, s.At.Format(time.RFC3339))
	}
	s.At = s.At.UTC()
	c := Change{Writes: order.Writes{Order: p.Order, Version: p.Version}}
	for _, g := range p.gates {
		if g.HandedOver.At.IsZero() {
			g.HandedOver = s
		}
		c.Gates = append(c.Gates, g)
	}
	c.Event(order.EventGate, "order "+p.Order.Number, "handed over", s)
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
// order's status comes back. Opening a gate that no such cancellation closes is an
// error.
func (s *Service) Open(ctx context.Context, id order.AmazonID, by, why string) error {
	if by == "" {
		return fmt.Errorf("open gate of order %s: nobody opens it: say who", id.Number)
	}
	f, err := s.facts(ctx, Request{Order: id})
	if err != nil {
		return fmt.Errorf("open gate of order %s: %w", id.Number, err)
	}
	stamp := order.Stamp{By: by, At: s.c.Now().UTC(), Why: why}
	c := Change{Writes: order.Writes{Order: id, Version: f.Ledger.Version}}
	for _, g := range MayShip(f).gates {
		closing := slices.DeleteFunc(slices.Clone(f.Cancellations), func(c Cancellation) bool {
			return c.HostOrder != g.HostOrder || !c.closes(g)
		})
		if len(closing) == 0 {
			continue
		}
		g.Opened = stamp
		for _, ended := range closing {
			// The clock of whoever recorded the end may be ahead of ours.
			if !g.Opened.At.After(ended.Ended.At) {
				g.Opened.At = ended.Ended.At.Add(time.Microsecond)
			}
		}
		c.Gates = append(c.Gates, g)
		c.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByCancellation}}, g.HostOrder, stamp)
		// The first of them found the order as it was before all.
		c.status(closing[0], closing[0].Before, stamp, order.StatusProblemOrder)
	}
	if len(c.Gates) == 0 {
		return fmt.Errorf("open gate of order %s: no cancellation that was refused or given up closes it", id.Number)
	}
	c.Event(order.EventGate, "order "+id.Number, "opened", stamp)
	if err := s.c.Store.SaveCancellations(ctx, []Change{c}); err != nil {
		return fmt.Errorf("open gate of order %s: %w", id.Number, err)
	}
	return nil
}
