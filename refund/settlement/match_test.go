package settlement_test

import (
	"slices"
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
	"github.com/takebackhq/takeback/settings"
)

func TestARefundIsSettledToTheCent(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.80")})
	rows := paid(lamp, noon.Add(day), "Principal", "10.00", "Tax", "0.80")
	rows = and(rows, "ItemFees", "Commission", "1.62")
	rows = and(rows, "ItemFees", "RefundCommission", "-0.32")
	rows = and(rows, "ItemFees", "ShippingChargeback", "0.10")
	in := s.load(report{id: "500", rows: rows})

	assert.Equal(t, map[settlement.Match]int{settlement.MatchSettled: 1}, in.Bookings)
	b := s.bookings()[0]
	assert.Equal(t, "acme-us/500/1", b.ID)
	assert.Equal(t, []int{1, 2, 3, 4, 5}, b.Rows)
	assert.Equal(t, "Principal 10, Tax 0.8", b.Amounts.String())
	assert.Equal(t, []string{"1.62", "0.32", "0.1", "0", "-9.4"},
		[]string{b.CommissionReturned.String(), b.CommissionKept.String(), b.OtherFees.String(), b.WithheldTax.String(), b.Net.String()})
	assert.Equal(t, id, b.Refund)
	assert.Equal(t, lamp, b.RefundItem)
	assert.Empty(t, b.Difference)

	l := s.line(id)
	assert.Equal(t, refund.Settled, l.Proof)
	assert.Equal(t, []string{b.ID}, l.Bookings)
	assert.Equal(t, "Principal 10, Tax 0.8", s.posted(lamp), "posted once, when it was accepted")
	assert.Empty(t, s.alerts())

	commission := s.effects(order.EffectCommission)
	require.Len(t, commission, 1)
	assert.Equal(t, newOrder().ID, commission[0].Order)
	assert.Equal(t, "1.62 0.32 USD", commission[0].Commission.Returned.String()+" "+commission[0].Commission.Kept.String()+" "+string(commission[0].Commission.Currency))
	booked, err := s.Booked(t.Context(), sold)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff([]refund.Booked{{
		Name: b.ID, Item: lamp, SKU: "LAMP", Amounts: b.Amounts, Currency: "USD", PostedAt: b.PostedAt, Refund: id,
	}}, booked))
}

