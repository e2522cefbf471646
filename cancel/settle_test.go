package cancel_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

var acceptance = queue.Result{Verdict: amazon.VerdictAccepted}

// learn applies a result of an attempt, from 1, to an entry whose state stays.
func (s *shop) learn(id queue.EntryID, attempt int, r queue.Result) {
	s.t.Helper()
	e := s.entry(id)
	e.Attempts[attempt-1].Results = []queue.Result{r}
	require.NoError(s.t, s.Apply(s.t.Context(), []queue.Entry{e}))
}

func (s *shop) alerts() (keys []string) {
	s.t.Helper()
	as, err := s.store.Alerts(s.t.Context(), order.AlertQuery{})
	require.NoError(s.t, err)
	for _, a := range as {
		keys = append(keys, a.Key)
	}
	return keys
}

// The order must not ship because its cancellation was given up: the buyer wanted
// no parcel, and nobody knows what Amazon did.
func TestApplyGivenUp(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryUnknownSent)
	s.deliver()
	s.move(c.ID, queue.EntryGivenUp)

	assert.Contains(t, notes(s.deliver()), "Cancellation "+string(c.ID)+": given up. The order must not ship until somebody opens the gate. because")
	assert.Equal(t, cancel.GivenUp, s.read(c.ID).Outcome)
	assert.Equal(t, s.entry(c.ID).Changed, s.read(c.ID).Ended)
	assert.Equal(t, "53.3", s.ledger(first).LeftTotal().String())
	assert.Equal(t, order.StatusProblemOrder, s.book.orders[0].Status)
	assert.Equal(t, []string{"cancellation " + string(c.ID) + " was given up, and nobody has opened the gate"}, s.pass(first).Why)
	_, err := s.Issue(t.Context(), ask(first))
	require.ErrorIs(t, err, cancel.ErrEnded)

	require.NoError(t, s.Open(t.Context(), first, "carla", "the buyer wants it after all"))
	s.deliver()
	assert.True(t, s.pass(first).May)
	assert.Equal(t, order.StatusInProcess, s.book.orders[0].Status)

	s.move(c.ID, queue.EntryQueued)
	s.deliver()
	assert.Equal(t, cancel.Open, s.read(c.ID).Outcome)
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
	assert.False(t, s.pass(first).May)
	assert.Equal(t, order.StatusOnHold, s.book.orders[0].Status)
}

func TestApplySettledOutside(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryUnknownSent)
	s.deliver()
	s.move(c.ID, queue.EntrySettledOutside, queue.Result{Verdict: amazon.VerdictAccepted, By: "bob"})

	assert.Contains(t, notes(s.deliver()), "Cancellation "+string(c.ID)+": done another way. because")
	assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
	assert.Equal(t, order.StatusCancelled, s.book.orders[0].Status)
	assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
	assert.False(t, s.pass(first).May)

	// That Amazon did it too changes nothing: an order is cancelled once.
	s.learn(c.ID, 1, acceptance)
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Posted).String())
	assert.Empty(t, s.alerts())
	assert.Empty(t, s.deliver())
}

// Sent anew, everything stays as it is.
func TestApplySentAnew(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryUnknownSent)
	s.deliver()
	postings := s.ledger(first).Postings
	s.move(c.ID, queue.EntryQueued)
	assert.Empty(t, s.deliver())
	assert.Empty(t, cmp.Diff(postings, s.ledger(first).Postings))
}

// Whatever was decided, an order that Amazon cancelled is cancelled.
func TestApplyContradicted(t *testing.T) {
	for _, ended := range []queue.State{queue.EntryGivenUp, queue.EntryRefused, queue.EntryWithdrawn, queue.EntryRejected} {
		t.Run(string(ended), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, queue.EntryUnknownSent)
			s.move(c.ID, queue.EntryQueued)
			s.move(c.ID, ended, refusal)
			s.deliver()
			before := s.alerts()
			s.learn(c.ID, 1, acceptance)

			assert.Equal(t, append(before, "contradicted/"+string(c.ID)+"/1"), s.alerts())
			assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
			assert.Equal(t, ended, s.entry(c.ID).State)
			assert.Contains(t, notes(s.deliver()), "Amazon cancelled the order in attempt 1")
			assert.Equal(t, order.StatusCancelled, s.book.orders[0].Status)
			assert.Equal(t, []string{"order acme/SO-1 is Cancelled", "cancellation " + string(c.ID) + " is Cancelled"}, s.pass(first).Why)
			assert.Equal(t, "53.3", s.ledger(first).Total(order.Posted).String())
			assert.True(t, s.ledger(first).Total(order.Reserved).IsZero())

			// Known once more, and tried again: nothing is left to do.
			postings := s.ledger(first).Postings
			s.learn(c.ID, 1, acceptance)
			assert.Empty(t, s.deliver())
			assert.ErrorIs(t, s.Apply(t.Context(), []queue.Entry{s.moved(c.ID, queue.EntryQueued)}), queue.ErrTransition)
			assert.Empty(t, cmp.Diff(postings, s.ledger(first).Postings))
		})
	}
}

