package drill

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/takebackhq/takeback/queue"
)

// Decide is what a person decides who knows nothing but what the library shows.
// Who sees one feed that could be the lost document says that it is; who sees
// none, when that may be concluded, has it sent anew. Nothing is overridden.
func Decide(ctx context.Context, q *queue.Queue, now time.Time) error {
	lost, err := q.Batches(ctx, queue.BatchQuery{States: []queue.BatchState{queue.BatchUnknownSent}})
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range lost {
		c, err := q.Case(ctx, b.ID)
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, choose(ctx, q, now, c, queue.Decision{Batch: b.ID}))
		}
	}
	unsure, err := q.Entries(ctx, queue.EntryQuery{States: []queue.State{queue.EntryNeedsDecision}})
	errs = append(errs, err)
	for _, e := range unsure {
		c, err := q.EntryCase(ctx, e.ID)
		errs = append(errs, err)
		if err == nil && c.Batch.State != queue.BatchUnknownSent {
			errs = append(errs, choose(ctx, q, now, c, queue.Decision{Entry: e.ID}))
		}
	}
	return errors.Join(errs...)
}

func choose(ctx context.Context, q *queue.Queue, now time.Time, c queue.Case, d queue.Decision) error {
	d.Version, d.By, d.Why = c.Version, "supervisor", "as shown"
	switch {
	case now.Before(c.NotBefore):
		return nil
	case len(c.Candidates) == 1 && slices.Contains(c.Choices, queue.ChoiceSent):
		d.Choice, d.Feed = queue.ChoiceSent, c.Candidates[0]
	case slices.Contains(c.Choices, queue.ChoiceAnew):
		d.Choice = queue.ChoiceAnew
	default:
		return nil
	}
	return q.Decide(ctx, d)
}
