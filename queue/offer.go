package queue

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// offer is what may go in one document, or when there will be something.
type offer struct {
	entries func() ([]Entry, error) // in their order
	by      string                  // who said that they shall go
	at      time.Time
}

// entriesAtOnce is how many entries are read at a time where most of them are not
// needed.
const entriesAtOnce = 200

// sendable is when the next document of an account may be begun, as far as its
// entries and what stands against it tell; zero when there is none to come.
func (q *Queue) sendable(ctx context.Context, a amazon.Account, v visit, h halt) (at time.Time, err error) {
	if h.paused() {
		return at, nil
	}
	now := q.now()
	for _, r := range h.recovering() {
		if look := r.By.At.Add(q.c.Margin); look.After(now) {
			return look, nil
		}
	}
	for _, feed := range v.turn.feeds() {
		if !v.waiting[feed] {
			continue
		}
		if wait := v.turn.Wait[feed]; wait.After(now) {
			at = earlier(at, wait)
			continue
		}
		for o, err := range q.offers(ctx, a, feed, v.turn.Sent[feed]) {
			if err != nil {
				return at, err
			}
			if o.at.IsZero() {
				return now, nil
			}
			at = earlier(at, o.at)
			break
		}
	}
	return at, nil
}

// offers yields what shall go now, for one document after the other: those that
// were promised to a selection, the oldest promise first, then what goes by
// itself in this mode. Later ones are for when nothing of the earlier can go. The
// last one may only say when there will be more.
//
// Whether there is an offer costs little; its entries are read when it is taken.
func (q *Queue) offers(ctx context.Context, a amazon.Account, t amazon.FeedType, sent time.Time) iter.Seq2[offer, error] {
	return func(yield func(offer, error) bool) {
		ready := EntryQuery{Accounts: []order.AccountID{a.ID}, Feeds: []amazon.FeedType{t}, States: []State{EntryQueued}, ReadyBy: q.now()}
		chosen := ready
		chosen.Selected = true
		tried := map[BatchID]bool{}
		var at time.Time
		for es, err := range q.pages(ctx, chosen) {
			if err != nil {
				yield(offer{}, err)
				return
			}
			for _, e := range es {
				promise := *e.Selection
				if q.rests(e) {
					at = earlier(at, q.waited(e, q.c.Batching.Grace))
					continue
				}
				if tried[promise.Batch] {
					continue
				}
				tried[promise.Batch] = true
				if !yield(offer{entries: func() ([]Entry, error) { return q.promised(ctx, ready, promise.Batch) }, by: promise.By}, nil) {
					return
				}
			}
		}

		s, err := q.c.Settings.Settings(ctx, a.Company)
		if err != nil {
			yield(offer{}, err)
			return
		}
		due, err := q.byItself(ctx, ready, s.Mode(), sent)
		if err != nil {
			yield(offer{}, err)
			return
		}
		if due.IsZero() || due.After(q.now()) {
			if at = earlier(at, due); !at.IsZero() {
				yield(offer{at: at}, nil)
			}
			return
		}
		for page, more := ready, true; more; {
			page.Limit = q.c.Batching.Messages
			read := func() ([]Entry, error) {
				es, err := q.c.Store.Entries(ctx, page)
				if more = len(es) == page.Limit; more {
					page.After = es[len(es)-1].Cursor()
				}
				return slices.DeleteFunc(es, func(e Entry) bool { return !q.free(e, s.Mode()) }), err
			}
			if !yield(offer{entries: read, by: string(s.Mode())}, nil) {
				return
			}
		}
	}
}

// promised reads what was promised to a selection, of what is ready to go.
func (q *Queue) promised(ctx context.Context, ready EntryQuery, b BatchID) ([]Entry, error) {
	ready.Selected, ready.Batch = true, b
	es, err := q.c.Store.Entries(ctx, ready)
	return slices.DeleteFunc(es, func(e Entry) bool {
		// An earlier attempt of an entry may have been in that batch.
		return e.Selection.Batch != b || q.rests(e)
	}), err
}

// free tells whether an entry may go by itself in a mode. What was chosen goes
// with its selection, and what waited for a person or a batch does not go by
// itself when Queue is switched off.
func (q *Queue) free(e Entry, mode settings.Mode) bool {
	left := mode == settings.Direct && (e.Mode == settings.Manual || e.Mode == settings.Auto)
	return e.Selection == nil && !left && !q.rests(e)
}

// rests tells whether an entry is in its time of grace.
func (q *Queue) rests(e Entry) bool {
	return q.c.Batching.Grace > 0 && q.waited(e, q.c.Batching.Grace).After(q.now())
}

// waited is when an entry has waited for so long. One that was queued in times to
// come was queued by a clock that is wrong: it has waited.
func (q *Queue) waited(e Entry, d time.Duration) time.Time {
	if now := q.now(); e.QueuedAt.After(now.Add(maxSkew)) {
		return now
	}
	return e.QueuedAt.Add(d)
}

// byItself is when something of what is ready goes by itself in a mode; zero when
// nothing does.
//
// Auto counts only entries that could go. One that waits for another entry of its
// order does not count: it would make every pass send what has just come.
func (q *Queue) byItself(ctx context.Context, ready EntryQuery, mode settings.Mode, sent time.Time) (at time.Time, err error) {
	if mode == settings.Manual {
		return at, nil
	}
	limits, now := q.c.Batching, q.now()
	apart := sent.Add(limits.Apart)
	if mode == settings.Auto && !sent.IsZero() && apart.After(now) {
		return apart, nil
	}
	count := 0
	for es, err := range q.pages(ctx, ready) {
		if err != nil {
			return at, err
		}
		var resting time.Time // those behind it are younger
		if i := slices.IndexFunc(es, q.rests); i >= 0 {
			es, resting = es[:i], q.waited(es[i], limits.Grace)
		}
		es = slices.DeleteFunc(es, func(e Entry) bool { return !q.free(e, mode) })
		if mode == settings.Direct && len(es) > 0 {
			return now, nil
		}
		if len(es) > 0 && at.IsZero() && limits.Count == 0 {
			if due := q.waited(es[0], limits.Interval); due.After(now) {
				return due, nil // and those behind it are due later, whether they can go or not
			}
		}
		if es, err = q.notBusy(ctx, es); err != nil {
			return at, err
		}
		count += len(es)
		if len(es) > 0 && at.IsZero() {
			at = q.waited(es[0], limits.Interval)
		}
		switch {
		case limits.Count > 0 && count >= limits.Count:
			return now, nil
		case !at.IsZero() && (limits.Count == 0 || !at.After(now)):
			return at, nil
		case !resting.IsZero():
			return earlier(at, resting), nil
		}
	}
	return at, nil
}

// notBusy leaves out entries whose orders have another entry under way.
func (q *Queue) notBusy(ctx context.Context, es []Entry) ([]Entry, error) {
	if len(es) == 0 {
		return nil, nil
	}
	busy, err := q.busy(ctx, es)
	return slices.DeleteFunc(es, func(e Entry) bool { return busy[e.Order] != "" }), err
}

// pages reads the entries of a query page by page, the first one of a single
// entry: mostly that is enough.
func (q *Queue) pages(ctx context.Context, query EntryQuery) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		for query.Limit = 1; ; query.Limit = entriesAtOnce {
			es, err := q.c.Store.Entries(ctx, query)
			if err != nil {
				yield(nil, err)
				return
			}
			last := len(es) < query.Limit
			if !last {
				query.After = es[len(es)-1].Cursor()
			}
			if !yield(es, nil) || last {
				return
			}
		}
	}
}