// The parcel is gone when it turns out that Amazon cancelled the order: its status
// is not changed, and people are told.
func TestApplyContradictedWhenShipped(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryUnknownSent)
	s.move(c.ID, queue.EntryGivenUp)
	s.deliver()
	require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
	s.deliver()
	require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
	s.book.orders[0].Status = order.StatusCompleted
	s.learn(c.ID, 1, acceptance)
	s.deliver()
	assert.Equal(t, order.StatusCompleted, s.book.orders[0].Status)
	assert.Len(t, s.alerts(), 2, "contradicted, and stale")
}

// The first of two attempts was carried out while the second was on its way.
func TestApplyTwoAttempts(t *testing.T) {
	for _, ended := range []struct {
		to     queue.State
		result queue.Result
	}{{queue.EntryRefused, refusal}, {queue.EntryAccepted, acceptance}, {queue.EntryQueued, queue.Result{}}} {
		t.Run(string(ended.to), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, queue.EntryUnknownSent)
			s.move(c.ID, queue.EntryQueued)
			s.move(c.ID, queue.EntrySubmitted)
			s.learn(c.ID, 1, acceptance)
			s.move(c.ID, ended.to, ended.result)
			s.deliver()

			assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
			assert.Equal(t, order.StatusCancelled, s.book.orders[0].Status)
			assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
			assert.Empty(t, s.alerts())
			prepared, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
			require.NoError(t, err)
			assert.Equal(t, &queue.Aside{State: queue.EntryNeedsDecision, Why: "the order is cancelled already"}, prepared[0].Aside)
		})
	}
}

// An order is cancelled once, by whichever cancellation of it.
func TestTwoCancellationsCarriedOut(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	one := s.issue(ask(first))
	s.move(one.ID, queue.EntryUnknownSent)
	s.move(one.ID, queue.EntryGivenUp)
	r := ask(first)
	r.Key = "another"
	two := s.issue(r)
	s.move(two.ID, queue.EntryAccepted, acceptance)
	s.learn(one.ID, 1, acceptance)
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Posted).String())
	assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
	assert.Contains(t, s.alerts(), "contradicted/"+string(one.ID)+"/1")
}

func TestPrepareHoldsAnOrderThatIsOver(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	l := s.ledger(first)
	write := cancel.Change{Writes: order.Writes{Order: first, Version: l.Version, Postings: []order.Posting{{
		Order: first, Seq: len(l.Postings) + 1, Item: tray, Component: order.Principal, Balance: order.Posted,
		Amount: usd("0.01"), Currency: "USD", Cause: order.Cause{Kind: order.CauseAmazon, ID: "A1"},
	}}}}
	require.NoError(t, s.store.SaveCancellations(t.Context(), []cancel.Change{write}))
	prepared, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
	require.NoError(t, err)
	assert.Equal(t, &queue.Aside{State: queue.EntryQueued,
		Why: "item " + tray + ": Principal is overdrawn: 0.01 USD more is posted and reserved than the order says was charged"}, prepared[0].Aside)
}

