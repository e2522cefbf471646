package amazon_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func TestCancelDeadline(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	for _, tt := range []struct {
		name        string
		marketplace order.MarketplaceID
		wished      time.Time
		want        time.Time
	}{
		{"two days, to the second", "ATVPDKIKX0DER", time.Date(2026, 3, 2, 9, 0, 1, 0, time.UTC), time.Date(2026, 3, 4, 9, 0, 1, 0, time.UTC)},
		{"over a weekend too", "A1PA6795UKMFR9", time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC)},
		{"in UTC", "A1VC38T7YXB528", time.Date(2026, 3, 2, 9, 0, 0, 0, tokyo), time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)},
		{"an unknown marketplace is like the others", "ANEWONE", time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)},
		{"and so is none", "", time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, amazon.CancelDeadline(tt.marketplace, tt.wished))
		})
	}
}
