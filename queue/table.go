package queue

import (
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/order"
)

// ErrTransition refuses a change of state that is not in the table of the
// package documentation.
var ErrTransition = errors.New("no such change of state")

// Transition is one row of the table.
type Transition struct {
	From, To    string
	Cause       string
	Reservation string // what happens to the money that is reserved
}

func step[S State | BatchState](from, to S, cause, reservation string) Transition {
	return Transition{string(from), string(to), cause, reservation}
}

// EntryTransitions lists every change of state that an entry may make.
func EntryTransitions() []Transition {
	const kept, voided, posted, again = "kept", "voided", "posted", "reserved again"
	return []Transition{
		step("", EntryQueued, "requested", "reserved"),
		step(EntryQueued, EntryClaimed, "chosen by a person, or due", kept),
		step(EntryQueued, EntryNeedsDecision, "cannot be sent as it stands", kept),
		step(EntryQueued, EntryRejected, "an operator said no", voided),
		step(EntryQueued, EntryWithdrawn, "the requester took it back", voided),
		step(EntryClaimed, EntrySubmitting, "the right to send was committed", kept),
		step(EntrySubmitting, EntryClaimed, "not sent: throttled, or failed before the first byte", kept),
		step(EntrySubmitting, EntrySubmitted, "Amazon gave a Document Number", kept),
		step(EntrySubmitting, EntryUnknownSent, "the answer was lost", kept),
		step(EntrySubmitting, EntryNeedsDecision, "Amazon refused the call", kept),
		step(EntryUnknownSent, EntrySubmitted, "the answer came after all", kept),
		step(EntryUnknownSent, EntryClaimed, "it turned out not to be sent", kept),
		step(EntryUnknownSent, EntryNeedsDecision, "Amazon's refusal came after all", kept),
		step(EntrySubmitted, EntryQueued, "the feed was cancelled, nothing happened", kept),
		step(EntrySubmitted, EntryAccepted, "every message succeeded", posted),
		step(EntrySubmitted, EntryPartlyAccepted, "some messages succeeded, the others were refused", "posted or voided, each"),
		step(EntrySubmitted, EntryRefused, "every message has an error of its own", voided),
		step(EntrySubmitted, EntryUnknownResult, "the report does not tell", "kept where unknown"),
		step(EntrySubmitted, EntryNeedsDecision, "an error that does not tell what happened", "kept where unknown"),
		step(EntryRefused, EntryQueued, "tried again", again),
		step(EntryRejected, EntryQueued, "tried again", again),
		step(EntryWithdrawn, EntryQueued, "tried again", again),
	}
}

// BatchTransitions lists every change of state that a batch may make.
func BatchTransitions() []Transition {
	return []Transition{
		step("", BatchBuilding, "entries claimed, document stored", ""),
		step(BatchBuilding, BatchUploaded, "document uploaded, token and fence bound", ""),
		step(BatchUploaded, BatchUploaded, "uploaded again under a new ticket", ""),
		step(BatchUploaded, BatchSubmitting, "the right to send, once, was committed", ""),
		step(BatchSubmitting, BatchUploaded, "not sent", ""),
		step(BatchSubmitting, BatchInQueue, "Document Number", ""),
		step(BatchSubmitting, BatchCancelled, "Amazon refused the call", ""),
		step(BatchSubmitting, BatchUnknownSent, "the answer was lost, or its sender", ""),
		step(BatchUnknownSent, BatchInQueue, "the answer came after all", ""),
		step(BatchUnknownSent, BatchUploaded, "it turned out not to be sent", ""),
		step(BatchUnknownSent, BatchCancelled, "Amazon's refusal came after all", ""),
		step(BatchInQueue, BatchInProgress, "polled", ""),
		step(BatchInQueue, BatchDone, "polled", ""),
		step(BatchInQueue, BatchCancelled, "polled", ""),
		step(BatchInQueue, BatchFatal, "polled", ""),
		step(BatchInProgress, BatchDone, "polled", ""),
		step(BatchInProgress, BatchCancelled, "polled", ""),
		step(BatchInProgress, BatchFatal, "polled", ""),
	}
}

func allowed[S State | BatchState](ts []Transition, from, to S) bool {
	for _, t := range ts {
		if t.From == string(from) && t.To == string(to) {
			return true
		}
	}
	return false
}

// move changes the state of an entry, or refuses what the table does not have.
func (e *Entry) move(to State, s order.Stamp) error {
	if !allowed(EntryTransitions(), e.State, to) {
		return fmt.Errorf("%s %s of order %s is %s (%s), not to be made %s: %w", e.Kind, e.ID, e.Order.Number, e.State, e.State.Label(), to, ErrTransition)
	}
	e.State, e.Why, e.Changed = to, s.Why, s
	return nil
}

// move changes the state of a batch, or refuses what the table does not have.
func (b *Batch) move(to BatchState, why string) error {
	if !allowed(BatchTransitions(), b.State, to) {
		return fmt.Errorf("batch %s is %s, not to be made %s: %w", b.ID, b.State, to, ErrTransition)
	}
	b.State, b.Why = to, why
	return nil
}
