package cancel_test

import (
	"errors"
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

// aMug asks to split one of the two mugs off and to cancel it.
func aMug() cancel.Request {
	r := ask(first)
	r.Split, r.SplitTo = []order.LineQuantity{{Item: mug, Quantity: 1}}, so1b.Number
	return r
}

// part asks to cancel a host order that shares its Amazon order.
func part(id order.ID) cancel.Request {
	r := ask(first)
	r.HostOrder = id
	return r
}

// split is an order of which one mug was split off.
func split(t *testing.T) (rest, part order.Order) {
	t.Helper()
	rest, part, err := order.Split(paid(so1, first), so1b.Number, []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(t, err)
	return rest, part
}

// One save splits the units off, holds the new order and queues an adjustment over
// their share.
func TestSplitAndCancelInOneSave(t *testing.T) {
	d, err := cancel.Decide(facts(), aMug())
	require.NoError(t, err)
	assert.Equal(t, "21.65 USD", d.Amount.String(), "half of 40.00 and 3.30")
	assert.EqualValues(t, amazon.RefundNoInventory, d.AmazonReason)
	assert.Equal(t, []string{"Amazon is told when the rest of its order is shipped: acme/SO-1"}, d.Warnings)
	rec := &recorder{}
	require.NoError(t, d.Save(t.Context(), rec))
	require.Len(t, rec.saved, 1)
	saved := rec.saved[0]

	c := saved.Cancellations[0]
	assert.True(t, c.Part)
	assert.Equal(t, so1b, c.HostOrder)
	assert.Equal(t, so1, c.SplitFrom)
	assert.Equal(t, []order.LineQuantity{{Item: mug, Quantity: 1}}, c.Units)
	assert.Equal(t, amazon.RefundFeed, saved.Entries[0].Feed, "it travels as an adjustment")
	assert.Equal(t, so1b, saved.Entries[0].HostOrder)
	assert.Equal(t, "Principal 20, Tax 1.65", leaves(saved).Held(c.Cause(), mug).String())

	first := saved.Effects[0]
	assert.Equal(t, so1, first.Order)
	assert.Equal(t, &order.SplitOff{To: so1b.Number, Lines: []order.LineQuantity{{Item: mug, Quantity: 1}}}, first.Split)
	for _, e := range saved.Effects[1:] {
		assert.Equal(t, so1b, e.Order, "%s", e.Kind)
	}
}

// leaves is the ledger that a change leaves of an order about which nothing was saved.
func leaves(ch cancel.Change) order.Ledger {
	return order.Ledger{Order: first}.With(ch.Postings...)
}

// The gate of the part is closed and that of the rest open, but none is between the
// save and the split's showing.
func TestTheGateOfAPartIsItsOwn(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	pending := s.pass(first)
	assert.False(t, pending.Of(so1).May)
	assert.Contains(t, pending.Why[0], "splits order acme/SO-1-B off from acme/SO-1, and the order book does not show it yet")
	_, err := s.Issue(t.Context(), part(so1))
	require.ErrorIs(t, err, cancel.ErrSplitPending)

	s.deliver()
	s.deliver() // the part's own effects, which came before it was there
	p := s.pass(first)
	assert.False(t, p.May, "not every host order may")
	assert.True(t, p.Of(so1).May)
	assert.Equal(t, []string{"cancellation " + string(c.ID) + " is Open"}, p.Of(so1b).Why)
	assert.Equal(t, []string{"order acme/SO-2 does not carry Amazon order acme-us/111-0000001-0000001"}, p.Of(so2).Why)

	require.ErrorIs(t, p.HandOver(t.Context(), s.store, leave(s)), cancel.ErrClosed)
	require.ErrorIs(t, p.HandOver(t.Context(), s.store, leave(s), so1, so1b), cancel.ErrClosed)
	require.ErrorIs(t, p.Of(so1b).HandOver(t.Context(), s.store, leave(s), so1), cancel.ErrClosed, "a pass for another order")
	require.NoError(t, p.HandOver(t.Context(), s.store, leave(s), so1))
	assert.Equal(t, "dock", s.gate(so1).HandedOver.By)
	gates, err := s.store.Gates(t.Context(), []order.ID{so1b})
	require.NoError(t, err)
	assert.Empty(t, gates)
	require.ErrorIs(t, p.HandOver(t.Context(), s.store, leave(s), so1), store.ErrConflict, "the pass is used up")
	require.NoError(t, s.pass(first).Of(so1).HandOver(t.Context(), s.store, leave(s)))
}

// A part waits until the rest is shipped, then goes as an adjustment with its units.
func TestAPartWaitsUntilTheRestIsShipped(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	prepared := func() queue.Prepared {
		ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
		require.NoError(t, err)
		require.Len(t, ps, 1)
		return ps[0]
	}
	assert.Equal(t, &queue.Aside{State: queue.EntryQueued, Why: "the order book does not show order acme/SO-1-B"}, prepared().Aside)

	s.deliver()
	assert.Equal(t, &queue.Aside{State: queue.EntryAwaitingShipment, Why: "order acme/SO-1 is Unshipped: units of a shared Amazon order are cancelled when the rest is shipped"}, prepared().Aside)
	s.order(so1).Lines[0].Shipped = 1
	assert.Equal(t, queue.EntryAwaitingShipment, prepared().Aside.State, "the tray is still here")

	s.ship(so1)
	p := prepared()
	assert.Nil(t, p.Aside)
	assert.Empty(t, cmp.Diff([]queue.PreparedMessage{{Part: mug, Message: amazon.Adjustment{
		Order: first.Number, Item: mug, AdjustmentID: string(c.ID) + "-1-1", Reason: amazon.RefundNoInventory, Currency: "USD",
		Amounts: order.Amounts{order.Principal: usd("20.00"), order.Tax: usd("1.65")}, QuantityCancelled: 1,
	}}}, p.Messages))

	s.move(c.ID, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
	s.deliver()
	assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
	assert.Equal(t, order.StatusCancelled, s.order(so1b).Status)
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
	l := s.ledger(first)
	assert.Equal(t, "21.65", l.Total(order.Posted).String())
	assert.Equal(t, "31.65", l.LeftTotal().String(), "the rest can still be refunded")
	assert.Equal(t, order.PartialPayment, l.PaymentStatus())

	s.ship(so1b)
	assert.Equal(t, &queue.Aside{State: queue.EntryNeedsDecision, Why: "the order is cancelled already"}, prepared().Aside)
}

// An item that Amazon has cancelled travels no second time with the others of its
// part, whoever decided that those go again, and takes no more money.
func TestWhatAmazonHasCancelledDoesNotGoAgain(t *testing.T) {
	anew := func(s *shop, c queue.EntryID) {
		e := s.entry(c)
		e.State, e.Changed = queue.EntryQueued, order.Stamp{By: "anna", At: s.tick(), Why: "it is not cancelled at Amazon"}
		require.NoError(s.t, s.Apply(s.t.Context(), []queue.Entry{e}))
	}
	for name, then := range map[string]func(*shop, queue.EntryID){
		"the others are sent anew": func(*shop, queue.EntryID) {},
		"the others are refused then, and tried again": func(s *shop, c queue.EntryID) {
			s.move(c, queue.EntryRefused, queue.Result{Part: tray, Verdict: amazon.VerdictRefused})
			anew(s, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := paid(so1, first)
			o.Lines[1].Ordered = 2
			rest, own, err := order.Split(o, so1b.Number, []order.LineQuantity{{Item: mug, Quantity: 1}, {Item: tray, Quantity: 1}})
			require.NoError(t, err)
			s := open(t, settings.Policy{}, rest, own)
			c := s.issue(part(so1b)).ID
			s.ship(so1)
			s.move(c, queue.EntryNeedsDecision, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted}, queue.Result{Part: tray, Verdict: amazon.VerdictUnknown})
			anew(s, c)
			then(s, c)

			ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c)})
			require.NoError(t, err)
			require.Nil(t, ps[0].Aside)
			require.Len(t, ps[0].Messages, 1)
			assert.Equal(t, tray, ps[0].Messages[0].Part)

			s.move(c, queue.EntryAccepted, queue.Result{Part: tray, Verdict: amazon.VerdictAccepted})
			assert.Equal(t, cancel.Cancelled, s.read(c).Outcome)
			l := s.ledger(first)
			assert.True(t, l.Total(order.Reserved).IsZero())
			assert.Equal(t, "26.65", l.Total(order.Posted).String())
		})
	}
}

