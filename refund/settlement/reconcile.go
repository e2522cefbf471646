package settlement

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// Facts is everything that is known of one Amazon order when its bookings are
// matched.
type Facts struct {
	Orders      []order.Order // the host orders that carry it; none: the host does not know it
	Ledger      order.Ledger
	Refunds     []refund.Refund
	Entries     []queue.Entry // of these refunds, and of cancellations
	Bookings    []Booking     // all that are known of the order
	Shown       []Booking     // by a report: new ones, and known ones that have changed
	Settlements []Settlement  // imported ones of the account
	Policy      settings.Policy
}

// Reconcile matches all bookings of an Amazon order with its refunds, and says what
// follows for both, for the ledger, and for the host's order; nothing when that is
// what is saved already. It is a function of its arguments alone: settlements may
// be imported in any order, again, and in part, and what was matched otherwise
// before is corrected by new postings.
//
// A booking is taken for the first of these that it can be:
//
//   - the line of a refund of ours whose adjustment ID Amazon gives back
//   - a line for its item, or its product where Amazon changed the item's ID, of
//     exactly its amounts and sent before it was posted: one that is accepted, then
//     one of which nobody knows, then one that was taken to be unpaid, each the
//     earliest first; a line has one booking, so equal twins match one to one
//   - one more of a line of exactly its amounts
//   - the only accepted line of its item without a booking, when it is the only
//     booking left for that item, with a difference
//   - a refund that Amazon made by itself
//
// A part of the order that was split off and cancelled counts as a refund of ours
// here: Amazon pays for it, too.
//
// A settlement that is not the sum of its rows, or of which a row could not be read, may
// lack rows of any booking: until it is complete, one of its bookings that shows less
// than a refund or a cancellation of ours, or takes money back, is Incomplete, and the
// ledger keeps what it has.
//
// A claim that Amazon or a bank decided is ours only when it is named, or exactly an
// accepted one. Promotions are taken off component by component; fees and withheld
// tax make no difference.
//
// The ledger has, for each refund of ours with bookings, what they show, and for
// everything else what went to the buyer or came back. What a cancellation has
// posted stays; what Amazon paid for its units beyond or short of that is posted as
// Amazon's own. Money of a line of which Amazon's answer is still unknown stays
// reserved: whoever asks [Service.Booked] hears that it was paid, and it is posted
// then.
func Reconcile(f Facts, s order.Stamp) (Change, error) {
	m := newMatching(f, s)
	if m.currency == "" {
		m.wait()
	} else {
		m.match()
		if err := m.post(); err != nil {
			return Change{}, err
		}
	}
	m.tell()
	return m.change, nil
}

// matching is the work of [Reconcile].
type matching struct {
	Facts
	stamp    order.Stamp
	currency order.Currency // empty: nothing can be said of the order
	known    map[string]bool
	bookings []*Booking // as they will be saved, the earliest first
	lines    []*line    // of refunds of ours and of cancelled parts, the first sent first
	refunds  []*refund.Refund
	ledger   order.Ledger // with the postings so far
	change   Change
}

// line is the line of a refund of ours, or of what Amazon pays for a cancelled part.
type line struct {
	*refund.Line // as it will be saved
	index        int
	of           *refund.Refund
	entry        queue.Entry
	sent         time.Time // to Amazon, first; zero: before we knew of it
	offered      bool      // it was sent, or done another way
	bookings     []*Booking
}

