package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Choice is what a person says became of a document or an entry, where Amazon
// does not tell.
type Choice string

const (
	ChoiceSent    Choice = "Sent"           // it was sent, as the feed that is named
	ChoiceAnew    Choice = "Anew"           // it had no effect, and shall be sent again
	ChoiceGiveUp  Choice = "GiveUp"         // it had no effect, and shall not be sent
	ChoiceSettled Choice = "SettledOutside" // it was done another way, such as in Seller Central
)

// Decision is what a person decided. One of Batch and Entry is set.
type Decision struct {
	Batch    BatchID
	Entry    EntryID
	Parts    []string      // of an entry; none: all whose result is not known
	Version  int64         // of the batch or entry, as it was shown: see [Case]
	Choice   Choice        // one of those that the Case offers
	Feed     amazon.FeedID // for ChoiceSent
	Override bool          // though Amazon cannot be sure yet; recorded as such
	By, Why  string
}

// Case is what a person is shown who has to decide.
type Case struct {
	Batch      Batch // zero for an entry that was never offered to Amazon
	Entry      Entry // zero unless asked for
	Version    int64
	Candidates []amazon.FeedID // feeds that could be the document
	Evidence   []Evidence      // oldest first
	Choices    []Choice        // none: there is nothing to decide
	NotBefore  time.Time       // before it Anew and GiveUp are ErrTooEarly; zero: they need no waiting
}

// ErrTooEarly refuses a decision that supposes that something had no effect,
// while it may still have. [TooEarlyError] says when to come back.
var ErrTooEarly = errors.New("too early to tell")

// TooEarlyError is [ErrTooEarly] with the time.
type TooEarlyError struct {
	What  string
	Until time.Time
}

func (e *TooEarlyError) Error() string {
	return fmt.Sprintf("%s: whether it had no effect cannot be told before %s: wait, or decide with Override", e.What, e.Until.UTC().Format(time.RFC3339))
}

func (e *TooEarlyError) Unwrap() error { return ErrTooEarly }

// resultsLag is how long Amazon's finances may take to show what a document did,
// from the end of its feed, which may have waited for a day.
const resultsLag = 72 * time.Hour

// Case shows what is known of a batch whose answer is lost, and what may be
// decided. store.ErrNotFound when there is no such batch.
func (q *Queue) Case(ctx context.Context, id BatchID) (Case, error) {
	b, err := q.batch(ctx, id)
	if err != nil {
		return Case{}, err
	}
	c := Case{Batch: b, Version: b.Version, Evidence: b.Evidence}
	if b.State != BatchUnknownSent || b.Applied {
		return c, nil
	}
	c.Candidates, c.Choices, c.NotBefore = b.Look.Candidates, []Choice{ChoiceSent, ChoiceSettled}, q.decisive(b)
	if len(c.Candidates) == 0 {
		c.Choices = append(c.Choices, ChoiceAnew, ChoiceGiveUp)
	}
	return c, nil
}

// EntryCase shows what is known of an entry, and what may be decided about it
// alone. While nobody knows whether its whole document was sent, that is to be
// decided first, about the batch: only that it was done another way, or that it
// is given up, can be said of the entry. store.ErrNotFound when there is no such
// entry.
func (q *Queue) EntryCase(ctx context.Context, id EntryID) (Case, error) {
	e, err := q.Entry(ctx, id)
	if err != nil {
		return Case{}, err
	}
	c := Case{Entry: e, Version: e.Version, Evidence: e.Attempt().Evidence}
	if batch := e.Attempt().Batch; batch != "" {
		if c.Batch, err = q.batch(ctx, batch); err != nil {
			return Case{}, err
		}
		c.Candidates = c.Batch.Look.Candidates
		c.Evidence = slices.SortedStableFunc(slices.Values(slices.Concat(c.Batch.Evidence, c.Evidence)), func(x, y Evidence) int { return x.At.Compare(y.At) })
	}
	if !slices.Contains(open, e.State) || c.Batch.Decided != "" && !c.Batch.Applied { // it follows its batch
		return c, nil
	}
	c.Choices = []Choice{ChoiceSettled, ChoiceAnew, ChoiceGiveUp}
	switch b := c.Batch; {
	case b.ID == "", b.State == BatchCancelled && b.DocumentNumber == "":
		// Set aside, refused by Amazon as a call, or decided so: nothing was sent.
	case b.State == BatchUnknownSent:
		c.Choices = []Choice{ChoiceSettled}
		c.NotBefore = q.decisive(b)
		if len(c.Candidates) == 0 {
			c.Choices = append(c.Choices, ChoiceGiveUp)
		}
	default:
		ended := b.AttemptedAt
		if b.EndedAt.After(ended) {
			ended = b.EndedAt
		}
		c.NotBefore = ended.Add(resultsLag)
	}
	return c, nil
}

