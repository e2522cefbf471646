package amazon_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Return shipping is bounded by the shipping paid, everything else by one amount.
func TestConcessionCaps(t *testing.T) {
	for _, tt := range []struct {
		name, marketplace   string
		component           order.Component
		shipping, at, above string
	}{
		{"Japan, return shipping", "A1VC38T7YXB528", order.ReturnShipping, "500", "2000", "2001"},
		{"Japan, shipping was free", "A1VC38T7YXB528", order.ReturnShipping, "0", "1000", "1001"},
		{"Japan, goodwill", "A1VC38T7YXB528", order.Goodwill, "500", "12000", "12001"},
		{"Singapore, return shipping", "A19VAU5U5O7RUS", order.ReturnShipping, "2.50", "15.00", "15.01"},
		{"Singapore, goodwill", "A19VAU5U5O7RUS", order.Goodwill, "2.50", "150.00", "150.01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caps, known := amazon.ConcessionCapsOf(order.MarketplaceID(tt.marketplace))
			require.True(t, known)
			require.NoError(t, caps.Check(order.Amounts{tt.component: dec(tt.at)}, dec(tt.shipping)))

			err := caps.Check(order.Amounts{tt.component: dec(tt.above)}, dec(tt.shipping))
			for _, text := range []string{tt.marketplace, string(tt.component), order.Format(dec(tt.above), caps.Currency), order.Format(dec(tt.at), caps.Currency), "G200359070", "2026-08"} {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}

func TestNoConcessionCapsAreInvented(t *testing.T) {
	for _, m := range amazon.Marketplaces() {
		caps, known := amazon.ConcessionCapsOf(m.ID)
		assert.Equal(t, m.Country == "JP" || m.Country == "SG", known, m.Country)
		assert.True(t, !known || caps.Currency == m.Currency, m.Country)
	}
}
