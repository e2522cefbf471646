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

// learn records what became of the one createFeed, whatever others made of the
// batch meanwhile. What Amazon said must not be lost again: saving does not end
// with the caller's context, and is tried again until it works. Only a caller
// that waits to end, while the store fails for half a minute more, gets the
// error; then the batch stays Submitting, which the next pass reads as unknown.
func (q *Queue) learn(ctx context.Context, b Batch, feed amazon.Feed, sent error) (Batch, error) {
	ended := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	a := newAnswer(feed, sent, b.Sends, q.now())
	var patience <-chan time.Time // begins when the caller's context ends
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		learned, err := q.tryLearn(ctx, b, a)
		if err == nil {
			return learned, ignoreThrottled(sent)
		}
		select {
		case <-ended:
			ended, patience = nil, time.After(learnPatience)
		default:
		}
		found, readErr := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}})
		moved := readErr == nil && len(found) == 1 && found[0].Version != b.Version
		// What does not fit the batch may fit it as it is by now.
		lost := errors.Is(err, ErrTransition) && readErr == nil && !moved
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
		if moved {
			b = found[0]
		}
	}
}

// learnPatience is how long a caller whose context has ended waits for the store.
const learnPatience = 30 * time.Second

// answer is what became of one createFeed.
type answer struct {
	feed  amazon.Feed // with an ID: the feed that Amazon made
	sent  amazon.Sent // else
	cause error       // why there is no feed
	sends int         // the commit that it is the answer to
	said  Evidence
}

func newAnswer(feed amazon.Feed, err error, sends int, at time.Time) answer {
	a := answer{feed: feed, cause: err, sends: sends, said: Evidence{Kind: EvidenceAnswer, Stamp: order.Stamp{By: "Amazon", At: at.Round(0)}}}
	switch {
	case err != nil:
		a.feed, a.sent = amazon.Feed{}, amazon.Whether(err)
	case feed.ID == "":
		a.cause = errors.New("Amazon's answer held no Document Number")
	}
	if a.cause == nil {
		a.said.Document, a.said.Text = feed.ID, "Document Number "+string(feed.ID)
	} else {
		a.said.Text = a.cause.Error()
	}
	return a
}

// lost reports whether the answer leaves open if the feed exists.
func (a answer) lost() bool { return a.cause != nil && a.sent == amazon.SentUnknown }

func (q *Queue) tryLearn(ctx context.Context, b Batch, a answer) (Batch, error) {
	if slices.ContainsFunc(b.Evidence, a.said.same) {
		return b, nil // an earlier try was saved, and only its own answer was lost
	}
	// An answer counts for the commit to send that it belongs to. The batch may
	// have been sent again since, by another, whose createFeed this is not about.
	counts := b.Sends == a.sends && b.Unanswered
	if counts && !a.lost() && b.Adopted && b.DocumentNumber != a.feed.ID {
		var err error
		if b, err = q.disown(ctx, b, "its own answer came after all: "+a.said.Text); err != nil {
			return b, err
		}
	}
	b.Evidence = append(slices.Clip(b.Evidence), a.said)
	if i := b.surplusAnswer(); i >= 0 && a.sent == amazon.NotSent {
		b.Evidence = slices.Delete(b.Evidence, i, i+1)
	}
	if !counts || a.lost() && b.State != BatchSubmitting {
		return q.save(ctx, b)
	}
	if a.lost() {
		return q.lose(ctx, b, a.said.Text)
	}
	b.Unanswered = false
	switch {
	case a.cause == nil:
		return q.sent(ctx, b, a.feed)
	case b.State == BatchCancelled:
		return q.save(ctx, b) // decided to be unsent, and so it was
	case a.sent == amazon.NotSent:
		return q.unsent(ctx, b, a.cause)
	}
	return q.refused(ctx, b, a.cause)
}

// maxAnswers is how many answers without a feed a batch keeps: one that cannot be
// sent for weeks must not grow with each try. Sends counts them all.
const maxAnswers = 100

// surplusAnswer is the index of the oldest answer without a feed when there are
// too many of them; below zero when there are not.
func (b Batch) surplusAnswer() int {
	oldest, n := -1, 0
	for i, e := range slices.Backward(b.Evidence) {
		if e.Kind == EvidenceAnswer && e.Document == "" {
			oldest, n = i, n+1
		}
	}
	if n <= maxAnswers {
		return -1
	}
	return oldest
}

