package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// firstLook is how long after a lost answer Amazon is asked what feeds there are.
const firstLook = 2 * time.Minute

// earlyLooks are the ages of an attempt at which to look for its feed. After
// them it is looked for every hour, when it would have to be listed at the
// latest, and once a day from then on.
var earlyLooks = [...]time.Duration{firstLook, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// nextLook is the age at which to look again. At the age that is decisive the
// feed would have to be listed.
func nextLook(age, decisive time.Duration) time.Duration {
	if age >= decisive {
		return age + 24*time.Hour
	}
	for _, at := range earlyLooks {
		if age < at {
			return min(at, decisive)
		}
	}
	return min(age.Truncate(time.Hour)+time.Hour, decisive)
}

// lookSkew is how much earlier than the attempt feeds are listed from: Amazon's
// machines need not agree on the time.
const lookSkew = 15 * time.Minute

// look lists the feeds of an account and type, once for all of its batches whose
// answer is lost when it is time for one of them, and draws from it what can be
// drawn. It says when to look next; zero when nothing is lost.
func (q *Queue) look(ctx context.Context, a amazon.Account, t amazon.FeedType, batches []Batch) (time.Time, error) {
	now := q.now()
	var lost []*Batch
	var next, since time.Time
	due := false
	for i := range batches {
		b := &batches[i]
		if b.Feed != t || b.State != BatchUnknownSent || b.Applied {
			continue
		}
		lost = append(lost, b)
		since, next = earlier(since, b.AttemptedAt), earlier(next, b.Due)
		due = due || b.due(now)
	}
	if !due || ctx.Err() != nil {
		return next, nil
	}
	list, owned, err := q.list(ctx, a, t, since)
	if err != nil {
		return q.retryAt(err), q.waits(ctx, Event{Company: a.Company, Account: a.ID, Feed: t}, err)
	}
	next = time.Time{}
	var errs []error
	for _, b := range lost {
		*b, err = q.seen(ctx, a, *b, list, owned)
		if b.DocumentNumber != "" {
			owned[b.DocumentNumber] = b.ID
		}
		if !b.Applied {
			next = earlier(next, b.Due)
		}
		errs = append(errs, err)
	}
	return next, errors.Join(errs...)
}

// list lists the feeds of a type since a time, and which batch each of them
// belongs to. The batches are read last, so that a feed which got its batch
// meanwhile is not taken for nobody's.
func (q *Queue) list(ctx context.Context, a amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, map[amazon.FeedID]BatchID, error) {
	list, err := q.c.Feeds.ListFeeds(ctx, a, t, since.Add(-lookSkew))
	if err != nil {
		return list, nil, fmt.Errorf("list feeds: %w", err)
	}
	owned, err := q.owners(ctx, a, list.Feeds)
	return list, owned, err
}

// owners finds the batches that have feeds of an account.
func (q *Queue) owners(ctx context.Context, a amazon.Account, feeds []amazon.Feed) (map[amazon.FeedID]BatchID, error) {
	owned := map[amazon.FeedID]BatchID{}
	ids := make([]amazon.FeedID, len(feeds))
	for i, f := range feeds {
		ids[i] = f.ID
	}
	for chunk := range slices.Chunk(ids, ownersChunk) {
		bs, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{a.ID}, DocumentNumbers: chunk})
		if err != nil {
			return nil, err
		}
		for _, b := range bs {
			owned[b.DocumentNumber] = b.ID
		}
	}
	return owned, nil
}

// ownersChunk is how many feeds are looked up in one read.
const ownersChunk = 500

// candidates are the feeds that could be the one that a batch's createFeed made:
// of its type, of no batch, created between its attempt and its fence, and not
// found before to be another's. Amazon's times of the two are whole seconds.
func candidates(b Batch, feeds []amazon.Feed, owned map[amazon.FeedID]BatchID) []amazon.Feed {
	from, to := b.AttemptedAt.Truncate(time.Second), b.Fence.Truncate(time.Second)
	var cs []amazon.Feed
	for _, f := range feeds {
		created := f.CreatedAt.Truncate(time.Second)
		if f.Type == b.Feed && owned[f.ID] == "" && !b.disowned(f.ID) && !created.Before(from) && !created.After(to) {
			cs = append(cs, f)
		}
	}
	return cs
}

