package refund_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

const day = 24 * time.Hour

// accounting is what Amazon has booked.
type accounting struct {
	booked []amazon.FinancialRefund
	err    error
	asked  int
}

func (a *accounting) Refunds(_ context.Context, of amazon.Account, number string) ([]amazon.FinancialRefund, error) {
	a.asked++
	if of.ID != acme.ID || number != sold.Number {
		return nil, errors.New("asked for another order")
	}
	return a.booked, a.err
}

// booked is a refund of one product, so long after noon.
func booked(sku, amount string, after time.Duration) amazon.FinancialRefund {
	total := amazon.Booked{Amount: dec(amount).Neg(), Currency: "USD"}
	return amazon.FinancialRefund{ID: "R1", Transaction: "T1", PostedAt: noon.Add(after), Total: total, Items: []amazon.FinancialItem{{SKU: sku, Total: total}}}
}

// edit changes the one item of a booking.
func edit(r amazon.FinancialRefund, change func(*amazon.FinancialItem)) amazon.FinancialRefund {
	change(&r.Items[0])
	return r
}

func (s *shop) watch(books amazon.Finances) {
	s.t.Helper()
	s.with(func(c *refund.Config) { c.Finances = books })
}

func (s *shop) testify(id queue.EntryID) queue.Testimony {
	s.t.Helper()
	said, err := s.Testify(s.t.Context(), acme, s.entry(id))
	require.NoError(s.t, err)
	return said
}

// Both attempts in these tests are of noon: 12.00 of the lamps and 4.00 of the mug.
func TestTheBooksTellWhatWasPaid(t *testing.T) {
	asin := func(i *amazon.FinancialItem) { i.SKU, i.ASIN = "", "B00LAMP" }
	euros := func(i *amazon.FinancialItem) { i.Total.Currency = "EUR" }
	fee := func(i *amazon.FinancialItem) {
		part := func(kind, amount string) amazon.FinancialPart {
			return amazon.FinancialPart{Type: kind, Total: amazon.Booked{Amount: dec(amount), Currency: "USD"}}
		}
		i.Parts = []amazon.FinancialPart{part("Product Charges", "-11.00"), part("Tax", "-1.00"), part("Fees", "1.80")}
	}
	for _, tt := range []struct {
		name     string
		booked   []amazon.FinancialRefund
		paid     []string
		evidence int
	}{
		{"nothing yet", nil, nil, 0},
		{"both", []amazon.FinancialRefund{booked("LAMP", "12.00", time.Hour), booked("MUG", "4.00", time.Hour)}, []string{lamp, mug}, 2},
		{"one", []amazon.FinancialRefund{booked("MUG", "4.00", time.Hour)}, []string{mug}, 1},
		{"twice the same", []amazon.FinancialRefund{booked("LAMP", "12.00", time.Hour), booked("LAMP", "12.00", 2*time.Hour)}, []string{lamp}, 2},
		{"by its ASIN", []amazon.FinancialRefund{edit(booked("", "12.00", time.Hour), asin)}, []string{lamp}, 1},
		{"a fee came back beside it", []amazon.FinancialRefund{edit(booked("LAMP", "10.20", time.Hour), fee)}, []string{lamp}, 1},
		{"by a clock that is behind", []amazon.FinancialRefund{booked("LAMP", "12.00", -day)}, []string{lamp}, 1},
		{"another amount", []amazon.FinancialRefund{booked("LAMP", "12.01", time.Hour)}, nil, 1},
		{"another product", []amazon.FinancialRefund{booked("VASE", "12.00", time.Hour)}, nil, 1},
		{"another currency", []amazon.FinancialRefund{edit(booked("LAMP", "12.00", time.Hour), euros)}, nil, 1},
		{"no product", []amazon.FinancialRefund{booked("", "12.00", time.Hour)}, nil, 1},
		{"before the attempt", []amazon.FinancialRefund{booked("LAMP", "12.00", -day-time.Second)}, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			s.book.orders[0].Lines[0].ASIN = "B00LAMP"
			id := s.issue(both("k")).ID
			s.apply(s.sent(id, queue.EntryUnknownResult, unknown(lamp), unknown(mug)))
			s.watch(&accounting{booked: tt.booked})
			s.clock = func() time.Time { return noon.Add(2 * day) }
			before := s.ledger()
			said := s.testify(id)

			var parts []string
			for _, r := range said.Results {
				assert.Equal(t, amazon.VerdictAccepted, r.Verdict)
				assert.Contains(t, r.Text, "Amazon has booked a refund of")
				parts = append(parts, r.Part)
			}
			assert.Equal(t, tt.paid, parts)
			assert.Len(t, said.Evidence, tt.evidence)
			assert.Equal(t, noon.Add(3*day), said.Next)
			assert.Empty(t, cmp.Diff(before, s.ledger()), "it only asks")

			// What was seen before is not told again.
			e := s.became(id, queue.EntryUnknownResult)
			e.Attempts[0].Evidence = said.Evidence
			s.apply(e)
			assert.Empty(t, s.testify(id).Evidence)
		})
	}
}

