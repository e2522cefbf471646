package order

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Balance names one of the three balances that a ledger keeps for each line
// and component.
type Balance string

const (
	Charged  Balance = "Charged"  // what the buyer was charged
	Reserved Balance = "Reserved" // what is promised to requests that are under way
	Posted   Balance = "Posted"   // what went back to the buyer, or was never collected
)

// CauseKind tells what moved a balance.
type CauseKind string

const (
	CauseOrder        CauseKind = "order"        // the order's own charges
	CauseRefund       CauseKind = "refund"       // a refund of ours
	CauseCancellation CauseKind = "cancellation" // a cancellation of ours, or one that was found at Amazon
	CauseAmazon       CauseKind = "amazon"       // something that Amazon did by itself
)

// Cause names the event behind a posting: its kind and that event's ID.
type Cause struct {
	Kind CauseKind
	ID   string
}

func (c Cause) String() string { return string(c.Kind) + " " + c.ID }

// Stamp says who did something, when, and why. Every change carries one.
type Stamp struct {
	By  string
	At  time.Time // UTC
	Why string
}

// Posting is one line of a ledger. Postings are only ever appended; a
// correction is a new posting.
type Posting struct {
	Order     AmazonID
	Seq       int // 1, 2, 3 … within the Amazon order
	Item      string
	Component Component
	Balance   Balance
	Amount    decimal.Decimal // signed
	Currency  Currency
	Cause     Cause
	Stamp
}

// Ledger is the money of one Amazon order: for each line and component what
// was charged, reserved and posted, as the sums of its postings. Its methods
// compute the postings that an event calls for; the caller saves them with
// [Writes] at the ledger's Version.
type Ledger struct {
	Order    AmazonID
	Version  int64 // of the order's head row; 0 when nothing is saved about it yet
	Postings []Posting
}

// ErrOver is what an [OverError] is.
var ErrOver = errors.New("more than is left")

// OverError refuses a reservation and tells the exact amounts.
type OverError struct {
	Order     AmazonID
	Item      string    // empty when the order's total is the limit
	Component Component // empty when the order's total is the limit
	Asked     decimal.Decimal
	Charged   decimal.Decimal
	Posted    decimal.Decimal
	Reserved  decimal.Decimal
	Currency  Currency
}

// Left is what could have been reserved.
func (e *OverError) Left() decimal.Decimal {
	return decimal.Max(decimal.Zero, e.Charged.Sub(e.Posted).Sub(e.Reserved))
}

func (e *OverError) Error() string {
	f := func(v decimal.Decimal) string { return Format(v, e.Currency) }
	what := "the order"
	if e.Item != "" {
		what = fmt.Sprintf("item %s %s", e.Item, e.Component)
	}
	return fmt.Sprintf("order %s: %s asked for %s is %v of %s (charged %s, posted %s, reserved %s): ask for at most %s",
		e.Order, f(e.Asked), what, ErrOver, f(e.Left()), f(e.Charged), f(e.Posted), f(e.Reserved), f(e.Left()))
}

func (e *OverError) Unwrap() error { return ErrOver }

// ErrCurrency refuses an amount in another currency than the order's.
var ErrCurrency = errors.New("another currency")

// Currency is the currency of every posting; empty while there is none.
func (l Ledger) Currency() Currency {
	if len(l.Postings) == 0 {
		return ""
	}
	return l.Postings[0].Currency
}

// Sum adds up one balance of one item, by component.
func (l Ledger) Sum(b Balance, item string) Amounts {
	return l.sum(func(p Posting) bool { return p.Balance == b && p.Item == item })
}

// Total adds up one balance over all items and components.
func (l Ledger) Total(b Balance) decimal.Decimal {
	return l.sum(func(p Posting) bool { return p.Balance == b }).Total()
}

// SumBy adds up what one kind of event did to one balance of one item, by component.
func (l Ledger) SumBy(b Balance, k CauseKind, item string) Amounts {
	return l.sum(func(p Posting) bool { return p.Balance == b && p.Cause.Kind == k && p.Item == item })
}

// TotalBy adds up what one kind of event did to one balance.
func (l Ledger) TotalBy(b Balance, k CauseKind) decimal.Decimal {
	return l.sum(func(p Posting) bool { return p.Balance == b && p.Cause.Kind == k }).Total()
}

// Left is charged − posted − reserved of one item, by component. A component
// that Amazon overdrew is negative.
func (l Ledger) Left(item string) Amounts {
	return l.Sum(Charged, item).Minus(l.Sum(Posted, item)).Minus(l.Sum(Reserved, item))
}

// LeftTotal is charged − posted − reserved of the whole Amazon order.
func (l Ledger) LeftTotal() decimal.Decimal {
	return l.Total(Charged).Sub(l.Total(Posted)).Sub(l.Total(Reserved))
}

// Items lists the items that have postings, in the order of their first one.
func (l Ledger) Items() []string {
	var items []string
	for _, p := range l.Postings {
		if !slices.Contains(items, p.Item) {
			items = append(items, p.Item)
		}
	}
	return items
}

