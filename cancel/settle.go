package cancel

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// settle is what an entry, with all its attempts, means for its cancellation and
// its order. A final state that was applied before is told no second time: what is
// new is then about an attempt.
func (f Facts) settle(c Cancellation, e queue.Entry) (Change, error) {
	s := e.Changed
	s.At = s.At.UTC()
	ch := Change{Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}, Entries: []queue.Entry{e}}
	before, told := c.Outcome, e.State.Final() && c.Ended.At.Equal(s.At)
	some, done := carriedOut(c, e)
	var err error
	switch {
	case told:
		s = order.Stamp{By: "Amazon", At: f.Now}
	case e.State.Final():
		c.Ended = s
	}
	switch {
	case c.retried(e):
		err = ch.renew(f, &c, s)
	case len(some) > 0 && c.ended():
		err = ch.contradict(&c, f, some, done, s)
	case done > 0 && c.Outcome == Open, e.State == queue.EntrySettledOutside && c.Outcome == Open:
		how := "accepted by Amazon."
		if done == 0 {
			how = "done another way." + because(s.Why)
		}
		ch.cancel(&c, f, s)
		ch.note(c, s, "Cancellation %s: %s", c.ID, how)
		ch.tooLate(f, c, s)
	case told, e.State == queue.EntryQueued && c.Outcome == Open: // nothing happened, everything is as it was
	case c.Outcome == Open && !e.State.Final() && len(some) > 0: // the rest of the part is not known yet
	case c.Outcome == Open:
		ch.end(f, &c, e, some, s)
	default:
		if c.Proof == Confirmed {
			c.LookAt = time.Time{}
		}
		ch.note(c, s, "Cancellation %s: %s.%s The order is cancelled already.", c.ID, e.State.Label(), because(s.Why))
	}
	if err != nil {
		return Change{}, fmt.Errorf("cancellation %s of order %s: %w", c.ID, c.Order.Number, err)
	}
	ch.Cancellations = []Cancellation{c}
	if !told {
		ch.Event(order.EventResult, c.subject(), string(e.State), s)
		ch.became(before, c.Outcome)
	}
	return ch, nil
}

// renew makes a cancellation that ended without effect an open one again.
func (ch *Change) renew(f Facts, c *Cancellation, s order.Stamp) (err error) {
	if ch.Gates, err = f.renewable(*c); err != nil {
		return err
	}
	f.remember(c)
	c.Outcome, c.Code, c.Text, c.Ended, c.Proof, c.LookAt = Open, 0, "", order.Stamp{}, Unproven, time.Time{}
	open := *c
	open.Items = slices.DeleteFunc(slices.Clone(c.Items), func(item string) bool { return !f.Ledger.PostedBy(c.Cause(), item).IsZero() })
	if ch.Postings, err = reserve(f.Ledger, open, c.lastShares(f.Ledger), s); err != nil {
		return err
	}
	ch.hold(c, f.Settings.Policy, s, order.StatusOnHold) // for a buyer's wish, since it was dropped
	return nil
}

// remember has a cancellation that was dropped come back to the statuses that its host
// orders have by now.
func (f Facts) remember(c *Cancellation) {
	if c.Outcome != Dropped {
		return
	}
	c.Also = slices.Clone(c.Also)
	for _, o := range f.Orders {
		if o.Status == c.Shown { // the book may not show yet that it was dropped
			continue
		}
		c.setBefore(o.ID, o.Status)
	}
	f.unhold(c, target{})
}

// became adds the outcome before and after to the last audit row.
func (ch *Change) became(before, after Outcome) {
	if before != after {
		last := &ch.Events[len(ch.Events)-1]
		last.Before, last.After = string(before), string(after)
	}
}

// carriedOut names the parts of a cancellation that Amazon is known to have carried
// out, in whichever attempt, and when that is all of them the number of the last one
// of those attempts, from 1.
func carriedOut(c Cancellation, e queue.Entry) (parts []string, done int) {
	for i, a := range e.Attempts {
		for _, r := range a.Results {
			if r.Verdict != amazon.VerdictAccepted || r.By != "" {
				continue
			}
			done = i + 1
			if !slices.Contains(parts, r.Part) {
				parts = append(parts, r.Part)
			}
		}
	}
	for _, part := range c.parts() {
		if !slices.Contains(parts, part) {
			return parts, 0
		}
	}
	return parts, done
}