// What a booking is taken for, beside one refund of 10.00 that was accepted.
func TestWhatABookingIs(t *testing.T) {
	at := noon.Add(day)
	tax := func(rows []row) []row {
		return and(rows, "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "0.80")
	}
	for name, c := range map[string]struct {
		rows  []row
		want  settlement.Match
		proof refund.Proof
		lamp  string // posted afterwards
	}{
		"the same": {paid(lamp, at, "Principal", "10.00"), settlement.MatchSettled, refund.Settled, "Principal 10"},
		"promotions are taken off": {
			and(and(paid(lamp, at, "Principal", "11.00", "Shipping", "2.00"), "Promotion", "Principal", "1.00"), "Promotion", "Shipping", "2.00"),
			settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"a restocking fee lowers the price": {
			and(paid(lamp, at, "Principal", "12.00"), "ItemFees", "RestockingFee", "2.00"), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"tax that Amazon withheld makes no difference": {
			tax(paid(lamp, at, "Principal", "10.00", "Tax", "0.80")), settlement.MatchSettled, refund.Settled, "Principal 10, Tax 0.8",
		},
		"withheld tax among the fees": {
			and(paid(lamp, at, "Principal", "10.00", "Tax", "0.80"), "ItemFees", "MarketplaceFacilitatorVAT-Principal", "0.80"),
			settlement.MatchSettled, refund.Settled, "Principal 10, Tax 0.8",
		},
		"tax that nobody withheld does": {
			paid(lamp, at, "Principal", "10.00", "Tax", "0.80"), settlement.MatchMismatched, refund.Mismatched, "Principal 10, Tax 0.8",
		},
		"more tax than was withheld does": {
			and(paid(lamp, at, "Principal", "10.00", "Tax", "0.80"), "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "0.30"),
			settlement.MatchMismatched, refund.Mismatched, "Principal 10, Tax 0.8",
		},
		"tax that was withheld once more does": {
			and(paid(lamp, at, "Principal", "10.00", "Tax", "0.80"), "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "-0.80"),
			settlement.MatchMismatched, refund.Mismatched, "Principal 10, Tax 0.8",
		},
		"a discount on the tax is taken off": {
			and(paid(lamp, at, "Principal", "10.00", "Tax", "0.80"), "Promotion", "TaxDiscount", "0.80"), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"a correction is another refund": {
			with(paid(lamp, at, "Principal", "9.00"), func(r *row) { r.kind = "Refund - Correction" }), settlement.MatchMismatched, refund.Mismatched, "Principal 9",
		},
		"codes in another spelling": {
			with(paid(lamp, at, "principal", "10.00"), func(r *row) { r.kind, r.amountType = "REFUND", "Item Price" }), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"less": {paid(lamp, at, "Principal", "9.99"), settlement.MatchMismatched, refund.Mismatched, "Principal 9.99"},
		"more": {paid(lamp, at, "Principal", "12.00"), settlement.MatchMismatched, refund.Mismatched, "Principal 12"},
		"money under a name that is not known": {
			paid(lamp, at, "Principal", "10.00", "ExportCharge", "1.00"), settlement.MatchMismatched, refund.Mismatched, "ExportCharge 1, Principal 10",
		},
		"the item's ID has changed": {
			with(paid(lamp, at, "Principal", "10.00"), func(r *row) { r.item = "99999999999999" }), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"no item, no product, but nothing else that it could be": {
			with(paid(lamp, at, "Principal", "10.00"), func(r *row) { r.item, r.sku = "", "" }), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"the product of another item": {
			paid(mug, at, "Principal", "10.00"), settlement.MatchAmazonInitiated, refund.Unproven, "Principal 10",
		},
		"before it was sent": {
			paid(lamp, noon.Add(-time.Hour), "Principal", "10.00"), settlement.MatchAmazonInitiated, refund.Unproven, "Principal 20",
		},
		"on the day it was sent, when only the day is known": {
			paid(lamp, noon.Truncate(day), "Principal", "10.00"), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"a claim that is equal": {
			with(paid(lamp, at, "Principal", "10.00"), func(r *row) { r.kind = "A-to-z Guarantee Refund" }), settlement.MatchSettled, refund.Settled, "Principal 10",
		},
		"a claim that differs": {
			with(paid(lamp, at, "Principal", "12.00"), func(r *row) { r.kind = "A-to-z Guarantee Refund" }), settlement.MatchAmazonInitiated, refund.Unproven, "Principal 22",
		},
		"a chargeback": {
			with(paid(lamp, at, "Principal", "12.00"), func(r *row) { r.kind = "Chargeback Refund" }), settlement.MatchAmazonInitiated, refund.Unproven, "Principal 22",
		},
		"a claim under a name that is not known": {
			with(and(paid(lamp, at, "Principal", "12.00"), "ItemFees", "Commission", "1.20"), func(r *row) { r.kind = "Buyer Protection Claim" }),
			settlement.MatchAmazonInitiated, refund.Unproven, "Principal 22",
		},
		"a refund taken back": {
			with(paid(lamp, at, "Principal", "-3.00"), func(r *row) { r.kind = "Refund - Reversal" }), settlement.MatchReversed, refund.Unproven, "Principal 7",
		},
		"a reversal, though it goes to the buyer": {
			with(paid(lamp, at, "Principal", "10.00"), func(r *row) { r.kind = "Refund - Reversal" }), settlement.MatchReversed, refund.Unproven, "Principal 20",
		},
		"tax charged afterwards": {
			with(paid(lamp, at, "Tax", "-0.50"), func(r *row) { r.kind = "Order_Retrocharge" }), settlement.MatchReversed, refund.Unproven, "Principal 10, Tax -0.5",
		},
		"fees alone": {
			and(paid(lamp, at, "Principal", "1"), "ItemFees", "Commission", "0.50")[1:], settlement.MatchFees, refund.Unproven, "Principal 10",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			id := s.accepted(lamp, principal("10.00"))
			s.load(report{id: "500", rows: c.rows})
			assert.Equal(t, []settlement.Match{c.want}, s.matches())
			assert.Equal(t, c.proof, s.line(id).Proof)
			assert.Equal(t, c.lamp, s.posted(lamp))
			ends := s.ends()
			again := s.load(report{id: "500", rows: c.rows})
			assert.Equal(t, 1, again.Known)
			assert.Zero(t, len(again.Bookings)+again.Rematched)
			assert.Equal(t, c.lamp, s.posted(lamp), "the same report twice")
			assert.Empty(t, cmp.Diff(ends, s.ends()))
		})
	}
}

func TestTwinsMatchOneToOne(t *testing.T) {
	s := newShop(t, newOrder())
	first := s.accepted(lamp, principal("5.00"))
	s.now = noon.Add(2 * day)
	second := s.accepted(lamp, principal("5.00"))
	twin := func(at time.Duration) []row { return paid(lamp, noon.Add(at), "Principal", "5.00") }

	s.load(report{id: "501", rows: twin(3 * day)})
	assert.Equal(t, refund.Settled, s.line(first).Proof, "the earliest first")
	assert.Equal(t, refund.Unproven, s.line(second).Proof)

	s.load(report{id: "500", rows: twin(day)}) // posted before the second was sent
	assert.Equal(t, []settlement.Match{settlement.MatchSettled, settlement.MatchSettled}, s.matches())
	assert.Equal(t, []string{"acme-us/500/1"}, s.line(first).Bookings)
	assert.Equal(t, []string{"acme-us/501/1"}, s.line(second).Bookings)
	assert.Equal(t, "Principal 10", s.posted(lamp))
	assert.Empty(t, s.alerts())

	s.load(report{id: "502", rows: twin(4 * day)})
	assert.Equal(t, settlement.MatchDoubled, s.matches()[2])
	assert.Equal(t, refund.Doubled, s.line(first).Proof)
	assert.Equal(t, "Principal 15", s.posted(lamp))
	assert.Equal(t, []string{"doubled"}, s.alerts())
	assert.Equal(t, "15", s.ledger().TotalBy(order.Posted, order.CauseRefund).String())
}

func TestRowsThatAreTwins(t *testing.T) {
	twins := slices.Concat(paid(lamp, noon.Add(day), "Principal", "5.00"), paid(lamp, noon.Add(day), "Principal", "5.00"))
	t.Run("of two refunds", func(t *testing.T) {
		s := newShop(t, newOrder())
		first, second := s.accepted(lamp, principal("5.00")), s.accepted(lamp, principal("5.00"))
		s.load(report{id: "500", rows: twins})
		assert.Equal(t, refund.Settled, s.line(first).Proof)
		assert.Equal(t, refund.Settled, s.line(second).Proof)
		assert.Equal(t, "Principal 10", s.posted(lamp))
	})
	t.Run("of one refund", func(t *testing.T) {
		s := newShop(t, newOrder())
		id := s.accepted(lamp, principal("10.00"))
		s.load(report{id: "500", rows: twins})
		assert.Equal(t, refund.Settled, s.line(id).Proof)
		assert.Equal(t, []settlement.Match{settlement.MatchSettled}, s.matches())
	})
	t.Run("of one that was paid twice", func(t *testing.T) {
		s := newShop(t, newOrder())
		id := s.accepted(lamp, principal("5.00"))
		s.load(report{id: "500", rows: twins})
		assert.Equal(t, refund.Doubled, s.line(id).Proof)
		assert.Equal(t, "Principal 10", s.posted(lamp))
		assert.Equal(t, 1, s.load(report{id: "500", rows: twins}).Settlements[0].Bad+1)
		assert.Equal(t, "Principal 10", s.posted(lamp))
	})
	t.Run("without any adjustment", func(t *testing.T) {
		s := newShop(t, newOrder())
		first, second := s.accepted(lamp, principal("5.00")), s.accepted(lamp, principal("6.00"))
		s.load(report{id: "500", rows: with(slices.Concat(
			paid(lamp, noon.Add(day), "Principal", "5.00"), paid(lamp, noon.Add(day), "Principal", "6.00"),
		), func(r *row) { r.adjustment = "" })})
		assert.Equal(t, refund.Settled, s.line(first).Proof)
		assert.Equal(t, refund.Settled, s.line(second).Proof)
	})
}

func TestOurAdjustmentIDGoesFirst(t *testing.T) {
	s := newShop(t, newOrder())
	first, second := s.accepted(lamp, principal("5.00")), s.accepted(lamp, principal("5.00"))
	other := s.accepted(lamp, principal("7.00"))
	named := func(id queue.EntryID, at time.Duration, amount string) []row {
		return with(paid(lamp, noon.Add(at), "Principal", amount), func(r *row) { r.ours = string(id) + "-1-1" })
	}
	s.load(report{id: "500", rows: slices.Concat(named(second, day, "5.00"), named(other, 2*day, "5.00"))})
	assert.Equal(t, refund.Unproven, s.line(first).Proof)
	assert.Equal(t, refund.Settled, s.line(second).Proof)
	assert.Equal(t, refund.Mismatched, s.line(other).Proof, "its own ID, though another fits better")
	assert.Equal(t, "Principal 15", s.posted(lamp))
	assert.Equal(t, "Principal -2", s.bookings()[1].Difference.String())
	assert.Equal(t, []string{"mismatched"}, s.alerts())
}

func TestARefundOfAmazonsOwn(t *testing.T) {
	s := newShop(t, newOrder())
	rows := with(paid(mug, noon.Add(day), "Principal", "20.00"), func(r *row) { r.kind = "A-to-z Guarantee Refund" })
	s.load(report{id: "500", rows: rows})
	rs, err := s.refunds.Refunds(t.Context(), refund.Query{Orders: []order.AmazonID{sold}})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	r := rs[0]
	assert.Equal(t, refund.FromAmazon, r.Origin)
	assert.Equal(t, "20.00 USD", r.Total().String())
	assert.Equal(t, order.Stamp{By: "Amazon", At: noon.Add(day), Why: "A-to-z Guarantee Refund"}, r.Issued)
	assert.Equal(t, r.Issued, r.Ended)
	assert.Equal(t, newOrder().ID, r.HostOrder)
	assert.Equal(t, []refund.Line{{
		Item: mug, SKU: "MUG", Amounts: principal("20"), Gross: principal("20"), Outcome: refund.LinePosted, Proof: refund.Settled, Bookings: []string{"acme-us/500/1"},
	}}, r.Lines)
	assert.Equal(t, r.ID, s.bookings()[0].Refund)
	assert.Equal(t, "20", s.ledger().TotalBy(order.Posted, order.CauseAmazon).String())
	assert.Equal(t, order.Payment{Status: order.PartialRefund, Refunded: dec("20"), Currency: "USD"}, func() order.Payment {
		p := s.payment()
		p.Refunded, p.Pending = dec(p.Refunded.String()), order.Payment{}.Pending
		return p
	}())
	booked, err := s.Booked(t.Context(), sold)
	require.NoError(t, err)
	assert.True(t, booked[0].ByAmazonAlone)
	_, err = s.refunds.Issue(t.Context(), refund.Request{
		Order: sold, Lines: []refund.Ask{{Item: mug, Amounts: principal("0.01")}}, Reason: amazon.ReasonCustomerReturn, By: "ann", Key: "too-late",
	})
	require.ErrorIs(t, err, order.ErrOver)
}

// A type that is not known is no refund unless it takes the price of an item back.
func TestWhatIsNoRefund(t *testing.T) {
	for name, rows := range map[string][]row{
		"a sale":                           with(paid(lamp, noon, "Principal", "-30.00"), func(r *row) { r.kind = "Order" }),
		"an order taken back":              with(paid(lamp, noon, "Principal", "30.00"), func(r *row) { r.kind = "Order - Reversal" }),
		"a sale of another kind":           with(paid(lamp, noon, "Principal", "-30.00"), func(r *row) { r.kind = "Subscribe Order" }),
		"fees of an item":                  with(paid(lamp, noon, "Base fee", "3.00"), func(r *row) { r.kind, r.amountType = "FBAFees", "FBA Pick & Pack Fee" }),
		"a reimbursement":                  with(paid(lamp, noon, "REVERSAL_REIMBURSEMENT", "-9.00"), func(r *row) { r.kind, r.amountType = "other-transaction", "FBA Inventory Reimbursement" }),
		"a price that is nobody's product": with(paid("", noon, "Principal", "3.00"), func(r *row) { r.kind = "Liquidations" }),
	} {
		s := newShop(t, newOrder())
		in := s.load(report{id: "500", rows: rows})
		assert.Empty(t, s.bookings(), name)
		require.Len(t, in.Settlements, 1, name)
		assert.True(t, in.Settlements[0].Difference().IsZero(), name)
		s.load(report{id: "500", rows: rows})
		assert.Empty(t, s.bookings(), name)
	}
}

// What Amazon does by itself is posted, whatever is left; people hear when it goes
// beyond what the buyer paid.
func TestAmazonGoesBeyondTheCharge(t *testing.T) {
	claim := func(at time.Time, amount string) []row {
		return with(paid(mug, at, "Principal", amount), func(r *row) { r.kind = "Chargeback Refund" })
	}
	s := newShop(t, newOrder())
	s.accepted(mug, principal("10.00"))
	s.load(report{id: "500", rows: slices.Concat(paid(mug, noon.Add(day), "Principal", "10.00"), claim(noon.Add(2*day), "6.00"))})
	assert.Empty(t, s.alerts())
	s.load(report{id: "501", rows: claim(noon.Add(3*day), "20.00")})
	assert.Equal(t, "Principal 36", s.posted(mug))
	assert.Equal(t, []string{"over"}, s.alerts())
	s.load(report{id: "501", rows: claim(noon.Add(3*day), "20.00")})
	assert.Equal(t, []string{"over"}, s.alerts(), "once")
	as, err := s.memory.Alerts(t.Context(), order.AlertQuery{})
	require.NoError(t, err)
	assert.Contains(t, as[0].Text, "item "+mug+": Principal is overdrawn: 16.00 USD more")
}

func TestWhatWasTakenForUnpaid(t *testing.T) {
	for name, c := range map[string]struct {
		sent  bool
		named bool
		kind  string
		want  settlement.Match
		lamp  string
		alert []string
	}{
		"named":                             {true, true, "Refund", settlement.MatchSettled, "Principal 10", []string{"contradicted", "refused"}},
		"the only thing that it can be":     {true, false, "Refund", settlement.MatchSettled, "Principal 10", []string{"contradicted", "refused"}},
		"never sent, so it is Amazon's own": {false, false, "Refund", settlement.MatchAmazonInitiated, "Principal 10", nil},
		"a claim, which is never ours":      {true, false, "A-to-z Guarantee Refund", settlement.MatchAmazonInitiated, "Principal 10", []string{"refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			id := s.issue(lamp, principal("10.00"))
			if c.sent {
				s.sent(id, queue.EntryRefused, amazon.VerdictRefused)
			} else {
				s.apply(s.entry(id), queue.EntryWithdrawn)
			}
			assert.Empty(t, s.posted(lamp))
			rows := with(paid(lamp, noon.Add(day), "Principal", "10.00"), func(r *row) { r.kind = c.kind })
			if c.named {
				rows = with(rows, func(r *row) { r.ours = string(id) + "-1-1" })
			}
			for range 2 {
				s.load(report{id: "500", rows: rows})
				assert.Equal(t, []settlement.Match{c.want}, s.matches())
				assert.Equal(t, c.lamp, s.posted(lamp))
				assert.Equal(t, c.alert, s.alerts())
			}
			if slices.Contains(c.alert, "contradicted") {
				assert.Equal(t, []queue.BatchID{"acme-us-1"}, s.line(id).Paid)
				s.answered(id, queue.EntryAccepted, amazon.VerdictAccepted)
				assert.Equal(t, c.lamp, s.posted(lamp), "what the settlement showed is not posted again with Amazon's answer")
			}
		})
	}
}

// The money of a line that nobody knows of stays reserved until the queue has heard
// of the booking, and is posted once whoever comes first.
func TestASettlementAndALateAnswerPostOnce(t *testing.T) {
	for name, c := range map[string]struct {
		rows []row
		want string
	}{
		"to the cent":    {paid(lamp, noon.Add(day), "Principal", "10.00"), "Principal 10"},
		"another amount": {paid(lamp, noon.Add(day), "Principal", "9.00"), "Principal 9"},
		"twice":          {slices.Concat(paid(lamp, noon.Add(day), "Principal", "10.00"), paid(lamp, noon.Add(day+time.Hour), "Principal", "10.00")), "Principal 20"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			id := s.issue(lamp, principal("10.00"))
			s.sent(id, queue.EntryUnknownResult, amazon.VerdictUnknown)
			rows := with(c.rows, func(r *row) { r.ours = string(id) + "-1-1" })
			s.load(report{id: "500", rows: rows})
			assert.Equal(t, "Principal 10", s.ledger().Sum(order.Reserved, lamp).String())
			booked, err := s.Booked(t.Context(), sold)
			require.NoError(t, err)
			assert.Equal(t, id, booked[0].Refund)
			assert.Equal(t, 1, s.ends().Totals[0].Unanswered.Count)

			s.answered(id, queue.EntryAccepted, amazon.VerdictAccepted)
			s.load(report{id: "500", rows: rows})
			assert.Equal(t, c.want, s.posted(lamp))
			assert.Empty(t, s.ledger().Sum(order.Reserved, lamp).String())
			s.load(report{id: "501", start: noon})
			assert.Equal(t, c.want, s.posted(lamp))
		})
	}
}

func TestALineThatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		after int
		want  []refund.Proof // after each settlement
	}{
		"by default":  {0, []refund.Proof{refund.Unproven, refund.Unproven, refund.Unproven, refund.Missing, refund.Missing}},
		"by a policy": {1, []refund.Proof{refund.Unproven, refund.Missing, refund.Missing, refund.Missing, refund.Missing}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			s.open(settings.Settings{Policy: settings.Policy{MissingAfter: c.after}})
			id := s.accepted(lamp, principal("10.00"))
			for i, want := range c.want {
				start := noon.Add(time.Duration(i)*14*day - 3*day) // the first began before it was accepted
				s.load(report{id: "50" + string(rune('0'+i)), start: start})
				assert.Equal(t, want, s.line(id).Proof, i)
			}
			s.load(report{id: "600", start: noon.Add(14 * day), currency: "CAD"})
			assert.Equal(t, "Principal 10", s.posted(lamp), "absence decides nothing")
			assert.Equal(t, []string{"missing"}, s.alerts())
			assert.Equal(t, 1, s.ends().Totals[0].Missing.Count)

			s.load(report{id: "700", start: noon.Add(90 * day), rows: paid(lamp, noon.Add(91*day), "Principal", "10.00")})
			assert.Equal(t, refund.Settled, s.line(id).Proof)
			assert.Zero(t, s.ends().Totals[0].Missing.Count)
		})
	}
	t.Run("settlements in another currency do not count", func(t *testing.T) {
		s := newShop(t, newOrder())
		id := s.accepted(lamp, principal("10.00"))
		for _, n := range []string{"500", "501", "502", "503"} {
			s.load(report{id: n, start: noon.Add(day), currency: "CAD"})
		}
		assert.Equal(t, refund.Unproven, s.line(id).Proof)
	})
}

func TestAnOrderThatTheHostDoesNotKnow(t *testing.T) {
	s := newShop(t)
	rows := and(paid(mug, noon.Add(day), "Principal", "8.00"), "ItemFees", "Commission", "1.20")
	in := s.load(report{id: "500", rows: rows})
	assert.Equal(t, map[settlement.Match]int{settlement.MatchUnknownOrder: 1}, in.Bookings)
	assert.Empty(t, s.ledger().Postings)
	assert.Equal(t, "8", s.ends().Totals[0].UnknownOrder.Amount.String())
	assert.Empty(t, s.effects(order.EffectCommission))

	s.book.orders = []order.Order{newOrder()}
	in, err := s.Retry(t.Context(), acme)
	require.NoError(t, err)
	assert.Equal(t, 1, in.Rematched)
	assert.Equal(t, []settlement.Match{settlement.MatchAmazonInitiated}, s.matches())
	assert.Equal(t, "Principal 8", s.posted(mug))
	assert.Len(t, s.effects(order.EffectCommission), 1)

	s.book.orders = nil
	s.load(report{id: "500", rows: rows})
	assert.Equal(t, []settlement.Match{settlement.MatchAmazonInitiated}, s.matches(), "an order that was known before")
}

func TestARefundOfNoOrder(t *testing.T) {
	s := newShop(t, newOrder())
	s.load(report{id: "500", rows: with(paid(mug, noon.Add(day), "Principal", "8.00"), func(r *row) { r.order = "" })})
	assert.Equal(t, []settlement.Match{settlement.MatchUnknownOrder}, s.matches())
	assert.Equal(t, "8", s.ends().Totals[0].UnknownOrder.Amount.String())
}

func TestAnOrderOfAnotherCompany(t *testing.T) {
	o := newOrder()
	o.ID.Company = "globex"
	s := newShop(t, o)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "8.00")})
	assert.Equal(t, []settlement.Match{settlement.MatchUnknownOrder}, s.matches())
	assert.Empty(t, s.effects(order.EffectNote))
}

func TestAnotherCurrency(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("10.00"))
	s.load(report{id: "500", currency: "CAD", rows: paid(lamp, noon.Add(day), "Principal", "10.00")})
	assert.Equal(t, []settlement.Match{settlement.MatchOtherCurrency}, s.matches())
	assert.Equal(t, "Principal 10", s.posted(lamp))
	assert.Equal(t, refund.Unproven, s.line(id).Proof)
	assert.Equal(t, []string{"currency"}, s.alerts())
	r := s.ends()
	assert.Equal(t, "CAD", string(r.Totals[0].Currency))
	assert.Equal(t, "10", r.Totals[0].OtherCurrency.Amount.String())
}

// What Amazon refused and yet paid must not be paid by the next attempt.
func TestWhatWaitsToBeSentAgainAndWasPaid(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.issue(lamp, principal("10.00"))
	s.sent(id, queue.EntryRefused, amazon.VerdictRefused)
	s.apply(s.entry(id), queue.EntryQueued) // somebody tries again
	s.load(report{id: "500", rows: with(paid(lamp, noon.Add(day), "Principal", "10.00"), func(r *row) { r.ours = string(id) + "-1-1" })})
	assert.Equal(t, []string{"contradicted", "refused"}, s.alerts())
	assert.Empty(t, s.posted(lamp), "posted when it is known to be over")

	s.apply(s.entry(id), queue.EntryRejected)
	_, err := s.Retry(t.Context(), acme)
	require.NoError(t, err)
	assert.Equal(t, "Principal 10", s.posted(lamp))
	assert.Equal(t, refund.LinePosted, s.line(id).Outcome)
}

// Each line of a refund is a message of its own, and has its own booking.
func TestARefundOfSeveralLines(t *testing.T) {
	s := newShop(t, newOrder())
	r, err := s.refunds.Issue(t.Context(), refund.Request{
		Order: sold, Lines: []refund.Ask{{Item: lamp, Amounts: principal("10.00")}, {Item: mug, Amounts: principal("10.00")}},
		Reason: amazon.ReasonCustomerReturn, By: "ann", Key: "both",
	})
	require.NoError(t, err)
	s.sent(r.ID, queue.EntryAccepted, amazon.VerdictAccepted)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "10.00")})
	proofs := func() (ps []refund.Proof) {
		for _, l := range s.refund(r.ID).Lines {
			ps = append(ps, l.Proof)
		}
		return ps
	}
	assert.Equal(t, []refund.Proof{refund.Unproven, refund.Settled}, proofs())
	s.load(report{id: "501", rows: with(paid(lamp, noon.Add(day), "Principal", "9.00"), func(w *row) { w.ours = string(r.ID) + "-1-1" })})
	assert.Equal(t, []refund.Proof{refund.Mismatched, refund.Settled}, proofs())
	assert.Equal(t, "Principal 9 Principal 10", s.posted(lamp)+" "+s.posted(mug))
}

