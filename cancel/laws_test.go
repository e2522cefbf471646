package cancel_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// refusals are what a request may be answered.
var refusals = []error{
	cancel.ErrKeyReused, cancel.ErrShipped, cancel.ErrHandedOver, cancel.ErrShared, cancel.ErrEnded, cancel.ErrSplitPending,
	cancel.ErrNothingLeft, order.ErrSplit, order.ErrOver,
}

// machine is a shop in which anything may happen in any order.
type machine struct {
	*shop
	r *rapid.T
}

func (m *machine) hostOrder() order.ID {
	return rapid.SampledFrom(m.book.orders).Draw(m.r, "host order").ID
}

// some is a cancellation with an entry; false: there is none.
func (m *machine) some() (cancel.Cancellation, bool) {
	cs := slices.DeleteFunc(m.cancellations(first), func(c cancel.Cancellation) bool { return c.Reason == "" })
	if len(cs) == 0 {
		return cancel.Cancellation{}, false
	}
	return rapid.SampledFrom(cs).Draw(m.r, "cancellation"), true
}

func (m *machine) ask(r cancel.Request) {
	r.Local = rapid.IntRange(0, 5).Draw(m.r, "here alone") == 0
	_, err := m.Issue(m.t.Context(), r)
	known := err == nil || slices.ContainsFunc(refusals, func(is error) bool { return errors.Is(err, is) })
	for _, o := range m.book.orders { // such an order has no sentinel
		known = known || o.Status == order.StatusCancelled || o.Status == order.StatusCompleted
	}
	require.True(m.r, known, "%v", err)
}

func (m *machine) askWhole(*rapid.T) {
	r := ask(first)
	r.Whole = true
	m.ask(r)
}

func (m *machine) askPart(*rapid.T) {
	r := ask(first)
	r.HostOrder = m.hostOrder()
	m.ask(r)
}

func (m *machine) askSplit(*rapid.T) {
	r := ask(first)
	r.HostOrder = m.hostOrder()
	r.SplitTo = rapid.SampledFrom([]string{"SO-1-B", "SO-1-C", "SO-1-D"}).Draw(m.r, "number")
	r.Split = []order.LineQuantity{{Item: rapid.SampledFrom([]string{mug, tray}).Draw(m.r, "item"), Quantity: 1}}
	m.ask(r)
}

// answer brings an entry to an end, or on its way.
func (m *machine) answer(*rapid.T) {
	c, found := m.some()
	if !found {
		return
	}
	e := m.entry(c.ID)
	next := slices.DeleteFunc(queue.EntryTransitions(), func(tr queue.Transition) bool {
		unsent := len(e.Attempts) == 0 && slices.Contains([]queue.State{queue.EntrySubmitted, queue.EntryAccepted, queue.EntryClaimed}, queue.State(tr.To)) && !e.State.Waiting() ||
			len(e.Attempts) == 0 && tr.To == string(queue.EntrySubmitted)
		busy := tr.To == string(queue.EntryClaimed) && e.State.Waiting() && m.busy()
		return tr.From != string(e.State) || tr.To == string(queue.EntryPartlyAccepted) || unsent || busy
	})
	if len(next) == 0 {
		return // it has ended
	}
	claimed := e.State.Waiting()
	e.State = queue.State(rapid.SampledFrom(next).Draw(m.r, "transition").To)
	e.Changed = order.Stamp{By: "bob", At: m.tick()}
	verdict := map[queue.State]amazon.Verdict{queue.EntryAccepted: amazon.VerdictAccepted, queue.EntryRefused: amazon.VerdictRefused}[e.State]
	switch {
	case claimed && e.State == queue.EntryClaimed:
		ps, err := m.Prepare(m.t.Context(), []queue.Entry{m.entry(c.ID)})
		require.NoError(m.r, err)
		if ps[0].Aside != nil {
			return
		}
		m.maySend(c, ps[0])
		e.Attempts = append(e.Attempts, queue.Attempt{At: m.now})
	case verdict != "":
		parts := []string{""}
		if c.Part {
			parts = c.Items
		}
		for _, part := range parts {
			last := &e.Attempts[len(e.Attempts)-1]
			last.Results = append(last.Results, queue.Result{Part: part, Verdict: verdict})
		}
	}
	if err := m.Apply(m.t.Context(), []queue.Entry{e}); err != nil {
		require.True(m.r, errors.Is(err, queue.ErrTransition) || errors.Is(err, cancel.ErrKeyReused) || errors.Is(err, cancel.ErrHandedOver), "%v", err)
	}
}

