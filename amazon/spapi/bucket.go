package spapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// level is how full a bucket is, in a form that outlives the process. The zero
// time of Empty is so long ago that the bucket is full.
type level struct {
	Empty   time.Time     `json:"empty,omitzero"`   // it held no token then, and has been filling since
	Every   time.Duration `json:"every"`            // the time in which one token is refilled
	Blocked time.Time     `json:"blocked,omitzero"` // Amazon's word against our count
}

// limiter counts on from the level.
func (l level) limiter(burst int) *rate.Limiter {
	tokens := rate.NewLimiter(rate.Every(l.Every), burst)
	tokens.AllowN(l.Empty, burst)
	return tokens
}

// full is when a bucket that is full now was empty, at the latest.
func (l level) full(burst int, now time.Time) time.Time {
	return now.Add(-time.Duration(burst) * l.Every)
}

// fill lets nothing run over: what a full bucket was refilled with is lost.
func (l *level) fill(burst int, now time.Time) {
	if full := l.full(burst, now); l.Empty.Before(full) {
		l.Empty = full
	}
}

// cut takes out what no rule of ours can have put there, so that a worker whose
// clock is wrong blocks nobody for long: a bucket that is empty for more than a
// refill or a minute to come, a block of more than a refill and its spread, a
// rate that no plan has. It tells whether there was such a thing: unless that is
// saved, it is cut anew each time. Clocks that differ by less are believed, or a
// worker behind would give out again what one ahead has taken.
func (l *level) cut(op operation, now time.Time) (done bool) {
	if !op.plausible(l.Every.Seconds()) {
		l.Every, done = op.every, true
	}
	if most := now.Add(max(l.Every, time.Minute)); l.Empty.After(most) {
		l.Empty, done = most, true
	}
	if most := now.Add(2 * l.Every); l.Blocked.After(most) {
		l.Blocked, done = most, true
	}
	return done
}

// take takes a token if there is one, else says when there will be.
func (l *level) take(burst int, now time.Time) (comes time.Time, ok bool) {
	if now.Before(l.Blocked) {
		return l.Blocked, false
	}
	// A nanosecond early is a 429. The limiter is that exact in what it allows, but
	// not in saying how long to wait.
	if l.Empty.After(now) || !l.limiter(burst).AllowN(now, 1) {
		return l.Empty.Add(l.Every), false
	}
	l.fill(burst, now)
	l.Empty = l.Empty.Add(l.Every)
	return time.Time{}, true
}

// giveBack returns a token that was not used.
func (l *level) giveBack(burst int, now time.Time) {
	l.fill(burst, now)
	l.Empty = l.Empty.Add(-l.Every)
}

// spend counts a token that was taken earlier as taken now, when Amazon counted
// it: a bucket that was full meanwhile did not refill it.
func (l *level) spend(burst int, now time.Time) {
	l.giveBack(burst, now)
	l.fill(burst, now)
	l.Empty = l.Empty.Add(l.Every)
}

// refuse believes Amazon that there are no tokens, whoever used them.
func (l *level) refuse(until, at time.Time) {
	if at.After(l.Empty) {
		l.Empty = at
	}
	if until.After(l.Blocked) {
		l.Blocked = until
	}
}

// learn keeps the tokens and goes on at another rate.
func (l *level) learn(every time.Duration, burst int, now time.Time) {
	l.fill(burst, now)
	tokens := now.Sub(l.Empty).Seconds() / l.Every.Seconds()
	l.Every = every
	l.Empty = now.Add(-time.Duration(tokens * float64(every)))
}

// plausible tells whether a usage plan may refill a token in so many seconds:
// Amazon raises the rates of some sellers, and never changes them by orders of
// magnitude.
func (op operation) plausible(seconds float64) bool {
	plan := op.every.Seconds()
	return seconds >= plan/100 && seconds <= plan*100
}

// interval reads the rate that Amazon says is in force. It answers false for a
// header that is absent or absurd. Amazon rounds the rate: what differs from the
// plan by less than a hundredth is the plan, whose interval is exact.
func (op operation) interval(h http.Header) (time.Duration, bool) {
	perSecond, err := strconv.ParseFloat(h.Get("x-amzn-RateLimit-Limit"), 64)
	seconds := 1 / perSecond
	if err != nil || !op.plausible(seconds) {
		return 0, false
	}
	every := time.Duration(seconds * float64(time.Second))
	if off := every - op.every; off.Abs() < op.every/100 {
		every = op.every
	}
	return every, true
}