// Amazon paid in two attempts: one says so by our adjustment ID, the other by its
// processing report.
func TestAnAttemptThatNobodyKnewToBePaid(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.issue(lamp, principal("10.00"))
	s.sent(id, queue.EntryUnknownSent, amazon.VerdictUnknown)
	s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted) // sent anew, by order of a person
	first := with(paid(lamp, noon.Add(day), "Principal", "10.00"), func(r *row) { r.ours = string(id) + "-1-1" })
	s.load(report{id: "500", rows: first})
	assert.Equal(t, "Principal 20", s.posted(lamp))
	assert.Equal(t, []queue.BatchID{"acme-us-2", "acme-us-1"}, s.line(id).Paid)
	assert.Equal(t, []string{"doubled"}, s.alerts())
	assert.Equal(t, refund.Unproven, s.line(id).Proof, "of one of the two")

	s.load(report{id: "501", rows: with(paid(lamp, noon.Add(2*day), "Principal", "10.00"), func(r *row) { r.ours = string(id) + "-1-2" })})
	assert.Equal(t, "Principal 20", s.posted(lamp))
	assert.Equal(t, refund.Doubled, s.line(id).Proof)
	require.NoError(t, s.ends().Check())
}

// Fees and withheld tax that the host does not count as charged are not posted.
func TestWithheldTaxThatTheHostDoesNotCount(t *testing.T) {
	s := newShop(t, newOrder()) // no tax is charged for mugs
	s.load(report{id: "500", rows: and(paid(mug, noon.Add(day), "Principal", "8.00", "Tax", "0.66"), "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "0.66")})
	assert.Equal(t, "Principal 8", s.posted(mug))
	assert.Equal(t, "Principal 8, Tax 0.66", s.bookings()[0].Amounts.String())
	require.NoError(t, s.ends().Check())
}

// The host has lost an order of which refunds are known.
func TestAnOrderThatTheHostHasLost(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("10.00"))
	s.book.orders = nil
	s.load(report{id: "500", rows: slices.Concat(paid(lamp, noon.Add(day), "Principal", "10.00"), paid(mug, noon.Add(day), "Principal", "4.00"))})
	assert.Equal(t, refund.Settled, s.line(id).Proof)
	assert.Equal(t, "Principal 4", s.posted(mug))
}

// A row without a time is of the settlement's end at the latest.
func TestABookingWithoutATime(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("10.00"))
	s.load(report{id: "500", rows: paid(lamp, time.Time{}, "Principal", "10.00")})
	assert.Equal(t, noon.Add(11*day), s.bookings()[0].PostedAt)
	assert.Equal(t, refund.Settled, s.line(id).Proof)
}

// What the host says of its charges is put down when there is something to post.
func TestChargesAloneAreNotPosted(t *testing.T) {
	s := newShop(t, newOrder())
	s.accepted(lamp, principal("10.00"))
	before := len(s.ledger().Postings)
	s.book.orders[0].Lines[1].Charges = principal("21.00")
	_, err := s.Retry(t.Context(), acme)
	require.NoError(t, err)
	assert.Len(t, s.ledger().Postings, before)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "1.00")})
	assert.Equal(t, "21", s.ledger().Sum(order.Charged, mug).Total().String())
}

