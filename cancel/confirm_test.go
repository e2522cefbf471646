package cancel_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// accepted is a shop whose one order Amazon accepted to cancel.
func accepted(t *testing.T) (*shop, queue.EntryID) {
	t.Helper()
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryAccepted, acceptance)
	s.deliver()
	return s, c.ID
}

func TestConfirmed(t *testing.T) {
	s, id := accepted(t)
	s.step(time.Minute)
	assert.Zero(t, s.there.asked, "Amazon has ten minutes")
	s.there.state = amazon.OrderState{Status: amazon.OrderCancelled}
	posted := s.ledger(first).Postings
	s.step(10 * time.Minute)
	assert.Equal(t, cancel.Confirmed, s.read(id).Proof)
	assert.Zero(t, s.read(id).LookAt)
	assert.Equal(t, posted, s.ledger(first).Postings, "nothing is posted twice")
	s.step(24 * time.Hour)
	assert.Equal(t, 1, s.there.asked)
	assert.Empty(t, s.alerts())
}

// Hourly for a day, then daily, for ninety days; one alert after a day.
func TestStillUnshippedAfterADay(t *testing.T) {
	s, id := accepted(t)
	s.there.state = amazon.OrderState{Status: amazon.OrderUnshipped}
	for range 23 {
		s.step(time.Hour)
	}
	assert.Empty(t, s.alerts())
	asked := s.there.asked
	assert.Equal(t, 23, asked)
	for range 100 * 24 {
		s.step(time.Hour)
	}
	assert.Equal(t, []string{"open/" + string(id)}, s.alerts())
	assert.InDelta(t, 90, s.there.asked-asked, 3)
	assert.Zero(t, s.read(id).LookAt)
	assert.Equal(t, cancel.Unproven, s.read(id).Proof)
}

// Refused by Amazon: what the order shows there decides, else a person.
func TestRefusedIsLookedUp(t *testing.T) {
	for _, test := range []struct {
		shown   amazon.OrderStatus
		outcome cancel.Outcome
		status  order.Status
		alerts  int // beside the refusal's
		looks   bool
	}{
		{amazon.OrderCancelled, cancel.Cancelled, order.StatusCancelled, 0, false},
		{amazon.OrderShipped, cancel.Refused, order.StatusProblemOrder, 1, false},
		{amazon.OrderUnshipped, cancel.Refused, order.StatusProblemOrder, 0, true},
		{"SOMETHING_NEW", cancel.Refused, order.StatusProblemOrder, 0, true},
	} {
		t.Run(string(test.shown), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, queue.EntryRefused, refusal)
			s.there.state = amazon.OrderState{Status: test.shown}
			s.step(time.Minute)
			s.deliver()
			assert.Equal(t, test.outcome, s.read(c.ID).Outcome)
			assert.Equal(t, test.status, s.order(so1).Status)
			assert.False(t, s.pass(first).May, "the gate stays closed")
			assert.Len(t, s.alerts(), 1+test.alerts)
			assert.Equal(t, test.looks, !s.read(c.ID).LookAt.IsZero())
		})
	}
}

func TestShippedAtAmazonIsTold(t *testing.T) {
	s, id := accepted(t)
	s.there.state = amazon.OrderState{Status: amazon.OrderShipped}
	s.step(time.Hour)
	es := s.deliver()
	assert.Contains(t, notes(es), "the order has shipped at Amazon, and its cancellation is Cancelled here.")
	assert.Equal(t, &order.ShippingChange{To: order.FullyShipped}, es[0].Shipping, "the shipping status follows")
	assert.Equal(t, []string{"shipped/" + string(id)}, s.alerts())
}

// When somebody has opened the gate it is no news that the order ships; that Amazon
// cancelled it is.
func TestAfterTheGateWasOpened(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryRefused, refusal)
	require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
	s.there.state = amazon.OrderState{Status: amazon.OrderShipped}
	s.step(time.Hour)
	assert.Len(t, s.alerts(), 1, "the refusal's")
	s.there.state.Status = amazon.OrderCancelled
	s.step(time.Hour)
	assert.False(t, s.pass(first).May)
	assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
}

// A part is confirmed by the units of its items, beside those of other parts.
func TestAPartIsConfirmedByItsUnits(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	one := s.issue(aMug())
	s.deliver()
	r := aMug()
	r.HostOrder, r.SplitTo = so1, "SO-1-C"
	two := s.issue(r)
	s.deliver()
	s.ship(so1)
	for _, id := range []queue.EntryID{one.ID, two.ID} {
		s.move(id, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
	}
	mugs := func(fulfilled, unfulfilled int) amazon.OrderState {
		return amazon.OrderState{Status: amazon.OrderPartiallyShipped, Items: []amazon.ItemState{
			{ID: mug, Ordered: 2, Fulfilled: fulfilled, Unfulfilled: unfulfilled}, {ID: tray, Ordered: 1, Fulfilled: 1},
		}}
	}
	proven := func() (n int) {
		for _, c := range s.cancellations(first) {
			if c.Proof == cancel.Confirmed {
				n++
			}
		}
		return n
	}
	s.there.state = mugs(0, 2)
	s.step(time.Hour)
	assert.Zero(t, proven())
	s.there.state = mugs(0, 0)
	s.step(time.Hour)
	assert.Zero(t, proven(), "Amazon does not say")
	s.there.state = mugs(0, 1)
	s.step(time.Hour)
	assert.Equal(t, 1, proven())
	s.step(time.Hour)
	assert.Equal(t, 1, proven(), "one unit proves one part")
	s.there.state = mugs(0, 0)
	s.there.state.Items[0].CancelledBy = amazon.ActorMerchant
	s.step(time.Hour)
	assert.Equal(t, 2, proven())
	assert.Empty(t, s.alerts())
}

// The order tells what became of a part whose result is not known.
func TestTheOrderTellsOfAPart(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.move(c.ID, queue.EntryUnknownSent)
	e := s.entry(c.ID)
	s.now = s.now.Add(time.Hour)
	for _, test := range []struct {
		state amazon.OrderState
		want  []queue.Result
	}{
		{amazon.OrderState{Status: amazon.OrderPartiallyShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Unfulfilled: 2}}}, nil},
		{amazon.OrderState{Status: amazon.OrderShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Fulfilled: 1}}},
			[]queue.Result{{Part: mug, Verdict: amazon.VerdictAccepted, Text: `Amazon shows the order as "SHIPPED"`}}},
		{amazon.OrderState{Status: amazon.OrderCancelled},
			[]queue.Result{{Part: mug, Verdict: amazon.VerdictAccepted, Text: `Amazon shows the order as "CANCELLED"`}}},
	} {
		s.there.state = test.state
		said, err := s.Testify(t.Context(), account, e)
		require.NoError(t, err)
		assert.Equal(t, test.want, said.Results)
	}
}

