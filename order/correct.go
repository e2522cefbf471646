package order

import "fmt"

// Correct brings what a cause has posted on an item to the given amounts, with
// postings of the difference: none when they agree, below zero when less is right.
// It goes beyond what was charged if it must, because it is called with what
// happened. Another currency than the ledger's is [ErrCurrency].
func (l Ledger) Correct(c Cause, item string, to Amounts, cur Currency, s Stamp) ([]Posting, error) {
	if of := l.Currency(); of != "" && of != cur {
		return nil, fmt.Errorf("%w: item %s: %s where the ledger of %s has %s", ErrCurrency, item, to.In(cur), l.Order, of)
	}
	return l.post(nil, Posted, item, to.Minus(l.PostedBy(c, item)), cur, c, s), nil
}

// PostedBy is what a cause has posted on an item, with all its corrections.
func (l Ledger) PostedBy(c Cause, item string) Amounts {
	return l.sum(func(p Posting) bool { return p.Balance == Posted && p.Item == item && p.Cause == c }).Plus(nil)
}

// Refunded is what went back to the buyer, whoever sent it: all that is posted but
// what was cancelled before it was collected.
func (l Ledger) Refunded() Money {
	return Money{Amount: l.Total(Posted).Sub(l.TotalBy(Posted, CauseCancellation)), Currency: l.Currency()}
}
