// Package ordertest tells whether a host's order book keeps the contract of
// order.Book.
//
// A host runs it in a test:
//
//	func TestBook(t *testing.T) {
//		ordertest.Run(t, func(t *testing.T, seed []order.Order) order.Book { return open(t, seed) })
//	}
//
// and, when the host splits orders and keeps stock, [RunSplits] and [RunStock] too.
// Every subtest that fails tells which sentence of the contract is broken.
package ordertest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
)

// Run checks a book. Open returns a new book for each subtest that holds the
// seeded orders and no others, as well as the host can represent them: IDs,
// status, holds, quantities and amounts are compared.
//
// Of the effects a host has to keep Status, Hold and Release; the other kinds
// are only checked to do no harm.
func Run(t *testing.T, open func(t *testing.T, seed []order.Order) order.Book) {
	run(t, open, []promise[order.Book]{
		{"orders/seeded", "Orders returns every host order that carries one of these Amazon order IDs, several for one after a split.", checkSeeded},
		{"orders/unknown", "Orders returns none for an unknown ID; not finding an order is not an error.", checkUnknown},
		{"orders/check", "Every order that Orders returns passes order.Check.", checkOrders},
		{"effects/status", "ApplyOrder carries out a Status effect: Orders shows the new status.", checkStatus},
		{"effects/stale", "ErrStale means the order no longer has the status that the effect expects; nothing is changed.", checkStale},
		{"effects/one hold of an owner", "However often an owner took hold of an order, one release ends it.", checkHeldTwice},
		{"effects/hold and release", "A release removes the hold of its owner and leaves the others standing.", checkHolds},
		{"effects/repeated", "An effect that comes again is answered nil and changes nothing.", checkRepeated},
		{"effects/passed", "An effect whose Seq the order has passed is answered nil and changes nothing, not even when its expected status does not match.", checkPassed},
		{"effects/after stale", "A note with the same Key and Seq takes the place of an effect that was answered ErrStale, and later effects are carried out.", checkAfterStale},
		{"effects/not kept", "An effect of a kind that the host does not keep is answered nil and changes nothing.", checkNotKept},
		{"effects/other orders", "An effect is about one host order; the others stay as they are, also those with the same Amazon order ID and the same number in another company.", checkOtherOrders},
	})
}

// promise is one sentence of the contract and what checks it.
type promise[B any] struct {
	name, says string
	check      func(*testing.T, B)
}

func run[B any](t *testing.T, open func(t *testing.T, seed []order.Order) B, promises []promise[B]) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the contract says: %s", p.says)
				}
			})
			p.check(t, open(t, seed()))
		})
	}
}

var (
	first  = order.ID{Company: "company", Number: "SO-1"}
	second = order.ID{Company: "company", Number: "SO-2"}
	split  = order.ID{Company: "company", Number: "SO-2-A"} // of the second
	other  = order.ID{Company: "other", Number: "SO-1"}

	firstAmazon  = order.AmazonID{Account: "SELLER-US", Number: "111-0000001-0000001"}
	secondAmazon = order.AmazonID{Account: "SELLER-US", Number: "111-0000002-0000002"}
	otherAmazon  = order.AmazonID{Account: "OTHER-US", Number: "111-0000001-0000001"}

	noon = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
)

// seed is what each book starts with.
func seed() []order.Order {
	return []order.Order{
		newOrder(first, firstAmazon, "11111111111111"),
		newOrder(second, secondAmazon, "22222222222222"),
		newOrder(split, secondAmazon, "222222222222223"),
		newOrder(other, otherAmazon, "33333333333333"),
	}
}

func newOrder(id order.ID, on order.AmazonID, item string) order.Order {
	return order.Order{
		ID: id, Amazon: on, Marketplace: "ATVPDKIKX0DER", Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
		Lines: []order.Line{{
			Item: item, SKU: "SKU-1", ASIN: "B000000001", Ordered: 3, Shipped: 1, TaxModel: order.TaxNamed,
			Charges:    order.Amounts{order.Principal: decimal.RequireFromString("30.00"), order.Tax: decimal.RequireFromString("2.48")},
			Promotions: order.Amounts{order.Principal: decimal.RequireFromString("1.50")},
		}},
	}
}

