package settlement_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
)

// Every cent of a day with everything in it.
func TestOpenEnds(t *testing.T) {
	s := newShop(t, newOrder())
	settled := s.accepted(lamp, principal("1.00"))
	different := s.accepted(lamp, principal("2.00"))
	unproven := s.accepted(lamp, principal("3.00"))
	unanswered := s.issue(lamp, principal("4.00"))
	s.sent(unanswered, queue.EntryUnknownResult, amazon.VerdictUnknown)
	reserved := s.issue(lamp, principal("5.00"))
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	ours := func(id queue.EntryID, rows []row) []row {
		return with(rows, func(r *row) { r.ours = string(id) + "-1-1" })
	}
	s.load(report{id: "500", rows: slices.Concat(
		and(and(paid(lamp, at(1), "Principal", "1.00", "Tax", "0.08"), "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "0.08"), "ItemFees", "Commission", "0.15"),
		ours(different, paid(lamp, at(2), "Principal", "1.50")),
		paid(lamp, at(3), "Principal", "1.00"),
		ours(unanswered, paid(lamp, at(4), "Principal", "4.00")),
		with(paid(mug, at(5), "Principal", "6.00"), func(r *row) { r.kind = "Chargeback Refund" }),
		with(paid(mug, at(6), "Principal", "-0.25"), func(r *row) { r.kind = "Chargeback Refund - Reversal" }),
		with(paid(mug, at(7), "Principal", "8.00"), func(r *row) { r.order = "111-0000000-0000000" }),
	)})
	require.NotEmpty(t, settled)

	r := s.ends()
	assert.Equal(t, strings.TrimPrefix(`
USD
  Accepted              3       6.00 USD
    settled             1       1.00 USD
    mismatched          1       2.00 USD
    unproven            1       3.00 USD
  Booked                7      21.33 USD
    difference                 -0.50 USD
    doubled             1       1.00 USD
    Amazon's own        1       6.00 USD
    reversed            1      -0.25 USD
    unanswered          1       4.00 USD
    unknown order       1       8.00 USD
    withheld tax                0.08 USD
  Reserved              2       9.00 USD
  Commission back               0.15 USD
`, "\n"), totals(r))
	var kinds []settlement.EndKind
	for _, e := range r.Ends {
		kinds = append(kinds, e.Kind)
	}
	assert.ElementsMatch(t, []settlement.EndKind{
		"UnknownOrder", "Doubled", settlement.EndReserved, "Unanswered", "Mismatched", settlement.EndUnproven, "AmazonInitiated", "Reversed",
	}, kinds)
	for _, id := range []queue.EntryID{unproven, reserved} {
		assert.Contains(t, r.String(), string(id))
	}
	none, err := s.OpenEnds(t.Context(), settlement.EndsQuery{Company: "globex"})
	require.NoError(t, err)
	assert.Empty(t, none)
	one, err := s.OpenEnds(t.Context(), settlement.EndsQuery{Accounts: []order.AccountID{"acme-us"}, Orders: []order.AmazonID{sold}})
	require.NoError(t, err)
	assert.Zero(t, one.Totals[0].UnknownOrder)
}

// totals is the part of a report about sums.
func totals(r settlement.Report) string {
	r.Ends = nil
	return r.String()
}

func TestAReportThatDoesNotAddUp(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("1.00"))
	s.load(report{id: "500", rows: paid(lamp, noon.Add(day), "Principal", "1.00")})
	r, bs := s.refund(id), s.bookings()
	require.NoError(t, settlement.Ends([]refund.Refund{r}, bs, nil).Check())
	for name, wrong := range map[string]settlement.Report{
		"a booking that is not there":     settlement.Ends([]refund.Refund{r}, nil, nil),
		"a refund that is not there":      settlement.Ends(nil, bs, nil),
		"a line that does not know of it": settlement.Ends([]refund.Refund{forgetful(r)}, bs, nil),
	} {
		require.ErrorIs(t, wrong.Check(), settlement.ErrUnbalanced, name)
	}
}

func forgetful(r refund.Refund) refund.Refund {
	r.Lines = slices.Clone(r.Lines)
	r.Lines[0].Bookings = nil
	return r
}

func TestWhatAmazonKeepsOfItsCommission(t *testing.T) {
	for name, c := range map[string]struct {
		marketplace order.MarketplaceID
		kept        string
		want        []string // open ends
	}{
		"a fifth, as Canada does":   {"A2EUQ1WTGCTBG2", "-1.93", nil},
		"more":                      {"A2EUQ1WTGCTBG2", "-2.50", []string{"of 9.63 USD commission Amazon kept 2.50 USD, and about 1.926 USD was expected"}},
		"where no rule is known":    {"ATVPDKIKX0DER", "-2.50", nil},
		"where no order says where": {"", "-2.50", nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrder()
			o.Marketplace = c.marketplace
			s := newShop(t, o)
			rows := and(and(paid(mug, noon.Add(day), "Principal", "10.00"), "ItemFees", "Commission", "9.63"), "ItemFees", "RefundCommission", c.kept)
			s.load(report{id: "500", rows: rows})
			var said []string
			for _, e := range s.ends().Ends {
				if e.Kind == settlement.EndCommission {
					said = append(said, e.Text)
				}
			}
			assert.Equal(t, c.want, said)
			assert.Empty(t, s.alerts())
		})
	}
}

