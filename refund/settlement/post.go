package settlement

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// post brings the ledger and the refunds in line with the bookings.
func (m *matching) post() error {
	if err := m.charge(); err != nil {
		return err
	}
	charges := len(m.change.Postings)
	for _, l := range m.lines {
		if l.cancelled() {
			continue // it is posted by its cancellation
		}
		if err := m.line(l); err != nil {
			return err
		}
	}
	for _, b := range m.bookings {
		if err := m.byAmazon(b); err != nil {
			return err
		}
		m.commission(b)
	}
	if len(m.change.Postings) == charges {
		m.change.Postings = nil // nothing to say but what the order says itself
	}
	return nil
}

// charge brings what was charged in line with the host's orders, so that the
// payment status can be told. Orders that cannot be read say nothing.
func (m *matching) charge() error {
	for _, o := range m.Orders {
		if order.Check(o) != nil || o.Currency != m.currency {
			return nil
		}
	}
	ps, err := m.ledger.Charge(m.stamp, m.Orders...)
	if err != nil {
		return err
	}
	m.append(ps)
	return nil
}

func (m *matching) append(ps []order.Posting) {
	m.change.Postings = append(m.change.Postings, ps...)
	m.ledger = m.ledger.With(ps...)
}

func (m *matching) correct(c order.Cause, item string, to order.Amounts) error {
	ps, err := m.ledger.Correct(c, item, to, m.currency, m.stamp)
	m.append(ps)
	return err
}

// line says on a refund's line what its bookings show, and posts that.
func (m *matching) line(l *line) error {
	had := len(l.Bookings)
	open := l.Outcome == refund.LineOpen
	m.paid(l)
	l.Bookings = nil
	for _, b := range l.bookings {
		l.Bookings = append(l.Bookings, b.ID)
	}
	l.Proof = m.proof(l)
	if had == 0 && len(l.bookings) == 0 {
		return nil
	}
	posted := order.Amounts{}
	for _, b := range l.bookings {
		own, _ := b.against(l.Amounts)
		if b.Match == MatchIncomplete {
			own = net(l.Amounts)
		}
		posted = posted.Plus(own)
	}
	if open && len(l.bookings) > 0 {
		// The first one is posted with the answer that the queue still waits for.
		own, _ := l.bookings[0].against(l.Amounts)
		posted = posted.Minus(own)
	}
	for range payments(*l.Line) - len(l.bookings) {
		posted = posted.Plus(net(l.Amounts))
	}
	return m.correct(l.of.Cause(), l.Item, posted)
}

// paid records in which batches the bookings show a line to be paid that counted as
// unpaid, or as paid in fewer.
func (m *matching) paid(l *line) {
	if l.Outcome == refund.LineOpen || len(l.bookings) == 0 || l.of.Origin == refund.FromSellerCentral {
		return
	}
	if l.Outcome == refund.LineVoided {
		batch := l.batch(l.bookings[0])
		if batch == "" {
			batch = l.entry.Attempt().Batch
		}
		l.Outcome, l.Paid, l.Code, l.Text = refund.LinePosted, []queue.BatchID{batch}, 0, ""
	}
	if slices.Contains(l.Paid, "") {
		return // done another way: that is what the settlement shows
	}
	for i, b := range l.bookings {
		batch := l.batch(b)
		if open := l.unanswered(); batch == "" && i > 0 && len(open) > 0 {
			batch = open[0]
		}
		if batch != "" && !slices.Contains(l.Paid, batch) {
			l.Paid = append(slices.Clip(l.Paid), batch)
		}
	}
}

// proof is what the settlements say of a line.
func (m *matching) proof(l *line) refund.Proof {
	switch n := len(l.bookings); {
	case n > 1:
		return refund.Doubled
	case n == 1 && l.bookings[0].Match == MatchIncomplete:
		return refund.Unproven
	case n == 1 && l.bookings[0].Difference.IsZero() && n >= payments(*l.Line):
		return refund.Settled // at once, also where the answer is still to come
	case n == 1 && n == payments(*l.Line):
		return refund.Mismatched
	case payments(*l.Line) == 0:
		return refund.Unproven
	case l.Proof == refund.Missing || m.overdue(l):
		return refund.Missing
	}
	return refund.Unproven
}

// missingAfter is how many settlements may pass by default.
const missingAfter = 3

// overdue reports whether so many settlements that could have shown a line have
// passed that it counts as missing.
func (m *matching) overdue(l *line) bool {
	since := cmp.Or(l.of.Ended.At, l.sent, l.of.Issued.At)
	passed := 0
	for _, s := range m.Settlements {
		if s.Done && s.Currency == m.currency && !s.Start.Before(since) {
			passed++
		}
	}
	return passed >= cmp.Or(m.Policy.MissingAfter, missingAfter)
}

