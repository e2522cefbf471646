package refund

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// Origin tells where a refund came from.
type Origin string

const (
	FromOrder    Origin = "Order"
	FromRMA      Origin = "RMA"
	FromGoodwill Origin = "Goodwill"

	// These two never travel: they are known to have happened.
	FromSellerCentral Origin = "SellerCentral" // see Service.Record
	FromAmazon        Origin = "Amazon"        // found in a settlement
)

// Outcome is what became of a line's money.
type Outcome string

const (
	LineOpen   Outcome = "Open"   // reserved
	LinePosted Outcome = "Posted" // Amazon paid it
	LineVoided Outcome = "Voided" // will not be paid, the reservation is given back; or was never, though recorded
)

// Proof is what the settlement says of a line's money.
type Proof string

const (
	Unproven   Proof = ""           // no settlement has shown it yet
	Settled    Proof = "Settled"    // shown as it was accepted
	Mismatched Proof = "Mismatched" // shown with another amount; the difference is posted
	Missing    Proof = "Missing"    // not in the settlements in which it should have been; a later one may still show it
	Doubled    Proof = "Doubled"    // shown more often than it was accepted
)

// Refund is money that goes back to a buyer. Its content never changes after it
// was issued; what became of it stands on its lines and on the queue entry with
// the same ID.
type Refund struct {
	ID        queue.EntryID
	Version   int64
	HostOrder order.ID
	Order     order.AmazonID
	Origin    Origin
	RMA       string // the RMA's ID, when it came from one
	Ordinal   int    // 1, 2, 3 … within the RMA

	Key      string // unique for ever within the company
	Token    string // names the content and the balances it was decided on
	Asked    []Ask  // what was asked for, which a repeat under the same key must ask for too
	Currency order.Currency
	Lines    []Line // what came of it
	Reason   amazon.Reason
	Comment  string // for people; never sent

	// AmazonReason is Amazon's word for Reason at the order's marketplace, as it is
	// sent. Empty: the usual one.
	AmazonReason amazon.RefundReason

	// OverRefund says that going beyond what the buyer paid was asked for, and
	// allowed by the setting at that time.
	OverRefund bool

	// Surplus is what goes beyond all that is left of the Amazon order, zero without
	// OverRefund. SurplusAs is the concession that what goes beyond the charges of a
	// line travels as. Empty: Goodwill.
	Surplus   decimal.Decimal
	SurplusAs order.Component

	// Seen names the bookings that nobody here asked for and that were known when the
	// refund was drafted, or when somebody said to pay all the same. Another one that
	// comes to light keeps the refund from being sent.
	Seen []string

	Issued   order.Stamp
	Approved order.Stamp // who agreed to it, where somebody had to; zero: nobody has
	Ended    order.Stamp // when its entry came to its end; zero while it has none

	// PaidAt is when it happened and Reference what it is called there, of a refund
	// that was made elsewhere. Both may be unknown.
	PaidAt    time.Time
	Reference string
}

// Ask is what somebody wants refunded of one order item: a share for so many
// units, or exact amounts.
type Ask struct {
	Item  string // order item ID
	Units int    // units that the money is for; with no Amounts, their share of what is left

	// Shipping adds the units' share of outbound shipping and its tax, which is
	// otherwise left out. It has no meaning beside Amounts.
	Shipping bool

	// Amounts are totals by component, in the order's currency, all positive.
	Amounts order.Amounts

	// Fees are deductions, positive: RestockingFee and LabelCost. They are taken off
	// the Principal that is refunded, and cannot be more.
	Fees order.Amounts

	// Returned is how many units come back on the RMA that the refund is for: all
	// its refunds together are for no more. 0: not known.
	Returned int
}

// Line is the refund of one order item, and one message to Amazon.
type Line struct {
	Item    string
	SKU     string
	Units   int           // units that the money is for; 0: none in particular
	Amounts order.Amounts // totals for these units, after deductions: what is reserved and posted
	Outcome Outcome
	Code    int    // Amazon's, when it refused
	Text    string // Amazon's words, when it refused

	// Gross is what the buyer would have got without deductions, and Fees are the
	// deductions, positive: RestockingFee and LabelCost. Gross minus Fees is Amounts,
	// in total.
	Gross, Fees order.Amounts

	// FeeApart says that the RestockingFee travels as a component of its own, below
	// zero, beside a Principal that is not lowered by it.
	FeeApart bool

	// Paid are the batches in which Amazon is known to have paid it, each of them
	// posted once. One without a name stands for what was done another way.
	Paid []queue.BatchID

	// Proof is what settlements have shown of it, and Bookings are the IDs of their
	// bookings that were taken for it.
	Proof    Proof
	Bookings []string
}

