package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// idle is when to come back when nothing is known to be due.
const idle = time.Minute

// conflictPause keeps two workers that meet from spinning.
const conflictPause = 2 * time.Second

// Step makes one pass: it sends what is due, asks for what was sent, and applies
// what Amazon answered, of every account that has something due and that no other
// process is working on. It says when to come back at the latest; at once, when
// the [Budget] was used up first, and then the next Step goes on after the last
// account. One account's error does not keep the others from their turn; the
// errors are joined, and the account is left alone for a while. When the context
// ends, nothing new is started, and a request that is on its way is waited for.
//
// What it costs depends on what is due, not on how many accounts, entries and
// batches there are.
func (q *Queue) Step(ctx context.Context) (next time.Time, err error) {
	next, failed, err := q.step(ctx)
	if err != nil && ctx.Err() == nil {
		q.observe(ctx, Event{Kind: EventStepFailed, Next: next, Err: err})
	}
	err = errors.Join(append(failed, err)...)
	q.observe(ctx, Event{Kind: EventStep, Next: next, Err: err})
	return next, err
}

// step makes one pass. The errors of accounts, which it has told of, are apart
// from those of the pass itself.
func (q *Queue) step(ctx context.Context) (next time.Time, failed []error, err error) {
	began := q.now()
	next = began.Add(idle)
	if err := q.install(ctx); err != nil {
		return next, nil, err
	}
	due, soon, err := q.due(ctx, began)
	next = earlier(next, soon)
	if err != nil || len(due) == 0 {
		return next, nil, err
	}
	round, err := q.round(ctx, due)
	if err != nil {
		return next, nil, err
	}
	begun, worked := 0, 0
	for some := range slices.Chunk(round, accountsAtOnce) {
		accounts, err := q.accounts(ctx, some)
		if err != nil {
			return next, failed, err
		}
		for _, v := range some {
			if ctx.Err() != nil {
				return next, failed, ctx.Err()
			}
			if worked >= q.c.Budget.Accounts || begun > 0 && q.now().Sub(began) >= q.c.Budget.Time {
				last := round[begun-1].turn.account
				return q.now(), failed, q.leave(ctx, last)
			}
			begun++
			a := accounts[v.turn.account]
			due, mine, err := q.visit(ctx, a, v)
			if mine {
				worked++
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("account %s: %w", v.turn.account, err))
			}
			if err != nil && ctx.Err() == nil {
				q.observe(ctx, Event{Kind: EventAccountFailed, Company: a.Company, Account: v.turn.account, Next: due, Err: err})
			}
			next = earlier(next, due)
		}
	}
	return next, failed, ctx.Err()
}

// visit is what may be due for an account.
type visit struct {
	turn    *turn
	batches bool                     // some are due
	again   bool                     // some entries are to be looked at again
	waiting map[amazon.FeedType]bool // entries that may be ready to go
}

// accountsAtOnce is how many accounts are asked of the host in one go.
const accountsAtOnce = 100

