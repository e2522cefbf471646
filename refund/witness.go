package refund

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// Testify implements [queue.Witness]: it looks which refunds of the order are
// booked, at once in what settlements showed, and from 48 hours after the attempt at
// Amazon. It takes an open line for paid when there is a booking for its product and
// its exact amount, posted at the time, that is not the booking of another refund of
// ours. So n bookings explain n refunds. What was paid for a part that was cancelled
// is none of them. It cannot tell ours from an equal one that somebody made in
// Seller Central meanwhile. Without Config.Books and Config.Finances it knows
// nothing.
func (s *Service) Testify(ctx context.Context, a amazon.Account, e queue.Entry) (queue.Testimony, error) {
	at := e.Attempt().At
	if s.c.Finances == nil && s.c.Books == nil || at.IsZero() {
		return queue.Testimony{}, nil
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
	r := ours[i]
	ledgers, err := s.c.Store.Ledgers(ctx, []order.AmazonID{e.Order})
	if err != nil {
		return queue.Testimony{}, err
	}
	cancellations, err := s.cancellations(ctx, e.Order)
	if err != nil {
		return queue.Testimony{}, err
	}
	ours = append(ours, OfCancellations(orders, ledgers[0], cancellations)...)
	now := s.c.Now().UTC()
	t := queue.Testimony{Next: nextQuestion(at, now)}
	settled, err := s.booked(ctx, e.Order)
	if err != nil {
		return queue.Testimony{}, err
	}
	testify(&t, newBookMatch(settled, orders), ours, r, e, now)
	switch begin := at.Add(financeLag); {
	case s.c.Finances == nil:
	case now.Before(begin):
		t.Next = begin
	default:
		booked, err := s.c.Finances.Refunds(ctx, a, e.Order.Number)
		if err != nil {
			return queue.Testimony{}, fmt.Errorf("refund %s: what Amazon has booked for order %s: %w", e.ID, e.Order.Number, err)
		}
		testify(&t, newMatch(booked, orders), ours, r, e, now)
	}
	return t, nil
}

// testify adds what one source shows of a refund. What another one has told of a
// line is not told again.
func testify(t *queue.Testimony, m *match, ours []Refund, r Refund, e queue.Entry, now time.Time) {
	at := e.Attempt().At
	m.explain(ours, func(Refund) bool { return false })
	for _, result := range m.open(r, at) {
		if !slices.ContainsFunc(t.Results, func(told queue.Result) bool { return told.Part == result.Part }) {
			t.Results = append(t.Results, result)
		}
	}
	for _, b := range m.bookings {
		text := b.String()
		if b.mayExplain(r) && !b.postedAt.Before(at.Add(-early)) && !known(e.Attempt().Evidence, text) {
			t.Evidence = append(t.Evidence, queue.Evidence{Kind: queue.EvidenceFinances, Text: text, Stamp: order.Stamp{By: "Amazon", At: now}})
		}
	}
}

func known(es []queue.Evidence, text string) bool {
	return slices.ContainsFunc(es, func(e queue.Evidence) bool { return e.Kind == queue.EvidenceFinances && e.Text == text })
}