// end is what the state of an entry that Amazon did not carry out, or not wholly,
// means for an open cancellation.
func (ch *Change) end(f Facts, c *Cancellation, e queue.Entry, some []string, s order.Stamp) {
	l := f.Ledger
	switch e.State {
	case queue.EntryRefused, queue.EntryPartlyAccepted:
		if i := slices.IndexFunc(e.Attempt().Results, func(r queue.Result) bool { return r.Verdict != amazon.VerdictAccepted }); i >= 0 {
			c.Code, c.Text = e.Attempt().Results[i].Code, e.Attempt().Results[i].Text
		}
		how := "refused by Amazon"
		if len(some) > 0 {
			how = fmt.Sprintf("refused by Amazon in part (it cancelled the units of item %s)", strings.Join(some, ", "))
		}
		c.Outcome, c.LookAt = Refused, s.At
		ch.post(l, *c, some, s)
		ch.void(*c, l, s)
		ch.status(*c, order.StatusProblemOrder, s)
		if len(some) > 0 {
			ch.paid(*c, f, s)
		}
		ch.note(*c, s, "Cancellation %s: %s. The order must not ship until somebody decides. Amazon says: %d %s", c.ID, how, c.Code, c.Text)
		ch.Alert(fmt.Sprintf("refused/%s/%d", c.ID, len(e.Attempts)), c.subject(), fmt.Sprintf("%s: %d %s", how, c.Code, c.Text), s)
	case queue.EntryGivenUp:
		c.Outcome, c.LookAt = GivenUp, s.At
		ch.void(*c, l, s)
		ch.status(*c, order.StatusProblemOrder, s)
		ch.note(*c, s, "Cancellation %s: given up. The order must not ship until somebody opens the gate.%s", c.ID, because(s.Why))
	case queue.EntryRejected, queue.EntryWithdrawn:
		c.Outcome = Dropped
		ch.void(*c, l, s)
		if !slices.ContainsFunc(f.rivals(*c), func(r Cancellation) bool { return r.Outcome == Cancelled }) {
			for _, o := range c.carriers() {
				ch.statusOf(o, f.returnsTo(*c, o.HostOrder), s, c.Shown)
			}
		}
		ch.release(*c, s) // the last: while the book shows the hold it may lag, see Facts.catchUp
		ch.note(*c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	default:
		ch.note(*c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	}
}

// cancel makes the order cancelled: what it would have cost is never collected.
// From one of these statuses, or from any when none is named.
func (ch *Change) cancel(c *Cancellation, f Facts, s order.Stamp, from ...order.Status) {
	ch.post(f.Ledger, *c, c.Items, s)
	c.Outcome, c.Code, c.Text, c.LookAt = Cancelled, 0, "", s.At.Add(patience)
	ch.status(*c, order.StatusCancelled, s, from...)
	ch.paid(*c, f, s)
}

// contradict records that Amazon carried out what had ended here without effect,
// or some items of a part. The order may be on its way to the buyer by now: then its
// status is left alone, which people are told.
func (ch *Change) contradict(c *Cancellation, f Facts, some []string, attempt int, s order.Stamp) error {
	fresh := slices.DeleteFunc(slices.Clone(c.Items), func(item string) bool {
		known := !f.Ledger.PostedBy(c.Cause(), item).IsZero()
		return known || attempt == 0 && !slices.Contains(some, item)
	})
	if err := ch.take(f.Ledger, *c, fresh, c.lastShares(f.Ledger), s); err != nil {
		return err
	}
	if attempt == 0 {
		if len(fresh) > 0 {
			ch.paid(*c, f, s)
		}
		for _, item := range fresh {
			ch.Alert(fmt.Sprintf("contradicted/%s/%s", c.ID, item), c.subject(),
				fmt.Sprintf("Amazon cancelled the units of item %s, though the cancellation was taken to be %s: they must not ship", item, c.Outcome), s)
		}
		return nil
	}
	text := fmt.Sprintf("Amazon cancelled the order in attempt %d, though the cancellation was taken to be %s: it must not ship", attempt, c.Outcome)
	ch.cancel(c, f, s, c.Before, order.StatusInProcess, order.StatusOnHold, order.StatusProblemOrder)
	ch.note(*c, s, "Cancellation %s: %s.", c.ID, text)
	ch.Alert(fmt.Sprintf("contradicted/%s/%d", c.ID, attempt), c.subject(), text, s)
	return nil
}

// take reserves and posts what is left of items, and no more than their shares: units
// are cancelled once, by whichever cancellation.
func (ch *Change) take(l order.Ledger, c Cancellation, items []string, shares map[string]order.Amounts, s order.Stamp) error {
	c.Items = items
	reserved, err := reserve(l.With(ch.Postings...), c, shares, s)
	ch.Postings = append(ch.Postings, reserved...)
	ch.post(l, c, items, s)
	return err
}

// post turns what is held of items into posted money.
func (ch *Change) post(l order.Ledger, c Cancellation, items []string, s order.Stamp) {
	for _, item := range items {
		ch.Postings = append(ch.Postings, l.With(ch.Postings...).Post(c.Cause(), item, s)...)
	}
}

// paid tells the payment status that follows from the postings.
func (ch *Change) paid(c Cancellation, f Facts, s order.Stamp) {
	issued := f.Settings.Policy.PaymentStatusAt == settings.PaymentStatusWhenIssued
	var own []order.ID
	for _, o := range c.carriers() {
		own = append(own, o.HostOrder)
	}
	ch.Payment(f.Ledger.With(ch.Postings...).Payment(issued), f.Orders, s, own...)
}

// void gives back what is still held.
func (ch *Change) void(c Cancellation, l order.Ledger, s order.Stamp) {
	for _, item := range c.Items {
		ch.Postings = append(ch.Postings, l.With(ch.Postings...).Void(c.Cause(), item, s)...)
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " " + why
}