// accounts reads whose turns these are. Nothing is done for one that is there twice.
func (q *Queue) accounts(ctx context.Context, round []visit) (map[order.AccountID]amazon.Account, error) {
	ids := make([]order.AccountID, len(round))
	turns := make(map[order.AccountID]*turn, len(round))
	for i, v := range round {
		ids[i], turns[v.turn.account] = v.turn.account, v.turn
	}
	found, err := q.c.Accounts.Accounts(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	accounts := make(map[order.AccountID]amazon.Account, len(found))
	for _, a := range found {
		if other, twice := accounts[a.ID]; twice && turns[a.ID] != nil {
			turns[a.ID].wrong = amazon.Disputed([]amazon.Account{other, a})[a.ID]
		}
		accounts[a.ID] = a
	}
	return accounts, nil
}

// dueLanes are the states of entries that a pass may have something to do with.
var dueLanes = []State{EntryQueued, EntryAwaitingShipment, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision}

// due finds the accounts that may have something to do, and says when others
// will.
func (q *Queue) due(ctx context.Context, now time.Time) (due map[order.AccountID]*visit, next time.Time, err error) {
	due = map[order.AccountID]*visit{}
	of := func(a order.AccountID) *visit {
		if due[a] == nil {
			due[a] = &visit{waiting: map[amazon.FeedType]bool{}}
		}
		return due[a]
	}
	open := BatchQuery{Unapplied: true, DueBy: now.Add(idle)}
	sweeps := q.sweeps(now)
	if sweeps {
		open.DueBy = time.Time{}
	}
	batches, err := q.c.Store.Batches(ctx, open)
	if err != nil {
		return nil, next, err
	}
	for _, b := range batches {
		if b.due(now) {
			of(b.Account).batches = true
		} else {
			next = earlier(next, b.Due)
		}
	}
	lanes, err := q.c.Store.Lanes(ctx, dueLanes...)
	if err != nil {
		return nil, next, err
	}
	for _, l := range lanes {
		if sweeps && slices.Contains(witnessed, l.State) {
			found, err := q.pullBack(ctx, l, now)
			if err != nil {
				return nil, next, err
			}
			if found {
				l.Ready = now
			}
		}
		switch {
		case l.Ready.After(now):
			next = earlier(next, l.Ready)
		case l.State == EntryQueued:
			of(l.Account).waiting[l.Feed] = true
		default:
			of(l.Account).again = true
		}
	}
	return due, next, nil
}

// maxDue is more than any rule lets a batch wait until it is looked at again.
const maxDue = 72 * time.Hour

// due tells whether a batch is to be looked at. One that is due in times that no
// rule allows was left by a clock that is wrong.
func (b Batch) due(now time.Time) bool { return !b.Due.After(now) || b.Due.After(now.Add(maxDue)) }

// sweeps tells, once an hour, that it is time to look at all open batches instead
// of those that are due, and at all entries that witnesses are asked about, so
// that none is forgotten for a wrong time in it.
func (q *Queue) sweeps(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if age := now.Sub(q.swept); age >= 0 && age < time.Hour {
		return false
	}
	q.swept = now
	return true
}

const placeCell = "queue/place"

// round puts accounts in the order in which they have their turns: it begins after
// the one where the last Step that used up its budget stopped. Those with failures
// come last, so that waiting for them costs nobody else time.
func (q *Queue) round(ctx context.Context, due map[order.AccountID]*visit) ([]visit, error) {
	found, err := q.cells(ctx, placeCell)
	if err != nil {
		return nil, err
	}
	place := order.AccountID(found[placeCell].Data)
	ids := slices.Sorted(maps.Keys(due))
	turns, err := q.turns(ctx, ids)
	if err != nil {
		return nil, err
	}
	i, there := slices.BinarySearch(ids, place)
	if there {
		i++
	}
	var live, failing []visit
	for _, id := range slices.Concat(ids[i:], ids[:i]) {
		v := due[id]
		if v.turn = turns[id]; v.turn.Failures > 0 {
			failing = append(failing, *v)
		} else {
			live = append(live, *v)
		}
	}
	return append(live, failing...), nil
}

// leave keeps the place where a Step stopped. When another Step was faster, its
// place is as good as ours.
func (q *Queue) leave(ctx context.Context, last order.AccountID) error {
	found, err := q.cells(ctx, placeCell)
	if err != nil {
		return err
	}
	err = q.c.Store.SaveCell(ctx, store.Cell{Name: placeCell, Version: found[placeCell].Version, Data: []byte(last)})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// visit works on an account that nobody else is working on, if something is due
// for it, and says when the next thing is; zero when nothing is known. mine tells
// whether it had the turn.
func (q *Queue) visit(ctx context.Context, a amazon.Account, v visit) (next time.Time, mine bool, err error) {
	t, now := v.turn, q.now()
	switch {
	case t.wrong != nil:
		return next, false, t.wrong
	case t.Holder != "":
		q.observe(ctx, Event{Kind: EventLeaseBusy, Company: a.Company, Account: t.account, By: t.Holder, Next: t.Until})
		return t.Until, false, nil
	case t.NotBefore.After(now):
		return t.NotBefore, false, nil
	}
	if a.ID != "" && !v.batches && !v.again {
		// To see that nothing is due, nobody needs the turn. Errors are for who has it.
		h, err := q.halted(ctx, a.Company, a.ID)
		if err == nil {
			next, err = q.sendable(ctx, a, v, h)
		}
		if err == nil && (next.IsZero() || next.After(q.now())) {
			return next, false, nil
		}
	}
	if mine, err = q.take(ctx, t); err != nil || !mine {
		next = now.Add(conflictPause)
		if err == nil { // somebody took it just now
			q.observe(ctx, Event{Kind: EventLeaseBusy, Company: a.Company, Account: t.account, Next: next})
		}
		return next, false, err
	}
	p := q.account(ctx, a, t, v)
	t.NotBefore = time.Time{}
	switch {
	case !p.failed || p.worked:
		t.Failures = 0
	case ctx.Err() == nil:
		t.failed(q.now())
		p.next = t.NotBefore
	}
	return p.next, true, errors.Join(append(p.errs, q.give(ctx, t))...)
}

// progress is what came of a pass over an account.
type progress struct {
	next   time.Time
	errs   []error
	worked bool // a batch got on, or a document was sent
	failed bool // something of that kind did not work
}

// account makes one pass over an account: first what was sent, then what is to be
// found out, and last what is to be sent.
func (q *Queue) account(ctx context.Context, a amazon.Account, t *turn, v visit) (p progress) {
	told := func(what string, due time.Time, err error) {
		if errors.Is(err, store.ErrConflict) {
			q.overtaken(ctx, Event{Company: a.Company, Account: a.ID}, what, err)
			due, err = q.now().Add(conflictPause), nil
		}
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s: %w", what, err))
		}
		p.next = earlier(p.next, due)
	}
	done := func(what string, due time.Time, worked bool, err error) {
		before := len(p.errs)
		told(what, due, err)
		failed := len(p.errs) > before
		p.failed, p.worked = p.failed || failed, p.worked || worked && !failed
	}
	lost := false
	mayGoOn := func() bool {
		if lost || ctx.Err() != nil {
			return false
		}
		mine, err := q.keep(ctx, t)
		if err != nil {
			done("turn", time.Time{}, false, err)
		} else if lost = !mine; lost {
			q.observe(ctx, Event{Kind: EventLeaseBusy, Company: a.Company, Account: a.ID, Next: q.now().Add(conflictPause)})
		}
		return mine
	}
	if a.ID == "" {
		done("Accounts", time.Time{}, false, errors.New("it is not listed, and has open documents or requests: list it until they are done"))
		return p
	}
	if err := a.Check(); err != nil {
		done("Accounts", time.Time{}, false, err)
		return p
	}
	batches, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{a.ID}, Unapplied: true})
	if err != nil {
		done("batches", time.Time{}, false, err)
		return p
	}
	advance := func(unsent bool) {
		now := q.now()
		for i, b := range batches {
			if b.unsent() != unsent || b.State == BatchUnknownSent {
				continue
			}
			if b.due(now) && mayGoOn() {
				was := b
				b, err := q.advance(ctx, a, b, batches)
				batches[i] = b
				t.count(was.State, b)
				if unsent && !b.unsent() {
					t.sent(b, q.now())
				}
				done("batch "+string(b.ID), time.Time{}, true, err)
				if err != nil && ctx.Err() == nil {
					told("batch "+string(b.ID), q.now().Add(errorPause), q.rest(ctx, was))
				}
			}
			if b = batches[i]; !b.Applied && b.Due.After(now) {
				p.next = earlier(p.next, b.Due)
			}
		}
	}
	advance(false)
	if v.batches && mayGoOn() {
		for _, feed := range t.feeds() {
			due, err := q.look(ctx, a, feed, batches)
			if err != nil && ctx.Err() == nil {
				due, err = q.now().Add(errorPause), errors.Join(err, q.restLost(ctx, feed, batches))
			}
			told("look for "+string(feed), due, err)
		}
	}
	if v.again && mayGoOn() {
		told("entries that waited for a shipment", time.Time{}, q.ripen(ctx, a))
		due, err := q.testify(ctx, a)
		told("evidence", due, err)
	}
	if err := q.pauseCancelled(ctx, t); err != nil {
		done("pause", time.Time{}, false, err)
		return p
	}
	if len(v.waiting) == 0 && !slices.ContainsFunc(batches, Batch.unsent) || !mayGoOn() {
		return p
	}
	ok, at, err := q.cleared(ctx, a, t, batches)
	if until, throttled := amazon.Throttled(err); throttled {
		at, err = until, q.waits(ctx, Event{Company: a.Company, Account: a.ID}, err)
	}
	done("may it send", at, false, err)
	if !ok {
		for feed := range v.waiting {
			if err != nil {
				t.wait(feed, q.now().Add(errorPause))
			}
		}
		for _, b := range batches {
			if b.unsent() && b.due(q.now()) && ctx.Err() == nil {
				told("batch "+string(b.ID), q.now().Add(errorPause), q.rest(ctx, b))
			}
		}
		return p
	}
	advance(true)
	for _, feed := range t.feeds() {
		if !v.waiting[feed] || !mayGoOn() {
			continue
		}
		before := t.Sent[feed]
		due, err := q.fill(ctx, a, t, feed, batches)
		if err != nil {
			t.wait(feed, q.now().Add(errorPause))
			due = earlier(due, t.Wait[feed])
		}
		done(string(feed), due, !t.Sent[feed].Equal(before), err)
	}
	return p
}

