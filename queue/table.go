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
	Cause       string // what was done, or the evidence
	Reservation string // what happens to the money that is reserved
}

func step[S State | BatchState](from, to S, cause, reservation string) Transition {
	return Transition{string(from), string(to), cause, reservation}
}

// EntryTransitions lists every change of state that an entry may make.
func EntryTransitions() []Transition {
	const kept, voided, posted, again = "kept", "voided", "posted", "reserved again"
	const each = "posted or voided, each"
	ts := []Transition{
		step("", EntryQueued, "requested", "reserved"),
		step("", EntryAppliedLocally, "Do Not Send To Amazon", "none"),
		step("", EntryAwaitingApproval, "requested, above what its requester may ask for alone", "reserved"),
		step(EntryAwaitingApproval, EntryQueued, "another person approved it", kept),
		step(EntryAwaitingApproval, EntryRejected, "an operator said no", voided),
		step(EntryAwaitingApproval, EntryWithdrawn, "the requester took it back", voided),
		step(EntryQueued, EntryClaimed, "chosen by a person, or due", kept),
		step(EntryQueued, EntryAwaitingShipment, "its units are not shipped yet", kept),
		step(EntryAwaitingShipment, EntryQueued, "looked at again", kept),
		step(EntryQueued, EntryNeedsDecision, "cannot be sent as it stands", kept),
		step(EntryQueued, EntryRejected, "an operator said no", voided),
		step(EntryQueued, EntryWithdrawn, "the requester took it back", voided),
		step(EntryAwaitingShipment, EntryRejected, "an operator said no", voided),
		step(EntryAwaitingShipment, EntryWithdrawn, "the requester took it back", voided),
		step(EntryClaimed, EntrySubmitting, "the right to send was committed", kept),
		step(EntryClaimed, EntryQueued, "its batch was dissolved unsent", kept),
		step(EntrySubmitting, EntryClaimed, "not sent: throttled, or failed before the first byte", kept),
		step(EntrySubmitting, EntrySubmitted, "Amazon gave a Document Number", kept),
		step(EntrySubmitting, EntryUnknownSent, "the answer was lost", kept),
		step(EntrySubmitting, EntryNeedsDecision, "Amazon refused the call", kept),
	}
	// Between the commit to send and the end, evidence may come at any time, and
	// after a decision that it was not sent too.
	const after = "the answer came after all, or its feed was found or named"
	for _, from := range []State{EntryUnknownSent, EntryNeedsDecision} {
		ts = append(ts, step(from, EntrySubmitted, after, kept), step(from, EntryClaimed, "its own answer came after all: not sent", kept))
	}
	for _, from := range []State{EntryQueued, EntryAwaitingShipment} {
		ts = append(ts, step(from, EntrySubmitted, "was to be sent anew, and its own answer came after all", kept))
	}
	ts = append(ts,
		step(EntryUnknownSent, EntryNeedsDecision, "no feed was found, or several, or Amazon's refusal came after all", kept),
		step(EntryUnknownResult, EntryNeedsDecision, "no evidence came for long", kept),
	)
	for _, from := range []State{EntrySubmitted, EntryUnknownResult} {
		ts = append(ts,
			step(from, EntryUnknownSent, "the feed that was adopted is another's", kept),
			step(from, EntryRefused, "every message has an error of its own, or the document has", voided),
		)
	}
	for _, from := range []State{EntrySubmitted, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision} {
		ts = append(ts,
			step(from, EntryAccepted, "every message succeeded, by the report or other evidence", posted),
			step(from, EntryPartlyAccepted, "some messages succeeded, the others were refused or given up", each),
			step(from, EntryQueued, "nothing happened: its feed was cancelled, or it was decided to send anew", kept),
		)
	}
	ts = append(ts,
		step(EntrySubmitted, EntryUnknownResult, "the report does not tell", "kept where unknown"),
		step(EntrySubmitted, EntryNeedsDecision, "an error that does not tell what happened", "kept where unknown"),
	)
	for _, from := range []State{EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision} {
		ts = append(ts,
			step(from, EntryGivenUp, "a person decided that it will not be sent", voided),
			step(from, EntrySettledOutside, "a person found that it was done another way", posted),
		)
	}
	for _, from := range []State{EntryRefused, EntryRejected, EntryWithdrawn, EntryGivenUp} {
		ts = append(ts, step(from, EntryQueued, "tried again", again))
	}
	for _, from := range []State{EntryRejected, EntryWithdrawn} {
		ts = append(ts, step(from, EntryAwaitingApproval, "tried again, and nobody has approved it", again))
	}
	return ts
}

// BatchTransitions lists every change of state that a batch may make.
func BatchTransitions() []Transition {
	ts := []Transition{
		step("", BatchBuilding, "entries claimed, document stored", ""),
		step(BatchBuilding, BatchUploaded, "document uploaded, token and fence bound", ""),
		step(BatchUploaded, BatchUploaded, "uploaded again under a new ticket", ""),
		step(BatchUploaded, BatchSubmitting, "the right to send, once, was committed", ""),
		step(BatchBuilding, BatchCancelled, "dissolved unsent", ""),
		step(BatchUploaded, BatchCancelled, "dissolved unsent", ""),
		step(BatchSubmitting, BatchUploaded, "not sent", ""),
		step(BatchSubmitting, BatchInQueue, "Document Number", ""),
		step(BatchSubmitting, BatchCancelled, "Amazon refused the call", ""),
		step(BatchSubmitting, BatchUnknownSent, "the answer was lost, or its sender", ""),
		step(BatchUnknownSent, BatchInQueue, "the answer came after all, or its feed was found or named", ""),
		step(BatchUnknownSent, BatchUploaded, "its own answer came after all: not sent", ""),
		step(BatchUnknownSent, BatchCancelled, "Amazon's refusal came after all, or it was decided about", ""),
		step(BatchCancelled, BatchInQueue, "was decided about, and its own answer came after all", ""),
	}
	for _, from := range []BatchState{BatchInQueue, BatchInProgress, BatchDone, BatchCancelled, BatchFatal} {
		ts = append(ts, step(from, BatchUnknownSent, "the feed that was adopted is another's", ""))
	}
	for _, from := range []BatchState{BatchInQueue, BatchInProgress} {
		for _, to := range []BatchState{BatchInProgress, BatchDone, BatchCancelled, BatchFatal} {
			if from != to {
				ts = append(ts, step(from, to, "polled", ""))
			}
		}
	}
	return ts
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