// near are the feeds that were created too early to be the batch's, and so little
// that they may be its after all if Amazon's machines do not agree on the time.
// They are never adopted, but not sent is not what they show.
func near(b Batch, feeds []amazon.Feed, owned map[amazon.FeedID]BatchID) []amazon.Feed {
	b.AttemptedAt, b.Fence = b.AttemptedAt.Add(-lookSkew), b.AttemptedAt.Add(-time.Second)
	return candidates(b, feeds, owned)
}

// disowned reports whether a feed was found not to be the batch's.
func (b Batch) disowned(f amazon.FeedID) bool {
	return f != b.DocumentNumber && slices.ContainsFunc(b.Evidence, func(e Evidence) bool {
		return e.Document == f && (e.Kind == EvidenceAdopted || e.Kind == EvidenceReport)
	})
}

// decisive is the moment, on Amazon's clock, after which a complete look without
// a candidate shows that the batch was not sent.
func (q *Queue) decisive(b Batch) time.Time { return b.Fence.Add(q.c.Margin) }

// looked records a look, its candidates and those that are near.
func (q *Queue) looked(b Batch, list amazon.FeedList, owned map[amazon.FeedID]BatchID, cs []amazon.Feed) Batch {
	before := b.Look
	b.Look = Look{At: list.At.UTC(), Count: before.Count + 1}
	for _, f := range slices.Concat(cs, near(b, list.Feeds, owned)) {
		b.Look.Candidates = append(b.Look.Candidates, f.ID)
	}
	decisive := q.decisive(b)
	if before.Count == 0 || !slices.Equal(before.Candidates, b.Look.Candidates) || before.At.Before(decisive) && !list.At.Before(decisive) {
		text := "no feed that could be this document"
		if len(b.Look.Candidates) > 0 {
			text = fmt.Sprintf("feeds that could be this document: %s", b.Look.Candidates)
		}
		b.Evidence = append(slices.Clip(b.Evidence), Evidence{Kind: EvidenceLook, Text: text, Stamp: order.Stamp{By: "Amazon", At: b.Look.At}})
	}
	age := list.At.Sub(b.AttemptedAt)
	b.Due = q.now().Add(max(time.Second, nextLook(age, decisive.Sub(b.AttemptedAt))-age))
	return b
}

// seen draws from a complete list what it shows of a batch: its feed is found,
// it was not sent, or nobody can tell yet.
func (q *Queue) seen(ctx context.Context, a amazon.Account, b Batch, list amazon.FeedList, owned map[amazon.FeedID]BatchID) (Batch, error) {
	cs := candidates(b, list.Feeds, owned)
	if len(cs) == 1 && !a.OtherSenders {
		return q.adopt(ctx, q.looked(b, list, owned, cs), cs[0].ID, "the only feed of its time")
	}
	b, cs, proven, readErr := q.tellApart(ctx, a, b, cs)
	b = q.looked(b, list, owned, cs)
	if proven == "" && len(cs) == 1 && !a.OtherSenders {
		proven = cs[0].ID
	}
	if proven != "" {
		b, err := q.adopt(ctx, b, proven, "what the other feeds of its time say")
		return b, errors.Join(readErr, err)
	}
	b, err := q.undecided(ctx, a, b, list)
	return b, errors.Join(readErr, err)
}

