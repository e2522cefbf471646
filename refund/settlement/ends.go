package settlement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// EndsQuery selects what a [Report] is about. An empty field selects all; the fields
// are joined by "and".
type EndsQuery struct {
	Company  order.CompanyID
	Accounts []order.AccountID
	Orders   []order.AmazonID
}

// Report says how refunds and settlements stand to each other: what is settled in
// sums, and everything else one by one.
type Report struct {
	Totals []Totals // by currency
	Ends   []End    // by account, order and item
}

// Totals add up, in one currency. Of refunds of ours, each line counts at the
// amounts that were accepted:
//
//	Accepted = Settled + Mismatched + Unproven + Missing
//
// and everything that settlements show as given to buyers is
//
//	Booked = Settled + Mismatched + Difference + Doubled + AmazonInitiated + Cancelled + Reversed
//	       + Unanswered + UnknownOrder + OtherCurrency + Incomplete + WithheldTax
type Totals struct {
	Currency order.Currency

	Accepted            Tally // by Amazon, or known to be done another way
	Settled, Mismatched Tally // shown in a settlement
	Unproven, Missing   Tally // not shown yet, or not all of it: open

	Booked          Tally           // all that went to buyers, less what came back from them
	Difference      decimal.Decimal // of Mismatched: what was shown less what was accepted
	Doubled         Tally           // of ours, but more than was accepted
	AmazonInitiated Tally
	Cancelled       Tally // for units that were split off and cancelled
	Reversed        Tally // mostly below zero
	Unanswered      Tally // for lines of ours, and cancelled units, of which the queue still waits for an answer
	UnknownOrder    Tally
	OtherCurrency   Tally
	Incomplete      Tally
	WithheldTax     decimal.Decimal // tax that went back beside refunds of ours and was Amazon's to give

	Reserved Tally // lines that are not answered, at what is reserved for them

	CommissionReturned, CommissionKept decimal.Decimal

	// Of the commission that was returned, what of it Amazon was expected to keep is
	// known for KeptExpected, and it kept KeptOf instead.
	KeptExpected, KeptOf decimal.Decimal
}

// Tally is how many, and what they come to.
type Tally struct {
	Count  int
	Amount decimal.Decimal
}

func (t *Tally) add(v decimal.Decimal) { t.Count, t.Amount = t.Count+1, t.Amount.Add(v) }

// EndKind tells why an end is open.
type EndKind string

// A booking that is no refund of ours to the cent has its [Match] for a kind.
const (
	EndReserved   EndKind = "Reserved"   // nobody knows yet whether Amazon paid it
	EndUnproven   EndKind = "Unproven"   // accepted, and in no settlement yet
	EndMissing    EndKind = "Missing"    // accepted, and not in the settlements that should show it
	EndCommission EndKind = "Commission" // Amazon kept another part of its commission than is known to be its rule
	EndSettlement EndKind = "Settlement" // a settlement that is not the sum of its rows, or was not imported to its end
)

// End is one thing that is not settled to the cent.
type End struct {
	Kind         EndKind
	Order        order.AmazonID
	Item         string
	Refund       queue.EntryID
	Cancellation queue.EntryID
	Booking      string
	Settlement   ID
	Amount       order.Money // at stake: the difference where there is one
	Text         string
}

// ErrUnbalanced says that the sums of a [Report] do not add up. The rows that it was
// made of contradict each other: that is an error of this library or of its store.
var ErrUnbalanced = errors.New("refunds and settlements do not add up")

// OpenEnds reports on refunds and what settlements show of them. It reads all of
// them that the query selects. What is changed meanwhile may make it look wrong.
func (s *Service) OpenEnds(ctx context.Context, q EndsQuery) (Report, error) {
	r, err := s.openEnds(ctx, q)
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		return r, fmt.Errorf("open ends: %w", err)
	}
	return r, nil
}

