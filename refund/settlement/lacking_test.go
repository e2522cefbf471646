package settlement_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
)

// A settlement that lacks rows takes nothing back from what is posted; with its rows it
// says what is true, and no alert about it is left.
func TestASettlementThatLacksRows(t *testing.T) {
	at := noon.Add(day)
	accepted := func(s *shop) queue.EntryID {
		return s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.80")})
	}
	both := paid(lamp, at, "Principal", "10.00", "Tax", "0.80")
	back := with(paid(mug, at.Add(day), "Principal", "-4.00"), func(r *row) { r.kind = "Refund - Reversal" })
	for name, c := range map[string]struct {
		before  func(s *shop) queue.EntryID // asks for a refund, or nothing
		rows    []row
		named   bool // Amazon gives the ID of the refund back
		missing int  // the row that is not there at first
		lacking settlement.Match
		kept    string // posted while the row is missing, of lamps | mugs
		proof   refund.Proof
		whole   settlement.Match
		posted  string // in the end
	}{
		"less than was accepted": {
			before: accepted, rows: both, missing: 1,
			lacking: settlement.MatchIncomplete, kept: "Principal 10, Tax 0.8|", whole: settlement.MatchSettled, posted: "Principal 10, Tax 0.8|",
		},
		"under the ID that was sent": {
			before: accepted, rows: both, named: true, missing: 0,
			lacking: settlement.MatchIncomplete, kept: "Principal 10, Tax 0.8|", whole: settlement.MatchSettled, posted: "Principal 10, Tax 0.8|",
		},
		"less in the end, too": {
			before: accepted, rows: paid(lamp, at, "Principal", "9.00", "Tax", "0.80"), missing: 1,
			lacking: settlement.MatchIncomplete, kept: "Principal 10, Tax 0.8|", whole: settlement.MatchMismatched, posted: "Principal 9, Tax 0.8|",
		},
		"a refund that counts as unpaid": {
			before: func(s *shop) queue.EntryID {
				id := s.issue(lamp, order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.80")})
				s.sent(id, queue.EntryRefused, amazon.VerdictRefused)
				return id
			}, rows: both, named: true, missing: 1,
			lacking: settlement.MatchIncomplete, kept: "Principal 10, Tax 0.8|", whole: settlement.MatchSettled, posted: "Principal 10, Tax 0.8|",
		},
		"more than was accepted": {
			before: accepted, rows: and(paid(lamp, at, "Principal", "12.00", "Tax", "0.80"), "Promotion", "Principal", "2.00"), missing: 2,
			lacking: settlement.MatchMismatched, kept: "Principal 12, Tax 0.8|", proof: refund.Mismatched, whole: settlement.MatchSettled, posted: "Principal 10, Tax 0.8|",
		},
		"what agrees to the cent": {
			before: accepted, rows: slices.Concat(both, []row{{kind: "other-transaction", amountType: "other-transaction", description: "Subscription Fee", amount: "-39.99", at: noon}}), missing: 2,
			lacking: settlement.MatchSettled, kept: "Principal 10, Tax 0.8|", proof: refund.Settled, whole: settlement.MatchSettled, posted: "Principal 10, Tax 0.8|",
		},
		"what nobody asked for": {
			rows: paid(mug, at, "Principal", "5.00", "Tax", "0.40"), missing: 1,
			lacking: settlement.MatchAmazonInitiated, kept: "|Principal 5", whole: settlement.MatchAmazonInitiated, posted: "|Principal 5, Tax 0.4",
		},
		"a promotion alone": {
			rows: slices.Concat(and(paid(mug, at, "Principal", "5.00"), "Promotion", "Principal", "2.00")), missing: 0,
			lacking: settlement.MatchIncomplete, kept: "|", whole: settlement.MatchAmazonInitiated, posted: "|Principal 3",
		},
		"money that came back": {
			rows: slices.Concat(back, []row{{kind: "other-transaction", amountType: "other-transaction", description: "Subscription Fee", amount: "-39.99", at: noon}}), missing: 1,
			lacking: settlement.MatchIncomplete, kept: "|", whole: settlement.MatchReversed, posted: "|Principal -4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			var id queue.EntryID
			if c.before != nil {
				id = c.before(s)
			}
			whole := report{id: "500", rows: c.rows}
			if c.named {
				whole.rows = with(whole.rows, func(r *row) { r.ours = string(id) + "-1-1" })
			}
			whole.total = whole.sum().StringFixed(2)
			lacking := whole
			lacking.rows = slices.Clone(whole.rows)
			lacking.rows[c.missing] = row{kind: "other-transaction", amountType: "other-transaction", description: "Subscription Fee", amount: "0.00", at: noon}
			state := func() string { return s.posted(lamp) + "|" + s.posted(mug) }

			for range 2 {
				in := s.load(lacking)
				require.Len(t, in.Settlements, 1)
				assert.False(t, in.Settlements[0].Difference().IsZero())
				_, err := s.Retry(t.Context(), acme)
				require.NoError(t, err)
				assert.Equal(t, []settlement.Match{c.lacking}, s.matches())
				assert.Equal(t, c.kept, state())
				if id != "" {
					assert.Equal(t, c.proof, s.line(id).Proof)
				}
				require.NoError(t, s.ends().Check())
			}
			assert.Contains(t, s.alerts(), "difference")
			assert.Equal(t, c.lacking == settlement.MatchIncomplete, slices.Contains(s.alerts(), "incomplete"))

			in := s.load(whole)
			assert.Empty(t, in.Skipped)
			in = s.load(lacking)
			assert.Len(t, in.Skipped, 1, "it is known to the end")
			assert.Equal(t, []settlement.Match{c.whole}, s.matches())
			assert.Equal(t, c.posted, state())
			assert.NotContains(t, s.alerts(), "difference")
			assert.NotContains(t, s.alerts(), "incomplete")
			assert.Equal(t, c.whole == settlement.MatchMismatched, slices.Contains(s.alerts(), "mismatched"))

			fresh := newShop(t, newOrder())
			if c.before != nil {
				c.before(fresh)
			}
			fresh.load(whole)
			assert.Equal(t, fresh.posted(lamp)+"|"+fresh.posted(mug), state(), "as when it was complete at once")
			assert.Empty(t, cmp.Diff(fresh.ends().Totals, s.ends().Totals))
		})
	}
}

