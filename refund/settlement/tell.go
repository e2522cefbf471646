package settlement

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// tell puts down what is new: rows, audit, alerts, and effects on the host's orders.
func (m *matching) tell() {
	var shown []order.ID // where money is shown
	show := func(id order.ID) {
		if !slices.Contains(shown, id) {
			shown = append(shown, id)
		}
	}
	for _, b := range m.bookings {
		was := Booking{}
		if i := slices.IndexFunc(m.Bookings, func(o Booking) bool { return o.ID == b.ID }); i >= 0 {
			was = m.Bookings[i]
		}
		if was.Version > 0 && was.same(*b) {
			continue
		}
		b.Matched = m.stamp
		m.change.Bookings = append(m.change.Bookings, *b)
		m.tellBooking(was, *b)
		if b.Match != MatchUnknownOrder {
			show(m.hostOrder(b.RefundItem))
		}
	}
	for _, r := range m.refunds {
		i := slices.IndexFunc(m.Refunds, func(o refund.Refund) bool { return o.ID == r.ID })
		if i < 0 {
			m.change.Refunds = append(m.change.Refunds, *r)
			m.change.Event(order.EventImported, "refund "+string(r.ID), fmt.Sprintf("%s by Amazon itself: %s", r.Total(), r.Comment), m.stamp)
			continue
		}
		if m.tellLines(m.Refunds[i], *r) {
			m.change.Refunds = append(m.change.Refunds, *r)
			show(r.HostOrder)
		}
	}
	if len(m.change.Postings) > 0 && len(shown) > 0 {
		m.change.Payment(refund.Payment(m.ledger, m.Policy), m.Orders, m.stamp, shown...)
	}
}

// same reports whether nothing of a booking has to be saved.
func (b Booking) same(o Booking) bool {
	return b.Match == o.Match && b.Refund == o.Refund && b.Cancellation == o.Cancellation && b.RefundItem == o.RefundItem && b.Difference.Equal(o.Difference) &&
		slices.Equal(b.Rows, o.Rows) && b.Incomplete == o.Incomplete && b.KeptExpected.Valid == o.KeptExpected.Valid
}

// tellBooking tells of a booking that is new, or was matched otherwise before. was has no
// Version when it is new.
func (m *matching) tellBooking(was, b Booking) {
	subject := "booking " + b.ID
	if was.Version == 0 {
		m.change.Event(order.EventImported, subject, fmt.Sprintf("%s of %s for item %s: %s", b.Kind, b.Amounts.In(b.Currency), cmp.Or(b.Item, b.SKU, "none"), describe(b)), m.stamp)
	} else {
		m.change.Changed(order.EventChanged, subject, describe(was), describe(b), m.stamp)
	}
	if b.Match == MatchUnknownOrder {
		return
	}
	at := m.hostOrder(b.RefundItem)
	if fees := !b.CommissionReturned.IsZero() || !b.CommissionKept.IsZero(); fees && !was.Match.posted() && b.Match.posted() {
		m.change.Effect(order.Effect{Kind: order.EffectCommission, Commission: &order.Commission{
			Returned: b.CommissionReturned, Kept: b.CommissionKept, Currency: b.Currency,
		}}, at, m.stamp)
	}
	if key := was.alert(); key != "" && key != b.alert() {
		answered(&m.change.Writes, key, subject, describe(was)+" became "+describe(b), m.stamp)
	}
	if was.Match == b.Match && was.Refund == b.Refund && was.Cancellation == b.Cancellation {
		return
	}
	given := order.Money{Amount: b.Amounts.Total(), Currency: b.Currency}
	switch b.Match {
	case MatchAmazonInitiated:
		m.note(at, "Amazon refunded %s by itself: %s in settlement %s.", given, b.Kind, b.Settlement.Number)
		if over := m.ledger.Over(false); over != nil {
			m.warn(at, "over/"+b.ID, subject, "after %s of %s in settlement %s, %v", b.Kind, given, b.Settlement.Number, over)
		}
	case MatchReversed:
		m.note(at, "Settlement %s shows %s, which changes what the buyer got by %s.", b.Settlement.Number, b.Kind, given)
	case MatchMismatched:
		m.mismatched(b, at, subject, given)
	case MatchCancelled:
		if !b.Difference.IsZero() {
			m.mismatched(b, at, subject, given)
		}
	case MatchContradicted:
		m.warn(at, fmt.Sprintf("contradicted/%s/%d", b.Cancellation, len(m.Entries[m.entryOf(b.Cancellation)].Attempts)), subject,
			"%s of item %s: settlement %s shows %s for it, though it counts as without effect: its units must not ship", b.takenFor(), b.RefundItem, b.Settlement.Number, given)
	case MatchDoubled:
		key := "doubled/" + b.ID
		if id, ok := refund.ParseAdjustmentID(b.MerchantAdjustmentID); ok {
			key = fmt.Sprintf("doubled/%s/%d", id.Entry, id.Attempt)
		}
		m.warn(at, key, subject, "%s of item %s: settlement %s shows %s once more", b.takenFor(), b.RefundItem, b.Settlement.Number, given)
	case MatchOtherCurrency:
		m.warn(at, "currency/"+b.ID, subject, "%v: settlement %s shows %s for an order in %s: nothing is posted", order.ErrCurrency, b.Settlement.Number, given, m.currency)
	case MatchIncomplete:
		m.incomplete(b, at, subject, given)
	}
}

