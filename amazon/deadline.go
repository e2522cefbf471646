package amazon

import (
	"time"

	"github.com/takebackhq/takeback/order"
)

// answerTime is how long a seller has for a buyer's wish to cancel, from a date
// on.
type answerTime struct {
	marketplace order.MarketplaceID // empty: every one without a row of its own
	from        time.Time           // wishes made from then on
	answer      time.Duration
}

// answerTimes are sorted by date within a marketplace. Sellers see buyers' wishes in
// reports and in the API since 23 May 2022, in JP, AU and SG since 6 June 2022
// (Amazon's announcement "Changes to Orders API and Reports API for buyer
// cancellation requests"). Two days is what merchants are told to keep to; Amazon's
// models state no number.
var answerTimes = [...]answerTime{
	{"", time.Time{}, 48 * time.Hour},
}

// CancelDeadline is until when Amazon wants a seller to cancel or ship after a
// buyer has asked, in UTC: two days after the wish, in every marketplace. A
// marketplace that is not known has the rule of the others. Nothing happens at Amazon
// when it passes.
func CancelDeadline(m order.MarketplaceID, wished time.Time) time.Time {
	return deadline(answerTimes[:], m, wished)
}

// deadline applies the last row that had begun, of the marketplace's own rows if it
// has any then.
func deadline(rows []answerTime, m order.MarketplaceID, wished time.Time) time.Time {
	var answer, own time.Duration
	for _, row := range rows {
		switch {
		case wished.Before(row.from):
		case row.marketplace == "":
			answer = row.answer
		case row.marketplace == m:
			own = row.answer
		}
	}
	if own > 0 {
		answer = own
	}
	return wished.UTC().Add(answer)
}