// tellApart reads the reports of candidates that ended. One that names a message
// of ours and no other is the one; one that names another's message is out.
func (q *Queue) tellApart(ctx context.Context, a amazon.Account, b Batch, cs []amazon.Feed) (Batch, []amazon.Feed, amazon.FeedID, error) {
	if !slices.ContainsFunc(cs, func(f amazon.Feed) bool { return f.Status == amazon.FeedDone }) {
		return b, cs, "", nil
	}
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{b.ID}, Contents: true})
	if err != nil || len(found) == 0 {
		return b, cs, "", err
	}
	ids := make([]amazon.MessageID, len(found[0].Messages))
	for i, m := range found[0].Messages {
		ids[i] = m.ID
	}
	var left []amazon.Feed
	var proven amazon.FeedID
	var errs []error
	for _, f := range cs {
		var echo, foreign amazon.MessageID
		if f.Status == amazon.FeedDone {
			body, err := q.report(ctx, a, f)
			if err == nil && len(body) > 0 {
				report, _ := amazon.DecodeProcessingReport(bytes.NewReader(body)) // it was decoded before
				echo, foreign = echoes(report, ids)
			}
			errs = append(errs, q.waits(ctx, b.event(EventThrottled), err))
		}
		if foreign != 0 {
			b.Evidence = append(slices.Clip(b.Evidence), Evidence{
				Kind: EvidenceReport, Document: f.ID, Text: fmt.Sprintf("not the feed of this batch: its report is about message %d", foreign), Stamp: order.Stamp{By: "Amazon", At: q.now()},
			})
			continue
		}
		if echo != 0 {
			proven = f.ID
		}
		left = append(left, f)
	}
	return b, left, proven, errors.Join(errs...)
}

// adopt takes a feed for the one that the batch's createFeed made. That lifts no
// fence: it may be another's, while our request is still on its way.
func (q *Queue) adopt(ctx context.Context, b Batch, f amazon.FeedID, why string) (Batch, error) {
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return b, err
	}
	b.Evidence = append(slices.Clip(b.Evidence), Evidence{Kind: EvidenceAdopted, Document: f, Text: "taken for the feed of this batch: " + why, Stamp: order.Stamp{By: "queue", At: q.now()}})
	return q.named(ctx, b, es, f)
}

// named makes a feed that was found or named the batch's.
func (q *Queue) named(ctx context.Context, b Batch, es []Entry, f amazon.FeedID) (Batch, error) {
	all, err := q.tried(ctx, b)
	if err != nil {
		return b, err
	}
	b.DocumentNumber, b.Adopted, b.Due = f, true, q.now()
	if err := b.move(BatchInQueue, ""); err != nil {
		return b, err
	}
	b, err = q.saveWith(ctx, Change{Events: q.belied(b, all)}, b, es, EntrySubmitted, "Document Number "+string(f)+", which was found at Amazon")
	if err == nil {
		q.observe(ctx, b.event(EventAdopted))
	}
	return b, err
}

// belied is the alert about entries that had ended as not sent, or as done another
// way, before a feed was found that could be that of their document.
func (q *Queue) belied(b Batch, es []Entry) []order.Event {
	n, example := 0, EntryID("")
	for _, e := range es {
		switch e.State {
		case EntryGivenUp, EntrySettledOutside, EntryWithdrawn, EntryRejected:
			n, example = n+1, e.ID
		}
	}
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("Feed %s could be its document. Requests that had ended without it: %d, such as %s. Find out in Seller Central whether it carried them out", b.DocumentNumber, n, example)
	return []order.Event{b.alert("contradicted", text, order.Stamp{By: "queue", At: q.now()})}
}

// watch looks for the feed of a batch about which somebody decided while it could
// still arrive, until it would have to be listed. A feed that could be it counts
// as found: what waits to be sent anew is not.
func (q *Queue) watch(ctx context.Context, a amazon.Account, b Batch) (Batch, error) {
	list, owned, err := q.list(ctx, a, b.Feed, b.AttemptedAt)
	if err != nil {
		return q.note(ctx, b, err)
	}
	cs := candidates(b, list.Feeds, owned)
	b = q.looked(b, list, owned, cs)
	switch {
	case len(cs) == 0 && list.At.Before(q.decisive(b)):
		if left := b.Fence.Sub(list.At); left > 0 { // what waits for the fence is sent after a look
			b.Due = earlier(b.Due, q.now().Add(left))
		}
		return q.save(ctx, b)
	case len(cs) == 1 && !a.OtherSenders:
		return q.foundAfterAll(ctx, b, cs[0].ID)
	case len(cs) > 0:
		said := b.decision()
		text := fmt.Sprintf("Feeds that could be its document: %s. %s decided about it: %s. Find out in Seller Central what they did", b.Look.Candidates, said.By, said.Text)
		alert := b.alert("contradicted", text, order.Stamp{By: "queue", At: q.now()})
		if b, err = q.saveWith(ctx, Change{Events: []order.Event{alert}}, b, nil, "", ""); err != nil || list.At.Before(q.decisive(b)) {
			return b, err
		}
	}
	return q.ended(ctx, b)
}

