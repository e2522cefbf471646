package outside

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
)

// Comparison holds what Amazon paid against what our ledgers say.
type Comparison struct {
	Amazon, Ours string   // the sums, as in "86.40 USD, 1200 JPY"
	Differences  []string // by order, item and component; none: they agree to the cent
}

// Equal reports whether the books agree, of every order, item and component.
func (c Comparison) Equal() bool { return len(c.Differences) == 0 }

// place is where a cent belongs.
type place struct {
	order, item string
	component   order.Component
	currency    order.Currency
}

// Compare compares Amazon's payments with what our ledgers have posted. Money that a
// cancellation kept from being collected was never paid; that of a part of an order,
// whose rest was shipped, was.
func Compare(paid []amazontest.Payment, ledgers []order.Ledger, cancellations []cancel.Cancellation, usual order.Currency) Comparison {
	neverPaid := map[order.Cause]bool{}
	for _, c := range cancellations {
		neverPaid[c.Cause()] = !c.Part
	}
	ours, theirs := map[place]decimal.Decimal{}, map[place]decimal.Decimal{}
	for _, l := range ledgers {
		for _, p := range l.Postings {
			if p.Balance == order.Posted && !neverPaid[p.Cause] {
				at := place{l.Order.Number, p.Item, p.Component, p.Currency}
				ours[at] = ours[at].Add(p.Amount)
			}
		}
	}
	for _, p := range paid {
		at := place{p.Order, p.Item, p.Component, p.Currency}
		theirs[at] = theirs[at].Add(p.Amount)
	}
	c := Comparison{Amazon: totals(theirs, usual), Ours: totals(ours, usual)}
	all := maps.Clone(ours)
	maps.Copy(all, theirs)
	for _, at := range slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return cmp.Or(strings.Compare(a.order, b.order), strings.Compare(a.item, b.item), cmp.Compare(a.component, b.component))
	}) {
		if !ours[at].Equal(theirs[at]) {
			c.Differences = append(c.Differences, fmt.Sprintf("order %s item %s %s: Amazon paid %s, we posted %s",
				at.order, at.item, at.component, order.Format(theirs[at], at.currency), order.Format(ours[at], at.currency)))
		}
	}
	return c
}

// totals adds up by currency; nothing is nothing of the usual currency.
func totals(m map[place]decimal.Decimal, usual order.Currency) string {
	sums := map[order.Currency]decimal.Decimal{}
	for at, v := range m {
		sums[at.currency] = sums[at.currency].Add(v)
	}
	if len(sums) == 0 {
		sums[usual] = decimal.Zero
	}
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, order.Format(sums[c], c))
	}
	return strings.Join(parts, ", ")
}
