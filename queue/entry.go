package queue

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// Kind tells what an entry asks for, and so which [Handler] knows it.
type Kind string

const (
	KindRefund       Kind = "Refund"
	KindCancellation Kind = "Cancellation"
)

// EntryID names an entry and the refund or cancellation that it stands for.
type EntryID string

// NewEntryID derives the ID from the key, which is unique for ever within
// company and kind: the same key gives the same ID, so that a repeated request
// meets the first one's row.
func NewEntryID(k Kind, company order.CompanyID, key string) EntryID {
	sum := sha256.Sum256([]byte(string(k) + "\x00" + string(company) + "\x00" + key))
	prefix := map[Kind]string{KindRefund: "RF", KindCancellation: "CN"}[k]
	return EntryID(prefix + base32.StdEncoding.EncodeToString(sum[:10]))
}

// CheckKey refuses a key that [order.CheckName] refuses. An empty key is none.
func CheckKey(key string) error { return order.CheckName("key", key) }

// BatchID names a batch: the account and a number that rises within it.
type BatchID string

// Entry is one refund or cancellation in the queue. What it is for only its
// [Handler] knows; the queue knows how it travels and how it ended.
type Entry struct {
	ID        EntryID
	Version   int64
	Kind      Kind
	Feed      amazon.FeedType // the document it travels in
	HostOrder order.ID
	Order     order.AmazonID
	Amount    order.Money
	Label     string // what lists show and a search looks at: SKUs, RMA number; no buyer data

	State     State
	Why       string        // why it stands there, for people
	NotBefore time.Time     // do not send earlier; zero: no such wish
	Mode      settings.Mode // when it was asked for: what waited for a person or a batch does not go by itself when that is switched off
	QueuedAt  time.Time     // when it began to wait; lists are in this order
	Selection *Selection

	// Unapproved says that another person must agree before it may be sent, and that
	// nobody has: see [Entry.Approved].
	Unapproved bool

	Attempts []Attempt // the last one is the current one
	Head     int64     // version of the order's head since its last claim; numbers its audit rows

	Requested order.Stamp
	Changed   order.Stamp // the last change of State: who, when, why
}

// Selection records that a person said to send an entry, and in which batch.
type Selection struct {
	Batch BatchID
	By    string
	At    time.Time
}

// Attempt is one offer of an entry to Amazon.
type Attempt struct {
	Batch    BatchID
	At       time.Time
	Messages []Part
	Results  []Result   // none until Amazon answered
	Evidence []Evidence // about this entry alone, oldest first; what concerns the whole document stands on the batch
}

// EvidenceKind tells where a piece of evidence comes from.
type EvidenceKind string

const (
	EvidenceAnswer   EvidenceKind = "Answer"   // what createFeed answered
	EvidenceLook     EvidenceKind = "Look"     // getFeeds, listed completely
	EvidenceAdopted  EvidenceKind = "Adopted"  // a feed was taken to be this batch's
	EvidenceReport   EvidenceKind = "Report"   // the processing report
	EvidenceFinances EvidenceKind = "Finances" // what Amazon has booked for the order
	EvidenceOrder    EvidenceKind = "Order"    // the order as Amazon sees it
	EvidenceDecision EvidenceKind = "Decision" // what a person, or the host's policy, decided
)

// Evidence is one thing that was found out about an attempt. It is appended and
// never changed.
type Evidence struct {
	Kind     EvidenceKind
	Document amazon.FeedID // the feed that it is about, if any
	Text     string        // for people
	Override bool          // decided before Amazon could be sure
	order.Stamp
}

// same tells whether this is the very same piece, as it was saved before.
func (e Evidence) same(other Evidence) bool {
	at, was := e.At, other.At
	e.At, other.At = time.Time{}, time.Time{}
	return e == other && at.Equal(was)
}

// Part says which message stood for which part of an entry: the order item of a
// refund, everything ("") for a cancellation.
type Part struct {
	Message amazon.MessageID
	Part    string
}

// Result is what became of one part: Amazon said so, or a person did.
type Result struct {
	Part    string
	Verdict amazon.Verdict
	Code    int    // Amazon's; 0 for a success
	Text    string // Amazon's words, or why nothing is known
	By      string // who decided it; empty: nobody, it is from Amazon. Accepted is then done another way, and Refused given up
}

// Approved is an entry that waits for approval after somebody gave it: it waits to
// be sent from then on. Any other is [ErrTransition]. Who may approve, and of what,
// is for the package that knows what the entry stands for.
func (e Entry) Approved(s order.Stamp) (Entry, error) {
	if e.State != EntryAwaitingApproval {
		return e, fmt.Errorf("%s %s of order %s is %s (%s) and does not wait for approval: %w", e.Kind, e.ID, e.Order.Number, e.State, e.State.Label(), ErrTransition)
	}
	err := e.move(EntryQueued, s)
	e.Unapproved, e.QueuedAt = false, s.At
	return e, err
}

