package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// turn is what the workers of all processes share about an account, beside its
// entries and batches: whose turn it is to work on it, and what paces that. It is
// one cell.
//
// No law rests on it: whoever works without having the turn meets the
// compare-and-sets of batches and entries. It keeps workers from doing so in vain.
type turn struct {
	Holder string    `json:"holder,omitzero"` // who works on the account; empty: nobody
	Until  time.Time `json:"until,omitzero"`  // when that ends, if nobody says so before

	NotBefore time.Time `json:"not_before,omitzero"` // nothing is done for the account before, because of errors
	Failures  int       `json:"failures,omitzero"`   // passes in a row in which nothing worked

	Wait   map[amazon.FeedType]time.Time `json:"wait,omitzero"`   // no document is begun before: there is no token for it
	Sent   map[amazon.FeedType]time.Time `json:"sent,omitzero"`   // when createFeed was last called
	Newest time.Time                     `json:"newest,omitzero"` // the attempt of that, on Amazon's clock
	First  int                           `json:"first,omitzero"`  // documents of cancellations in a row

	Cancelled int     `json:"cancelled,omitzero"` // feeds in a row that Amazon cancelled
	Culprit   BatchID `json:"culprit,omitzero"`   // the last one's batch

	account order.AccountID
	version int64
	wrong   error // why nothing is done: the cell holds something else, or the account is disputed
}

const (
	leaseTime  = 5 * time.Minute  // more than nearly every pass over an account takes
	maxBackoff = 30 * time.Minute // between two passes over an account whose every call fails
	maxWait    = 30 * time.Minute // for a token: then Amazon is asked again, whatever it said

	// maxSkew is how far ahead of ours another worker's clock may be. A time that is
	// further ahead than its rule allows was written by a clock that is wrong, or
	// before ours was set back; it does not count.
	maxSkew = 5 * time.Minute
)

func turnCell(id order.AccountID) string { return "queue/account/" + string(id) }

// turns reads the turns of accounts. A turn that cannot be read is the error of
// its account alone.
func (q *Queue) turns(ctx context.Context, ids []order.AccountID) (map[order.AccountID]*turn, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = turnCell(id)
	}
	found, err := q.cells(ctx, names...)
	if err != nil {
		return nil, err
	}
	now := q.now()
	turns := make(map[order.AccountID]*turn, len(ids))
	for i, id := range ids {
		c := found[names[i]]
		t := &turn{}
		if err := decode(c, t); err != nil {
			*t = turn{wrong: err}
		}
		t.account, t.version = id, c.Version
		t.cut(now)
		turns[id] = t
	}
	return turns, nil
}

// cut forgets times that no rule allows, so that a worker whose clock is wrong
// blocks no account.
func (t *turn) cut(now time.Time) {
	beyond := func(at time.Time, rule time.Duration) bool { return at.After(now.Add(rule + maxSkew)) }
	t.Failures = max(0, t.Failures)
	if beyond(t.Until, leaseTime) || !t.Until.After(now) {
		t.Holder, t.Until = "", time.Time{}
	}
	if beyond(t.NotBefore, maxBackoff) {
		t.NotBefore = time.Time{}
	}
	for feed, at := range t.Wait {
		if beyond(at, maxWait) {
			delete(t.Wait, feed)
		}
	}
	for feed, at := range t.Sent {
		if beyond(at, 0) {
			delete(t.Sent, feed)
		}
	}
}

// take takes the turn, unless somebody else was faster.
func (q *Queue) take(ctx context.Context, t *turn) (bool, error) {
	t.Holder = rand.Text()
	return q.extend(ctx, t)
}

// keep makes a turn that is half over last longer. It answers false when it was
// lost: then nothing new may be started.
func (q *Queue) keep(ctx context.Context, t *turn) (bool, error) {
	if t.Until.Sub(q.now()) > leaseTime/2 {
		return true, nil
	}
	return q.extend(ctx, t)
}

func (q *Queue) extend(ctx context.Context, t *turn) (bool, error) {
	t.Until = q.now().Add(leaseTime)
	err := q.put(ctx, turnCell(t.account), t.version, t)
	if errors.Is(err, store.ErrConflict) {
		return false, nil
	}
	t.version++
	return err == nil, err
}

// give gives the turn back with what was learned in it, also when the caller's
// context has ended. Who has lost it gives nothing.
func (q *Queue) give(ctx context.Context, t *turn) error {
	t.Holder, t.Until = "", time.Time{}
	if err := q.put(context.WithoutCancel(ctx), turnCell(t.account), t.version, t); !errors.Is(err, store.ErrConflict) {
		return err
	}
	return nil
}

// failed counts a pass in which nothing worked. An account's errors move only its
// own next time.
func (t *turn) failed(now time.Time) {
	wait := maxBackoff
	if t.Failures < 5 {
		wait = time.Minute << t.Failures
	}
	t.Failures++
	t.NotBefore = now.Add(wait)
}

// sent notes a createFeed.
func (t *turn) sent(b Batch, now time.Time) {
	if t.Sent == nil {
		t.Sent = map[amazon.FeedType]time.Time{}
	}
	t.Sent[b.Feed] = now
	t.Newest = later(t.Newest, b.AttemptedAt)
	if b.Feed == amazon.CancelFeed {
		t.First++
	} else {
		t.First = 0
	}
}

// wait notes that no document of a type can be begun before a time.
func (t *turn) wait(feed amazon.FeedType, until time.Time) {
	if t.Wait == nil {
		t.Wait = map[amazon.FeedType]time.Time{}
	}
	t.Wait[feed] = until
}

// cancelsFirst is how many documents of cancellations go before one of refunds
// that waits too.
const cancelsFirst = 3

// feeds lists the types in the order in which they may send. Cancellations come
// first, since a parcel that leaves cannot be called back; but not for ever.
func (t *turn) feeds() []amazon.FeedType {
	if t.First >= cancelsFirst {
		return []amazon.FeedType{amazon.RefundFeed, amazon.CancelFeed}
	}
	return []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed}
}
