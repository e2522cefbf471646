package cancel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func (s *shop) found(by amazon.Actor) {
	s.t.Helper()
	require.NoError(s.t, cancel.Found(s.Service, s.t.Context(), first, by, "order report 17"))
}

// cancellations are those of an order, oldest first.
func (s *shop) cancellations(on order.AmazonID) []cancel.Cancellation {
	s.t.Helper()
	cs, err := s.Cancellations(s.t.Context(), cancel.Query{Orders: []order.AmazonID{on}})
	require.NoError(s.t, err)
	return cs
}

// An order that nobody here cancelled is found cancelled at Amazon: the gate is closed
// at once, its status and money follow, and it is told once by whom.
func TestFoundCancelled(t *testing.T) {
	for by, who := range map[amazon.Actor]string{
		amazon.ActorBuyer: "the buyer", amazon.ActorAmazon: "Amazon", amazon.ActorMerchant: "the merchant", "": "somebody",
	} {
		t.Run(who, func(t *testing.T) {
			rest, own := split(t)
			own.Status = order.StatusOnHold
			s := open(t, settings.Policy{}, rest, own)
			s.found(by)
			assert.False(t, s.pass(first).Of(so1).May, "before the host's order shows it")
			assert.False(t, s.pass(first).Of(so1b).May)
			told := notes(s.deliver())
			assert.Contains(t, told, "Cancelled at Amazon by "+who+": order report 17.")
			assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
			assert.Equal(t, order.StatusCancelled, s.order(so1b).Status)
			assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
			assert.Empty(t, s.alerts())

			cs := s.cancellations(first)
			require.Len(t, cs, 1)
			assert.Equal(t, cancel.Confirmed, cs[0].Proof)
			version := s.ledger(first).Version
			s.found(by)
			require.NoError(t, s.MarkCancelled(t.Context(), first, "anna", "I know"))
			assert.Equal(t, version, s.ledger(first).Version, "finding it again changes nothing")
			_, err := s.Issue(t.Context(), part(so1))
			assert.ErrorContains(t, err, "is Cancelled already")
		})
	}
	s := open(t, settings.Policy{})
	s.found(amazon.ActorBuyer)
	assert.Zero(t, s.ledger(first).Version, "an order that the host does not have")
}

// What waits to cancel the order is withdrawn; the order stays cancelled, and nothing
// is counted twice.
func TestFoundCancelledWithdrawsWhatWaits(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.deliver()
	s.found(amazon.ActorBuyer)
	s.deliver()
	assert.Equal(t, queue.EntryWithdrawn, s.entry(c.ID).State)
	after := s.read(c.ID)
	assert.Equal(t, cancel.Cancelled, after.Outcome)
	assert.Equal(t, cancel.Confirmed, after.Proof)
	assert.Zero(t, after.LookAt)
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Posted).String())
	assert.True(t, s.ledger(first).Total(order.Reserved).IsZero())
	require.Len(t, s.cancellations(first), 1)
	require.ErrorIs(t, s.queue.Retry(t.Context(), "bob", "again", c.ID), queue.ErrTransition)
}

// A part waits while the whole order turns out to be cancelled.
func TestFoundCancelledWhileAPartWaits(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.deliver()
	s.found(amazon.ActorAmazon)
	s.deliver()
	assert.Equal(t, queue.EntryWithdrawn, s.entry(c.ID).State)
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.Equal(t, order.StatusCancelled, s.order(so1b).Status)
	assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
	assert.Len(t, s.cancellations(first), 2)
}

// Amazon was told of none of these, and shows all of them as cancelled: nothing is left
// that an earlier cancellation, or a new one, could be about.
func TestFoundCancelledWhatWasCancelledHereAlone(t *testing.T) {
	rest, own := split(t)
	s := openWith(t, settings.Settings{AllowLocalCancel: true}, rest, own)
	whole := ask(first)
	whole.Whole = true
	dropped := s.issue(whole)
	s.move(dropped.ID, queue.EntryRejected)
	s.deliver()
	for _, id := range []order.ID{so1, so1b} {
		here := part(id)
		here.Local = true
		s.issue(here)
	}
	s.found(amazon.ActorBuyer)
	require.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())

	require.ErrorIs(t, s.queue.Retry(t.Context(), "bob", "again", dropped.ID), queue.ErrTransition)
	whole.Key = "another"
	_, err := s.Issue(t.Context(), whole)
	require.ErrorIs(t, err, cancel.ErrKeyReused, "the order book shows none of it yet")
	s.deliver()
	assert.Equal(t, cancel.Dropped, s.read(dropped.ID).Outcome)
	assert.True(t, s.ledger(first).Total(order.Reserved).IsZero())
}

// What is on its way keeps its way: its answer changes nothing any more.
func TestFoundCancelledWhileOnTheWay(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntrySubmitted)
	s.found(amazon.ActorBuyer)
	assert.Equal(t, queue.EntrySubmitted, s.entry(c.ID).State)
	s.move(c.ID, queue.EntryRefused, refusal)
	s.deliver()
	assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.Empty(t, s.alerts())
	s.step(time.Hour)
	assert.Zero(t, s.read(c.ID).LookAt)
	assert.Zero(t, s.there.asked, "it is known how the order stands")
}