func TestPrepareAPart(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile func(s *shop)
		state     queue.State
		says      string
	}{
		{"it was shipped itself", func(s *shop) { s.ship(so1); s.ship(so1b) }, queue.EntryNeedsDecision, "order acme/SO-1-B is FullyShipped: it cannot be cancelled, only refunded"},
		{"the rest was cancelled unshipped", func(s *shop) { s.book.orders[0].Status = order.StatusCancelled }, queue.EntryNeedsDecision, "give this up, and cancel the whole order"},
		{"the rest is void", func(s *shop) { s.book.orders[0].Status = order.StatusVoid }, queue.EntryNeedsDecision, "give this up, and cancel the whole order"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rest, own := split(t)
			s := open(t, settings.Policy{}, rest, own)
			c := s.issue(part(so1b))
			tt.meanwhile(s)
			ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
			require.NoError(t, err)
			assert.Equal(t, tt.state, ps[0].Aside.State)
			assert.Contains(t, ps[0].Aside.Why, tt.says)
		})
	}
}

// What is cancelled of the rest is not waited for, once something has shipped.
func TestAPartDoesNotWaitForWhatIsCancelled(t *testing.T) {
	rest, own := split(t)
	tray, rest, err := order.Split(rest, "SO-1-T", []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, own, tray)
	c := s.issue(part(so1b))
	other := s.issue(part(rest.ID))
	s.ship(tray.ID)
	ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID), s.entry(other.ID)})
	require.NoError(t, err)
	require.Len(t, ps, 2)
	assert.Nil(t, ps[0].Aside)
	assert.Nil(t, ps[1].Aside)
}

