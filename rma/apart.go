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
// may have been for this return.
func (f Facts) elsewhere(r RMA) []refund.Caution {
	var texts []string
	for of, l := range f.apart(r) {
		texts = append(texts, fmt.Sprintf("%s of item %s on %s, refund %s from %s", l.Amounts.In(of.Currency), l.Item, paidAt(of).Format(time.DateOnly), of.ID, of.Origin))
	}
	if len(texts) == 0 {
		return nil
	}
	return []refund.Caution{{Code: refund.CautionAlreadyRefunded, Text: "the buyer got " + strings.Join(texts, "; ") + ": it may have been for RMA " + r.number()}}
}

// apart are the refunds that elsewhere warns of, each with its line of an item of the
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