// Everything that becomes of an order is in its journal.
func TestTheJournal(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("10.00"))
	s.now = noon.Add(2 * day)
	s.load(report{id: "500", rows: paid(lamp, noon.Add(day), "Principal", "9.00")})
	es, err := s.memory.Events(t.Context(), sold)
	require.NoError(t, err)
	var rows []string
	for _, e := range es[len(es)-3:] {
		assert.Equal(t, order.Stamp{By: "settlement report 500.txt", At: s.now}, e.Stamp)
		rows = append(rows, strings.Join([]string{string(e.Kind), e.Subject, e.Text, e.Before, e.After}, "|"))
	}
	assert.Empty(t, cmp.Diff([]string{
		"Imported|booking acme-us/500/1|Refund of Principal 9.00 USD for item " + lamp + ": Mismatched (" + string(id) + "), difference Principal -1.00 USD||",
		"Alert|booking acme-us/500/1|refund " + string(id) + " of item " + lamp + ": settlement 500 shows 9.00 USD, which differs by Principal -1.00 USD; the difference is posted||",
		"Changed|refund " + string(id) + "|item " + lamp + " Posted Unproven became item " + lamp + " Posted Mismatched|item " + lamp + " Posted Unproven|item " + lamp + " Posted Mismatched",
	}, rows))
	notes := s.effects(order.EffectNote)
	assert.Contains(t, notes[len(notes)-1].Note.Text, "the difference is posted")
	assert.Equal(t, "9", s.payment().Refunded.String())
}

// The same report, imported by several processes at once.
func TestOneReportImportedAtOnce(t *testing.T) {
	s := newShop(t, newOrder())
	s.accepted(mug, principal("4.00"))
	file := day500().v2()
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.read(file) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, "Principal 10", s.posted(mug))
	assert.Len(t, s.bookings(), 3)
	ss, err := s.Settlements(t.Context(), settlement.Query{})
	require.NoError(t, err)
	assert.True(t, ss[0].Done)
}

// A split moves no money: both host orders show how that of the Amazon order stands.
func TestASplitOrder(t *testing.T) {
	part := newOrder()
	part.ID.Number, part.Lines = "SO-1-2", part.Lines[1:]
	rest := newOrder()
	rest.Lines = rest.Lines[:1]
	s := newShop(t, part, rest)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "4.00")})
	es := s.effects(order.EffectPayment)
	require.Len(t, es, 2)
	assert.Equal(t, []order.ID{part.ID, rest.ID}, []order.ID{es[0].Order, es[1].Order}, "the one that has the line first")
	assert.Equal(t, es[0].Payment, es[1].Payment)
	assert.Equal(t, order.PartialRefund, es[0].Payment.Status)
	assert.Equal(t, "56", s.ledger().Total(order.Charged).Sub(dec("2.50")).String())
}
