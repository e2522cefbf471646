package refund_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// Units and money that earlier refunds took, and units that did not ship, are not
// there to be asked for. Ten of the mugs' 20.00 are for the one that shipped.
func TestUnitsAndMoneyTakenBefore(t *testing.T) {
	for _, tt := range []struct {
		name    string
		earlier refund.Ask
		ask     refund.Ask
		want    string
		is      error
	}{
		{"units refunded before", refund.Ask{Item: lamp, Units: 2}, refund.Ask{Item: lamp, Units: 2},
			"2 units: more than is left: 3 of 3 are shipped and 2 refunded: ask for at most 1", order.ErrOver},
		{"units that wait for shipment, after the one that shipped", refund.Ask{Item: mug, Units: 1}, refund.Ask{Item: mug, Units: 1},
			"1 units: units are not confirmed as shipped: 1 of 2 are shipped and 1 refunded: ask for at most 0", refund.ErrNotShipped},
		{"money of the shipped unit", refund.Ask{Item: mug, Amounts: principal("6.00")}, refund.Ask{Item: mug, Amounts: principal("4.01")},
			"4.01 USD of Principal is more than the 4.00 USD left of the 1 shipped of 2 units", refund.ErrNotShipped},
		{"a line that is refunded", refund.Ask{Item: lamp, Amounts: order.Amounts{order.Principal: dec("30"), order.Tax: dec("2.50")}}, refund.Ask{Item: lamp, Units: 1},
			"more than is left: their share of Shipping 6.00 USD is nothing", order.ErrOver},
		{"the order's total", refund.Ask{Item: lamp, Amounts: goodwill("60.00")}, refund.Ask{Item: mug, Amounts: principal("3.51")},
			"3.51 USD asked for the order is more than is left of 3.50 USD", order.ErrOver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			s.issue(s.confirm(ask(tt.earlier)))
			_, err := s.Draft(t.Context(), ask(tt.ask))
			require.ErrorIs(t, err, tt.is)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

// One that ended takes up none of the units that come back on its RMA, but keeps
// its number.
func TestAnEndedRefundOfAnRMA(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	of := func(rma string, units int) refund.Request {
		r := ask(refund.Ask{Item: lamp, Units: units, Returned: 2})
		r.RMA = rma
		return r
	}
	first := s.issue(s.confirm(of("RM1", 1)))
	warning := fmt.Sprintf("RMA RM1 has refund %s of 10.83 USD already", first.ID)
	assert.Equal(t, []string{warning}, s.draft(of("RM1", 1)).Warnings)
	other := s.draft(of("RM2", 2))
	assert.Empty(t, other.Warnings)
	assert.Equal(t, 1, other.Refund.Ordinal, "each RMA counts by itself")
	_, err := s.Draft(t.Context(), of("RM1", 2))
	require.ErrorIs(t, err, order.ErrOver)
	assert.ErrorContains(t, err, "item "+lamp+": 2 units are more than is left of RMA RM1: 2 may be refunded by what came of it, 1 are")

	s.apply(s.decided(first.ID, queue.EntryRejected))
	next := s.draft(of("RM1", 2))
	assert.Equal(t, 2, next.Refund.Ordinal)
	assert.Empty(t, next.Warnings)
}