// unsent takes a batch back whose createFeed did not happen.
func (q *Queue) unsent(ctx context.Context, b Batch, cause error) (Batch, error) {
	again, sent, err := q.withoutEffect(ctx, b)
	if err != nil {
		return b, err
	}
	if len(again) < b.Entries {
		// Single entries were decided about, or sent by an earlier attempt; the
		// document still holds them.
		b, err = q.drop(ctx, Change{Entries: sent, Events: rows(sent, EntrySubmitted)}, b, again, EntryQueued, "not sent: "+cause.Error())
		if err == nil {
			q.observe(ctx, b.notSent(time.Time{}, cause))
		}
		return b, err
	}
	b.Due = q.retryAt(cause)
	if err := b.move(BatchUploaded, cause.Error()); err != nil {
		return b, err
	}
	if b, err = q.saveWith(ctx, Change{}, b, again, EntryClaimed, "not sent: "+cause.Error()); err == nil {
		q.observe(ctx, b.notSent(b.Due, cause))
	}
	return b, err
}

func (b Batch) notSent(next time.Time, cause error) Event {
	e := b.event(EventNotSent)
	e.Next, e.Err = next, cause
	return e
}

// refused ends a batch whose createFeed Amazon read and did not take.
func (q *Queue) refused(ctx context.Context, b Batch, cause error) (Batch, error) {
	es, sent, err := q.withoutEffect(ctx, b)
	if err != nil {
		return b, err
	}
	alert := b.alert("refused", "Amazon refused the document: "+cause.Error(), order.Stamp{By: "Amazon", At: q.now()})
	return q.drop(ctx, Change{Entries: sent, Events: append(rows(sent, EntrySubmitted), alert)}, b, es, EntryNeedsDecision, "not sent: "+cause.Error())
}

// withoutEffect reads the entries of a batch whose createFeed made no feed: those
// that are left, and those that an earlier attempt of theirs has sent, which is
// the one that counts now.
func (q *Queue) withoutEffect(ctx context.Context, b Batch) (left, sent []Entry, err error) {
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range es {
		other, err := q.otherEffect(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		if other.ID == "" {
			left = append(left, e)
			continue
		}
		if err := q.fallBack(ctx, &e, b, other); err != nil {
			return nil, nil, err
		}
		sent = append(sent, e)
	}
	return left, sent, nil
}

// sent records the Document Number that Amazon gave to a batch, whatever was
// found or decided about it meanwhile.
func (q *Queue) sent(ctx context.Context, b Batch, feed amazon.Feed) (Batch, error) {
	owners, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{b.Account}, DocumentNumbers: []amazon.FeedID{feed.ID}})
	if err != nil {
		return b, err
	}
	for _, o := range owners {
		if o.ID != b.ID && o.Adopted {
			if _, err := q.disown(ctx, o, "it is that of batch "+string(b.ID)); err != nil {
				return b, err
			}
		}
	}
	back, others, doubled, err := q.recall(ctx, b, feed.ID)
	if err != nil {
		return b, err
	}
	b.Due = q.now().Add(pollInterval(0))
	if !feed.CreatedAt.IsZero() {
		b.AttemptedAt = feed.CreatedAt.UTC()
	}
	if b.Adopted { // this very feed: what it accepted is definite now
		b.Adopted = false
		if b.State == BatchDone || b.State == BatchFatal {
			b.Applied, b.Due = false, q.now()
		}
	} else {
		b.DocumentNumber, b.Applied, b.Decided = feed.ID, false, ""
		if err := b.move(BatchInQueue, ""); err != nil {
			return b, err
		}
	}
	if len(doubled) > 0 {
		b.Doubled, b.Due = true, q.now()
	}
	// The others are saved as they are: who decides about one of them right now, not
	// knowing of this, conflicts.
	if b, err = q.saveWith(ctx, Change{Entries: others, Events: doubled}, b, back, EntrySubmitted, "Document Number "+string(feed.ID)); err == nil {
		answered := b.event(EventBatchSent)
		answered.Next = b.Due
		q.observe(ctx, answered)
	}
	return b, err
}

