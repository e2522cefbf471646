package cancel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// facts are those of one unshipped order about which nothing is saved yet.
func facts() cancel.Facts {
	return cancel.Facts{
		Account: account, Orders: []order.Order{paid(so1, first)}, Ledger: order.Ledger{Order: first},
		Settings: settings.Settings{Queue: true}, Now: morning,
	}
}

func TestDecideRefuses(t *testing.T) {
	byAnother := order.Stamp{By: "bob", At: morning}
	tests := []struct {
		name  string
		given func(*cancel.Facts, *cancel.Request)
		is    error // nil: no sentinel
		says  string
	}{
		{"an order number that is none", func(_ *cancel.Facts, r *cancel.Request) { r.Order.Number = "SO-1" },
			nil, `Amazon order ID "SO-1": want 3-7-7 digits`},
		{"an order the host does not have", func(f *cancel.Facts, _ *cancel.Request) { f.Orders = nil },
			store.ErrNotFound, "the host's order book does not have it"},
		{"nobody asking", func(_ *cancel.Facts, r *cancel.Request) { r.By = "" },
			nil, "say by whom"},
		{"somebody whose name does not show", func(_ *cancel.Facts, r *cancel.Request) { r.By = "anna\u202e" },
			nil, `actor "anna\u202e": want`},
		{"a split to a number that does not show", func(_ *cancel.Facts, r *cancel.Request) { r.SplitTo = "SO-2\n" },
			nil, `split to number "SO-2\n": want`},
		{"a key with blanks around it", func(_ *cancel.Facts, r *cancel.Request) { r.Key = " k" },
			nil, `key " k": want`},
		{"a key that is too long", func(_ *cancel.Facts, r *cancel.Request) { r.Key = strings.Repeat("k", 257) },
			nil, "at most 256 bytes"},
		{"no reason", func(_ *cancel.Facts, r *cancel.Request) { r.Reason = "" },
			nil, `reason "" of a cancellation: want one of`},
		{"a reason that only refunds have", func(_ *cancel.Facts, r *cancel.Request) { r.Reason = amazon.ReasonCustomerReturn },
			nil, `reason "CustomerReturn" of a cancellation`},
		{"a broken order", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Lines[0].Item = "B0EXAMPLE1" },
			nil, "is an ASIN"},
		{"an item ID that no document takes", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Lines[0].Item = "1140000000001" },
			nil, "1140000000001"},
		{"an order that Amazon ships", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Fulfilment = order.ByAmazon },
			cancel.ErrAmazonFulfilled, "ask the buyer to cancel at Amazon"},
		{"an unknown account", func(f *cancel.Facts, _ *cancel.Request) { f.Account = amazon.Account{} },
			nil, "account acme-us is unknown: add it to Accounts"},
		{"an account of another company", func(f *cancel.Facts, _ *cancel.Request) { f.Account.Company = "other" },
			nil, "account acme-us belongs to company other, order acme/SO-1 does not"},
		{"a shipped order", func(f *cancel.Facts, _ *cancel.Request) {
			f.Orders[0].Lines[0].Shipped, f.Orders[0].Lines[1].Shipped = 2, 1
		}, cancel.ErrShipped, "order acme/SO-1 is FullyShipped: refund what was shipped"},
		{"a partly shipped order", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Lines[0].Shipped = 1 },
			cancel.ErrShipped, "order acme/SO-1 is PartiallyShipped"},
		{"a cancelled order", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Status = order.StatusCancelled },
			nil, "order acme/SO-1 is Cancelled already"},
		{"a void order", func(f *cancel.Facts, _ *cancel.Request) { f.Orders[0].Status = order.StatusVoid },
			nil, "order acme/SO-1 is Void already"},
		{"an order that was split", func(f *cancel.Facts, _ *cancel.Request) { f.Orders = append(f.Orders, paid(so1b, first)) },
			cancel.ErrShared, "set HostOrder to one of acme/SO-1, acme/SO-1-B, or Whole"},
		{"all of a split order when a unit of it has shipped", func(f *cancel.Facts, r *cancel.Request) {
			r.Whole = true
			other := paid(so1b, first)
			other.Lines[0].Shipped = 1
			f.Orders = append(f.Orders, other)
		}, cancel.ErrShipped, "order acme/SO-1-B is PartiallyShipped"},
		{"an order that was handed over", func(f *cancel.Facts, _ *cancel.Request) {
			f.Gates = []cancel.Gate{{HostOrder: so1, Order: first, HandedOver: byAnother}}
		}, cancel.ErrHandedOver, "by bob at 2026-03-02T09:00:00Z"},
		{"another one that is open", func(f *cancel.Facts, _ *cancel.Request) {
			f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so1, Order: first, Outcome: cancel.Open}}
		}, cancel.ErrKeyReused, "CN1 asks for the same (Open)"},
		{"another one that was carried out", func(f *cancel.Facts, _ *cancel.Request) {
			f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so1, Order: first, Outcome: cancel.Cancelled}}
		}, cancel.ErrKeyReused, "CN1 asks for the same (Cancelled)"},
		{"another currency than the ledger's", func(f *cancel.Facts, _ *cancel.Request) {
			f.Ledger.Postings = []order.Posting{{Order: first, Seq: 1, Item: mug, Component: order.Principal, Balance: order.Charged, Amount: usd("1"), Currency: "EUR"}}
		}, order.ErrCurrency, "USD where the ledger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, r := facts(), ask(first)
			tt.given(&f, &r)
			d, err := cancel.Decide(f, r)
			require.ErrorContains(t, err, tt.says)
			assert.ErrorContains(t, err, "cancellation of order "+r.Order.Number)
			for _, sentinel := range []error{store.ErrNotFound, cancel.ErrKeyReused, cancel.ErrShipped, cancel.ErrHandedOver, cancel.ErrShared, cancel.ErrAmazonFulfilled, cancel.ErrEnded, order.ErrCurrency} {
				assert.Equal(t, sentinel == tt.is, errors.Is(err, sentinel), "%v is %v", err, sentinel)
			}
			assert.Error(t, d.Save(t.Context(), &recorder{}), "nothing to save")
		})
	}
}

