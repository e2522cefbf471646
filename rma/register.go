package rma

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// Row is one row of a returns report, with what its file says about it.
type Row struct {
	reportparse.Return
	Occurrence int                      // 1 for the first row of its RMA about this item, 2 for its twin …
	AsOf       time.Time                // when the report was made; zero: unknown
	Has        func(column string) bool // whether the file has a column
}

// value is one of the values that a report gives of a row, as text: blank is
// empty, and equal values are equal text.
type value struct {
	column string
	text   func(*reportparse.Return) string
	copy   func(to, from *reportparse.Return)
}

func valueOf[T any](column string, in func(*reportparse.Return) *T, text func(T) string) value {
	return value{
		column: column,
		text:   func(r *reportparse.Return) string { return text(*in(r)) },
		copy:   func(to, from *reportparse.Return) { *in(to) = *in(from) },
	}
}

const (
	columnStatus   = "Return request status"
	columnRefunded = "Refunded Amount"
)

// values are all that a report says of a row beside what names it. Cells of columns
// without a documented name are not kept.
var values = everyValue()

func everyValue() []value {
	word := func(s string) string { return s }
	flag := func(f reportparse.Flag) string { return string(f) }
	amount := func(a reportparse.Amount) string {
		if !a.Valid() {
			return ""
		}
		return a.Decimal().String()
	}
	units := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	type row = reportparse.Return
	return []value{
		valueOf("Order date", func(r *row) *time.Time { return &r.OrderDate }, date),
		valueOf("Return request date", func(r *row) *time.Time { return &r.RequestDate }, date),
		valueOf(columnStatus, func(r *row) *string { return &r.Status }, word),
		valueOf("Merchant RMA ID", func(r *row) *string { return &r.MerchantRMAID }, word),
		valueOf("Label type", func(r *row) *string { return &r.LabelType }, word),
		valueOf("Label cost", func(r *row) *reportparse.Amount { return &r.LabelCost }, amount),
		valueOf("Currency code", func(r *row) *string { return &r.Currency }, word),
		valueOf("Return carrier", func(r *row) *string { return &r.Carrier }, word),
		valueOf("Tracking ID", func(r *row) *string { return &r.TrackingID }, word),
		valueOf("Label to be paid by", func(r *row) *string { return &r.LabelPaidBy }, word),
		valueOf("A-to-Z Claim", func(r *row) *reportparse.Flag { return &r.AToZClaim }, flag),
		valueOf("Is prime", func(r *row) *reportparse.Flag { return &r.IsPrime }, flag),
		valueOf("Order Item ID", func(r *row) *string { return &r.OrderItemID }, word),
		valueOf("ASIN", func(r *row) *string { return &r.ASIN }, word),
		valueOf("Merchant SKU", func(r *row) *string { return &r.SKU }, word),
		valueOf("Item Name", func(r *row) *string { return &r.ItemName }, word),
		valueOf("Category", func(r *row) *string { return &r.Category }, word),
		valueOf("Return quantity", func(r *row) *int { return &r.Quantity }, units),
		valueOf("Return Reason", func(r *row) *string { return &r.Reason }, word),
		valueOf("In policy", func(r *row) *reportparse.Flag { return &r.InPolicy }, flag),
		valueOf("Return type", func(r *row) *string { return &r.ReturnType }, word),
		valueOf("Resolution", func(r *row) *string { return &r.Resolution }, word),
		valueOf("Invoice number", func(r *row) *string { return &r.InvoiceNumber }, word),
		valueOf("Return delivery date", func(r *row) *time.Time { return &r.DeliveryDate }, date),
		valueOf("Order Amount", func(r *row) *reportparse.Amount { return &r.OrderAmount }, amount),
		valueOf("Order quantity", func(r *row) *int { return &r.OrderQuantity }, units),
		valueOf("SafeT Action reason", func(r *row) *string { return &r.SafeTReason }, word),
		valueOf("SafeT claim id", func(r *row) *string { return &r.SafeTClaimID }, word),
		valueOf("SafeT claim state", func(r *row) *string { return &r.SafeTState }, word),
		valueOf("SafeT claim creation time", func(r *row) *time.Time { return &r.SafeTCreatedAt }, date),
		valueOf("SafeT claim reimbursement amount", func(r *row) *reportparse.Amount { return &r.SafeTReimbursement }, amount),
		valueOf(columnRefunded, func(r *row) *reportparse.Amount { return &r.RefundedAmount }, amount),
	}
}

// beats tells which of two values of a column counts when no age decides: a status
// never goes back.
func (v value) beats(a, b string) bool {
	if v.column == columnStatus && rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) > 0 // so that of numbers the greater one does
}

// rank is how far a return is by Amazon's status; 0 for a word that is not known.
func rank(status string) int {
	switch fold(status) {
	case "pending", "pendingapproval":
		return 1
	case "approved":
		return 2
	case "completed":
		return 3
	case "closed":
		return 4
	case "denied", "rejected", "cancelled", "canceled":
		return 5
	}
	return 0
}

func approved(status string) bool { return rank(status) == 2 }
func ended(status string) bool    { return rank(status) == 3 || rank(status) == 4 }
func denied(status string) bool   { return rank(status) == 5 }