// open are the states of an entry in which something may be decided.
var open = []State{EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision}

// Decide records what a person decided, and why, and acts on it. Of two who
// decide at once, one gets store.ErrConflict, and so does who decides on what has
// changed since it was shown. What needs no decision, and a choice that is not
// offered, is [ErrTransition]. [ErrTooEarly] refuses Anew and GiveUp as long as
// it may have had effect; before something is given up or sent anew, Amazon is
// asked once more, and a feed that could be it, or a sign that it was carried out,
// is an error that names it. Override allows Anew and GiveUp nevertheless, also
// where they are not offered, and stands in the evidence. When Amazon cannot be
// asked now, [amazon.Throttled] tells when to try again; nothing is decided then.
//
// SettledOutside is not refused: it says that the buyer has the money. The
// document may still do its work, so until it would have to be listed its feed is
// looked for, whatever was decided. A feed that could be it is taken for it, and
// what had ended without it is an alert.
//
// A decision about a batch counts from the moment it is saved, and its entries
// follow, here or in a later pass of any process.
func (q *Queue) Decide(ctx context.Context, d Decision) error {
	err := order.CheckDecision(d.By, d.Why)
	switch {
	case err != nil:
	case (d.Batch == "") == (d.Entry == ""):
		err = fmt.Errorf("batch %q, entry %q: name one of the two", d.Batch, d.Entry)
	case (d.Choice == ChoiceSent) != (d.Feed != ""):
		err = fmt.Errorf("%q with feed %q: a feed is named with Sent, and only with it", d.Choice, d.Feed)
	case d.Batch != "" && len(d.Parts) > 0:
		err = fmt.Errorf("parts %q of batch %s: only an entry has parts", d.Parts, d.Batch)
	case d.Batch != "":
		err = q.decideBatch(ctx, d)
	default:
		err = q.decideEntry(ctx, d)
	}
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	return nil
}

func (d Decision) evidence(at time.Time) Evidence {
	text := string(d.Choice)
	if len(d.Parts) > 0 {
		text += " for " + strings.Join(d.Parts, ", ")
	}
	return Evidence{Kind: EvidenceDecision, Document: d.Feed, Text: text, Override: d.Override, Stamp: order.Stamp{By: d.By, At: at, Why: d.Why}}
}

func (q *Queue) decideBatch(ctx context.Context, d Decision) error {
	c, err := q.Case(ctx, d.Batch)
	if err != nil {
		return err
	}
	b, what := c.Batch, "batch "+string(d.Batch)
	if c.Version != d.Version {
		return fmt.Errorf("%s has version %d, and %d was shown: %w", what, c.Version, d.Version, store.ErrConflict)
	}
	if len(c.Choices) == 0 || !slices.Contains([]Choice{ChoiceSent, ChoiceSettled, ChoiceAnew, ChoiceGiveUp}, d.Choice) {
		return fmt.Errorf("%s is %s: %q is none of %q: %w", what, b.State, d.Choice, c.Choices, ErrTransition)
	}
	a, err := q.accountOf(ctx, b)
	if err != nil {
		return err
	}
	switch d.Choice {
	case ChoiceSent:
		return q.decideSent(ctx, a, b, d)
	case ChoiceAnew, ChoiceGiveUp:
		if b, err = q.lookOnce(ctx, a, b); err == nil {
			err = q.hadNoEffect(ctx, b)
		}
		if err != nil && !d.Override {
			return err
		}
	}
	if b, err = q.decided(ctx, b, d.Choice, d.evidence(q.now())); err != nil {
		return err
	}
	if _, err := q.settle(ctx, a, b); err != nil {
		// The decision is saved. What is left of it is for the next pass.
		left := b.event(EventAccountFailed)
		if errors.Is(err, store.ErrConflict) {
			left.Kind = EventOvertaken
		}
		left.Text, left.Next, left.Err = "what was decided", b.Due, err
		q.observe(ctx, left)
	}
	return nil
}

