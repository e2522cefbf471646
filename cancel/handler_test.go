package cancel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func (s *shop) read(id queue.EntryID) cancel.Cancellation {
	s.t.Helper()
	c, err := s.Cancellation(s.t.Context(), id)
	require.NoError(s.t, err)
	return c
}

// notes are the texts that effects give to people.
func notes(es []order.Effect) string {
	var texts []string
	for _, e := range es {
		if e.Note != nil {
			texts = append(texts, e.Note.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func TestApplyAccepted(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.deliver()
	require.Equal(t, order.StatusOnHold, s.book.orders[0].Status)
	s.move(c.ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})

	after := s.read(c.ID)
	assert.Equal(t, cancel.Cancelled, after.Outcome)
	assert.Equal(t, s.entry(c.ID).Changed, after.Ended)
	assert.Equal(t, queue.EntryAccepted, s.entry(c.ID).State)

	l := s.ledger(first)
	assert.Equal(t, "53.3", l.Total(order.Posted).String())
	assert.True(t, l.Total(order.Reserved).IsZero())
	assert.Equal(t, order.NoPayment, l.PaymentStatus())

	es := s.deliver()
	require.Len(t, es, 3)
	assert.Equal(t, order.StatusCancelled, es[0].Status.To)
	assert.Equal(t, order.NoPayment, es[1].Payment.Status)
	assert.True(t, es[1].Payment.Refunded.IsZero(), "nothing was refunded: it was never collected")
	assert.Equal(t, "Cancellation "+string(c.ID)+": accepted by Amazon.", es[2].Note.Text)
	assert.Equal(t, order.StatusCancelled, s.book.orders[0].Status)
	assert.False(t, s.pass(first).May)
	assert.Equal(t, []order.EventKind{order.EventRequested, order.EventResult}, s.kinds(first))

	again, err := s.Issue(t.Context(), ask(first))
	require.NoError(t, err, "a repeat meets the first")
	assert.Equal(t, after, again)
}

func TestApplyRefused(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.deliver()
	s.move(c.ID, queue.EntryRefused, refusal)

	after := s.read(c.ID)
	assert.Equal(t, cancel.Refused, after.Outcome)
	assert.Equal(t, 18028, after.Code)
	assert.Equal(t, "The order has shipped.", after.Text)
	l := s.ledger(first)
	assert.True(t, l.Total(order.Reserved).IsZero())
	assert.Equal(t, "53.3", l.LeftTotal().String())

	assert.Contains(t, notes(s.deliver()), "refused by Amazon. The order must not ship until somebody decides. Amazon says: 18028 The order has shipped.")
	assert.Equal(t, order.StatusProblemOrder, s.book.orders[0].Status)
	assert.Len(t, s.book.orders[0].Holds, 1, "the hold stays")
	assert.Equal(t, []order.EventKind{order.EventRequested, order.EventAlert, order.EventResult}, s.kinds(first))
	assert.False(t, s.pass(first).May)

	ended, err := s.Issue(t.Context(), ask(first))
	require.ErrorIs(t, err, cancel.ErrEnded)
	assert.ErrorContains(t, err, "is Refused: Queue.Retry renews it")
	assert.Equal(t, after, ended)
}

func TestApplyRejectedOrWithdrawn(t *testing.T) {
	tests := []struct {
		state queue.State
		at    settings.CancelledAt
		says  string
	}{
		{queue.EntryRejected, settings.CancelledWhenAccepted, "Rejected by us. because"},
		{queue.EntryWithdrawn, settings.CancelledWhenAccepted, "Taken back. because"},
		{queue.EntryWithdrawn, settings.CancelledWhenRequested, "Taken back. because"},
	}
	for _, tt := range tests {
		t.Run(string(tt.state)+" "+string(tt.at), func(t *testing.T) {
			s := open(t, settings.Policy{CancelledAt: tt.at}, paid(so1, first))
			s.book.orders[0].Holds = []order.Hold{{Owner: order.HeldByHost, Why: "fraud check"}}
			c := s.issue(ask(first))
			s.deliver()
			require.NotEqual(t, order.StatusInProcess, s.book.orders[0].Status)
			s.move(c.ID, tt.state)

			assert.Contains(t, notes(s.deliver()), tt.says)
			assert.Equal(t, order.StatusInProcess, s.book.orders[0].Status)
			require.Len(t, s.book.orders[0].Holds, 1, "only our own hold is released")
			assert.Equal(t, order.HeldByHost, s.book.orders[0].Holds[0].Owner)
			assert.Equal(t, cancel.Dropped, s.read(c.ID).Outcome)
			assert.Equal(t, "53.3", s.ledger(first).LeftTotal().String())

			_, err := s.Issue(t.Context(), ask(first))
			assert.ErrorIs(t, err, cancel.ErrEnded)
		})
	}
}

// On its way, and while nobody knows what became of it, a cancellation keeps
// what it reserved and the gate closed.
func TestApplyOnTheWay(t *testing.T) {
	for _, state := range []queue.State{queue.EntrySubmitted, queue.EntryUnknownResult, queue.EntryNeedsDecision, queue.EntryQueued} {
		t.Run(string(state), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, state)
			assert.Equal(t, cancel.Open, s.read(c.ID).Outcome)
			assert.True(t, s.read(c.ID).Ended.At.IsZero())
			assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
			assert.False(t, s.pass(first).May)
		})
	}
}

func TestApplyRetry(t *testing.T) {
	for _, ended := range []queue.State{queue.EntryRefused, queue.EntryRejected, queue.EntryWithdrawn} {
		t.Run(string(ended), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, ended, refusal)
			s.deliver()
			s.move(c.ID, queue.EntryQueued)
			s.deliver()

			after := s.read(c.ID)
			after.Version = c.Version
			if diff := cmp.Diff(c, after); diff != "" {
				t.Errorf("renewed, it is as it was asked for (-want +got):\n%s", diff)
			}
			assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
			assert.Equal(t, order.StatusOnHold, s.book.orders[0].Status)
			assert.False(t, s.pass(first).May)
			assert.Equal(t, queue.EntryQueued, s.entry(c.ID).State)

			s.move(c.ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})
			assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
		})
	}
}