// Held is what a cause has reserved on an item and neither voided nor posted.
func (l Ledger) Held(c Cause, item string) Amounts {
	return l.sum(func(p Posting) bool { return p.Balance == Reserved && p.Item == item && p.Cause == c })
}

func (l Ledger) sum(match func(Posting) bool) Amounts {
	out := Amounts{}
	for _, p := range l.Postings {
		if match(p) {
			out[p.Component] = out[p.Component].Add(p.Amount)
		}
	}
	return out
}

// With is the ledger after more postings. It leaves the receiver alone.
func (l Ledger) With(ps ...Posting) Ledger {
	l.Postings = slices.Concat(l.Postings, ps)
	return l
}

// Charge brings the charged balance in line with what the lines of the host
// orders say the buyer paid, and returns the postings for the difference; none
// when they agree. It wants all host orders of the Amazon order, each once and
// as [Check] passes it: what a split moved between them changes nothing then. A
// line that no order has any more keeps its charge, and so do units that a
// cancellation here has taken, whether a host takes their price off the line or not.
// It refuses orders of another Amazon order or of another currency than the
// ledger's, and one given twice, which would double its charges.
func (l Ledger) Charge(s Stamp, orders ...Order) ([]Posting, error) {
	paid := map[string]Amounts{}
	var items []string
	cur := l.Currency()
	seen := map[ID]bool{}
	for _, o := range orders {
		if o.Amazon != l.Order {
			return nil, fmt.Errorf("order %s carries Amazon order %s: want %s", o.ID, o.Amazon, l.Order)
		}
		if seen[o.ID] {
			return nil, fmt.Errorf("order %s is given twice: want each host order of %s once", o.ID, l.Order)
		}
		seen[o.ID] = true
		if cur == "" {
			cur = o.Currency
		}
		if o.Currency != cur {
			return nil, fmt.Errorf("order %s: %w: %s where the ledger of %s has %s", o.ID, ErrCurrency, o.Currency, l.Order, cur)
		}
		for _, line := range o.Lines {
			if paid[line.Item] == nil {
				items = append(items, line.Item)
			}
			paid[line.Item] = paid[line.Item].Plus(line.Paid())
		}
	}
	var ps []Posting
	for _, item := range items {
		difference := paid[item].Minus(l.Sum(Charged, item))
		cancelled := l.sum(func(p Posting) bool {
			return p.Item == item && p.Balance != Charged && p.Cause.Kind == CauseCancellation
		})
		for c, v := range difference {
			if v.IsNegative() {
				difference[c] = decimal.Min(decimal.Zero, v.Add(cancelled[c]))
			}
		}
		ps = l.post(ps, Charged, item, difference, cur, Cause{CauseOrder, l.Order.Number}, s)
	}
	return ps, nil
}

// Reserve promises amounts of an item to a cause. It refuses with an
// [OverError] what goes beyond charged − posted − reserved of a charged
// component, whatever over says, because Amazon refuses it too. Concessions
// have no charge of their own: with what else is asked they may not go beyond
// what is left of the Amazon order, unless over allows it. Deductions cannot be
// promised; they lower what is asked. Asking for nothing reserves nothing. Each
// call reserves anew, also for a cause that holds something already. While
// nothing was charged there is no currency, and no reservation either ([ErrOver]).
func (l Ledger) Reserve(c Cause, item string, ask Amounts, over bool, s Stamp) ([]Posting, error) {
	cur := l.Currency()
	if err := CheckAmounts(ask, cur); err != nil {
		return nil, fmt.Errorf("order %s: item %s: %w", l.Order, item, err)
	}
	if ask.IsZero() {
		return nil, nil
	}
	if cur == "" {
		return nil, fmt.Errorf("order %s: item %s: %s is %w: the order has no charges", l.Order, item, ask, ErrOver)
	}
	charged, posted, reserved := l.Sum(Charged, item), l.Sum(Posted, item), l.Sum(Reserved, item)
	for _, comp := range ask.Components() {
		if !comp.Charged() && !comp.Concession() {
			return nil, fmt.Errorf("order %s: item %s: %s is a deduction: lower Principal by it instead", l.Order, item, comp)
		}
		if comp.Charged() && ask[comp].GreaterThan(charged[comp].Sub(posted[comp]).Sub(reserved[comp])) {
			return nil, &OverError{l.Order, item, comp, ask[comp], charged[comp], posted[comp], reserved[comp], cur}
		}
	}
	if total := ask.Total(); !over && total.GreaterThan(l.LeftTotal()) {
		return nil, &OverError{Order: l.Order, Asked: total, Charged: l.Total(Charged), Posted: l.Total(Posted), Reserved: l.Total(Reserved), Currency: cur}
	}
	return l.post(nil, Reserved, item, ask, cur, c, s), nil
}

// Void gives back what a cause still holds on an item. Voiding twice does
// nothing.
func (l Ledger) Void(c Cause, item string, s Stamp) []Posting {
	return l.post(nil, Reserved, item, Amounts{}.Minus(l.Held(c, item)), l.Currency(), c, s)
}

