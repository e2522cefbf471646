package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

const (
	// witnessPage is how many entries of an account are asked about in a pass.
	witnessPage = 100

	// noEvidence is how long a result may stay unknown before a person is asked.
	noEvidence = 10 * 24 * time.Hour

	// noWitness is when to look again at an entry that nothing can be asked about.
	noWitness = 24 * time.Hour

	// maxWitness is how long an entry may wait at most until it is asked about again.
	maxWitness = 8 * 24 * time.Hour
)

// witnessed are the states of entries that witnesses are asked about.
var witnessed = []State{EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision}

// testify asks the witnesses what became of entries of an account whose time for
// it has come, and says when the next one's is, as far as it knows.
func (q *Queue) testify(ctx context.Context, a amazon.Account) (time.Time, error) {
	es, err := q.c.Store.Entries(ctx, EntryQuery{
		Accounts: []order.AccountID{a.ID}, States: witnessed,
		ReadyBy: q.now(), Limit: witnessPage,
	})
	if err != nil || len(es) == 0 {
		return time.Time{}, err
	}
	var next time.Time
	if len(es) == witnessPage {
		next = q.now() // there are more
	}
	var noted, told []Entry
	var alerts []order.Event
	var errs []error
	for _, e := range es {
		if ctx.Err() != nil {
			break
		}
		was := e
		t, err := q.ask(ctx, a, e)
		if at, throttled := amazon.Throttled(err); throttled {
			_ = q.waits(ctx, e.event(EventThrottled), err)
			next = at // the others would hear the same
			break
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("evidence about %s %s: %w", e.Kind, e.ID, err))
			t = Testimony{Next: q.retryAt(err)}
		}
		changed, err := q.hear(&e, t)
		if err != nil {
			return next, err
		}
		next = earlier(next, e.NotBefore)
		if changed {
			told = append(told, e)
			alerts = append(alerts, q.alarms(Batch{ID: e.Attempt().Batch}, was, e)...)
		} else {
			noted = append(noted, e)
		}
	}
	if len(noted) > 0 {
		errs = append(errs, q.commit(ctx, Change{Entries: noted}))
	}
	if err := q.applyAll(ctx, told, alerts); err != nil {
		errs = append(errs, fmt.Errorf("apply evidence: %w", err))
	} else {
		errs = append(errs, q.recount(ctx, told))
	}
	return next, errors.Join(errs...)
}

// pullBack has the entries of a lane asked about now that would be in times that no
// rule allows: a clock that was wrong put them there. It reports whether there
// were any.
func (q *Queue) pullBack(ctx context.Context, l Lane, now time.Time) (found bool, err error) {
	lane := EntryQuery{Accounts: []order.AccountID{l.Account}, Feeds: []amazon.FeedType{l.Feed}, States: []State{l.State}}
	for es, err := range q.pages(ctx, lane) {
		if err != nil {
			return found, err
		}
		es = slices.DeleteFunc(es, func(e Entry) bool { return !e.NotBefore.After(now.Add(maxWitness + maxSkew)) })
		if len(es) == 0 {
			continue
		}
		for i := range es {
			es[i].NotBefore = now
		}
		found = true
		if err := q.commit(ctx, Change{Entries: es}); err != nil && !errors.Is(err, store.ErrConflict) {
			return found, err // after a conflict the next sweep finds them
		}
	}
	return found, nil
}

// ask asks the witness of an entry that was offered to Amazon, if there is one.
func (q *Queue) ask(ctx context.Context, a amazon.Account, e Entry) (Testimony, error) {
	h, err := q.handler(e.Kind)
	if err != nil {
		return Testimony{}, err
	}
	if w, ok := h.(Witness); ok && len(e.Attempts) > 0 {
		return w.Testify(ctx, a, e)
	}
	return Testimony{}, nil
}

// hear adds to an entry what a witness said, and reports whether its handler has
// to know: a part was carried out, or its state changed. Only that something was
// carried out counts; what Amazon does not show proves nothing.
func (q *Queue) hear(e *Entry, t Testimony) (changed bool, err error) {
	now := q.now()
	e.NotBefore = t.Next
	if e.NotBefore.IsZero() {
		e.NotBefore = now.Add(noWitness)
	}
	e.NotBefore = earlier(e.NotBefore, now.Add(maxWitness))
	if len(e.Attempts) == 0 {
		return false, nil
	}
	e.Attempts = slices.Clone(e.Attempts)
	attempt := &e.Attempts[len(e.Attempts)-1]
	attempt.Evidence = slices.Concat(attempt.Evidence, t.Evidence)
	rs := attempt.parts()
	for i := range rs {
		j := slices.IndexFunc(t.Results, func(r Result) bool { return r.Part == rs[i].Part && r.Verdict == amazon.VerdictAccepted })
		if j >= 0 && rs[i].Verdict != amazon.VerdictAccepted {
			rs[i], changed = t.Results[j], true
		}
	}
	if changed {
		attempt.Results = rs
		if to, why := conclude(rs); to != EntryUnknownResult && to != EntryNeedsDecision {
			return true, e.move(to, order.Stamp{By: "Amazon", At: now, Why: why})
		}
		return true, nil
	}
	if e.State == EntryUnknownResult {
		until := e.Changed.At.Add(noEvidence)
		if !now.Before(until) {
			return true, e.move(EntryNeedsDecision, order.Stamp{By: "queue", At: now, Why: "for 10 days nothing at Amazon told what became of it. " + e.Why})
		}
		e.NotBefore = earlier(e.NotBefore, until)
	}
	return false, nil
}

// parts are the results of all parts of an attempt, unknown where there is none.
func (a Attempt) parts() []Result {
	var rs []Result
	for _, m := range a.Messages {
		r := Result{Part: m.Part, Verdict: amazon.VerdictUnknown}
		if i := slices.IndexFunc(a.Results, func(r Result) bool { return r.Part == m.Part }); i >= 0 {
			r = a.Results[i]
		}
		rs = append(rs, r)
	}
	return rs
}

// recount counts the ends of the batches of entries anew, where they have been
// counted. Another's count is as good.
func (q *Queue) recount(ctx context.Context, es []Entry) error {
	var ids []BatchID
	for _, e := range es {
		if id := e.Attempt().Batch; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	byID, err := q.batchesByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, b := range byID {
		if !b.Applied {
			continue
		}
		if err := q.count(ctx, &b); err != nil {
			return err
		}
		if _, err := q.save(ctx, b); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}