func TestApplyRetryRefuses(t *testing.T) {
	tests := []struct {
		name      string
		ended     queue.State
		meanwhile func(*testing.T, *shop)
		is        error
	}{
		{"what was handed over", queue.EntryWithdrawn, func(t *testing.T, s *shop) {
			require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
		}, cancel.ErrHandedOver},
		{"what was handed over after the gate was opened", queue.EntryRefused, func(t *testing.T, s *shop) {
			require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
			require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
		}, cancel.ErrHandedOver},
		{"beside another that is open", queue.EntryWithdrawn, func(_ *testing.T, s *shop) {
			r := ask(first)
			r.Key = "another"
			s.issue(r)
		}, cancel.ErrKeyReused},
		{"beside another that was carried out", queue.EntryWithdrawn, func(_ *testing.T, s *shop) {
			r := ask(first)
			r.Key = "another"
			s.move(s.issue(r).ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})
		}, cancel.ErrKeyReused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, tt.ended, refusal)
			tt.meanwhile(t, s)
			before, head := s.read(c.ID), s.ledger(first).Version
			err := s.Apply(t.Context(), []queue.Entry{s.moved(c.ID, queue.EntryQueued)})
			require.ErrorIs(t, err, tt.is)
			assert.ErrorContains(t, err, string(c.ID))
			assert.Equal(t, before, s.read(c.ID))
			assert.Equal(t, head, s.ledger(first).Version)
			assert.Equal(t, tt.ended, s.entry(c.ID).State)
		})
	}
}

func TestApplyTwice(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	one, two := s.issue(ask(first)), s.issue(ask(second))
	e := s.moved(one.ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})
	require.NoError(t, s.Apply(t.Context(), []queue.Entry{e}))
	head := s.ledger(first)

	// The stale one is a conflict; the other one is saved nevertheless.
	err := s.Apply(t.Context(), []queue.Entry{e, s.moved(two.ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})})
	require.ErrorIs(t, err, store.ErrConflict)
	assert.Equal(t, head, s.ledger(first), "nothing is posted twice")
	assert.Equal(t, cancel.Cancelled, s.read(two.ID).Outcome)
}

func TestApplyUnknownEntry(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	err := s.Apply(t.Context(), []queue.Entry{{ID: "CNNONE", Order: first, State: queue.EntryAccepted}})
	require.ErrorIs(t, err, store.ErrNotFound)
	assert.ErrorContains(t, err, "cancellation CNNONE")
	_, err = s.Cancellation(t.Context(), "CNNONE")
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestPrepare(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile func(*shelf)
		want      *queue.Aside
	}{
		{"nothing happened", func(*shelf) {}, nil},
		{"it shipped", func(b *shelf) { b.orders[0].Lines[0].Shipped, b.orders[0].Lines[1].Shipped = 2, 1 },
			&queue.Aside{State: queue.EntryNeedsDecision, Why: "the order is FullyShipped: Amazon would refund all of it"}},
		{"it shipped in part", func(b *shelf) { b.orders[0].Lines[0].Shipped = 1 },
			&queue.Aside{State: queue.EntryNeedsDecision, Why: "the order is PartiallyShipped: Amazon would refund all of it"}},
		{"it was split", func(b *shelf) { b.orders = append(b.orders, paid(so1b, first)) },
			&queue.Aside{State: queue.EntryNeedsDecision, Why: "several host orders share the Amazon order: Amazon would cancel them all"}},
		{"it vanished", func(b *shelf) { b.orders = b.orders[1:] },
			&queue.Aside{State: queue.EntryQueued, Why: "the host's order book does not have the order any more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
			one, two := s.issue(ask(first)), s.issue(ask(second))
			tt.meanwhile(s.book)
			prepared, err := s.Prepare(t.Context(), []queue.Entry{s.entry(one.ID), s.entry(two.ID), {ID: "CNNONE", Order: first}})
			require.NoError(t, err)
			message := func(number string) []queue.PreparedMessage {
				return []queue.PreparedMessage{{Message: amazon.Cancellation{Order: number, Items: []string{mug, tray}, Reason: amazon.CancelNoInventory}}}
			}
			want := []queue.Prepared{
				{Entry: one.ID, Order: order.Writes{Order: first, Version: 1}, Messages: message(first.Number), Aside: tt.want},
				{Entry: two.ID, Order: order.Writes{Order: second, Version: 1}, Messages: message(second.Number)},
			}
			if diff := cmp.Diff(want, prepared); diff != "" {
				t.Errorf("prepared (-want +got):\n%s", diff)
			}
		})
	}
}
