package refund

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Prepare implements [queue.Handler]: one message for each line whose money is
// still reserved.
func (s *Service) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	refunds, ledgers, err := s.load(ctx, es)
	if err != nil {
		return nil, err
	}
	var ids []order.AmazonID
	for _, e := range es {
		ids = append(ids, e.Order)
	}
	found, err := s.c.Book.Orders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	orders := map[order.AmazonID][]order.Order{}
	for _, o := range found {
		orders[o.Amazon] = append(orders[o.Amazon], o)
	}
	var prepared []queue.Prepared
	for _, e := range es {
		refund, ok := refunds[e.ID]
		if !ok {
			continue
		}
		p := prepare(e, refund, ledgers[e.Order])
		if why := changed(orders[e.Order], ledgers[e.Order], refund); why != nil && p.Aside == nil {
			p.Aside = &queue.Aside{State: queue.EntryQueued, Why: why.Error()}
		}
		prepared = append(prepared, p)
	}
	return prepared, nil
}

// changed tells what an order has become since its refund was issued, when that
// keeps the refund from being sent: the host changed it, or more went back to the
// buyer than was charged. The refund waits with its reservation, so that nothing
// is decided for good by an order that may be put right.
func changed(orders []order.Order, l order.Ledger, r Refund) error {
	f := Facts{Orders: orders}
	if len(orders) == 0 {
		return errors.New("the host's order book does not have the order any more")
	}
	for _, o := range orders {
		if err := order.Check(o); err != nil {
			return err
		}
		if o.Fulfilment == order.ByAmazon {
			return ErrAmazonFulfilled
		}
	}
	corrections, err := l.Charge(order.Stamp{}, orders...)
	if err != nil {
		return err
	}
	for _, line := range r.Lines {
		if of := f.orderLine(line.Item); line.Outcome == LineOpen && (of.Item == "" || of.Shipped == 0) {
			return fmt.Errorf("item %s: %w", line.Item, ErrNotShipped)
		}
	}
	return l.With(corrections...).Over(r.OverRefund)
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
// in which Amazon is known to have paid it, whatever the entry says.
func (s *Service) Apply(ctx context.Context, es []queue.Entry) error {
	return queue.ApplyTogether(ctx, es, s.apply)
}

func (s *Service) apply(ctx context.Context, es []queue.Entry) error {
	refunds, ledgers, err := s.load(ctx, es)
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
		c, err := settle(refund, ledgers[e.Order], e, set.Policy, s.c.Now())
		if err != nil {
			return err
		}
		changes = append(changes, c)
		// A second refund of the order is decided on what the first one leaves.
		after := ledgers[e.Order].With(c.Postings...)
		after.Version++
		ledgers[e.Order] = after
	}
	return s.c.Store.SaveRefunds(ctx, changes)
}
