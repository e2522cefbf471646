package cancel_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

var (
	so1     = order.ID{Company: "acme", Number: "SO-1"}
	so1b    = order.ID{Company: "acme", Number: "SO-1-B"}
	so2     = order.ID{Company: "acme", Number: "SO-2"}
	first   = order.AmazonID{Account: "acme-us", Number: "111-0000001-0000001"}
	second  = order.AmazonID{Account: "acme-us", Number: "111-0000002-0000002"}
	morning = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	account = amazon.Account{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}
)

const mug, tray = "11400000000001", "114000000000002"

func usd(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// paid is an unshipped order over 53.30: two mugs with tax and a tray.
func paid(id order.ID, on order.AmazonID) order.Order {
	return order.Order{
		ID: id, Amazon: on, Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
		Lines: []order.Line{
			{Item: mug, SKU: "MUG-BLUE", Ordered: 2, Charges: order.Amounts{order.Principal: usd("40.00"), order.Tax: usd("3.30")}},
			{Item: tray, SKU: "TRAY", Ordered: 1, Charges: order.Amounts{order.Principal: usd("10.00")}},
		},
	}
}

func ask(on order.AmazonID) cancel.Request {
	return cancel.Request{Order: on, Reason: amazon.ReasonNoInventory, By: "anna"}
}

// shop is a host with its orders, a store, and a clock that moves a second with
// every reading.
type shop struct {
	*cancel.Service
	t     *testing.T
	store *memory.Store
	book  *shelf
	queue *queue.Queue // only for what a person may do there
	there atAmazon     // the order as Amazon shows it
	now   time.Time
}

func open(t *testing.T, p settings.Policy, orders ...order.Order) *shop {
	t.Helper()
	return openWith(t, settings.Settings{Policy: p}, orders...)
}

func openWith(t *testing.T, set settings.Settings, orders ...order.Order) *shop {
	t.Helper()
	s := &shop{t: t, store: memory.New(), book: &shelf{orders: orders}, now: morning}
	accounts := amazon.AccountList{account}
	var err error
	s.Service, err = cancel.New(cancel.Config{
		Store: s.store, Book: s.book, Accounts: accounts, Settings: settings.Fixed(set), Now: s.tick, Orders: &s.there,
		Withdraw: func(ctx context.Context, by, why string, ids ...queue.EntryID) error {
			return s.queue.Withdraw(ctx, by, why, ids...)
		},
	})
	require.NoError(t, err)
	s.queue, err = queue.New(queue.Config{
		Store: s.store, Feeds: struct{ amazon.Feeds }{}, Accounts: accounts, Settings: settings.Fixed(set), Now: s.tick,
		Handlers: map[queue.Kind]queue.Handler{queue.KindCancellation: s}, Installation: "test",
	})
	require.NoError(t, err)
	return s
}

func (s *shop) tick() time.Time {
	s.now = s.now.Add(time.Second)
	return s.now
}

// issue asks for a cancellation, which must be granted.
func (s *shop) issue(r cancel.Request) cancel.Cancellation {
	s.t.Helper()
	c, err := s.Issue(s.t.Context(), r)
	require.NoError(s.t, err)
	return c
}

// pass asks the gate.
func (s *shop) pass(on order.AmazonID) cancel.Pass {
	s.t.Helper()
	p, err := s.MayShip(s.t.Context(), on)
	require.NoError(s.t, err)
	return p
}

func (s *shop) entry(id queue.EntryID) queue.Entry {
	s.t.Helper()
	es, err := s.store.Entries(s.t.Context(), queue.EntryQuery{IDs: []queue.EntryID{id}})
	require.NoError(s.t, err)
	require.Len(s.t, es, 1)
	return es[0]
}

// moved is the entry as the queue hands it to the handler in a new state.
func (s *shop) moved(id queue.EntryID, to queue.State, results ...queue.Result) queue.Entry {
	s.t.Helper()
	e := s.entry(id)
	e.State = to
	e.Changed = order.Stamp{By: "queue", At: s.tick(), Why: "because"}
	e.Attempts = append(e.Attempts, queue.Attempt{Batch: "acme-us-1", At: e.Changed.At, Results: results})
	return e
}

// move brings an entry to a new state, which must work.
func (s *shop) move(id queue.EntryID, to queue.State, results ...queue.Result) {
	s.t.Helper()
	require.NoError(s.t, s.Apply(s.t.Context(), []queue.Entry{s.moved(id, to, results...)}))
}

var refusal = queue.Result{Verdict: amazon.VerdictRefused, Code: 18028, Text: "The order has shipped."}

func (s *shop) ledger(on order.AmazonID) order.Ledger {
	s.t.Helper()
	ls, err := s.store.Ledgers(s.t.Context(), []order.AmazonID{on})
	require.NoError(s.t, err)
	return ls[0]
}

// deliver hands the host its effects and returns them.
func (s *shop) deliver() []order.Effect {
	s.t.Helper()
	es, err := s.store.Effects(s.t.Context(), s.now, 100)
	require.NoError(s.t, err)
	_, err = order.Deliver(s.t.Context(), s.store, s.book, s.now, 100)
	require.NoError(s.t, err)
	return es
}

// kinds are the kinds of an order's audit rows, oldest first.
func (s *shop) kinds(on order.AmazonID) (kinds []order.EventKind) {
	s.t.Helper()
	es, err := s.store.Events(s.t.Context(), on)
	require.NoError(s.t, err)
	for _, e := range es {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// step looks after what is due once some time has gone by.
func (s *shop) step(later time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(later)
	_, err := s.Step(s.t.Context())
	require.NoError(s.t, err)
}

// order is a host order as the host has it.
func (s *shop) order(id order.ID) order.Order {
	s.t.Helper()
	i := slices.IndexFunc(s.book.orders, func(o order.Order) bool { return o.ID == id })
	require.GreaterOrEqual(s.t, i, 0, "host order %s", id)
	return s.book.orders[i]
}

// ship says that all units of a host order have left that were not cancelled.
func (s *shop) ship(id order.ID) {
	s.t.Helper()
	lines := s.order(id).Lines // the book's own
	for i, l := range lines {
		lines[i].Shipped = l.Ordered - l.Cancelled
	}
}

// shelf is an order book that keeps statuses and holds, and splits orders.
type shelf struct{ orders []order.Order }

func (b *shelf) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			o.Holds = slices.Clone(o.Holds)
			found = append(found, o)
		}
	}
	return found, nil
}

func (b *shelf) ApplyOrder(_ context.Context, e order.Effect) error {
	i := slices.IndexFunc(b.orders, func(o order.Order) bool { return o.ID == e.Order })
	if i < 0 {
		return fmt.Errorf("order %s: not here", e.Order)
	}
	o := &b.orders[i]
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) {
			return order.ErrStale
		}
		o.Status = e.Status.To
	case order.EffectHold:
		o.Holds = append(o.Holds, *e.Hold)
	case order.EffectRelease:
		o.Holds = slices.DeleteFunc(o.Holds, func(h order.Hold) bool { return h.Owner == e.Release.Owner })
	case order.EffectSplit:
		rest, part, err := order.Split(*o, e.Split.To, e.Split.Lines)
		if err != nil {
			return fmt.Errorf("%w: %w", order.ErrStale, err)
		}
		*o = rest
		b.orders = append(b.orders, part)
	}
	return nil
}

// recorder keeps what a draft saves.
type recorder struct {
	cancel.Store
	saved []cancel.Change
}

func (r *recorder) SaveCancellations(_ context.Context, cs []cancel.Change) error {
	r.saved = append(r.saved, cs...)
	return nil
}
