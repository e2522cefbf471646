package amazon_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func TestRefundCommission(t *testing.T) {
	in2025 := time.Date(2025, time.August, 14, 20, 59, 25, 0, time.UTC)
	for name, c := range map[string]struct {
		marketplace order.MarketplaceID
		at          time.Time
		returned    string
		kept        string
		known       bool
	}{
		"a fifth in Canada":            {"A2EUQ1WTGCTBG2", in2025, "9.63", "1.926", true},
		"before the refunds seen":      {"A2EUQ1WTGCTBG2", in2025.AddDate(-1, 0, 0), "9.63", "0", false},
		"no site whose rule is known":  {"ATVPDKIKX0DER", in2025, "9.63", "0", false},
		"no site at all":               {"", in2025, "9.63", "0", false},
		"nothing back is nothing kept": {"A2EUQ1WTGCTBG2", in2025, "0", "0", true},
	} {
		t.Run(name, func(t *testing.T) {
			kept, known := amazon.RefundCommission(c.marketplace, c.at, decimal.RequireFromString(c.returned))
			assert.Equal(t, c.known, known)
			assert.Equal(t, c.kept, kept.String())
		})
	}
}