// decided ends a batch whose answer is lost as one that had no effect of its own.
func (q *Queue) decided(ctx context.Context, b Batch, c Choice, e Evidence) (Batch, error) {
	if err := b.move(BatchCancelled, strings.TrimSpace("decided by "+e.By+": "+e.Why)); err != nil {
		return b, err
	}
	b.Decided, b.Due = c, q.now()
	b.Evidence = append(slices.Clip(b.Evidence), e)
	// Who decided has looked at the alert that asked for it.
	asked := b.alert("lost", "", order.Stamp{})
	answered := order.Event{
		Order: asked.Order, Kind: order.EventClosed, Subject: asked.Subject, Text: e.Text, Key: order.ClosedKey(asked.Key), Stamp: e.Stamp,
	}
	b, err := q.saveWith(ctx, Change{Events: []order.Event{answered}}, b, nil, "", "")
	if err == nil {
		q.observe(ctx, e.told(b.event(EventDecided)))
	}
	return b, err
}

// told is the event of a decision.
func (e Evidence) told(about Event) Event {
	about.By, about.Text = e.By, e.Text+": "+e.Why
	return about
}

// decision is the evidence of what was decided about a batch.
func (b Batch) decision() Evidence {
	for _, e := range slices.Backward(b.Evidence) {
		if e.Kind == EvidenceDecision {
			return e
		}
	}
	return Evidence{}
}

// lookOnce looks for the feed of one batch.
func (q *Queue) lookOnce(ctx context.Context, a amazon.Account, b Batch) (Batch, error) {
	list, owned, err := q.list(ctx, a, b.Feed, b.AttemptedAt)
	if err != nil {
		return b, err
	}
	return q.looked(b, list, owned, candidates(b, list.Feeds, owned)), nil
}

// hadNoEffect says why it cannot be told from the last look that a batch was not
// sent; nil when it can.
func (q *Queue) hadNoEffect(ctx context.Context, b Batch) error {
	what := "batch " + string(b.ID)
	if at := q.decisive(b); b.Look.At.Before(at) {
		return &TooEarlyError{what, at}
	}
	if len(b.Look.Candidates) > 0 {
		return fmt.Errorf("%s: feeds that could be its document: %s: decide that it was sent as one of them: %w", what, b.Look.Candidates, ErrTransition)
	}
	es, err := q.tried(ctx, b)
	if id := carriedOut(es, b.ID); id != "" {
		return fmt.Errorf("%s: Amazon has carried out %s, so it was sent: %w", what, id, ErrTransition)
	}
	return err
}

// decideSent names the feed of a batch. What it accepted is provisional, as when
// it was found.
func (q *Queue) decideSent(ctx context.Context, a amazon.Account, b Batch, d Decision) error {
	owners, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{b.Account}, DocumentNumbers: []amazon.FeedID{d.Feed}})
	if err != nil {
		return err
	}
	if len(owners) > 0 {
		return fmt.Errorf("feed %s is that of batch %s: %w", d.Feed, owners[0].ID, ErrTransition)
	}
	f, err := q.c.Feeds.Feed(ctx, a, d.Feed)
	if err != nil {
		return fmt.Errorf("feed %s: %w", d.Feed, err)
	}
	if f.Type != b.Feed || b.disowned(f.ID) {
		return fmt.Errorf("feed %s of type %s is not that of batch %s: %w", d.Feed, f.Type, b.ID, ErrTransition)
	}
	if len(candidates(b, []amazon.Feed{f}, nil)) == 0 && !d.Override {
		return fmt.Errorf("feed %s was created at %s: want it between the attempt of batch %s at %s and its fence at %s, or Override: %w",
			d.Feed, f.CreatedAt.UTC().Format(time.RFC3339), b.ID, b.AttemptedAt.Format(time.RFC3339), b.Fence.Format(time.RFC3339), ErrTransition)
	}
	es, err := q.entriesOf(ctx, b)
	if err != nil {
		return err
	}
	said := d.evidence(q.now())
	adopted := Evidence{Kind: EvidenceAdopted, Document: d.Feed, Text: "named as the feed of this batch", Stamp: said.Stamp}
	b.Evidence = append(slices.Clip(b.Evidence), said, adopted)
	if b, err = q.named(ctx, b, es, d.Feed); err == nil {
		q.observe(ctx, said.told(b.event(EventDecided)))
	}
	return err
}