// errorPause is how long what did not work rests, when everything else did.
const errorPause = time.Minute

// rest has a batch, as it was read, looked at again after a while; not when
// anything of it was saved meanwhile.
func (q *Queue) rest(ctx context.Context, was Batch) error {
	was.Due = q.now().Add(errorPause)
	if _, err := q.save(ctx, was); !errors.Is(err, store.ErrConflict) {
		return err
	}
	return nil
}

// restLost lets the lost batches of a type rest, after a look for them that did
// not work.
func (q *Queue) restLost(ctx context.Context, feed amazon.FeedType, batches []Batch) error {
	var errs []error
	for _, b := range batches {
		if b.Feed == feed && b.State == BatchUnknownSent && b.due(q.now()) {
			errs = append(errs, q.rest(ctx, b))
		}
	}
	return errors.Join(errs...)
}

func (b Batch) unsent() bool { return b.State == BatchBuilding || b.State == BatchUploaded }

// ripen puts entries that wait for a shipment back in the queue when their time
// has come: then their handler looks at them again.
func (q *Queue) ripen(ctx context.Context, a amazon.Account) error {
	ripe := EntryQuery{
		Accounts: []order.AccountID{a.ID}, Feeds: []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed},
		States: []State{EntryAwaitingShipment}, ReadyBy: q.now(), Limit: entriesAtOnce,
	}
	for {
		es, err := q.c.Store.Entries(ctx, ripe)
		if err != nil || len(es) == 0 {
			return err
		}
		for i := range es {
			if err := es[i].move(EntryQueued, order.Stamp{By: "queue", At: q.now(), Why: es[i].Why}); err != nil {
				return err
			}
		}
		if err := q.commit(ctx, Change{Entries: es}); err != nil {
			return err
		}
	}
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

