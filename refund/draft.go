package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// Draft is a refund as it would be issued. It is good for one save, at the
// balances it was decided on.
type Draft struct {
	Refund   Refund
	Existing bool   // the request was issued before: Refund is that first one, and Save writes nothing
	Token    string // names content, balances and earlier refunds; bring it back in Request.Token to confirm

	Total    order.Amounts // what the buyer gets back, by component over all lines
	Balances []Balance     // of each line, before and after
	Warnings []string      // what a person should think about
	Cautions []Caution     // what a person must have read: Save wants them acknowledged
	Offer    []OpenReturn  // open RMAs of the lines, which could be refunded instead

	// AwaitsApproval says that By may not ask for so much alone: somebody else must
	// approve it before it is sent.
	AwaitsApproval bool

	change         Change
	unconfirmed    bool
	unacknowledged []Caution
}

// Caution is a warning that has to be acknowledged, by naming its code in
// [Request.Acknowledge].
type Caution struct {
	Code CautionCode
	Text string
}

// CautionCode names what a caution is about.
type CautionCode string

const (
	CautionReplacement     CautionCode = "Replacement"     // the buyer is to get a replacement
	CautionAlreadyRefunded CautionCode = "AlreadyRefunded" // money went back that is not among our refunds
)

func (d *Draft) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

// Balance shows where a line stands.
type Balance struct {
	Item     string
	Charged  order.Amounts
	Refunded order.Amounts // posted before this refund
	Reserved order.Amounts // promised to other requests
	Left     order.Amounts // after this refund
}

// finish adds up the draft and writes down everything that saving it changes.
func (d *Draft) finish(f Facts, r Request, before, after order.Ledger) {
	refund := &d.Refund
	for _, l := range refund.Lines {
		d.Total = d.Total.Plus(l.Amounts)
		d.Balances = append(d.Balances, Balance{
			Item: l.Item, Charged: before.Sum(order.Charged, l.Item), Refunded: before.Sum(order.Posted, l.Item),
			Reserved: before.Sum(order.Reserved, l.Item), Left: after.Left(l.Item),
		})
	}
	refund.Surplus = decimal.Max(decimal.Zero, after.LeftTotal().Neg()).Sub(decimal.Max(decimal.Zero, before.LeftTotal().Neg()))
	if refund.Surplus.IsPositive() {
		d.warn("over-refund: the buyer gets %s more than was paid, as %s, asked for by %s",
			order.Format(refund.Surplus, r.Currency), cmp.Or(refund.SurplusAs, order.Goodwill), r.By)
	}
	for _, earlier := range f.Refunds {
		if r.RMA != "" && earlier.RMA == r.RMA && slices.ContainsFunc(earlier.Lines, func(l Line) bool { return l.Outcome != LineVoided }) {
			d.warn("RMA %s has refund %s of %s already", r.RMA, earlier.ID, earlier.Total())
		}
	}
	for _, o := range f.Orders {
		d.Warnings = append(d.Warnings, order.Warnings(o)...)
	}
	f.offer(d, r)
	d.caution(f, r)
	d.unconfirmed = r.OverRefund && r.Token == ""

	s := refund.Issued
	entry := refund.entry(f.Settings.Mode())
	if above := f.aboveLimit(*refund, r.By); above != nil {
		d.AwaitsApproval = true
		d.warn("%s: somebody else must approve it", above)
		entry.State, entry.Why, entry.Unapproved = queue.EntryAwaitingApproval, above.Error(), true
	}
	d.change.Refunds = []Refund{refund.clone()} // what is saved is what was decided, whatever becomes of the draft
	d.change.Entries = []queue.Entry{entry}
	d.change.Payment(Payment(after, f.Settings.Policy), f.Orders, s, refund.HostOrder)
	d.change.Effect(note("Refund %s of %s: %s.", refund.ID, refund.Total(), entry.State.Label()), refund.HostOrder, s)
	subject := "refund " + string(refund.ID)
	d.change.Event(order.EventRequested, subject, fmt.Sprintf("%s for %s: %s", refund.Total(), refund.Reason, d.Total.In(r.Currency)), s)
	if refund.Surplus.IsPositive() {
		d.change.Event(order.EventRequested, subject, "over-refund of "+order.Format(refund.Surplus, r.Currency), s)
	}
	for _, c := range d.Cautions {
		d.change.Event(order.EventRequested, subject, fmt.Sprintf("acknowledged %s: %s", c.Code, c.Text), s)
	}
}