func (q *Queue) decideEntry(ctx context.Context, d Decision) error {
	c, err := q.EntryCase(ctx, d.Entry)
	if err != nil {
		return err
	}
	e, what := c.Entry, fmt.Sprintf("%s %s", c.Entry.Kind, d.Entry)
	if c.Version != d.Version {
		return fmt.Errorf("%s has version %d, and %d was shown: %w", what, c.Version, d.Version, store.ErrConflict)
	}
	offered := slices.Contains(c.Choices, d.Choice)
	if !offered && !(d.Override && d.Choice == ChoiceGiveUp && len(c.Choices) > 0) {
		return fmt.Errorf("%s is %s: %q is none of %q: %w", what, e.State, d.Choice, c.Choices, ErrTransition)
	}
	if d.Choice != ChoiceSettled && !d.Override {
		if q.now().Before(c.NotBefore) {
			return &TooEarlyError{what, c.NotBefore}
		}
		switch {
		case c.Batch.State == BatchUnknownSent:
			err = q.entryUnsent(ctx, c.Batch)
		case !c.NotBefore.IsZero():
			err = q.notSeen(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	was, said := e, d.evidence(q.now())
	if d.Choice != ChoiceSettled && !d.Override {
		other, err := q.otherEffect(ctx, e)
		if err != nil {
			return err
		}
		if other.ID != "" {
			return fmt.Errorf("%s: batch %s, in which it was sent before, is %s: %w", what, other.ID, other.State, ErrTransition)
		}
	}
	if len(e.Attempts) > 0 {
		e.Attempts = slices.Clone(e.Attempts)
		last := &e.Attempts[len(e.Attempts)-1]
		last.Evidence = append(slices.Clip(last.Evidence), said)
	}
	if err := e.decide(d.Choice, d.Parts, said.Stamp); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := q.apply(ctx, []Entry{e}); err != nil {
		return err
	}
	q.observe(ctx, said.told(e.event(EventDecided)))
	return q.recount(ctx, []Entry{was})
}

// entryUnsent says why it cannot be told that an entry's document was not sent.
func (q *Queue) entryUnsent(ctx context.Context, b Batch) error {
	a, err := q.accountOf(ctx, b)
	if err != nil {
		return err
	}
	if b, err = q.lookOnce(ctx, a, b); err != nil {
		return err
	}
	return q.hadNoEffect(ctx, b)
}

// notSeen asks the witness of an entry once more whether Amazon has carried
// something of it out. When it was last asked, the answer may not have been there
// yet.
func (q *Queue) notSeen(ctx context.Context, c Case) error {
	a, err := q.accountOf(ctx, c.Batch)
	if err != nil {
		return err
	}
	t, err := q.ask(ctx, a, c.Entry)
	if err != nil {
		return fmt.Errorf("evidence about %s %s: %w", c.Entry.Kind, c.Entry.ID, err)
	}
	known := c.Entry.Attempt().parts()
	for _, seen := range t.Results {
		if i := slices.IndexFunc(known, func(r Result) bool { return r.Part == seen.Part }); i >= 0 && !known[i].definite() {
			return fmt.Errorf("%s %s: Amazon has carried it out, and a pass will soon know: %s: %w", c.Entry.Kind, c.Entry.ID, seen.Text, ErrTransition)
		}
	}
	return nil
}

// decide gives an entry what was decided about it, or about some of its parts. It
// stays where it is while other parts are open.
func (e *Entry) decide(c Choice, parts []string, s order.Stamp) error {
	results := e.Attempt().parts()
	for _, p := range parts {
		i := slices.IndexFunc(results, func(r Result) bool { return r.Part == p })
		if i < 0 || results[i].definite() {
			return fmt.Errorf("part %q: want one whose result is not known: %w", p, ErrTransition)
		}
	}
	left := 0
	for i, r := range results {
		chosen := len(parts) == 0 || slices.Contains(parts, r.Part)
		switch {
		case r.definite():
		case !chosen:
			left++
		case c == ChoiceGiveUp:
			results[i] = Result{Part: r.Part, Verdict: amazon.VerdictRefused, Text: "given up by " + s.By, By: s.By}
		case c == ChoiceSettled:
			results[i] = Result{Part: r.Part, Verdict: amazon.VerdictAccepted, Text: "settled outside, says " + s.By, By: s.By}
		}
	}
	if left > 0 && c == ChoiceAnew {
		return fmt.Errorf("%d other parts are not decided: what goes anew goes with all that is open: %w", left, ErrTransition)
	}
	if len(e.Attempts) > 0 && c != ChoiceAnew {
		e.Attempts = slices.Clone(e.Attempts)
		e.Attempts[len(e.Attempts)-1].Results = results
	}
	if left > 0 {
		return nil
	}
	switch to, _ := conclude(results); {
	case c == ChoiceAnew:
		e.NotBefore, e.Selection = time.Time{}, nil
		return e.move(EntryQueued, s)
	case c == ChoiceSettled:
		return e.move(EntrySettledOutside, s)
	case len(results) > 0 && to == EntryPartlyAccepted:
		return e.move(to, s)
	}
	return e.move(EntryGivenUp, s)
}

// mayBeTriedAgain names the entries that an attempt of theirs may still carry out,
// or has carried out: its answer came after they had ended, or a person has
// overridden that it was too early to tell.
func (q *Queue) mayBeTriedAgain(ctx context.Context, es []Entry) error {
	var ids []BatchID
	for _, e := range es {
		for _, a := range e.Attempts {
			ids = append(ids, a.Batch)
		}
	}
	byID, err := q.batchesByID(ctx, ids)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range es {
		for _, a := range e.Attempts {
			if b := byID[a.Batch]; b.mayHaveEffect() && !q.hadNone(a, b) {
				errs = append(errs, fmt.Errorf("%s %s of order %s: batch %s, in which it was sent before, is %s, and Amazon may have carried it out: wait until its result is known: %w",
					e.Kind, e.ID, e.Order.Number, b.ID, b.State, ErrTransition))
			}
		}
	}
	return errors.Join(errs...)
}

// hadNone reports whether an attempt is known to have had no effect: Amazon said
// so, or a person did who could know it by now.
func (q *Queue) hadNone(a Attempt, b Batch) bool {
	to, _ := conclude(a.Results)
	byPerson := slices.ContainsFunc(a.Results, func(r Result) bool { return r.By != "" })
	decided := slices.ContainsFunc(a.Evidence, func(e Evidence) bool { return e.Kind == EvidenceDecision })
	switch {
	case to == EntryRefused && !byPerson:
		return true
	case !decided || !b.Applied || to == EntryAccepted || to == EntryPartlyAccepted:
		return false
	case b.State == BatchUnknownSent:
		return !b.Look.At.Before(q.decisive(b)) && len(b.Look.Candidates) == 0
	}
	return !q.now().Before(b.AttemptedAt.Add(resultsLag))
}

// batch reads one batch; store.ErrNotFound when there is none.
func (q *Queue) batch(ctx context.Context, id BatchID) (Batch, error) {
	found, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{id}})
	if err != nil {
		return Batch{}, err
	}
	if len(found) == 0 {
		return Batch{}, fmt.Errorf("batch %s: %w", id, store.ErrNotFound)
	}
	return found[0], nil
}

// accountOf finds the account of a batch.
func (q *Queue) accountOf(ctx context.Context, b Batch) (amazon.Account, error) {
	a, err := amazon.FindAccount(ctx, q.c.Accounts, b.Account)
	switch {
	case err != nil:
		return a, fmt.Errorf("accounts: %w", err)
	case a.ID == "":
		return a, fmt.Errorf("account %s is not in Accounts, and batch %s belongs to it: list it until it is done", b.Account, b.ID)
	}
	return a, nil
}