// busy tells whether an entry of the order is under way: the queue starts no other.
func (m *machine) busy() bool {
	es, err := m.store.Entries(m.t.Context(), queue.EntryQuery{})
	require.NoError(m.r, err)
	return slices.ContainsFunc(es, func(e queue.Entry) bool { return e.State.UnderWay() })
}

// maySend holds what is about to be sent against what the host has.
func (m *machine) maySend(c cancel.Cancellation, p queue.Prepared) {
	shipped := 0
	for _, o := range m.book.orders {
		for _, l := range o.Lines {
			shipped += l.Shipped
		}
	}
	for _, msg := range p.Messages {
		_, whole := msg.Message.(amazon.Cancellation)
		require.Equal(m.r, !c.Part, whole, "a part is never a Failure")
		require.Equal(m.r, !whole, shipped > 0, "all of it before anything ships, parts after the rest has")
		require.NoError(m.r, msg.Message.Check())
	}
}

func (m *machine) handOver(*rapid.T) {
	id := m.hostOrder()
	p := m.pass(first).Of(id)
	if p.May {
		require.NoError(m.r, p.HandOver(m.t.Context(), m.store, leave(m.shop)))
		m.ship(id)
	}
}

func (m *machine) openGate(*rapid.T) { _ = m.Open(m.t.Context(), first, "carla", "ship it") }

func (m *machine) lookAtAmazon(*rapid.T) {
	m.there.state = amazon.OrderState{Status: rapid.SampledFrom([]amazon.OrderStatus{
		amazon.OrderUnshipped, amazon.OrderPartiallyShipped, amazon.OrderShipped, amazon.OrderCancelled,
	}).Draw(m.r, "shown")}
	m.step(time.Duration(rapid.IntRange(1, 30).Draw(m.r, "hours")) * time.Hour)
}

func (m *machine) findCancelled(*rapid.T) {
	if rapid.IntRange(0, 9).Draw(m.r, "rarely") == 0 {
		m.found(amazon.ActorBuyer)
	}
}

// check holds what is saved against the laws.
func (m *machine) check(*rapid.T) {
	l, p := m.ledger(first), m.pass(first)
	require.NoError(m.r, l.Over(false))
	open, taken := map[string]bool{}, map[string]int{}
	for _, c := range m.cancellations(first) {
		held, posted := order.Amounts{}, order.Amounts{}
		for _, item := range c.Items {
			held = held.Plus(l.Held(c.Cause(), item))
		}
		for _, ps := range l.Postings {
			if ps.Balance == order.Posted && ps.Cause == c.Cause() {
				posted = posted.Plus(order.Amounts{ps.Component: ps.Amount})
			}
		}
		require.Equal(m.r, c.Outcome == cancel.Open, !held.IsZero(), "%s holds %s", c.Outcome, held)
		require.False(m.r, c.Outcome != cancel.Cancelled && !posted.IsZero(), "%s has posted %s", c.Outcome, posted)
		if c.Outcome == cancel.Open || c.Outcome == cancel.Cancelled {
			open[c.HostOrder.Number] = true
			require.False(m.r, p.Of(c.HostOrder).May)
			for _, u := range c.Units {
				if c.Part && !c.Local {
					taken[u.Item] += u.Quantity
				}
			}
		}
	}
	require.LessOrEqual(m.r, taken[mug], 2)
	require.LessOrEqual(m.r, taken[tray], 1)
}

// However requests, splits, answers, shipments and looks at Amazon follow each other,
// no money is promised or counted twice, no gate opens by itself, and nothing is sent
// that Amazon would take for more than was asked.
func TestTheLawsOfCancellations(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &machine{shop: openWith(t, settings.Settings{AllowLocalCancel: true}, paid(so1, first)), r: r}
		r.Repeat(map[string]func(*rapid.T){
			"the whole": m.askWhole, "a part": m.askPart, "a split": m.askSplit,
			"an answer": m.answer, "another answer": m.answer, "a third answer": m.answer,
			"hand over": m.handOver, "open the gate": m.openGate, "look": m.lookAtAmazon, "found cancelled": m.findCancelled,
			"deliver": func(*rapid.T) { m.deliver(); m.now = m.now.Add(time.Minute) },
			"":        m.check,
		})
	})
}
