package cancel

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Prepare implements [queue.Handler]: one message that lists every item of the
// order, or one for each item of a part. An order that was shipped or split meanwhile
// is not cancelled any more, and a part waits until the rest of its Amazon order is
// shipped.
func (s *Service) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	cancellations, ledgers, err := s.load(ctx, es)
	if err != nil {
		return nil, err
	}
	orders, err := s.c.Book.Orders(ctx, amazonIDs(es))
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	carriers := map[order.AmazonID][]order.Order{}
	for _, o := range orders {
		carriers[o.Amazon] = append(carriers[o.Amazon], o)
	}
	unsplit, err := s.refusedSplits(ctx, slices.Collect(maps.Values(cancellations)))
	if err != nil {
		return nil, err
	}
	siblings := byOrder(cancellations)
	requests, err := s.requests(ctx, amazonIDs(es))
	if err != nil {
		return nil, err
	}
	var prepared []queue.Prepared
	for _, e := range es {
		c, ok := cancellations[e.ID]
		if !ok {
			continue
		}
		f := Facts{Ledger: ledgers[e.Order], Orders: carriers[e.Order], Cancellations: siblings[e.Order], Unsplit: unsplit, Requests: requests[e.Order]}
		prepared = append(prepared, queue.Prepared{
			Entry: e.ID, Order: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version},
			Messages: messages(c, f.Ledger, e), Aside: f.aside(c),
		})
	}
	return prepared, nil
}

// aside tells why a cancellation is not sent now; nil: it is.
func (f Facts) aside(c Cancellation) *queue.Aside {
	no := func(state queue.State, format string, args ...any) *queue.Aside {
		return &queue.Aside{State: state, Why: fmt.Sprintf(format, args...)}
	}
	if len(f.Orders) == 0 {
		return no(queue.EntryQueued, "the host's order book does not have the order any more")
	}
	if c.Outcome == Cancelled { // by Amazon, or in an attempt that was taken not to be sent
		return no(queue.EntryNeedsDecision, "the order is cancelled already")
	}
	if over := f.Ledger.Over(false); over != nil { // more went back than was charged: somebody must look first
		return no(queue.EntryQueued, "%v", over)
	}
	if err := f.buyersReason(c); err != nil {
		return no(queue.EntryQueued, "%v: withdraw this one first", err)
	}
	if c.Part {
		return f.partAside(c, no)
	}
	for _, o := range f.Orders {
		switch {
		case !slices.ContainsFunc(c.carriers(), func(own Carrier) bool { return own.HostOrder == o.ID }) && !over(o):
			return no(queue.EntryNeedsDecision, "several host orders share the Amazon order: Amazon would cancel them all")
		case o.Shipping() != order.Unshipped:
			return no(queue.EntryNeedsDecision, "the order is %s: Amazon would refund all of it", o.Shipping())
		}
	}
	return nil
}

// partAside is aside for a part: it goes when all others of the Amazon order are
// shipped, as far as they are not cancelled themselves.
func (f Facts) partAside(c Cancellation, no func(queue.State, string, ...any) *queue.Aside) *queue.Aside {
	i := slices.IndexFunc(f.Orders, func(o order.Order) bool { return o.ID == c.HostOrder })
	if i < 0 {
		if f.refusedSplit(c) {
			return no(queue.EntryQueued, "the order book refused to split order %s off from %s: withdraw this, and ask anew with another number", c.HostOrder, c.SplitFrom)
		}
		return no(queue.EntryQueued, "the order book does not show order %s", c.HostOrder)
	}
	own, others := f.Orders[i], slices.Delete(slices.Clone(f.Orders), i, i+1)
	if own.Shipping() != order.Unshipped {
		return no(queue.EntryNeedsDecision, "order %s is %s: it cannot be cancelled, only refunded", own.ID, own.Shipping())
	}
	if !f.remains(others) {
		return no(queue.EntryNeedsDecision, "nothing of the Amazon order has shipped, and nothing of it is left to ship: give this up, and cancel the whole order")
	}
	for _, o := range others {
		if o.Shipping() != order.FullyShipped && !over(o) && !f.underCancellation(o.ID) {
			return no(queue.EntryAwaitingShipment, "order %s is %s: units of a shared Amazon order are cancelled when the rest is shipped", o.ID, o.Shipping())
		}
	}
	return nil
}

// load reads the cancellations of the Amazon orders of entries, and their ledgers.
func (s *Service) load(ctx context.Context, es []queue.Entry) (map[queue.EntryID]Cancellation, map[order.AmazonID]order.Ledger, error) {
	return queue.Load(ctx, es, s.c.Store.Ledgers, func(ctx context.Context, _ []queue.EntryID) ([]Cancellation, error) {
		return s.c.Store.Cancellations(ctx, Query{Orders: amazonIDs(es)})
	}, func(c Cancellation) queue.EntryID { return c.ID })
}

func amazonIDs(es []queue.Entry) []order.AmazonID {
	var ids []order.AmazonID
	seen := map[order.AmazonID]bool{}
	for _, e := range es {
		if !seen[e.Order] {
			ids, seen[e.Order] = append(ids, e.Order), true
		}
	}
	return ids
}

