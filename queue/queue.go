package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Config is what a [Queue] works with.
type Config struct {
	Store interface {
		Store
		store.Cells
	}
	Feeds    amazon.Feeds
	Accounts amazon.Accounts
	Settings settings.Source // the mode is read at each pass
	Handlers map[Kind]Handler

	// Installation is the name of this installation, 1 to 64 printable characters;
	// required. The store keeps it: a process with another name, such as one on a
	// copy of the database, sends nothing and asks nothing. See [Queue.TakeOver].
	Installation string

	Batching Batching
	Budget   Budget
	Margin   time.Duration // how long after its creation Amazon may take to list a feed. Defaults to 4 hours.

	// Indefinite are codes of Amazon's errors that do not tell whether something was
	// done, beside those of [amazon.Indefinite]: a person decides then.
	Indefinite []int

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil: time.Now

	// Observe is told what happens, each event after it is saved; nil: nobody is.
	// It is called by whoever works, several at once, and the work waits for it: it
	// must be quick, and must not call the queue.
	Observe func(context.Context, Event)
}

const defaultMargin = 4 * time.Hour

// Batching says when documents are made, and how large. Zero fields take their
// defaults. It is read at each pass, like the mode.
type Batching struct {
	Interval time.Duration // Auto sends when the oldest entry has waited this long. Defaults to 30 minutes.
	Count    int           // Auto sends when so many wait, whatever their age. Defaults to 0: their number does not count.
	Apart    time.Duration // Auto leaves this long between two documents of a type. Defaults to the 20 minutes that Amazon advises.
	Grace    time.Duration // in every mode, nothing is claimed before it was queued for so long. Defaults to 0.
	Messages int           // at most in one document. Defaults to 10,000.
	Bytes    int           // at most in one document, 64 KiB to 10 MiB. Defaults to 10 MiB, the size Amazon advises to stay under.
}

const (
	minDocument = 64 << 10 // room for an order of a hundred lines
	maxDocument = 10 << 20
)

func (b Batching) withDefaults() (Batching, error) {
	if min(b.Interval, b.Apart, b.Grace) < 0 || min(b.Count, b.Messages) < 0 || b.Bytes != 0 && (b.Bytes < minDocument || b.Bytes > maxDocument) {
		return b, fmt.Errorf("queue: Batching %+v: want nothing below zero, and %d to %d bytes", b, minDocument, maxDocument)
	}
	b.Interval = cmp.Or(b.Interval, 30*time.Minute)
	b.Apart = cmp.Or(b.Apart, 20*time.Minute)
	b.Messages = cmp.Or(b.Messages, 10_000)
	b.Bytes = cmp.Or(b.Bytes, maxDocument)
	return b, nil
}

// Budget bounds one [Queue.Step], so that its caller has a say in between. What it
// leaves over comes first in the next one. Zero fields take their defaults.
type Budget struct {
	Accounts int           // to be worked on. Defaults to 1,000.
	Time     time.Duration // after which no further account is begun. Defaults to 1 minute.
}

func (b Budget) withDefaults() (Budget, error) {
	if b.Accounts < 0 || b.Time < 0 {
		return b, fmt.Errorf("queue: Budget %+v: want nothing below zero", b)
	}
	return Budget{cmp.Or(b.Accounts, 1000), cmp.Or(b.Time, time.Minute)}, nil
}

// Queue holds requests, sends them in batches and follows them. It is safe for
// use from several goroutines and processes on one store.
type Queue struct {
	c    Config
	tell func(context.Context, Event) // log and Observe

	mu    sync.Mutex
	known map[order.AccountID]bool // whose feeds this process has seen to be ours
	swept time.Time                // when all open batches were last looked over
}

