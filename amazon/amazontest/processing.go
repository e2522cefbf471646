package amazontest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// codeRefused is Amazon's collective code for a message that cannot be carried
// out; its cause is in the text.
const codeRefused = 18028

// refusal tells why a message is refused.
type refusal struct {
	Code int
	Text string
	Item string `json:",omitempty"` // order item ID, where it is about one
}

func refuse(item, format string, args ...any) *refusal {
	return &refusal{Code: codeRefused, Text: fmt.Sprintf(format, args...), Item: item}
}

// process carries out a feed's document and returns the processing report.
func (b *books) process(a *account, feed *job, concessionCap decimal.Decimal) []byte {
	report := processingReport{feed: feed.ID, merchant: a.Merchant}
	ms, bad := decode(a.Documents[feed.Input].Body, messageTypes[amazon.FeedType(feed.Type)])
	if bad != nil {
		return report.rejected(bad)
	}
	for _, m := range ms {
		report.processed++
		payments, why := b.carryOut(a.Merchant, m, feed.EndedAt, concessionCap)
		if why != nil {
			report.refused(m, *why)
			continue
		}
		for _, p := range payments {
			p.Time, p.Feed, p.Message = feed.EndedAt, amazon.FeedID(feed.ID), m.id
			p.Seller, p.Order, p.Currency = a.Merchant, m.order, b.Orders[m.order].Currency
			b.Payments = append(b.Payments, p)
		}
	}
	return report.complete()
}

// carryOut does what a message asks for, wholly or not at all.
func (b *books) carryOut(merchant string, m message, at time.Time, concessionCap decimal.Decimal) ([]Payment, *refusal) {
	if why, scripted := b.Refusals[m.order]; scripted {
		return nil, &why
	}
	o := b.Orders[m.order]
	if o == nil || o.Seller != merchant {
		return nil, refuse("", "The order was not found for this merchant.")
	}
	after := o.clone()
	var payments []Payment
	var why *refusal
	if m.adjustment != nil {
		payments, why = after.adjust(m.adjustment, concessionCap)
	} else {
		payments, why = after.acknowledge(m.acknowledgement)
	}
	if why == nil {
		o.become(after, at)
	}
	return payments, why
}

func (o *Order) adjust(a *adjustment, concessionCap decimal.Decimal) ([]Payment, *refusal) {
	switch {
	case a.action == "Cancel":
		return nil, refuse("", "The data is incomplete or invalid: ActionType Cancel. To cancel an order send an OrderAcknowledgement. (help 30721)")
	case a.odd != "":
		return nil, refuse("", "The element %s is not accepted here: its effect is not documented.", a.odd)
	case o.Status == Canceled:
		return nil, refuse("", "The order is cancelled. Nothing of it is left to refund.")
	case o.Status != Shipped && o.Status != PartiallyShipped:
		return nil, refuse("", "The order is %s. It can be refunded once its shipment is confirmed.", o.Status)
	}
	var payments []Payment
	for _, ask := range a.items {
		ps, why := o.adjustItem(ask, concessionCap)
		if why != nil {
			return nil, why
		}
		payments = append(payments, ps...)
	}
	if o.Status == PartiallyShipped {
		o.Status = o.shipping()
	}
	return payments, nil
}

func (o *Order) adjustItem(ask adjustedItem, concessionCap decimal.Decimal) ([]Payment, *refusal) {
	it := o.item(ask.code)
	if it == nil {
		return nil, refuse(ask.code, "The order item was not found in the order.")
	}
	waiting := it.Quantity - it.Shipped - it.Cancelled
	switch {
	case ask.cancelled > waiting:
		return nil, refuse(ask.code, "QuantityCancelled %d is more than the %d units that are neither shipped nor cancelled.", ask.cancelled, waiting)
	case ask.cancelled == 0 && it.Shipped == 0:
		return nil, refuse(ask.code, "The order item is not shipped. It can be refunded once its shipment is confirmed.")
	}
	it.cancel(ask.cancelled, ask.reason)

	var payments []Payment
	net := decimal.Zero
	for _, am := range ask.amounts {
		if am.component == order.ReturnShipping && am.value.IsNegative() {
			continue // seen to be ignored by Amazon without a word
		}
		if why := o.take(it, am, concessionCap); why != nil {
			return nil, why
		}
		if am.value.IsZero() {
			continue
		}
		net = net.Add(am.value)
		payments = append(payments, Payment{
			Item: it.ID, Component: am.component, Amount: am.value, Reason: ask.reason, Adjustment: ask.own,
		})
	}
	if !net.IsPositive() {
		return nil, refuse(ask.code, "The net adjustment is %s. It must be above zero. (help 30741)", order.Format(net, o.Currency))
	}
	return payments, nil
}