// orders reads host orders by their Amazon order IDs, in the order of their own.
func orders(t *testing.T, book order.Book, ids ...order.AmazonID) []order.Order {
	t.Helper()
	got, err := book.Orders(t.Context(), ids)
	require.NoError(t, err, "Orders")
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b order.Order) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	return got
}

// stored checks what the book holds.
func stored(t *testing.T, book order.Book, want []order.Order) {
	t.Helper()
	got := orders(t, book, firstAmazon, secondAmazon, otherAmazon)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(),
		cmpopts.SortSlices(func(a, b order.Hold) bool { return a.Owner < b.Owner }),
		cmpopts.IgnoreFields(order.Hold{}, "Why", "Since"),
		cmpopts.IgnoreFields(order.Line{}, "ASIN", "TaxModel", "Returned", "Refunded")); diff != "" {
		t.Errorf("the book has other orders than it should (-want +got):\n%s", diff)
	}
}

// effect is an effect on the first order.
func effect(seq int64, change order.Effect) order.Effect {
	change.Key = firstAmazon.String() + "#" + decimal.NewFromInt(seq).String()
	change.Order, change.Amazon, change.Seq = first, firstAmazon, seq
	change.Stamp = order.Stamp{By: "ordertest", At: noon, Why: "test"}
	return change
}

func status(seq int64, to order.Status, expect ...order.Status) order.Effect {
	return effect(seq, order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: to, Expect: expect}})
}

func hold(seq int64, owner order.HoldOwner) order.Effect {
	return effect(seq, order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: owner, Why: "test", Since: noon}})
}

func release(seq int64, owner order.HoldOwner) order.Effect {
	return effect(seq, order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: owner}})
}

// apply carries out effects that the book has to accept.
func apply(t *testing.T, book order.Book, es ...order.Effect) {
	t.Helper()
	for _, e := range es {
		require.NoError(t, book.ApplyOrder(t.Context(), e), "ApplyOrder of a %s effect with Seq %d", e.Kind, e.Seq)
	}
}

func checkSeeded(t *testing.T, book order.Book) {
	stored(t, book, seed())
	tests := []struct {
		ids  []order.AmazonID
		want []order.ID
	}{
		{[]order.AmazonID{firstAmazon}, []order.ID{first}},
		{[]order.AmazonID{secondAmazon}, []order.ID{second, split}},
		{[]order.AmazonID{otherAmazon, firstAmazon}, []order.ID{first, other}},
		{[]order.AmazonID{secondAmazon, firstAmazon, secondAmazon}, []order.ID{first, second, split}},
	}
	for _, tt := range tests {
		var got []order.ID
		for _, o := range orders(t, book, tt.ids...) {
			got = append(got, o.ID)
		}
		assert.Equal(t, tt.want, got, "host orders of %v, each once", tt.ids)
	}
}

func checkUnknown(t *testing.T, book order.Book) {
	unknown := order.AmazonID{Account: "SELLER-US", Number: "999-9999999-9999999"}
	elsewhere := order.AmazonID{Account: "UNKNOWN", Number: firstAmazon.Number}
	assert.Empty(t, orders(t, book, unknown, elsewhere), "orders of unknown IDs")
	assert.Empty(t, orders(t, book), "orders of no IDs")
	assert.Len(t, orders(t, book, unknown, firstAmazon, elsewhere), 1, "orders of one known ID among unknown ones")
}

func checkOrders(t *testing.T, book order.Book) {
	for _, o := range orders(t, book, firstAmazon, secondAmazon, otherAmazon) {
		assert.NoError(t, order.Check(o))
	}
}

func checkStatus(t *testing.T, book order.Book) {
	want := seed()
	for i, to := range []order.Status{order.StatusOnHold, order.StatusProblemOrder, order.StatusCancelled} {
		apply(t, book, status(int64(10*(i+1)), to))
		want[0].Status = to
		stored(t, book, want)
	}
	apply(t, book, status(40, order.StatusInProcess, order.StatusVoid, order.StatusCancelled))
	stored(t, book, seed())
}