// However states, results and decisions follow each other: an open cancellation
// holds what it took, one that was carried out has posted it once, and any other
// has given it back.
func TestTheLedgerFollowsTheCancellation(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := open(t, settings.Policy{}, paid(so1, first))
		id := s.issue(ask(first)).ID
		apply := func(e queue.Entry) {
			if err := s.Apply(t.Context(), []queue.Entry{e}); err != nil {
				require.ErrorIs(r, err, queue.ErrTransition)
				require.Equal(r, cancel.Cancelled, s.read(id).Outcome)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"a state": func(r *rapid.T) {
				e := s.entry(id)
				next := slices.DeleteFunc(queue.EntryTransitions(), func(tr queue.Transition) bool {
					return tr.From != string(e.State) || tr.To == string(queue.EntryAccepted) || tr.To == string(queue.EntryPartlyAccepted) || tr.To == string(queue.EntryRefused)
				})
				if len(next) == 0 {
					return // it has ended
				}
				e.State = queue.State(rapid.SampledFrom(next).Draw(r, "transition").To)
				e.Changed = order.Stamp{By: "bob", At: s.tick()}
				if e.State == queue.EntryClaimed {
					e.Attempts = append(e.Attempts, queue.Attempt{At: s.now})
				}
				apply(e)
			},
			"a result": func(r *rapid.T) {
				e := s.entry(id)
				if len(e.Attempts) == 0 {
					return // never sent
				}
				i := rapid.IntRange(0, len(e.Attempts)-1).Draw(r, "attempt")
				result := rapid.SampledFrom([]queue.Result{acceptance, refusal, {Verdict: amazon.VerdictUnknown}}).Draw(r, "result")
				if old := e.Attempts[i].Results; len(old) > 0 && old[0].Verdict == amazon.VerdictAccepted {
					return // what is known stays known
				}
				e.Attempts[i].Results = []queue.Result{result}
				if i == len(e.Attempts)-1 && e.State.UnderWay() && result.Verdict == amazon.VerdictRefused {
					e.State, e.Changed = queue.EntryRefused, order.Stamp{By: "Amazon", At: s.tick()}
				}
				apply(e)
			},
			"": func(r *rapid.T) {
				c, l := s.read(id), s.ledger(first)
				want := map[cancel.Outcome][2]string{cancel.Open: {"53.3", "0"}, cancel.Cancelled: {"0", "53.3"}}
				held, posted := l.Total(order.Reserved), l.Total(order.Posted)
				balances, open := want[c.Outcome]
				if !open {
					balances = [2]string{"0", "0"}
				}
				require.Equal(r, balances, [2]string{held.String(), posted.String()}, "%s", c.Outcome)
				require.False(r, held.LessThan(decimal.Zero))
				require.Equal(r, c.Outcome == cancel.Dropped, s.pass(first).May)
			},
		})
	})
}

// What is dropped gives the order its status back, unless somebody changed it, and
// not while somebody else has begun to hold it.
func TestDroppedGivesBackTheStatus(t *testing.T) {
	held := func(s *shop) {
		o := &s.book.orders[0]
		o.Holds = append(o.Holds, order.Hold{Owner: order.HeldByHost, Why: "address", Since: s.tick()})
	}
	becomes := func(status order.Status) func(*shop) {
		return func(s *shop) { s.book.orders[0].Status = status }
	}
	for _, tt := range []struct {
		name      string
		at        settings.CancelledAt
		before    order.Status
		meanwhile func(*shop)
		want      order.Status
		stale     bool
	}{
		{"nothing happened", settings.CancelledWhenAccepted, order.StatusInProcess, func(*shop) {}, order.StatusInProcess, false},
		{"it was no order in process", settings.CancelledWhenAccepted, order.StatusProblemOrder, func(*shop) {}, order.StatusProblemOrder, false},
		{"Cancelled since the request", settings.CancelledWhenRequested, order.StatusInProcess, func(*shop) {}, order.StatusInProcess, false},
		{"the host holds it now", settings.CancelledWhenAccepted, order.StatusInProcess, held, order.StatusOnHold, false},
		{"Cancelled since the request, and the host holds it now", settings.CancelledWhenRequested, order.StatusInProcess, held, order.StatusOnHold, false},
		{"somebody cancelled the host's order", settings.CancelledWhenAccepted, order.StatusInProcess, becomes(order.StatusCancelled), order.StatusCancelled, true},
		{"somebody put it on hold", settings.CancelledWhenRequested, order.StatusInProcess, becomes(order.StatusOnHold), order.StatusOnHold, true},
		{"somebody made it a problem order", settings.CancelledWhenAccepted, order.StatusInProcess, becomes(order.StatusProblemOrder), order.StatusProblemOrder, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{CancelledAt: tt.at}, paid(so1, first))
			s.book.orders[0].Status = tt.before
			c := s.issue(ask(first))
			s.deliver()
			tt.meanwhile(s)
			s.move(c.ID, queue.EntryWithdrawn)
			s.deliver()
			assert.Equal(t, tt.want, s.order(so1).Status)
			for _, h := range s.order(so1).Holds {
				assert.Equal(t, order.HeldByHost, h.Owner, "ours is released, and no other")
			}
			assert.Equal(t, tt.stale, len(s.alerts()) == 1, "people are told what was left alone")
		})
	}
}

