package amazon

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// refundCommissions is what is known of the part of its commission that Amazon
// keeps when a buyer gets the money back. It stands in settlements only, as
// RefundCommission beside the Commission that comes back. Amazon publishes fee
// schedules with caps per item for its sites and changes them; what is not listed
// here is not known, and read instead of computed.
var refundCommissions = []struct {
	marketplace order.MarketplaceID
	from, to    time.Time // of the refund; to is not included, zero: still so
	share       decimal.Decimal
}{
	// Eight refunds in settlement reports of Amazon.ca of 2025 agree to the cent.
	// No cap was reached in them.
	{"A2EUQ1WTGCTBG2", time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC), time.Time{}, decimal.New(20, -2)},
}

// RefundCommission is what Amazon is expected to keep of a commission that it gives
// back with a refund of that time, in the same currency, before Amazon rounds it;
// false where that is not known. Neither is below zero.
func RefundCommission(m order.MarketplaceID, at time.Time, returned decimal.Decimal) (kept decimal.Decimal, known bool) {
	for _, c := range refundCommissions {
		if c.marketplace == m && !at.Before(c.from) && (c.to.IsZero() || at.Before(c.to)) {
			return returned.Mul(c.share), true
		}
	}
	return decimal.Zero, false
}