func checkStale(t *testing.T, book order.Book) {
	err := book.ApplyOrder(t.Context(), status(10, order.StatusCancelled, order.StatusOnHold, order.StatusVoid))
	assert.ErrorIs(t, err, order.ErrStale, "ApplyOrder on an InProcess order that should be OnHold or Void")
	stored(t, book, seed())
}

func checkHolds(t *testing.T, book order.Book) {
	want := seed()
	apply(t, book, hold(10, order.HeldByBuyer), hold(20, order.HeldByCancellation))
	want[0].Holds = []order.Hold{{Owner: order.HeldByBuyer}, {Owner: order.HeldByCancellation}}
	stored(t, book, want)
	apply(t, book, release(30, order.HeldByHost), release(40, order.HeldByBuyer))
	want[0].Holds = []order.Hold{{Owner: order.HeldByCancellation}}
	stored(t, book, want)
	apply(t, book, release(50, order.HeldByCancellation))
	stored(t, book, seed())
}

func checkHeldTwice(t *testing.T, book order.Book) {
	apply(t, book, hold(10, order.HeldByBuyer), hold(20, order.HeldByBuyer), release(30, order.HeldByBuyer))
	stored(t, book, seed())
}

func checkRepeated(t *testing.T, book order.Book) {
	want := seed()
	es := []order.Effect{hold(10, order.HeldByBuyer), status(20, order.StatusOnHold, order.StatusInProcess)}
	for _, e := range es {
		apply(t, book, e, e)
	}
	apply(t, book, es...)
	want[0].Status, want[0].Holds = order.StatusOnHold, []order.Hold{{Owner: order.HeldByBuyer}}
	stored(t, book, want)
}

func checkPassed(t *testing.T, book order.Book) {
	want := seed()
	want[0].Status = order.StatusProblemOrder
	apply(t, book, status(20, order.StatusProblemOrder),
		status(10, order.StatusCancelled), status(11, order.StatusCancelled, order.StatusVoid), hold(12, order.HeldByBuyer))
	stored(t, book, want)
	apply(t, book, hold(21, order.HeldByBuyer), release(13, order.HeldByBuyer))
	want[0].Holds = []order.Hold{{Owner: order.HeldByBuyer}}
	stored(t, book, want)
}

func checkAfterStale(t *testing.T, book order.Book) {
	late := status(10, order.StatusCancelled, order.StatusOnHold)
	require.ErrorIs(t, book.ApplyOrder(t.Context(), late), order.ErrStale)
	apply(t, book,
		effect(10, order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: "was not applied"}}),
		status(20, order.StatusOnHold))
	want := seed()
	want[0].Status = order.StatusOnHold
	stored(t, book, want)
}

func checkNotKept(t *testing.T, book order.Book) {
	apply(t, book,
		effect(10, order.Effect{Kind: "AKindOfTheFuture"}),
		effect(20, order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: "note"}}),
		effect(30, order.Effect{Kind: order.EffectPayment, Payment: &order.Payment{Status: order.PartialRefund, Refunded: decimal.NewFromInt(1), Currency: "USD"}}),
		effect(40, order.Effect{Kind: order.EffectRMA, RMA: &order.RMANote{Number: "RM1", Status: "Open"}}),
		effect(45, order.Effect{Kind: order.EffectRMA, RMA: &order.RMANote{Number: "RM1", OrderSourceNumber: "D1RRMA", Status: "Closed"}}),
		effect(50, order.Effect{Kind: order.EffectCommission, Commission: &order.Commission{Returned: decimal.NewFromInt(1), Currency: "USD"}}))
	stored(t, book, seed())
}

func checkOtherOrders(t *testing.T, book order.Book) {
	want := seed()
	e := status(10, order.StatusOnHold)
	e.Key, e.Order, e.Amazon = secondAmazon.String()+"#10", second, secondAmazon
	apply(t, book, e)
	want[1].Status = order.StatusOnHold
	stored(t, book, want)
	apply(t, book, status(5, order.StatusProblemOrder))
	want[0].Status = order.StatusProblemOrder
	stored(t, book, want)
}
