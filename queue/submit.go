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
	if err := b.move(BatchSubmitting, ""); err != nil {
		return b, err
	}
	return q.saveWith(ctx, b, entries, EntrySubmitting, "", unsent...)
}

// entriesOf reads the entries whose current attempt is in a batch.
func (q *Queue) entriesOf(ctx context.Context, b Batch) ([]Entry, error) {
	found, err := q.c.Store.Entries(ctx, EntryQuery{Batch: b.ID, Accounts: []order.AccountID{b.Account}})
	if err != nil {
		return nil, fmt.Errorf("entries of batch %s: %w", b.ID, err)
	}
	var es []Entry
	for _, e := range found {
		if e.State.UnderWay() && e.Attempt().Batch == b.ID {
			es = append(es, e)
		}
	}
	return es, nil
}

// saveWith saves a batch and, in the same save, the new state of its entries; the
// others are saved as they are.
func (q *Queue) saveWith(ctx context.Context, b Batch, es []Entry, to State, why string, others ...Batch) (Batch, error) {
	var moved []Entry
	for i := range es {
		if es[i].State == to {
			continue
		}
		if err := es[i].move(to, order.Stamp{By: "queue", At: q.now(), Why: why}); err != nil {
			return b, err
		}
		moved = append(moved, es[i])
	}
	if err := q.commit(ctx, Change{Batches: append(others, b), Entries: es, Events: q.rows(b, moved, to)}); err != nil {
		return b, fmt.Errorf("save batch %s: %w", b.ID, err)
	}
	b.Version++
	return b, nil
}

func (q *Queue) save(ctx context.Context, b Batch) (Batch, error) {
	return q.saveWith(ctx, b, nil, "", "")
}

// postpone leaves a batch where it is after an upload that did not work; an
// upload without createFeed has no effect, so it is simply tried again.
func (q *Queue) postpone(ctx context.Context, b Batch, cause error) (Batch, error) {
	b.Due, b.Why, b.Document = q.retryAt(cause), cause.Error(), nil
	b, err := q.save(ctx, b)
	return b, errors.Join(q.waits(ctx, b, cause), err)
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
	if b, err = q.saveWith(ctx, b, es, EntryUnknownSent, why); err == nil {
		lost := b.event(EventAnswerLost)
		lost.Text = why
		q.observe(ctx, lost)
	}
	return b, err
}

// learn records what became of the one createFeed, whatever somebody else made
// of the batch meanwhile. What Amazon said must not be lost again: saving does
// not end with the caller's context, and is tried again until it works. Only a
// caller that waits to end, while the store fails for half a minute more, gets
// the error; then the batch stays Submitting, which the next pass reads as
// unknown.
func (q *Queue) learn(ctx context.Context, b Batch, feed amazon.Feed, sent error) (Batch, error) {
	ended := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	committed := b.Version
	var patience <-chan time.Time // begins when the caller's context ends
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		learned, err := q.tryLearn(ctx, b, committed, feed, sent)
		if err == nil {
			return learned, ignoreThrottled(sent)
		}
		select {
		case <-ended:
			ended, patience = nil, time.After(learnPatience)
		default:
		}
		lost := errors.Is(err, ErrTransition)
		if !lost {
			unsaved := b.event(EventAnswerUnsaved)
			unsaved.Document, unsaved.Err = feed.ID, err
			q.observe(ctx, unsaved)
			select {
			case <-patience:
				lost = true
			case <-time.After(wait):
			}
		}
		if lost {
			// Hidden with %v: a conflict here does not mean that another worker saved it.
			err = fmt.Errorf("answer of createFeed (Document Number %q) is not saved: %v", feed.ID, err)
			return b, errors.Join(err, ignoreThrottled(sent))
		}
		if found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}}); err == nil && len(found) == 1 {
			b = found[0]
		}
	}
}

// learnPatience is how long a caller whose context has ended waits for the store.
const learnPatience = 30 * time.Second

func (q *Queue) tryLearn(ctx context.Context, b Batch, committed int64, feed amazon.Feed, sent error) (Batch, error) {
	// Until this answer is saved, the batch can only have been given up for lost,
	// once. If it went on, an earlier try was saved though its own answer was lost,
	// and the batch may be Submitting again: by another, whose createFeed this
	// answer is not about.
	open := b.State == BatchSubmitting && b.Version == committed || b.State == BatchUnknownSent && b.Version == committed+1
	if !open && (feed.ID == "" || feed.ID == b.DocumentNumber) {
		return b, nil
	}
	if !open {
		return b, fmt.Errorf("batch %s is %s with Document Number %q: %w", b.ID, b.State, b.DocumentNumber, ErrTransition)
	}
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	switch {
	case sent == nil && feed.ID != "":
		b.DocumentNumber, b.Due = feed.ID, q.now().Add(pollInterval(0))
		if !feed.CreatedAt.IsZero() {
			b.AttemptedAt = feed.CreatedAt.UTC()
		}
		if err := b.move(BatchInQueue, ""); err != nil {
			return b, err
		}
		if b, err = q.saveWith(ctx, b, es, EntrySubmitted, "Document Number "+string(feed.ID)); err == nil {
			answered := b.event(EventBatchSent)
			answered.Next = b.Due
			q.observe(ctx, answered)
		}
		return b, err

	case sent != nil && amazon.Whether(sent) == amazon.NotSent:
		b.Due = q.retryAt(sent)
		if err := b.move(BatchUploaded, sent.Error()); err != nil {
			return b, err
		}
		if b, err = q.saveWith(ctx, b, es, EntryClaimed, "not sent: "+sent.Error()); err == nil {
			unsent := b.event(EventNotSent)
			unsent.Next, unsent.Err = b.Due, sent
			q.observe(ctx, unsent)
		}
		return b, err

	case sent != nil && amazon.Whether(sent) == amazon.Answered:
		b.Applied, b.Open = true, len(es)
		if err := b.move(BatchCancelled, sent.Error()); err != nil {
			return b, err
		}
		return q.saveWith(ctx, b, es, EntryNeedsDecision, "not sent: "+sent.Error())
	}

	why := "Amazon's answer held no Document Number"
	if sent != nil {
		why = sent.Error()
	}
	if b.State == BatchUnknownSent {
		return b, nil
	}
	return q.lose(ctx, b, why)
}
