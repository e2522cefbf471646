package refund

import (
	"cmp"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// FromCancellation is the origin of what [OfCancellations] makes.
const FromCancellation Origin = "Cancellation"

// OfCancellations are the refunds that Amazon makes of units which were split off
// and cancelled. It is told of them by an adjustment, as of a refund, and gives back
// what the buyer paid, which settlements and finances show as a refund too: so they
// count among ours where it is asked which of ours a booking is.
//
// They follow from the ledger of an Amazon order and its entries, of which all others
// are passed over, and so are those of which Amazon was never told. Their IDs are
// those of the cancellations. They are values to compare with and are saved nowhere.
func OfCancellations(orders []order.Order, l order.Ledger, es []queue.Entry) []Refund {
	var made []Refund
	for _, e := range es {
		told := len(e.Attempts) > 0 || e.State == queue.EntrySettledOutside
		if e.Kind != queue.KindCancellation || e.Feed != amazon.RefundFeed || !told {
			continue
		}
		r := Refund{ID: e.ID, HostOrder: e.HostOrder, Order: e.Order, Origin: FromCancellation, Currency: l.Currency(), Issued: e.Requested}
		if len(e.Attempts) > 0 {
			r.Issued.At = e.Attempts[0].At // it may have waited long for the rest to be shipped
		}
		for _, p := range l.Postings { // in the order in which they were reserved, which is that of their messages
			if p.Cause == r.Cause() && !slices.ContainsFunc(r.Lines, func(known Line) bool { return known.Item == p.Item }) {
				r.Lines = append(r.Lines, cancelledLine(orders, l, e, r.Cause(), p.Item))
			}
		}
		made = append(made, r)
	}
	return made
}

// cancelledLine is what a cancellation has, or had, of one item.
func cancelledLine(orders []order.Order, l order.Ledger, e queue.Entry, c order.Cause, item string) Line {
	line := Line{Item: item, Outcome: LineVoided, Amounts: l.LastHeld(c, item)}
	for _, o := range orders {
		if of, ok := o.Line(item); ok {
			line.SKU = cmp.Or(line.SKU, of.SKU)
		}
	}
	posted, held := l.PostedBy(c, item), l.Held(c, item)
	switch {
	case !posted.IsZero():
		line.Outcome, line.Amounts = LinePosted, posted
		for _, a := range e.Attempts {
			if slices.ContainsFunc(a.Results, func(r queue.Result) bool { return r.Part == item && r.Verdict == amazon.VerdictAccepted }) {
				line.Paid = append(line.Paid, a.Batch)
			}
		}
		if len(line.Paid) == 0 {
			line.Paid = []queue.BatchID{doneOutside}
		}
	case !held.IsZero():
		line.Outcome, line.Amounts = LineOpen, held
	}
	return line
}