func TestDecideRefusesParts(t *testing.T) {
	tests := []struct {
		name  string
		given func(*cancel.Facts, *cancel.Request)
		is    error // nil: no sentinel
		says  string
	}{
		{"a split to nothing", func(_ *cancel.Facts, r *cancel.Request) { r.SplitTo = "" }, nil, `split of 1 items to number ""`},
		{"a split of nothing", func(_ *cancel.Facts, r *cancel.Request) { r.Split = nil }, nil, `split of 0 items to number "SO-1-B"`},
		{"a split of everything", func(_ *cancel.Facts, r *cancel.Request) {
			r.Split = []order.LineQuantity{{Item: mug, Quantity: 2}, {Item: tray, Quantity: 1}}
		}, order.ErrSplit, "nothing would be left"},
		{"a split of shipped units", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Lines[0].Shipped = 2 }, order.ErrSplit, "want 1 to the 0"},
		{"a split to a number that the Amazon order has", func(f *cancel.Facts, r *cancel.Request) {
			f.Orders = append(f.Orders, paid(so1b, first))
			r.HostOrder = so1
		}, nil, `host order "SO-1-B" carries the Amazon order already`},
		{"a split and the whole", func(_ *cancel.Facts, r *cancel.Request) { r.Whole = true }, nil, "contradict"},
		{"a host order of another Amazon order", func(_ *cancel.Facts, r *cancel.Request) { r.HostOrder = so2 }, nil, "host order acme/SO-2 does not carry it: want one of acme/SO-1"},
		{"a split without saying of which host order", func(f *cancel.Facts, r *cancel.Request) {
			f.Orders = append(f.Orders, paid(order.ID{Company: "acme", Number: "SO-1-C"}, first))
		}, cancel.ErrShared, "set HostOrder"},
		{"a reason that Amazon takes for whole orders only", func(_ *cancel.Facts, r *cancel.Request) { r.Reason = amazon.ReasonPriceError },
			nil, `reason "PriceError" for a part of an Amazon order: want NoInventory or BuyerCancelled`},
		{"a part that was handed over", func(f *cancel.Facts, _ *cancel.Request) {
			f.Gates = []cancel.Gate{{HostOrder: so1, Order: first, HandedOver: order.Stamp{By: "bob", At: morning}}}
		}, cancel.ErrHandedOver, "by bob"},
		{"a part of what is being cancelled", func(f *cancel.Facts, _ *cancel.Request) {
			f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so1, Order: first, Outcome: cancel.Open}}
		}, cancel.ErrKeyReused, "CN1 asks for the same (Open)"},
		{"a part of a part that is being cancelled", func(f *cancel.Facts, r *cancel.Request) {
			f.Orders = append(f.Orders, paid(so2, first))
			f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so1, Order: first, Part: true, Outcome: cancel.Open}}
			r.HostOrder = so1
		}, cancel.ErrKeyReused, "CN1 asks for the same (Open)"},
		{"units whose split was taken back and comes about all the same", func(f *cancel.Facts, r *cancel.Request) {
			f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so2, Order: first, Part: true, SplitFrom: so1, Outcome: cancel.Dropped}}
		}, cancel.ErrSplitPending, "acme/SO-2 is split off from acme/SO-1 by cancellation CN1"},
		{"a part for which nothing was paid", func(f *cancel.Facts, r *cancel.Request) {
			f.Orders[0].Lines[1].Charges = nil
			r.Split = []order.LineQuantity{{Item: tray, Quantity: 1}}
		}, nil, "no amounts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, r := facts(), aMug()
			tt.given(&f, &r)
			_, err := cancel.Decide(f, r)
			require.ErrorContains(t, err, tt.says)
			for _, sentinel := range []error{order.ErrSplit, cancel.ErrKeyReused, cancel.ErrHandedOver, cancel.ErrShared, cancel.ErrNothingLeft, cancel.ErrSplitPending} {
				assert.Equal(t, sentinel == tt.is, errors.Is(err, sentinel), "%v is %v", err, sentinel)
			}
		})
	}
}

