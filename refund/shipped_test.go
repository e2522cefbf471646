package refund_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

var wait = policy(settings.Policy{BeforeShipment: settings.BeforeShipmentWait})

// By policy a refund of what is not shipped waits for it, with its money reserved;
// without it, the same is refused.
func TestARefundWaitsForShipment(t *testing.T) {
	for _, tt := range []struct {
		name string
		line refund.Ask
	}{
		{"a unit, none is shipped", refund.Ask{Item: vase, Units: 1}},
		{"an amount, none is shipped", refund.Ask{Item: vase, Amounts: principal("1.00")}},
		{"goodwill, none is shipped", refund.Ask{Item: vase, Amounts: goodwill("1.00")}},
		{"both units, one is shipped", refund.Ask{Item: mug, Units: 2}},
		{"more than the shipped one cost", refund.Ask{Item: mug, Amounts: principal("10.01")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(tt.line)
			r.Key = "k"
			_, err := newShop(t, settings.Settings{}, newOrder()).Issue(t.Context(), r)
			require.ErrorIs(t, err, refund.ErrNotShipped)

			d := newDesk(t, wait)
			require.Len(t, d.draft(r).Warnings, 1)
			assert.Contains(t, d.draft(r).Warnings[0], "waits for the others")
			id := d.issue(r).ID
			for range 3 {
				d.pass()
				d.now = d.now.Add(time.Hour)
			}
			assert.Equal(t, queue.EntryAwaitingShipment, d.entry(id).State)
			assert.Contains(t, d.entry(id).Why, tt.line.Item)
			assert.Empty(t, d.entry(id).Attempts)
			assert.False(t, d.ledger().Held(d.refund(id).Cause(), tt.line.Item).IsZero())

			for i := range d.book.orders[0].Lines {
				d.book.orders[0].Lines[i].Shipped = d.book.orders[0].Lines[i].Ordered
			}
			d.pass()
			d.pass()
			assert.Equal(t, queue.EntryAccepted, d.entry(id).State)
		})
	}
}

func TestWaitingHasItsLimits(t *testing.T) {
	f := newFacts(newOrder())
	f.Settings = wait
	_, err := refund.Decide(f, ask(refund.Ask{Item: mug, Units: 3}))
	require.ErrorIs(t, err, order.ErrOver, "more than was ordered")
	_, err = refund.Decide(f, ask(refund.Ask{Item: vase, Amounts: principal("5.01")}))
	require.ErrorIs(t, err, order.ErrOver, "more than was charged")
}

// Units that were cancelled instead need no refund: a person looks.
func TestWhatWasCancelledInstead(t *testing.T) {
	for name, change := range map[string]func(*order.Order){
		"its units":        func(o *order.Order) { o.Lines[2].Cancelled = 1 },
		"the whole order":  func(o *order.Order) { o.Status = order.StatusCancelled },
		"with its charges": func(o *order.Order) { o.Lines[2].Cancelled, o.Lines[2].Charges = 1, nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, wait, newOrder())
			r := ask(refund.Ask{Item: vase, Units: 1})
			r.Key = "k"
			id := s.issue(r).ID
			require.Equal(t, queue.EntryAwaitingShipment, s.prepare(id)[0].Aside.State)
			change(&s.book.orders[0])
			aside := s.prepare(id)[0].Aside
			require.NotNil(t, aside)
			assert.Equal(t, queue.EntryNeedsDecision, aside.State)
			assert.Contains(t, aside.Why, "item "+vase+": 1 of its 1 units were cancelled")
		})
	}
}

// A refund of what is shipped goes, though another one of the line waits for more.
func TestWaitingHoldsNoOtherUp(t *testing.T) {
	for name, lines := range map[string][2]refund.Ask{
		"units":            {{Item: mug, Units: 1}, {Item: mug, Units: 1}},
		"amounts":          {{Item: mug, Amounts: principal("10.00")}, {Item: mug, Amounts: principal("0.01")}},
		"a unit, and more": {{Item: mug, Units: 1}, {Item: mug, Amounts: principal("0.01")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, wait, newOrder())
			var ids []queue.EntryID
			for i, line := range lines {
				r := ask(line)
				r.Key = fmt.Sprint(i)
				s.clock = func() time.Time { return noon.Add(time.Duration(i) * time.Hour) }
				ids = append(ids, s.issue(r).ID)
			}
			ps := s.prepare(ids...)
			assert.Nil(t, ps[0].Aside)
			require.NotNil(t, ps[1].Aside)
			assert.Equal(t, queue.EntryAwaitingShipment, ps[1].Aside.State)
		})
	}
}

// Of two units one is shipped and the other cancelled: there is no second one to
// give money back for.
func TestWhatWasCancelledInPart(t *testing.T) {
	for name, charged := range map[string]string{"the host leaves the charges": "20.00", "the host lowers the charges": "10.00"} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, wait, newOrder())
			r := ask(refund.Ask{Item: mug, Units: 2})
			r.Key = "k"
			id := s.issue(r).ID
			s.book.orders[0].Lines[1].Cancelled, s.book.orders[0].Lines[1].Charges = 1, principal(charged)
			aside := s.prepare(id)[0].Aside
			require.NotNil(t, aside)
			assert.Equal(t, queue.EntryNeedsDecision, aside.State)
			assert.Contains(t, aside.Why, "1 of its 2 units were cancelled")
		})
	}
}

// An order that the host may yet put right decides nothing for good, whatever was
// cancelled.
func TestAnOrderThatIsGoneComesFirst(t *testing.T) {
	for name, change := range map[string]func(*book){
		"gone":    func(b *book) { b.orders = nil },
		"held":    func(b *book) { b.orders[0].Holds = []order.Hold{{Owner: order.HeldByHost, Since: noon}} },
		"invalid": func(b *book) { b.orders[0].Lines[2].Ordered = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, wait, newOrder())
			r := ask(refund.Ask{Item: vase, Units: 1})
			r.Key = "k"
			id := s.issue(r).ID
			s.book.orders[0].Lines[2].Cancelled = 1
			change(s.book)
			aside := s.prepare(id)[0].Aside
			require.NotNil(t, aside)
			assert.Equal(t, queue.EntryQueued, aside.State)
		})
	}
}

// What the host holds is not refunded until it lets go. Our own holds are about
// shipping only.
func TestTheHostsHoldKeepsARefundBack(t *testing.T) {
	d := newDesk(t, settings.Settings{})
	id := d.issue(exactly("k", "12.00")).ID
	d.book.orders[0].Holds = []order.Hold{{Owner: order.HeldByHost, Why: "fraud check", Since: noon}}
	d.pass()
	assert.Equal(t, queue.EntryQueued, d.entry(id).State)
	assert.Equal(t, "order acme/SO-1 is on hold: fraud check", d.entry(id).Why)

	d.book.orders[0].Holds = []order.Hold{{Owner: order.HeldByBuyer, Why: "asked", Since: noon}}
	d.now = d.now.Add(time.Hour)
	d.pass()
	assert.Equal(t, queue.EntryAccepted, d.entry(id).State)
}