// Attempt is the current attempt; the zero value before the first.
func (e Entry) Attempt() Attempt {
	if len(e.Attempts) == 0 {
		return Attempt{}
	}
	return e.Attempts[len(e.Attempts)-1]
}

// Cursor marks a place in a list of entries; see [EntryQuery.After].
func (e Entry) Cursor() EntryCursor { return EntryCursor{e.QueuedAt, e.ID} }

// EntryCursor is a place between two entries of a list.
type EntryCursor struct {
	QueuedAt time.Time
	ID       EntryID
}

// EntryQuery selects entries. An empty field selects all; the fields are joined
// by "and". Answers are in the order of QueuedAt, then of ID.
type EntryQuery struct {
	IDs      []EntryID
	Company  order.CompanyID
	Accounts []order.AccountID
	Orders   []order.AmazonID
	Kinds    []Kind
	Feeds    []amazon.FeedType
	States   []State
	Batch    BatchID   // entries with an attempt or a selection for it
	Text     string    // part of the label, the ID, or either order's number, in any case
	From, To time.Time // QueuedAt: From included, To not
	ReadyBy  time.Time // NotBefore is this or earlier
	Selected bool      // only those that a person said to send
	After    EntryCursor
	Limit    int // 0: no limit
}

// Match reports whether the query selects an entry; After and Limit are about
// lists and do not count.
func (q EntryQuery) Match(e Entry) bool {
	return in(q.IDs, e.ID) &&
		(q.Company == "" || q.Company == e.HostOrder.Company) &&
		in(q.Accounts, e.Order.Account) && in(q.Orders, e.Order) &&
		in(q.Kinds, e.Kind) && in(q.Feeds, e.Feed) && in(q.States, e.State) &&
		(q.Batch == "" || e.in(q.Batch)) &&
		(q.Text == "" || strings.Contains(e.SearchText(), strings.ToLower(q.Text))) &&
		(q.From.IsZero() || !e.QueuedAt.Before(q.From)) &&
		(q.To.IsZero() || e.QueuedAt.Before(q.To)) &&
		(q.ReadyBy.IsZero() || !e.NotBefore.After(q.ReadyBy)) &&
		(!q.Selected || e.Selection != nil)
}

// SearchText is what [EntryQuery.Text] is looked for in, in lower case.
func (e Entry) SearchText() string {
	return strings.ToLower(strings.Join([]string{string(e.ID), e.HostOrder.Number, e.Order.Number, e.Label}, " "))
}

func (e Entry) in(b BatchID) bool { return slices.Contains(e.Batches(), b) }

// Batches lists the batches that an entry was or is to be sent in.
func (e Entry) Batches() []BatchID {
	var ids []BatchID
	for _, a := range e.Attempts {
		ids = append(ids, a.Batch)
	}
	if e.Selection != nil && !slices.Contains(ids, e.Selection.Batch) {
		ids = append(ids, e.Selection.Batch)
	}
	return ids
}

func in[T comparable](set []T, v T) bool { return len(set) == 0 || slices.Contains(set, v) }

// Batch is one document and what became of it.
type Batch struct {
	ID      BatchID
	Version int64
	Company order.CompanyID
	Account order.AccountID
	Feed    amazon.FeedType
	State   BatchState
	Why     string // why it stands there, for people

	Messages []BatchMessage
	Entries  int
	Hash     string // SHA-256 of the document, in hexadecimal

	AttemptedAt    time.Time     // when createFeed was allowed to be called, on Amazon's clock
	Fence          time.Time     // after this Amazon refuses that createFeed, on its clock
	Sends          int           // how often the right to send it was committed
	Unanswered     bool          // its last createFeed was not answered, as far as is known
	DocumentNumber amazon.FeedID // unique within the account
	Adopted        bool          // the document number was found, not answered: what it accepts waits for evidence
	EndedAt        time.Time     // when Amazon was done with the feed, on its clock; zero: it is not
	Due            time.Time     // when to look at it again
	Doubled        bool          // an entry of it was sent again before its answer came: cancel what is not begun
	Decided        Choice        // what was decided about it while nobody knew whether it was sent; its entries follow
	Applied        bool          // every entry has its result; nothing is left to do

	Look     Look       // the last complete look for it
	Evidence []Evidence // about the document, oldest first; of the answers that it was not sent, the latest hundred

	Accepted, Refused, Open int // entries, once results are known

	Created order.Stamp

	// Document is what was sent and Report what Amazon answered. Reads leave
	// them nil, and Messages too, unless asked for; a save with nil keeps what is
	// stored.
	Document, Report []byte
}

