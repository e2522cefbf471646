package refund

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// booking is what Amazon has booked of one product in one refund.
type booking struct {
	item, sku, asin string
	amount          order.Money
	postedAt        time.Time
	name            string
	refund          queue.EntryID // the refund of ours that a settlement took it for, or the cancellation
	explained       bool          // by that, by another refund of ours, or by Amazon
	shown           bool          // by another source too
}

func (b booking) String() string {
	return fmt.Sprintf("Amazon has booked a refund of %s for %s at %s (%s)", b.amount, cmp.Or(b.sku, b.asin, b.item, "no product"), b.postedAt.UTC().Format(time.RFC3339), b.name)
}

// mayExplain reports whether a booking may still be a refund's.
func (b booking) mayExplain(r Refund) bool { return !b.explained || b.refund == r.ID }

// booking is a booking of a settlement as it is compared with refunds. One that is
// taken for a refund already, or is Amazon's own, needs no explanation.
func (b Booked) booking() booking {
	of := cmp.Or(b.Refund, b.Cancellation)
	return booking{
		item: b.Item, sku: b.SKU, amount: order.Money{Amount: b.Amounts.Total(), Currency: b.Currency},
		postedAt: b.PostedAt, name: b.Name, refund: of, explained: of != "" || b.ByAmazonAlone,
	}
}

// paid is what the buyer got: the parts below zero, beside which fees may have come
// back to the seller. Without parts it is the total.
func paid(i amazon.FinancialItem) order.Money {
	if len(i.Parts) == 0 {
		return order.Money{Amount: i.Total.Amount.Neg(), Currency: i.Total.Currency}
	}
	sum := decimal.Zero
	for _, p := range i.Parts {
		if p.Total.Amount.IsNegative() && p.Total.Currency == i.Total.Currency {
			sum = sum.Sub(p.Total.Amount)
		}
	}
	return order.Money{Amount: sum, Currency: i.Total.Currency}
}

// products are the ASINs of order items.
type products map[string]string

func newProducts(orders []order.Order) products {
	ps := products{}
	for _, o := range orders {
		for _, l := range o.Lines {
			ps[l.Item] = l.ASIN
		}
	}
	return ps
}

// of reports whether a booking is of a line's product. Amazon changes the IDs of
// items, so one that the order does not have says nothing.
func (ps products) of(b booking, l Line) bool {
	if _, known := ps[b.item]; known {
		return b.item == l.Item
	}
	return b.sku != "" && b.sku == l.SKU || b.asin != "" && b.asin == ps[l.Item]
}

// match finds out which bookings of one source belong to which refunds of ours.
type match struct {
	bookings []booking // the earliest first
	products products
}

// newMatch is about what Amazon's finances show.
func newMatch(refunds []amazon.FinancialRefund, orders []order.Order) *match {
	m := &match{products: newProducts(orders)}
	for _, r := range refunds {
		for _, i := range r.Items {
			m.bookings = append(m.bookings, booking{sku: i.SKU, asin: i.ASIN, amount: paid(i), postedAt: r.PostedAt, name: cmp.Or(r.ID, r.Transaction)})
		}
	}
	return m.sorted()
}

// newBookMatch is about what settlements showed.
func newBookMatch(booked []Booked, orders []order.Order) *match {
	m := &match{products: newProducts(orders)}
	for _, b := range booked {
		m.bookings = append(m.bookings, b.booking())
	}
	return m.sorted()
}

func (m *match) sorted() *match {
	slices.SortStableFunc(m.bookings, func(a, b booking) int { return a.postedAt.Compare(b.postedAt) })
	return m
}

// find lists the bookings that may still be a refund's and that could be of a line
// of it, from a time on.
func (m *match) find(r Refund, l Line, from time.Time) []*booking {
	var found []*booking
	for i := range m.bookings {
		b := &m.bookings[i]
		money := b.refund == r.ID || b.amount.Currency == r.Currency && (b.amount.Amount.Equal(l.Amounts.Total()) || b.amount.Amount.Equal(l.booked()))
		if b.mayExplain(r) && m.products.of(*b, l) && money && !b.postedAt.Before(from) {
			found = append(found, b)
		}
	}
	return found
}

// booked is what Amazon's finances show of a line to the buyer: they have a fee that
// travelled apart beside it.
func (l Line) booked() decimal.Decimal {
	if !l.FeeApart {
		return l.Amounts.Total()
	}
	return l.Amounts.Total().Add(l.Fees[order.RestockingFee])
}

// explain gives every payment that is posted the earliest booking that can be its,
// and, of the refunds for which that is asked, every line that is open: it may have
// been paid.
func (m *match) explain(ours []Refund, open func(Refund) bool) {
	for _, r := range ours { // in the order in which they were issued
		for _, l := range r.Lines {
			payments := len(l.Paid) - m.taken(r, l)
			if l.Outcome == LineOpen && open(r) {
				payments++
			}
			for range payments {
				bs := m.find(r, l, r.happened().Add(-early))
				if free := slices.IndexFunc(bs, func(b *booking) bool { return !b.explained }); free >= 0 {
					bs[free].explained = true
				}
			}
		}
	}
}

// taken counts the bookings that a settlement took for a line.
func (m *match) taken(r Refund, l Line) int {
	n := 0
	for _, b := range m.bookings {
		if b.refund == r.ID && m.products.of(b, l) {
			n++
		}
	}
	return n
}

// open are the results of the open lines of a refund that are booked. Lines that
// the same bookings could be of are known to be paid when there is one for each.
func (m *match) open(r Refund, attempt time.Time) []queue.Result {
	could := map[string][]*booking{} // by item
	for _, l := range r.Lines {
		if l.Outcome == LineOpen {
			could[l.Item] = m.find(r, l, attempt.Add(-early))
		}
	}
	var results []queue.Result
	taken := map[*booking]bool{}
	for _, l := range r.Lines {
		own, rivals := could[l.Item], 0
		for _, other := range could {
			if slices.ContainsFunc(other, func(b *booking) bool { return slices.Contains(own, b) }) {
				rivals++ // itself too
			}
		}
		if free := slices.IndexFunc(own, func(b *booking) bool { return !taken[b] }); free >= 0 && len(own) >= rivals {
			taken[own[free]] = true
			results = append(results, queue.Result{Part: l.Item, Verdict: amazon.VerdictAccepted, Text: own[free].String()})
		}
	}
	return results
}