// New checks the configuration.
func New(c Config) (*Queue, error) {
	if c.Store == nil || c.Feeds == nil || c.Accounts == nil || c.Settings == nil || len(c.Handlers) == 0 {
		return nil, errors.New("queue: Config needs Store, Feeds, Accounts, Settings and Handlers")
	}
	if !nameable(c.Installation) {
		return nil, fmt.Errorf("queue: Config.Installation %.80q: want the name of this installation, 1 to %d printable characters", c.Installation, maxInstallation)
	}
	if c.Margin < 0 {
		return nil, fmt.Errorf("queue: Config.Margin %s: want nothing below zero", c.Margin)
	}
	c.Margin = cmp.Or(c.Margin, defaultMargin)
	var err error
	if c.Batching, err = c.Batching.withDefaults(); err != nil {
		return nil, err
	}
	if c.Budget, err = c.Budget.withDefaults(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Queue{c: c, tell: Observer(c.Logger, c.Observe), known: map[order.AccountID]bool{}}, nil
}

// Entries lists entries.
func (q *Queue) Entries(ctx context.Context, query EntryQuery) ([]Entry, error) {
	return q.c.Store.Entries(ctx, query)
}

// Batches lists batches.
func (q *Queue) Batches(ctx context.Context, query BatchQuery) ([]Batch, error) {
	return q.c.Store.Batches(ctx, query)
}

// Entry reads one entry; store.ErrNotFound when there is none.
func (q *Queue) Entry(ctx context.Context, id EntryID) (Entry, error) {
	es, err := q.read(ctx, []EntryID{id})
	if err != nil {
		return Entry{}, err
	}
	return es[0], nil
}

// read reads entries in the order asked for, all of them or none.
func (q *Queue) read(ctx context.Context, ids []EntryID) ([]Entry, error) {
	if len(ids) == 0 {
		return nil, errors.New("no entries named")
	}
	found, err := q.c.Store.Entries(ctx, EntryQuery{IDs: ids})
	if err != nil {
		return nil, err
	}
	byID := map[EntryID]Entry{}
	for _, e := range found {
		byID[e.ID] = e
	}
	es := make([]Entry, 0, len(ids))
	seen := map[EntryID]bool{}
	for _, id := range ids {
		e, ok := byID[id]
		if !ok {
			return nil, fmt.Errorf("queue entry %s: %w", id, store.ErrNotFound)
		}
		if seen[id] {
			return nil, fmt.Errorf("queue entry %s is named twice", id)
		}
		seen[id] = true
		es = append(es, e)
	}
	return es, nil
}

// Selected is one document that a selection will travel in.
type Selected struct {
	Batch   BatchID
	Account order.AccountID
	Feed    amazon.FeedType
	Entries []EntryID
}

// Process says that these waiting entries shall be sent, in any mode. They get
// their batch IDs at once: one document per account and feed type, more only by
// number of messages or for a second entry of one Amazon order. They stay Queued,
// and can still be withdrawn or rejected, until the next pass claims them. When
// one of them cannot be processed none is: entries of two companies, entries
// that do not wait, and entries that were chosen before, by somebody else at this very
// moment too, are named in the error.
func (q *Queue) Process(ctx context.Context, by string, ids ...EntryID) ([]Selected, error) {
	var selected []Selected
	err := store.Retry(func() (err error) {
		selected, err = q.process(ctx, by, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	return selected, nil
}

func (q *Queue) process(ctx context.Context, by string, ids []EntryID) ([]Selected, error) {
	es, err := q.read(ctx, ids)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range es {
		switch {
		case e.HostOrder.Company != es[0].HostOrder.Company:
			errs = append(errs, fmt.Errorf("%s %s belongs to company %s, %s to %s: process one company at a time", e.Kind, e.ID, e.HostOrder.Company, es[0].ID, es[0].HostOrder.Company))
		case e.State != EntryQueued:
			errs = append(errs, fmt.Errorf("%s %s is %s: only what is Queued can be processed: %w", e.Kind, e.ID, e.State, ErrTransition))
		case e.Selection != nil:
			errs = append(errs, fmt.Errorf("%s %s was chosen before by %s for batch %s", e.Kind, e.ID, e.Selection.By, e.Selection.Batch))
		}
	}
	if err := order.CheckActor(by); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	documents := group(es, q.c.Batching.Messages)
	for i := range documents {
		d := &documents[i]
		if d.Batch, err = q.newBatchID(ctx, d.Account); err != nil {
			return nil, err
		}
	}
	selected := make(map[EntryID]*Selection, len(es))
	for _, d := range documents {
		for _, id := range d.Entries {
			selected[id] = &Selection{Batch: d.Batch, By: by, At: q.now()}
		}
	}
	change := Change{Entries: es}
	for i := range es {
		e := &es[i]
		e.Selection = selected[e.ID]
		change.Events = append(change.Events, e.row(order.EventChanged, "chosen for batch "+string(e.Selection.Batch), order.Stamp{By: by, At: e.Selection.At}))
	}
	if err := q.commit(ctx, change); err != nil {
		return nil, err
	}
	return documents, nil
}

// Reject says no to waiting entries, for an operator with a reason; they stay
// readable and their reservations are given back. Entries that do not wait any
// more are named in the error, and then nothing is rejected. When one of them is
// claimed, or decided by somebody else, at this very moment, the others may be
// rejected, and the error names that one.
func (q *Queue) Reject(ctx context.Context, by, why string, ids ...EntryID) error {
	return q.decide(ctx, "reject", EntryRejected, by, why, ids)
}

// Withdraw takes waiting entries back, for whoever asked for them, with or
// without a reason. It is else like [Queue.Reject].
func (q *Queue) Withdraw(ctx context.Context, by, why string, ids ...EntryID) error {
	return q.decide(ctx, "withdraw", EntryWithdrawn, by, why, ids)
}

// Retry puts entries that were refused, rejected, withdrawn or given up back in the
// queue as their next attempt, and reserves their money again; that may fail with
// [order.ErrOver]. One that an earlier attempt may still carry out is named in the
// error, which is [ErrTransition]. One that waited for an approval which nobody gave
// waits for it again.
func (q *Queue) Retry(ctx context.Context, by, why string, ids ...EntryID) error {
	return q.decide(ctx, "retry", EntryQueued, by, why, ids)
}

func (q *Queue) decide(ctx context.Context, verb string, to State, by, why string, ids []EntryID) error {
	stamp := order.Stamp{By: by, At: q.now(), Why: why}
	repeated := false
	err := store.Retry(func() error {
		es, err := q.read(ctx, ids)
		if err != nil {
			return err
		}
		if repeated { // some may have been saved before one conflicted
			es = slices.DeleteFunc(es, func(e Entry) bool { return e.decidedBy(to, stamp) })
		}
		repeated = true
		return q.decideAll(ctx, to, stamp, es)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// next is where a decision takes an entry.
func (e Entry) next(to State) State {
	if to == EntryQueued && e.Unapproved {
		return EntryAwaitingApproval
	}
	return to
}

// decidedBy tells whether this very decision has been saved.
func (e Entry) decidedBy(to State, s order.Stamp) bool {
	c := e.Changed
	return e.State == e.next(to) && c.By == s.By && c.Why == s.Why && c.At.Equal(s.At)
}

func (q *Queue) decideAll(ctx context.Context, to State, stamp order.Stamp, es []Entry) error {
	var errs []error
	said := order.CheckDecision(stamp.By, stamp.Why)
	if to == EntryWithdrawn {
		said = order.CheckActor(stamp.By)
	}
	if said != nil {
		errs = append(errs, said)
	}
	for i := range es {
		e := &es[i]
		if to == EntryQueued && !e.State.Final() {
			errs = append(errs, fmt.Errorf("%s %s is %s: %w", e.Kind, e.ID, e.State, ErrTransition))
			continue
		}
		if err := e.move(e.next(to), stamp); err != nil {
			errs = append(errs, err)
		}
		e.Selection = nil
		if to == EntryQueued {
			e.QueuedAt, e.NotBefore = stamp.At, time.Time{}
		}
	}
	if to == EntryQueued {
		errs = append(errs, q.mayBeTriedAgain(ctx, es))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return q.apply(ctx, es)
}

// apply hands entries to their handlers.
func (q *Queue) apply(ctx context.Context, es []Entry) error {
	byKind := map[Kind][]Entry{}
	for _, e := range es {
		byKind[e.Kind] = append(byKind[e.Kind], e)
	}
	var errs []error
	for kind, es := range byKind {
		h, err := q.handler(kind)
		if err == nil {
			err = h.Apply(ctx, es)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (q *Queue) handler(k Kind) (Handler, error) {
	h, ok := q.c.Handlers[k]
	if !ok {
		return nil, fmt.Errorf("no handler for %s entries: add it to Config.Handlers", k)
	}
	return h, nil
}

func (q *Queue) now() time.Time { return q.c.Now().UTC() }
