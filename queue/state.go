package queue

// State is where an entry stands. Unknown words survive a round trip and are
// left alone.
type State string

const (
	EntryAwaitingApproval State = "AwaitingApproval" // another person must agree
	EntryAwaitingShipment State = "AwaitingShipment" // goes out when the units are shipped
	EntryQueued           State = "Queued"           // waits, and may be rejected or withdrawn
	EntryClaimed          State = "Claimed"          // in a batch that is being built
	EntrySubmitting       State = "Submitting"       // the one request to Amazon may be on its way
	EntrySubmitted        State = "Submitted"        // Amazon has the document and gave it a number
	EntryAccepted         State = "Accepted"         // Amazon carried it out
	EntryPartlyAccepted   State = "PartlyAccepted"   // Amazon carried out some of its lines and refused the others
	EntryRefused          State = "Refused"          // Amazon said no; nothing happened
	EntryRejected         State = "Rejected"         // an operator said no; never sent
	EntryWithdrawn        State = "Withdrawn"        // the requester took it back; never sent
	EntryUnknownSent      State = "UnknownSent"      // nobody knows whether Amazon got it
	EntryUnknownResult    State = "UnknownResult"    // Amazon has it and did not say what became of it
	EntryNeedsDecision    State = "NeedsDecision"    // a person must say what happened
	EntryGivenUp          State = "GivenUp"          // a person decided that it will not be sent
	EntrySettledOutside   State = "SettledOutside"   // a person found that it was done another way
	EntryAppliedLocally   State = "AppliedLocally"   // Do Not Send To Amazon
)

// Label is the name that staff read.
func (s State) Label() string {
	switch s {
	case EntryAwaitingApproval:
		return "Waiting for approval"
	case EntryAwaitingShipment:
		return "Waiting for shipment"
	case EntryQueued:
		return "Waiting"
	case EntryClaimed, EntrySubmitting:
		return "Being sent"
	case EntrySubmitted:
		return "Sent to Amazon"
	case EntryAccepted:
		return "Accepted by Amazon"
	case EntryPartlyAccepted:
		return "Partly accepted by Amazon"
	case EntryRefused:
		return "Refused by Amazon"
	case EntryRejected:
		return "Rejected by us"
	case EntryWithdrawn:
		return "Taken back"
	case EntryUnknownSent, EntryUnknownResult:
		return "Not confirmed, do not resend"
	case EntryNeedsDecision:
		return "Needs a decision"
	case EntryGivenUp:
		return "Given up"
	case EntrySettledOutside:
		return "Done outside"
	case EntryAppliedLocally:
		return "Not sent, by choice"
	}
	return string(s)
}

// UnderWay reports whether an entry in this state occupies its Amazon order, so
// that no other entry of that order may start.
func (s State) UnderWay() bool {
	switch s {
	case EntryClaimed, EntrySubmitting, EntrySubmitted, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision:
		return true
	}
	return false
}

// Waiting reports whether an entry in this state has not been offered to Amazon
// and may still be rejected or withdrawn.
func (s State) Waiting() bool {
	return s == EntryQueued || s == EntryAwaitingApproval || s == EntryAwaitingShipment
}

// Final reports whether Amazon's answer or a person's decision has ended an
// entry in this state.
func (s State) Final() bool { return !s.Waiting() && !s.UnderWay() }

// BatchState is where a batch stands. Unknown words survive a round trip and
// are left alone.
type BatchState string

const (
	BatchBuilding    BatchState = "Building"    // its entries are claimed
	BatchUploaded    BatchState = "Uploaded"    // Amazon stores the document; without createFeed that has no effect
	BatchSubmitting  BatchState = "Submitting"  // the one createFeed may be on its way
	BatchUnknownSent BatchState = "UnknownSent" // nobody knows whether createFeed arrived
	BatchInQueue     BatchState = "InQueue"     // Amazon gave it a Document Number
	BatchInProgress  BatchState = "InProgress"  // may already have paid
	BatchDone        BatchState = "Done"        // processed; the report tells
	BatchCancelled   BatchState = "Cancelled"   // nothing happened
	BatchFatal       BatchState = "Fatal"       // some, none or all messages may have had effect
)
