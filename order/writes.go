package order

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// EventKind tells what an audit row is about.
type EventKind string

const (
	EventRequested EventKind = "Requested" // somebody asked for a refund or a cancellation
	EventResult    EventKind = "Result"    // Amazon answered, or an operator did
	EventImported  EventKind = "Imported"  // a report said so
	EventGate      EventKind = "Gate"      // the ship gate was opened or passed
	EventChanged   EventKind = "Changed"   // somebody, or a rule, changed it
	EventAlert     EventKind = "Alert"     // a person should look
	EventClosed    EventKind = "Closed"    // a person has looked
)

// Role is who an alert is for, and may close it.
type Role string

const (
	Operator      Role = "Operator"      // works the review queue; the alert is about an order or a document
	Administrator Role = "Administrator" // runs the installation; the alert is about an account or the whole
)

// Event is one audit row: who did what to an Amazon order, when and why. It is
// written in the save that it tells of and never changed.
type Event struct {
	Order   AmazonID
	Seq     int64 // never falls within the Amazon order; gaps are normal, and equal numbers are in the order they were saved
	Kind    EventKind
	Subject string // what changed, such as "refund RF7QK…"
	Text    string // no buyer data

	// Before and After are the value that was changed, where one was. Both are empty
	// when something was made, or told, and nothing changed.
	Before, After string

	// Key is unique for ever within the store, where it is set: a row whose key is
	// there already is not appended again. Every alert has one, and a row of kind
	// Closed has "closed/" before the key of the alert that it closes.
	Key string
	For Role // alerts: who may close it

	Stamp
}

// ClosedKey is the key of the row that closes the alert with this key.
func ClosedKey(alert string) string { return "closed/" + alert }

// Alert is an alert of the journals, and who closed it first; nobody yet, when
// Closed is zero. One about a document or an account has an Order without a number.
type Alert struct {
	Event
	Closed Stamp
}

// AlertQuery selects alerts. An empty field selects all; the fields are joined by
// "and". Answers are in the order of At, then of Key.
type AlertQuery struct {
	Keys     []string
	Accounts []AccountID
	Orders   []AmazonID
	Closed   bool // those that were closed too
	After    AlertCursor
	Limit    int // 0: no limit
}

// AlertCursor is a place between two alerts of a list.
type AlertCursor struct {
	At  time.Time
	Key string
}

// Cursor marks a place in a list of alerts; see [AlertQuery.After].
func (a Alert) Cursor() AlertCursor { return AlertCursor{a.At, a.Key} }

// Match reports whether the query selects an alert; After and Limit are about
// lists and do not count.
func (q AlertQuery) Match(a Alert) bool {
	return (len(q.Keys) == 0 || slices.Contains(q.Keys, a.Key)) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, a.Order.Account)) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, a.Order)) &&
		(q.Closed || a.Closed == Stamp{})
}

// Journal reads the audit rows of an Amazon order, oldest first.
type Journal interface {
	Events(ctx context.Context, id AmazonID) ([]Event, error)

	// Alerts returns the alerts of all journals that a query selects, of those that
	// have a key.
	Alerts(ctx context.Context, q AlertQuery) ([]Alert, error)
}

// Writes is the part of a save that concerns the Amazon order itself: the
// version of its head row that the decision was made on, and what follows from
// it. A store checks that the head still has that version, or does not exist
// for version 0, raises it by one, and appends; otherwise it saves nothing and
// answers store.ErrConflict. That compare-and-set is what makes two decisions
// on one balance impossible.
type Writes struct {
	Order    AmazonID
	Version  int64
	Postings []Posting
	Effects  []Effect
	Events   []Event
}

// seqStep leaves room for the effects and events of one save between the
// versions of a head row, so that numbers rise without a counter of their own.
const seqStep = 10_000

// LastSeq numbers an audit row that comes after a save which raised the head to a
// version, and raises nothing itself.
func LastSeq(version int64) int64 { return version*seqStep + seqStep - 1 }

// Effect appends an effect on a host order, with its key and number.
func (w *Writes) Effect(e Effect, id ID, s Stamp) {
	e.Order, e.Amazon, e.Stamp = id, w.Order, s
	e.Seq = (w.Version+1)*seqStep + int64(len(w.Effects))
	e.Key = fmt.Sprintf("%s#%d", w.Order, e.Seq)
	w.Effects = append(w.Effects, e)
}

// Payment appends effects that tell how the money of the Amazon order stands: to each of
// the host orders that carry it, and to those at which something happened, whether the
// order book shows them or not. A split moves lines and no money, so that they all show
// the same.
func (w *Writes) Payment(p *Payment, carriers []Order, s Stamp, at ...ID) {
	at = slices.Clone(at)
	for _, o := range slices.SortedFunc(slices.Values(carriers), func(a, b Order) int { return cmp.Compare(a.ID.Number, b.ID.Number) }) {
		at = append(at, o.ID)
	}
	told := map[ID]bool{}
	for _, id := range at {
		if !told[id] {
			told[id] = true
			w.Effect(Effect{Kind: EffectPayment, Payment: p}, id, s)
		}
	}
}

// Alert appends an alert for the staff who work the queue, once for ever under
// its key.
func (w *Writes) Alert(key, subject, text string, s Stamp) {
	w.Event(EventAlert, subject, text, s)
	last := &w.Events[len(w.Events)-1]
	last.Key, last.For = key, Operator
}

// Changed appends an audit row about a value that became another.
func (w *Writes) Changed(k EventKind, subject, before, after string, s Stamp) {
	w.Event(k, subject, before+" became "+after, s)
	last := &w.Events[len(w.Events)-1]
	last.Before, last.After = before, after
}

// Event appends an audit row.
func (w *Writes) Event(k EventKind, subject, text string, s Stamp) {
	w.Events = append(w.Events, Event{
		Order: w.Order, Seq: (w.Version+1)*seqStep + int64(len(w.Events)),
		Kind: k, Subject: subject, Text: text, Stamp: s,
	})
}