// A part that was given up and one that was asked for meanwhile are the whole order,
// which turns out to be cancelled: its money is counted once.
func TestFoundCancelledAfterOverlappingCancellations(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	whole := s.issue(ask(first))
	s.move(whole.ID, queue.EntryUnknownSent)
	s.move(whole.ID, queue.EntryGivenUp)
	s.issue(aMug())
	s.found(amazon.ActorBuyer)
	l := s.ledger(first)
	assert.Equal(t, "53.3", l.Total(order.Posted).String())
	require.NoError(t, l.Over(false))
	assert.Equal(t, order.NoPayment, l.PaymentStatus())
}

// Cancelled here alone in its parts, and then at Amazon: a cancellation of the whole that
// was taken back before has nothing left to do.
func TestTheWholeIsNotTriedAgainWhenItsPartsAreCancelledAtAmazon(t *testing.T) {
	rest, b := split(t)
	s := openWith(t, settings.Settings{AllowLocalCancel: true}, rest, b)
	whole := ask(first)
	whole.Whole = true
	c := s.issue(whole)
	s.move(c.ID, queue.EntryWithdrawn)
	for _, id := range []order.ID{so1, so1b} {
		s.deliver()
		r := part(id)
		r.Local = true
		s.issue(r)
	}
	s.found(amazon.ActorMerchant)
	err := s.Apply(t.Context(), []queue.Entry{s.moved(c.ID, queue.EntryQueued)})
	require.ErrorIs(t, err, queue.ErrTransition)
	assert.Equal(t, cancel.Dropped, s.read(c.ID).Outcome)
}