func TestDecideAllowsAnotherAfterOneThatEnded(t *testing.T) {
	for _, ended := range []cancel.Outcome{cancel.Dropped, cancel.Refused} {
		f, r := facts(), ask(first)
		f.Cancellations = []cancel.Cancellation{{ID: "CN1", HostOrder: so1, Order: first, Outcome: ended}}
		d, err := cancel.Decide(f, r)
		require.NoError(t, err, ended)
		assert.False(t, d.Existing)
	}
}

// What one save writes: the cancellation, its entry, the money it reserves, what
// the host's order shows, and the audit row.
func TestDecideWritesEverythingInOneSave(t *testing.T) {
	f, r := facts(), ask(first)
	r.Comment = "shelf is empty"
	d, err := cancel.Decide(f, r)
	require.NoError(t, err)
	assert.EqualValues(t, amazon.CancelNoInventory, d.AmazonReason)
	assert.Equal(t, "53.30 USD", d.Amount.String())
	assert.Empty(t, d.Warnings)

	rec := &recorder{}
	require.NoError(t, d.Save(t.Context(), rec))
	require.Len(t, rec.saved, 1)
	saved := rec.saved[0]
	stamp := order.Stamp{By: "anna", At: morning, Why: "shelf is empty"}
	id := queue.NewEntryID(queue.KindCancellation, "acme", "order/acme-us/111-0000001-0000001")

	want := cancel.Cancellation{
		ID: id, HostOrder: so1, Order: first, Key: "order/acme-us/111-0000001-0000001", Items: []string{mug, tray},
		Units:  []order.LineQuantity{{Item: mug, Quantity: 2}, {Item: tray, Quantity: 1}},
		Reason: amazon.ReasonNoInventory, Comment: "shelf is empty", Before: order.StatusInProcess, Shown: order.StatusOnHold, Outcome: cancel.Open, Requested: stamp,
	}
	if diff := cmp.Diff([]cancel.Cancellation{want}, saved.Cancellations); diff != "" {
		t.Errorf("cancellation (-want +got):\n%s", diff)
	}
	entry := queue.Entry{
		ID: id, Kind: queue.KindCancellation, Feed: amazon.CancelFeed, HostOrder: so1, Order: first,
		Amount: order.Money{Amount: usd("53.30"), Currency: "USD"}, Label: "MUG-BLUE, TRAY",
		State: queue.EntryQueued, Mode: settings.Manual, QueuedAt: morning, Requested: stamp, Changed: stamp,
	}
	if diff := cmp.Diff([]queue.Entry{entry}, saved.Entries); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}

	l := f.Ledger.With(saved.Postings...)
	assert.Zero(t, saved.Version, "decided on the head that the facts showed")
	assert.Equal(t, "53.3", l.Total(order.Charged).String())
	assert.True(t, l.LeftTotal().IsZero(), "all that is left is reserved")
	assert.Equal(t, "Principal 40, Tax 3.3", l.Held(want.Cause(), mug).String())

	require.Len(t, saved.Effects, 3)
	assert.Equal(t, &order.Hold{Owner: order.HeldByCancellation, Why: "NoInventory", Since: morning}, saved.Effects[0].Hold)
	assert.Equal(t, &order.StatusChange{To: order.StatusOnHold, Expect: []order.Status{order.StatusInProcess, order.StatusProblemOrder}}, saved.Effects[1].Status)
	assert.Equal(t, "Cancellation "+string(id)+" (NoInventory) is queued. shelf is empty", saved.Effects[2].Note.Text)
	require.Len(t, saved.Events, 1)
	assert.Equal(t, order.EventRequested, saved.Events[0].Kind)
	assert.Equal(t, "cancellation "+string(id), saved.Events[0].Subject)
	assert.Equal(t, stamp, saved.Events[0].Stamp)
}