func newMatching(f Facts, s order.Stamp) *matching {
	m := &matching{Facts: f, stamp: s, known: map[string]bool{}, ledger: f.Ledger}
	m.change.Writes = order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}
	m.Orders = slices.SortedFunc(slices.Values(f.Orders), func(a, b order.Order) int { return cmp.Compare(a.ID.Number, b.ID.Number) })
	m.currency = f.Ledger.Currency()
	for _, o := range m.Orders {
		m.currency = cmp.Or(m.currency, o.Currency)
		for _, l := range o.Lines {
			m.known[l.Item] = true
		}
	}
	for _, r := range f.Refunds {
		m.currency = cmp.Or(m.currency, r.Currency)
		r.Lines = slices.Clone(r.Lines)
		m.refunds = append(m.refunds, &r)
		m.add(&r)
	}
	for _, r := range refund.OfCancellations(m.Orders, f.Ledger, f.Entries) {
		m.add(&r)
	}
	if len(f.Orders) == 0 && len(f.Refunds) == 0 {
		m.currency = "" // what the host forgot is left as it was
	}
	slices.SortStableFunc(m.lines, func(a, b *line) int {
		return cmp.Or(a.sent.Compare(b.sent), a.of.Issued.At.Compare(b.of.Issued.At), cmp.Compare(a.of.ID, b.of.ID), cmp.Compare(a.index, b.index))
	})
	for _, b := range f.Shown {
		m.bookings = append(m.bookings, &b)
	}
	for _, b := range f.Bookings {
		if !slices.ContainsFunc(f.Shown, func(s Booking) bool { return s.ID == b.ID }) {
			m.bookings = append(m.bookings, &b)
		}
	}
	slices.SortFunc(m.bookings, func(a, b *Booking) int {
		return cmp.Or(a.PostedAt.Compare(b.PostedAt), cmp.Compare(a.Settlement.Number, b.Settlement.Number), cmp.Compare(a.row(), b.row()))
	})
	return m
}

// add takes up the lines of a refund, to change them.
func (m *matching) add(r *refund.Refund) {
	if r.Origin == refund.FromAmazon || r.Currency != m.currency {
		return
	}
	if r.Origin == refund.FromSellerCentral && r.Lines[0].Outcome == refund.LineVoided {
		return // recorded by mistake: what is shown is another one
	}
	var entry queue.Entry
	if i := m.entryOf(r.ID); i >= 0 {
		entry = m.Entries[i]
	}
	for i := range r.Lines {
		l := &line{Line: &r.Lines[i], index: i, of: r, entry: entry}
		m.known[l.Item] = true
		l.sent, l.offered = l.offer()
		m.lines = append(m.lines, l)
	}
}

// offer is when the line was first sent of what may be booked: in the attempts that
// paid it, where that is known, else in any.
func (l *line) offer() (sent time.Time, offered bool) {
	if l.of.Origin == refund.FromSellerCentral {
		return l.of.PaidAt.AddDate(0, 0, -1), true // a person's date may be a day off; none allows for all
	}
	may := l.Paid
	if len(may) == 0 {
		may = l.unanswered()
	}
	for _, a := range l.entry.Attempts {
		if len(may) == 0 || slices.Contains(may, a.Batch) {
			return a.At, true
		}
	}
	return l.of.Issued.At, l.Outcome == refund.LinePosted
}

// payments is how often Amazon is known to have accepted the line.
func payments(l refund.Line) int {
	if l.Outcome != refund.LinePosted {
		return 0
	}
	return max(1, len(l.Paid))
}

// wait leaves what is new until the order is known.
func (m *matching) wait() {
	for _, b := range m.bookings {
		if b.Match == "" {
			b.Match = MatchUnknownOrder
		}
	}
}

// match takes every booking for something.
func (m *matching) match() {
	var open []*Booking
	for _, b := range m.bookings {
		b.Refund, b.Cancellation, b.RefundItem, b.Difference, b.Match = "", "", m.item(b), nil, ""
		switch {
		case b.Currency != m.currency:
			b.Match = MatchOtherCurrency
		case b.Amounts.IsZero():
			b.Match = MatchFees
		case kindOf(b.Kind) == corrected || !b.Amounts.Total().IsPositive():
			b.Match = MatchReversed
			if m.doubted(b) && lowers(net(b.Amounts)) {
				b.Match = MatchIncomplete
			}
		default:
			open = append(open, b)
		}
	}
	// A refund explains one of ours better than a claim does.
	slices.SortStableFunc(open, func(a, b *Booking) int { return cmp.Compare(kindOf(a.Kind), kindOf(b.Kind)) })
	open = explain(open, m.named)
	for _, outcome := range []refund.Outcome{refund.LinePosted, refund.LineOpen, refund.LineVoided} {
		open = explain(open, func(b *Booking) *line { return m.exact(b, outcome) })
	}
	open = explain(open, m.beyond)
	left := slices.Clone(open)
	open = explain(open, func(b *Booking) *line { return m.only(b, left) })
	for _, b := range open {
		b.Match = MatchAmazonInitiated
		if b.Incomplete {
			b.Match = MatchIncomplete
		}
	}
	for _, l := range m.lines {
		m.judge(l)
	}
}

