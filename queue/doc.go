// Package queue holds requests to Amazon until they may go, sends them in as few
// documents as possible, and follows them until Amazon's answer.
//
// # At most once
//
// Amazon's feeds have no idempotency key: a refund that is sent twice is paid
// twice. A lost answer (a time-out, a dropped connection, a 5xx) does not tell
// whether the feed exists. So sending goes like this:
//
//  1. A createFeed token of the account's bucket is reserved, without waiting
//     ([amazon.Feeds]). Only then are entries claimed: each is checked once more
//     by its [Handler], and those that pass become a [Batch] with its document,
//     hash and message map, in one save that also raises the head of each Amazon
//     order. An Amazon order has at most one entry under way.
//  2. The document is uploaded, which has no effect by itself and may be
//     repeated. The access token that createFeed is going to use is fetched now
//     and bound; the batch's Fence is the moment after which Amazon refuses that
//     token.
//  3. The batch goes from Uploaded to Submitting by compare-and-set, durably. The
//     goroutine whose save did that may send, once. Whoever else finds a batch in
//     Submitting never sends it: its state is UnknownSent from then on.
//  4. createFeed is one request on the wire.
//  5. What was learned is saved, whatever state the batch has by then, and saving
//     does not end with the caller's context. Throttled, failed before the first
//     byte, or refused for its token: not sent, Uploaded again. Refused as a call
//     (400, 413, 415): not sent, and a person must look. A Document Number: sent.
//     Anything else: UnknownSent.
//
// Until its fence, a batch whose createFeed was not answered keeps the next
// createFeed of its account and type waiting, whatever was found or decided about
// it: the request may still be on its way.
//
// # A lost answer
//
// Amazon is asked for all feeds of the type since the attempt, after 2, 5, 15 and
// 30 minutes, then every hour, when the feed would have to be listed at the
// latest (the fence and [Config.Margin]), and once a day from then on. A feed of
// no batch that was created between the attempt and the fence could be the one.
//
//   - If there is exactly one, the batch adopts it; if the account has
//     [amazon.Account.OtherSenders], or there are several, only when its
//     processing report names a message of the batch and none of another.
//   - If there is none in a complete list that was begun after fence and margin,
//     the batch was not sent. [settings.Policy.LostAnswer] says whether it is sent
//     anew by itself; otherwise it needs a decision, and so do several. Only then
//     there is an alert.
//
// What an adopted feed accepted is provisional: UnknownResult, and reserved, until
// its report names a message of ours, its own answer comes, or a [Witness] finds
// the effect. A report that names another's message, and a feed that was
// cancelled, are not ours: the batch gives the feed up for ever.
//
// [Queue.Case] and [Queue.EntryCase] show what is known to a person, who decides
// with [Queue.Decide]. What supposes that nothing happened is [ErrTooEarly] as long
// as something may have, unless it is overridden, which is recorded. When an
// answer comes after a decision, the entry is Submitted again, and a document that
// was made for it meanwhile is dissolved, or cancelled at Amazon if it was sent;
// then there is an alert.
//
// # Whose turn it is
//
// [Queue.Step] works on the accounts that have something due, one after the other,
// within a [Budget]; the next Step, of whatever process, goes on where it stopped.
// A lease per account keeps two processes from working on one; a process that dies
// leaves it for five minutes. An account where nothing works is left alone for a
// minute, then for longer, up to half an hour. No promise rests on lease or clock.
//
// Cancellations go first, but not more than three documents in a row. [Queue.Pause]
// is asked last, right before the commit to send.
//
// The store belongs to a named installation: a process with another name, on a copy
// of the database, sends nothing ([ErrInstallation]). Before an account's first
// createFeed in a process, its feeds at Amazon are listed: one that is newer than
// all we know, and that nobody here sent, pauses it. After a restore call
// [Queue.Recover].
//
// # Results
//
// A refund of n lines is n messages, each with its own result. A message has
// succeeded when the feed is DONE, the report complete, its counts add up, and no
// error has its ID or the document's. An error with its ID refuses it. In every
// other case its result is unknown: reserved, visible, and not sent again. A
// report that cannot be read is read again for some days first. Handlers that are
// a [Witness] are asked what became of the entry; after ten days without evidence
// a person is. Evidence about what was thought to have ended is recorded with its
// attempt, handed to the handler, and an alert.
//
// A feed that Amazon cancelled had no effect, and its entries are queued again.
// One that takes longer than 8 hours is an alert; [Queue.CancelFeed] cancels what
// Amazon has not begun.
//
// # Seeing it
//
// [Queue.Stats] shows how each account stands: how many entries are in which state
// and since when, what is not confirmed or needs a decision, who paused it, and when
// something goes next. [Queue.Alerts] lists what needs a person, until somebody in
// the right role has looked ([Queue.CloseAlert]). [Config.Observe] is handed each
// [Event], which is logged too.
//
// # What it rests on
//
// Two assumptions carry all this. Amazon refuses a createFeed whose access token
// has expired, and Amazon lists a feed in getFeeds within the margin of its
// creation. Outside the promise: a proxy or mesh that repeats POST requests, and a
// decision with Override.
//
// # States of an entry
//
// Every change of state, its cause, and what becomes of the reservation.
// Anything else is [ErrTransition].
//
//	(new)          → Queued          requested: reserved
//	(new)          → AppliedLocally  Do Not Send To Amazon: none
//	(new)          → AwaitingApproval requested, above what its requester may ask for alone: reserved
//	AwaitingApproval → Queued          another person approved it: kept
//	AwaitingApproval → Rejected        an operator said no: voided
//	AwaitingApproval → Withdrawn       the requester took it back: voided
//	Queued         → Claimed         chosen by a person, or due: kept
//	Queued         → AwaitingShipment its units are not shipped yet: kept
//	AwaitingShipment → Queued          looked at again: kept
//	Queued         → NeedsDecision   cannot be sent as it stands: kept
//	Queued         → Rejected        an operator said no: voided
//	Queued         → Withdrawn       the requester took it back: voided
//	AwaitingShipment → Rejected        an operator said no: voided
//	AwaitingShipment → Withdrawn       the requester took it back: voided
//	Claimed        → Submitting      the right to send was committed: kept
//	Claimed        → Queued          its batch was dissolved unsent: kept
//	Submitting     → Claimed         not sent: throttled, or failed before the first byte: kept
//	Submitting     → Submitted       Amazon gave a Document Number: kept
//	Submitting     → UnknownSent     the answer was lost: kept
//	Submitting     → NeedsDecision   Amazon refused the call: kept
//	UnknownSent    → Submitted       the answer came after all, or its feed was found or named: kept
//	UnknownSent    → Claimed         its own answer came after all: not sent: kept
//	NeedsDecision  → Submitted       the answer came after all, or its feed was found or named: kept
//	NeedsDecision  → Claimed         its own answer came after all: not sent: kept
//	Queued         → Submitted       was to be sent anew, and its own answer came after all: kept
//	AwaitingShipment → Submitted       was to be sent anew, and its own answer came after all: kept
//	UnknownSent    → NeedsDecision   no feed was found, or several, or Amazon's refusal came after all: kept
//	UnknownResult  → NeedsDecision   no evidence came for long: kept
//	Submitted      → UnknownSent     the feed that was adopted is another's: kept
//	Submitted      → Refused         every message has an error of its own, or the document has: voided
//	UnknownResult  → UnknownSent     the feed that was adopted is another's: kept
//	UnknownResult  → Refused         every message has an error of its own, or the document has: voided
//	Submitted      → Accepted        every message succeeded, by the report or other evidence: posted
//	Submitted      → PartlyAccepted  some messages succeeded, the others were refused or given up: posted or voided, each
//	Submitted      → Queued          nothing happened: its feed was cancelled, or it was decided to send anew: kept
//	UnknownSent    → Accepted        every message succeeded, by the report or other evidence: posted
//	UnknownSent    → PartlyAccepted  some messages succeeded, the others were refused or given up: posted or voided, each
//	UnknownSent    → Queued          nothing happened: its feed was cancelled, or it was decided to send anew: kept
//	UnknownResult  → Accepted        every message succeeded, by the report or other evidence: posted
//	UnknownResult  → PartlyAccepted  some messages succeeded, the others were refused or given up: posted or voided, each
//	UnknownResult  → Queued          nothing happened: its feed was cancelled, or it was decided to send anew: kept
//	NeedsDecision  → Accepted        every message succeeded, by the report or other evidence: posted
//	NeedsDecision  → PartlyAccepted  some messages succeeded, the others were refused or given up: posted or voided, each
//	NeedsDecision  → Queued          nothing happened: its feed was cancelled, or it was decided to send anew: kept
//	Submitted      → UnknownResult   the report does not tell: kept where unknown
//	Submitted      → NeedsDecision   an error that does not tell what happened: kept where unknown
//	UnknownSent    → GivenUp         a person decided that it will not be sent: voided
//	UnknownSent    → SettledOutside  a person found that it was done another way: posted
//	UnknownResult  → GivenUp         a person decided that it will not be sent: voided
//	UnknownResult  → SettledOutside  a person found that it was done another way: posted
//	NeedsDecision  → GivenUp         a person decided that it will not be sent: voided
//	NeedsDecision  → SettledOutside  a person found that it was done another way: posted
//	Refused        → Queued          tried again: reserved again
//	Rejected       → Queued          tried again: reserved again
//	Withdrawn      → Queued          tried again: reserved again
//	GivenUp        → Queued          tried again: reserved again
//	Rejected       → AwaitingApproval tried again, and nobody has approved it: reserved again
//	Withdrawn      → AwaitingApproval tried again, and nobody has approved it: reserved again
//
// # States of a batch
//
//	(new)          → Building        entries claimed, document stored
//	Building       → Uploaded        document uploaded, token and fence bound
//	Uploaded       → Uploaded        uploaded again under a new ticket
//	Uploaded       → Submitting      the right to send, once, was committed
//	Building       → Cancelled       dissolved unsent
//	Uploaded       → Cancelled       dissolved unsent
//	Submitting     → Uploaded        not sent
//	Submitting     → InQueue         Document Number
//	Submitting     → Cancelled       Amazon refused the call
//	Submitting     → UnknownSent     the answer was lost, or its sender
//	UnknownSent    → InQueue         the answer came after all, or its feed was found or named
//	UnknownSent    → Uploaded        its own answer came after all: not sent
//	UnknownSent    → Cancelled       Amazon's refusal came after all, or it was decided about
//	Cancelled      → InQueue         was decided about, and its own answer came after all
//	InQueue        → UnknownSent     the feed that was adopted is another's
//	InProgress     → UnknownSent     the feed that was adopted is another's
//	Done           → UnknownSent     the feed that was adopted is another's
//	Cancelled      → UnknownSent     the feed that was adopted is another's
//	Fatal          → UnknownSent     the feed that was adopted is another's
//	InQueue        → InProgress      polled
//	InQueue        → Done            polled
//	InQueue        → Cancelled       polled
//	InQueue        → Fatal           polled
//	InProgress     → Done            polled
//	InProgress     → Cancelled       polled
//	InProgress     → Fatal           polled
package queue