func TestDecideOrderStatusByPolicy(t *testing.T) {
	tests := []struct {
		at   settings.CancelledAt
		want order.Status
	}{
		{settings.CancelledWhenAccepted, order.StatusOnHold},
		{settings.CancelledWhenRequested, order.StatusCancelled},
		{"AWordOfTheFuture", order.StatusOnHold},
	}
	for _, tt := range tests {
		f := facts()
		f.Settings.Policy.CancelledAt = tt.at
		d, err := cancel.Decide(f, ask(first))
		require.NoError(t, err)
		rec := &recorder{}
		require.NoError(t, d.Save(t.Context(), rec))
		assert.Equal(t, tt.want, rec.saved[0].Effects[1].Status.To, "policy %q", tt.at)
	}
}

func TestDecideSavesWhatWasDecided(t *testing.T) {
	d, err := cancel.Decide(facts(), ask(first))
	require.NoError(t, err)
	d.Cancellation.Items[0] = "changed by the caller"
	rec := &recorder{}
	require.NoError(t, d.Save(t.Context(), rec))
	assert.Equal(t, []string{mug, tray}, rec.saved[0].Cancellations[0].Items)
}

// Refunds and concessions come off what a cancellation reserves: then nothing is
// left of the order, and no component goes below nothing.
func TestDecideReservesExactlyWhatIsLeft(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := facts()
		s := order.Stamp{By: "anna", At: morning}
		charges, err := f.Ledger.Charge(s, f.Orders...)
		require.NoError(rt, err)
		l := f.Ledger.With(charges...)
		for i := range rapid.IntRange(0, 4).Draw(rt, "refunds") {
			item := rapid.SampledFrom([]string{mug, tray}).Draw(rt, "item")
			comp := rapid.SampledFrom([]order.Component{order.Principal, order.Tax, order.Goodwill}).Draw(rt, "component")
			cents := rapid.Int64Range(1, 3000).Draw(rt, "cents")
			cause := order.Cause{Kind: order.CauseRefund, ID: string(rune('a' + i))}
			held, err := l.Reserve(cause, item, order.Amounts{comp: decimal.New(cents, -2)}, false, s)
			if err != nil {
				continue // more than is left: such a refund never was
			}
			l = l.With(held...)
			if rapid.Bool().Draw(rt, "paid") {
				l = l.With(l.Post(cause, item, s)...)
			}
		}
		f.Ledger = l
		d, err := cancel.Decide(f, ask(first))
		require.NoError(rt, err)
		rec := &recorder{}
		require.NoError(rt, d.Save(t.Context(), rec))

		after := l.With(rec.saved[0].Postings...)
		assert.True(rt, d.Amount.Amount.Equal(l.LeftTotal()), "%s of the %s left", d.Amount, l.LeftTotal())
		assert.True(rt, after.LeftTotal().IsZero(), "left afterwards: %s", after.LeftTotal())
		for _, item := range []string{mug, tray} {
			left := after.Left(item)
			for _, comp := range []order.Component{order.Principal, order.Tax} {
				assert.False(rt, left[comp].IsNegative(), "%s of item %s", comp, item)
			}
		}
	})
}

