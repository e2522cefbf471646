package outside_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/order"
)

func TestCompare(t *testing.T) {
	id := order.AmazonID{Account: "acme-us", Number: "111-0000001-0000001"}
	refund, whole, part := order.Cause{Kind: order.CauseRefund, ID: "RF1"}, cancel.Cancellation{ID: "CN1"}, cancel.Cancellation{ID: "CN2", Part: true}
	posting := func(c order.Cause, b order.Balance, amount string) order.Posting {
		return order.Posting{Order: id, Item: "1", Component: order.Principal, Balance: b, Amount: decimal.RequireFromString(amount), Currency: "USD", Cause: c}
	}
	paid := func(amount string) amazontest.Payment {
		return amazontest.Payment{Order: id.Number, Item: "1", Component: order.Principal, Amount: decimal.RequireFromString(amount), Currency: "USD"}
	}
	tests := []struct {
		name     string
		paid     []amazontest.Payment
		postings []order.Posting
		want     outside.Comparison
	}{
		{"nothing", nil, nil, outside.Comparison{Amazon: "0.00 USD", Ours: "0.00 USD"}},
		{
			"a refund", []amazontest.Payment{paid("5")}, []order.Posting{posting(refund, order.Posted, "5")},
			outside.Comparison{Amazon: "5.00 USD", Ours: "5.00 USD"},
		},
		{
			"only what is posted counts", nil, []order.Posting{posting(refund, order.Reserved, "5"), posting(refund, order.Charged, "5")},
			outside.Comparison{Amazon: "0.00 USD", Ours: "0.00 USD"},
		},
		{
			"what was never collected, and a part that was", []amazontest.Payment{paid("2")},
			[]order.Posting{posting(whole.Cause(), order.Posted, "7"), posting(part.Cause(), order.Posted, "2")},
			outside.Comparison{Amazon: "2.00 USD", Ours: "2.00 USD"},
		},
		{
			"paid twice", []amazontest.Payment{paid("5"), paid("5")}, []order.Posting{posting(refund, order.Posted, "5")},
			outside.Comparison{Amazon: "10.00 USD", Ours: "5.00 USD", Differences: []string{
				"order 111-0000001-0000001 item 1 Principal: Amazon paid 10.00 USD, we posted 5.00 USD",
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := outside.Compare(tt.paid, []order.Ledger{{Order: id, Postings: tt.postings}}, []cancel.Cancellation{whole, part}, "USD")
			assert.Equal(t, tt.want, got)
			assert.Equal(t, len(tt.want.Differences) == 0, got.Equal())
		})
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := outside.NewClock(noon)
	c.Advance(-time.Hour)
	c.To(noon.Add(-time.Hour))
	assert.Equal(t, noon, c.Now())
	assert.NoError(t, c.Wait(t.Context(), time.Hour))
	assert.Equal(t, noon.Add(time.Hour), c.Now())
}