// Look is what a complete list of feeds showed of a batch whose answer is lost.
type Look struct {
	At         time.Time       // when it began, on Amazon's clock; zero: nobody has looked
	Count      int             // how many there were
	Candidates []amazon.FeedID // the feeds that no batch has and that could be its, by their time or nearly so
}

// BatchMessage is one line of a batch's message map.
type BatchMessage struct {
	ID    amazon.MessageID
	Entry EntryID
	Part  string
}

// BatchQuery selects batches. An empty field selects all; the fields are joined
// by "and". Answers are in the order of Created.At, then of ID.
type BatchQuery struct {
	IDs             []BatchID
	Company         order.CompanyID
	Accounts        []order.AccountID
	Feeds           []amazon.FeedType
	States          []BatchState
	DocumentNumbers []amazon.FeedID
	Unapplied       bool      // only those with something left to do
	DueBy           time.Time // Due is this or earlier
	Contents        bool      // read Messages, Document and Report too
	After           BatchCursor
	Limit           int // 0: no limit
}

// BatchCursor is a place between two batches of a list.
type BatchCursor struct {
	CreatedAt time.Time
	ID        BatchID
}

// Cursor marks a place in a list of batches; see [BatchQuery.After].
func (b Batch) Cursor() BatchCursor { return BatchCursor{b.Created.At, b.ID} }

// Match reports whether the query selects a batch; After, Limit and Contents
// are about lists and do not count.
func (q BatchQuery) Match(b Batch) bool {
	return in(q.IDs, b.ID) &&
		(q.Company == "" || q.Company == b.Company) &&
		in(q.Accounts, b.Account) && in(q.Feeds, b.Feed) && in(q.States, b.State) &&
		in(q.DocumentNumbers, b.DocumentNumber) &&
		(!q.Unapplied || !b.Applied) &&
		(q.DueBy.IsZero() || !b.Due.After(q.DueBy))
}

// Store keeps the queue. See package store for what every save and read owes.
type Store interface {
	// Entries returns the entries that a query selects.
	Entries(ctx context.Context, q EntryQuery) ([]Entry, error)

	// Batches returns the batches that a query selects.
	Batches(ctx context.Context, q BatchQuery) ([]Batch, error)

	// Lanes returns one lane for each account, feed type and state that has
	// entries, of these states, in the order of Account, Feed and State. What it
	// costs depends on the number of lanes, not of entries.
	Lanes(ctx context.Context, states ...State) ([]Lane, error)

	// Counts counts entries, of one company, or of all when it is empty, in the
	// order of Account, Company, Feed, Kind and State.
	Counts(ctx context.Context, company order.CompanyID) ([]Count, error)

	// Alerts returns the alerts of all journals that a query selects.
	Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error)

	// SaveQueue saves a change, all or nothing. A DocumentNumber that another
	// batch of the account has is a conflict. Where the database can be told not
	// to wait for the disk, it refuses to save as long as it is told so. On a
	// database that a newer version has migrated, a change with a new batch, or one
	// in Submitting, is answered store.ErrNewer; every other is saved.
	SaveQueue(ctx context.Context, c Change) error
}

// Lane is the entries of one account and feed type that stand in one state.
type Lane struct {
	Account order.AccountID
	Feed    amazon.FeedType
	State   State
	Ready   time.Time // the earliest NotBefore among them
}

// Count is how many entries of one account, company, feed type and kind stand in
// one state, and since when the oldest of them was queued.
type Count struct {
	Account order.AccountID
	Company order.CompanyID
	Feed    amazon.FeedType
	Kind    Kind
	State   State
	Entries int
	Oldest  time.Time
}

// Change is what one step of the submitter writes. Orders raises the heads of
// the Amazon orders whose entries are claimed, so that two workers cannot start
// two entries of one order. Events are appended to the journals of their orders
// without raising a head: what happens to a document on its way decides nothing
// about a balance.
type Change struct {
	Batches []Batch
	Entries []Entry
	Orders  []order.Writes
	Events  []order.Event
}

// rows are the audit rows of entries that have come to a state.
func rows(es []Entry, to State) []order.Event {
	var rows []order.Event
	for _, e := range es {
		if e.State == to {
			rows = append(rows, e.row(order.EventResult, strings.TrimSpace(string(e.State)+". "+e.Why), e.Changed))
		}
	}
	return rows
}

// row is a row of the journal of an entry's order.
func (e Entry) row(k order.EventKind, text string, s order.Stamp) order.Event {
	return order.Event{
		Order: e.Order, Seq: order.LastSeq(e.Head), Kind: k,
		Subject: strings.ToLower(string(e.Kind)) + " " + string(e.ID), Text: text, Stamp: s,
	}
}