func TestEvidenceOfTheBooksReadsWell(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	s.watch(&accounting{booked: []amazon.FinancialRefund{booked("LAMP", "12.00", time.Hour)}})
	s.clock = func() time.Time { return noon.Add(2 * day) }
	const text = "Amazon has booked a refund of 12.00 USD for LAMP at 2026-11-02T13:00:00Z (R1)"
	assert.Empty(t, cmp.Diff(queue.Testimony{
		Results:  []queue.Result{{Part: lamp, Verdict: amazon.VerdictAccepted, Text: text}},
		Evidence: []queue.Evidence{{Kind: queue.EvidenceFinances, Text: text, Stamp: order.Stamp{By: "Amazon", At: noon.Add(2 * day)}}},
		Next:     noon.Add(3 * day),
	}, s.testify(id)))
}

// Two refunds of 5.00 were asked for one after the other. One booking explains one
// of them: the first, which is known to be paid.
func TestEachBookingExplainsOneRefund(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	first, second := s.issue(exactly("k1", "5.00")).ID, s.issue(exactly("k2", "5.00")).ID
	s.apply(s.sent(first, queue.EntryAccepted, accepted(lamp)))
	s.apply(s.sent(second, queue.EntryUnknownSent))
	books := &accounting{booked: []amazon.FinancialRefund{booked("LAMP", "5.00", time.Hour)}}
	s.watch(books)
	s.clock = func() time.Time { return noon.Add(2 * day) }
	assert.Empty(t, s.testify(second).Results)
	assert.Empty(t, s.testify(second).Evidence, "it is the first one's")

	books.booked = append(books.booked, booked("LAMP", "5.00", 2*time.Hour))
	assert.Len(t, s.testify(second).Results, 1)

	// A third, from before both, explains none of them.
	books.booked = []amazon.FinancialRefund{booked("LAMP", "5.00", -3*day), booked("LAMP", "5.00", 2*time.Hour)}
	assert.Empty(t, s.testify(second).Results)
}

// Two order items of one product and amount look alike in the books.
func TestItemsThatLookAlikeAreKnownTogether(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	s.book.orders[0].Lines[1].SKU = "LAMP"
	r := exactly("k", "4.00")
	r.Lines = append(r.Lines, refund.Ask{Item: mug, Amounts: principal("4.00")})
	id := s.issue(r).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	books := &accounting{booked: []amazon.FinancialRefund{booked("LAMP", "4.00", time.Hour)}}
	s.watch(books)
	s.clock = func() time.Time { return noon.Add(2 * day) }
	assert.Empty(t, s.testify(id).Results, "which of the two it was cannot be told")
	assert.Len(t, s.testify(id).Evidence, 1)
	books.booked = append(books.booked, booked("LAMP", "4.00", 2*time.Hour))
	assert.Len(t, s.testify(id).Results, 2)
}

func TestWhenTheBooksAreAsked(t *testing.T) {
	for _, tt := range []struct {
		after, next time.Duration // since the attempt; no next: never again
		asked       int
	}{
		{0, 2 * day, 0},
		{2*day - 1, 2 * day, 0},
		{2 * day, 3 * day, 1},
		{16*day - 1, 17*day - 1, 1},
		{16 * day, 23 * day, 1},
		{83 * day, 90 * day, 1},
		{83*day + 1, 0, 1},
		{200 * day, 0, 1},
	} {
		s := newShop(t, settings.Settings{}, newOrder())
		id := s.issue(exactly("k", "12.00")).ID
		s.apply(s.sent(id, queue.EntryUnknownSent))
		books := &accounting{}
		s.watch(books)
		s.clock = func() time.Time { return noon.Add(tt.after) }
		var want time.Time
		if tt.next > 0 {
			want = noon.Add(tt.next)
		}
		assert.Equal(t, want, s.testify(id).Next, "%s after the attempt", tt.after)
		assert.Equal(t, tt.asked, books.asked)
	}
}

func TestWhoCannotTestify(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	s.clock = func() time.Time { return noon.Add(3 * day) }
	books := &accounting{err: &amazon.Error{Op: "listTransactions", Status: 503}}
	s.watch(books)
	assert.Empty(t, cmp.Diff(queue.Testimony{}, s.testify(id)), "what was never sent")
	assert.Zero(t, books.asked)

	s.apply(s.sent(id, queue.EntryUnknownSent))
	said, err := s.Testify(t.Context(), acme, s.entry(id))
	require.ErrorIs(t, err, books.err)
	assert.ErrorContains(t, err, string(id))
	assert.Empty(t, cmp.Diff(queue.Testimony{}, said))

	books.err = nil
	foreign := s.entry(id)
	foreign.ID = "RFNONE"
	_, err = s.Testify(t.Context(), acme, foreign)
	assert.ErrorIs(t, err, store.ErrNotFound)

	s.watch(nil)
	assert.Empty(t, cmp.Diff(queue.Testimony{}, s.testify(id)), "nobody can be asked")
}
