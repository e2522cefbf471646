package refund_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// What Amazon said of an earlier attempt is not why an operator said no.
func TestAnOperatorsNoAfterARefusal(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	line := func(o refund.Outcome, code int, text string) refund.Line {
		return refund.Line{Item: lamp, SKU: "LAMP", Amounts: principal("12.00"), Gross: principal("12.00"), Outcome: o, Code: code, Text: text}
	}
	s.apply(s.sent(id, queue.EntryRefused, refused(lamp)))
	assert.Empty(t, cmp.Diff(line(refund.LineVoided, 18028, "more than was charged"), s.refund(id).Lines[0]))
	s.apply(s.decided(id, queue.EntryQueued))
	assert.Empty(t, cmp.Diff(line(refund.LineOpen, 0, ""), s.refund(id).Lines[0]))
	s.apply(s.decided(id, queue.EntryRejected))
	assert.Empty(t, cmp.Diff(line(refund.LineVoided, 0, ""), s.refund(id).Lines[0]))
	assert.Equal(t, 18028, s.entry(id).Attempt().Results[0].Code, "the attempt still says it")
}

// With the policy a refund counts as soon as it is issued. What a cancellation
// has reserved beside it is no refund.
func TestThePaymentStatusCountsNoCancellation(t *testing.T) {
	ord := newOrder()
	ord.Lines = []order.Line{ord.Lines[0], ord.Lines[2]}
	s := newShop(t, settings.Settings{Policy: settings.Policy{PaymentStatusAt: settings.PaymentStatusWhenIssued}}, ord)
	charged, err := s.ledger().Charge(order.Stamp{}, ord)
	require.NoError(t, err)
	l := s.ledger().With(charged...)
	reserved, err := l.Reserve(order.Cause{Kind: order.CauseCancellation, ID: "CN1"}, vase, principal("5.00"), false, order.Stamp{})
	require.NoError(t, err)
	s.write(append(charged, reserved...)...)

	r := ask(refund.Ask{Item: lamp, Units: 3, Shipping: true})
	r.Key = "k"
	s.issue(r)
	assert.Equal(t, order.PartialRefund, s.payment().Status)
	assert.Equal(t, "38.5", s.payment().Pending.String())
}
