package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/order"
)

// Numbers of batches and messages come from one counter per account, which
// never falls behind the seconds since this moment. So they stay unique, within
// the 31 bits of a message ID and until 2088, even when the counter was lost with
// a restored database: an account would have to send more than a message a
// second, on average, to use up tomorrow's numbers.
var numbersSince = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

const lastNumber = 1<<31 - 1

// numbers takes n numbers in a row that this account never had before, and
// returns the first.
func (q *Queue) numbers(ctx context.Context, a order.AccountID, n int) (first int64, err error) {
	err = edit(ctx, q, "queue/numbers/"+string(a), func(next *int64) (bool, error) {
		first = max(1, *next, int64(q.now().Sub(numbersSince)/time.Second))
		if first > lastNumber-int64(n)+1 {
			return false, fmt.Errorf("account %s has used up its message numbers (next %d): is the clock right?", a, first)
		}
		*next = first + int64(n)
		return true, nil
	})
	return first, err
}

// maxTries bounds how often something is read and saved again after a conflict.
const maxTries = 10

func (q *Queue) newBatchID(ctx context.Context, a order.AccountID) (BatchID, error) {
	n, err := q.numbers(ctx, a, 1)
	return BatchID(fmt.Sprintf("%s-%d", a, n)), err
}
