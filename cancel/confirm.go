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

// looksAtOnce bounds how many orders one pass reads at Amazon, which allows one in two
// seconds, and how many cancellations are read together.
const looksAtOnce = 100

// confirm reads the orders of cancellations whose time for it has come, and says when
// to come back. One that cannot be looked at keeps no other from its turn, and neither
// does an account that is throttled.
func (s *Service) confirm(ctx context.Context, now time.Time) (next time.Time, err error) {
	next = now.Add(idle)
	if s.c.Orders == nil {
		return next, nil
	}
	there := &atAmazon{known: map[order.AmazonID]amazon.OrderState{}}
	throttled := map[order.AccountID]bool{}
	var errs []error
	for q := (Query{LookBy: now, Limit: looksAtOnce}); ; {
		due, err := s.c.Store.Cancellations(ctx, q)
		if err != nil {
			return next, errors.Join(append(errs, fmt.Errorf("cancellations to confirm: %w", err))...)
		}
		for _, c := range due {
			switch {
			case ctx.Err() != nil:
				return next, ctx.Err()
			case there.asked == looksAtOnce:
				return now, errors.Join(errs...)
			case throttled[c.Order.Account]:
				continue
			}
			err := s.confirmOne(ctx, c, there)
			if retry, wait := amazon.Throttled(err); wait {
				throttled[c.Order.Account] = true
				if retry.Before(next) {
					next = retry
				}
			} else if err != nil && !errors.Is(err, store.ErrConflict) { // somebody decided: the next pass looks again
				errs = append(errs, fmt.Errorf("confirm cancellation %s of order %s: %w", c.ID, c.Order.Number, err))
			}
		}
		if len(due) < looksAtOnce {
			return next, errors.Join(errs...)
		}
		q.After = due[len(due)-1].Cursor()
	}
}

// atAmazon is what one pass has read.
type atAmazon struct {
	known map[order.AmazonID]amazon.OrderState
	asked int
}

// confirmOne looks after one cancellation. Orders that were read in this pass are not
// read again.
func (s *Service) confirmOne(ctx context.Context, c Cancellation, there *atAmazon) error {
	f, err := s.facts(ctx, Request{Order: c.Order})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(f.Cancellations, func(now Cancellation) bool { return now.ID == c.ID })
	if i < 0 || f.Cancellations[i].LookAt.IsZero() || f.Cancellations[i].LookAt.After(f.Now) {
		return nil // what was done for another one of the order was all there was to do
	}
	c = f.Cancellations[i]
	stamp := order.Stamp{By: "Amazon", At: f.Now.UTC()}
	if c.Proof == Confirmed {
		return s.finish(ctx, f, c, stamp)
	}
	o, known := there.known[c.Order]
	if !known {
		there.asked++
		if o, err = s.c.Orders.Order(ctx, f.Account, c.Order.Number); err != nil {
			if _, throttled := amazon.Throttled(err); throttled || ctx.Err() != nil {
				return err
			}
			return errors.Join(err, s.postpone(ctx, f, c, nextQuestion(c.since(), f.Now.UTC())))
		}
		there.known[c.Order] = o
	}
	stamp.Why = shown(o) + "."
	change, err := f.looked(c, o, stamp)
	if err != nil {
		return errors.Join(err, s.postpone(ctx, f, c, nextQuestion(c.since(), f.Now.UTC())))
	}
	change.heed(f, stamp)
	if err := s.c.Store.SaveCancellations(ctx, []Change{change}); err != nil {
		return err
	}
	if o.Status != amazon.OrderCancelled {
		stamp = order.Stamp{By: "takeback", Why: "The order was marked as cancelled."}
	}
	return s.withdraw(ctx, stamp, change.Cancellations)
}

// finish withdraws the entry of what is confirmed, if that did not work at once.
func (s *Service) finish(ctx context.Context, f Facts, c Cancellation, stamp order.Stamp) error {
	stamp.Why = "The order is cancelled at Amazon."
	if err := s.withdraw(ctx, stamp, []Cancellation{c}); err != nil {
		return err
	}
	err := s.postpone(ctx, f, c, time.Time{})
	if errors.Is(err, store.ErrConflict) { // it was withdrawn, and nothing is left to do
		return nil
	}
	return err
}

