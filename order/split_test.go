package order_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

const (
	splitMug    = "71234567890121"
	splitCarafe = "71234567890122"
)

// splittable has three mugs, one of them shipped, and a kit of two carafes, one of
// them cancelled.
func splittable() order.Order {
	return order.Order{
		ID:     order.ID{Company: "acme", Number: "1001"},
		Amazon: order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}, Marketplace: "ATVPDKIKX0DER",
		Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusInProcess, Dropship: order.DropshipNone,
		Holds: []order.Hold{{Owner: order.HeldByHost, Why: "address", Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}},
		Lines: []order.Line{
			{
				Item: splitMug, SKU: "MUG", Ordered: 3, Shipped: 1,
				Charges:    order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.83")},
				Promotions: order.Amounts{order.Principal: dec("0.50")},
			},
			{
				Item: splitCarafe, SKU: "SET", Ordered: 2, Cancelled: 1,
				Charges: order.Amounts{order.Principal: dec("20.00")},
				Kit:     []order.Part{{SKU: "CARAFE", Quantity: 1}, {SKU: "LID", Quantity: 2}},
			},
		},
	}
}

func TestSplit(t *testing.T) {
	o := splittable()
	rest, part, err := order.Split(o, "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: 1}, {Item: splitCarafe, Quantity: 1}})
	require.NoError(t, err)

	wantRest, wantPart := splittable(), splittable()
	wantRest.Lines[0].Ordered = 2
	wantRest.Lines[0].Charges = order.Amounts{order.Principal: dec("6.67"), order.Tax: dec("0.55")}
	wantRest.Lines[0].Promotions = order.Amounts{order.Principal: dec("0.33")}
	wantRest.Lines[1].Ordered, wantRest.Lines[1].Charges, wantRest.Lines[1].Promotions = 1, order.Amounts{}, order.Amounts{}
	wantPart.ID.Number = "1001-A"
	wantPart.Lines[0].Ordered, wantPart.Lines[0].Shipped = 1, 0
	wantPart.Lines[0].Charges = order.Amounts{order.Principal: dec("3.33"), order.Tax: dec("0.28")}
	wantPart.Lines[0].Promotions = order.Amounts{order.Principal: dec("0.17")}
	wantPart.Lines[1].Ordered, wantPart.Lines[1].Cancelled, wantPart.Lines[1].Promotions = 1, 0, order.Amounts{}

	assert.Empty(t, cmp.Diff(wantRest, rest), "rest")
	assert.Empty(t, cmp.Diff(wantPart, part), "part")
	assert.Empty(t, cmp.Diff(splittable(), o), "the order given")
}

func TestSplitTakesAWholeLineAway(t *testing.T) {
	o := splittable()
	o.Lines[1].Ordered, o.Lines[1].Cancelled = 1, 0
	rest, part, err := order.Split(o, "1001-A", []order.LineQuantity{{Item: splitCarafe, Quantity: 1}})
	require.NoError(t, err)
	require.Len(t, rest.Lines, 1)
	assert.Equal(t, splitMug, rest.Lines[0].Item)
	assert.Empty(t, cmp.Diff(o.Lines[1:], part.Lines))
}

func TestSplitRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		to    string
		units []order.LineQuantity
		want  string
	}{
		{"to no number", "", []order.LineQuantity{{Item: splitMug, Quantity: 1}}, "has no number"},
		{"to its own number", "1001", []order.LineQuantity{{Item: splitMug, Quantity: 1}}, `own number "1001"`},
		{"to a number that does not show", "1001-A\n", []order.LineQuantity{{Item: splitMug, Quantity: 1}}, `number "1001-A\n": want`},
		{"nothing", "1001-A", nil, "no units"},
		{"no unit of an item", "1001-A", []order.LineQuantity{{Item: splitMug}}, "× 0: want 1 to the 2"},
		{"fewer than none", "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: -1}}, "× -1: want 1 to the 2"},
		{"shipped units", "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: 3}}, "× 3: want 1 to the 2"},
		{"cancelled units", "1001-A", []order.LineQuantity{{Item: splitCarafe, Quantity: 2}}, "× 2: want 1 to the 1"},
		{"an unknown item", "1001-A", []order.LineQuantity{{Item: "79999999999999", Quantity: 1}}, `no item "79999999999999"`},
		{"an item twice", "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: 1}, {Item: splitMug, Quantity: 1}}, "stands twice"},
	} {
		_, _, err := order.Split(splittable(), test.to, test.units)
		assert.ErrorIs(t, err, order.ErrSplit, test.name)
		assert.ErrorContains(t, err, test.want, test.name)
	}

	unshipped := splittable()
	unshipped.Lines[0].Shipped = 0
	_, _, err := order.Split(unshipped, "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: 3}, {Item: splitCarafe, Quantity: 1}})
	assert.ErrorIs(t, err, order.ErrSplit)
	assert.ErrorContains(t, err, "nothing would be left")

	broken := splittable()
	broken.Lines[1].Kit[0].Quantity = 0
	_, _, err = order.Split(broken, "1001-A", []order.LineQuantity{{Item: splitMug, Quantity: 1}})
	assert.ErrorContains(t, err, `kit part "CARAFE" × 0`)
}

// Whatever is split off, and split off again, every host order is one that Check
// passes, and together they have the units and the money of the first.
func TestSplitAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := splittable()
		o.Currency = rapid.SampledFrom(currencies).Draw(t, "currency")
		minor := func(most int64) int64 { return rapid.Int64Range(0, most).Draw(t, "minor units") }
		money := func(units int64) decimal.Decimal { return decimal.New(units, -o.Currency.Digits()) }
		for i := range o.Lines {
			l := &o.Lines[i]
			l.Ordered, l.Shipped, l.Cancelled = rapid.IntRange(4, 12).Draw(t, "ordered"), rapid.IntRange(0, 2).Draw(t, "shipped"), rapid.IntRange(0, 1).Draw(t, "cancelled")
			charge := minor(100_000)
			l.Charges = order.Amounts{order.Principal: money(charge), order.Shipping: money(minor(999))}
			l.Promotions = order.Amounts{order.Principal: money(minor(charge))}
		}
		require.NoError(t, order.Check(o))
		first := order.Ledger{Order: o.Amazon}
		charged, err := first.Charge(order.Stamp{}, o)
		require.NoError(t, err)

		orders := []order.Order{o}
		for _, to := range []string{"A", "B", "C"} {
			i := rapid.IntRange(0, len(orders)-1).Draw(t, "which")
			l := rapid.SampledFrom(orders[i].Lines).Draw(t, "line")
			rest, part, err := order.Split(orders[i], to, []order.LineQuantity{{Item: l.Item, Quantity: rapid.IntRange(1, 12).Draw(t, "units")}})
			if err != nil {
				require.ErrorIs(t, err, order.ErrSplit)
				continue
			}
			orders[i] = rest
			orders = append(orders, part)
		}

		units := map[string]int{}
		for _, o := range orders {
			require.NoError(t, order.Check(o))
			for _, l := range o.Lines {
				units[l.Item] += l.Ordered*100 + l.Shipped*10 + l.Cancelled
			}
		}
		for _, l := range o.Lines {
			assert.Equal(t, l.Ordered*100+l.Shipped*10+l.Cancelled, units[l.Item])
		}
		again, err := first.With(charged...).Charge(order.Stamp{}, orders...)
		require.NoError(t, err)
		assert.Empty(t, again, "money moved")
	})
}