func (s *Service) openEnds(ctx context.Context, q EndsQuery) (Report, error) {
	refunds, err := s.refunds(ctx, refund.Query{Company: q.Company, Accounts: q.Accounts, Orders: q.Orders})
	if err != nil {
		return Report{}, err
	}
	bookings, err := s.bookings(ctx, BookingQuery{Company: q.Company, Accounts: q.Accounts, Orders: q.Orders})
	if err != nil {
		return Report{}, err
	}
	var settlements []Settlement
	if len(q.Orders) == 0 {
		if settlements, err = s.c.Store.Settlements(ctx, Query{Company: q.Company, Accounts: q.Accounts}); err != nil {
			return Report{}, err
		}
	}
	return Ends(refunds, bookings, settlements), nil
}

// Ends makes the report of refunds, with all bookings of their orders, and of
// settlements. It is a function of its arguments alone.
func Ends(refunds []refund.Refund, bookings []Booking, settlements []Settlement) Report {
	w := reporting{totals: map[order.Currency]*Totals{}, lines: map[lineKey]refund.Line{}}
	for _, r := range refunds {
		for _, l := range r.Lines {
			w.lines[lineKey{r.ID, l.Item}] = l
			if r.Origin != refund.FromAmazon {
				w.line(r, l)
			}
		}
	}
	for _, b := range bookings {
		w.booking(b)
	}
	for _, s := range settlements {
		w.settlement(s)
	}
	for _, t := range w.totals {
		w.Totals = append(w.Totals, *t)
	}
	slices.SortFunc(w.Totals, func(a, b Totals) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortStableFunc(w.Ends, func(a, b End) int {
		return cmp.Or(cmp.Compare(a.Order.Account, b.Order.Account), cmp.Compare(a.Order.Number, b.Order.Number),
			cmp.Compare(a.Item, b.Item), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Refund, b.Refund), cmp.Compare(a.Booking, b.Booking))
	})
	return w.Report
}

// reporting is the work of [Ends].
type reporting struct {
	Report
	totals map[order.Currency]*Totals
	lines  map[lineKey]refund.Line
}

type lineKey struct {
	refund queue.EntryID
	item   string
}

func (w *reporting) in(c order.Currency) *Totals {
	if w.totals[c] == nil {
		w.totals[c] = &Totals{Currency: c}
	}
	return w.totals[c]
}

func (w *reporting) end(e End) { w.Ends = append(w.Ends, e) }

// line counts a line of a refund of ours.
func (w *reporting) line(r refund.Refund, l refund.Line) {
	t, amount := w.in(r.Currency), net(l.Amounts).Total()
	e := End{Order: r.Order, Item: l.Item, Refund: r.ID, Amount: order.Money{Amount: amount, Currency: r.Currency}}
	shown := len(l.Bookings) > 0
	switch {
	case l.Outcome == refund.LineOpen:
		t.Reserved.add(amount)
		if !shown {
			e.Kind, e.Text = EndReserved, "Amazon has not answered"
			w.end(e)
		}
	case l.Outcome == refund.LinePosted:
		t.Accepted.add(amount)
		switch missing := l.Proof == refund.Missing; {
		case shown && payments(l) > len(l.Bookings):
			e.Kind, e.Text = EndUnproven, fmt.Sprintf("paid %d times, and shown %d times", payments(l), len(l.Bookings))
			w.end(e)
		case shown:
		case missing:
			t.Missing.add(amount)
			e.Kind, e.Text = EndMissing, "accepted, and not in the settlements that should show it"
			w.end(e)
		default:
			t.Unproven.add(amount)
			e.Kind, e.Text = EndUnproven, "accepted, and in no settlement yet"
			w.end(e)
		}
	}
}

