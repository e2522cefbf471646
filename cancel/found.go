package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// MarkCancelled records that an Amazon order is cancelled, because a person says so:
// all its host orders become Cancelled, the gate is closed for good, and what waits in
// the queue to cancel it is withdrawn. It is always allowed. What was not shipped is
// never collected, as far as the ledger shows. Amazon is not told; when it shows the
// order as open afterwards, there is an alert. Marking an order again changes nothing,
// and an order that the host does not have is store.ErrNotFound.
func (s *Service) MarkCancelled(ctx context.Context, id order.AmazonID, by, why string) error {
	if err := order.CheckActor(by); err != nil {
		return fmt.Errorf("mark order %s as cancelled: %w", id.Number, err)
	}
	known, err := s.cancelled(ctx, id, order.Stamp{By: by, Why: why}, Unproven)
	if err == nil && !known {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("mark order %s as cancelled: %w", id.Number, err)
	}
	return nil
}

// found makes an order cancelled that is cancelled at Amazon, by whom is said as far
// as it is known; how is where that was seen, for people. Finding it again changes
// nothing, and neither does finding an order that the host does not have.
func (s *Service) found(ctx context.Context, id order.AmazonID, by amazon.Actor, how string) error {
	who := map[amazon.Actor]string{amazon.ActorBuyer: "the buyer", amazon.ActorAmazon: "Amazon", amazon.ActorMerchant: "the merchant"}[by]
	if who == "" {
		who = "somebody"
	}
	if _, err := s.cancelled(ctx, id, order.Stamp{By: "Amazon", Why: "Cancelled at Amazon by " + who + ": " + how + "."}, Confirmed); err != nil {
		return fmt.Errorf("order %s is cancelled at Amazon: %w", id.Number, err)
	}
	return nil
}

// cancelled saves that an order is cancelled, again on conflict, and withdraws what
// waits. It answers whether the host has the order.
func (s *Service) cancelled(ctx context.Context, id order.AmazonID, stamp order.Stamp, proof Proof) (known bool, err error) {
	var waiting []Cancellation
	err = store.Retry(func() error {
		f, err := s.facts(ctx, Request{Order: id})
		known = err == nil && len(f.Orders) > 0
		if !known {
			return err
		}
		stamp.At = f.Now.UTC()
		change, err := f.cancelled(stamp, proof)
		if err != nil {
			return err
		}
		if waiting = change.Cancellations; len(waiting) == 0 { // known; but whoever knew first may have withdrawn nothing
			waiting = f.Cancellations
			return nil
		}
		change.heed(f, stamp)
		return s.c.Store.SaveCancellations(ctx, []Change{change})
	})
	if err != nil || !known {
		return known, err
	}
	return true, s.withdraw(ctx, stamp, waiting)
}

