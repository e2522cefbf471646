package amazon

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/order"
)

// A rule of a date or of one marketplace is a row.
func TestDeadlinePolicyIsDated(t *testing.T) {
	march := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	rows := []answerTime{
		{"", time.Time{}, 48 * time.Hour},
		{"", march, 24 * time.Hour},
		{"JP", march.AddDate(0, 1, 0), 72 * time.Hour},
	}
	for _, tt := range []struct {
		name        string
		marketplace order.MarketplaceID
		wished      time.Time
		want        time.Duration
	}{
		{"before the change", "US", march.Add(-time.Second), 48 * time.Hour},
		{"from its moment on", "US", march, 24 * time.Hour},
		{"a marketplace before its own row", "JP", march, 24 * time.Hour},
		{"and from then on", "JP", march.AddDate(0, 1, 0), 72 * time.Hour},
		{"which is no other's", "US", march.AddDate(0, 2, 0), 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.wished.Add(tt.want), deadline(rows, tt.marketplace, tt.wished))
		})
	}
}
