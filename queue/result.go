package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// maxReport bounds what is read and kept of a processing report.
const maxReport = 64 << 20

// pollInterval is how long to wait before asking for a feed again: often while
// it is young, sparingly when it has waited for hours, as some do.
func pollInterval(age time.Duration) time.Duration {
	switch {
	case age < 10*time.Minute:
		return time.Minute
	case age < time.Hour:
		return 5 * time.Minute
	case age < 8*time.Hour:
		return 15 * time.Minute
	}
	return time.Hour
}

// poll asks what became of a batch, and settles it when Amazon is done.
func (q *Queue) poll(ctx context.Context, a amazon.Account, b Batch) (Batch, error) {
	now := q.now()
	b.Due = now.Add(pollInterval(now.Sub(b.AttemptedAt)))
	feed, err := q.c.Feeds.Feed(ctx, a, b.DocumentNumber)
	if err != nil {
		return q.note(ctx, b, err)
	}
	b.Why = ""
	if feed.Status == amazon.FeedInQueue && b.Doubled {
		if err := q.c.Feeds.CancelFeed(ctx, a, b.DocumentNumber); err != nil {
			return q.note(ctx, b, err)
		}
		b.cancelAsked("an entry of it was sent again", order.Stamp{By: "queue", At: now})
	}
	to := b.State
	switch feed.Status {
	case amazon.FeedInProgress:
		to = BatchInProgress
	case amazon.FeedDone:
		to = BatchDone
	case amazon.FeedCancelled:
		to = BatchCancelled
	case amazon.FeedFatal:
		to = BatchFatal
	case amazon.FeedInQueue:
	default:
		b.Why = fmt.Sprintf("Amazon calls its state %q", feed.Status)
	}
	if to == BatchDone || to == BatchFatal {
		b.Report, err = q.report(ctx, a, feed)
		if err != nil && now.Sub(b.AttemptedAt) < reportPatience {
			return q.note(ctx, b, err) // reading again is harmless, and the report may still be there
		}
	}
	if to != b.State {
		b.Due, b.EndedAt = now, feed.EndedAt.UTC() // if the results cannot be applied at once, then soon
		if b.EndedAt.IsZero() && to != BatchInProgress {
			b.EndedAt = now // Amazon does not say
		}
		if err := b.move(to, ""); err != nil {
			return b, err
		}
	}
	if b.Doubled && to != BatchInQueue {
		// Where it is too late for this one, the other may still wait.
		if to != BatchCancelled {
			if err := q.cancelOthers(ctx, a, b); err != nil {
				return q.note(ctx, b, err)
			}
		}
		b.Doubled = false
	}
	stuck := Change{}
	if b.State == BatchInQueue || b.State == BatchInProgress {
		stuck = q.stuck(b, "is "+string(feed.Status))
	}
	if b, err = q.saveWith(ctx, stuck, b, nil, "", ""); err != nil || b.State == BatchInQueue || b.State == BatchInProgress {
		return b, err
	}
	return q.settle(ctx, a, b)
}

// stuckAfter is how long a feed may take before somebody should look.
const stuckAfter = 8 * time.Hour

// stuck is the alert about a feed that takes too long, if it does.
func (q *Queue) stuck(b Batch, how string) (c Change) {
	now := q.now()
	if age := now.Sub(b.AttemptedAt); age > stuckAfter {
		c.Events = []order.Event{b.alert("stuck", fmt.Sprintf("Feed %s %s, for %s", b.DocumentNumber, how, age.Truncate(time.Hour)), order.Stamp{By: "queue", At: now})}
	}
	return c
}

