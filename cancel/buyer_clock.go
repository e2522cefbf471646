package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// overdue looks after the buyers' wishes whose time for it has come: orders that
// were unknown may have appeared, what was shipped or cancelled is over, and where
// the deadline is, people are told. It decides nothing but what the policy accepts.
func (s *Service) overdue(ctx context.Context, now time.Time) error {
	due, err := s.c.Store.BuyerRequests(ctx, RequestQuery{LookBy: now})
	if err != nil {
		return fmt.Errorf("buyers' wishes to look after: %w", err)
	}
	of := map[order.AccountID][]order.AmazonID{}
	for _, r := range due {
		if ids := of[r.Order.Account]; !slices.Contains(ids, r.Order) {
			of[r.Order.Account] = append(ids, r.Order)
		}
	}
	var errs []error
	for id, orders := range of {
		account, err := amazon.FindAccount(ctx, s.c.Accounts, id)
		if err == nil && account.ID == "" {
			err = fmt.Errorf("account %s of buyers' wishes is unknown: add it to Accounts", id)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for chunk := range slices.Chunk(orders, importChunk) {
			var facts []Facts
			if facts, err = s.factsOf(ctx, account, chunk); err != nil {
				errs = append(errs, err)
				continue
			}
			for _, f := range facts { // each in a save of its own: an order's conflict keeps no other
				if ch := f.lookAfter(order.Stamp{By: "clock", At: now}); len(ch.Requests) > 0 {
					// Where somebody decided meanwhile, the next pass looks again.
					if err := s.c.Store.SaveCancellations(ctx, []Change{ch}); err != nil && !errors.Is(err, store.ErrConflict) {
						errs = append(errs, fmt.Errorf("buyer's wish about order %s: %w", f.Ledger.Order.Number, err))
					}
				}
			}
			errs = append(errs, s.autoAccept(ctx, account, chunk))
		}
	}
	return errors.Join(errs...)
}

// lookAfter is what the time means for the wishes of an order.
func (f Facts) lookAfter(s order.Stamp) Change {
	w := newWishes(f, s)
	if !f.foreign() {
		w.place()
	}
	for i := range w.all {
		r := &w.all[i]
		if r.LookAt.IsZero() || r.LookAt.After(s.At) || !r.waits() {
			continue
		}
		w.touched[r.Item] = true // it has its next time
		c, cancelled := w.f.cancels(r.Item)
		switch {
		case cancelled && c.Proof == Confirmed:
			w.end(r, "it is cancelled at Amazon")
		case len(f.Orders) > 0 && !cancelled && f.shipped(r.Item):
			w.end(r, "it has shipped")
		case !r.Overdue && !s.At.Before(r.Deadline):
			r.Overdue = true
			g := r.Evidence()
			w.ch.Event(order.EventChanged, r.subject(), "overdue", s)
			w.alert(r, "overdue", "the buyer asked to cancel %s by %s (%s, %s): Amazon wanted an answer by %s, and the wish is %s", r.what(),
				g.At.Format(time.RFC3339), g.Clock, g.Source, r.Deadline.Format(time.RFC3339), r.State)
		}
	}
	return w.change(true)
}

// shipped tells whether all units of an item have left that were not cancelled.
func (f Facts) shipped(item string) bool {
	return !slices.ContainsFunc(f.carriers(item), func(o order.Order) bool { return o.Shipping() != order.FullyShipped })
}

// next is when to look after a wish again: at its deadline while it waits, daily for
// 90 days after that, and while its order is unknown hourly for a day, then daily.
func (r BuyerRequest) next(now time.Time) time.Time {
	if !r.waits() {
		return time.Time{}
	}
	at := r.Deadline
	if r.Overdue {
		at = now.Add(day)
		if at.After(r.Deadline.Add(90 * day)) {
			at = time.Time{}
		}
	}
	if r.HostOrder.Number == "" {
		if try := nextQuestion(r.Evidence().At, now); !try.IsZero() && (at.IsZero() || try.Before(at)) {
			at = try
		}
	}
	return at
}