// doubted reports whether rows of a booking may be missing from its report.
func (m *matching) doubted(b *Booking) bool {
	i := slices.IndexFunc(m.Settlements, func(s Settlement) bool { return s.ID == b.Settlement })
	return b.Incomplete || i >= 0 && m.Settlements[i].doubted()
}

// lowers reports whether amounts take anything off what is posted.
func lowers(a order.Amounts) bool {
	for _, v := range a {
		if v.IsNegative() {
			return true
		}
	}
	return false
}

// explain gives bookings to the lines that are found for them, and returns the rest.
func explain(open []*Booking, find func(*Booking) *line) (left []*Booking) {
	for _, b := range open {
		if l := find(b); l != nil {
			l.bookings = append(l.bookings, b)
		} else {
			left = append(left, b)
		}
	}
	return left
}

// named finds the line whose adjustment ID the booking carries.
func (m *matching) named(b *Booking) *line {
	id, ok := refund.ParseAdjustmentID(b.MerchantAdjustmentID)
	for _, l := range m.lines {
		if ok && l.of.ID == id.Entry && l.index == id.Line && (!b.Incomplete || b.equals(l.Amounts)) {
			return l
		}
	}
	return nil
}

// exact finds the line of an outcome, sent earliest, that the booking settles. A
// booking that tells neither item nor product is taken for the only one that it
// can be.
func (m *matching) exact(b *Booking, outcome refund.Outcome) *line {
	var found []*line
	for _, l := range m.lines {
		claim := kindOf(b.Kind) != refunded && outcome != refund.LinePosted
		if !claim && len(l.bookings) == 0 && l.Outcome == outcome && m.mayBe(b, l) && b.equals(l.Amounts) {
			found = append(found, l)
		}
	}
	if len(found) == 0 || b.Item == "" && b.SKU == "" && len(found) > 1 {
		return nil
	}
	return found[0]
}

// beyond finds a line that has its booking, of which this is one more.
func (m *matching) beyond(b *Booking) *line {
	for _, l := range m.lines {
		if len(l.bookings) > 0 && kindOf(b.Kind) == refunded && b.product() && m.mayBe(b, l) && b.equals(l.Amounts) {
			return l
		}
	}
	return nil
}

// only finds the accepted line of which this must be the booking, though it differs:
// there is no other for it, and it is the only one left.
func (m *matching) only(b *Booking, left []*Booking) *line {
	could := func(b *Booking, l *line) bool {
		return kindOf(b.Kind) == refunded && b.product() && !b.Incomplete && m.mayBe(b, l)
	}
	var found *line
	for _, l := range m.lines {
		if payments(*l.Line) == 0 || len(l.bookings) > 0 || !could(b, l) {
			continue
		}
		if found != nil {
			return nil
		}
		found = l
	}
	if found == nil || slices.ContainsFunc(left, func(other *Booking) bool { return other != b && could(other, found) }) {
		return nil
	}
	return found
}

func (b *Booking) product() bool { return b.Item != "" || b.SKU != "" }

// row is the first one.
func (b *Booking) row() int { return b.Rows[0] }

const (
	day = 24 * time.Hour

	// skew is how much earlier than its attempt a refund may have been posted by
	// Amazon's clocks, which need not agree.
	skew = 15 * time.Minute
)

