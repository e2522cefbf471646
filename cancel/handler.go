package cancel

import (
	"context"
	"fmt"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Prepare implements [queue.Handler]: one message that lists every item of the
// order. An order that was shipped or split meanwhile is not cancelled any more.
func (s *Service) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	cancellations, ledgers, err := s.load(ctx, es)
	if err != nil {
		return nil, err
	}
	var ids []order.AmazonID
	for _, e := range es {
		ids = append(ids, e.Order)
	}
	orders, err := s.c.Book.Orders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	carriers := map[order.AmazonID]int{}
	aside := map[order.AmazonID]*queue.Aside{}
	no := func(id order.AmazonID, state queue.State, format string, args ...any) {
		aside[id] = &queue.Aside{State: state, Why: fmt.Sprintf(format, args...)}
	}
	for _, id := range ids {
		no(id, queue.EntryQueued, "the host's order book does not have the order any more")
	}
	for _, o := range orders {
		delete(aside, o.Amazon)
	}
	for _, o := range orders {
		if carriers[o.Amazon]++; carriers[o.Amazon] > 1 {
			no(o.Amazon, queue.EntryNeedsDecision, "several host orders share the Amazon order: Amazon would cancel them all")
		}
	}
	for _, o := range orders {
		if o.Shipping() != order.Unshipped {
			no(o.Amazon, queue.EntryNeedsDecision, "the order is %s: Amazon would refund all of it", o.Shipping())
		}
	}
	var prepared []queue.Prepared
	for _, e := range es {
		c, ok := cancellations[e.ID]
		if !ok {
			continue
		}
		l := ledgers[e.Order]
		p := queue.Prepared{
			Entry: e.ID, Order: order.Writes{Order: l.Order, Version: l.Version},
			Messages: []queue.PreparedMessage{{Message: message(c)}},
		}
		if p.Aside = aside[e.Order]; p.Aside == nil {
			p.Aside = settled(c, l)
		}
		prepared = append(prepared, p)
	}
	return prepared, nil
}

// settled keeps back what Amazon did meanwhile: the cancellation itself in an
// attempt that was taken not to be sent, or more refunds than was charged, which
// somebody must look at first.
func settled(c Cancellation, l order.Ledger) *queue.Aside {
	if c.Outcome == Cancelled {
		return &queue.Aside{State: queue.EntryNeedsDecision, Why: "the order is cancelled already"}
	}
	if over := l.Over(false); over != nil {
		return &queue.Aside{State: queue.EntryQueued, Why: over.Error()}
	}
	return nil
}

// load reads the cancellations of entries and the ledgers of their orders.
func (s *Service) load(ctx context.Context, es []queue.Entry) (map[queue.EntryID]Cancellation, map[order.AmazonID]order.Ledger, error) {
	return queue.Load(ctx, es, s.c.Store.Ledgers, func(ctx context.Context, ids []queue.EntryID) ([]Cancellation, error) {
		return s.c.Store.Cancellations(ctx, Query{IDs: ids})
	}, func(c Cancellation) queue.EntryID { return c.ID })
}

// Apply implements [queue.Handler]: the order follows what became of its
// cancellation. Once Amazon is known to have carried it out, in whichever attempt,
// the order is cancelled, whatever the entry says.
func (s *Service) Apply(ctx context.Context, es []queue.Entry) error {
	return queue.ApplyTogether(ctx, es, s.apply)
}

func (s *Service) apply(ctx context.Context, es []queue.Entry) error {
	cancellations, ledgers, err := s.load(ctx, es)
	if err != nil {
		return err
	}
	var changes []Change
	for _, e := range es {
		c, ok := cancellations[e.ID]
		if !ok {
			return fmt.Errorf("cancellation %s: %w", e.ID, store.ErrNotFound)
		}
		set, err := s.c.Settings.Settings(ctx, e.HostOrder.Company)
		if err != nil {
			return err
		}
		var gates []Gate
		if c.again(e) {
			if gates, err = s.again(ctx, c); err != nil {
				return err
			}
		}
		change, err := settle(c, ledgers[e.Order], e, set.Policy, s.c.Now())
		if err != nil {
			return err
		}
		change.Gates = gates
		changes = append(changes, change)
		after := ledgers[e.Order].With(change.Postings...)
		after.Version++
		ledgers[e.Order] = after
	}
	return s.c.Store.SaveCancellations(ctx, changes)
}

// again refuses to queue a cancellation anew when it was carried out after all, its
// order was handed over, or another one has taken its place. What it reads is newer
// than the head. It answers the gate as it shall be: that somebody opened it once
// says nothing about the next refusal.
func (s *Service) again(ctx context.Context, c Cancellation) ([]Gate, error) {
	if c.Outcome == Cancelled {
		return nil, fmt.Errorf("cancellation %s: the order is cancelled, so there is nothing to try again: %w", c.ID, queue.ErrTransition)
	}
	gates, err := s.c.Store.Gates(ctx, []order.ID{c.HostOrder})
	if err != nil {
		return nil, err
	}
	others, err := s.c.Store.Cancellations(ctx, Query{Orders: []order.AmazonID{c.Order}})
	if err != nil {
		return nil, err
	}
	if err := alone(gates, others); err != nil {
		return nil, fmt.Errorf("cancellation %s of order %s: %w", c.ID, c.Order.Number, err)
	}
	for i := range gates {
		gates[i].Opened = order.Stamp{}
	}
	return gates, nil
}
