package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// idle is when to come back when nothing is known to be due.
const idle = time.Minute

// Step makes one pass over all accounts: it sends what is due, asks for what was
// sent, and applies what Amazon answered. It says when to come back at the
// latest. One account's error does not keep the others from their turn; the
// errors are joined. When the context ends, nothing new is started, and a
// request that is on its way is waited for.
func (q *Queue) Step(ctx context.Context) (next time.Time, err error) {
	next = q.now().Add(idle)
	accounts, err := q.c.Accounts.Accounts(ctx)
	if err != nil {
		return next, fmt.Errorf("accounts: %w", err)
	}
	var errs []error
	for _, a := range accounts {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		due, err := q.account(ctx, a)
		if errors.Is(err, store.ErrConflict) {
			// Another worker was faster. Its save is as good as ours.
			due, err = q.now(), nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", a.ID, err))
		}
		next = earlier(next, due)
	}
	return next, errors.Join(errs...)
}

// account makes one pass over an account and says when its next thing is due;
// zero when nothing is.
func (q *Queue) account(ctx context.Context, a amazon.Account) (time.Time, error) {
	if err := a.Check(); err != nil {
		return time.Time{}, err
	}
	batches, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{a.ID}, Unapplied: true})
	if err != nil {
		return time.Time{}, err
	}
	now := q.now()
	var next time.Time
	var errs []error
	for i, b := range batches {
		if b.Due.After(now) {
			next = earlier(next, b.Due)
			continue
		}
		b, err := q.advance(ctx, a, b, batches)
		if err != nil {
			errs = append(errs, fmt.Errorf("batch %s: %w", b.ID, err))
		}
		if batches[i] = b; !b.Applied && b.State != BatchUnknownSent {
			next = earlier(next, b.Due)
		}
	}
	// Cancellations first: a parcel that leaves cannot be called back.
	for _, t := range []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed} {
		if ctx.Err() != nil {
			return next, errors.Join(append(errs, ctx.Err())...)
		}
		due, err := q.fill(ctx, a, t, batches)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t, err))
		}
		next = earlier(next, due)
	}
	return next, errors.Join(errs...)
}

// advance takes a batch as far as it goes now.
func (q *Queue) advance(ctx context.Context, a amazon.Account, b Batch, all []Batch) (Batch, error) {
	switch b.State {
	case BatchBuilding, BatchUploaded:
		return q.resume(ctx, a, b, all)
	case BatchSubmitting:
		// Not committed by this goroutine: whoever did may be dead, or waiting for
		// Amazon right now. Sending is not ours to repeat.
		return q.lose(ctx, b, "whoever was sending it did not say what became of it")
	case BatchInQueue, BatchInProgress:
		return q.poll(ctx, a, b)
	case BatchDone, BatchCancelled, BatchFatal:
		return q.settle(ctx, b)
	}
	return b, nil // UnknownSent waits for evidence; a word of a newer version is left alone
}

// fence is the moment from which another createFeed of a type may be called: a
// lost one may arrive at Amazon until then.
func fence(batches []Batch, t amazon.FeedType) time.Time {
	var until time.Time
	for _, b := range batches {
		if b.Feed == t && (b.State == BatchSubmitting || b.State == BatchUnknownSent) && b.Fence.After(until) {
			until = b.Fence
		}
	}
	return until
}

// resume sends a batch that an earlier pass built and did not send.
func (q *Queue) resume(ctx context.Context, a amazon.Account, b Batch, all []Batch) (Batch, error) {
	if until := fence(all, b.Feed); until.After(q.now()) {
		b.Due = until
		return b, nil
	}
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}, Contents: true})
	if err != nil {
		return b, err
	}
	if len(found) == 0 {
		return b, nil
	}
	ticket, err := q.c.Feeds.Begin(ctx, a, b.Feed)
	if err != nil {
		b.Due = q.retryAt(err)
		return b, ignoreThrottled(err)
	}
	defer ticket.Close()
	return q.send(ctx, found[0], ticket)
}

// fill makes and sends one document of what is due for an account and type, and
// says when more is.
func (q *Queue) fill(ctx context.Context, a amazon.Account, t amazon.FeedType, batches []Batch) (time.Time, error) {
	now := q.now()
	es, by, due, err := q.due(ctx, a, t)
	if err != nil || len(es) == 0 {
		return due, err
	}
	if until := fence(batches, t); until.After(now) {
		return until, nil
	}
	for _, b := range batches {
		if b.Feed == t && (b.State == BatchBuilding || b.State == BatchUploaded) {
			return earlier(time.Time{}, b.Due), nil // its turn comes first
		}
	}

	// A token first, and only then a claim: entries that wait for the bucket stay
	// Queued and can still be withdrawn.
	ticket, err := q.c.Feeds.Begin(ctx, a, t)
	if err != nil {
		return q.retryAt(err), ignoreThrottled(err)
	}
	defer ticket.Close()
	b, more, err := q.claim(ctx, a, t, es, by)
	if err != nil || b.ID == "" {
		return more, err
	}
	if b, err = q.send(ctx, b, ticket); b.State == BatchInQueue {
		more = q.now() // there may be a second document to send
	}
	return earlier(more, b.Due), err
}

// due reads the entries that shall go now, in their order, and who said so; or
// when the first of them shall.
func (q *Queue) due(ctx context.Context, a amazon.Account, t amazon.FeedType) (es []Entry, by string, at time.Time, err error) {
	now := q.now()
	waiting := EntryQuery{
		Accounts: []order.AccountID{a.ID}, Feeds: []amazon.FeedType{t}, States: []State{EntryQueued},
		ReadyBy: now, Limit: q.c.Batching.Messages,
	}
	chosen := waiting
	chosen.Selected = true
	if es, err = q.c.Store.Entries(ctx, chosen); err != nil {
		return nil, "", at, err
	}
	if len(es) > 0 {
		// One document per batch ID that was promised, the oldest promise first.
		batch := es[0].Selection.Batch
		var same []Entry
		for _, e := range es {
			if e.Selection.Batch == batch {
				same = append(same, e)
			}
		}
		return same, es[0].Selection.By, at, nil
	}

	s, err := q.c.Settings.Settings(ctx, a.Company)
	if err != nil {
		return nil, "", at, err
	}
	if s.Mode() == settings.Manual {
		return nil, "", at, nil
	}
	if es, err = q.c.Store.Entries(ctx, waiting); err != nil || len(es) == 0 {
		return nil, "", at, err
	}
	if at = es[0].QueuedAt.Add(q.c.Batching.Interval); s.Mode() == settings.Auto && at.After(now) {
		return nil, "", at, nil
	}
	return es, string(s.Mode()), time.Time{}, nil
}

// retryAt is when to try again after an error of Amazon's.
func (q *Queue) retryAt(err error) time.Time {
	if at, throttled := amazon.Throttled(err); throttled {
		return at
	}
	return q.now().Add(time.Minute)
}

// ignoreThrottled drops an error that only says to come later: being throttled
// is waiting, not failing.
func ignoreThrottled(err error) error {
	if _, throttled := amazon.Throttled(err); throttled {
		return nil
	}
	return err
}

// earlier is the earlier of two times; zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
