package cancel_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func TestMayShip(t *testing.T) {
	at := func(minutes int) order.Stamp {
		return order.Stamp{By: "anna", At: morning.Add(time.Duration(minutes) * time.Minute)}
	}
	cancellation := func(outcome cancel.Outcome, ended int) cancel.Cancellation {
		return cancel.Cancellation{ID: "CN1", HostOrder: so1, Order: first, Outcome: outcome, Ended: at(ended)}
	}
	opened := func(minutes int) []cancel.Gate {
		return []cancel.Gate{{HostOrder: so1, Order: first, Version: 1, Opened: at(minutes)}}
	}
	hold := func(owner order.HoldOwner) func(*cancel.Facts) {
		return func(f *cancel.Facts) {
			f.Orders[0].Holds = []order.Hold{{Owner: owner, Why: "fraud check"}}
		}
	}
	tests := []struct {
		name  string
		given func(*cancel.Facts)
		why   []string // none: it may
	}{
		{"nothing is in the way", func(*cancel.Facts) {}, nil},
		{"a cancellation is open", func(f *cancel.Facts) {
			f.Cancellations = []cancel.Cancellation{cancellation(cancel.Open, 0)}
		}, []string{"cancellation CN1 is Open"}},
		{"a cancellation was carried out", func(f *cancel.Facts) {
			f.Cancellations = []cancel.Cancellation{cancellation(cancel.Cancelled, 5)}
		}, []string{"cancellation CN1 is Cancelled"}},
		{"a cancellation was carried out, and somebody opened the gate", func(f *cancel.Facts) {
			f.Cancellations, f.Gates = []cancel.Cancellation{cancellation(cancel.Cancelled, 5)}, opened(9)
		}, []string{"cancellation CN1 is Cancelled"}},
		{"a cancellation was dropped", func(f *cancel.Facts) {
			f.Cancellations = []cancel.Cancellation{cancellation(cancel.Dropped, 5)}
		}, nil},
		{"a cancellation was refused", func(f *cancel.Facts) {
			f.Cancellations = []cancel.Cancellation{cancellation(cancel.Refused, 5)}
		}, []string{"cancellation CN1 was refused by Amazon, and nobody has opened the gate"}},
		{"a cancellation was refused, then the gate was opened", func(f *cancel.Facts) {
			f.Cancellations, f.Gates = []cancel.Cancellation{cancellation(cancel.Refused, 5)}, opened(6)
		}, nil},
		{"the gate was opened, then a cancellation was refused", func(f *cancel.Facts) {
			f.Cancellations, f.Gates = []cancel.Cancellation{cancellation(cancel.Refused, 5)}, opened(4)
		}, []string{"cancellation CN1 was refused"}},
		{"the gate was opened in the moment of the refusal", func(f *cancel.Facts) {
			f.Cancellations, f.Gates = []cancel.Cancellation{cancellation(cancel.Refused, 5)}, opened(5)
		}, []string{"cancellation CN1 was refused"}},
		{"the gate of another host order was opened", func(f *cancel.Facts) {
			f.Orders = append(f.Orders, paid(so1b, first))
			f.Cancellations, f.Gates = []cancel.Cancellation{cancellation(cancel.Refused, 5)}, opened(6)
			f.Gates[0].HostOrder = so1b
		}, []string{"cancellation CN1 was refused"}},
		{"the buyer's request holds it", hold(order.HeldByBuyer), []string{"order acme/SO-1 is held by buyer request: fraud check"}},
		{"the host holds it", hold(order.HeldByHost), []string{"order acme/SO-1 is held by host: fraud check"}},
		{"only our hold is left of a dropped cancellation", hold(order.HeldByCancellation), nil},
		{"one of its host orders is held", func(f *cancel.Facts) {
			f.Orders = append(f.Orders, paid(so1b, first))
			f.Orders[1].Holds = []order.Hold{{Owner: order.HeldByHost}}
		}, []string{"order acme/SO-1-B is held by host"}},
		{"it is cancelled", func(f *cancel.Facts) { f.Orders[0].Status = order.StatusCancelled }, []string{"order acme/SO-1 is Cancelled"}},
		{"it is void", func(f *cancel.Facts) { f.Orders[0].Status = order.StatusVoid }, []string{"order acme/SO-1 is Void"}},
		{"Amazon fulfils it", func(f *cancel.Facts) { f.Orders[0].Fulfilment = order.ByAmazon }, []string{"order acme/SO-1 is fulfilled by Amazon"}},
		{"it is a problem order that nobody cancelled", func(f *cancel.Facts) { f.Orders[0].Status = order.StatusProblemOrder }, nil},
		{"the host does not have it", func(f *cancel.Facts) { f.Orders = nil }, []string{"is not in the host's order book"}},
		{"everything at once", func(f *cancel.Facts) {
			hold(order.HeldByHost)(f)
			f.Orders[0].Status = order.StatusCancelled
			f.Cancellations = []cancel.Cancellation{cancellation(cancel.Open, 0)}
		}, []string{"is Cancelled", "is held by host", "cancellation CN1 is Open"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts()
			f.Ledger.Version = 7
			tt.given(&f)
			p := cancel.MayShip(f)
			assert.Equal(t, len(tt.why) == 0, p.May)
			assert.Equal(t, first, p.Order)
			assert.EqualValues(t, 7, p.Version)
			require.Len(t, p.Why, len(tt.why))
			for i, fragment := range tt.why {
				assert.Contains(t, p.Why[i], fragment)
			}
		})
	}
}