// postpone saves when to look next. That is no change of anything but the schedule.
func (s *Service) postpone(ctx context.Context, f Facts, c Cancellation, next time.Time) error {
	c.LookAt = next
	ch := Change{Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}, Cancellations: []Cancellation{c}}
	return s.c.Store.SaveCancellations(ctx, []Change{ch})
}

// looked is what it means for a cancellation how its order stands at Amazon.
func (f Facts) looked(c Cancellation, o amazon.OrderState, s order.Stamp) (Change, error) {
	if o.Status == amazon.OrderCancelled {
		ch, err := f.cancelled(s, Confirmed)
		if !slices.ContainsFunc(ch.Cancellations, func(saved Cancellation) bool { return saved.ID == c.ID }) {
			c.LookAt = time.Time{} // another one of the order has come true
			ch.Cancellations = append(ch.Cancellations, c)
		}
		return ch, err
	}
	ch := Change{Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}}
	if c.Outcome == Cancelled && c.Part && len(f.shownItems(o, c)) == len(c.Items) {
		err := ch.prove(f, &c, s)
		ch.tooLate(f, c, s)
		ch.Cancellations = []Cancellation{c}
		return ch, err
	}
	since := c.since()
	c.LookAt = nextQuestion(since, s.At)
	if c.untold() && !c.LookAt.IsZero() {
		c.LookAt = s.At.Add(day)
	}
	subject, days := c.subject(), int(s.At.Sub(since)/day)
	switch opened := c.ended() && !c.closes(f.gate(c.HostOrder)); {
	case opened: // a person has decided that it ships
	case o.Status == amazon.OrderShipped && !c.Part:
		c.LookAt = time.Time{}
		text := fmt.Sprintf("the order has shipped at Amazon, and its cancellation is %s here.", c.Outcome)
		for _, o := range f.Orders {
			if o.Shipping() != order.FullyShipped {
				ch.Effect(order.Effect{Kind: order.EffectShipping, Shipping: &order.ShippingChange{To: order.FullyShipped}}, o.ID, s)
			}
		}
		ch.note(c, s, "Cancellation %s: %s", c.ID, text)
		ch.Alert("shipped/"+string(c.ID), subject, text, s)
	case c.Outcome != Cancelled: // a person decides
	case c.untold():
		ch.Alert(fmt.Sprintf("open/%s/%d", c.ID, days), subject, fmt.Sprintf("the order is cancelled here alone. %s Cancel it there, or ship it.", s.Why), s)
	case days > 0:
		ch.Alert("open/"+string(c.ID), subject, fmt.Sprintf("the order is cancelled here since %s. %s It must not ship.", since.Format(time.RFC3339), s.Why), s)
	}
	ch.Cancellations = []Cancellation{c}
	return ch, nil
}

// untold tells that Amazon was not told of the cancellation.
func (c Cancellation) untold() bool { return c.Local || c.Reason == "" }

// since is when the cancellation came to its end, or was asked for as long as it has
// not.
func (c Cancellation) since() time.Time {
	if c.Ended.At.IsZero() {
		return c.Requested.At
	}
	return c.Ended.At
}

func (f Facts) gate(id order.ID) Gate {
	for _, g := range f.Gates {
		if g.HostOrder == id {
			return g
		}
	}
	return Gate{}
}

// shownItems are the items of a part of which the order at Amazon has as many
// cancelled units as that takes, beside those that other parts were confirmed with; when
// Amazon has not answered it, also beside those of other parts that Amazon has accepted.
func (f Facts) shownItems(o amazon.OrderState, c Cancellation) (items []string) {
	for _, u := range c.Units {
		want := u.Quantity
		for _, other := range f.Cancellations {
			for _, v := range other.Units {
				if other.ID != c.ID && v.Item == u.Item && (other.Proof == Confirmed || c.Outcome != Cancelled && other.Outcome == Cancelled && !other.untold()) {
					want += v.Quantity
				}
			}
		}
		if cancelledUnits(o, u.Item) >= want {
			items = append(items, u.Item)
		}
	}
	return items
}

// cancelledUnits is how many units of an item the order at Amazon has that are neither
// fulfilled nor to be fulfilled; 0 when it does not say.
func cancelledUnits(o amazon.OrderState, item string) int {
	for _, i := range o.Items {
		if i.ID == item && (i.Fulfilled+i.Unfulfilled > 0 || i.CancelledBy != "") {
			return i.Ordered - i.Fulfilled - i.Unfulfilled
		}
	}
	return 0
}