// cancelOthers cancels the feeds of the later attempts of entries in a batch,
// where Amazon has not begun with them. What Amazon refuses to cancel it carries
// out; there is an alert about it already.
func (q *Queue) cancelOthers(ctx context.Context, a amazon.Account, b Batch) error {
	es, err := q.tried(ctx, b)
	if err != nil {
		return err
	}
	later, err := q.laterBatches(ctx, es, b)
	if err != nil {
		return err
	}
	for _, o := range later {
		if o.State != BatchInQueue || o.Adopted {
			continue
		}
		err := q.c.Feeds.CancelFeed(ctx, a, o.DocumentNumber)
		if err != nil && amazon.Whether(err) != amazon.Answered {
			return err
		}
		if err == nil {
			o.Due = q.now()
			o.cancelAsked("an entry of it was sent before", order.Stamp{By: "queue", At: q.now()})
			if _, err := q.save(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// cancelAsked records that Amazon was asked to cancel the batch's feed.
func (b *Batch) cancelAsked(why string, s order.Stamp) {
	b.Evidence = append(slices.Clip(b.Evidence), Evidence{Kind: EvidenceDecision, Document: b.DocumentNumber, Text: "cancelFeed was asked for: " + why, Stamp: s})
}

// CancelFeed asks Amazon to cancel a document that it has not begun with; its
// entries return to the queue when Amazon has done so. It is for one that waits
// there for too long, or should never have been sent. One that is not InQueue is
// [ErrTransition]; so is one whose feed was adopted, which may be another's.
// Once it is cancelled, or begun, Amazon answers with an error. Who and why are recorded.
func (q *Queue) CancelFeed(ctx context.Context, by, why string, id BatchID) error {
	if err := order.CheckDecision(by, why); err != nil {
		return fmt.Errorf("cancel feed of batch %s: %w", id, err)
	}
	b, err := q.batch(ctx, id)
	if err != nil {
		return fmt.Errorf("cancel feed: %w", err)
	}
	if b.State != BatchInQueue || b.Adopted {
		return fmt.Errorf("cancel feed of batch %s: it is %s, adopted %t: want one that is InQueue with a number of its own: %w", id, b.State, b.Adopted, ErrTransition)
	}
	a, err := q.accountOf(ctx, b)
	if err != nil {
		return fmt.Errorf("cancel feed: %w", err)
	}
	// Recorded first: what Amazon was asked for must be known.
	b.Due = q.now()
	b.cancelAsked(why, order.Stamp{By: by, At: q.now(), Why: why})
	if _, err := q.save(ctx, b); err != nil {
		return fmt.Errorf("cancel feed: %w", err)
	}
	if err := q.c.Feeds.CancelFeed(ctx, a, b.DocumentNumber); err != nil {
		return fmt.Errorf("cancel feed of batch %s: %w", id, err)
	}
	return nil
}

// note records why asking did not work; the next pass asks again.
func (q *Queue) note(ctx context.Context, b Batch, cause error) (Batch, error) {
	b.Why, b.Report = cause.Error(), nil
	stuck := q.stuck(b, "cannot be read: "+b.Why)
	if at, throttled := amazon.Throttled(cause); throttled {
		b.Due = at
	}
	b, err := q.saveWith(ctx, stuck, b, nil, "", "")
	return b, errors.Join(q.waits(ctx, b.event(EventThrottled), cause), err)
}

// reportPatience is how long after its sending a batch waits for a processing
// report that can be read. Amazon keeps reports for 28 days.
const reportPatience = 7 * 24 * time.Hour

// report downloads the processing report; nil when Amazon has none. One that is
// no processing report comes with an error that says so: a single download may
// have gone wrong.
func (q *Queue) report(ctx context.Context, a amazon.Account, f amazon.Feed) ([]byte, error) {
	if f.Result == "" {
		return nil, nil
	}
	r, err := q.c.Feeds.Document(ctx, a, f.Result)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err == nil && len(body) > maxReport {
		body, err = nil, fmt.Errorf("more than %d bytes", maxReport)
	}
	if err == nil {
		_, err = amazon.DecodeProcessingReport(bytes.NewReader(body))
	}
	if err != nil {
		return body, fmt.Errorf("processing report of feed %s: %w", f.ID, err)
	}
	return body, nil
}

// settleChunk is how many entries get their results in one save.
const settleChunk = 200

// settle gives every entry of a finished batch its result, and every attempt in it
// that is not the current one of its entry any more. It may stop anywhere and be
// repeated: what has its result is left alone.
func (q *Queue) settle(ctx context.Context, a amazon.Account, b Batch) (Batch, error) {
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}, Contents: true})
	if err != nil {
		return b, err
	}
	if len(found) == 1 {
		b.Messages, b.Report = found[0].Messages, found[0].Report
	}
	r := readReport(b, q.c.Indefinite)
	b.Messages, b.Document, b.Report = nil, nil, nil // stored; a nil keeps them
	if b.Adopted {
		switch {
		case b.State == BatchCancelled:
			// A cancelled feed proves nothing about a createFeed that is not known to
			// be its own.
			return q.disown(ctx, b, "Amazon cancelled it")
		case r.foreign != 0:
			return q.disown(ctx, b, fmt.Sprintf("its report is about message %d", r.foreign))
		case r.echo != 0:
			// Amazon has read our document, so that createFeed is not on its way any more.
			b.Adopted, b.Unanswered = false, false
			b.Evidence = append(slices.Clip(b.Evidence), Evidence{
				Kind: EvidenceReport, Document: b.DocumentNumber, Text: fmt.Sprintf("its report names our message %d", r.echo), Stamp: order.Stamp{By: "Amazon", At: q.now()},
			})
		}
	}
	es, err := q.tried(ctx, b)
	if err != nil {
		return b, err
	}
	var settled []Entry
	var alerts []order.Event
	for _, e := range es {
		was := e
		changed, err := q.settleEntry(ctx, b, &e, r.results(b, e.ID))
		if err != nil {
			return b, err
		}
		if !changed {
			continue
		}
		settled = append(settled, e)
		alerts = append(alerts, q.alarms(b, was, e)...)
	}
	if err := q.applyAll(ctx, settled, alerts); err != nil {
		return b, fmt.Errorf("apply results: %w", err)
	}
	return q.close(ctx, a, b)
}

// applyAll hands entries to their handlers, some at a time. What a person should
// look at is told first, so that it is not lost when the rest is.
func (q *Queue) applyAll(ctx context.Context, es []Entry, alerts []order.Event) error {
	if len(alerts) > 0 {
		if err := q.commit(ctx, Change{Events: alerts}); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(es, settleChunk) {
		if err := q.apply(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// cancelledPause is how long entries rest after Amazon cancelled their feed,
// times the attempts they have had.
const cancelledPause = 20 * time.Minute

// settleEntry gives an entry what became of its attempt in a batch, and reports
// whether that changed anything.
func (q *Queue) settleEntry(ctx context.Context, b Batch, e *Entry, rs []Result) (changed bool, err error) {
	i := e.attemptIn(b.ID)
	current := i == len(e.Attempts)-1 && slices.Contains(unsettled, e.State)
	stamp := order.Stamp{By: "Amazon", At: q.now()}
	if b.State == BatchCancelled {
		if !current {
			return false, nil
		}
		return true, q.takeBack(ctx, b, e, stamp)
	}
	e.Attempts = slices.Clone(e.Attempts)
	attempt := &e.Attempts[i]
	merged := merge(attempt.Results, rs)
	known := slices.Equal(merged, attempt.Results)
	attempt.Results = merged
	to, why := conclude(merged)
	if !current || to == e.State || to == EntryUnknownResult && e.State == EntryNeedsDecision {
		return !known, nil
	}
	stamp.Why = why
	if to == EntryUnknownResult || to == EntryNeedsDecision {
		e.NotBefore = time.Time{} // to be asked for at once
	}
	return true, e.move(to, stamp)
}

// unsettled are the states of an entry that waits for what became of its current
// attempt.
var unsettled = []State{EntrySubmitted, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision}

// takeBack ends an attempt that had no effect: Amazon cancelled its feed, or it
// was decided so.
func (q *Queue) takeBack(ctx context.Context, b Batch, e *Entry, stamp order.Stamp) error {
	if b.Decided != "" {
		stamp = b.decision().Stamp
	}
	other, err := q.otherEffect(ctx, *e)
	switch {
	case err != nil:
		return err
	case other.ID != "" && b.Decided != ChoiceSettled:
		return q.fallBack(ctx, e, b, other)
	case b.Decided != "":
		return e.decide(b.Decided, nil, stamp)
	}
	stamp.Why = "Amazon cancelled the feed: nothing happened"
	// By Amazon's clock: ours may be wrong.
	e.NotBefore = earlier(stamp.At, b.EndedAt).Add(cancelledPause * time.Duration(len(e.Attempts)))
	return e.move(EntryQueued, stamp)
}

// fallBack makes an earlier attempt that was sent after all the one that counts,
// now that the later one in b had no effect.
func (q *Queue) fallBack(ctx context.Context, e *Entry, b, other Batch) error {
	e.makeCurrent(other.ID)
	if other.Applied { // its results are to be given to the entry once more
		other.Applied, other.Due = false, q.now()
		if _, err := q.save(ctx, other); err != nil {
			return err
		}
	}
	why := fmt.Sprintf("sent in batch %s; batch %s had no effect", other.ID, b.ID)
	if e.State == EntrySubmitted || e.State == EntryUnknownResult {
		e.Why = why
		return nil
	}
	return e.move(EntrySubmitted, order.Stamp{By: "queue", At: q.now(), Why: why})
}

// otherEffect finds the batch of an entry's latest attempt, other than the
// current one, that has been sent and not been refused; nor, when its report left
// it open, been decided about.
func (q *Queue) otherEffect(ctx context.Context, e Entry) (Batch, error) {
	earlier := e.Attempts[:max(0, len(e.Attempts)-1)]
	ids := make([]BatchID, len(earlier))
	for i, a := range earlier {
		ids[i] = a.Batch
	}
	byID, err := q.batchesByID(ctx, ids)
	if err != nil {
		return Batch{}, err
	}
	for _, a := range slices.Backward(earlier) {
		o := byID[a.Batch]
		to, _ := conclude(a.Results)
		decided := o.Applied && to != EntryAccepted && to != EntryPartlyAccepted &&
			slices.ContainsFunc(a.Evidence, func(e Evidence) bool { return e.Kind == EvidenceDecision })
		if o.DocumentNumber != "" && o.mayHaveEffect() && to != EntryRefused && !decided {
			return o, nil
		}
	}
	return Batch{}, nil
}

// alarms are the alerts that follow from new results of an entry.
func (q *Queue) alarms(b Batch, was, e Entry) []order.Event {
	stamp := order.Stamp{By: "Amazon", At: q.now()}
	i := e.attemptIn(b.ID)
	accepted := slices.ContainsFunc(e.Attempts[i].Results, func(r Result) bool {
		return r.Verdict == amazon.VerdictAccepted && !slices.Contains(was.Attempts[was.attemptIn(b.ID)].Results, r)
	})
	switch {
	case e.State == EntryNeedsDecision && was.State != e.State:
		return []order.Event{e.undecided()}
	case accepted && was.State == e.State && e.State.Final() && i == len(e.Attempts)-1:
		return []order.Event{e.alert("contradicted", fmt.Sprintf("%s, and Amazon accepted it in batch %s", e.State, b.ID), stamp)}
	case accepted && was.State == e.State && i < len(e.Attempts)-1:
		return []order.Event{e.alert("doubled", fmt.Sprintf("Amazon accepted it in batch %s, and batch %s was made for it too", b.ID, e.Attempt().Batch), stamp)}
	}
	return nil
}

// close counts the ends of a batch's entries; from here on it is history, unless
// its own createFeed may still arrive.
func (q *Queue) close(ctx context.Context, a amazon.Account, b Batch) (Batch, error) {
	if err := q.count(ctx, &b); err != nil {
		return b, err
	}
	if b.Unanswered && b.Decided != "" && b.Look.At.Before(q.decisive(b)) {
		return q.watch(ctx, a, b)
	}
	if b.Unanswered {
		at, err := q.amazonTime(ctx, a, b)
		if err != nil {
			b.Due = q.retryAt(err)
			return q.note(ctx, b, err)
		}
		if at.Before(b.Fence) {
			b.Due = q.now().Add(b.Fence.Sub(at))
			return q.save(ctx, b)
		}
	}
	return q.ended(ctx, b)
}

// ended saves a batch of which nothing is left to do.
func (q *Queue) ended(ctx context.Context, b Batch) (Batch, error) {
	b.Applied = true
	b, err := q.save(ctx, b)
	if err == nil {
		ended := b.event(EventBatchEnded)
		ended.Text = fmt.Sprintf("%d accepted, %d refused, %d open", b.Accepted, b.Refused, b.Open)
		q.observe(ctx, ended)
	}
	return b, err
}

// amazonTime is a time that has been at Amazon: ours where that is not past the
// batch's fence, else what Amazon says. A clock of ours that is ahead must not
// end a fence.
func (q *Queue) amazonTime(ctx context.Context, a amazon.Account, b Batch) (time.Time, error) {
	if now := q.now(); now.Before(b.Fence) {
		return now, nil
	}
	if !b.Look.At.Before(b.Fence) {
		return b.Look.At, nil
	}
	list, err := q.c.Feeds.ListFeeds(ctx, a, b.Feed, b.AttemptedAt)
	return list.At, err
}

// count counts the ends of a batch's entries.
func (q *Queue) count(ctx context.Context, b *Batch) error {
	all, err := q.tried(ctx, *b)
	if err != nil {
		return err
	}
	b.Accepted, b.Refused, b.Open = 0, 0, 0
	for _, e := range all {
		switch e.State {
		case EntryAccepted, EntryPartlyAccepted:
			b.Accepted++
		case EntryRefused:
			b.Refused++
		default:
			b.Open++
		}
	}
	return nil
}

// reading is what the report of a finished batch says.
type reading struct {
	byEntry map[EntryID][]Result
	echo    amazon.MessageID // one of ours that it names; 0: none
	foreign amazon.MessageID // one that is not ours; 0: none
}

// results are those of an entry's parts.
func (r reading) results(b Batch, id EntryID) []Result {
	rs := slices.Clone(r.byEntry[id])
	for i := range rs {
		if b.Adopted && rs[i].Verdict != amazon.VerdictUnknown {
			rs[i] = Result{Part: rs[i].Part, Verdict: amazon.VerdictUnknown,
				Text: fmt.Sprintf("%s in feed %s, which was found and not answered: waits for proof that it is ours", rs[i].Verdict, b.DocumentNumber)}
		}
	}
	return rs
}

// readReport reads the processing report and says for each entry what became of
// each of its parts.
func readReport(b Batch, indefinite []int) reading {
	r := reading{byEntry: map[EntryID][]Result{}}
	if b.State == BatchCancelled {
		return r
	}
	ids := make([]amazon.MessageID, len(b.Messages))
	for i, m := range b.Messages {
		ids[i] = m.ID
	}
	report, err := amazon.DecodeProcessingReport(bytes.NewReader(b.Report))
	if err == nil {
		r.echo, r.foreign = echoes(report, ids)
	}
	outcomes, unknown := map[amazon.MessageID]amazon.Outcome{}, ""
	switch {
	case b.State == BatchFatal:
		unknown = "Amazon ended the feed as FATAL: some, none or all of it may have had effect"
	case len(b.Report) == 0:
		unknown = "Amazon gave no processing report"
	case err != nil:
		unknown = err.Error()
	default:
		outcomes = report.Outcomes(ids, indefinite...)
	}
	for _, m := range b.Messages {
		o := outcomes[m.ID]
		if unknown != "" {
			o = amazon.Outcome{Verdict: amazon.VerdictUnknown, Text: unknown}
		}
		r.byEntry[m.Entry] = append(r.byEntry[m.Entry], Result{Part: m.Part, Verdict: o.Verdict, Code: o.Code, Text: o.Text})
	}
	return r
}

// echoes finds a message ID of ours in a report, and one that is not; 0 where
// there is none.
func echoes(report amazon.ProcessingReport, ours []amazon.MessageID) (echo, foreign amazon.MessageID) {
	sent := make(map[amazon.MessageID]bool, len(ours))
	for _, id := range ours {
		sent[id] = true
	}
	for _, r := range report.Results {
		switch {
		case r.MessageID == 0:
		case sent[r.MessageID]:
			echo = r.MessageID
		default:
			foreign = r.MessageID
		}
	}
	return echo, foreign
}

// merge puts new results in the place of those that were there. What is known
// stays known; that Amazon accepted a part stands against everything else.
func merge(was, now []Result) []Result {
	merged := slices.Clone(now)
	for i, r := range merged {
		j := slices.IndexFunc(was, func(w Result) bool { return w.Part == r.Part })
		if j >= 0 && was[j].definite() && r.Verdict != amazon.VerdictAccepted && (was[j].Verdict == amazon.VerdictAccepted || !r.definite()) {
			merged[i] = was[j]
		}
	}
	for _, w := range was {
		if !slices.ContainsFunc(merged, func(r Result) bool { return r.Part == w.Part }) {
			merged = append(merged, w)
		}
	}
	return merged
}

// definite reports whether a result is known.
func (r Result) definite() bool {
	return r.Verdict == amazon.VerdictAccepted || r.Verdict == amazon.VerdictRefused
}

// conclude draws the state of an entry from the results of its parts.
func conclude(rs []Result) (State, string) {
	count := map[amazon.Verdict]int{}
	text := map[amazon.Verdict]string{}
	for _, r := range rs {
		count[r.Verdict]++
		if text[r.Verdict] == "" {
			text[r.Verdict] = r.Text
			if r.Code != 0 {
				text[r.Verdict] = fmt.Sprintf("%d: %s", r.Code, r.Text)
			}
		}
	}
	accepted, refused := count[amazon.VerdictAccepted], count[amazon.VerdictRefused]
	switch {
	case count[amazon.VerdictIndefinite] > 0:
		return EntryNeedsDecision, text[amazon.VerdictIndefinite]
	case accepted+refused < len(rs) || len(rs) == 0:
		return EntryUnknownResult, text[amazon.VerdictUnknown]
	case refused == 0:
		return EntryAccepted, ""
	case accepted == 0:
		return EntryRefused, text[amazon.VerdictRefused]
	}
	return EntryPartlyAccepted, text[amazon.VerdictRefused]
}