func leave(s *shop) order.Stamp { return order.Stamp{By: "dock", At: s.tick(), Why: "parcel 1"} }

func (s *shop) gate(id order.ID) cancel.Gate {
	s.t.Helper()
	gs, err := s.store.Gates(s.t.Context(), []order.ID{id})
	require.NoError(s.t, err)
	require.Len(s.t, gs, 1)
	return gs[0]
}

func TestHandOver(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	stamp := leave(s)
	stamp.At = stamp.At.In(time.FixedZone("UTC-5", -5*3600))
	p := s.pass(first)
	require.NoError(t, p.HandOver(t.Context(), s.store, stamp))
	stamp.At = stamp.At.UTC()
	assert.Equal(t, cancel.Gate{HostOrder: so1, Order: first, Version: 1, HandedOver: stamp}, s.gate(so1))
	assert.Equal(t, []order.EventKind{order.EventGate}, s.kinds(first))

	_, err := s.Issue(t.Context(), ask(first))
	require.ErrorIs(t, err, cancel.ErrHandedOver)
	assert.ErrorContains(t, err, "by dock at 2026-03-02T09:00:01Z")

	// The pass is good for one hand-over; a new one keeps the first stamp.
	require.ErrorIs(t, p.HandOver(t.Context(), s.store, leave(s)), store.ErrConflict)
	require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
	assert.Equal(t, stamp, s.gate(so1).HandedOver)
}

func TestHandOverTakesEveryHostOrder(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so1b, first))
	require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
	assert.Equal(t, s.gate(so1).HandedOver, s.gate(so1b).HandedOver)
}

// Whoever comes second loses, whether that is the parcel or the cancellation.
func TestHandOverAndCancellationExcludeEachOther(t *testing.T) {
	t.Run("cancelled after the gate was asked", func(t *testing.T) {
		s := open(t, settings.Policy{}, paid(so1, first))
		p := s.pass(first)
		c := s.issue(ask(first))
		require.ErrorIs(t, p.HandOver(t.Context(), s.store, leave(s)), store.ErrConflict)
		assert.Equal(t, []string{"cancellation " + string(c.ID) + " is Open"}, s.pass(first).Why)
		gates, err := s.store.Gates(t.Context(), []order.ID{so1})
		require.NoError(t, err)
		assert.Empty(t, gates, "nothing was handed over")
	})
	t.Run("handed over after the cancellation was drafted", func(t *testing.T) {
		s := open(t, settings.Policy{}, paid(so1, first))
		d, err := s.Draft(t.Context(), ask(first))
		require.NoError(t, err)
		require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
		require.ErrorIs(t, d.Save(t.Context(), s.store), store.ErrConflict)
		found, err := s.Cancellations(t.Context(), cancel.Query{})
		require.NoError(t, err)
		assert.Empty(t, found)
		assert.True(t, s.ledger(first).Total(order.Reserved).IsZero())
	})
}

func TestHandOverRefuses(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	c := s.issue(ask(second))
	good := leave(s)
	tests := []struct {
		name   string
		pass   cancel.Pass
		stamp  order.Stamp
		closed bool
		says   string
	}{
		{"an empty pass", cancel.Pass{}, good, true, "may not ship"},
		{"a forged pass", cancel.Pass{Order: first, May: true}, good, true, "the pass is not one that MayShip gave"},
		{"a pass that says no", s.pass(second), good, true, "cancellation " + string(c.ID) + " is Open"},
		{"an order that the host does not have", cancel.MayShip(cancel.Facts{Ledger: order.Ledger{Order: first}}), good, true, "not in the host's order book"},
		{"nobody handing over", s.pass(first), order.Stamp{At: morning}, false, `stamp by "" at 2026-03-02T09:00:00Z: say who`},
		{"no time", s.pass(first), order.Stamp{By: "dock"}, false, "and when"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.pass.HandOver(t.Context(), s.store, tt.stamp)
			require.ErrorContains(t, err, tt.says)
			assert.Equal(t, tt.closed, errors.Is(err, cancel.ErrClosed))
			assert.Zero(t, s.ledger(first).Version, "nothing was written")
		})
	}
}