// fencePause is how often a document that waits for a fence is looked at: the
// answer that it waits for may come after all.
const fencePause = 5 * time.Minute

// resume sends a batch that an earlier pass built and did not send.
func (q *Queue) resume(ctx context.Context, a amazon.Account, b Batch, all []Batch) (Batch, error) {
	now := q.now()
	if until := fence(all, b.Feed); until.After(now) {
		b.Due = earlier(until, now.Add(fencePause))
		return q.save(ctx, b)
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
		b, saved := q.save(ctx, b)
		return b, errors.Join(q.waits(ctx, b.event(EventThrottled), err), saved)
	}
	defer ticket.Close()
	return q.send(ctx, found[0], ticket)
}

// fill makes and sends one document of what is due for an account and type, and
// says when more is.
func (q *Queue) fill(ctx context.Context, a amazon.Account, t *turn, feed amazon.FeedType, batches []Batch) (time.Time, error) {
	if until := t.Wait[feed]; until.After(q.now()) {
		return until, nil
	}
	var next time.Time
	var ticket amazon.Ticket
	for o, err := range q.offers(ctx, a, feed, t.Sent[feed]) {
		if err != nil || !o.at.IsZero() {
			return earlier(next, o.at), err
		}
		if ticket == nil {
			if wait, until := q.mustWait(batches, feed); wait {
				return until, nil
			}
			// A token first, and only then a claim: entries that wait for the bucket
			// stay Queued and can still be withdrawn.
			if ticket, err = q.c.Feeds.Begin(ctx, a, feed); err != nil {
				at := q.retryAt(err)
				t.wait(feed, at)
				return at, q.waits(ctx, Event{Company: a.Company, Account: a.ID, Feed: feed}, err)
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
		b, more, err := q.claim(ctx, a, feed, entries, o.by)
		next = earlier(next, more)
		if err != nil {
			return next, err
		}
		if b.ID == "" {
			continue // none of these can go now; they keep nobody else back
		}
		if b, err = q.send(ctx, b, ticket); !b.unsent() {
			t.sent(b, q.now())
		}
		if b.State == BatchInQueue {
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
		return b.Feed == t && b.unsent() // its turn comes first
	}), time.Time{}
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

// later is the later of two times; zero is before all others.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
