package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// idle is when to come back when nothing is known to be due.
const idle = time.Minute

// conflictPause keeps two workers that meet from spinning.
const conflictPause = 2 * time.Second

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
	open, err := q.c.Store.Batches(ctx, BatchQuery{Unapplied: true})
	if err != nil {
		return next, err
	}
	batches := map[order.AccountID][]Batch{}
	for _, b := range open {
		batches[b.Account] = append(batches[b.Account], b)
	}
	var errs []error
	for _, a := range accounts {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		due, err := q.account(ctx, a, batches[a.ID])
		delete(batches, a.ID)
		if err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", a.ID, err))
		}
		next = earlier(next, due)
	}
	for id, unlisted := range batches {
		if ctx.Err() == nil {
			errs = append(errs, fmt.Errorf("account %s is not in Accounts, and %d of its batches are open, such as %s: list it until they are done", id, len(unlisted), unlisted[0].ID))
		}
	}
	return next, errors.Join(errs...)
}

// account makes one pass over an account and says when its next thing is due;
// zero when nothing is.
func (q *Queue) account(ctx context.Context, a amazon.Account, batches []Batch) (time.Time, error) {
	if err := a.Check(); err != nil {
		return time.Time{}, err
	}
	now := q.now()
	var next time.Time
	var errs []error
	done := func(what string, due time.Time, err error) {
		if errors.Is(err, store.ErrConflict) {
			// Another worker was faster. Its save is as good as ours.
			q.c.Logger.DebugContext(ctx, "another worker was faster", "account", a.ID, "what", what, "error", err)
			due, err = q.now().Add(conflictPause), nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
		next = earlier(next, due)
	}
	for i, b := range batches {
		if ctx.Err() != nil {
			break
		}
		if !b.Due.After(now) {
			var err error
			b, err = q.advance(ctx, a, b, batches)
			batches[i] = b
			done("batch "+string(b.ID), time.Time{}, err)
		}
		if !b.Applied && b.Due.After(now) {
			next = earlier(next, b.Due)
		}
	}
	for _, t := range []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed} {
		due, err := q.look(ctx, a, t, batches)
		done("look for "+string(t), due, err)
	}
	due, err := q.testify(ctx, a)
	done("evidence", due, err)
	// Cancellations first: a parcel that leaves cannot be called back.
	for _, t := range []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed} {
		if ctx.Err() != nil {
			break
		}
		due, err := q.fill(ctx, a, t, batches)
		done(string(t), due, err)
	}
	if ctx.Err() != nil {
		errs = append(errs, ctx.Err())
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
		return q.settle(ctx, a, b)
	}
	return b, nil // UnknownSent waits for evidence; a word of a newer version is left alone
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
	if len(found) == 0 || found[0].Version != b.Version {
		// Somebody else took it up, and may be sending it.
		return b, fmt.Errorf("batch %s: %w", b.ID, store.ErrConflict)
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
	var next time.Time
	var ticket amazon.Ticket
	for o, err := range q.offers(ctx, a, t) {
		if err != nil || !o.at.IsZero() {
			return earlier(next, o.at), err
		}
		if ticket == nil {
			if wait, until := q.mustWait(batches, t); wait {
				return until, nil
			}
			// A token first, and only then a claim: entries that wait for the bucket
			// stay Queued and can still be withdrawn.
			if ticket, err = q.c.Feeds.Begin(ctx, a, t); err != nil {
				return q.retryAt(err), ignoreThrottled(err)
			}
			defer ticket.Close()
		}
		entries, err := o.entries()
		if err != nil {
			return next, err
		}
		if len(entries) == 0 {
			continue // somebody was faster
		}
		b, more, err := q.claim(ctx, a, t, entries, o.by)
		next = earlier(next, more)
		if err != nil {
			return next, err
		}
		if b.ID == "" {
			continue // none of these can go now; they keep nobody else back
		}
		if b, err = q.send(ctx, b, ticket); b.State == BatchInQueue {
			next = q.now() // there may be a second document to send
		}
		return earlier(next, b.Due), err
	}
	return next, nil
}

// mustWait tells whether a new document of a type has to wait for those that there
// are, and until when; zero when that is told elsewhere.
func (q *Queue) mustWait(batches []Batch, t amazon.FeedType) (wait bool, until time.Time) {
	if until := fence(batches, t); until.After(q.now()) {
		return true, until
	}
	return slices.ContainsFunc(batches, func(b Batch) bool {
		return b.Feed == t && (b.State == BatchBuilding || b.State == BatchUploaded) // its turn comes first
	}), time.Time{}
}

