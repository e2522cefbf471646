package settlement

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/reportparse"
)

// ID names a settlement: the account and Amazon's settlement ID. Amazon offers the
// same one in several documents and for several marketplaces; it is imported once.
type ID struct {
	Account order.AccountID
	Number  string
}

func (id ID) String() string { return string(id.Account) + "/" + id.Number }

// Settlement is one settlement report of an account, as it was imported.
type Settlement struct {
	ID       ID
	Version  int64
	Company  order.CompanyID
	Report   amazon.ReportMeta // the file that was imported
	Start    time.Time
	End      time.Time
	Deposit  time.Time
	Currency order.Currency

	// Total is what the report says, Sum what its rows add up to. A difference is
	// shown, not hidden.
	Total, Sum decimal.Decimal
	NoTotal    bool // the report says nothing of a total
	Rows, Bad  int

	// Format is what the file was found to be. Each format counts its rows in its own
	// way, so a settlement is imported from one.
	Format reportparse.Type

	Done     bool // all of it was imported
	Imported order.Stamp
}

// Difference is what the report says less what its rows add up to: zero for a
// report that was complete and read without bad rows, and for one without a total.
func (s Settlement) Difference() decimal.Decimal {
	if s.NoTotal {
		return decimal.Zero
	}
	return s.Total.Sub(s.Sum)
}

// doubted reports whether rows of the settlement may be missing: it is not the sum of
// its rows, or some of them could not be read.
func (s Settlement) doubted() bool { return s.Bad > 0 || !s.Difference().IsZero() }

// Match tells what a booking was taken for.
type Match string

// Those of the first group were posted to the ledger of their order. The others
// wait. They are tried again with every import and at [Service.Retry], and so is a
// contradiction.
const (
	MatchSettled         Match = "Settled"         // a refund of ours, to the cent
	MatchMismatched      Match = "Mismatched"      // a refund of ours, with a difference that was posted
	MatchDoubled         Match = "Doubled"         // a refund of ours, or cancelled units, that have their booking already
	MatchAmazonInitiated Match = "AmazonInitiated" // nobody here asked for it
	MatchCancelled       Match = "Cancelled"       // units that were split off and cancelled here, for which Amazon pays too
	MatchContradicted    Match = "Contradicted"    // such units, though their cancellation counts as without effect
	MatchReversed        Match = "Reversed"        // money that came back from the buyer, or a correction of the tax
	MatchFees            Match = "Fees"            // nothing for the buyer: fees alone

	MatchUnanswered    Match = "Unanswered"    // a refund of ours, of which the queue still waits to hear: its money is reserved
	MatchUnknownOrder  Match = "UnknownOrder"  // of an order that the host does not know
	MatchOtherCurrency Match = "OtherCurrency" // in another currency than its order
	MatchIncomplete    Match = "Incomplete"    // rows of it may be missing from its report, and as it stands it is no refund that is known, or less than one
)

// Booking is what one settlement shows of one order item in one refund: rows of the
// same kind, order, item, adjustment and time, added up.
type Booking struct {
	ID         string // account, settlement and first row
	Version    int64
	Company    order.CompanyID
	Order      order.AmazonID
	Settlement ID
	Rows       []int  // in the report, in rising order
	Kind       string // Amazon's transaction-type, verbatim
	Incomplete bool   // a row of the order could not be read, and may belong to it; see also MatchIncomplete
	Item, SKU  string // empty when the report gives none

	AdjustmentID         string // Amazon's
	MerchantAdjustmentID string // what was sent with the refund, where Amazon gives it back

	PostedAt time.Time // the end of the settlement, where its rows do not say
	Currency order.Currency

	// Amounts went to the buyer, by component, promotions netted; below zero what
	// came back from the buyer. The rest of the rows are the merchant's side: the
	// commission that came back and what Amazon kept of it, other fees, and tax that
	// Amazon had withheld. Net is the sum of all rows as they stand.
	Amounts                            order.Amounts
	CommissionReturned, CommissionKept decimal.Decimal
	OtherFees, WithheldTax             decimal.Decimal
	Net                                decimal.Decimal

	// KeptExpected is what Amazon was expected to keep of the commission; not valid
	// where its rule is not known, and while the order is not.
	KeptExpected decimal.NullDecimal

	Match        Match
	Refund       queue.EntryID // the refund of ours, or the one that was made for it; empty: none
	Cancellation queue.EntryID // the cancellation of units that were split off; empty: none
	RefundItem   string        // the line of either; with none, the order's
	Difference   order.Amounts // booked minus accepted
	Matched      order.Stamp
}

// Query selects settlements. An empty field selects all; the fields are joined by
// "and". Answers are in the order of Start, then of account and number.
type Query struct {
	IDs        []ID
	Company    order.CompanyID
	Accounts   []order.AccountID
	Currencies []order.Currency
	After      Cursor
	Limit      int // 0: no limit
}

// Cursor is a place between two settlements of a list.
type Cursor struct {
	Start time.Time
	ID    ID
}

// Cursor marks a place in a list of settlements; see [Query.After].
func (s Settlement) Cursor() Cursor { return Cursor{s.Start, s.ID} }

// Match reports whether the query selects a settlement; After and Limit are about
// lists and do not count.
func (q Query) Match(s Settlement) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, s.ID)) &&
		(q.Company == "" || q.Company == s.Company) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, s.ID.Account)) &&
		(len(q.Currencies) == 0 || slices.Contains(q.Currencies, s.Currency))
}

// BookingQuery selects bookings. An empty field selects all; the fields are joined
// by "and". Answers are in the order of PostedAt, then of ID.
type BookingQuery struct {
	IDs         []string
	Company     order.CompanyID
	Accounts    []order.AccountID
	Orders      []order.AmazonID
	Settlements []ID
	Matches     []Match
	After       BookingCursor
	Limit       int // 0: no limit
}

// BookingCursor is a place between two bookings of a list.
type BookingCursor struct {
	PostedAt time.Time
	ID       string
}

// Cursor marks a place in a list of bookings; see [BookingQuery.After].
func (b Booking) Cursor() BookingCursor { return BookingCursor{b.PostedAt, b.ID} }

// Match reports whether the query selects a booking; After and Limit are about
// lists and do not count.
func (q BookingQuery) Match(b Booking) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, b.ID)) &&
		(q.Company == "" || q.Company == b.Company) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, b.Order.Account)) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, b.Order)) &&
		(len(q.Settlements) == 0 || slices.Contains(q.Settlements, b.Settlement)) &&
		(len(q.Matches) == 0 || slices.Contains(q.Matches, b.Match))
}