// foundAfterAll adopts a feed for a batch that was decided to be without effect.
func (q *Queue) foundAfterAll(ctx context.Context, b Batch, f amazon.FeedID) (Batch, error) {
	said := b.decision()
	back, others, doubled, err := q.recall(ctx, b, f)
	if err != nil {
		return b, err
	}
	b.Evidence = append(slices.Clip(b.Evidence), Evidence{Kind: EvidenceAdopted, Document: f, Text: "taken for the feed of this batch, though it was decided: " + said.Text, Stamp: order.Stamp{By: "queue", At: q.now()}})
	b.DocumentNumber, b.Adopted, b.Decided, b.Due = f, true, "", q.now()
	b.Doubled = b.Doubled || len(doubled) > 0
	if err := b.move(BatchInQueue, ""); err != nil {
		return b, err
	}
	c := Change{Entries: others, Events: append(doubled, q.belied(b, others)...)}
	if b, err = q.saveWith(ctx, c, b, back, EntrySubmitted, "Document Number "+string(f)+", which was found at Amazon"); err == nil {
		q.observe(ctx, b.event(EventAdopted))
	}
	return b, err
}

// undecided saves what a look did not settle. When nothing more can be expected
// of looks, it is for the policy or a person to say what happened.
func (q *Queue) undecided(ctx context.Context, a amazon.Account, b Batch, list amazon.FeedList) (Batch, error) {
	conclusive, several := !list.At.Before(q.decisive(b)), len(b.Look.Candidates) > 1 && !a.OtherSenders
	if !conclusive && !several {
		return q.save(ctx, b)
	}
	all, err := q.tried(ctx, b)
	if err != nil {
		return b, err
	}
	var open []Entry
	for _, e := range all {
		if e.Attempt().Batch == b.ID && e.State.UnderWay() {
			open = append(open, e)
		}
	}
	if len(open) == 0 && conclusive { // each was decided, or shown by other evidence
		return q.close(ctx, a, b)
	}
	if conclusive && len(b.Look.Candidates) == 0 && carriedOut(all, b.ID) == "" {
		s, err := q.c.Settings.Settings(ctx, b.Company)
		if err != nil {
			return b, err
		}
		if s.Policy.LostAnswer == settings.LostAnswerSendsAnew {
			b, err := q.decided(ctx, b, ChoiceAnew, Evidence{Kind: EvidenceDecision, Text: "not sent: no feed could be this document",
				Stamp: order.Stamp{By: "policy", At: q.now(), Why: "LostAnswer is SendAnew"}})
			if err != nil {
				return b, err
			}
			return q.settle(ctx, a, b)
		}
	}
	why := "no feed at Amazon could be its document"
	if n := len(b.Look.Candidates); n > 0 {
		why = fmt.Sprintf("%d feeds at Amazon could be its document", n)
	}
	b.Why = why
	alert := b.alert("lost", fmt.Sprintf("%s. Requests: %d. Decide what became of it: %s", EntryUnknownSent.Label(), len(open), why), order.Stamp{By: "queue", At: q.now()})
	return q.saveWith(ctx, Change{Events: []order.Event{alert}}, b, open, EntryNeedsDecision, why)
}

// carriedOut finds an entry that Amazon is known to have carried out in a batch.
func carriedOut(es []Entry, b BatchID) EntryID {
	for _, e := range es {
		i := e.attemptIn(b)
		if slices.ContainsFunc(e.Attempts[i].Results, func(r Result) bool { return r.Verdict == amazon.VerdictAccepted && r.By == "" }) {
			return e.ID
		}
	}
	return ""
}