// byAmazon posts what Amazon did by itself, also beyond or short of what a
// cancellation has posted, and tax that it withheld beside a refund of ours.
func (m *matching) byAmazon(b *Booking) error {
	var own, beside order.Amounts
	switch l := m.lineOf(b); {
	case b.Match == MatchAmazonInitiated, b.Match == MatchReversed:
		own, beside = b.against(nil)
	case l == nil, b.Match == MatchUnanswered, b.Match == MatchIncomplete:
	case !l.cancelled():
		_, beside = b.against(l.Amounts)
	case b.Match == MatchDoubled:
		own, beside = b.against(l.Amounts)
	default:
		own, beside = b.against(l.Amounts)
		own = own.Minus(m.ledger.PostedBy(l.of.Cause(), l.Item))
	}
	cause := order.Cause{Kind: order.CauseAmazon, ID: b.ID}
	if err := m.correct(cause, b.RefundItem, own.Plus(m.within(cause, b.RefundItem, beside))); err != nil {
		return err
	}
	for _, item := range m.ledger.Items() { // it was taken to be of another item before
		if item != b.RefundItem {
			if err := m.correct(cause, item, nil); err != nil {
				return err
			}
		}
	}
	m.made(b)
	return nil
}

// lineOf is the line that a booking was taken for; nil: none.
func (m *matching) lineOf(b *Booking) *line {
	for _, l := range m.lines {
		if slices.Contains(l.bookings, b) {
			return l
		}
	}
	return nil
}

// within is as much of withheld tax as the order says was charged and has not gone
// back: the host may count tax that Amazon collects, or not.
func (m *matching) within(c order.Cause, item string, tax order.Amounts) order.Amounts {
	others := m.ledger.Sum(order.Posted, item).Minus(m.ledger.PostedBy(c, item))
	left := m.ledger.Sum(order.Charged, item).Minus(others).Minus(m.ledger.Sum(order.Reserved, item))
	out := order.Amounts{}
	for comp, v := range tax {
		most, least := decimal.Max(decimal.Zero, left[comp]), decimal.Min(decimal.Zero, others[comp].Neg())
		out[comp] = decimal.Max(least, decimal.Min(most, v))
	}
	return out
}

// made keeps the refund that stands for one of Amazon's own: made with its booking,
// and voided when that turned out to be something else.
func (m *matching) made(b *Booking) {
	id := queue.NewEntryID(queue.KindRefund, b.Company, "settlement/"+b.ID)
	i := slices.IndexFunc(m.refunds, func(r *refund.Refund) bool { return r.ID == id })
	if b.Match != MatchAmazonInitiated {
		if i >= 0 && m.refunds[i].Lines[0].Outcome == refund.LinePosted {
			m.refunds[i].Lines[0] = m.amazons(b, refund.LineVoided)
		}
		return
	}
	b.Refund = id
	if i >= 0 {
		m.refunds[i].Lines[0] = m.amazons(b, refund.LinePosted)
		return
	}
	stamp := order.Stamp{By: "Amazon", At: b.PostedAt, Why: b.Kind}
	m.refunds = append(m.refunds, &refund.Refund{
		ID: id, HostOrder: m.hostOrder(b.RefundItem), Order: b.Order, Origin: refund.FromAmazon,
		Key: "settlement/" + b.ID, Currency: b.Currency, Lines: []refund.Line{m.amazons(b, refund.LinePosted)},
		Comment: fmt.Sprintf("%s in settlement %s", b.Kind, b.Settlement.Number), Issued: stamp, Ended: stamp,
	})
}

func (m *matching) amazons(b *Booking, o refund.Outcome) refund.Line {
	amounts := net(b.Amounts)
	l := refund.Line{Item: b.RefundItem, SKU: b.SKU, Amounts: amounts, Gross: amounts, Outcome: o}
	if o == refund.LinePosted {
		l.Proof, l.Bookings = refund.Settled, []string{b.ID}
	}
	return l
}

// hostOrder is where something about an item is shown.
func (m *matching) hostOrder(item string) order.ID {
	for _, o := range m.Orders {
		if _, ok := o.Line(item); ok {
			return o.ID
		}
	}
	if len(m.Orders) > 0 {
		return m.Orders[0].ID
	}
	return m.refunds[0].HostOrder
}

// commission says what Amazon was expected to keep.
func (m *matching) commission(b *Booking) {
	if b.Match == MatchOtherCurrency || !b.CommissionReturned.IsPositive() {
		return
	}
	for _, o := range m.Orders {
		if kept, ok := amazon.RefundCommission(o.Marketplace, b.PostedAt, b.CommissionReturned); ok {
			b.KeptExpected = decimal.NewNullDecimal(kept)
		}
	}
}
