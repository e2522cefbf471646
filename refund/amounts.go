package refund

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// line decides one line: its amounts and the postings that reserve them.
func (f Facts) line(l order.Ledger, d *Draft, r Request, ask Ask) (Line, []order.Posting, error) {
	fail := func(err error) (Line, []order.Posting, error) { return Line{}, nil, err }
	of := f.orderLine(ask.Item)
	switch {
	case of.Item == "":
		if err := order.CheckItem(ask.Item); err != nil {
			return fail(err)
		}
		return fail(fmt.Errorf("item %s is not in the order; its items are %s", ask.Item, strings.Join(f.items(), ", ")))
	case slices.ContainsFunc(d.Refund.Lines, func(e Line) bool { return e.Item == ask.Item }):
		return fail(fmt.Errorf("item %s is asked for twice: add the two up", ask.Item))
	case ask.Units < 0:
		return fail(fmt.Errorf("item %s: %d units: want 0 or more", ask.Item, ask.Units))
	}
	if err := f.shipped(l, d, of, ask, r.Currency); err != nil {
		return fail(err)
	}
	if err := f.returned(r, ask); err != nil {
		return fail(err)
	}

	left := f.left(l, ask.Item)
	gross, err := f.gross(d, of, ask, f.share(l, ask.Item), left, r.Currency)
	if err != nil {
		return fail(err)
	}
	line := Line{
		Item: ask.Item, SKU: of.SKU, Units: ask.Units, Gross: gross.Plus(nil), Fees: ask.Fees.Plus(nil), Outcome: LineOpen,
		FeeApart: f.Settings.Policy.RestockingFee == settings.FeeAsComponent && !ask.Fees[order.RestockingFee].IsZero(),
	}
	if line.Amounts, err = line.net(r, left); err != nil {
		return fail(err)
	}
	for _, c := range line.sent().Components() { // Amazon counts a Principal that the fee has not lowered
		if sent := line.sent()[c]; c.Charged() && sent.GreaterThan(left[c]) {
			return fail(&order.OverError{
				Order: l.Order, Item: ask.Item, Component: c, Asked: sent, Charged: l.Sum(order.Charged, ask.Item)[c],
				Posted:   l.Sum(order.Posted, ask.Item)[c].Add(l.Left(ask.Item)[c].Sub(left[c])),
				Reserved: l.Sum(order.Reserved, ask.Item)[c], Currency: r.Currency,
			})
		}
	}
	reserved, err := l.Reserve(d.Refund.Cause(), ask.Item, line.Amounts, r.OverRefund, d.Refund.Issued)
	if err != nil {
		return fail(err)
	}
	f.warnOfTax(d, of, line, l.With(reserved...).Left(ask.Item))
	return line, reserved, nil
}

// gross is what the buyer would get of a line without deductions: the amounts
// asked for, or the units' share of what is there for units.
func (f Facts) gross(d *Draft, of order.Line, ask Ask, share, left order.Amounts, cur order.Currency) (order.Amounts, error) {
	gross := ask.Amounts
	switch {
	case gross == nil && ask.Units == 0:
		return nil, fmt.Errorf("item %s: nothing asked for: name units or amounts", ask.Item)
	case gross == nil:
		if !ask.Shipping {
			delete(share, order.Shipping)
			delete(share, order.ShippingTax)
		}
		share, err := taxed(d, of, share, cur)
		if err != nil {
			return nil, err
		}
		gross = order.Prorate(share, ask.Units, of.Ordered-of.Cancelled-f.unitsRefunded(ask.Item), cur)
		if gross.IsZero() {
			return nil, fmt.Errorf("item %s: %d units: %w: their share of %s is nothing", ask.Item, ask.Units, order.ErrOver, left.In(cur))
		}
	case gross.IsZero():
		return nil, fmt.Errorf("item %s: a refund of nothing; left of it is %s", ask.Item, left.In(cur))
	default:
		if err := taxable(of, gross, cur); err != nil {
			return nil, err
		}
	}
	for _, c := range gross.Components() {
		if !c.Charged() && !c.Concession() {
			return nil, fmt.Errorf("item %s: %s is a deduction: want it among Fees, which lower Principal", ask.Item, c)
		}
	}
	return gross, nil
}

// net takes the deductions off the Principal. What goes beyond the charges becomes
// a concession, where that was asked for.
func (l Line) net(r Request, left order.Amounts) (order.Amounts, error) {
	lowers := l.Fees.Total()
	if l.FeeApart {
		lowers = l.Fees[order.LabelCost]
	}
	net := l.Gross.Minus(order.Amounts{order.Principal: lowers})
	if r.OverRefund {
		net = surplus(left, net, r.SurplusAs)
	}
	principal := net[order.Principal].Add(lowers)
	if l.FeeApart {
		net = net.Minus(order.Amounts{order.Principal: l.Fees[order.RestockingFee]})
	}
	switch {
	case net[order.Principal].IsNegative():
		return nil, fmt.Errorf("item %s: %w: %s of a Principal of %s", l.Item, ErrFees, l.Fees.In(r.Currency), order.Format(principal, r.Currency))
	case net.IsZero():
		return nil, fmt.Errorf("item %s: a refund of nothing: %s is taken off %s", l.Item, l.Fees.In(r.Currency), l.Gross.In(r.Currency))
	}
	return net, nil
}

