package cancel

import (
	"time"
)

// next is when to look after a wish again: at its deadline while it waits, daily for
// 90 days after that, and hourly for a day, then daily, while its order is unknown.
func (r BuyerRequest) next(now time.Time) time.Time {
	if !r.waits() {
		return time.Time{}
	}
	at := r.Deadline
	if r.Overdue {
		at = time.Time{}
		if next := now.Add(day); !next.After(r.Deadline.Add(90 * day)) {
			at = next
		}
	}
	if r.HostOrder.Number == "" {
		if try := nextQuestion(r.Evidence().At, now); !try.IsZero() && (at.IsZero() || try.Before(at)) {
			at = try
		}
	}
	return at
}