// A cancellation that was taken back has its split carried out all the same. Until the
// book shows it nobody knows which units belong to which host order, unless a person
// says that it never will.
func TestTheGateWaitsForTheSplitOfWhatWasTakenBack(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.move(c.ID, queue.EntryWithdrawn)
	assert.Equal(t, []string{"cancellation " + string(c.ID) + " splits order acme/SO-1-B off from acme/SO-1, and the order book does not show it yet"}, s.pass(first).Why)

	require.NoError(t, s.Open(t.Context(), first, "carla", "the host refused the split"))
	assert.True(t, s.pass(first).May)

	s.deliver()
	assert.True(t, s.pass(first).Of(so1, so1b).May, "shown")
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
	assert.NotContains(t, s.alerted(), "stale")
}

// Units that have not shipped can be cancelled when others of the order have; what
// has shipped keeps the whole order from being cancelled.
func TestAPartOfAShippedOrder(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.order(so1).Lines[0].Shipped = 1
	_, err := s.Issue(t.Context(), ask(first))
	require.ErrorIs(t, err, cancel.ErrShipped)
	c := s.issue(aMug())
	s.deliver()
	s.ship(so1)
	ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
	require.NoError(t, err)
	assert.Nil(t, ps[0].Aside)
}

// The order book answers ErrStale to a split: the part never shows. Nothing ships and
// nothing else is split off until its cancellation is withdrawn, and then everything
// is as if it had not been asked for.
func TestTheOrderBookRefusesASplit(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.order(so1).Lines[0].Shipped = 2 // meanwhile
	s.deliver()

	p := s.pass(first)
	assert.Equal(t, []string{"cancellation " + string(c.ID) + " is Open, and the order book refused to split order acme/SO-1-B off from acme/SO-1 for it: withdraw it"}, p.Why)
	ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
	require.NoError(t, err)
	require.NotNil(t, ps[0].Aside)
	assert.Equal(t, queue.EntryQueued, ps[0].Aside.State)
	assert.Contains(t, ps[0].Aside.Why, "the order book refused to split order acme/SO-1-B off from acme/SO-1: withdraw this")
	another := ask(first)
	another.Split, another.SplitTo = []order.LineQuantity{{Item: tray, Quantity: 1}}, "SO-1-C"
	_, err = s.Issue(t.Context(), another)
	require.ErrorIs(t, err, cancel.ErrSplitPending)
	require.ErrorContains(t, err, "withdraw that first")

	require.NoError(t, s.queue.Withdraw(t.Context(), "bob", "the mugs have shipped", c.ID))
	assert.Equal(t, cancel.Dropped, s.read(c.ID).Outcome)
	assert.True(t, s.ledger(first).Total(order.Reserved).IsZero())
	assert.True(t, s.pass(first).May)
	require.ErrorIs(t, s.queue.Retry(t.Context(), "bob", "again", c.ID), queue.ErrTransition)
	assert.Equal(t, order.ID{Company: "acme", Number: "SO-1-C"}, s.issue(another).HostOrder)
}

// A part that is cancelled here alone cannot be withdrawn: when the order book refuses
// its split, people are told, and the order has its own gate again.
func TestTheOrderBookRefusesASplitHereAlone(t *testing.T) {
	s := openWith(t, settings.Settings{AllowLocalCancel: true}, paid(so1, first))
	here := aMug()
	here.Local = true
	s.issue(here)
	s.order(so1).Lines[0].Shipped = 2
	assert.False(t, s.pass(first).May)
	s.deliver()
	assert.True(t, s.pass(first).May)
	assert.Len(t, s.alerts(), 1)
}