// A unit that Amazon was to cancel with an earlier part proves nothing of a later one.
func TestAUnitTellsOfOnePart(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	one := s.issue(aMug())
	s.deliver()
	s.move(one.ID, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
	r := aMug()
	r.HostOrder, r.SplitTo = so1, "SO-1-C"
	two := s.issue(r)
	s.move(two.ID, queue.EntryUnknownResult)
	e := s.entry(two.ID)
	s.now = s.now.Add(time.Hour)
	for left, proven := range map[int]int{1: 0, 0: 1} {
		s.there.state = amazon.OrderState{Status: amazon.OrderShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Unfulfilled: left, CancelledBy: amazon.ActorMerchant}}}
		said, err := s.Testify(t.Context(), account, e)
		require.NoError(t, err)
		assert.Len(t, said.Results, proven)
	}
}

// One order's error keeps no other from its turn; a throttled call ends the pass.
func TestConfirmWhenAmazonDoesNotAnswer(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	for _, on := range []order.AmazonID{first, second} {
		s.move(s.issue(ask(on)).ID, queue.EntryAccepted, acceptance)
	}
	s.there.err = errors.New("no connection")
	s.now = s.now.Add(time.Hour)
	_, err := s.Step(t.Context())
	require.ErrorContains(t, err, first.Number)
	require.ErrorContains(t, err, second.Number)
	assert.Equal(t, 2, s.there.asked)
	s.step(time.Minute)
	assert.Equal(t, 2, s.there.asked, "each rests for an hour")

	s.now = s.now.Add(2 * time.Hour)
	retry := s.now.Add(7 * time.Minute)
	s.there.err = &amazon.Error{Op: "getOrder", Sent: amazon.NotSent, Status: 429, RetryAt: retry}
	next, err := s.Step(t.Context())
	require.NoError(t, err)
	assert.Equal(t, retry, next)
	assert.Equal(t, 3, s.there.asked)

	s.there.err, s.there.state = nil, amazon.OrderState{Status: amazon.OrderCancelled}
	s.step(10 * time.Minute)
	assert.Equal(t, 5, s.there.asked)
	for _, on := range []order.AmazonID{first, second} {
		assert.Equal(t, cancel.Confirmed, s.cancellations(on)[0].Proof)
	}
}

// Cancellations that cannot be looked at, however many, rest for a while, and the
// others have their turn.
func TestWhatCannotBeConfirmedKeepsNobody(t *testing.T) {
	s := open(t, settings.Policy{})
	for i := range 101 {
		on := order.AmazonID{Account: "acme-us", Number: fmt.Sprintf("111-0000003-%07d", i)}
		s.book.orders = append(s.book.orders, paid(order.ID{Company: "acme", Number: on.Number}, on))
		s.move(s.issue(ask(on)).ID, queue.EntryAccepted, acceptance)
	}
	for i := range 100 {
		s.book.orders[i].Currency = "EUR" // which no ledger of theirs has
	}
	s.there.state = amazon.OrderState{Status: amazon.OrderCancelled}
	s.now = s.now.Add(time.Hour)
	_, err := s.Step(t.Context())
	require.ErrorIs(t, err, order.ErrCurrency)
	next, err := s.Step(t.Context())
	require.NoError(t, err)
	assert.True(t, next.After(s.now), "come back at %s", next)
	assert.Equal(t, cancel.Confirmed, s.cancellations(s.book.orders[100].Amazon)[0].Proof)
}

// The withdrawal that did not come about is made up for by the next pass.
func TestWithdrawIsMadeUpFor(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	broken := s.at(&s.there, s.now)
	require.NoError(t, cancel.Found(broken, t.Context(), first, amazon.ActorBuyer, "a report"))
	require.Equal(t, queue.EntryQueued, s.entry(c.ID).State, "that service has no Withdraw")
	s.step(time.Minute)
	assert.Equal(t, queue.EntryWithdrawn, s.entry(c.ID).State)
	assert.Zero(t, s.read(c.ID).LookAt)
}

// An order that the host keeps no more is confirmed all the same, and asked for no
// more often than others.
func TestConfirmWhatTheHostHasArchived(t *testing.T) {
	s, id := accepted(t)
	s.book.orders = nil
	s.there.state = amazon.OrderState{Status: amazon.OrderUnshipped}
	for range 3 {
		s.step(time.Hour)
		s.step(time.Minute)
	}
	assert.Equal(t, 3, s.there.asked)
	s.there.state.Status = amazon.OrderCancelled
	s.step(time.Hour)
	assert.Equal(t, cancel.Confirmed, s.read(id).Proof)
	s.step(48 * time.Hour)
	assert.Equal(t, 4, s.there.asked)
}