// Total is what the buyer gets back over all lines.
func (r Refund) Total() order.Money {
	sum := decimal.Zero
	for _, l := range r.Lines {
		sum = sum.Add(l.Amounts.Total())
	}
	return order.Money{Amount: sum, Currency: r.Currency}
}

// sent are the amounts that Amazon is told. They differ from what is reserved by a
// restocking fee that travels apart, and by nothing else.
func (l Line) sent() order.Amounts {
	if !l.FeeApart {
		return l.Amounts
	}
	fee := l.Fees[order.RestockingFee]
	return l.Amounts.Plus(order.Amounts{order.Principal: fee}).Minus(order.Amounts{order.RestockingFee: fee})
}

// happened is the earliest time at which Amazon may have booked it; zero when
// nobody knows.
func (r Refund) happened() time.Time {
	if r.Origin == FromSellerCentral {
		return r.PaidAt
	}
	return r.Issued.At
}

// ended tells that nothing of the refund was paid or will be, unless it is tried
// again.
func (r Refund) ended() bool {
	return !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Outcome != LineVoided })
}

func (r Refund) renew() string {
	return fmt.Sprintf("refund %s was asked for before and ended without paying: Queue.Retry renews it, and a new Key is a new refund", r.ID)
}

// Cause is the refund as the ledger names it.
func (r Refund) Cause() order.Cause {
	if r.Origin == FromCancellation {
		return order.Cause{Kind: order.CauseCancellation, ID: string(r.ID)}
	}
	return order.Cause{Kind: order.CauseRefund, ID: string(r.ID)}
}

// Query selects refunds. An empty field selects all; the fields are joined by
// "and". Answers are in the order of Issued.At, then of ID.
type Query struct {
	IDs     []queue.EntryID
	Company order.CompanyID
	Orders  []order.AmazonID
	RMA     string

	// Accounts selects accounts, and Open refunds of which a line is reserved, or
	// posted and Unproven or Missing: those that a settlement may still show.
	Accounts []order.AccountID
	Open     bool

	After Cursor
	Limit int // 0: no limit
}

// Cursor is a place between two refunds of a list.
type Cursor struct {
	IssuedAt time.Time
	ID       queue.EntryID
}

// Cursor marks a place in a list of refunds; see [Query.After].
func (r Refund) Cursor() Cursor { return Cursor{r.Issued.At, r.ID} }

// Match reports whether the query selects a refund; After and Limit are about
// lists and do not count.
func (q Query) Match(r Refund) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
		(q.Company == "" || q.Company == r.HostOrder.Company) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, r.Order)) &&
		(q.RMA == "" || q.RMA == r.RMA) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, r.Order.Account)) &&
		(!q.Open || r.Open())
}

// Open reports whether a settlement may still show money of the refund: a line of
// it is reserved, or posted and neither proven nor refuted.
func (r Refund) Open() bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool {
		return l.Outcome == LineOpen || l.Outcome == LinePosted && (l.Proof == Unproven || l.Proof == Missing)
	})
}

// Store keeps refunds and ledgers. See package store for what every save and
// read owes.
type Store interface {
	// Refunds returns the refunds that a query selects.
	Refunds(ctx context.Context, q Query) ([]Refund, error)

	// Entries returns the queue entries that a query selects.
	Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error)

	// Ledgers returns the ledger of each of these Amazon orders, in their order.
	// An order about which nothing was saved has an empty ledger of version 0.
	Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error)

	// SaveRefunds saves changes, all or nothing.
	SaveRefunds(ctx context.Context, cs []Change) error
}

// Change is everything that one decision about one Amazon order writes.
type Change struct {
	Refunds []Refund
	Entries []queue.Entry
	order.Writes
}
