package order

import (
	"context"
	"fmt"
)

// EventKind tells what an audit row is about.
type EventKind string

const (
	EventRequested EventKind = "Requested" // somebody asked for a refund or a cancellation
	EventResult    EventKind = "Result"    // Amazon answered, or an operator did
	EventImported  EventKind = "Imported"  // a report said so
	EventGate      EventKind = "Gate"      // the ship gate was opened or passed
	EventAlert     EventKind = "Alert"     // a person should look
)

// Event is one audit row: who did what to an Amazon order, when and why. It is
// written in the save that it tells of and never changed.
type Event struct {
	Order   AmazonID
	Seq     int64 // never falls within the Amazon order; gaps are normal, and equal numbers are in the order they were saved
	Kind    EventKind
	Subject string // what changed, such as "refund RF7QK…"
	Text    string // no buyer data
	Stamp
}

// Journal reads the audit rows of an Amazon order, oldest first.
type Journal interface {
	Events(ctx context.Context, id AmazonID) ([]Event, error)
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

// Event appends an audit row.
func (w *Writes) Event(k EventKind, subject, text string, s Stamp) {
	w.Events = append(w.Events, Event{
		Order: w.Order, Seq: (w.Version+1)*seqStep + int64(len(w.Events)),
		Kind: k, Subject: subject, Text: text, Stamp: s,
	})
}
