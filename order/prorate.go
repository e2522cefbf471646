package order

import (
	"slices"

	"github.com/shopspring/decimal"
)

// Allocate splits total into parts that stand to each other as the weights do,
// in minor units of the currency, and that add up to exactly total: each part
// is rounded down, and the units that are left go to the largest remainders,
// the earlier part first. Neither total nor weights may be negative. When all
// weights are zero the parts are equal, but for such units. Without weights
// there are no parts. This is the one place where money is rounded.
func Allocate(total decimal.Decimal, weights []decimal.Decimal, c Currency) []decimal.Decimal {
	if len(weights) == 0 {
		return nil
	}
	sum := decimal.Zero
	for _, w := range weights {
		sum = sum.Add(w)
	}
	if sum.IsZero() {
		weights = slices.Repeat([]decimal.Decimal{decimal.NewFromInt(1)}, len(weights))
		sum = decimal.NewFromInt(int64(len(weights)))
	}

	unit := decimal.New(1, -c.Digits())
	parts := make([]decimal.Decimal, len(weights))
	remainders := make([]decimal.Decimal, len(weights))
	left := total
	for i, w := range weights {
		// Whole minor units by integer division: no digit is lost on the way.
		units, rest := total.Mul(w).QuoRem(sum.Mul(unit), 0)
		parts[i], remainders[i] = units.Mul(unit), rest
		left = left.Sub(parts[i])
	}

	byRemainder := make([]int, len(parts))
	for i := range byRemainder {
		byRemainder[i] = i
	}
	slices.SortStableFunc(byRemainder, func(x, y int) int { return remainders[y].Cmp(remainders[x]) })
	for i := 0; left.GreaterThanOrEqual(unit); i++ {
		k := byRemainder[i%len(parts)]
		parts[k] = parts[k].Add(unit)
		left = left.Sub(unit)
	}
	// A total finer than the minor unit keeps its odd end in one part.
	parts[byRemainder[0]] = parts[byRemainder[0]].Add(left)
	return parts
}

// Prorate is the share of units out of all units still left on a line, taken
// from the amounts still left on it. Because it shares out what is left and
// not what was charged, refunding a line in any number of parts adds up to
// exactly the line; the last unit takes the rest. Nothing left gives nothing.
func Prorate(left Amounts, units, of int, c Currency) Amounts {
	out := Amounts{}
	if units <= 0 || of <= 0 {
		return out
	}
	units = min(units, of)
	weights := []decimal.Decimal{decimal.NewFromInt(int64(units)), decimal.NewFromInt(int64(of - units))}
	for _, comp := range left.Components() {
		if share := Allocate(left[comp], weights, c)[0]; share.IsPositive() {
			out[comp] = share
		}
	}
	return out
}
