package order_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

// currencies have minor units of 0, 2 and 3 decimals.
var currencies = []order.Currency{"JPY", "USD", "KWD"}

func decs(ss ...string) []decimal.Decimal {
	ds := make([]decimal.Decimal, len(ss))
	for i, s := range ss {
		ds[i] = dec(s)
	}
	return ds
}

func sum(ds []decimal.Decimal) decimal.Decimal {
	total := decimal.Zero
	for _, d := range ds {
		total = total.Add(d)
	}
	return total
}

func TestAllocate(t *testing.T) {
	for _, test := range []struct {
		name    string
		total   string
		weights []decimal.Decimal
		cur     order.Currency
		want    []decimal.Decimal
	}{
		{"even", "10.00", decs("1", "1"), "USD", decs("5", "5")},
		{"thirds: the first takes the cent", "10.00", decs("1", "1", "1"), "USD", decs("3.34", "3.33", "3.33")},
		{"two cents for three", "0.02", decs("1", "1", "1"), "USD", decs("0.01", "0.01", "0")},
		{"largest remainder before the first", "1.00", decs("1", "2"), "USD", decs("0.33", "0.67")},
		{"thirds of a yen amount", "1000", decs("1", "1", "1"), "JPY", decs("334", "333", "333")},
		{"thirds of a dinar", "1", decs("1", "1", "1"), "KWD", decs("0.334", "0.333", "0.333")},
		{"weights are money too", "3.00", decs("19.99", "0.01", "40"), "USD", decs("1", "0", "2")},
		{"tiny weights beside a huge one", "100", decs("0.0000001", "1e12"), "USD", decs("0", "100")},
		{"one weight", "9.99", decs("0.001"), "USD", decs("9.99")},
		{"a weight of zero gets nothing", "0.05", decs("1", "0", "1", "1"), "USD", decs("0.02", "0", "0.02", "0.01")},
		{"only zeros are shared evenly", "0.05", decs("0", "0", "0"), "USD", decs("0.02", "0.02", "0.01")},
		{"a total of zero", "0", decs("3", "0", "1"), "USD", decs("0", "0", "0")},
		{"nothing over nothing", "0.00", decs("0", "0"), "JPY", decs("0", "0")},
		{"odd end of a total finer than a cent", "1.005", decs("0", "1", "1"), "USD", decs("0", "0.505", "0.50")},
		{"odd end of a total finer than a yen", "0.5", decs("0", "1"), "JPY", decs("0", "0.5")},
		{"nobody", "10", nil, "USD", nil},
	} {
		got := order.Allocate(dec(test.total), test.weights, test.cur)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAllocateAddsUpInProportion(t *testing.T) {
	weight := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(0, 1<<40).Draw(t, "digits"), rapid.Int32Range(-6, 2).Draw(t, "exponent"))
	})
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		unit := decimal.New(1, -cur.Digits())
		total := decimal.New(rapid.Int64Range(0, 1<<50).Draw(t, "total"), -cur.Digits())
		weights := rapid.SliceOfN(weight, 1, 9).Draw(t, "weights")

		parts := order.Allocate(total, weights, cur)
		assert.Len(t, parts, len(weights))
		assert.Truef(t, sum(parts).Equal(total), "parts %s come to %s, want %s", parts, sum(parts), total)
		all := sum(weights)
		for i, part := range parts {
			assert.Falsef(t, part.IsNegative(), "part %d is %s", i, part)
			assert.Truef(t, part.Mod(unit).IsZero(), "part %d is %s: want a multiple of %s", i, part, unit)
			// |part − total × weight ∕ all| < unit, without a division.
			apart := part.Mul(all).Sub(total.Mul(weights[i])).Abs()
			assert.Truef(t, all.IsZero() || apart.LessThan(unit.Mul(all)), "part %d is %s: its share of %s by %s of %s is a unit away", i, part, total, weights[i], all)
			assert.Truef(t, all.IsZero() || !weights[i].IsZero() || part.IsZero(), "part %d is %s for a weight of zero", i, part)
		}
		if diff := cmp.Diff(parts, order.Allocate(total, weights, cur)); diff != "" {
			t.Errorf("the same question is answered differently (-first +again):\n%s", diff)
		}
	})
}

func TestAllocateWithoutWeightIsEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		total := decimal.New(rapid.Int64Range(0, 1<<40).Draw(t, "total"), -cur.Digits())
		parts := order.Allocate(total, make([]decimal.Decimal, rapid.IntRange(1, 9).Draw(t, "parts")), cur)
		assert.True(t, sum(parts).Equal(total))
		spread := parts[0].Sub(parts[len(parts)-1])
		assert.Truef(t, spread.IsZero() || spread.Equal(decimal.New(1, -cur.Digits())), "the first part is %s more than the last", spread)
	})
}

func TestAllocateLosesNoOddEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		total := decimal.New(rapid.Int64Range(0, 1<<50).Draw(t, "total"), -7)
		weights := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 1000), decimal.NewFromInt), 1, 9).Draw(t, "weights")
		parts := order.Allocate(total, weights, cur)
		assert.Truef(t, sum(parts).Equal(total), "parts %s come to %s, want %s", parts, sum(parts), total)
		for i, part := range parts {
			assert.Falsef(t, part.IsNegative(), "part %d is %s", i, part)
		}
	})
}

func TestProrate(t *testing.T) {
	left := order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.83"), order.Shipping: dec("0"), order.Goodwill: dec("-2")}
	whole := order.Amounts{order.Principal: dec("10"), order.Tax: dec("0.83")}
	for _, test := range []struct {
		units, of int
		want      order.Amounts
	}{
		{1, 3, order.Amounts{order.Principal: dec("3.33"), order.Tax: dec("0.28")}},
		{2, 3, order.Amounts{order.Principal: dec("6.67"), order.Tax: dec("0.55")}},
		{1, 1000, order.Amounts{order.Principal: dec("0.01")}},
		{3, 3, whole},
		{4, 3, whole},
		{0, 3, order.Amounts{}},
		{-1, 3, order.Amounts{}},
		{1, 0, order.Amounts{}},
		{1, -1, order.Amounts{}},
	} {
		got := order.Prorate(left, test.units, test.of, "USD")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%d of %d units (-want +got):\n%s", test.units, test.of, diff)
		}
	}
	assert.Empty(t, order.Prorate(nil, 1, 2, "USD"))
	assert.Equal(t, "Principal 10, Tax 0.83, Goodwill -2", left.String(), "what is left is only read")
}

// Law 6: partial refunds of a line, in any order and number, add up to exactly
// the line.
func TestPartialRefundsAddUpToTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		line := drawAmounts(t, charged, cur, 1<<40, "line")
		ordered := rapid.IntRange(1, 12).Draw(t, "ordered")

		refunded, left := order.Amounts{}, line
		for waiting := ordered; waiting > 0; {
			units := rapid.IntRange(1, waiting).Draw(t, "units")
			part := order.Prorate(left, units, waiting, cur)
			assert.NoError(t, order.CheckAmounts(part, cur))
			refunded, left, waiting = refunded.Plus(part), left.Minus(part), waiting-units
			assert.NoError(t, order.CheckAmounts(left, cur), "left after %d of %d units", ordered-waiting, ordered)
		}
		assert.Truef(t, refunded.Equal(line), "%d units were refunded %s, want %s", ordered, refunded, line)
		assert.Truef(t, left.IsZero(), "left: %s", left)
	})
}

// Law 6 where a person names amounts between the refunds by units.
func TestPartialRefundsByAmountAndByUnitAddUpToTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		line := drawAmounts(t, charged, cur, 1<<20, "line")
		waiting := rapid.IntRange(1, 6).Draw(t, "ordered")

		refunded, left := order.Amounts{}, line
		refund := func(part order.Amounts) {
			for _, c := range part.Components() {
				assert.Truef(t, part[c].LessThanOrEqual(left[c]), "%s %s is more than the %s left", c, part[c], left[c])
			}
			refunded, left = refunded.Plus(part), left.Minus(part)
		}
		t.Repeat(map[string]func(*rapid.T){
			"by amount": func(t *rapid.T) {
				part := order.Amounts{}
				for _, c := range left.Components() {
					most := left[c].Shift(cur.Digits()).IntPart()
					part[c] = decimal.New(rapid.Int64Range(0, most).Draw(t, string(c)), -cur.Digits())
				}
				refund(part)
			},
			"by unit": func(t *rapid.T) {
				units := rapid.IntRange(0, max(0, waiting-1)).Draw(t, "units")
				refund(order.Prorate(left, units, waiting, cur))
				waiting -= units
			},
			"": func(t *rapid.T) {
				assert.True(t, refunded.Plus(left).Equal(line))
				assert.NoError(t, order.CheckAmounts(left, cur))
			},
		})
		refund(order.Prorate(left, waiting, waiting, cur))
		assert.Truef(t, refunded.Equal(line), "refunded %s, want %s", refunded, line)
	})
}

// Whoever sends back one unit after the other gets an even share for each, to
// within one minor unit.
func TestUnitsRefundedOneByOneGetEvenShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		unit := decimal.New(1, -cur.Digits())
		line := order.Amounts{order.Principal: decimal.New(rapid.Int64Range(0, 1<<40).Draw(t, "principal"), -cur.Digits())}
		ordered := rapid.IntRange(1, 12).Draw(t, "ordered")
		left := line
		for waiting := ordered; waiting > 0; waiting-- {
			part := order.Prorate(left, 1, waiting, cur)
			apart := part[order.Principal].Mul(decimal.NewFromInt(int64(ordered))).Sub(line[order.Principal]).Abs()
			assert.Truef(t, apart.LessThan(unit.Mul(decimal.NewFromInt(int64(ordered)))),
				"unit %d of %d gets %s of %s", ordered-waiting+1, ordered, part, line)
			left = left.Minus(part)
		}
		assert.Truef(t, left.IsZero(), "left: %s", left)
	})
}
