package rma

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
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
	Currency             order.Currency
	OrderSourceRMANumber string // Amazon's RMA ID; empty when the report gave none, or nobody reported it

	Status       Status
	AmazonStatus string // Amazon's word, verbatim; of the row that is least far, when the rows disagree
	Approval     Approval
	Receipt      Receipt // what Arrivals add up to
	Resolution   Resolution

	Lines       []Line
	Arrivals    []Arrival
	Notes       []Note    // in the order of At, then of Text
	RequestedAt time.Time // when the buyer asked; a date without a time is midnight UTC
	AsOf        time.Time // when the newest report that spoke of it was made; zero: unknown

	// Decided is what somebody decided about Status: reports do not change it any
	// more. Chosen is who chose Resolution, which is Refund until then. Zero: nobody did.
	Decided Decision
	Chosen  order.Stamp

	// Allowed are the units that may be refunded although the policy RefundCeiling
	// says less, with who allowed them.
	Allowed []Allowance

	Key     string // of the host's own, under which somebody opened it; empty: a report did
	Created order.Stamp

	LookAt time.Time // when to see whether it may be closed; zero: not any more
}

// Decision is a status that somebody gave an RMA, and how many units it was for
// then: a closed one opens again when more are authorised.
type Decision struct {
	Status Status
	Units  int
	order.Stamp
}

func (d Decision) String() string {
	if d.Status == "" {
		return ""
	}
	return fmt.Sprintf("%s with %d units", d.Status, d.Units)
}

// Allowance lets so many units of an order line be refunded on an RMA, whatever came
// of them.
type Allowance struct {
	Item  string
	Units int
	order.Stamp
}

// Line is one item that comes back, or one component of a kit that does: the kit
// itself stands on no line.
type Line struct {
	Row  string // order item and its occurrence in the return; empty: no report speaks of it
	Item string // the order line's; of a component, the kit's
	SKU  string // what comes back: of a component, its own
	ASIN string // of a component: the kit's

	Units  int // authorised, of this SKU; never more than the order has left to return
	Asked  int // what Amazon says, of the order line
	Before int // units of the order line that the host had counted as returned before there was an RMA

	Kit    string // SKU of the kit that it is a component of; empty: of none
	PerKit int    // units of it that make one kit

	// Waived says that it was refunded without a return, and that the merchant wanted
	// an RMA of that when it was reported.
	Waived bool

	// Paid is what the buyer paid for these units. What the components of a kit have
	// adds up to exactly what the kit has.
	Paid order.Amounts

	Reason           string // Amazon's code, verbatim
	AmazonStatus     string // Amazon's word, verbatim
	AmazonResolution string // Amazon's word, verbatim
	Comment          string // for people
}

// kits is how many units of the order line it stands for.
func (l Line) kits() int { return l.Units / max(1, l.PerKit) }

// Note is a text on an RMA for people to read, such as its tracking number.
type Note struct {
	Text string
	At   time.Time
	By   string // empty: a report
}

// Arrival is a count of goods that came, or a correction of earlier counts.
type Arrival struct {
	Key     string // unique within the RMA
	Counts  []Count
	Restock bool // what came in good state was put back into stock
	order.Stamp
}

// Count is units of one line's goods, by their state. Below zero they correct an
// earlier count.
type Count struct {
	Item string // order item ID; empty: that of the only line with the SKU
	SKU  string

	Good, Damaged int
	Missing       int // of what was sent back, and will not come any more
}

func (c Count) total() int { return c.Good + c.Damaged + c.Missing }

func (c Count) plus(d Count) Count {
	c.Good += d.Good
	c.Damaged += d.Damaged
	c.Missing += d.Missing
	return c
}

// Counted adds up what came of one line's goods.
func (r RMA) Counted(item, sku string) Count {
	sum := Count{Item: item, SKU: sku}
	for _, a := range r.Arrivals {
		for _, c := range a.Counts {
			if c.Item == item && c.SKU == sku {
				sum = sum.plus(c)
			}
		}
	}
	return sum
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

	// Returns returns the rows of reports that a query selects.
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
