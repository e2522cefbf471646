package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Notify says that Amazon is done with a feed, for hosts that receive Amazon's
// notification FEED_PROCESSING_FINISHED: the next pass asks for its result. It is
// only a hint, so that one which is repeated, late, or about a feed that nobody
// here knows does nothing, and one that never comes delays a result by the time
// between two polls.
func (q *Queue) Notify(ctx context.Context, account order.AccountID, id amazon.FeedID) error {
	if account == "" || id == "" {
		return nil
	}
	known, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{account}, DocumentNumbers: []amazon.FeedID{id}})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	for _, b := range known {
		if b.State != BatchInQueue && b.State != BatchInProgress || !b.Due.After(q.now()) {
			continue
		}
		b.Due = q.now()
		if _, err := q.save(ctx, b); err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: somebody is at it
			return fmt.Errorf("notify: %w", err)
		}
	}
	return nil
}
