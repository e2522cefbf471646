package settlement_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
)

// oneMugLeft is the order of which one of two mugs was not shipped.
func oneMugLeft() order.Order {
	o := newOrder()
	o.Lines[1].Shipped = 1
	return o
}

// splitMug splits the mug that was not shipped off and asks to cancel it.
func (s *shop) splitMug() queue.EntryID {
	s.t.Helper()
	c, err := s.cancels().Issue(s.t.Context(), cancel.Request{
		Order: sold, Split: []order.LineQuantity{{Item: mug, Quantity: 1}}, SplitTo: "SO-1-B", Reason: amazon.ReasonNoInventory, By: "ben",
	})
	require.NoError(s.t, err)
	rest, part, err := order.Split(s.book.orders[0], "SO-1-B", []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(s.t, err)
	s.book.orders = []order.Order{rest, part}
	return c.ID
}

func (s *shop) cancels() *cancel.Service {
	s.t.Helper()
	c, err := cancel.New(cancel.Config{
		Store: s.memory, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{}, Now: s.clock,
	})
	require.NoError(s.t, err)
	return c
}

// cancelled offers the mug's cancellation to Amazon, which answers.
func (s *shop) cancelled(id queue.EntryID, to queue.State, v amazon.Verdict) {
	s.t.Helper()
	e := s.entry(id)
	s.batches++
	e.Attempts = append(e.Attempts, queue.Attempt{
		Batch: batch(s.batches), At: s.now, Results: []queue.Result{{Part: mug, Verdict: v}},
	})
	s.became(e, to)
}

// became is what the queue says of a cancellation.
func (s *shop) became(e queue.Entry, to queue.State) {
	s.t.Helper()
	e.State, e.Changed = to, order.Stamp{By: "Amazon", At: s.now}
	require.NoError(s.t, s.cancels().Apply(s.t.Context(), []queue.Entry{e}))
}

// What a settlement shows of a mug that was split off and cancelled, for which the
// buyer had paid 10.00.
func TestACancelledPart(t *testing.T) {
	at := noon.Add(day)
	gone := paid(mug, at, "Principal", "10.00")
	named := func(rows []row) []row {
		id := queue.NewEntryID(queue.KindCancellation, "acme", "part/SO-1-B")
		return with(rows, func(r *row) { r.ours = string(id) + "-1-1" })
	}
	for name, c := range map[string]struct {
		state   queue.State
		verdict amazon.Verdict
		rows    []row
		want    []settlement.Match
		posted  string // of the mugs, by the cancellation
		amazons string // by Amazon itself
		alerts  []string
	}{
		"what was paid for it": {
			queue.EntryAccepted, amazon.VerdictAccepted, gone, []settlement.Match{settlement.MatchCancelled}, "10", "0", nil,
		},
		"under the ID that was sent": {
			queue.EntryAccepted, amazon.VerdictAccepted, named(gone), []settlement.Match{settlement.MatchCancelled}, "10", "0", nil,
		},
		"under another item ID": {
			queue.EntryAccepted, amazon.VerdictAccepted, with(gone, func(r *row) { r.item = "99999999999999" }), []settlement.Match{settlement.MatchCancelled}, "10", "0", nil,
		},
		"in two equal rows": {
			queue.EntryAccepted, amazon.VerdictAccepted, slices.Concat(paid(mug, at, "Principal", "5.00"), paid(mug, at, "Principal", "5.00")),
			[]settlement.Match{settlement.MatchCancelled}, "10", "0", nil,
		},
		"less": {
			queue.EntryAccepted, amazon.VerdictAccepted, paid(mug, at, "Principal", "9.00"), []settlement.Match{settlement.MatchCancelled}, "10", "-1", []string{"mismatched"},
		},
		"more, under the ID that was sent": {
			queue.EntryAccepted, amazon.VerdictAccepted, named(paid(mug, at, "Principal", "10.00", "Shipping", "2.00")), []settlement.Match{settlement.MatchCancelled}, "10", "2", []string{"mismatched"},
		},
		"twice": {
			queue.EntryAccepted, amazon.VerdictAccepted, slices.Concat(gone, paid(mug, at.Add(day), "Principal", "10.00")),
			[]settlement.Match{settlement.MatchCancelled, settlement.MatchDoubled}, "10", "10", []string{"doubled"},
		},
		"and another refund": {
			queue.EntryAccepted, amazon.VerdictAccepted, slices.Concat(gone, paid(mug, at.Add(day), "Principal", "3.00")),
			[]settlement.Match{settlement.MatchCancelled, settlement.MatchAmazonInitiated}, "10", "3", nil,
		},
		"a claim, which is none of it": {
			queue.EntryAccepted, amazon.VerdictAccepted, with(paid(mug, at, "Principal", "4.00"), func(r *row) { r.kind = "A-to-z Guarantee Refund" }),
			[]settlement.Match{settlement.MatchAmazonInitiated}, "10", "4", nil,
		},
		"before Amazon has answered": {
			queue.EntryUnknownResult, amazon.VerdictUnknown, gone, []settlement.Match{settlement.MatchUnanswered}, "0", "0", nil,
		},
		"twice, before Amazon has answered": {
			queue.EntryUnknownResult, amazon.VerdictUnknown, slices.Concat(gone, paid(mug, at.Add(day), "Principal", "10.00")),
			[]settlement.Match{settlement.MatchUnanswered, settlement.MatchDoubled}, "0", "10", []string{"doubled"},
		},
		"after a person said that it was done another way": {
			queue.EntrySettledOutside, amazon.VerdictUnknown, gone, []settlement.Match{settlement.MatchCancelled}, "10", "0", nil,
		},
		"though Amazon refused it": {
			queue.EntryRefused, amazon.VerdictRefused, gone, []settlement.Match{settlement.MatchContradicted}, "0", "10", []string{"refused", "contradicted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, oneMugLeft())
			id := s.splitMug()
			s.cancelled(id, c.state, c.verdict)
			s.load(report{id: "500", rows: c.rows})
			assert.Equal(t, c.want, s.matches())
			assert.Equal(t, c.posted, s.ledger().TotalBy(order.Posted, order.CauseCancellation).String())
			assert.Equal(t, c.amazons, s.ledger().TotalBy(order.Posted, order.CauseAmazon).String())
			assert.ElementsMatch(t, c.alerts, s.alerts())

			ends, ledger := s.ends(), s.ledger()
			again := s.load(report{id: "500", rows: c.rows})
			assert.Zero(t, len(again.Bookings)+again.Rematched, "the same report twice")
			assert.Empty(t, cmp.Diff(ends, s.ends()))
			assert.Empty(t, cmp.Diff(ledger.Postings, s.ledger().Postings))
		})
	}
}

// A part that Amazon was never told of explains nothing.
func TestAPartThatWaits(t *testing.T) {
	s := newShop(t, oneMugLeft())
	s.became(s.entry(s.splitMug()), queue.EntryAwaitingShipment)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "10.00")})
	assert.Equal(t, []settlement.Match{settlement.MatchAmazonInitiated}, s.matches())
}

