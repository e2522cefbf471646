package order

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Currency is an ISO 4217 code in capitals, such as "USD".
type Currency string

// Digits is the number of decimals of the currency's minor unit: 0 for the
// yen, 3 for the Kuwaiti dinar, 2 for those not named here.
func (c Currency) Digits() int32 {
	switch c {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Check refuses anything but three capital letters.
func (c Currency) Check() error {
	if len(c) != 3 || strings.Trim(string(c), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fmt.Errorf("currency %q: want an ISO 4217 code of three capital letters, such as USD", string(c))
	}
	return nil
}

// Money is an amount with its currency, for the edges of the library. Inside,
// amounts are [Amounts] and the currency stands once on the order or ledger.
type Money struct {
	Amount   decimal.Decimal
	Currency Currency
}

// String is the amount with the decimals of its currency, as in "86.40 USD".
func (m Money) String() string { return Format(m.Amount, m.Currency) }

// Format writes an amount with its currency, as in "86.40 USD". Equal amounts
// are written alike. An amount with more decimals than the currency has is shown
// whole, never rounded.
func Format(amount decimal.Decimal, c Currency) string { return fixed(amount, c) + " " + string(c) }

func fixed(amount decimal.Decimal, c Currency) string {
	if finer(amount, c) {
		return amount.String()
	}
	return amount.StringFixed(c.Digits())
}

// finer tells that an amount is no whole number of the currency's minor unit.
func finer(amount decimal.Decimal, c Currency) bool {
	return !amount.Equal(amount.Truncate(c.Digits()))
}

// Component is a part of what a buyer pays for a line, or gets back for it.
type Component string

// The components that are charged, in the order in which documents list them.
// Amounts of a line are totals for its units, each minus its promotion.
const (
	Principal   Component = "Principal"
	Tax         Component = "Tax"
	Shipping    Component = "Shipping"
	ShippingTax Component = "ShippingTax"
	GiftWrap    Component = "GiftWrap"
	GiftWrapTax Component = "GiftWrapTax"
)

// Concessions are never charged: they count against the total of the Amazon
// order only. Deductions lower what the buyer gets back.
const (
	Goodwill       Component = "Goodwill"       // concession
	ReturnShipping Component = "ReturnShipping" // concession
	RestockingFee  Component = "RestockingFee"  // deduction
	LabelCost      Component = "LabelCost"      // deduction
)

// Charged reports whether a buyer is charged this component, so that a refund
// of it is limited by its own charge.
func (c Component) Charged() bool {
	switch c {
	case Principal, Tax, Shipping, ShippingTax, GiftWrap, GiftWrapTax:
		return true
	}
	return false
}

// Concession reports whether this component gives the buyer something that was
// not charged.
func (c Component) Concession() bool { return c == Goodwill || c == ReturnShipping }

func (c Component) rank() int {
	return slices.Index([]Component{Principal, Tax, Shipping, ShippingTax, GiftWrap, GiftWrapTax, Goodwill, ReturnShipping, RestockingFee, LabelCost}, c)
}

// Amounts holds an amount for each component, in one currency that stands
// beside it. An absent component is zero. The zero value is ready to be read.
type Amounts map[Component]decimal.Decimal

// Components lists the components that are not zero, in a fixed order:
// Principal, Tax, Shipping, ShippingTax, GiftWrap, GiftWrapTax, then the rest.
func (a Amounts) Components() []Component {
	var cs []Component
	for c, v := range a {
		if !v.IsZero() {
			cs = append(cs, c)
		}
	}
	slices.SortFunc(cs, func(x, y Component) int {
		if d := x.rank() - y.rank(); d != 0 {
			return d
		}
		return strings.Compare(string(x), string(y))
	})
	return cs
}

// Total is the sum over all components.
func (a Amounts) Total() decimal.Decimal {
	sum := decimal.Zero
	for _, v := range a {
		sum = sum.Add(v)
	}
	return sum
}

// IsZero reports whether every component is zero.
func (a Amounts) IsZero() bool { return len(a.Components()) == 0 }

// Equal compares amounts by value: absent is zero, 1.5 is 1.50.
func (a Amounts) Equal(b Amounts) bool { return a.Minus(b).IsZero() }

// Plus adds component by component and leaves both operands alone. Components
// that come to zero are left out.
func (a Amounts) Plus(b Amounts) Amounts { return a.combine(b, decimal.Decimal.Add) }

// Minus subtracts component by component and leaves both operands alone.
// Components that come to zero are left out.
func (a Amounts) Minus(b Amounts) Amounts { return a.combine(b, decimal.Decimal.Sub) }

func (a Amounts) combine(b Amounts, op func(x, y decimal.Decimal) decimal.Decimal) Amounts {
	out := Amounts{}
	maps.Copy(out, a)
	for c, v := range b {
		out[c] = op(out[c], v)
	}
	maps.DeleteFunc(out, func(_ Component, v decimal.Decimal) bool { return v.IsZero() })
	return out
}

// String lists the amounts that are not zero, as in "Principal 10, Tax 0.83":
// without zeros at the end, since it does not know the currency.
func (a Amounts) String() string {
	var b strings.Builder
	for i, c := range a.Components() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", c, a[c])
	}
	return b.String()
}

// In lists the amounts that are not zero with the decimals of their currency, as
// in "Principal 10.00, Tax 0.83 USD"; "nothing" when all are zero.
func (a Amounts) In(c Currency) string {
	var parts []string
	for _, comp := range a.Components() {
		parts = append(parts, fmt.Sprintf("%s %s", comp, fixed(a[comp], c)))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ") + " " + string(c)
}

// maxDigits is how many digits Amazon's documents have room for. A decimal can
// have an exponent that fills the memory when it is written out or added up, so
// this is checked before anything is computed.
const maxDigits = 20

// CheckAmounts refuses amounts below zero, of more than 20 digits, finer than the
// currency's minor unit, or of an unknown component.
func CheckAmounts(a Amounts, c Currency) error {
	for comp, v := range a {
		if e := v.Exponent(); e > maxDigits || e < -maxDigits || v.NumDigits() > maxDigits {
			return fmt.Errorf("%s is no amount of money: want at most %d digits", comp, maxDigits)
		}
	}
	for _, comp := range a.Components() {
		v := a[comp]
		if comp.rank() < 0 {
			return fmt.Errorf("component %q is unknown; want one of Principal, Tax, Shipping, ShippingTax, GiftWrap, GiftWrapTax, Goodwill, ReturnShipping, RestockingFee, LabelCost", string(comp))
		}
		if v.IsNegative() {
			return fmt.Errorf("%s %s is below zero; amounts are positive", comp, Format(v, c))
		}
		if finer(v, c) {
			return fmt.Errorf("%s %s has more than the %d decimals of %s", comp, v, c.Digits(), c)
		}
	}
	return nil
}
