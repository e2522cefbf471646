package rma

import (
	"fmt"
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

// Merged is what a row does to the RMAs of its order.
type Merged struct {
	RMA     RMA    // as it shall be saved, when Created or Updated
	Created bool   // the RMA or a line of it is new
	Updated bool   // something of it changed
	Skipped string // why the row does nothing, when it does not
	What    string // what changed, for the audit
}

// Merge says what one row of a report does, given the host orders that carry its
// Amazon order and the RMAs that these have. It is a function of its arguments
// alone.
func Merge(orders []order.Order, rmas []RMA, row Row, s order.Stamp) Merged {
	o, line, why := match(orders, row)
	if why != "" {
		return Merged{Skipped: why}
	}
	id := newID(o.ID.Company, o.Amazon.Account, source(o, row))
	key := fmt.Sprintf("%s#%d", line.Item, row.Occurrence)
	at := slices.IndexFunc(rmas, func(r RMA) bool { return r.ID == id })
	approved := strings.EqualFold(row.Status, string(Approved))
	if at >= 0 {
		if i := slices.IndexFunc(rmas[at].Lines, func(l Line) bool { return l.Row == key }); i >= 0 {
			return update(rmas[at], i, row, s)
		}
	}
	if !approved {
		return Merged{Skipped: fmt.Sprintf("status is %s, not Approved", row.Status)}
	}
	all := ordered(orders, line.Item)
	if free := all - returning(rmas, line.Item); row.Quantity > free {
		return Merged{Skipped: fmt.Sprintf("more returned than ordered: %d of item %s, %d of %d left", row.Quantity, line.Item, max(0, free), all)}
	}

	r := RMA{
		ID: id, HostOrder: o.ID, Order: o.Amazon, OrderSourceRMANumber: row.RMAID,
		Status: Open, AmazonStatus: row.Status, Approval: Approved, Receipt: NotReceived, Resolution: Refund,
		RequestedAt: row.RequestDate, AsOf: row.AsOf, Created: s,
	}
	what := "RMA opened"
	if at >= 0 {
		r = rmas[at].clone()
		if row.AsOf.After(r.AsOf) {
			r.AsOf = row.AsOf
		}
		what = "RMA has one more line"
	}
	r.Lines = append(r.Lines, Line{
		Row: key, Item: line.Item, SKU: line.SKU, ASIN: line.ASIN, Units: row.Quantity,
		Reason: row.Reason, AmazonResolution: row.Resolution,
	})
	r.track(row, s.At)
	return Merged{RMA: r, Created: true, What: fmt.Sprintf("%s: %d of item %s, %s", what, row.Quantity, line.Item, row.Reason)}
}

// match finds the order line that a row is about: by order item ID, else by SKU,
// else by ASIN.
func match(orders []order.Order, row Row) (order.Order, order.Line, string) {
	by := []struct{ name, value string }{{"order item", row.OrderItemID}, {"SKU", row.SKU}, {"ASIN", row.ASIN}}
	for i, field := range []func(order.Line) string{
		func(l order.Line) string { return l.Item },
		func(l order.Line) string { return l.SKU },
		func(l order.Line) string { return l.ASIN },
	} {
		for _, o := range orders {
			for _, l := range o.Lines {
				if by[i].value == "" || field(l) != by[i].value {
					continue
				}
				if o.Fulfilment == order.ByAmazon {
					return o, l, "order is fulfilled by Amazon, which refunds it by itself"
				}
				return o, l, ""
			}
		}
	}
	var sought []string
	for _, b := range by {
		if b.value != "" {
			sought = append(sought, b.name+" "+b.value)
		}
	}
	return order.Order{}, order.Line{}, "the order has no line with " + strings.Join(sought, " or ")
}

// source is what names a return at Amazon: its RMA ID or, where the report gave
// none, what the buyer asked for and when.
func source(o order.Order, row Row) string {
	if row.RMAID != "" {
		return row.RMAID
	}
	return strings.Join([]string{o.Amazon.Number, row.SKU, row.ASIN, row.RequestDate.UTC().Format(time.RFC3339)}, "|")
}

// ordered counts the units of an order line, which a split may have left on
// several host orders.
func ordered(orders []order.Order, item string) int {
	n := 0
	for _, o := range orders {
		if l, ok := o.Line(item); ok {
			n += l.Ordered
		}
	}
	return n
}

// returning counts the units of an order line that are on RMAs.
func returning(rmas []RMA, item string) int {
	n := 0
	for _, r := range rmas {
		for _, l := range r.Lines {
			if l.Item == item && r.Status != Cancelled {
				n += l.Units
			}
		}
	}
	return n
}

// update merges a row into the line that it made before.
func update(stored RMA, i int, row Row, s order.Stamp) Merged {
	if !stored.AsOf.IsZero() && row.AsOf.Before(stored.AsOf) {
		return Merged{} // older than what is known, or of unknown age
	}
	r := stored.clone()
	var what []string
	set := func(name, column string, to *string, value string) {
		if *to == value || value == "" && !row.Has(column) {
			return
		}
		what = append(what, fmt.Sprintf("%s %q became %q", name, *to, value))
		*to = value
	}
	l := &r.Lines[i]
	if i == 0 { // rows of one RMA that disagree would otherwise take turns at every import
		set("Amazon's status", "Return request status", &r.AmazonStatus, row.Status)
	}
	set("reason", "Return Reason", &l.Reason, row.Reason)
	set("Amazon's resolution", "Resolution", &l.AmazonResolution, row.Resolution)
	if r.track(row, s.At) {
		what = append(what, "tracking number noted")
	}
	r.AsOf = row.AsOf
	return Merged{RMA: r, Updated: len(what) > 0, What: strings.Join(what, ", ")}
}

// track notes a tracking number, each once, and says whether it was new.
func (r *RMA) track(row Row, at time.Time) bool {
	if row.TrackingID == "" {
		return false
	}
	text := "Return tracking " + strings.TrimSpace(row.Carrier+" "+row.TrackingID)
	if slices.ContainsFunc(r.Notes, func(n Note) bool { return n.Text == text }) {
		return false
	}
	r.Notes = append(r.Notes, Note{Text: text, At: at})
	return true
}

func (r RMA) clone() RMA {
	r.Lines, r.Notes = slices.Clone(r.Lines), slices.Clone(r.Notes)
	return r
}