// buckets are those of all accounts and operations. Amazon counts each by
// itself.
type buckets struct {
	means
	mu sync.Mutex
	of map[bucketKey]*bucket
}

// means is what a bucket works with.
type means struct {
	cells store.Cells // nil: levels are kept in memory
	now   func() time.Time
	wait  func(context.Context, time.Duration) error
	log   *slog.Logger
}

type bucketKey struct {
	account order.AccountID
	op      string
}

func (bs *buckets) bucket(a amazon.Account, op operation) *bucket {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	key := bucketKey{a.ID, op.name}
	b := bs.of[key]
	if b == nil {
		b = &bucket{
			means: bs.means, account: a, op: op,
			name:   fmt.Sprintf("amazon/spapi/bucket/%s/%s", a.ID, op.name),
			turn:   make(chan struct{}, 1),
			head:   make(chan struct{}, 1),
			memory: level{Every: op.every},
			every:  op.every,
		}
		bs.of[key] = b
	}
	return b
}

// bucket holds the tokens of one account for one operation.
type bucket struct {
	means
	account amazon.Account
	op      operation
	name    string // of the cell

	turn   chan struct{} // held while a level is read, changed and saved
	memory level         // the level where there are no cells; guarded by turn

	head chan struct{} // held by whoever gets the next token

	mu    sync.Mutex
	news  []event       // what happened and is not saved yet
	queue int           // how many hold head or want it
	next  time.Time     // when there will be a token, as last seen
	every time.Duration // the rate in force, as last seen
}

// event is something that happened to a bucket, and when.
type event struct {
	at   time.Time
	edit func(l *level, at time.Time)
}

// change reads the level, enters the news, lets the level be changed, and saves
// it: again from the start when another process was faster. A decision that
// answers false leaves the level as it is.
func (b *bucket) change(ctx context.Context, decide func(l *level, now time.Time) bool) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for range maxConflicts {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, version, err := b.load(ctx)
		if err != nil {
			return err
		}
		now := b.now()
		cut := l.cut(b.op, now)
		b.mu.Lock()
		news := b.news
		if len(news) == 0 {
			b.every = l.Every
		}
		b.mu.Unlock()
		for _, e := range news {
			e.edit(&l, e.at)
		}
		if !decide(&l, now) && !cut && len(news) == 0 {
			return nil
		}
		if err := b.save(ctx, l, version); errors.Is(err, store.ErrConflict) {
			continue
		} else if err != nil {
			return err
		}
		b.mu.Lock()
		b.news = b.news[len(news):]
		b.mu.Unlock()
		return nil
	}
	return fmt.Errorf("cell %s: %w, %d times in a row: does the store check versions right?", b.name, store.ErrConflict, maxConflicts)
}

// maxConflicts is how often other processes can be faster. Each time one of them
// got on, so it is a sign of a store that refuses everything.
const maxConflicts = 100

func (b *bucket) load(ctx context.Context) (level, int64, error) {
	if b.cells == nil {
		return b.memory, 0, nil
	}
	found, err := b.cells.Cells(ctx, []string{b.name})
	if err != nil {
		return level{}, 0, fmt.Errorf("read bucket: %w", err)
	}
	if len(found) == 0 {
		return level{Every: b.op.every}, 0, nil
	}
	var l level
	if err := json.Unmarshal(found[0].Data, &l); err != nil {
		return level{}, 0, fmt.Errorf("cell %s does not hold a bucket: %w", b.name, err)
	}
	return l, found[0].Version, nil
}

func (b *bucket) save(ctx context.Context, l level, version int64) error {
	if b.cells == nil {
		b.memory = l
		return nil
	}
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	if err := b.cells.SaveCell(ctx, store.Cell{Name: b.name, Version: version, Data: data}); err != nil {
		return fmt.Errorf("save bucket: %w", err)
	}
	return nil
}

// try takes a token if there is one, else says when there will be.
func (b *bucket) try(ctx context.Context) (comes time.Time, ok bool, err error) {
	err = b.change(ctx, func(l *level, now time.Time) bool {
		comes, ok = l.take(b.op.burst, now)
		return ok
	})
	if err != nil {
		return time.Time{}, false, notSent(b.op, b.account, quiet(err))
	}
	if !ok {
		b.mu.Lock()
		b.next = comes
		b.mu.Unlock()
	}
	return comes, ok, nil
}

