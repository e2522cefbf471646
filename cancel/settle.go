package cancel

import (
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// settle is what an entry, with all its attempts, means for its cancellation and
// its order. A final state that was applied before is told no second time: what is
// new is then about an attempt.
func settle(c Cancellation, l order.Ledger, e queue.Entry, p settings.Policy, now time.Time) (Change, error) {
	s := e.Changed
	s.At = s.At.UTC()
	ch := Change{Writes: order.Writes{Order: l.Order, Version: l.Version}, Entries: []queue.Entry{e}}
	told, again := e.State.Final() && c.Ended.At.Equal(s.At), c.again(e)
	switch {
	case told:
		s = order.Stamp{By: "Amazon", At: now.UTC()}
	case e.State.Final():
		c.Ended = s
	}
	done := carriedOut(e)
	switch {
	case again:
		c.Outcome, c.Code, c.Text, c.Ended = Open, 0, "", order.Stamp{}
		ps, err := reserve(l, c, s)
		if err != nil {
			return Change{}, fmt.Errorf("cancellation %s: %w", c.ID, err)
		}
		ch.Postings = ps
		ch.hold(c, p, s)
	case done > 0 && c.ended():
		ch.contradict(&c, l, done, s)
	case done > 0 && c.Outcome == Open, e.State == queue.EntrySettledOutside && c.Outcome == Open:
		how := "accepted by Amazon."
		if done == 0 {
			how = "done another way." + because(s.Why)
		}
		ch.cancel(&c, l, s)
		ch.note(c, s, "Cancellation %s: %s", c.ID, how)
	case told, e.State == queue.EntryQueued && c.Outcome == Open: // nothing happened, everything is as it was
	case c.Outcome == Open:
		ch.end(&c, l, e, s)
	default:
		ch.note(c, s, "Cancellation %s: %s.%s The order is cancelled already.", c.ID, e.State.Label(), because(s.Why))
	}
	ch.Cancellations = []Cancellation{c}
	if !told {
		ch.Event(order.EventResult, "cancellation "+string(c.ID), string(e.State), s)
	}
	return ch, nil
}

// carriedOut is the number of the last attempt that Amazon is known to have
// carried out, from 1; 0 when it is known of none.
func carriedOut(e queue.Entry) int {
	for i, a := range slices.Backward(e.Attempts) {
		if slices.ContainsFunc(a.Results, func(r queue.Result) bool { return r.Verdict == amazon.VerdictAccepted && r.By == "" }) {
			return i + 1
		}
	}
	return 0
}

// end is what the state of an entry that Amazon did not carry out means for an
// open cancellation.
func (ch *Change) end(c *Cancellation, l order.Ledger, e queue.Entry, s order.Stamp) {
	switch e.State {
	case queue.EntryRefused:
		if rs := e.Attempt().Results; len(rs) > 0 {
			c.Code, c.Text = rs[0].Code, rs[0].Text
		}
		c.Outcome = Refused
		ch.void(*c, l, s)
		ch.status(*c, order.StatusProblemOrder, s)
		ch.note(*c, s, "Cancellation %s: refused by Amazon. The order must not ship until somebody decides. Amazon says: %d %s", c.ID, c.Code, c.Text)
		ch.Alert(fmt.Sprintf("refused/%s/%d", c.ID, len(e.Attempts)), "cancellation "+string(c.ID), fmt.Sprintf("refused by Amazon: %d %s", c.Code, c.Text), s)
	case queue.EntryGivenUp:
		c.Outcome = GivenUp
		ch.void(*c, l, s)
		ch.status(*c, order.StatusProblemOrder, s)
		ch.note(*c, s, "Cancellation %s: given up. The order must not ship until somebody opens the gate.%s", c.ID, because(s.Why))
	case queue.EntryRejected, queue.EntryWithdrawn:
		c.Outcome = Dropped
		ch.void(*c, l, s)
		ch.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByCancellation}}, c.HostOrder, s)
		ch.status(*c, c.Before, s, order.StatusOnHold, order.StatusCancelled)
		ch.note(*c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	default:
		ch.note(*c, s, "Cancellation %s: %s.%s", c.ID, e.State.Label(), because(s.Why))
	}
}

// cancel makes the order cancelled: what it would have cost is never collected.
// From one of these statuses, or from any when none is named.
func (ch *Change) cancel(c *Cancellation, l order.Ledger, s order.Stamp, from ...order.Status) {
	before := l.TotalBy(order.Posted, order.CauseCancellation)
	for _, item := range c.Items {
		ps := l.Post(c.Cause(), item, s)
		if c.ended() && before.IsZero() { // an order is cancelled once, by whichever cancellation
			ps = l.PostAgain(c.Cause(), item, s)
		}
		ch.Postings, l = append(ch.Postings, ps...), l.With(ps...)
	}
	c.Outcome, c.Code, c.Text = Cancelled, 0, ""
	ch.status(*c, order.StatusCancelled, s, from...)
	ch.Effect(order.Effect{Kind: order.EffectPayment, Payment: &order.Payment{
		Status: l.PaymentStatus(), Pending: l.Pending(), Refunded: l.TotalBy(order.Posted, order.CauseRefund), Currency: l.Currency(),
	}}, c.HostOrder, s)
}

// contradict records that Amazon carried out what had ended here without effect.
// The order may be on its way to the buyer by now: then its status is left alone,
// which people are told.
func (ch *Change) contradict(c *Cancellation, l order.Ledger, attempt int, s order.Stamp) {
	text := fmt.Sprintf("Amazon cancelled the order in attempt %d, though the cancellation was taken to be %s: it must not ship", attempt, c.Outcome)
	ch.cancel(c, l, s, c.Before, order.StatusInProcess, order.StatusOnHold, order.StatusProblemOrder)
	ch.note(*c, s, "Cancellation %s: %s.", c.ID, text)
	ch.Alert(fmt.Sprintf("contradicted/%s/%d", c.ID, attempt), "cancellation "+string(c.ID), text, s)
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
