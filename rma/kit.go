package rma

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
)

// kitOwed is what an RMA still owes for the components of a kit that are in. All
// RMAs of the kit together owe what their components are worth together, less what
// they were refunded: a cent that rounding gives to one of them is no other's. So
// what is refunded in any number of parts adds up to the kit, to the cent.
func (f Facts) kitOwed(r RMA, item string, outcomes ...refund.Outcome) order.Amounts {
	rmas := slices.Clone(f.RMAs)
	slices.SortFunc(rmas, func(a, b RMA) int {
		return cmp.Or(a.Created.At.Compare(b.Created.At), strings.Compare(string(a.ID), string(b.ID)))
	})
	parts := map[string]int{}
	worth, repaid := order.Amounts{}, order.Amounts{} // of all so far
	var before, own order.Amounts                     // owed by the RMAs before this one, and by this one
	for _, of := range rmas {
		if of.ID == r.ID {
			of = r
		}
		if of.Status == Cancelled || !of.kit(item) {
			continue
		}
		for sku, n := range f.partsIn(of, item) {
			parts[sku] += n
		}
		more := f.kitWorth(r, item, parts).Minus(worth)
		worth = worth.Plus(more)
		paid := f.repaid(of, item, outcomes)
		repaid = repaid.Plus(paid)
		switch owed := atLeastZero(more.Minus(paid)); {
		case of.ID == r.ID:
			own = owed
		case own == nil:
			before = before.Plus(owed)
		}
	}
	left := atLeastZero(worth.Minus(repaid).Minus(before))
	return f.bounded(least(own, left), item, outcomes)
}

// partsIn counts the components of a kit that are in, by SKU: all of those that
// somebody allowed to be refunded.
func (f Facts) partsIn(r RMA, item string) map[string]int {
	parts := map[string]int{}
	whole := f.due(r, item)
	for _, g := range r.goods() {
		if g.Item == item {
			parts[g.SKU] = max(f.in(r, g), whole*g.perKit)
		}
	}
	return parts
}

// kitWorth is what components are worth of what was paid for the order line.
// Outbound shipping counts only where the seller is at fault.
func (f Facts) kitWorth(r RMA, item string, parts map[string]int) order.Amounts {
	l := f.line(item)
	paid := l.Paid()
	if _, fault := r.reason(item); !fault {
		delete(paid, order.Shipping)
		delete(paid, order.ShippingTax)
	}
	return order.KitValue(l.Kit, paid, l.Ordered-l.Cancelled, parts, r.Currency)
}

// repaid adds up what the refunds of an RMA are for, of one order line.
func (f Facts) repaid(r RMA, item string, outcomes []refund.Outcome) order.Amounts {
	sum := order.Amounts{}
	for _, of := range f.Refunds {
		for _, l := range of.Lines {
			if of.RMA != string(r.ID) || l.Item != item || !slices.Contains(outcomes, l.Outcome) {
				continue
			}
			sum = sum.Plus(l.Amounts)
			if l.Gross != nil {
				sum = sum.Minus(l.Amounts).Plus(l.Gross)
			}
		}
	}
	return sum
}

// bounded bounds amounts by what is left of an order line.
func (f Facts) bounded(a order.Amounts, item string, outcomes []refund.Outcome) order.Amounts {
	left := f.line(item).Paid().Minus(f.Ledger.Sum(order.Posted, item))
	if slices.Contains(outcomes, refund.LineOpen) {
		left = left.Minus(f.Ledger.Sum(order.Reserved, item))
	}
	return least(a, atLeastZero(left))
}

func least(a, b order.Amounts) order.Amounts {
	out := order.Amounts{}
	for _, c := range a.Components() {
		if v := decimal.Min(a[c], b[c]); !v.IsZero() {
			out[c] = v
		}
	}
	return out
}

func atLeastZero(a order.Amounts) order.Amounts {
	out := order.Amounts{}
	for _, c := range a.Components() {
		if a[c].IsPositive() {
			out[c] = a[c]
		}
	}
	return out
}