// take enters one amount into the balances, if they allow it.
func (o *Order) take(it *Item, am amount, concessionCap decimal.Decimal) *refusal {
	if am.currency != o.Currency {
		return refuse(it.ID, "%s is in %s; the order is in %s.", am.component, am.currency, o.Currency)
	}
	asked := order.Format(am.value, o.Currency)
	switch am.component {
	case order.RestockingFee, "RestockingFeeTax":
		if am.value.IsPositive() {
			return refuse(it.ID, "%s is %s. It lowers the refund, so it must be below zero.", am.component, asked)
		}
		return nil
	}
	if am.value.IsNegative() {
		return refuse(it.ID, "%s is %s. It must not be below zero. (help 25221)", am.component, asked)
	}
	switch am.component {
	case order.Goodwill, order.ReturnShipping, "Other":
		o.Conceded = o.Conceded.Add(am.value)
		if concessionCap.IsPositive() && o.Conceded.GreaterThan(concessionCap) {
			return refuse(it.ID, "%s of %s takes the concessions of the order to %s, above the %s allowed.",
				am.component, asked, order.Format(o.Conceded, o.Currency), order.Format(concessionCap, o.Currency))
		}
		return nil
	}
	left := it.Charges.Minus(it.Refunded)[am.component]
	if am.value.GreaterThan(left) {
		page := 25161
		if am.component == order.Shipping || am.component == order.ShippingTax {
			page = 25181
		}
		return refuse(it.ID, "%s of %s is more than the %s that is left to refund. (help %d)", am.component, asked, order.Format(left, o.Currency), page)
	}
	it.Refunded[am.component] = it.Refunded[am.component].Add(am.value)
	return nil
}

func (o *Order) acknowledge(a *acknowledgement) ([]Payment, *refusal) {
	listed := map[string]string{} // reason by item code
	for _, ask := range a.items {
		switch {
		case o.item(ask.code) == nil:
			return nil, refuse(ask.code, "The order item was not found in the order.")
		case ask.quantity:
			return nil, refuse(ask.code, "The element Quantity is not accepted here: its effect is not documented.")
		case a.failure && ask.reason == "":
			return nil, refuse(ask.code, "The CancelReason is missing.")
		case !a.failure && ask.reason != "":
			return nil, refuse(ask.code, "CancelReason goes with the StatusCode Failure only.")
		}
		listed[ask.code] = ask.reason
	}
	switch {
	case o.Status == Canceled:
		return nil, refuse("", "The order is already cancelled.")
	case !a.failure:
		return nil, nil
	case o.Status == Shipped:
		return nil, refuse("", "The order is shipped. It can be refunded, not cancelled.")
	case o.Status == Pending:
		return nil, refuse("", "The order is pending. It cannot be cancelled by its seller yet.")
	case len(a.items) == 0:
		return nil, nil // processed, and cancels nothing
	case o.Status == Unshipped && len(listed) < len(o.Items):
		return nil, refuse("", "%d of %d order items are listed. List every item of the order.", len(listed), len(o.Items))
	}

	var payments []Payment
	if o.Status == PartiallyShipped {
		payments = o.refundAll(a.items[0].reason)
	}
	for i := range o.Items {
		it := &o.Items[i]
		reason := cmp.Or(listed[it.ID], a.items[0].reason)
		it.cancel(it.Quantity-it.Shipped-it.Cancelled, reason)
	}
	o.Status = Canceled
	return payments, nil
}

// cancel cancels units at the seller's word.
func (it *Item) cancel(units int, reason string) {
	if units > 0 {
		it.Cancelled += units
		it.CancelledBy, it.CancelledReason = amazon.ActorMerchant, reason
	}
}

// refundAll is what a Failure does to a partly shipped order: the buyer gets
// everything back, for what was shipped too.
func (o *Order) refundAll(reason string) []Payment {
	var payments []Payment
	for i := range o.Items {
		it := &o.Items[i]
		left := it.Charges.Minus(it.Refunded)
		for _, c := range left.Components() {
			payments = append(payments, Payment{Item: it.ID, Component: c, Amount: left[c], Reason: reason})
		}
		it.Refunded = it.Refunded.Plus(left)
	}
	return payments
}
