package rma

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
)

// elsewhere warns of money that went back for items of an RMA since the buyer asked
// for it, by Amazon or in Seller Central, of which nobody said what it was for: it
// may have been for this return. It warns, too, of money that only the returns reports
// tell of.
func (f Facts) elsewhere(r RMA) []refund.Caution {
	return append(f.otherwise(r), f.reported(r)...)
}

func (f Facts) otherwise(r RMA) []refund.Caution {
	var texts []string
	for of, l := range f.apart(r) {
		texts = append(texts, fmt.Sprintf("%s of item %s on %s, refund %s from %s", l.Amounts.In(of.Currency), l.Item, paidAt(of).Format(time.DateOnly), of.ID, of.Origin))
	}
	if len(texts) == 0 {
		return nil
	}
	return []refund.Caution{{Code: refund.CautionAlreadyRefunded, Text: "the buyer got " + strings.Join(texts, "; ") + ": it may have been for RMA " + r.number()}}
}

// reported warns of what the returns reports say was refunded for items of an RMA, where
// no refund that is known explains it: all refunds of an item together explain as much as
// they come to, tax included, of what all its rows say, and nothing in another currency.
// A report is no proof that money moved, so that nothing is refused.
func (f Facts) reported(r RMA) []refund.Caution {
	type about struct {
		item     string
		currency order.Currency
	}
	said, evidence := map[about]decimal.Decimal{}, map[about][]string{}
	for _, k := range f.Returns {
		row := k.Latest()
		amount := row.RefundedAmount.Decimal()
		if k.State != ReturnMatched || !amount.IsPositive() {
			continue
		}
		of := about{k.Item, cmp.Or(order.Currency(row.Currency), r.Currency)}
		said[of] = said[of].Add(amount)
		if k.RMA == r.ID {
			evidence[of] = append(evidence[of], fmt.Sprintf("%s says that %s of item %s was refunded", k.source(columnRefunded), order.Format(amount, of.currency), k.Item))
		}
	}
	var texts []string
	for of, says := range evidence {
		if said[of].GreaterThan(f.given(of.item, of.currency)) {
			texts = append(texts, says...)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	return []refund.Caution{{Code: refund.CautionAlreadyRefunded, Text: strings.Join(texts, "; ") + ", and no refund that is known explains it: it may have been for RMA " + r.number()}}
}

// source names the report that gave the value of a column.
func (k Return) source(column string) string {
	if at := k.Known[column]; !at.IsZero() {
		return "the returns report of " + at.UTC().Format(time.DateOnly)
	}
	return "a returns report"
}

// given is what refunds of an item come to that were accepted or recorded, or are
// Amazon's own.
func (f Facts) given(item string, c order.Currency) decimal.Decimal {
	sum := decimal.Zero
	for _, of := range f.Refunds {
		for _, l := range of.Lines {
			if l.Item == item && l.Outcome == refund.LinePosted && of.Currency == c {
				sum = sum.Add(l.Amounts.Total())
			}
		}
	}
	return sum
}

// apart are the refunds that otherwise warns of, each with its line of an item of the
// RMA.
func (f Facts) apart(r RMA) iter.Seq2[refund.Refund, refund.Line] {
	since := r.RequestedAt.Truncate(24 * time.Hour)
	return func(yield func(refund.Refund, refund.Line) bool) {
		for _, of := range f.Refunds {
			if of.RMA != "" || of.Origin != refund.FromAmazon && of.Origin != refund.FromSellerCentral || paidAt(of).Before(since) {
				continue
			}
			for _, l := range of.Lines {
				if l.Outcome == refund.LinePosted && slices.Contains(r.items(), l.Item) && !yield(of, l) {
					return
				}
			}
		}
	}
}

func paidAt(r refund.Refund) time.Time {
	if r.PaidAt.IsZero() {
		return r.Issued.At.UTC()
	}
	return r.PaidAt.UTC()
}

// paidApart tells whether what went back elsewhere is enough for an item of an RMA,
// after those that were made before it.
func (f Facts) paidApart(r RMA, item string) bool {
	got := decimal.Zero
	for _, l := range f.apart(r) {
		if l.Item == item {
			got = got.Add(l.Amounts[order.Principal])
		}
	}
	for _, of := range f.RMAs {
		if of.Status != Cancelled && cmp.Or(of.Created.At.Compare(r.Created.At), strings.Compare(string(of.ID), string(r.ID))) < 0 {
			got = got.Sub(decimal.Min(got, f.unpaid(of, item)))
		}
	}
	return got.IsPositive() && got.GreaterThanOrEqual(f.unpaid(r, item))
}

// unpaid is the Principal of the units of an RMA that no refund of it was paid for.
func (f Facts) unpaid(r RMA, item string) decimal.Decimal {
	paid := order.Amounts{}
	for _, l := range r.Lines {
		if l.Item == item {
			paid = paid.Plus(l.Paid)
		}
	}
	all := r.units(item)
	return order.Prorate(paid, all-f.refunded(r, item, refund.LinePosted), all, r.Currency)[order.Principal]
}