// offer is what may go in one document, or when there will be something.
type offer struct {
	entries func() ([]Entry, error) // in their order
	by      string                  // who said that they shall go
	at      time.Time
}

// chosenPage is how many chosen entries are read at a time to find the promise
// of each.
const chosenPage = 200

// offers yields what shall go now, for one document after the other: those that
// were promised to a selection, the oldest promise first, then what goes by
// itself in this mode. Later ones are for when nothing of the earlier can go.
func (q *Queue) offers(ctx context.Context, a amazon.Account, t amazon.FeedType) iter.Seq2[offer, error] {
	return func(yield func(offer, error) bool) {
		now := q.now()
		ready := EntryQuery{Accounts: []order.AccountID{a.ID}, Feeds: []amazon.FeedType{t}, States: []State{EntryQueued}, ReadyBy: now}
		// The first one is mostly enough; the whole of a selection is read when it
		// may go, so that a pass that has to wait does not cost as much as one that
		// sends.
		chosen := ready
		chosen.Selected, chosen.Limit = true, 1
		tried := map[BatchID]bool{}
		for more := true; more; chosen.Limit = chosenPage {
			es, err := q.c.Store.Entries(ctx, chosen)
			if err != nil {
				yield(offer{}, err)
				return
			}
			for _, e := range es {
				chosen.After = e.Cursor()
				promise := *e.Selection
				if tried[promise.Batch] {
					continue
				}
				tried[promise.Batch] = true
				if !yield(offer{entries: func() ([]Entry, error) { return q.promised(ctx, ready, promise.Batch) }, by: promise.By}, nil) {
					return
				}
			}
			more = len(es) == chosen.Limit
		}

		s, err := q.c.Settings.Settings(ctx, a.Company)
		if err != nil {
			yield(offer{}, err)
			return
		}
		if s.Mode() == settings.Manual {
			return
		}
		var es []Entry
		due := false // Auto: the oldest entry that could go has waited long enough
		for ready.Limit = q.c.Batching.Messages; ; ready.After = es[len(es)-1].Cursor() {
			if es, err = q.c.Store.Entries(ctx, ready); err != nil {
				yield(offer{}, err)
				return
			}
			if len(es) == 0 {
				return
			}
			// What waited for a person or a batch does not go by itself when Queue is
			// switched off.
			free := slices.DeleteFunc(slices.Clone(es), func(e Entry) bool {
				return e.Selection != nil || s.Mode() == settings.Direct && (e.Mode == settings.Manual || e.Mode == settings.Auto)
			})
			if s.Mode() == settings.Auto && !due {
				at, err := q.autoAt(ctx, free)
				if err != nil || at.After(now) {
					yield(offer{at: at}, err)
					return
				}
				due = !at.IsZero()
			}
			if len(free) > 0 && !yield(offer{entries: func() ([]Entry, error) { return free, nil }, by: string(s.Mode())}, nil) {
				return
			}
			if len(es) < ready.Limit {
				return
			}
		}
	}
}

// promised reads what was promised to a selection, of what is ready to go.
func (q *Queue) promised(ctx context.Context, ready EntryQuery, b BatchID) ([]Entry, error) {
	ready.Selected, ready.Batch = true, b
	es, err := q.c.Store.Entries(ctx, ready)
	// An earlier attempt of an entry may have been in that batch.
	return slices.DeleteFunc(es, func(e Entry) bool { return e.Selection.Batch != b }), err
}

// autoAt is when the oldest of these entries that could go has waited for the
// interval; zero when none could. One that waits for another entry of its order
// does not count: it would make every pass send what has just come.
func (q *Queue) autoAt(ctx context.Context, es []Entry) (time.Time, error) {
	if len(es) == 0 {
		return time.Time{}, nil
	}
	if at := es[0].QueuedAt.Add(q.c.Batching.Interval); at.After(q.now()) {
		return at, nil
	}
	busy, err := q.busy(ctx, es)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range es {
		if _, waits := busy[e.Order]; !waits {
			return e.QueuedAt.Add(q.c.Batching.Interval), nil
		}
	}
	return time.Time{}, nil
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