// recall finds the entries of a batch that turns out to be sent which were
// thought not to be: they are to be Submitted again, with the attempt in it as
// the current one. A document of a later attempt that was not sent is dissolved;
// where another attempt was sent too, the entry is doubled.
func (q *Queue) recall(ctx context.Context, b Batch, feed amazon.FeedID) (back, others []Entry, doubled []order.Event, err error) {
	es, err := q.tried(ctx, b)
	if err != nil {
		return nil, nil, nil, err
	}
	later, err := q.laterBatches(ctx, es, b)
	if err != nil {
		return nil, nil, nil, err
	}
	dissolved := false
	for _, o := range later {
		if o.State == BatchBuilding || o.State == BatchUploaded {
			dissolved = true
			if _, err := q.dissolve(ctx, o, "an earlier attempt was sent after all, in batch "+string(b.ID)); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	if dissolved {
		return q.recall(ctx, b, feed)
	}
	for _, e := range es {
		current := e.Attempt().Batch == b.ID
		other := later[e.Attempt().Batch]
		if current {
			if other, err = q.otherEffect(ctx, e); err != nil {
				return nil, nil, nil, err
			}
		}
		refused, _ := conclude(e.Attempt().Results)
		sent := other.ID != "" && other.mayHaveEffect()
		if sent && !(e.State.Waiting() && refused == EntryRefused) {
			doubled = append(doubled, e.alert("doubled", fmt.Sprintf("Sent twice: batch %s was sent after all, with Document Number %s, and batch %s too", b.ID, feed, other.ID), order.Stamp{By: "queue", At: q.now()}))
		}
		// What waits would else be sent a third time.
		if slices.Contains(recallable, e.State) && (current || !sent || e.State.Waiting()) {
			e.makeCurrent(b.ID)
			back = append(back, e)
		} else {
			others = append(others, e)
		}
	}
	return back, others, doubled, nil
}

// recallable are the states of an entry whose attempt was thought not to be sent,
// or may not have been.
var recallable = []State{EntrySubmitting, EntryUnknownSent, EntryNeedsDecision, EntryQueued, EntryAwaitingShipment}

// laterBatches reads the batches of the current attempts of entries where that is
// not b.
func (q *Queue) laterBatches(ctx context.Context, es []Entry, b Batch) (map[BatchID]Batch, error) {
	var ids []BatchID
	for _, e := range es {
		if id := e.Attempt().Batch; id != b.ID && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return q.batchesByID(ctx, ids)
}

func (q *Queue) batchesByID(ctx context.Context, ids []BatchID) (map[BatchID]Batch, error) {
	byID := map[BatchID]Batch{}
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: ids})
	for _, b := range found {
		byID[b.ID] = b
	}
	return byID, err
}

// mayHaveEffect reports whether what the batch asks for may have happened, or may
// happen yet.
func (b Batch) mayHaveEffect() bool {
	switch b.State {
	case "", BatchBuilding, BatchUploaded, BatchCancelled:
		return false
	}
	return true
}

// attemptIn is the index of an entry's attempt in a batch; below zero when it has
// none.
func (e Entry) attemptIn(b BatchID) int {
	return slices.IndexFunc(e.Attempts, func(a Attempt) bool { return a.Batch == b })
}

// makeCurrent makes the attempt in a batch the last one.
func (e *Entry) makeCurrent(b BatchID) {
	if i := e.attemptIn(b); i >= 0 && i < len(e.Attempts)-1 {
		attempt := e.Attempts[i]
		e.Attempts = append(slices.Delete(slices.Clone(e.Attempts), i, i+1), attempt)
	}
	e.Selection = nil
}

// disown takes from a batch the feed that it adopted and that is not its own.
// Nobody knows then again whether it was sent.
func (q *Queue) disown(ctx context.Context, b Batch, why string) (Batch, error) {
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	was := b.DocumentNumber
	b.Evidence = append(slices.Clip(b.Evidence), Evidence{
		Kind: EvidenceReport, Document: was, Text: "not the feed of this batch: " + why, Stamp: order.Stamp{By: "queue", At: q.now()},
	})
	if err := b.move(BatchUnknownSent, "feed "+string(was)+" was adopted and is not its own: "+why); err != nil {
		return b, err
	}
	b.DocumentNumber, b.Adopted, b.Applied, b.Due = "", false, false, q.now()
	b.Report = []byte{} // nil would keep it
	b.Accepted, b.Refused, b.Open = 0, 0, 0
	var lost, decide []Entry
	for _, e := range es {
		e.Attempts = slices.Clone(e.Attempts)
		last := &e.Attempts[len(e.Attempts)-1]
		last.Results = slices.DeleteFunc(slices.Clone(last.Results), func(r Result) bool { return r.Verdict != amazon.VerdictAccepted && r.By == "" }) // those were seen elsewhere, or decided
		if e.State == EntryNeedsDecision {
			decide = append(decide, e)
			continue
		}
		e.NotBefore = time.Time{}
		lost = append(lost, e)
	}
	if b, err = q.saveWith(ctx, Change{Entries: decide}, b, lost, EntryUnknownSent, b.Why); err == nil {
		unadopted := b.event(EventUnadopted)
		unadopted.Document, unadopted.Text = was, why
		q.observe(ctx, unadopted)
	}
	b.Report = nil
	return b, err
}
