package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
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
func (q *Queue) numbers(ctx context.Context, a order.AccountID, n int) (int64, error) {
	name := "queue/numbers/" + string(a)
	for range maxTries {
		cells, err := q.c.Store.Cells(ctx, []string{name})
		if err != nil {
			return 0, err
		}
		c := store.Cell{Name: name}
		next := int64(1)
		if len(cells) > 0 {
			c = cells[0]
			if next, err = strconv.ParseInt(string(c.Data), 10, 64); err != nil {
				return 0, fmt.Errorf("cell %s holds %q: want the next number", name, c.Data)
			}
		}
		first := max(next, int64(q.now().Sub(numbersSince)/time.Second))
		if first > lastNumber-int64(n)+1 {
			return 0, fmt.Errorf("account %s has used up its message numbers (next %d): is the clock right?", a, first)
		}
		c.Data = strconv.AppendInt(nil, first+int64(n), 10)
		err = q.c.Store.SaveCell(ctx, c)
		if err == nil {
			return first, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("numbers of account %s: %w %d times", a, store.ErrConflict, maxTries)
}

// maxTries bounds how often something is read and saved again after a conflict.
const maxTries = 10

func (q *Queue) newBatchID(ctx context.Context, a order.AccountID) (BatchID, error) {
	n, err := q.numbers(ctx, a, 1)
	return BatchID(fmt.Sprintf("%s-%d", a, n)), err
}
