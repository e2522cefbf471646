package rma

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
)

// ID names an RMA in this library and for the merchant's staff.
type ID string

// newID derives the ID from Amazon's, so that the same return meets the same
// row whichever file it comes in.
func newID(company order.CompanyID, account order.AccountID, source string) ID {
	sum := sha256.Sum256([]byte(string(company) + "\x00" + string(account) + "\x00" + source))
	return ID("RM" + base32.StdEncoding.EncodeToString(sum[:10]))
}

// Status is where an RMA stands for the merchant.
type Status string

const (
	Open      Status = "Open"
	Closed    Status = "Closed"
	Cancelled Status = "Cancelled"
)

// Approval tells whether the return was agreed to.
type Approval string

const (
	Undecided Approval = "Undecided"
	Approved  Approval = "Approved"
	Rejected  Approval = "Rejected"
)

// Receipt tells how much of the goods came back.
type Receipt string

const (
	NotReceived       Receipt = "NotReceived"
	PartiallyReceived Receipt = "PartiallyReceived"
	Received          Receipt = "Received"
)

// Resolution is what the buyer is to get.
type Resolution string

const (
	NotDecided Resolution = "NotDecided"
	Refund     Resolution = "Refund"
	Replace    Resolution = "Replace"
	Exchange   Resolution = "Exchange"
	Repair     Resolution = "Repair"
	Reject     Resolution = "Reject"
)

// RMA is one return that a buyer asked for, as Amazon reports it and the
// merchant handles it.
type RMA struct {
	ID                   ID
	Version              int64
	HostOrder            order.ID
	Order                order.AmazonID
	OrderSourceRMANumber string // Amazon's RMA ID; empty when the report gave none

	Status       Status
	AmazonStatus string // Amazon's word, verbatim
	Approval     Approval
	Receipt      Receipt
	Resolution   Resolution

	Lines       []Line
	Notes       []Note
	RequestedAt time.Time // when the buyer asked; a date without a time is midnight UTC
	AsOf        time.Time // when the newest report that spoke of it was made; zero: unknown

	Created order.Stamp

	LookAt time.Time // when to see whether it may be closed; zero: not any more
}

// Line is one item that comes back.
type Line struct {
	Row              string // which row of the report it came from: item or SKU and ASIN, and its occurrence
	Item             string // the order line's
	SKU              string
	ASIN             string
	Units            int
	Reason           string // Amazon's code, verbatim
	AmazonResolution string // Amazon's word, verbatim
	Comment          string
}

// Note is a text on an RMA for people to read, such as its tracking number.
type Note struct {
	Text string
	At   time.Time
}

// Query selects RMAs. An empty field selects all; the fields are joined by
// "and". Answers are in the order of Created.At, then of ID.
type Query struct {
	IDs        []ID
	Company    order.CompanyID
	Orders     []order.AmazonID
	HostOrders []order.ID
	Statuses   []Status
	LookBy     time.Time // not zero: those whose LookAt is set and this or earlier
	After      Cursor
	Limit      int // 0: no limit
}

// Cursor is a place between two RMAs of a list.
type Cursor struct {
	CreatedAt time.Time
	ID        ID
}

// Cursor marks a place in a list of RMAs; see [Query.After].
func (r RMA) Cursor() Cursor { return Cursor{r.Created.At, r.ID} }

// Match reports whether the query selects an RMA; After and Limit are about
// lists and do not count.
func (q Query) Match(r RMA) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
		(q.Company == "" || q.Company == r.HostOrder.Company) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, r.Order)) &&
		(len(q.HostOrders) == 0 || slices.Contains(q.HostOrders, r.HostOrder)) &&
		(len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.Status)) &&
		(q.LookBy.IsZero() || !r.LookAt.IsZero() && !r.LookAt.After(q.LookBy))
}

// Store keeps RMAs. See package store for what every save and read owes.
type Store interface {
	// RMAs returns the RMAs that a query selects.
	RMAs(ctx context.Context, q Query) ([]RMA, error)

	// Returns returns the rows without an RMA that a query selects.
	Returns(ctx context.Context, q ReturnQuery) ([]Return, error)

	// Refunds is that of [refund.Store].
	Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error)

	// Ledgers returns the ledger of each of these Amazon orders, in their order.
	// An order about which nothing was saved has an empty ledger of version 0.
	Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error)

	// SaveRMAs saves changes, all or nothing.
	SaveRMAs(ctx context.Context, cs []Change) error
}

// Change is everything that one decision about one Amazon order writes.
type Change struct {
	RMAs    []RMA
	Returns []Return
	order.Writes
}