// An order that left the house keeps its status, and people are told.
func TestFoundCancelledAfterShipping(t *testing.T) {
	for name, left := range map[string]func(*shop){
		"handed over": func(s *shop) { require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s))) },
		"shipped":     func(s *shop) { s.ship(so1); s.book.orders[0].Status = order.StatusCompleted },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			left(s)
			was := s.order(so1)
			s.found(amazon.ActorAmazon)
			s.deliver()
			cs := s.cancellations(first)
			require.Len(t, cs, 1)
			assert.Contains(t, s.alerts(), "shipped/"+string(cs[0].ID))
			assert.Equal(t, was.Shipping() == order.Unshipped, s.ledger(first).PaymentStatus() == order.NoPayment,
				"what was shipped has been collected")
			assert.Equal(t, was.Status == order.StatusCompleted, s.order(so1).Status == order.StatusCompleted)
		})
	}
}

// A person may always say that an order is cancelled, whatever its status is.
func TestMarkCancelled(t *testing.T) {
	for _, status := range []order.Status{order.StatusInProcess, order.StatusOnHold, order.StatusProblemOrder, order.StatusCompleted, order.StatusVoid} {
		t.Run(string(status), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.book.orders[0].Status = status
			require.NoError(t, s.MarkCancelled(t.Context(), first, "anna", "cancelled in Seller Central"))
			assert.Contains(t, notes(s.deliver()), "The order is cancelled. cancelled in Seller Central")
			assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
			assert.False(t, s.pass(first).May)
			c := s.cancellations(first)[0]
			assert.Equal(t, "anna", c.Requested.By)
			assert.Equal(t, cancel.Unproven, c.Proof)

			// Amazon shows whether it is so.
			s.there.state = amazon.OrderState{Status: amazon.OrderUnshipped}
			s.step(time.Hour)
			assert.Equal(t, []string{"open/" + string(c.ID) + "/0"}, s.alerts())
			s.there.state.Status = amazon.OrderCancelled
			s.step(24 * time.Hour)
			assert.Equal(t, cancel.Confirmed, s.read(c.ID).Proof)
			assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
		})
	}
}

func TestMarkCancelledWhatIsRefusedOrWaits(t *testing.T) {
	for _, to := range []queue.State{queue.EntryRefused, queue.EntryGivenUp, queue.EntryQueued} {
		t.Run(string(to), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, queue.EntryUnknownSent)
			s.move(c.ID, to, refusal)
			require.NoError(t, s.MarkCancelled(t.Context(), first, "anna", "by phone"))
			s.deliver()
			assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
			assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
			assert.Equal(t, "53.3", s.ledger(first).Total(order.Posted).String())
			assert.True(t, s.entry(c.ID).State.Final())
			assert.Len(t, s.cancellations(first), 1)
		})
	}
}

func TestMarkCancelledRefuses(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	assert.ErrorContains(t, s.MarkCancelled(t.Context(), first, "", "why"), "say by whom")
	assert.ErrorIs(t, s.MarkCancelled(t.Context(), second, "anna", "why"), store.ErrNotFound)
	assert.Zero(t, s.ledger(first).Version)
}

// The values before and after stand in the journal.
func TestFoundCancelledIsAudited(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.found(amazon.ActorBuyer)
	es, err := s.store.Events(t.Context(), first)
	require.NoError(t, err)
	var changed [][3]string
	for _, e := range es {
		if e.Before != e.After {
			changed = append(changed, [3]string{e.Subject, e.Before, e.After})
		}
	}
	subject := "cancellation " + string(c.ID)
	assert.Equal(t, [][3]string{{subject, "Open", "Cancelled"}, {subject, "Unproven", "Confirmed"}}, changed)
}

// Where the order is Cancelled here before Amazon has accepted, a report that shows it
// as cancelled still takes back what waits to be sent, and confirms what was.
func TestReportedCancelledWhatIsCancelledHere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		local bool
		then  func(*shop, cancel.Cancellation)
		entry queue.State
	}{
		{"it waits in the queue", false, func(*shop, cancel.Cancellation) {}, queue.EntryWithdrawn},
		{"it is on its way", false, func(s *shop, c cancel.Cancellation) { s.move(c.ID, queue.EntrySubmitted) }, queue.EntrySubmitted},
		{"nobody knows whether it was sent", false, func(s *shop, c cancel.Cancellation) { s.move(c.ID, queue.EntryUnknownSent) }, queue.EntryUnknownSent},
		{"Amazon has accepted it", false, func(s *shop, c cancel.Cancellation) { s.move(c.ID, queue.EntryAccepted, acceptance) }, queue.EntryAccepted},
		{"it was cancelled here alone", true, func(*shop, cancel.Cancellation) {}, queue.EntryAppliedLocally},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openWith(t, settings.Settings{AllowLocalCancel: true, Policy: settings.Policy{CancelledAt: settings.CancelledWhenRequested}}, paid(so1, first))
			r := ask(first)
			r.Local = tt.local
			c := s.issue(r)
			tt.then(s, c)
			s.deliver()
			require.Equal(t, order.StatusCancelled, s.order(so1).Status)

			file := "amazon-order-id\torder-status\tsku\n" + first.Number + "\tCancelled\tMUG-BLUE\n"
			assert.Zero(t, s.imports(file).Cancelled, "the host shows it as cancelled, too")
			after := s.read(c.ID)
			assert.Equal(t, cancel.Cancelled, after.Outcome)
			assert.Equal(t, cancel.Confirmed, after.Proof)
			assert.Equal(t, tt.entry, s.entry(c.ID).State)
			assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
			version := s.ledger(first).Version
			s.imports(file)
			assert.Equal(t, version, s.ledger(first).Version, "the same file again changes nothing")
		})
	}
}