func TestMayShipOfWhatIsNoOrder(t *testing.T) {
	s := open(t, settings.Policy{})
	_, err := s.MayShip(t.Context(), order.AmazonID{Account: "acme-us", Number: "SO-1"})
	assert.ErrorContains(t, err, "want 3-7-7 digits")
	p := s.pass(first)
	assert.False(t, p.May)
	assert.Equal(t, []string{"order acme-us/111-0000001-0000001 is not in the host's order book"}, p.Why)
}

func TestOpenAfterARefusal(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryRefused, refusal)
	s.deliver()
	require.Equal(t, order.StatusProblemOrder, s.book.orders[0].Status)
	require.Len(t, s.book.orders[0].Holds, 1)
	require.False(t, s.pass(first).May)

	require.NoError(t, s.Open(t.Context(), first, "carla", "the buyer wants it after all"))
	s.deliver()
	assert.True(t, s.pass(first).May)
	assert.Equal(t, order.StatusInProcess, s.book.orders[0].Status)
	assert.Empty(t, s.book.orders[0].Holds)
	assert.Equal(t, "carla", s.gate(so1).Opened.By)
	assert.Equal(t, "the buyer wants it after all", s.gate(so1).Opened.Why)
	assert.Contains(t, s.kinds(first), order.EventGate)
	assert.ErrorContains(t, s.Open(t.Context(), first, "carla", "again"), "no cancellation that was refused or given up closes it")

	// Asked for again and refused again, it closes again.
	s.move(c.ID, queue.EntryQueued)
	assert.False(t, s.pass(first).May)
	s.move(c.ID, queue.EntryRefused, refusal)
	assert.False(t, s.pass(first).May)
	require.NoError(t, s.Open(t.Context(), first, "carla", "again"))
	require.NoError(t, s.pass(first).HandOver(t.Context(), s.store, leave(s)))
}

// Who opens the gate ends the refusal's hold; an order that somebody else holds by now
// stays on hold.
func TestOpenWhatTheHostHolds(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	s.move(c.ID, queue.EntryRefused, refusal)
	s.deliver()
	s.book.orders[0].Holds = append(s.book.orders[0].Holds, order.Hold{Owner: order.HeldByHost, Why: "address", Since: s.tick()})
	require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
	s.deliver()
	assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
	assert.Equal(t, []string{"order acme/SO-1 is held by host: address"}, s.pass(first).Why)
}

// The queue's clock may be ahead of the one of the service that opens the gate.
func TestOpenCountsForARefusalFromTheFuture(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	c := s.issue(ask(first))
	e := s.moved(c.ID, queue.EntryRefused, refusal)
	e.Changed.At = e.Changed.At.Add(time.Hour)
	require.NoError(t, s.Apply(t.Context(), []queue.Entry{e}))
	require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
	assert.True(t, s.pass(first).May)
}

// Two cancellations were refused one after the other: opening takes both, and
// the order is what it was before the first.
func TestOpenAfterTwoRefusals(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	one := s.issue(ask(first))
	s.move(one.ID, queue.EntryRefused, refusal)
	s.deliver()
	r := ask(first)
	r.Key = "second try"
	two := s.issue(r)
	require.NotEqual(t, one.ID, two.ID)
	s.move(two.ID, queue.EntryRefused, refusal)
	s.deliver()
	require.Len(t, s.pass(first).Why, 2)

	require.NoError(t, s.Open(t.Context(), first, "carla", "ship it"))
	s.deliver()
	assert.True(t, s.pass(first).May)
	assert.Equal(t, order.StatusInProcess, s.book.orders[0].Status)
	assert.Empty(t, s.book.orders[0].Holds)
}

func TestOpenRefuses(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	s.issue(ask(second))
	tests := []struct {
		name string
		on   order.AmazonID
		by   string
		says string
	}{
		{"nobody", first, "", "say by whom"},
		{"a gate that nothing closes", first, "carla", "no cancellation that was refused or given up closes it"},
		{"a gate that an open cancellation closes", second, "carla", "no cancellation that was refused or given up closes it"},
		{"an order that the host does not have", order.AmazonID{Account: "acme-us", Number: "111-0000003-0000003"}, "carla", "no cancellation that was refused or given up closes it"},
		{"what is no order", order.AmazonID{Account: "acme-us", Number: "SO-1"}, "carla", "want 3-7-7 digits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := s.ledger(tt.on).Version
			assert.ErrorContains(t, s.Open(t.Context(), tt.on, tt.by, "why not"), tt.says)
			assert.Equal(t, before, s.ledger(tt.on).Version)
		})
	}
}