func TestARepeatedSplitMeetsTheFirst(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	c := s.issue(aMug())
	assert.Equal(t, c, s.issue(aMug()), "before the split shows")
	s.deliver()
	again := s.issue(aMug())
	assert.Equal(t, c.ID, again.ID, "and after")
	assert.Equal(t, c.ID, s.issue(part(so1b)).ID, "and when the part is named")
	require.Len(t, s.book.orders, 3)

	for name, change := range map[string]func(*cancel.Request){
		"more units":         func(r *cancel.Request) { r.Split[0].Quantity = 2 },
		"another item":       func(r *cancel.Request) { r.Split[0].Item = tray },
		"another reason":     func(r *cancel.Request) { r.Reason = amazon.ReasonBuyerCancelled },
		"another host order": func(r *cancel.Request) { r.HostOrder = so1b },
		"here alone":         func(r *cancel.Request) { r.Local = true },
		"with zero-out":      func(r *cancel.Request) { r.ZeroOut = true },
		"another order":      func(r *cancel.Request) { r.Order = second },
	} {
		r := aMug()
		change(&r)
		_, err := s.Issue(t.Context(), r)
		assert.ErrorIs(t, err, cancel.ErrKeyReused, name)
	}
}

// All host orders of an Amazon order are cancelled together, as long as no unit has
// shipped: one message, every item, every order held.
func TestWhole(t *testing.T) {
	rest, own := split(t)
	s := open(t, settings.Policy{}, rest, own)
	s.book.orders[1].Status = order.StatusProblemOrder
	r := ask(first)
	r.Whole = true
	c := s.issue(r)
	s.deliver()
	for _, o := range s.book.orders {
		assert.Equal(t, order.StatusOnHold, o.Status, "%s", o.ID)
		assert.Len(t, o.Holds, 1, "%s", o.ID)
		assert.False(t, s.pass(first).Of(o.ID).May)
	}
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
	ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
	require.NoError(t, err)
	assert.Nil(t, ps[0].Aside)
	assert.Equal(t, amazon.Cancellation{Order: first.Number, Items: []string{mug, tray}, Reason: amazon.CancelNoInventory}, ps[0].Messages[0].Message)
	_, err = s.Issue(t.Context(), part(so1b))
	require.ErrorIs(t, err, cancel.ErrKeyReused)

	s.move(c.ID, queue.EntryWithdrawn)
	s.deliver()
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
	assert.Equal(t, order.StatusProblemOrder, s.order(so1b).Status, "each has its own status back")
	assert.True(t, s.pass(first).May)

	s.move(c.ID, queue.EntryQueued)
	s.move(c.ID, queue.EntryRefused, refusal)
	s.deliver()
	require.NoError(t, s.Open(t.Context(), first, "carla", "ship them"))
	s.deliver()
	assert.True(t, s.pass(first).May)
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)

	s.move(c.ID, queue.EntryQueued)
	s.move(c.ID, queue.EntryAccepted, acceptance)
	s.deliver()
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.Equal(t, order.StatusCancelled, s.order(so1b).Status)
	assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus())
}

// When nothing would be left to ship, the parts together are the whole order: that is
// another request, once those that wait are taken back.
func TestTheLastPartIsTheWhole(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.deliver()
	_, err := s.Issue(t.Context(), part(so1))
	require.ErrorIs(t, err, cancel.ErrNothingLeft)
	whole := ask(first)
	whole.Whole = true
	_, err = s.Issue(t.Context(), whole)
	require.ErrorIs(t, err, cancel.ErrKeyReused)
	assert.ErrorContains(t, err, string(c.ID))

	require.NoError(t, s.queue.Withdraw(t.Context(), "anna", "all of it then", c.ID))
	s.issue(whole)
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
}

