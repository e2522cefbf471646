package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// send uploads a batch, takes the right to send it, and sends it once.
func (q *Queue) send(ctx context.Context, b Batch, ticket amazon.Ticket) (Batch, error) {
	if b.State != BatchBuilding && b.State != BatchUploaded {
		return b, fmt.Errorf("send batch %s: it is %s: %w", b.ID, b.State, ErrTransition)
	}
	fence, at, err := ticket.Upload(ctx, amazon.ContentType, b.Document)
	if err == nil && (at.IsZero() || !fence.After(at)) {
		err = fmt.Errorf("batch %s: its fence is %s and Amazon's time %s: Feeds must say until when its createFeed is taken", b.ID, fence, at)
	}
	if err != nil {
		return q.postpone(ctx, b, err)
	}
	b.Messages, b.Document = nil, nil // stored; a nil keeps them
	b.Fence, b.AttemptedAt = fence.UTC(), at.UTC()
	if err := b.move(BatchUploaded, ""); err != nil {
		return b, err
	}
	if b, err = q.save(ctx, b); err != nil {
		return b, err
	}

	// From this save on the feed may exist. Only the goroutine that made it may
	// call Create, and only once; when the save's own answer is lost, nobody may.
	if b, err = q.submitting(ctx, b); err != nil || b.State != BatchSubmitting {
		return b, err
	}
	// A shutdown must not cut off a request on its way, or its answer is lost.
	sending, stop := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer stop()
	feed, err := ticket.Create(sending)
	return q.learn(ctx, b, feed, err)
}

// createLimit is how long the one createFeed may take before its answer counts
// as lost.
const createLimit = 2 * time.Minute

// fence is the moment, on Amazon's clock, from which another createFeed of a type
// may be called. Until then one that was not answered may still arrive, whatever
// became of its batch meanwhile: the feed that it adopted may be another's, and
// who decided about it cannot call it back. It is a second later, because feeds
// are told apart by whole seconds.
func fence(batches []Batch, t amazon.FeedType) time.Time {
	var until time.Time
	for _, b := range batches {
		if b.Feed == t && b.Unanswered {
			until = later(until, b.Fence.Truncate(time.Second).Add(time.Second))
		}
	}
	return until
}

// submitting commits the right to send: the batch and its entries go from
// Uploaded to Submitting in one compare-and-set. While another batch of the type
// is inside its fence, the batch stays Uploaded.
//
// Two workers may come here with a batch each. The save raises the versions of
// all batches of the type that are not sent, so that only the first one's works.
func (q *Queue) submitting(ctx context.Context, b Batch) (Batch, error) {
	open, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{b.Account}, Feeds: []amazon.FeedType{b.Feed}, Unapplied: true})
	if err != nil {
		return b, err
	}
	// Compared with Amazon's time of a moment ago: ours may be wrong.
	if until := fence(open, b.Feed); until.After(b.AttemptedAt) {
		b.Due = q.now().Add(until.Sub(b.AttemptedAt))
		return b, nil
	}
	unsent := slices.DeleteFunc(open, func(o Batch) bool {
		return o.ID == b.ID || o.State != BatchBuilding && o.State != BatchUploaded
	})
	entries, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	if why, err := q.mayNotSend(ctx, b); err != nil || why != "" {
		b.Due, b.Why = q.now().Add(idle), why
		return b, err
	}
	if err := b.move(BatchSubmitting, ""); err != nil {
		return b, err
	}
	b.Sends, b.Unanswered = b.Sends+1, true
	return q.saveWith(ctx, Change{Batches: unsent}, b, entries, EntrySubmitting, "")
}

// tried reads the entries that have an attempt in a batch.
func (q *Queue) tried(ctx context.Context, b Batch) ([]Entry, error) {
	found, err := q.c.Store.Entries(ctx, EntryQuery{Batch: b.ID, Accounts: []order.AccountID{b.Account}})
	if err != nil {
		return nil, fmt.Errorf("entries of batch %s: %w", b.ID, err)
	}
	// Others were only promised to it.
	return slices.DeleteFunc(found, func(e Entry) bool { return e.attemptIn(b.ID) < 0 }), nil
}

// entriesOf reads the entries that are under way in a batch.
func (q *Queue) entriesOf(ctx context.Context, b Batch) ([]Entry, error) {
	es, err := q.tried(ctx, b)
	return slices.DeleteFunc(es, func(e Entry) bool { return !e.State.UnderWay() || e.Attempt().Batch != b.ID }), err
}

// saveWith saves a batch and, in the same save, the new state of its entries, with
// a row of the journal for each, and the rest of a change.
func (q *Queue) saveWith(ctx context.Context, c Change, b Batch, es []Entry, to State, why string) (Batch, error) {
	for i := range es {
		if es[i].State == to {
			continue
		}
		if err := es[i].move(to, order.Stamp{By: "queue", At: q.now(), Why: why}); err != nil {
			return b, err
		}
		if to == EntryQueued {
			es[i].NotBefore = time.Time{} // it was for a witness
		}
		c.Events = append(c.Events, rows(es[i:i+1], to)...)
	}
	c.Batches, c.Entries = append(c.Batches, b), append(c.Entries, es...)
	if err := q.commit(ctx, c); err != nil {
		return b, fmt.Errorf("save batch %s: %w", b.ID, err)
	}
	b.Version++
	return b, nil
}

func (q *Queue) save(ctx context.Context, b Batch) (Batch, error) {
	return q.saveWith(ctx, Change{}, b, nil, "", "")
}

// postpone leaves a batch where it is after an upload that did not work; an
// upload without createFeed has no effect, so it is simply tried again.
func (q *Queue) postpone(ctx context.Context, b Batch, cause error) (Batch, error) {
	b.Due, b.Why, b.Document = q.retryAt(cause), cause.Error(), nil
	b, err := q.save(ctx, b)
	return b, errors.Join(q.waits(ctx, b.event(EventThrottled), cause), err)
}

// lose records that nobody knows whether a batch was sent.
func (q *Queue) lose(ctx context.Context, b Batch, why string) (Batch, error) {
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	if err := b.move(BatchUnknownSent, why); err != nil {
		return b, err
	}
	b.Due = q.now().Add(firstLook)
	for i := range es {
		es[i].NotBefore = time.Time{} // to be asked for at once
	}
	if b, err = q.saveWith(ctx, Change{}, b, es, EntryUnknownSent, why); err == nil {
		lost := b.event(EventAnswerLost)
		lost.Text = why
		q.observe(ctx, lost)
	}
	return b, err
}

// dissolve gives the entries of a batch that was not sent back to the queue.
func (q *Queue) dissolve(ctx context.Context, b Batch, why string) (Batch, error) {
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	return q.drop(ctx, Change{}, b, es, EntryQueued, why)
}

// drop ends a batch that was not sent, and moves entries of it.
func (q *Queue) drop(ctx context.Context, c Change, b Batch, es []Entry, to State, why string) (Batch, error) {
	if err := b.move(BatchCancelled, why); err != nil {
		return b, err
	}
	b.Applied, b.Open = true, b.Entries
	return q.saveWith(ctx, c, b, es, to, why)
}
