package settlement_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// What is written down afterwards explains what was taken for Amazon's own.
func TestARefundRecordedAfterItsSettlement(t *testing.T) {
	s := newShop(t, newOrder())
	s.load(report{id: "500", rows: and(paid(mug, noon.Add(day), "Principal", "8.00"), "ItemFees", "Commission", "1.20")})
	own := s.bookings()[0].Refund
	s.now = noon.Add(3 * day)
	id := s.record(mug, "8.00")
	assert.Equal(t, "Principal 16", s.posted(mug))

	in, err := s.Retry(t.Context(), acme)
	require.NoError(t, err)
	assert.Equal(t, 1, in.Rematched)
	assert.Equal(t, "Principal 8", s.posted(mug))
	assert.Equal(t, refund.Settled, s.line(id).Proof)
	assert.Equal(t, refund.LineVoided, s.line(own).Outcome)
	assert.Equal(t, id, s.bookings()[0].Refund)
	assert.Len(t, s.effects(order.EffectCommission), 1, "told once")
}

// Who records what a settlement has shown already changes whose refund it is, and
// nothing that the buyer got.
func TestARecordOfWhatASettlementHasShown(t *testing.T) {
	for name, test := range map[string]struct {
		at     time.Time
		posted string
		proof  refund.Proof
		alerts []string
	}{
		"that day":            {noon.Add(day), "Principal 20", refund.Settled, nil},
		"at a time forgotten": {time.Time{}, "Principal 20", refund.Settled, nil},
		"another one, later":  {noon.Add(4 * day), "Principal 40", refund.Unproven, []string{"over"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newOrder())
			s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "20.00")})
			s.now = noon.Add(5 * day)
			r, err := s.refunds.Record(t.Context(), refund.Recorded{
				Order: sold, Lines: []refund.RecordedLine{{Item: mug, Amounts: principal("20.00")}}, At: test.at, Reference: "SC-1", By: "ann", Why: "found it",
			})
			require.NoError(t, err)
			assert.Equal(t, test.posted, s.posted(mug))
			assert.Equal(t, test.proof, s.line(r.ID).Proof)
			assert.Equal(t, test.alerts, s.alerts())
			assert.Equal(t, s.ledger().PaymentStatus(), s.payment().Status)
			require.NoError(t, s.ends().Check())
		})
	}
}

// record keeps a refund that was made in Seller Central.
func (s *shop) record(item, amount string) queue.EntryID {
	s.t.Helper()
	stamp := order.Stamp{By: "ann", At: s.now}
	r := refund.Refund{
		ID: queue.NewEntryID(queue.KindRefund, "acme", "recorded"), HostOrder: newOrder().ID, Order: sold, Origin: refund.FromSellerCentral, Key: "recorded",
		Currency: "USD", Lines: []refund.Line{{Item: item, SKU: "MUG", Amounts: principal(amount), Outcome: refund.LinePosted}}, Issued: stamp, Ended: stamp,
	}
	l := s.ledger()
	charged, err := l.Charge(stamp, newOrder())
	require.NoError(s.t, err)
	posted, err := l.With(charged...).Correct(r.Cause(), item, principal(amount), "USD", stamp)
	require.NoError(s.t, err)
	require.NoError(s.t, s.memory.SaveRefunds(s.t.Context(), []refund.Change{{
		Refunds: []refund.Refund{r}, Writes: order.Writes{Order: sold, Version: l.Version, Postings: slices.Concat(charged, posted)},
	}}))
	return r.ID
}

// What was recorded by mistake and taken back is not what a settlement shows later,
// however alike they are.
func TestARecordThatWasTakenBack(t *testing.T) {
	s := newShop(t, newOrder())
	r, err := s.refunds.Record(t.Context(), refund.Recorded{
		Order: sold, Lines: []refund.RecordedLine{{Item: mug, Amounts: principal("20.00")}}, Reference: "SC-1", By: "ann", Why: "found it",
	})
	require.NoError(t, err)
	_, err = s.refunds.Unrecord(t.Context(), r.ID, "ann", "another order's")
	require.NoError(t, err)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "20.00")})
	assert.Equal(t, "20", s.ledger().Total(order.Posted).String())
	assert.True(t, s.ledger().PostedBy(r.Cause(), mug).IsZero(), "it is Amazon's own")
}
