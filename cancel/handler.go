package cancel

import (
	"context"
	"fmt"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
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
		p.Aside = aside[e.Order]
		prepared = append(prepared, p)
	}
	return prepared, nil
}

// load reads the cancellations of entries and the ledgers of their orders.
func (s *Service) load(ctx context.Context, es []queue.Entry) (map[queue.EntryID]Cancellation, map[order.AmazonID]order.Ledger, error) {
	return queue.Load(ctx, es, s.c.Store.Ledgers, func(ctx context.Context, ids []queue.EntryID) ([]Cancellation, error) {
		return s.c.Store.Cancellations(ctx, Query{IDs: ids})
	}, func(c Cancellation) queue.EntryID { return c.ID })
}

// Apply implements [queue.Handler]: the order follows what became of its
// cancellation.
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
		if e.State == queue.EntryQueued && c.Outcome != Open {
			if gates, err = s.again(ctx, c); err != nil {
				return err
			}
		}
		change, err := settle(c, ledgers[e.Order], e, set.Policy)
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

// again refuses to queue a cancellation anew when its order was handed over, or
// another one has taken its place. What it reads is newer than the head. It
// answers the gate as it shall be: that somebody opened it once says nothing
// about the next refusal.
func (s *Service) again(ctx context.Context, c Cancellation) ([]Gate, error) {
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

// settle is what an entry's new state means for its cancellation and its order.
func settle(c Cancellation, l order.Ledger, e queue.Entry, p settings.Policy) (Change, error) {
	s := e.Changed
	s.At = s.At.UTC()
	ch := Change{Writes: order.Writes{Order: l.Order, Version: l.Version}, Entries: []queue.Entry{e}}
	var result queue.Result
	if rs := e.Attempt().Results; len(rs) > 0 {
		result = rs[0]
	}
	if e.State.Final() {
		c.Ended = s
	}
	switch e.State {
	case queue.EntryAccepted:
		c.Outcome = Cancelled
		for _, item := range c.Items {
			ps := l.Post(c.Cause(), item, s)
			ch.Postings, l = append(ch.Postings, ps...), l.With(ps...)
		}
		ch.status(c, order.StatusCancelled, s)
		ch.Effect(order.Effect{Kind: order.EffectPayment, Payment: &order.Payment{
			Status: l.PaymentStatus(), Pending: l.Pending(), Refunded: l.TotalBy(order.Posted, order.CauseRefund), Currency: l.Currency(),
		}}, c.HostOrder, s)
		ch.note(c, s, "Cancellation %s: accepted by Amazon.", c.ID)
	case queue.EntryRefused:
		c.Outcome, c.Code, c.Text = Refused, result.Code, result.Text
		ch.void(c, l, s)
		ch.status(c, order.StatusProblemOrder, s)
		ch.note(c, s, "Cancellation %s: refused by Amazon. The order must not ship until somebody decides. Amazon says: %d %s", c.ID, c.Code, c.Text)
		ch.Alert(fmt.Sprintf("refused/%s/%d", c.ID, len(e.Attempts)), "cancellation "+string(c.ID), fmt.Sprintf("refused by Amazon: %d %s", c.Code, c.Text), s)
	case queue.EntryRejected, queue.EntryWithdrawn:
		c.Outcome = Dropped
		ch.void(c, l, s)
		ch.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByCancellation}}, c.HostOrder, s)
		ch.status(c, c.Before, s, order.StatusOnHold, order.StatusCancelled)
		ch.note(c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	case queue.EntryQueued:
		if c.Outcome == Open {
			break // Amazon cancelled the feed: nothing happened, everything is as it was
		}
		c.Outcome, c.Code, c.Text, c.Ended = Open, 0, "", order.Stamp{}
		ps, err := reserve(l, c, s)
		if err != nil {
			return Change{}, fmt.Errorf("cancellation %s: %w", c.ID, err)
		}
		ch.Postings = ps
		ch.hold(c, p, s)
	default:
		ch.note(c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	}
	ch.Cancellations = []Cancellation{c}
	ch.Event(order.EventResult, "cancellation "+string(c.ID), string(e.State), s)
	return ch, nil
}

func (ch *Change) void(c Cancellation, l order.Ledger, s order.Stamp) {
	for _, item := range c.Items {
		ps := l.Void(c.Cause(), item, s)
		ch.Postings, l = append(ch.Postings, ps...), l.With(ps...)
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " " + why
}
