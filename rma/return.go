package rma

import (
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// Return is what the reports say of one returned item: a row of theirs, or the same
// row of many. It is kept whether it has an RMA or not, and nothing of it is lost:
// one without is tried again at each import of its account and on Retry.
type Return struct {
	ID      ID // of the row, and of nothing else
	Version int64
	Company order.CompanyID
	Order   order.AmazonID

	State ReturnState
	Why   string // it has no RMA, for people
	RMA   ID     // that it became a line of, in state ReturnMatched
	Item  string // the order line that it is about, in state ReturnMatched, or as a person said

	// Row is what reports of known age say: of each column what the newest report
	// that has it gave, and when that was made is in Known. A column that is blank
	// since then is in Known too. [Return.Latest] adds what Undated says.
	Row        reportparse.Return
	Known      map[string]time.Time
	Undated    reportparse.Return `json:",omitzero"` // what reports of unknown age say
	Occurrence int                // 1 for the first row of its return about this item, 2 for its twin …
	AsOf       time.Time          // when the newest report that spoke of it was made; zero: unknown

	// What at least one report said, whatever later ones say.
	Approved   bool // approved, with goods that come back
	Agreed     bool // approved, completed or closed
	Returnless bool // refunded without a return

	Tracking, Carriers []string // each that a report gave, once

	Assigned order.Stamp // who said that it is about Item; zero: nobody had to

	First   order.Stamp // who imported it first
	Changed order.Stamp
}

// ReturnState says whether a row has an RMA, or why not.
type ReturnState string

const (
	ReturnUnmatched  ReturnState = "Unmatched"  // the host does not know the order, or the order has no such line
	ReturnAmbiguous  ReturnState = "Ambiguous"  // several lines of the order could be meant: a person says which
	ReturnReturnless ReturnState = "Returnless" // refunded without a return, and the merchant wants no RMA for it
	ReturnSkipped    ReturnState = "Skipped"    // no report said Approved yet, or nothing is left to return
	ReturnMatched    ReturnState = "Matched"    // it has its RMA
)

// ReturnQuery selects rows, with an RMA or without. An empty field selects all; the fields
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
func (k Return) Cursor() Cursor { return Cursor{k.First.At, k.ID} }

// Match reports whether the query selects a row; After and Limit are about lists
// and do not count.
func (q ReturnQuery) Match(r Return) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
		(q.Company == "" || q.Company == r.Company) &&
		(len(q.Accounts) == 0 || slices.Contains(q.Accounts, r.Order.Account)) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, r.Order)) &&
		(len(q.States) == 0 || slices.Contains(q.States, r.State))
}