// A part and a refund of the same amount have a booking each, whichever comes first,
// and a third one is beyond them.
func TestACancelledPartAndARefundOfTheOtherUnit(t *testing.T) {
	s := newShop(t, oneMugLeft())
	gone := s.splitMug()
	s.cancelled(gone, queue.EntryAccepted, amazon.VerdictAccepted)
	s.now = noon.Add(2 * day)
	back := s.accepted(mug, principal("10.00"))

	s.load(report{id: "501", rows: paid(mug, noon.Add(3*day), "Principal", "10.00")})
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "10.00")})
	bs := s.bookings()
	require.Len(t, bs, 2)
	assert.Equal(t, []queue.EntryID{gone, ""}, []queue.EntryID{bs[0].Cancellation, bs[1].Cancellation})
	assert.Equal(t, []queue.EntryID{"", back}, []queue.EntryID{bs[0].Refund, bs[1].Refund})
	assert.Equal(t, refund.Settled, s.line(back).Proof)
	assert.Equal(t, "Principal 20", s.posted(mug))
	assert.Equal(t, order.PartialRefund, s.ledger().PaymentStatus())
	assert.Empty(t, s.alerts())
	assert.Empty(t, s.ends().Ends)
	assert.Equal(t, `USD
  Accepted              1      10.00 USD
    settled             1      10.00 USD
  Booked                2      20.00 USD
    cancelled           1      10.00 USD
`, totals(s.ends()))

	booked, err := s.Booked(t.Context(), sold)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff([]refund.Booked{
		{Name: "acme-us/500/1", Item: mug, SKU: "MUG", Amounts: principal("10.00"), Currency: "USD", PostedAt: noon.Add(day), Cancellation: gone},
		{Name: "acme-us/501/1", Item: mug, SKU: "MUG", Amounts: principal("10.00"), Currency: "USD", PostedAt: noon.Add(3 * day), Refund: back},
	}, booked))
	ends := s.load(report{id: "502", rows: paid(mug, noon.Add(4*day), "Principal", "10.00")})
	assert.Equal(t, map[settlement.Match]int{settlement.MatchDoubled: 1}, ends.Bookings)
	require.Len(t, s.ends().Ends, 1)
	assert.Equal(t, settlement.EndKind("Doubled"), s.ends().Ends[0].Kind)
	assert.Equal(t, "Principal 30", s.posted(mug), "what happened is posted, and nothing is dropped")
}

// What Amazon answers later explains what a settlement showed before.
func TestACancelledPartThatIsAnsweredLater(t *testing.T) {
	for name, before := range map[string]struct {
		state   queue.State
		verdict amazon.Verdict
		end     settlement.EndKind
	}{
		"which was not known": {queue.EntryUnknownResult, amazon.VerdictUnknown, "Unanswered"},
		"which was refused":   {queue.EntryRefused, amazon.VerdictRefused, "Contradicted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, oneMugLeft())
			id := s.splitMug()
			s.cancelled(id, before.state, before.verdict)
			r := report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "10.00")}
			s.load(r)
			require.Len(t, s.ends().Ends, 1)
			assert.Equal(t, before.end, s.ends().Ends[0].Kind)

			e := s.entry(id)
			e.Attempts[0].Results[0].Verdict = amazon.VerdictAccepted
			s.now = noon.Add(2 * day)
			s.became(e, queue.EntryAccepted)
			_, err := s.Retry(t.Context(), acme)
			require.NoError(t, err)
			assert.Equal(t, []settlement.Match{settlement.MatchCancelled}, s.matches())
			assert.Empty(t, s.ends().Ends)
			assert.Equal(t, "Principal 10", s.posted(mug))
		})
	}
}
