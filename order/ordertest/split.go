package ordertest

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
)

// RunSplits checks a book that carries out Split effects, which order.Split does for
// a host that keeps orders as values. Open is as for [Run].
func RunSplits(t *testing.T, open func(t *testing.T, seed []order.Order) order.Book) {
	run(t, open, []promise[order.Book]{
		{"splits/units", "A split moves units to a new host order of the same Amazon order, company, status and holds.", checkSplit},
		{"splits/money", "What the buyer was charged and granted is divided, and both orders add up to it.", checkSplitMoney},
		{"splits/repeated", "A split that comes again, or whose Seq the order has passed, moves nothing more.", checkSplitOnce},
		{"splits/taken number", "A split into a number that another order of the company has is answered ErrStale and changes nothing.", checkSplitTaken},
		{"splits/new order", "Effects on the new host order are carried out there, and nowhere else.", checkSplitEffects},
	})
}

// part is the order that splitting gives.
var part = order.ID{Company: first.Company, Number: "SO-1-C1"}

func splitOff(seq int64, units int) order.Effect {
	return effect(seq, order.Effect{Kind: order.EffectSplit, Split: &order.SplitOff{
		To: part.Number, Lines: []order.LineQuantity{{Item: "11111111111111", Quantity: units}},
	}})
}

// halves are the first order and what was split off it.
func halves(t *testing.T, book order.Book) (rest, part order.Order) {
	t.Helper()
	got := orders(t, book, firstAmazon)
	require.Len(t, got, 2, "host orders of the Amazon order after a split")
	for _, o := range got {
		assert.NoError(t, order.Check(o), "order %s after the split", o.ID)
		require.Len(t, o.Lines, 1, "lines of order %s", o.ID)
	}
	return got[0], got[1]
}

func checkSplit(t *testing.T, book order.Book) {
	apply(t, book, hold(10, order.HeldByBuyer), status(20, order.StatusOnHold), splitOff(30, 2))
	rest, off := halves(t, book)
	assert.Equal(t, []order.ID{first, part}, []order.ID{rest.ID, off.ID}, "the two orders")
	for _, o := range []order.Order{rest, off} {
		assert.Equal(t, firstAmazon, o.Amazon, "Amazon order of %s", o.ID)
		assert.Equal(t, order.StatusOnHold, o.Status, "status of %s", o.ID)
		assert.Equal(t, []order.HoldOwner{order.HeldByBuyer}, owners(o), "holds of %s", o.ID)
		assert.Equal(t, order.Currency("USD"), o.Currency, "currency of %s", o.ID)
		assert.Equal(t, order.ByMerchant, o.Fulfilment, "fulfilment of %s", o.ID)
	}
	assert.Equal(t, []int{1, 1}, []int{rest.Lines[0].Ordered, rest.Lines[0].Shipped}, "units of the rest: ordered, shipped")
	assert.Equal(t, []int{2, 0}, []int{off.Lines[0].Ordered, off.Lines[0].Shipped}, "units of the part: ordered, shipped")
	assert.Equal(t, rest.Lines[0].Item, off.Lines[0].Item, "order item")
	assert.Equal(t, rest.Lines[0].SKU, off.Lines[0].SKU, "SKU")
}

func checkSplitMoney(t *testing.T, book order.Book) {
	apply(t, book, splitOff(10, 1))
	rest, off := halves(t, book)
	whole := seed()[0].Lines[0]
	for name, sums := range map[string][2]order.Amounts{
		"charges":    {whole.Charges, rest.Lines[0].Charges.Plus(off.Lines[0].Charges)},
		"promotions": {whole.Promotions, rest.Lines[0].Promotions.Plus(off.Lines[0].Promotions)},
	} {
		assert.True(t, sums[0].Equal(sums[1]), "%s of both orders are %s, want %s", name, sums[1], sums[0])
	}
	assert.True(t, off.Lines[0].Charges[order.Principal].IsPositive(), "charges of the part")
}

func checkSplitOnce(t *testing.T, book order.Book) {
	apply(t, book, splitOff(20, 1))
	want := orders(t, book, firstAmazon)
	apply(t, book, splitOff(20, 1), splitOff(10, 1))
	if diff := gocmp.Diff(want, orders(t, book, firstAmazon), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the book has other orders than after the first time (-first +now):\n%s", diff)
	}
}

func checkSplitTaken(t *testing.T, book order.Book) {
	into := splitOff(10, 2)
	into.Split.To = second.Number // of another Amazon order
	assert.ErrorIs(t, book.ApplyOrder(t.Context(), into), order.ErrStale, "ApplyOrder of a split into order %s", second)
	stored(t, book, seed())
	into.Split.To = other.Number // in another company; here it is the order's own
	assert.ErrorIs(t, book.ApplyOrder(t.Context(), into), order.ErrStale, "ApplyOrder of a split into the order itself")
	stored(t, book, seed())
}

func checkSplitEffects(t *testing.T, book order.Book) {
	cancelled := status(20, order.StatusCancelled, order.StatusInProcess)
	cancelled.Order = part
	apply(t, book, splitOff(10, 2), cancelled)
	rest, off := halves(t, book)
	assert.Equal(t, order.StatusCancelled, off.Status, "status of the part")
	assert.Equal(t, order.StatusInProcess, rest.Status, "status of the rest")
	want := seed()[1:]
	got := orders(t, book, secondAmazon, otherAmazon)
	assert.Len(t, got, len(want), "the other orders")
}

func owners(o order.Order) (all []order.HoldOwner) {
	for _, h := range o.Holds {
		all = append(all, h.Owner)
	}
	return all
}