// An item of a part that Amazon refuses keeps the gate closed; what it took is posted.
func TestAPartIsAcceptedInPart(t *testing.T) {
	r := ask(first)
	r.Split, r.SplitTo = []order.LineQuantity{{Item: mug, Quantity: 1}, {Item: tray, Quantity: 1}}, so1b.Number
	accepted, refused := queue.Result{Part: mug, Verdict: amazon.VerdictAccepted}, queue.Result{Part: tray, Verdict: amazon.VerdictRefused, Code: 18028, Text: "no"}
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(r)
	s.deliver()
	s.ship(so1)
	s.move(c.ID, queue.EntryUnknownResult, accepted, queue.Result{Part: tray, Verdict: amazon.VerdictUnknown})
	assert.Equal(t, cancel.Open, s.read(c.ID).Outcome)
	assert.True(t, s.ledger(first).Total(order.Posted).IsZero())

	e := s.entry(c.ID)
	e.State, e.Changed.At = queue.EntryPartlyAccepted, s.tick()
	e.Attempts[0].Results = []queue.Result{accepted, refused}
	require.NoError(t, s.Apply(t.Context(), []queue.Entry{e}))
	s.deliver()
	l := s.ledger(first)
	assert.Equal(t, cancel.Refused, s.read(c.ID).Outcome)
	assert.Equal(t, 18028, s.read(c.ID).Code)
	assert.Equal(t, "21.65", l.Total(order.Posted).String())
	assert.True(t, l.Total(order.Reserved).IsZero())
	assert.Equal(t, order.StatusProblemOrder, s.order(so1b).Status)
	assert.False(t, s.pass(first).Of(so1b).May)
	assert.Equal(t, []string{"refused/" + string(c.ID) + "/1"}, s.alerts())

	// The other one turns out to be carried out too.
	e = s.entry(c.ID)
	e.Attempts[0].Results = []queue.Result{accepted, {Part: tray, Verdict: amazon.VerdictAccepted}}
	require.NoError(t, s.Apply(t.Context(), []queue.Entry{e}))
	assert.Equal(t, cancel.Cancelled, s.read(c.ID).Outcome)
	assert.Equal(t, "31.65", s.ledger(first).Total(order.Posted).String())
	assert.Contains(t, s.alerts(), "contradicted/"+string(c.ID)+"/1")
}

// Of a part that was given up, Amazon carried out one item: that is posted once.
func TestAPartIsContradictedInPart(t *testing.T) {
	r := ask(first)
	r.Split, r.SplitTo = []order.LineQuantity{{Item: mug, Quantity: 1}, {Item: tray, Quantity: 1}}, so1b.Number
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(r)
	s.move(c.ID, queue.EntryUnknownSent)
	s.move(c.ID, queue.EntryGivenUp)
	for range 2 {
		s.learn(c.ID, 1, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
		assert.Equal(t, cancel.GivenUp, s.read(c.ID).Outcome)
		assert.Equal(t, "21.65", s.ledger(first).Total(order.Posted).String())
		assert.Equal(t, []string{"contradicted/" + string(c.ID) + "/" + mug}, s.alerts())
	}
}

// A part that is asked for again reserves its share again, and no more.
func TestAPartIsTriedAgain(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(aMug())
	s.deliver()
	s.move(c.ID, queue.EntryWithdrawn)
	require.True(t, s.ledger(first).Total(order.Reserved).IsZero())
	s.move(c.ID, queue.EntryQueued)
	assert.Equal(t, "21.65", s.ledger(first).Total(order.Reserved).String())
	assert.False(t, s.pass(first).Of(so1b).May)
	assert.True(t, s.pass(first).Of(so1).May)
}

// What was split off since does not come back into a part that is tried again.
func TestPartThatWasSplitSinceIsNotTriedAgain(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: tray, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, part)
	r := ask(first)
	r.HostOrder = so1
	c := s.issue(r)
	s.move(c.ID, queue.EntryRejected)
	s.deliver()
	r.Split, r.SplitTo = []order.LineQuantity{{Item: mug, Quantity: 1}}, "SO-1-C"
	s.issue(r)
	s.deliver()
	assert.ErrorIs(t, s.Apply(t.Context(), []queue.Entry{s.moved(c.ID, queue.EntryQueued)}), queue.ErrTransition)
}