// booking counts what a settlement shows.
func (w *reporting) booking(b Booking) {
	t, given := w.in(b.Currency), net(b.Amounts).Total()
	t.CommissionReturned = t.CommissionReturned.Add(b.CommissionReturned)
	t.CommissionKept = t.CommissionKept.Add(b.CommissionKept)
	e := End{
		Kind: EndKind(b.Match), Order: b.Order, Item: cmp.Or(b.RefundItem, b.Item), Refund: b.Refund, Cancellation: b.Cancellation, Booking: b.ID, Settlement: b.Settlement,
		Amount: order.Money{Amount: given, Currency: b.Currency}, Text: b.Kind,
	}
	w.commission(t, b, e)
	if given.IsZero() && b.Match == MatchFees {
		return
	}
	t.Booked.add(given)
	of := map[Match]*Tally{
		MatchAmazonInitiated: &t.AmazonInitiated, MatchReversed: &t.Reversed, MatchUnknownOrder: &t.UnknownOrder,
		MatchOtherCurrency: &t.OtherCurrency, MatchIncomplete: &t.Incomplete,
	}[b.Match]
	if ours := b.Match == MatchIncomplete && b.Refund != ""; of != nil && !ours {
		if b.Match == MatchAmazonInitiated {
			e.Text = fmt.Sprintf("%s that nobody here asked for; it is posted", b.Kind)
		}
		of.add(given)
		w.end(e)
		return
	}
	if b.Cancellation != "" {
		w.cancelled(t, b, e)
		return
	}
	l, known := w.lines[lineKey{b.Refund, b.RefundItem}]
	if !known || !slices.Contains(l.Bookings, b.ID) {
		return // which makes the report wrong: see Check
	}
	own, beside := b.against(l.Amounts)
	t.WithheldTax = t.WithheldTax.Add(beside.Total())
	e.Amount.Amount = own.Total()
	switch {
	case b.Match == MatchDoubled:
		t.Doubled.add(own.Total())
		e.Text = textDoubled
		w.end(e)
	case b.Match == MatchIncomplete:
		t.Unproven.add(net(l.Amounts).Total())
		t.Incomplete.add(own.Total())
		e.Text = "less than was accepted, in a report that is not complete"
		w.end(e)
	case l.Outcome != refund.LinePosted:
		t.Unanswered.add(own.Total())
		e.Kind, e.Text = EndKind(MatchUnanswered), textUnanswered
		w.end(e)
	case b.Match == MatchSettled, b.Match == MatchUnanswered && b.Difference.IsZero():
		t.Settled.add(net(l.Amounts).Total())
	case b.Match == MatchMismatched, b.Match == MatchUnanswered:
		t.Mismatched.add(net(l.Amounts).Total())
		e.Kind = EndKind(MatchMismatched)
		t.Difference = t.Difference.Add(b.Difference.Total())
		e.Amount.Amount = b.Difference.Total()
		e.Text = textDifference(b)
		w.end(e)
	}
}

const (
	textDoubled    = "shown once more than it was accepted"
	textUnanswered = "a settlement shows it, and the queue has not heard of it yet"
)

func textDifference(b Booking) string {
	return "differs by " + b.Difference.In(b.Currency) + ", which is posted"
}

// cancelled counts what a settlement shows for a cancelled part.
func (w *reporting) cancelled(t *Totals, b Booking, e End) {
	switch {
	case b.Match == MatchDoubled:
		t.Doubled.add(e.Amount.Amount)
		e.Text = textDoubled
	case b.Match == MatchUnanswered:
		t.Unanswered.add(e.Amount.Amount)
		e.Text = textUnanswered
	case b.Match == MatchContradicted:
		t.Cancelled.add(e.Amount.Amount)
		e.Text = "a settlement shows it, and its cancellation counts as without effect"
	case b.Match == MatchCancelled && b.Difference.IsZero():
		t.Cancelled.add(e.Amount.Amount)
		return
	case b.Match == MatchCancelled:
		t.Cancelled.add(e.Amount.Amount)
		e.Amount.Amount, e.Text = b.Difference.Total(), textDifference(b)
	}
	w.end(e)
}

// commission compares what Amazon kept with what is known of its rule, up to the
// rounding of a minor unit.
func (w *reporting) commission(t *Totals, b Booking, e End) {
	if !b.KeptExpected.Valid {
		return
	}
	expected := b.KeptExpected.Decimal
	t.KeptExpected, t.KeptOf = t.KeptExpected.Add(expected), t.KeptOf.Add(b.CommissionKept)
	difference := b.CommissionKept.Sub(expected)
	if difference.Abs().LessThan(decimal.New(1, -b.Currency.Digits())) {
		return
	}
	e.Kind, e.Amount.Amount = EndCommission, difference
	e.Text = fmt.Sprintf("of %s commission Amazon kept %s, and about %s was expected",
		order.Format(b.CommissionReturned, b.Currency), order.Format(b.CommissionKept, b.Currency), order.Format(expected, b.Currency))
	w.end(e)
}

