package queue

import (
	"context"
	"errors"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Handler knows what the entries of one kind are for. Packages refund and cancel
// implement it. It is called outside any transaction and never while a request
// to Amazon is under way.
type Handler interface {
	// Prepare is asked before entries are claimed. It checks each one again and
	// answers its messages, or why it has to wait. It changes nothing. An entry
	// that it leaves out waits, with a reason that says so.
	Prepare(ctx context.Context, es []Entry) ([]Prepared, error)

	// Apply saves entries in the state that they now have, each in one save with
	// what follows from it for its reservation and for the host's order: an
	// answer of Amazon, a rejection, a withdrawal, a renewed request. The
	// entries' versions are those they were read with, so that nothing is applied
	// twice. When some of them have changed meanwhile, the others are saved and
	// the error is store.ErrConflict.
	Apply(ctx context.Context, es []Entry) error
}

// Witness is a [Handler] that can find out by itself what became of an entry,
// where the processing report does not tell.
type Witness interface {
	Handler

	// Testify asks Amazon what became of an entry whose result is not known. It
	// changes nothing here. What Amazon does not show proves nothing: results are
	// of parts that are known to be accepted, and of no others.
	Testify(ctx context.Context, a amazon.Account, e Entry) (Testimony, error)
}

// Testimony is what a [Witness] found out.
type Testimony struct {
	Results  []Result   // of the parts that Amazon is known to have carried out
	Evidence []Evidence // what was seen; none when there is nothing new
	Next     time.Time  // when to ask again, in 8 days at the latest; zero: not known, in a day
}

// Prepared is what a handler knows of an entry that shall be sent.
type Prepared struct {
	Entry    EntryID
	Messages []PreparedMessage
	Order    order.Writes // the head version that was checked; the claim raises it
	Aside    *Aside       // set: do not send now
}

// PreparedMessage is one message and the part of the entry that it stands for.
type PreparedMessage struct {
	Part    string
	Message amazon.Message
}

// Aside says why an entry is not sent now.
type Aside struct {
	State     State // EntryQueued, also when empty, EntryAwaitingShipment or EntryNeedsDecision
	Why       string
	NotBefore time.Time // zero: in a quarter of an hour
}

// Load is how a [Handler] reads what its entries stand for, and the ledgers of
// their orders. The ledgers come first: what is read after a head can only be
// newer, and then the save conflicts.
func Load[T any](ctx context.Context, es []Entry,
	ledgers func(context.Context, []order.AmazonID) ([]order.Ledger, error),
	rows func(context.Context, []EntryID) ([]T, error), id func(T) EntryID,
) (map[EntryID]T, map[order.AmazonID]order.Ledger, error) {
	var ids []EntryID
	var orders []order.AmazonID
	byOrder := map[order.AmazonID]order.Ledger{}
	for _, e := range es {
		ids = append(ids, e.ID)
		if _, seen := byOrder[e.Order]; !seen {
			orders, byOrder[e.Order] = append(orders, e.Order), order.Ledger{}
		}
	}
	read, err := ledgers(ctx, orders)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range read {
		byOrder[l.Order] = l
	}
	found, err := rows(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	byID := map[EntryID]T{}
	for _, row := range found {
		byID[id(row)] = row
	}
	return byID, byOrder, nil
}

// ApplyTogether is how a [Handler] applies entries: it calls save with all of
// them, which reads, decides and saves at once, and again while that conflicts,
// because a ledger may have moved; then with each by itself, so that one entry
// that has changed keeps none of the others from being saved.
func ApplyTogether(ctx context.Context, es []Entry, save func(context.Context, []Entry) error) error {
	var err error
	for range applyTries {
		if err = save(ctx, es); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	if len(es) == 1 {
		return err
	}
	var errs []error
	for i := range es {
		errs = append(errs, ApplyTogether(ctx, es[i:i+1], save))
	}
	return errors.Join(errs...)
}

const applyTries = 3