// surplus turns what goes beyond the charges of a line into a concession, because
// Amazon refuses it under its own name.
func surplus(left, ask order.Amounts, as order.Component) order.Amounts {
	if as == "" {
		as = order.Goodwill
	}
	over := order.Amounts{}
	for _, c := range ask.Components() {
		if beyond := ask[c].Sub(decimal.Max(decimal.Zero, left[c])); c.Charged() && beyond.IsPositive() {
			over[c] = beyond
		}
	}
	return ask.Minus(over).Plus(order.Amounts{as: over.Total()})
}

// left is what may still be sent of an item. Amazon has counted the whole Principal
// of an earlier refund whose fee travelled apart, while the ledger has what the
// buyer got.
func (f Facts) left(l order.Ledger, item string) order.Amounts {
	left := l.Left(item)
	for _, r := range f.Refunds {
		for _, line := range r.Lines {
			if line.Item == item && line.FeeApart && line.Outcome != LineVoided {
				left = left.Minus(order.Amounts{order.Principal: line.Fees[order.RestockingFee]})
			}
		}
	}
	return left
}

// share is what the units of an item that were not refunded yet have a share in. What
// was taken off for other units stays with the seller; a refund of no particular units
// may have given it back.
func (f Facts) share(l order.Ledger, item string) order.Amounts {
	kept := decimal.Zero
	for _, r := range f.Refunds {
		for _, line := range r.Lines {
			switch {
			case line.Item != item || line.Outcome == LineVoided:
			case line.Units > 0:
				kept = kept.Add(line.Fees.Total())
			default:
				kept = kept.Sub(line.Amounts[order.Principal])
			}
		}
	}
	left, share := f.left(l, item), l.Left(item).Minus(order.Amounts{order.Principal: decimal.Max(decimal.Zero, kept)})
	share[order.Principal] = decimal.Max(decimal.Zero, decimal.Min(share[order.Principal], left[order.Principal]))
	return share
}

// conceded refuses a refund that takes the concessions of its order above what
// Amazon allows at the marketplace.
func (f Facts) conceded(r Refund, after order.Ledger) error {
	if !slices.ContainsFunc(r.Lines, func(l Line) bool {
		return slices.ContainsFunc(l.Amounts.Components(), order.Component.Concession)
	}) {
		return nil
	}
	caps, known := amazon.ConcessionCapsOf(f.Orders[0].Marketplace)
	if !known || caps.Currency != r.Currency {
		return nil
	}
	given, shipping := order.Amounts{}, decimal.Zero
	for _, item := range after.Items() {
		given = given.Plus(after.Sum(order.Posted, item)).Plus(after.Sum(order.Reserved, item))
		shipping = shipping.Add(after.Sum(order.Charged, item)[order.Shipping])
	}
	if err := caps.Check(given, shipping); err != nil {
		return fmt.Errorf("%w: %w", order.ErrOver, err)
	}
	return nil
}

// orderLine is the order line of an item. A split may have left units of it on
// several host orders: the money is shared by all of them. Units whose cancellation
// stands count as cancelled.
func (f Facts) orderLine(item string) order.Line {
	var of order.Line
	for _, o := range f.Orders {
		if part, ok := o.Line(item); ok {
			of.Item, of.SKU, of.TaxModel = part.Item, part.SKU, part.TaxModel
			of.Ordered += part.Ordered
			of.Shipped += part.Shipped
			of.Cancelled += part.Cancelled
			if waiting := part.Ordered - part.Shipped; f.cancelled(o, item) && waiting > part.Cancelled {
				of.Cancelled += waiting - part.Cancelled // the host may leave the line as it was
			}
		}
	}
	return of
}

// returned refuses units beyond those that come back on the RMA, or that the policy
// RefundCeiling lets be refunded of them.
func (f Facts) returned(r Request, ask Ask) error {
	if r.RMA == "" {
		return nil
	}
	if f.Due != nil {
		due, ok := f.Due.Units[ask.Item]
		if !ok {
			return fmt.Errorf("item %s does not come back on RMA %s: refund it as %s", ask.Item, r.RMA, FromOrder)
		}
		if ask.Returned == 0 || due < ask.Returned {
			ask.Returned = due
		}
	} else if ask.Returned == 0 {
		return nil
	}
	var ofRMA Facts
	for _, earlier := range f.Refunds {
		if earlier.RMA == r.RMA {
			ofRMA.Refunds = append(ofRMA.Refunds, earlier)
		}
	}
	if refunded := ofRMA.unitsRefunded(ask.Item); refunded+ask.Units > ask.Returned {
		return fmt.Errorf("item %s: %d units are %w of RMA %s: %d may be refunded by what came of it, %d are", ask.Item, ask.Units, order.ErrOver, r.RMA, ask.Returned, refunded)
	}
	return nil
}

// unitsRefunded counts the units whose refund is open or paid.
func (f Facts) unitsRefunded(item string) int {
	n := 0
	for _, r := range f.Refunds {
		for _, l := range r.Lines {
			if l.Item == item && l.Outcome != LineVoided {
				n += l.Units
			}
		}
	}
	return n
}

func (f Facts) items() []string {
	var items []string
	for _, o := range f.Orders {
		for _, l := range o.Lines {
			items = append(items, l.Item)
		}
	}
	return items
}