// What several bookings or refunds could be is not guessed.
func TestWhatCannotBeTold(t *testing.T) {
	claim := func(rows []row) []row { return with(rows, func(r *row) { r.kind = "A-to-z Guarantee Refund" }) }
	for name, c := range map[string]struct {
		ours []string // accepted refunds
		rows []row
		want []settlement.Match
	}{
		"a refund explains ours better than a claim": {
			[]string{"5.00"},
			slices.Concat(claim(paid(lamp, noon.Add(day), "Principal", "5.00")), paid(lamp, noon.Add(2*day), "Principal", "5.00")),
			[]settlement.Match{settlement.MatchAmazonInitiated, settlement.MatchSettled},
		},
		"a claim is never one more of ours": {
			[]string{"5.00"},
			slices.Concat(paid(lamp, noon.Add(day), "Principal", "5.00"), claim(paid(lamp, noon.Add(2*day), "Principal", "5.00"))),
			[]settlement.Match{settlement.MatchSettled, settlement.MatchAmazonInitiated},
		},
		"no product, and two that it could be": {
			[]string{"5.00", "5.00"},
			with(paid(lamp, noon.Add(day), "Principal", "5.00"), func(r *row) { r.item, r.sku = "", "" }),
			[]settlement.Match{settlement.MatchAmazonInitiated},
		},
		"two that differ for one of ours": {
			[]string{"5.00"},
			slices.Concat(paid(lamp, noon.Add(day), "Principal", "4.00"), paid(lamp, noon.Add(2*day), "Principal", "6.00")),
			[]settlement.Match{settlement.MatchAmazonInitiated, settlement.MatchAmazonInitiated},
		},
		"one that differs for two of ours": {
			[]string{"5.00", "6.00"}, paid(lamp, noon.Add(day), "Principal", "4.00"), []settlement.Match{settlement.MatchAmazonInitiated},
		},
		"one that differs where another is to the cent": {
			[]string{"5.00", "6.00"},
			slices.Concat(paid(lamp, noon.Add(day), "Principal", "4.00"), paid(lamp, noon.Add(2*day), "Principal", "5.00")),
			[]settlement.Match{settlement.MatchMismatched, settlement.MatchSettled},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			for _, amount := range c.ours {
				s.accepted(lamp, principal(amount))
			}
			s.load(report{id: "500", rows: c.rows})
			assert.Equal(t, c.want, s.matches())
			require.NoError(t, s.ends().Check())
		})
	}
}