func byOrder(cs map[queue.EntryID]Cancellation) map[order.AmazonID][]Cancellation {
	siblings := map[order.AmazonID][]Cancellation{}
	for _, c := range cs {
		siblings[c.Order] = append(siblings[c.Order], c)
	}
	return siblings
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
	facts, err := s.around(ctx, amazonIDs(es))
	if err != nil {
		return err
	}
	unsplit, err := s.refusedSplits(ctx, slices.Collect(maps.Values(cancellations)))
	if err != nil {
		return err
	}
	for id, siblings := range byOrder(cancellations) {
		facts[id].Ledger, facts[id].Cancellations, facts[id].Unsplit = ledgers[id], siblings, unsplit
	}
	var changes []Change
	for _, e := range es {
		c, ok := cancellations[e.ID]
		if !ok {
			return fmt.Errorf("cancellation %s: %w", e.ID, store.ErrNotFound)
		}
		f := facts[e.Order]
		if f.Settings, err = s.c.Settings.Settings(ctx, e.HostOrder.Company); err != nil {
			return err
		}
		change, err := f.settle(c, e)
		if err != nil {
			return err
		}
		change.heed(*f, e.Changed)
		f.saved(change)
		changes = append(changes, change)
	}
	return s.c.Store.SaveCancellations(ctx, changes)
}

// saved has the facts show what a change saves: another entry of the Amazon order may
// be next.
func (f *Facts) saved(ch Change) {
	f.Ledger = f.Ledger.With(ch.Postings...)
	f.Ledger.Version++
	f.Cancellations, f.Requests = slices.Clone(f.Cancellations), slices.Clone(f.Requests)
	for _, c := range ch.Cancellations {
		if i := slices.IndexFunc(f.Cancellations, func(old Cancellation) bool { return old.ID == c.ID }); i >= 0 {
			f.Cancellations[i] = c
		}
	}
	for _, r := range ch.Requests {
		r.Version++
		if i := slices.IndexFunc(f.Requests, func(old BuyerRequest) bool { return old.Key() == r.Key() }); i >= 0 {
			f.Requests[i] = r
		}
	}
}

// rivals tells whether another cancellation is about the same units at Amazon.
func (c Cancellation) rivals(other Cancellation) bool {
	return other.ID != c.ID && other.Order == c.Order &&
		(c.covers(other.HostOrder) || other.covers(c.HostOrder)) && !(other.Part && other.Local && !c.Part)
}

// rivals are the other cancellations of the same units.
func (f Facts) rivals(c Cancellation) []Cancellation {
	return slices.DeleteFunc(slices.Clone(f.Cancellations), func(other Cancellation) bool { return !c.rivals(other) })
}

// gone tells that Amazon has shown every host order as cancelled, if only one by one:
// nothing is left that a cancellation could be about, though Amazon was told of none.
func (f Facts) gone() bool {
	return len(f.Orders) > 0 && !slices.ContainsFunc(f.Orders, func(o order.Order) bool {
		return !slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool {
			return c.Order == o.Amazon && c.Outcome == Cancelled && c.Proof == Confirmed && c.covers(o.ID)
		})
	})
}

// splitSince finds a cancellation that took units off the part that this one is about,
// after it was asked for.
func (c Cancellation) splitSince(others []Cancellation) (Cancellation, bool) {
	i := slices.IndexFunc(others, func(o Cancellation) bool {
		return c.Part && o.SplitFrom == c.HostOrder && o.Requested.At.After(c.Requested.At)
	})
	if i < 0 {
		return Cancellation{}, false
	}
	return others[i], true
}

// renewable refuses to queue a cancellation anew when it was carried out after all, its
// order was handed over, or another one has taken its place. It answers the gates as
// they shall be: that somebody opened one once says nothing about the next refusal.
func (f Facts) renewable(c Cancellation) ([]Gate, error) {
	if c.Outcome == Cancelled {
		return nil, fmt.Errorf("the order is cancelled, so there is nothing to try again: %w", queue.ErrTransition)
	}
	if f.gone() {
		return nil, fmt.Errorf("Amazon shows the order as cancelled, so there is nothing to try again: %w", queue.ErrTransition)
	}
	if f.refusedSplit(c) {
		return nil, fmt.Errorf("the order book refused to split order %s off: ask anew with another number: %w", c.HostOrder, queue.ErrTransition)
	}
	if part, ok := c.splitSince(f.Cancellations); ok {
		return nil, fmt.Errorf("units of it were split off into order %s since: ask anew for what is left: %w", part.HostOrder, queue.ErrTransition)
	}
	gates := slices.DeleteFunc(slices.Clone(f.Gates), func(g Gate) bool { return !c.covers(g.HostOrder) })
	if err := alone(gates, f.rivals(c)); err != nil {
		return nil, err
	}
	for i := range gates {
		gates[i].Opened = order.Stamp{}
	}
	return gates, nil
}