// returnless reads Amazon's resolution. No other column decides it: a return that
// is closed without label, tracking and delivery may still be one with goods.
func returnless(resolution string) bool { return strings.Contains(fold(resolution), "returnless") }

func replacement(resolution string) bool { return strings.Contains(fold(resolution), "replacement") }

// fold makes Amazon's codes comparable, which come with "-" and "_" alike.
func fold(code string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(code))
}

// observe is what one row alone tells.
func observe(company order.CompanyID, id order.AmazonID, row Row, s order.Stamp) Return {
	o := Return{
		ID: row.id(company, id), Company: company, Order: id, Occurrence: row.Occurrence, AsOf: row.AsOf.UTC(),
		Approved:   approved(row.Status) && !returnless(row.Resolution),
		Agreed:     approved(row.Status) || ended(row.Status),
		Returnless: returnless(row.Resolution),
		First:      s, Changed: s,
	}
	said := &o.Row
	if row.AsOf.IsZero() {
		said, o.AsOf = &o.Undated, time.Time{}
	} else {
		o.Known = map[string]time.Time{}
	}
	said.OrderID, said.RMAID = row.OrderID, row.RMAID
	for _, v := range values {
		blank := v.text(&row.Return) == ""
		switch {
		case blank && (row.AsOf.IsZero() || !row.Has(v.column)):
			continue
		case !row.AsOf.IsZero():
			o.Known[v.column] = o.AsOf
		}
		v.copy(said, &row.Return)
	}
	if row.TrackingID != "" {
		o.Tracking = []string{row.TrackingID}
	}
	if row.Carrier != "" {
		o.Carriers = []string{row.Carrier}
	}
	return o
}

// id names a row: its return, and the item within it.
func (r Row) id(company order.CompanyID, id order.AmazonID) ID {
	return newID(company, id.Account, strings.Join([]string{"row", id.Number, r.source(), r.item(), fmt.Sprint(r.Occurrence)}, "|"))
}

// source is what names the return at Amazon: its RMA ID or, without one, when the
// buyer asked for it.
func (r Row) source() string {
	if r.RMAID != "" {
		return r.RMAID
	}
	return "of " + r.asked()
}

// asked is the day on which the buyer asked for it, since only some reports have the
// time of day; empty: not known.
func (r Row) asked() string {
	if r.RequestDate.IsZero() {
		return ""
	}
	return r.RequestDate.UTC().Format(time.DateOnly)
}

// item names what comes back, as well as the row does.
func (r Row) item() string {
	switch {
	case r.OrderItemID != "":
		return "item " + r.OrderItemID
	case r.SKU != "":
		return "SKU " + r.SKU
	}
	return "ASIN " + r.ASIN
}

// join adds what another knows of the same row. Whatever is joined, in any order
// and as often as one likes, comes to the same: of each column the newest value
// stays, and between those that no age decides the one that beats the other.
func (k Return) join(o Return) Return {
	k.Known = maps.Clone(k.Known)
	for _, v := range values {
		at, known := o.Known[v.column]
		mine, has := k.Known[v.column]
		theirs := v.text(&o.Row)
		if known && (!has || at.After(mine) || at.Equal(mine) && v.beats(theirs, v.text(&k.Row))) {
			if k.Known == nil {
				k.Known = map[string]time.Time{}
			}
			k.Known[v.column] = at
			v.copy(&k.Row, &o.Row)
		}
		if undated := v.text(&o.Undated); v.beats(undated, v.text(&k.Undated)) {
			v.copy(&k.Undated, &o.Undated)
		}
	}
	for _, name := range []struct{ mine, theirs *reportparse.Return }{{&k.Row, &o.Row}, {&k.Undated, &o.Undated}} {
		name.mine.OrderID = cmp.Or(name.mine.OrderID, name.theirs.OrderID)
		name.mine.RMAID = cmp.Or(name.mine.RMAID, name.theirs.RMAID)
	}
	if o.AsOf.After(k.AsOf) {
		k.AsOf = o.AsOf
	}
	k.Approved = k.Approved || o.Approved
	k.Agreed = k.Agreed || o.Agreed
	k.Returnless = k.Returnless || o.Returnless
	k.Tracking = union(k.Tracking, o.Tracking)
	k.Carriers = union(k.Carriers, o.Carriers)
	return k
}

func union(a, b []string) []string {
	both := slices.Concat(a, b)
	slices.Sort(both)
	return slices.Compact(both)
}

// Latest is the row as it is known now: of each column the newest value, where that
// is blank or there is none what a report of unknown age said, and of the status
// what such a report said when it is further.
func (k Return) Latest() reportparse.Return {
	r := k.Row
	r.OrderID, r.RMAID = cmp.Or(r.OrderID, k.Undated.OrderID), cmp.Or(r.RMAID, k.Undated.RMAID)
	for _, v := range values {
		now, undated := v.text(&r), v.text(&k.Undated)
		if undated != "" && (now == "" || v.column == columnStatus && rank(undated) > rank(now)) {
			v.copy(&r, &k.Undated)
		}
	}
	return r
}

// makesRMA tells whether a report authorised it.
func (k Return) makesRMA() bool { return k.Approved || k.waived() }

// waived tells a refund without a return: no report ever spoke of goods.
func (k Return) waived() bool { return k.Returnless && k.Agreed && !k.Approved }