// Of several bookings that name one line, the one to the cent is its own.
func TestTheBookingToTheCentIsTheLinesOwn(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, principal("10.00"))
	s.load(report{id: "500", rows: with(
		slices.Concat(paid(lamp, noon.Add(day), "Principal", "4.00"), paid(lamp, noon.Add(2*day), "Principal", "10.00")),
		func(r *row) { r.ours = string(id) + "-1-1" },
	)})
	assert.Equal(t, []settlement.Match{settlement.MatchDoubled, settlement.MatchSettled}, s.matches())
	assert.Equal(t, "Principal 14", s.posted(lamp))
}

// A person said that it was done another way: what the settlement shows is that, and
// not one more.
func TestWhatWasDoneAnotherWay(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.issue(lamp, principal("10.00"))
	s.sent(id, queue.EntryNeedsDecision, amazon.VerdictUnknown)
	s.apply(s.entry(id), queue.EntrySettledOutside)
	s.load(report{id: "500", rows: with(paid(lamp, noon.Add(day), "Principal", "10.00"), func(r *row) { r.ours = string(id) + "-1-1" })})
	assert.Equal(t, refund.Settled, s.line(id).Proof)
	assert.Equal(t, "Principal 10", s.posted(lamp))
	assert.Empty(t, s.alerts())
}

