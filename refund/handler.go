package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Prepare implements [queue.Handler]: one message for each line whose money is
// still reserved. A refund is set aside while its units are not shipped, its order is
// held by the host or was changed, and for a person to decide when its units were
// cancelled instead, or when money of its lines went back meanwhile.
func (s *Service) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	refunds, ledgers, err := s.load(ctx, es)
	if err != nil {
		return nil, err
	}
	facts, err := s.standing(ctx, ledgers)
	if err != nil {
		return nil, err
	}
	var prepared []queue.Prepared
	for _, e := range es {
		refund, ok := refunds[e.ID]
		if !ok {
			continue
		}
		p := prepare(e, refund, ledgers[e.Order])
		if p.Aside == nil {
			p.Aside = facts[e.Order].hinders(refund)
		}
		prepared = append(prepared, p)
	}
	return prepared, nil
}

// standing reads how orders stand, after their ledgers. Their other refunds and
// cancellations are read where they matter: where not all is shipped, money went back,
// or settlements showed something.
func (s *Service) standing(ctx context.Context, ledgers map[order.AmazonID]order.Ledger) (map[order.AmazonID]*Facts, error) {
	ids := slices.Collect(maps.Keys(ledgers))
	carriers, err := s.carriers(ctx, ids)
	if err != nil {
		return nil, err
	}
	facts := map[order.AmazonID]*Facts{}
	for _, id := range ids {
		f := &Facts{Ledger: ledgers[id], Orders: carriers[id]}
		if f.Booked, err = s.booked(ctx, id); err != nil {
			return nil, err
		}
		facts[id] = f
	}
	var involved []order.AmazonID
	for id, f := range facts {
		moved := !f.Ledger.TotalBy(order.Posted, order.CauseRefund).IsZero()
		if moved || len(f.Booked) > 0 || slices.ContainsFunc(f.Orders, unfinished) {
			involved = append(involved, id)
		}
	}
	if len(involved) == 0 {
		return facts, nil
	}
	refunds, err := s.c.Store.Refunds(ctx, Query{Orders: involved})
	if err != nil {
		return nil, err
	}
	for _, r := range refunds {
		facts[r.Order].Refunds = append(facts[r.Order].Refunds, r)
	}
	cancellations, err := s.cancellations(ctx, involved...)
	if err != nil {
		return nil, err
	}
	for _, e := range cancellations {
		facts[e.Order].Cancellations = append(facts[e.Order].Cancellations, e)
	}
	return facts, nil
}

// unfinished reports whether units of an order were not shipped, or will not be.
func unfinished(o order.Order) bool {
	return slices.ContainsFunc(o.Lines, func(l order.Line) bool { return l.Shipped < l.Ordered })
}

// hinders tells what has come between a refund and its sending since it was issued.
// That its units are not shipped, or never will be, comes before what is overdrawn: a
// host that cancels units may lower their charges, and waiting would not end that.
func (f Facts) hinders(r Refund) *queue.Aside {
	if err := f.changed(); err != nil {
		return &queue.Aside{State: queue.EntryQueued, Why: err.Error()}
	}
	for i, l := range r.Lines {
		if l.Outcome != LineOpen {
			continue
		}
		if aside := f.awaited(r, i); aside != nil {
			return aside
		}
	}
	if err := f.overdrawn(r); err != nil {
		return &queue.Aside{State: queue.EntryQueued, Why: err.Error()}
	}
	return f.revealed(r)
}

// changed tells what the host made of an order, when that keeps its refunds from being
// sent: it changed or holds it. They wait with their reservations, so that nothing is
// decided for good by an order that may be put right.
func (f Facts) changed() error {
	if len(f.Orders) == 0 {
		return errors.New("the host's order book does not have the order any more")
	}
	for _, o := range f.Orders {
		if err := order.Check(o); err != nil {
			return err
		}
		if o.Fulfilment == order.ByAmazon {
			return ErrAmazonFulfilled
		}
		for _, h := range o.Holds {
			if h.Owner == order.HeldByHost {
				return fmt.Errorf("order %s is on hold: %s", o.ID, cmp.Or(h.Why, "no reason given"))
			}
		}
	}
	return nil
}

// overdrawn tells that more went back to the buyer, or is promised, than was charged by
// what the host's orders say now. That may be put right too, and the refund waits.
func (f Facts) overdrawn(r Refund) error {
	corrections, err := f.Ledger.Charge(order.Stamp{}, f.Orders...)
	if err != nil {
		return err
	}
	return f.Ledger.With(corrections...).Over(r.OverRefund)
}