// So it is with units that were split off and cancelled.
func TestACancelledPartInASettlementThatLacksRows(t *testing.T) {
	s := newShop(t, oneMugLeft())
	id := s.splitMug()
	s.cancelled(id, queue.EntryAccepted, amazon.VerdictAccepted)
	before := s.posted(mug)
	lacking := report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "9.00"), total: "-10.00"}
	for range 2 {
		s.load(lacking)
		assert.Equal(t, []settlement.Match{settlement.MatchIncomplete}, s.matches())
		assert.Equal(t, id, s.bookings()[0].Cancellation)
		assert.Equal(t, before, s.posted(mug))
		assert.Equal(t, []string{"difference", "incomplete"}, sorted(s.alerts()))
		require.NoError(t, s.ends().Check())
	}
	whole := lacking
	whole.rows = append(slices.Clone(lacking.rows), with(lacking.rows, func(r *row) { r.description, r.amount = "Principal", "-1.00" })...)
	s.load(whole)
	assert.Equal(t, []settlement.Match{settlement.MatchCancelled}, s.matches())
	assert.Equal(t, before, s.posted(mug))
	assert.Empty(t, s.alerts())
}

// Bookings wait for a row of any order that could not be read, since that row may be
// theirs.
func TestARowOfNoOrderThatCannotBeRead(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.80")})
	whole := report{id: "500", rows: paid(lamp, noon.Add(day), "Principal", "10.00", "Tax", "0.80")}
	bad := report{id: "500", rows: with(whole.rows, func(r *row) {}), total: "-10.00"}
	bad.rows[1].amount, bad.rows[1].order = "much", ""
	in := s.load(bad)
	assert.Equal(t, 1, in.Settlements[0].Bad)
	assert.Equal(t, []settlement.Match{settlement.MatchIncomplete}, s.matches())
	assert.Equal(t, "Principal 10, Tax 0.8", s.posted(lamp))
	assert.Equal(t, refund.Unproven, s.line(id).Proof)
}

// A line that ends within an amount is half a line, and what it belongs to is not known.
func TestASettlementThatBreaksOffWithinARow(t *testing.T) {
	s := newShop(t, newOrder())
	s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Shipping: dec("2.00")})
	whole := day500().v2()
	cut := whole[:strings.Index(whole, "Shipping\t-2")+len("Shipping\t-2")]
	_, err := s.read(cut)
	require.ErrorContains(t, err, "import settlement: file.txt: line 4: expected 24 cells, but the file breaks off after 15")
	assert.Empty(t, s.bookings())
	ss, err := s.Settlements(t.Context(), settlement.Query{})
	require.NoError(t, err)
	assert.Empty(t, ss)
	assert.Empty(t, s.alerts())

	_, err = s.read(whole)
	require.NoError(t, err)
	assert.Equal(t, "Principal 10, Shipping 2", s.posted(lamp))
}

// Wherever a file was cut, nothing of what was accepted is taken back, and the whole file
// leaves what it would have left alone.
func TestASettlementCutAnywhere(t *testing.T) {
	start := func() *shop {
		s := newShop(t, newOrder())
		s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Shipping: dec("2.00")})
		s.accepted(mug, principal("4.00"))
		return s
	}
	file := day500().v2()
	alone := start()
	_, err := alone.read(file)
	require.NoError(t, err)
	for n := strings.Index(file, "\n500"); n < len(file); n += 5 {
		s := start()
		if _, err := s.read(file[:n]); err != nil {
			assert.Empty(t, s.bookings(), "cut at %d", n)
		}
		posted := s.ledger().Sum(order.Posted, lamp).Minus(order.Amounts{order.Principal: dec("10.00"), order.Shipping: dec("2.00")})
		assert.True(t, posted.IsZero(), "cut at %d: %s", n, posted)
		assert.False(t, s.ledger().Sum(order.Posted, mug)[order.Principal].LessThan(dec("4.00")), "cut at %d", n)
		in, err := s.read(file)
		require.NoError(t, err)
		assert.Empty(t, in.Skipped, "cut at %d", n)
		assert.Equal(t, alone.posted(lamp)+alone.posted(mug), s.posted(lamp)+s.posted(mug), "cut at %d", n)
		assert.Empty(t, s.alerts(), "cut at %d", n)
	}
}