// What is tried again and dropped again comes back to what the order was in between.
func TestRetryRemembersTheStatus(t *testing.T) {
	for _, delivered := range []bool{true, false} {
		s := open(t, settings.Policy{}, paid(so1, first))
		c := s.issue(ask(first))
		s.deliver()
		s.move(c.ID, queue.EntryWithdrawn)
		want := order.StatusInProcess
		if delivered {
			s.deliver()
			want = order.StatusProblemOrder
			s.book.orders[0].Status = want
		}
		s.move(c.ID, queue.EntryQueued)
		s.deliver()
		assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
		s.move(c.ID, queue.EntryWithdrawn)
		s.deliver()
		assert.Equal(t, want, s.order(so1).Status)
		assert.Empty(t, s.alerts())
	}
}

// A warehouse that ships past the gate what Amazon cancels: people are told, once.
func TestCancelledButShipped(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after func(*shop)
		atOnce        int // alerts as soon as Amazon accepts
	}{
		{"before Amazon accepted", func(s *shop) { s.ship(so1) }, func(*shop) {}, 1},
		{"before Amazon showed it", func(*shop) {}, func(s *shop) { s.ship(so1) }, 0},
		{"a unit of it", func(s *shop) { s.order(so1).Lines[0].Shipped = 1 }, func(*shop) {}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			c := s.issue(ask(first))
			s.move(c.ID, queue.EntrySubmitted)
			tt.before(s)
			s.move(c.ID, queue.EntryAccepted, acceptance)
			assert.Len(t, s.alerts(), tt.atOnce)
			tt.after(s)
			s.there.state = amazon.OrderState{Status: amazon.OrderCancelled}
			s.step(time.Hour)
			assert.Equal(t, cancel.Confirmed, s.read(c.ID).Proof)
			assert.Equal(t, []string{"shipped/" + string(c.ID)}, s.alerts())
			as, err := s.store.Alerts(t.Context(), order.AlertQuery{})
			require.NoError(t, err)
			assert.Contains(t, as[0].Text, "acme/SO-1 has been handed over or shipped")
		})
	}
}

// The same for a part, whose units Amazon shows as cancelled.
func TestCancelledPartButShipped(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.deliver()
	s.ship(so1)
	s.move(c.ID, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
	assert.Empty(t, s.alerts(), "the rest had to ship")
	s.deliver()
	s.ship(so1b)
	s.there.state = amazon.OrderState{Status: amazon.OrderShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Fulfilled: 1}}}
	s.step(time.Hour)
	assert.Equal(t, cancel.Confirmed, s.read(c.ID).Proof)
	assert.Equal(t, []string{"shipped/" + string(c.ID)}, s.alerts())
}

// What the host hears of the money counts all that went back, whoever sent it, and what
// is promised as the merchant wants it counted.
func TestTheMoneyBesideACancellation(t *testing.T) {
	for policy, status := range map[settings.PaymentStatusAt]order.PaymentStatus{
		settings.PaymentStatusWhenAccepted: order.PartialRefund,
		settings.PaymentStatusWhenIssued:   order.FullRefund,
	} {
		s := open(t, settings.Policy{PaymentStatusAt: policy}, paid(so1, first))
		c := s.issue(aMug())
		s.deliver()
		l, stamp := s.ledger(first), order.Stamp{By: "anna", At: s.tick()}
		byAmazon := l.Book(order.Cause{Kind: order.CauseAmazon, ID: "B1"}, tray, order.Amounts{order.Principal: usd("10.00")}, "USD", stamp)
		promised, err := l.With(byAmazon...).Reserve(order.Cause{Kind: order.CauseRefund, ID: "RF1"}, mug, order.Amounts{order.Principal: usd("20.00"), order.Tax: usd("1.65")}, false, stamp)
		require.NoError(t, err)
		require.NoError(t, s.store.SaveRefunds(t.Context(), []refund.Change{{Writes: order.Writes{Order: first, Version: l.Version, Postings: append(byAmazon, promised...)}}}))

		s.move(c.ID, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
		told := slices.DeleteFunc(s.deliver(), func(e order.Effect) bool { return e.Kind != order.EffectPayment })
		require.Len(t, told, 2)
		assert.Equal(t, []order.ID{so1b, so1}, []order.ID{told[0].Order, told[1].Order}, "a split moves no money")
		for _, e := range told {
			assert.Empty(t, cmp.Diff(&order.Payment{Status: status, Pending: usd("21.65"), Refunded: usd("10.00"), Currency: "USD"}, e.Payment))
		}
	}
}