// withdraw takes back the entries of cancellations that have not come to their end,
// where they still wait. What is on its way gets its answer.
func (s *Service) withdraw(ctx context.Context, stamp order.Stamp, cs []Cancellation) error {
	if s.c.Withdraw == nil {
		return nil
	}
	var errs []error
	for _, c := range cs {
		if c.Ended.At.IsZero() {
			if err := s.c.Withdraw(ctx, stamp.By, stamp.Why, c.ID); err != nil && !errors.Is(err, queue.ErrTransition) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// cancelled is what it means for an order that all of it is cancelled. What is being
// cancelled has come about; the host orders that nobody asked to cancel get a
// cancellation without an entry in the queue.
func (f Facts) cancelled(s order.Stamp, proof Proof) (Change, error) {
	ch := Change{Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}}
	charges, err := f.Ledger.Charge(s, f.Orders...)
	if err != nil {
		return Change{}, err
	}
	ch.Postings = charges
	var carried []Cancellation
	covered := func(id order.ID) bool {
		return slices.ContainsFunc(carried, func(c Cancellation) bool { return c.covers(id) })
	}
	for _, outcomes := range [][]Outcome{{Cancelled}, {Open}, {Refused, GivenUp}} {
		for _, c := range f.Cancellations {
			if !slices.Contains(outcomes, c.Outcome) || c.ended() && covered(c.HostOrder) {
				continue
			}
			if err := ch.comesTrue(f, c, s, proof); err != nil {
				return Change{}, err
			}
			carried = append(carried, c)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(f.Orders), func(o order.Order) bool { return covered(o.ID) })
	if len(rest) > 0 {
		err = ch.unasked(f, rest, s, proof)
	}
	return ch, err
}

// comesTrue makes a cancellation one that was carried out, and that Amazon shows as
// such where there is proof.
func (ch *Change) comesTrue(f Facts, c Cancellation, s order.Stamp, proof Proof) error {
	if c.Outcome != Cancelled {
		before := c.Outcome
		if c.ended() {
			if err := ch.take(f.Ledger, c, c.Items, c.lastShares(f.Ledger), s); err != nil {
				return err
			}
		}
		ch.cancel(&c, f, s, expected(proof)...)
		if c.Ended.At.IsZero() { // its entry is withdrawn now, or by a pass
			c.LookAt = s.At
		}
		ch.note(c, s, "Cancellation %s: the order is cancelled.%s", c.ID, because(s.Why))
		ch.Event(order.EventResult, c.subject(), s.Why, s)
		ch.became(before, c.Outcome)
	} else if proof == c.Proof || proof == Unproven {
		return nil // known
	}
	if proof == Confirmed {
		if err := ch.prove(f, &c, s); err != nil {
			return err
		}
	}
	ch.tooLate(f, c, s)
	ch.Cancellations = append(ch.Cancellations, c)
	return nil
}

// unasked records that host orders are cancelled that nobody asked to cancel.
func (ch *Change) unasked(f Facts, rest []order.Order, s order.Stamp, proof Proof) error {
	c := target{carriers: rest}.cancellation(s)
	c.Order, c.Comment, c.Outcome, c.Ended = f.Ledger.Order, s.Why, Cancelled, s
	c.Key = "found/" + c.Order.String()
	c.ID = queue.NewEntryID(queue.KindCancellation, c.HostOrder.Company, c.Key)
	if c.LookAt = s.At.Add(patience); proof == Confirmed {
		c.Proof, c.LookAt = Confirmed, time.Time{}
	}
	unshipped := slices.DeleteFunc(slices.Clone(rest), func(o order.Order) bool { return o.Shipping() != order.Unshipped })
	if err := ch.take(f.Ledger, c, c.Items, paidFor(unshipped), s); err != nil {
		return err
	}
	ch.status(c, order.StatusCancelled, s, expected(proof)...)
	ch.paid(c, f, s)
	ch.note(c, s, "The order is cancelled.%s", because(s.Why))
	ch.tooLate(f, c, s)
	ch.Event(order.EventResult, c.subject(), s.Why, s)
	ch.became("", Cancelled)
	ch.Cancellations = append(ch.Cancellations, c)
	return nil
}

// expected are the statuses that give way when Amazon says that an order is
// cancelled: an order that has left the house keeps its own. None means any: a person
// may say so always.
func expected(proof Proof) []order.Status {
	if proof != Confirmed {
		return nil
	}
	return []order.Status{order.StatusInProcess, order.StatusOnHold, order.StatusProblemOrder, order.StatusCancelled}
}

// tooLate tells people of host orders that have left though they are cancelled.
func (ch *Change) tooLate(f Facts, c Cancellation, s order.Stamp) {
	var left []string
	for _, o := range f.Orders {
		handed := slices.ContainsFunc(f.Gates, func(g Gate) bool { return g.HostOrder == o.ID && !g.HandedOver.At.IsZero() })
		if c.covers(o.ID) && (handed || o.Shipping() != order.Unshipped) {
			left = append(left, o.ID.String())
		}
	}
	if len(left) > 0 {
		ch.Alert("shipped/"+string(c.ID), c.subject(), fmt.Sprintf("the order is cancelled, but %s has been handed over or shipped.%s", strings.Join(left, ", "), because(s.Why)), s)
	}
}

// prove records that Amazon shows a cancellation as carried out. What Amazon was not
// told of is never collected either, now that it knows.
func (ch *Change) prove(f Facts, c *Cancellation, s order.Stamp) error {
	if c.Local {
		own := slices.DeleteFunc(slices.Clone(f.Orders), func(o order.Order) bool { return !c.covers(o.ID) })
		if err := ch.take(f.Ledger, *c, c.Items, paidFor(own), s); err != nil {
			return err
		}
		ch.paid(*c, f, s)
	}
	c.Proof = Confirmed
	if !c.Ended.At.IsZero() {
		c.LookAt = time.Time{}
	}
	ch.Event(order.EventResult, c.subject(), "confirmed."+because(s.Why), s)
	last := &ch.Events[len(ch.Events)-1]
	last.Before, last.After = "Unproven", string(Confirmed)
	return nil
}