func prepare(e queue.Entry, r Refund, l order.Ledger) queue.Prepared {
	p := queue.Prepared{Entry: e.ID, Order: order.Writes{Order: l.Order, Version: l.Version}}
	for i, line := range r.Lines {
		if line.Outcome != LineOpen {
			continue
		}
		if held := l.Held(r.Cause(), line.Item); !held.Equal(line.Amounts) {
			p.Aside = &queue.Aside{State: queue.EntryNeedsDecision,
				Why: fmt.Sprintf("item %s: %s is reserved where the refund has %s", line.Item, held.In(r.Currency), line.Amounts.In(r.Currency))}
			return p
		}
		p.Messages = append(p.Messages, queue.PreparedMessage{Part: line.Item, Message: message(r, line, i, len(e.Attempts)+1)})
	}
	return p
}

// load reads the refunds of entries and the ledgers of their orders.
func (s *Service) load(ctx context.Context, es []queue.Entry) (map[queue.EntryID]Refund, map[order.AmazonID]order.Ledger, error) {
	return queue.Load(ctx, es, s.c.Store.Ledgers, func(ctx context.Context, ids []queue.EntryID) ([]Refund, error) {
		return s.c.Store.Refunds(ctx, Query{IDs: ids})
	}, func(r Refund) queue.EntryID { return r.ID })
}

// Apply implements [queue.Handler]: each line is posted, voided, reserved again
// or left reserved, as its entry now says. A line is posted once for every attempt
// in which Amazon is known to have paid it, whatever the entry says. What Amazon
// refuses of it raises an alert, once an attempt, with Amazon's code and words for
// each line.
func (s *Service) Apply(ctx context.Context, es []queue.Entry) error {
	return queue.ApplyTogether(ctx, es, s.apply)
}

func (s *Service) apply(ctx context.Context, es []queue.Entry) error {
	refunds, ledgers, err := s.load(ctx, es)
	if err != nil {
		return err
	}
	carriers, err := s.carriers(ctx, slices.Collect(maps.Keys(ledgers)))
	if err != nil {
		return err
	}
	var changes []Change
	for _, e := range es {
		refund, ok := refunds[e.ID]
		if !ok {
			return fmt.Errorf("refund %s: %w", e.ID, store.ErrNotFound)
		}
		set, err := s.c.Settings.Settings(ctx, e.HostOrder.Company)
		if err != nil {
			return err
		}
		if paysAllTheSame(e, refund) {
			if refund.Seen, err = s.seen(ctx, e.Order); err != nil {
				return err
			}
		}
		c, err := settle(refund, ledgers[e.Order], carriers[e.Order], e, set.Policy, s.c.Now())
		if err != nil {
			return err
		}
		changes = append(changes, c)
		// A second refund of the order is decided on what the first one leaves.
		after := ledgers[e.Order].With(c.Postings...)
		after.Version++
		ledgers[e.Order] = after
	}
	if err := s.c.Store.SaveRefunds(ctx, changes); err != nil {
		return err
	}
	s.tellReturns(ctx, changes...)
	return nil
}

// carriers reads the host orders that carry these Amazon orders.
func (s *Service) carriers(ctx context.Context, ids []order.AmazonID) (map[order.AmazonID][]order.Order, error) {
	orders, err := s.c.Book.Orders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	of := map[order.AmazonID][]order.Order{}
	for _, o := range orders {
		of[o.Amazon] = append(of[o.Amazon], o)
	}
	return of, nil
}

// paysAllTheSame tells that a person has decided to send a refund which needed a
// decision: it is in the queue again, and has not ended.
func paysAllTheSame(e queue.Entry, r Refund) bool {
	if e.State != queue.EntryQueued || !r.Ended.At.IsZero() {
		return false
	}
	if len(e.Attempts) == 0 {
		return true
	}
	said := e.Attempt().Evidence
	return len(said) > 0 && said[len(said)-1].Kind == queue.EvidenceDecision
}

// seen names everything that a person could look at of what went back of an order.
func (s *Service) seen(ctx context.Context, id order.AmazonID) ([]string, error) {
	var f Facts
	var err error
	if f.Booked, err = s.booked(ctx, id); err != nil {
		return nil, err
	}
	if f.Refunds, err = s.c.Store.Refunds(ctx, Query{Orders: []order.AmazonID{id}}); err != nil {
		return nil, err
	}
	var names []string
	for _, b := range f.Booked {
		names = append(names, b.Name)
	}
	for _, b := range f.others() {
		names = append(names, b.name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