// Post turns what a cause still holds on an item into posted money. Posting
// twice does nothing.
func (l Ledger) Post(c Cause, item string, s Stamp) []Posting {
	held := l.Held(c, item)
	ps := l.post(nil, Reserved, item, Amounts{}.Minus(held), l.Currency(), c, s)
	return l.post(ps, Posted, item, held, l.Currency(), c, s)
}

// PostAgain posts once more what a cause last held on an item, though it holds
// nothing now: Amazon has carried it out after its reservation was given back, or
// a second time. It goes beyond what was charged if it must, because it happened.
// For a cause that never held anything it does nothing.
func (l Ledger) PostAgain(c Cause, item string, s Stamp) []Posting {
	return l.post(nil, Posted, item, l.LastHeld(c, item), l.Currency(), c, s)
}

// Book posts amounts of an item that went to the buyer without a reservation of
// ours. Nothing limits them, because it happened. The currency is that of the order,
// which a ledger without charges does not know.
func (l Ledger) Book(c Cause, item string, a Amounts, cur Currency, s Stamp) []Posting {
	return l.post(nil, Posted, item, a, cur, c, s)
}

// LastHeld is what a cause holds on an item, or held before it was last voided or
// posted.
func (l Ledger) LastHeld(c Cause, item string) Amounts {
	most, held := Amounts{}, Amounts{}
	for _, p := range l.Postings {
		if p.Balance != Reserved || p.Item != item || p.Cause != c {
			continue
		}
		if p.Amount.IsPositive() && held.IsZero() {
			most = Amounts{} // reserved anew
		}
		held = held.Plus(Amounts{p.Component: p.Amount})
		if p.Amount.IsPositive() {
			most = most.Plus(Amounts{p.Component: p.Amount})
		}
	}
	return most
}

// Over tells what of an order is overdrawn: a component with more posted and
// reserved than was charged for it, and, unless over allows that, the order as a
// whole with more posted than was charged. [Ledger.Reserve] lets neither come
// about; what Amazon did by itself and a host that lowers its charges do. It is nil
// when nothing is overdrawn.
func (l Ledger) Over(over bool) error {
	for _, item := range l.Items() {
		left := l.Left(item)
		for _, c := range left.Components() {
			if c.Charged() && left[c].IsNegative() {
				return fmt.Errorf("item %s: %s is overdrawn: %s more is posted and reserved than the order says was charged", item, c, Format(left[c].Neg(), l.Currency()))
			}
		}
	}
	if beyond := l.Total(Posted).Sub(l.Total(Charged)); !over && beyond.IsPositive() {
		return fmt.Errorf("the order is overdrawn: %s more is posted than it says was charged", Format(beyond, l.Currency()))
	}
	return nil
}

func (l Ledger) post(ps []Posting, b Balance, item string, a Amounts, cur Currency, c Cause, s Stamp) []Posting {
	for _, comp := range a.Components() {
		ps = append(ps, Posting{
			Order: l.Order, Seq: len(l.Postings) + len(ps) + 1,
			Item: item, Component: comp, Balance: b, Amount: a[comp], Currency: cur,
			Cause: c, Stamp: s,
		})
	}
	return ps
}

// PaymentStatus tells what became of a buyer's money. It is derived from the
// ledger and never set by hand.
type PaymentStatus string

const (
	NoPayment      PaymentStatus = "NoPayment" // nothing charged, or all of it cancelled before it was collected
	PaymentCharged PaymentStatus = "Charged"
	PartialPayment PaymentStatus = "PartialPayment" // part of the order was cancelled before it was collected
	PartialRefund  PaymentStatus = "PartialRefund"
	FullRefund     PaymentStatus = "FullRefund"
	OverRefund     PaymentStatus = "OverRefund" // more went back than was collected
)

// PaymentStatus derives the status from the postings.
func (l Ledger) PaymentStatus() PaymentStatus {
	cancelled := l.TotalBy(Posted, CauseCancellation)
	collected := l.Total(Charged).Sub(cancelled)
	refunded := l.Total(Posted).Sub(cancelled)
	switch {
	case refunded.GreaterThan(collected):
		return OverRefund
	case collected.IsZero():
		return NoPayment
	case refunded.Equal(collected):
		return FullRefund
	case refunded.IsPositive():
		return PartialRefund
	case cancelled.IsPositive():
		return PartialPayment
	}
	return PaymentCharged
}

// Pending is the money that is promised to refunds and not yet confirmed.
func (l Ledger) Pending() decimal.Decimal { return l.TotalBy(Reserved, CauseRefund) }

// Payment is how the money of the order stands, for its host orders. With issued, the
// status is as if what is promised to refunds had gone back already.
func (l Ledger) Payment(issued bool) *Payment {
	shown := l
	if issued {
		shown = l.With(Posting{Component: Principal, Balance: Posted, Amount: l.Pending(), Cause: Cause{Kind: CauseRefund}})
	}
	return &Payment{Status: shown.PaymentStatus(), Pending: l.Pending(), Refunded: l.Refunded().Amount, Currency: l.Currency()}
}