// mayBe reports whether a booking could be of a line, whatever it comes to: its
// product, sent before. A booking that was posted at midnight tells the day only.
func (m *matching) mayBe(b *Booking, l *line) bool {
	posted := b.PostedAt.Add(skew)
	if b.PostedAt.Truncate(day).Equal(b.PostedAt) {
		posted = b.PostedAt.Add(day)
	}
	if !l.offered || l.sent.After(posted) {
		return false
	}
	switch {
	case b.Item != "" && m.known[b.Item]:
		return b.Item == l.Item
	case b.SKU != "":
		return b.SKU == l.SKU
	}
	return b.Item == ""
}

// item is the order item that a booking is about, as the order calls it.
func (m *matching) item(b *Booking) string {
	if m.known[b.Item] || b.SKU == "" {
		return b.Item
	}
	items := map[string]bool{}
	for _, o := range m.Orders {
		for _, l := range o.Lines {
			if l.SKU == b.SKU {
				items[l.Item] = true
			}
		}
	}
	if len(items) == 1 {
		for item := range items {
			return item
		}
	}
	return b.Item
}

// judge says what the bookings of a line are. One is the line's own, the first that
// shows its amounts; the others are more than was asked for.
func (m *matching) judge(l *line) {
	slices.SortStableFunc(l.bookings, func(a, b *Booking) int { return a.PostedAt.Compare(b.PostedAt) })
	if i := slices.IndexFunc(l.bookings, func(b *Booking) bool { return b.equals(l.Amounts) }); i > 0 {
		own := l.bookings[i]
		l.bookings = slices.Insert(slices.Delete(l.bookings, i, i+1), 0, own)
	}
	for i, b := range l.bookings {
		b.RefundItem = l.Item
		if l.cancelled() {
			b.Cancellation = l.of.ID
		} else {
			b.Refund = l.of.ID
		}
		own, _ := b.against(l.Amounts)
		switch b.Difference = own.Minus(net(l.Amounts)); {
		case i > 0:
			b.Match, b.Difference = MatchDoubled, nil
		case l.Outcome == refund.LineOpen:
			b.Match = MatchUnanswered
		case m.doubted(b) && lowers(b.Difference):
			b.Match = MatchIncomplete
		case l.cancelled() && l.Outcome == refund.LineVoided:
			b.Match, b.Difference = MatchContradicted, nil
		case l.cancelled():
			b.Match = MatchCancelled
		case b.Difference.IsZero():
			b.Match, b.Difference = MatchSettled, nil
		default:
			b.Match = MatchMismatched
		}
	}
}

// cancelled reports whether the line is one of a cancelled part.
func (l *line) cancelled() bool { return l.of.Origin == refund.FromCancellation }

// batch is the one in which the attempt was sent that a booking names.
func (l *line) batch(b *Booking) queue.BatchID {
	id, ok := refund.ParseAdjustmentID(b.MerchantAdjustmentID)
	if !ok || id.Attempt > len(l.entry.Attempts) {
		return ""
	}
	return l.entry.Attempts[id.Attempt-1].Batch
}

// unanswered are the batches in which the line was sent and of which nobody said
// what became of it, or somebody said that it was paid but not posted yet.
func (l *line) unanswered() []queue.BatchID {
	var bs []queue.BatchID
	for _, a := range l.entry.Attempts {
		refused := slices.ContainsFunc(a.Results, func(r queue.Result) bool { return r.Part == l.Item && r.Verdict == amazon.VerdictRefused })
		if !refused && a.Batch != "" && !slices.Contains(l.Paid, a.Batch) {
			bs = append(bs, a.Batch)
		}
	}
	return bs
}

func describe(b Booking) string {
	var t strings.Builder
	t.WriteString(string(cmp.Or(b.Match, "new")))
	if of := cmp.Or(b.Refund, b.Cancellation); of != "" {
		t.WriteString(" (" + string(of) + ")")
	}
	if !b.Difference.IsZero() {
		t.WriteString(", difference " + b.Difference.In(b.Currency))
	}
	return t.String()
}
