package refund

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

const (
	day = 24 * time.Hour

	// financeLag is how late Amazon may show what it has booked (model
	// finances_2024-06-19, listTransactions).
	financeLag = 2 * day

	// early is how much earlier than its attempt a refund may have been booked, by
	// Amazon's clock or its rounding.
	early = day
)

// nextQuestion is when to ask again what Amazon has booked: daily for two weeks,
// then weekly until 90 days after the attempt; zero after that.
func nextQuestion(attempt, now time.Time) time.Time {
	next := now.Add(day)
	if now.Sub(attempt) >= financeLag+14*day {
		next = now.Add(7 * day)
	}
	if next.Sub(attempt) > 90*day {
		return time.Time{}
	}
	return next
}

// Testify implements [queue.Witness]: it asks Amazon, from 48 hours after the
// attempt, which refunds of the order are booked, and takes an open line for paid
// when one is for its product and its exact amount, was posted at the time, and is
// not the booking of another refund of ours. So n bookings explain n refunds. It
// cannot tell ours from an equal one that somebody made in Seller Central
// meanwhile. Without Config.Finances it knows nothing.
func (s *Service) Testify(ctx context.Context, a amazon.Account, e queue.Entry) (queue.Testimony, error) {
	at := e.Attempt().At
	if s.c.Finances == nil || at.IsZero() {
		return queue.Testimony{}, nil
	}
	now := s.c.Now().UTC()
	if begin := at.Add(financeLag); now.Before(begin) {
		return queue.Testimony{Next: begin}, nil
	}
	booked, err := s.c.Finances.Refunds(ctx, a, e.Order.Number)
	if err != nil {
		return queue.Testimony{}, fmt.Errorf("refund %s: what Amazon has booked for order %s: %w", e.ID, e.Order.Number, err)
	}
	ours, err := s.c.Store.Refunds(ctx, Query{Orders: []order.AmazonID{e.Order}})
	if err != nil {
		return queue.Testimony{}, err
	}
	orders, err := s.c.Book.Orders(ctx, []order.AmazonID{e.Order})
	if err != nil {
		return queue.Testimony{}, fmt.Errorf("order book: %w", err)
	}
	i := slices.IndexFunc(ours, func(r Refund) bool { return r.ID == e.ID })
	if i < 0 {
		return queue.Testimony{}, fmt.Errorf("refund %s: %w", e.ID, store.ErrNotFound)
	}
	m := newMatch(booked, orders)
	m.explain(ours)
	t := queue.Testimony{Results: m.open(ours[i], at), Next: nextQuestion(at, now)}
	for _, b := range m.bookings {
		if text := b.String(); !b.explained && !b.postedAt.Before(at.Add(-early)) && !known(e.Attempt().Evidence, text) {
			t.Evidence = append(t.Evidence, queue.Evidence{Kind: queue.EvidenceFinances, Text: text, Stamp: order.Stamp{By: "Amazon", At: now}})
		}
	}
	return t, nil
}

func known(es []queue.Evidence, text string) bool {
	return slices.ContainsFunc(es, func(e queue.Evidence) bool { return e.Kind == queue.EvidenceFinances && e.Text == text })
}

// booking is what Amazon has booked of one product in one refund.
type booking struct {
	sku, asin string
	amount    order.Money
	postedAt  time.Time
	name      string
	explained bool // by another refund of ours
}

func (b booking) String() string {
	return fmt.Sprintf("Amazon has booked a refund of %s for %s at %s (%s)", b.amount, cmp.Or(b.sku, b.asin, "no product"), b.postedAt.UTC().Format(time.RFC3339), b.name)
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

// match finds out which bookings belong to which refunds of ours.
type match struct {
	bookings []booking // the earliest first
	asins    map[string]string
}

func newMatch(refunds []amazon.FinancialRefund, orders []order.Order) *match {
	m := &match{asins: map[string]string{}}
	for _, r := range refunds {
		for _, i := range r.Items {
			m.bookings = append(m.bookings, booking{sku: i.SKU, asin: i.ASIN, amount: paid(i), postedAt: r.PostedAt, name: cmp.Or(r.ID, r.Transaction)})
		}
	}
	slices.SortStableFunc(m.bookings, func(a, b booking) int { return a.postedAt.Compare(b.postedAt) })
	for _, o := range orders {
		for _, l := range o.Lines {
			m.asins[l.Item] = l.ASIN
		}
	}
	return m
}

// find lists the bookings that nothing explains yet and that could be of a line,
// from a time on.
func (m *match) find(r Refund, l Line, from time.Time) []*booking {
	var found []*booking
	for i := range m.bookings {
		b := &m.bookings[i]
		product := b.sku != "" && b.sku == l.SKU || b.asin != "" && b.asin == m.asins[l.Item]
		money := b.amount.Currency == r.Currency && b.amount.Amount.Equal(l.Amounts.Total())
		if !b.explained && product && money && !b.postedAt.Before(from) {
			found = append(found, b)
		}
	}
	return found
}

// explain gives every payment that is posted the earliest booking that can be its.
func (m *match) explain(ours []Refund) {
	for _, r := range ours { // in the order in which they were issued
		for _, l := range r.Lines {
			for range l.Paid {
				if bs := m.find(r, l, r.Issued.At.Add(-early)); len(bs) > 0 {
					bs[0].explained = true
				}
			}
		}
	}
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