// A settlement of which the import broke off has not shown everything.
func TestASettlementThatIsNotDoneDoesNotCount(t *testing.T) {
	s := newShop(t, newOrder())
	s.open(settings.Settings{Policy: settings.Policy{MissingAfter: 1}})
	id := s.accepted(lamp, principal("10.00"))
	require.NoError(t, s.memory.SaveSettlement(t.Context(), settlement.Settlement{
		ID: settlement.ID{Account: "acme-us", Number: "500"}, Company: "acme", Currency: "USD", Start: noon.Add(day),
	}))
	_, err := s.Retry(t.Context(), acme)
	require.NoError(t, err)
	assert.Equal(t, refund.Unproven, s.line(id).Proof)
	assert.Equal(t, settlement.EndSettlement, s.ends().Ends[0].Kind)
}

// The money of a booking moves when its item turns out to be another.
func TestAnItemThatIsKnownLater(t *testing.T) {
	s := newShop(t, newOrder())
	s.book.orders[0].Lines[1].SKU = "CUP"
	s.load(report{id: "500", rows: with(paid(mug, noon.Add(day), "Principal", "4.00"), func(r *row) { r.item = "99999999999999" })})
	assert.Equal(t, "Principal 4", s.posted("99999999999999"))
	s.book.orders[0].Lines[1].SKU = "MUG"
	s.load(report{id: "501", rows: paid(lamp, noon.Add(day), "Principal", "1.00")})
	assert.Equal(t, "Principal 4", s.posted(mug))
	assert.True(t, s.ledger().Sum(order.Posted, "99999999999999").IsZero())
	assert.Equal(t, mug, s.bookings()[0].RefundItem)
}