// alert is the key of the alert that what a booking was taken for leaves, where a
// completed report may answer it.
func (b Booking) alert() string {
	switch {
	case b.Match == MatchIncomplete:
		return "incomplete/" + b.ID
	case b.Match == MatchMismatched, b.Match == MatchCancelled && !b.Difference.IsZero():
		return "mismatched/" + b.ID
	}
	return ""
}

// answered closes an alert that another report has answered.
func answered(w *order.Writes, alert, subject, text string, s order.Stamp) {
	w.Event(order.EventClosed, subject, text, s)
	w.Events[len(w.Events)-1].Key = order.ClosedKey(alert)
}

func (m *matching) incomplete(b Booking, at order.ID, subject string, given order.Money) {
	what := "for which nobody here asked"
	if b.Refund != "" || b.Cancellation != "" {
		what = fmt.Sprintf("which differs by %s from %s of item %s", b.Difference.In(b.Currency), b.takenFor(), b.RefundItem)
	}
	m.warn(at, "incomplete/"+b.ID, subject, "settlement %s has rows that could not be read, or is not the sum of its rows, and shows %s, %s: nothing is posted; import it again when it is complete",
		b.Settlement.Number, given, what)
}

func (m *matching) mismatched(b Booking, at order.ID, subject string, given order.Money) {
	m.warn(at, "mismatched/"+b.ID, subject, "%s of item %s: settlement %s shows %s, which differs by %s; the difference is posted",
		b.takenFor(), b.RefundItem, b.Settlement.Number, given, b.Difference.In(b.Currency))
}

// takenFor names what a booking was taken for.
func (b Booking) takenFor() string {
	if b.Cancellation != "" {
		return "cancellation " + string(b.Cancellation)
	}
	return "refund " + string(b.Refund)
}

// posted reports whether a booking that was taken for this is in the ledger.
func (x Match) posted() bool {
	return slices.Contains([]Match{MatchSettled, MatchMismatched, MatchDoubled, MatchAmazonInitiated, MatchCancelled, MatchContradicted, MatchReversed, MatchFees}, x)
}

// tellLines tells what became of the lines of a refund, and reports whether anything
// did.
func (m *matching) tellLines(was, r refund.Refund) (changed bool) {
	subject := "refund " + string(r.ID)
	for i, l := range r.Lines {
		o := was.Lines[i]
		if before, after := state(o), state(l); before != after {
			m.change.Changed(order.EventChanged, subject, before, after, m.stamp)
			changed = true
		}
		changed = changed || !slices.Equal(o.Bookings, l.Bookings) || !slices.Equal(o.Paid, l.Paid) || !o.Amounts.Equal(l.Amounts)
		if l.Proof == refund.Missing && o.Proof != refund.Missing {
			m.warn(r.HostOrder, fmt.Sprintf("missing/%s/%s", r.ID, l.Item), subject,
				"item %s: %s was accepted, and no settlement since then shows it; that decides nothing, and a later one may still", l.Item, l.Amounts.In(r.Currency))
		}
		if again := len(l.Paid) > len(o.Paid) && o.Outcome == refund.LinePosted; again && len(l.Bookings) == 1 {
			m.warn(r.HostOrder, fmt.Sprintf("doubled/%s/%d", r.ID, m.attempt(r.ID, l.Paid[len(o.Paid):])), subject,
				"item %s: a settlement shows that Amazon paid it in batch %s, beside the one that it is known to be paid in", l.Item, l.Paid[len(o.Paid)])
		}
		if i := m.entryOf(r.ID); l.Outcome == refund.LineOpen && len(o.Bookings) == 0 && len(l.Bookings) > 0 && i >= 0 && m.Entries[i].State.Waiting() {
			m.warn(r.HostOrder, fmt.Sprintf("contradicted/%s/%d", r.ID, len(m.Entries[i].Attempts)), subject,
				"item %s: a settlement shows that Amazon paid it in an earlier attempt, and it waits to be sent again: reject it", l.Item)
		}
		if l.Outcome == refund.LinePosted && o.Outcome == refund.LineVoided && r.Origin != refund.FromAmazon {
			m.warn(r.HostOrder, fmt.Sprintf("contradicted/%s/%d", r.ID, m.attempt(r.ID, l.Paid)), subject,
				"item %s: a settlement shows that Amazon paid it, though it was taken for unpaid", l.Item)
		}
	}
	return changed
}

func state(l refund.Line) string {
	return fmt.Sprintf("item %s %s %s", l.Item, l.Outcome, cmp.Or(string(l.Proof), "Unproven"))
}

func (m *matching) entryOf(id queue.EntryID) int {
	return slices.IndexFunc(m.Entries, func(e queue.Entry) bool { return e.ID == id })
}

// attempt is the number of the last attempt that paid a refund, 0 for none.
func (m *matching) attempt(id queue.EntryID, paid []queue.BatchID) int {
	n := 0
	if at := m.entryOf(id); at >= 0 {
		for i, a := range m.Entries[at].Attempts {
			if slices.Contains(paid, a.Batch) {
				n = i + 1
			}
		}
	}
	return n
}

func (m *matching) note(at order.ID, format string, args ...any) {
	m.change.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf(format, args...)}}, at, m.stamp)
}

// warn leaves an alert, and a note on the order.
func (m *matching) warn(at order.ID, key, subject, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.note(at, "%s.", text)
	m.change.Alert(key, subject, text, m.stamp)
}