func (w *reporting) settlement(s Settlement) {
	e := End{Kind: EndSettlement, Settlement: s.ID, Order: order.AmazonID{Account: s.ID.Account}, Amount: order.Money{Amount: s.Difference(), Currency: s.Currency}}
	switch {
	case !s.Done:
		e.Text = "its import broke off: import it again"
	case s.Bad > 0:
		e.Text = fmt.Sprintf("%d of its rows could not be read", s.Bad)
	case !s.Difference().IsZero():
		e.Text = "its total is not the sum of its rows"
	default:
		return
	}
	w.end(e)
}

// Check tells whether the sums add up, with [ErrUnbalanced] when they do not.
func (r Report) Check() error {
	var wrong []error
	for _, t := range r.Totals {
		accounted := plus(t.Settled, t.Mismatched, t.Unproven, t.Missing)
		if !accounted.equal(t.Accepted) {
			wrong = append(wrong, fmt.Errorf("%w: %s: %s were accepted, and settled, mismatched and open are %s",
				ErrUnbalanced, t.Currency, t.Accepted.in(t.Currency), accounted.in(t.Currency)))
		}
		explained := plus(t.Settled, t.Mismatched, t.Doubled, t.AmazonInitiated, t.Cancelled, t.Reversed, t.Unanswered, t.UnknownOrder, t.OtherCurrency, t.Incomplete)
		explained.Amount = explained.Amount.Add(t.Difference).Add(t.WithheldTax)
		if !explained.equal(t.Booked) {
			wrong = append(wrong, fmt.Errorf("%w: %s: settlements show %s, and %s of them are explained",
				ErrUnbalanced, t.Currency, t.Booked.in(t.Currency), explained.in(t.Currency)))
		}
	}
	return errors.Join(wrong...)
}

func plus(ts ...Tally) (sum Tally) {
	for _, t := range ts {
		sum.Count, sum.Amount = sum.Count+t.Count, sum.Amount.Add(t.Amount)
	}
	return sum
}

func (t Tally) equal(o Tally) bool { return t.Count == o.Count && t.Amount.Equal(o.Amount) }

func (t Tally) in(c order.Currency) string {
	return fmt.Sprintf("%d of %s", t.Count, order.Format(t.Amount, c))
}

// String writes the report for people.
func (r Report) String() string {
	var b strings.Builder
	for _, t := range r.Totals {
		fmt.Fprintf(&b, "%s\n", t.Currency)
		line := func(name string, v Tally) {
			if v.Count != 0 {
				fmt.Fprintf(&b, "  %-17s %5d %14s\n", name, v.Count, order.Format(v.Amount, t.Currency))
			}
		}
		sum := func(name string, v decimal.Decimal) {
			if !v.IsZero() {
				fmt.Fprintf(&b, "  %-17s       %14s\n", name, order.Format(v, t.Currency))
			}
		}
		line("Accepted", t.Accepted)
		line("  settled", t.Settled)
		line("  mismatched", t.Mismatched)
		line("  unproven", t.Unproven)
		line("  missing", t.Missing)
		line("Booked", t.Booked)
		sum("  difference", t.Difference)
		line("  doubled", t.Doubled)
		line("  Amazon's own", t.AmazonInitiated)
		line("  cancelled", t.Cancelled)
		line("  reversed", t.Reversed)
		line("  unanswered", t.Unanswered)
		line("  unknown order", t.UnknownOrder)
		line("  other currency", t.OtherCurrency)
		line("  incomplete", t.Incomplete)
		sum("  withheld tax", t.WithheldTax)
		line("Reserved", t.Reserved)
		sum("Commission back", t.CommissionReturned)
		sum("  kept of it", t.CommissionKept)
	}
	for _, e := range r.Ends {
		fmt.Fprintf(&b, "%s\n", e)
	}
	return b.String()
}

// String is one line for people.
func (e End) String() string {
	parts := []string{string(e.Kind)}
	if e.Order.Number != "" {
		parts = append(parts, e.Order.String())
	} else {
		parts = append(parts, e.Settlement.String())
	}
	for _, s := range []string{e.Item, string(e.Refund), string(e.Cancellation), e.Booking} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(append(parts, e.Amount.String()+":", e.Text), " ")
}