// caution adds what the request and its RMA want acknowledged, and tells what of all
// cautions was not.
func (d *Draft) caution(f Facts, r Request) {
	cautions := r.Cautions
	if f.Due != nil {
		cautions = slices.Concat(cautions, f.Due.Cautions)
	}
	for _, c := range cautions {
		if !slices.Contains(d.Cautions, c) {
			d.Cautions = append(d.Cautions, c)
		}
	}
	for _, c := range d.Cautions {
		if !slices.Contains(r.Acknowledge, c.Code) {
			d.unacknowledged = append(d.unacknowledged, c)
		}
	}
}

// offer warns of RMAs that are open for the lines of a refund which is not theirs:
// when both are refunded, the goods are paid for twice.
func (f Facts) offer(d *Draft, r Request) {
	if r.Origin != FromOrder {
		return
	}
	for _, open := range f.Returns {
		if slices.ContainsFunc(r.Lines, func(a Ask) bool { return a.Item == open.Item }) {
			d.Offer = append(d.Offer, open)
			d.warn("item %s: RMA %s is open for %d units of it: refund the RMA, unless this is for something else", open.Item, open.RMA, open.Units)
		}
	}
}

func (r Refund) clone() Refund {
	r.Asked, r.Lines, r.Seen = slices.Clone(r.Asked), slices.Clone(r.Lines), slices.Clone(r.Seen)
	for i := range r.Asked {
		a := &r.Asked[i]
		a.Amounts, a.Fees = maps.Clone(a.Amounts), maps.Clone(a.Fees)
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		l.Amounts, l.Gross, l.Fees = maps.Clone(l.Amounts), maps.Clone(l.Gross), maps.Clone(l.Fees)
		l.Paid, l.Bookings = slices.Clone(l.Paid), slices.Clone(l.Bookings)
	}
	return r
}

// entry is the refund as the queue sees it.
func (r Refund) entry(m settings.Mode) queue.Entry {
	var label []string
	for _, l := range r.Lines {
		label = append(label, l.SKU)
	}
	if r.RMA != "" {
		label = append(label, "RMA "+r.RMA)
	}
	return queue.Entry{
		ID: r.ID, Kind: queue.KindRefund, Feed: amazon.RefundFeed, HostOrder: r.HostOrder, Order: r.Order,
		Amount: r.Total(), Label: strings.Join(label, ", "),
		State: queue.EntryQueued, QueuedAt: r.Issued.At, Mode: m, Requested: r.Issued, Changed: r.Issued,
	}
}

// Payment is how the money of an order stands by its ledger, as its host orders show it.
// By policy what is only reserved counts as given back already.
func Payment(l order.Ledger, p settings.Policy) *order.Payment {
	return l.Payment(p.PaymentStatusAt == settings.PaymentStatusWhenIssued)
}

func note(format string, args ...any) order.Effect {
	return order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf(format, args...)}}
}

// Save writes the draft, all of it or nothing. st may be bound to the host's
// transaction: Save only writes, and nothing is sent before the host commits.
// It answers store.ErrConflict when anything about the Amazon order changed
// since the draft was made: roll back, draft again with the same token, and save
// that. Cautions that the request did not acknowledge are ErrUnacknowledged. A draft
// of an Existing refund writes nothing.
func (d Draft) Save(ctx context.Context, st Store) error {
	if d.Existing {
		return nil
	}
	if d.Refund.ID == "" {
		return errors.New("save refund: the draft is empty: Draft answered an error")
	}
	if d.unconfirmed {
		return fmt.Errorf("refund of order %s: %w: an over-refund needs Request.Token, the token of the draft that somebody saw", d.Refund.Order.Number, ErrUnconfirmed)
	}
	if len(d.unacknowledged) > 0 {
		var texts []string
		for _, c := range d.unacknowledged {
			texts = append(texts, fmt.Sprintf("%s (%s)", c.Code, c.Text))
		}
		return fmt.Errorf("refund of order %s: %w: name them in Request.Acknowledge once somebody has read them: %s", d.Refund.Order.Number, ErrUnacknowledged, strings.Join(texts, "; "))
	}
	if err := st.SaveRefunds(ctx, []Change{d.change}); err != nil {
		return fmt.Errorf("save refund %s of order %s: %w", d.Refund.ID, d.Refund.Order.Number, err)
	}
	return nil
}

// message is what Amazon is told about one line. Its adjustment ID names the
// refund, the line and the attempt, for reading back in the settlement.
func message(r Refund, l Line, index, attempt int) amazon.Adjustment {
	reason, _ := r.Reason.Refund() // checked when the refund was decided
	if r.AmazonReason != "" {
		reason = r.AmazonReason
	}
	return amazon.Adjustment{
		Order: r.Order.Number, Item: l.Item, AdjustmentID: Adjustment{r.ID, index, attempt}.String(),
		Reason: reason, Currency: r.Currency, Amounts: l.sent(),
	}
}