func TestDecideAfterGoodwill(t *testing.T) {
	f := facts()
	s := order.Stamp{By: "anna", At: morning}
	charges, err := f.Ledger.Charge(s, f.Orders...)
	require.NoError(t, err)
	f.Ledger = f.Ledger.With(charges...)
	kind := order.Cause{Kind: order.CauseRefund, ID: "RF1"}
	held, err := f.Ledger.Reserve(kind, tray, order.Amounts{order.Goodwill: usd("12.00")}, false, s)
	require.NoError(t, err)
	f.Ledger = f.Ledger.With(held...)
	f.Ledger = f.Ledger.With(f.Ledger.Post(kind, tray, s)...)

	d, err := cancel.Decide(f, ask(first))
	require.NoError(t, err)
	assert.Equal(t, "41.30 USD", d.Amount.String(), "53.30 without the 12.00")
}

func TestDecideRepeated(t *testing.T) {
	f := facts()
	d, err := cancel.Decide(f, ask(first))
	require.NoError(t, err)
	repeated := ask(first)
	repeated.By = "bob"
	tests := []struct {
		name     string
		outcome  cancel.Outcome
		shipped  int
		warnings int
	}{
		{"while it is open", cancel.Open, 0, 0},
		{"when it was carried out", cancel.Cancelled, 0, 0},
		{"when Amazon refused it", cancel.Refused, 0, 1},
		{"when it was withdrawn", cancel.Dropped, 0, 1},
		{"whatever became of the order", cancel.Refused, 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts()
			f.Orders[0].Lines[0].Shipped = tt.shipped
			before := d.Cancellation
			before.Outcome = tt.outcome
			f.Cancellations = []cancel.Cancellation{before}
			again, err := cancel.Decide(f, repeated)
			require.NoError(t, err)
			assert.True(t, again.Existing)
			assert.Equal(t, before, again.Cancellation)
			assert.Len(t, again.Warnings, tt.warnings)
			rec := &recorder{}
			require.NoError(t, again.Save(t.Context(), rec))
			assert.Empty(t, rec.saved)
		})
	}
}

func TestDecideKeyReused(t *testing.T) {
	r := ask(first)
	r.Key = "ticket 7"
	d, err := cancel.Decide(facts(), r)
	require.NoError(t, err)
	tests := []struct {
		name  string
		given func(*cancel.Request, *cancel.Cancellation)
	}{
		{"for another reason", func(r *cancel.Request, _ *cancel.Cancellation) { r.Reason = amazon.ReasonPriceError }},
		{"for another order", func(_ *cancel.Request, c *cancel.Cancellation) { c.Order = second }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			again, stored := r, d.Cancellation
			tt.given(&again, &stored)
			f := facts()
			f.Cancellations = []cancel.Cancellation{stored}
			_, err := cancel.Decide(f, again)
			assert.ErrorIs(t, err, cancel.ErrKeyReused)
			assert.ErrorContains(t, err, string(stored.ID))
		})
	}
}
