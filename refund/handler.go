package refund

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
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
	now := l.With(corrections...)
	for _, line := range r.Lines {
		if of := f.orderLine(line.Item); line.Outcome == LineOpen && (of.Item == "" || of.Shipped == 0) {
			return fmt.Errorf("item %s: %w", line.Item, ErrNotShipped)
		}
		left := now.Left(line.Item)
		for _, c := range left.Components() {
			if c.Charged() && left[c].IsNegative() {
				return fmt.Errorf("item %s: %s is overdrawn: %s more is posted and reserved than the order says was charged", line.Item, c, order.Format(left[c].Neg(), r.Currency))
			}
		}
	}
	return nil
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
// or left reserved, as its entry now says.
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
		c, err := settle(refund, ledgers[e.Order], e, set.Policy)
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

// settle is what an entry's new state means for its refund.
func settle(r Refund, l order.Ledger, e queue.Entry, p settings.Policy) (Change, error) {
	s := e.Changed
	s.At = s.At.UTC()
	c := Change{Writes: order.Writes{Order: l.Order, Version: l.Version}}
	results := map[string]queue.Result{}
	for _, res := range e.Attempt().Results {
		results[res.Part] = res
	}
	r.Lines = slices.Clone(r.Lines)
	for i := range r.Lines {
		line := &r.Lines[i]
		var ps []order.Posting
		var err error
		said := results[line.Item]
		to := outcome(e.State, said.Verdict, line.Outcome)
		if to == line.Outcome {
			continue
		}
		switch line.Outcome = to; to {
		case LinePosted:
			ps = l.Post(r.Cause(), line.Item, s)
		case LineVoided:
			ps = l.Void(r.Cause(), line.Item, s)
			if e.State != queue.EntryRejected && e.State != queue.EntryWithdrawn { // those have results of earlier attempts at most
				line.Code, line.Text = said.Code, said.Text
			}
		case LineOpen:
			ps, err = l.Reserve(r.Cause(), line.Item, line.Amounts, r.OverRefund, s)
			line.Code, line.Text = 0, ""
		}
		if err != nil {
			return Change{}, fmt.Errorf("refund %s: %w", r.ID, err)
		}
		c.Postings = append(c.Postings, ps...)
		l = l.With(ps...)
	}
	c.Refunds, c.Entries = []Refund{r}, []queue.Entry{e}
	c.Effect(payment(l, p), r.HostOrder, s)
	c.Effect(note("Refund %s of %s: %s.%s", r.ID, r.Total(), e.State.Label(), because(s.Why)), r.HostOrder, s)
	c.Event(order.EventResult, "refund "+string(r.ID), string(e.State)+because(s.Why), s)
	return c, nil
}

// outcome is what becomes of a line's reservation in a state of its entry.
func outcome(s queue.State, v amazon.Verdict, now Outcome) Outcome {
	switch {
	case now == LinePosted:
		return now
	case s == queue.EntryQueued:
		return LineOpen
	case s == queue.EntryRejected, s == queue.EntryWithdrawn:
		return LineVoided
	case now != LineOpen:
		return now
	case v == amazon.VerdictAccepted:
		return LinePosted
	case v == amazon.VerdictRefused:
		return LineVoided
	}
	return LineOpen // nobody knows yet: the money stays reserved
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " " + why
}