// take takes a token. It waits for one so long at most, first come, first
// served, and not at all when the context ends before there would be one: then
// the error says when to come back.
func (b *bucket) take(ctx context.Context, most time.Duration) error {
	if !b.crowded() {
		if _, ok, err := b.try(ctx); err != nil || ok {
			return err
		}
	}
	if err := b.enqueue(ctx, most); err != nil {
		return err
	}
	defer b.dequeue()
	select {
	case b.head <- struct{}{}:
		defer func() { <-b.head }()
	case <-ctx.Done():
		return notSent(b.op, b.account, ctx.Err())
	}
	for {
		comes, ok, err := b.try(ctx)
		if err != nil || ok {
			return err
		}
		d := comes.Sub(b.now())
		if !worth(ctx, d, most) {
			return b.throttled(comes)
		}
		// Counted off, not read off the clock, which a host may have stopped.
		most -= d
		if err := b.wait(ctx, d); err != nil {
			return notSent(b.op, b.account, err)
		}
	}
}

func (b *bucket) crowded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue > 0
}

// enqueue enters the queue for tokens, unless its turn would come too late.
func (b *bucket) enqueue(ctx context.Context, most time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	comes := b.next.Add(time.Duration(b.queue) * b.every)
	if !worth(ctx, comes.Sub(b.now()), most) {
		return b.throttled(comes)
	}
	b.queue++
	return nil
}

func (b *bucket) dequeue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue--
}

// worth tells whether to wait so long, if most is the longest and the context
// lives to see the end of it. Its deadline goes by the real clock.
func worth(ctx context.Context, d, most time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return d <= most && (!limited || d <= time.Until(deadline))
}

// throttled is our own refusal, before Amazon has to make one.
func (b *bucket) throttled(comes time.Time) *amazon.Error {
	e := notSent(b.op, b.account, fmt.Errorf("the account's %s tokens are used up", b.op.name))
	e.RetryAt = comes
	return e
}

// remember enters what became of a request. It is saved with the next token, or
// when the bucket is flushed.
func (b *bucket) remember(edit func(l *level, at time.Time)) {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.news = append(b.news, event{now, edit})
}

// flush lets every process know what this one remembers, also when the context
// of the request has ended. What cannot be saved is remembered further.
func (b *bucket) flush(ctx context.Context) {
	b.tell(ctx, func(*level, time.Time) bool { return false })
}

// tell changes a bucket when a request is over.
func (b *bucket) tell(ctx context.Context, decide func(l *level, now time.Time) bool) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer stop()
	if err := b.change(ctx, decide); err != nil {
		b.log.WarnContext(ctx, "amazon bucket not saved", "op", b.op.name, "account", string(b.account.ID), "error", quiet(err).Error())
	}
}

// giveBack returns a token that was not used. It is not tried again: a save whose
// answer is lost may have worked, and a token given back twice is one too many.
func (b *bucket) giveBack(ctx context.Context) {
	b.tell(ctx, func(l *level, now time.Time) bool {
		l.giveBack(b.op.burst, now)
		return true
	})
}

// spend counts the token that was taken earlier as taken now.
func (b *bucket) spend() {
	b.remember(func(l *level, at time.Time) { l.spend(b.op.burst, at) })
}

// heard learns from the answer to a request, and returns when to come back if
// Amazon had no token for it. Those who are refused together come back at
// different times.
func (b *bucket) heard(status int, h http.Header) (retryAt time.Time) {
	if status == http.StatusTooManyRequests {
		every := b.interval()
		retryAt = b.now().Add(every + rand.N(every/4))
		b.remember(func(l *level, at time.Time) { l.refuse(retryAt, at) })
		return retryAt
	}
	if every, ok := b.op.interval(h); ok && every != b.interval() {
		b.mu.Lock()
		b.every = every
		b.mu.Unlock()
		b.remember(func(l *level, at time.Time) { l.learn(every, b.op.burst, at) })
	}
	return time.Time{}
}

// interval is the time in which a token is refilled, as last seen.
func (b *bucket) interval() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.every
}
