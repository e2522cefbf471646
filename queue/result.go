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
		b.Due = now // if the results cannot be applied at once, then soon
		if err := b.move(to, ""); err != nil {
			return b, err
		}
	}
	if b, err = q.save(ctx, b); err != nil || b.State == BatchInQueue || b.State == BatchInProgress {
		return b, err
	}
	return q.settle(ctx, b)
}

// note records why asking did not work; the next pass asks again.
func (q *Queue) note(ctx context.Context, b Batch, cause error) (Batch, error) {
	b.Why, b.Report = cause.Error(), nil
	if at, throttled := amazon.Throttled(cause); throttled {
		b.Due = at
	}
	b, err := q.save(ctx, b)
	return b, errors.Join(q.waits(ctx, b, cause), err)
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

// settle gives every entry of a finished batch its result. It may stop anywhere
// and be repeated: an entry that has its result is not asked for again.
func (q *Queue) settle(ctx context.Context, b Batch) (Batch, error) {
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}, Contents: true})
	if err != nil {
		return b, err
	}
	if len(found) == 1 {
		b.Messages, b.Report = found[0].Messages, found[0].Report
	}
	results := q.results(b)
	b.Messages, b.Document, b.Report = nil, nil, nil // stored; a nil keeps them

	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	var settled []Entry
	for _, e := range es {
		if e.State != EntrySubmitted {
			continue // it has its result, and waits for a person
		}
		e.Attempts[len(e.Attempts)-1].Results = results[e.ID]
		to, why := q.conclude(b, results[e.ID])
		if err := e.move(to, order.Stamp{By: "Amazon", At: q.now(), Why: why}); err != nil {
			return b, err
		}
		if to == EntryQueued {
			e.NotBefore = q.now().Add(cancelledPause * time.Duration(len(e.Attempts)))
		}
		settled = append(settled, e)
	}
	for len(settled) > 0 {
		n := min(settleChunk, len(settled))
		if err := q.apply(ctx, settled[:n]); err != nil {
			return b, fmt.Errorf("apply results: %w", err)
		}
		settled = settled[n:]
	}
	return q.close(ctx, b)
}

// cancelledPause is how long entries rest after Amazon cancelled their feed,
// times the attempts they have had.
const cancelledPause = 20 * time.Minute

// close counts the ends of a batch's entries; from here on it is history.
func (q *Queue) close(ctx context.Context, b Batch) (Batch, error) {
	all, err := q.c.Store.Entries(ctx, EntryQuery{Batch: b.ID, Accounts: []order.AccountID{b.Account}})
	if err != nil {
		return b, err
	}
	b.Accepted, b.Refused, b.Open = 0, 0, 0
	for _, e := range all {
		if !slices.ContainsFunc(e.Attempts, func(a Attempt) bool { return a.Batch == b.ID }) {
			continue // was only promised to it
		}
		switch e.State {
		case EntryAccepted, EntryPartlyAccepted:
			b.Accepted++
		case EntryRefused:
			b.Refused++
		default:
			b.Open++
		}
	}
	b.Applied = true
	if b, err = q.save(ctx, b); err == nil {
		ended := b.event(EventBatchEnded)
		ended.Text = fmt.Sprintf("%d accepted, %d refused, %d open", b.Accepted, b.Refused, b.Open)
		q.observe(ctx, ended)
	}
	return b, err
}

// results reads the processing report and says for each entry what became of
// each of its parts.
func (q *Queue) results(b Batch) map[EntryID][]Result {
	if b.State == BatchCancelled {
		return nil
	}
	ids := make([]amazon.MessageID, len(b.Messages))
	for i, m := range b.Messages {
		ids[i] = m.ID
	}
	outcomes, unknown := map[amazon.MessageID]amazon.Outcome{}, ""
	switch report, err := amazon.DecodeProcessingReport(bytes.NewReader(b.Report)); {
	case b.State == BatchFatal:
		unknown = "Amazon ended the feed as FATAL: some, none or all of it may have had effect"
	case len(b.Report) == 0:
		unknown = "Amazon gave no processing report"
	case err != nil:
		unknown = err.Error()
	default:
		outcomes = report.Outcomes(ids)
	}
	results := map[EntryID][]Result{}
	for _, m := range b.Messages {
		o := outcomes[m.ID]
		if unknown != "" {
			o = amazon.Outcome{Verdict: amazon.VerdictUnknown, Text: unknown}
		}
		results[m.Entry] = append(results[m.Entry], Result{Part: m.Part, Verdict: o.Verdict, Code: o.Code, Text: o.Text})
	}
	return results
}

// conclude draws the state of an entry from the results of its parts.
func (q *Queue) conclude(b Batch, rs []Result) (State, string) {
	if b.State == BatchCancelled {
		return EntryQueued, "Amazon cancelled the feed: nothing happened"
	}
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
