package rma

import (
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// Return is a row of a returns report that has no RMA, or had none at first: of an
// order that the host does not know, of two lines that it could be about, or one
// that makes no RMA by the merchant's settings. Nothing of it is lost: it is tried
// again at each import and on Retry.
type Return struct {
	ID      ID // of the row, and of nothing else
	Version int64
	Company order.CompanyID
	Order   order.AmazonID

	State ReturnState
	Why   string // for people
	RMA   ID     // that it became a line of, in state ReturnMatched

	Row        reportparse.Return // as the newest report that spoke of it gave it
	Occurrence int                // 1 for the first row of its return about this item, 2 for its twin …
	Columns    []string           // that the report had
	AsOf       time.Time          // when that report was made; zero: unknown

	First   order.Stamp // who imported it first
	Changed order.Stamp
}

// ReturnState says why a row has no RMA.
type ReturnState string

const (
	ReturnUnmatched  ReturnState = "Unmatched"  // the host does not know the order, or the order has no such line
	ReturnAmbiguous  ReturnState = "Ambiguous"  // several lines of the order could be meant: a person says which
	ReturnReturnless ReturnState = "Returnless" // refunded without a return, and the merchant wants no RMA for it
	ReturnMatched    ReturnState = "Matched"    // it has its RMA now
)

// ReturnQuery selects rows without an RMA. An empty field selects all; the fields
// are joined by "and". Answers are in the order of First.At, then of ID.
type ReturnQuery struct {
	IDs      []ID
	Company  order.CompanyID
	Accounts []order.AccountID
	Orders   []order.AmazonID
	States   []ReturnState
	After    Cursor
	Limit    int // 0: no limit
}

// Cursor marks a place in a list of rows; see [ReturnQuery.After].
func (r Return) Cursor() Cursor { return Cursor{r.First.At, r.ID} }

// Match reports whether the query selects a row; After and Limit are about lists
// and do not count.
func (q ReturnQuery) Match(r Return) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
		(q.Company == "" || q.Company == r.Company) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, r.Order.Account)) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, r.Order)) &&
		(len(q.States) == 0 || slices.Contains(q.States, r.State))
}
