package amazontest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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

// process carries out a feed's document, as far as its fate allows, and returns
// the processing report, nil if there is none.
func (b *books) process(a *account, feed *job, concessionCap decimal.Decimal) []byte {
	doc, messageType := a.Documents[feed.Input].Body, messageTypes[amazon.FeedType(feed.Type)]
	if doc == nil || messageType == "" {
		return nil // a stranger's, without effect
	}
	report := processingReport{feed: feed.ID, merchant: a.Merchant, fate: feed.Fate}
	ms, bad := decode(doc, messageType)
	if bad != nil {
		return report.rejected(bad)
	}
	reach := feed.Fate.reach(len(ms))
	for _, m := range ms[:reach] {
		report.processed++
		if warning, scripted := b.Warnings[m.order]; scripted {
			report.warned(m, warning)
		}
		payments, why := b.carryOut(a.Merchant, m, concessionCap, Payment{
			Time: feed.EndedAt, By: amazon.ActorMerchant, Feed: amazon.FeedID(feed.ID), Stranger: feed.Stranger, Message: m.id,
		})
		if why != nil {
			report.refused(m, *why)
		}
		b.Payments = append(b.Payments, payments...)
	}
	if reach < len(ms) {
		return report.write("Processing")
	}
	return report.write("Complete")
}

// carryOut does what a message asks for, wholly or not at all. The payments made
// for it are entered like the one given.
func (b *books) carryOut(merchant string, m message, concessionCap decimal.Decimal, as Payment) ([]Payment, *refusal) {
	if why, scripted := b.Refusals[m.order]; scripted {
		return nil, &why
	}
	o := b.Orders[m.order]
	if o == nil || o.Seller != merchant {
		return nil, refuse("", "The order was not found for this merchant.")
	}
	as.Seller, as.Order, as.Currency = o.Seller, o.Number, o.Currency
	after := o.clone()
	var payments []Payment
	var why *refusal
	if m.adjustment != nil {
		payments, why = after.adjust(m.adjustment, as, concessionCap)
	} else {
		payments, why = after.acknowledge(m.acknowledgement, as)
	}
	if why != nil {
		return nil, why
	}
	o.become(after, as.Time)
	return payments, nil
}

// adjust enters a refund and returns what is paid now. What is not shipped yet
// stays pending.
func (o *Order) adjust(a *adjustment, as Payment, concessionCap decimal.Decimal) ([]Payment, *refusal) {
	switch {
	case a.action == "Cancel":
		return nil, refuse("", "The data is incomplete or invalid: ActionType Cancel. To cancel an order send an OrderAcknowledgement. (help 30721)")
	case a.odd != "":
		return nil, refuse("", "The element %s is not accepted here: its effect is not documented.", a.odd)
	case o.Status == amazon.OrderCancelled:
		return nil, refuse("", "The order is cancelled. Nothing of it is left to refund.")
	case o.Status == amazon.OrderPending:
		return nil, refuse("", "The order is pending. It can be refunded once its buyer has paid.")
	}
	var payments []Payment
	for _, ask := range a.items {
		ps, why := o.adjustItem(ask, as, concessionCap)
		if why != nil {
			return nil, why
		}
		payments = append(payments, ps...)
	}
	if o.Status == amazon.OrderPartiallyShipped {
		o.Status = o.shipping()
	}
	return payments, nil
}

func (o *Order) adjustItem(ask adjustedItem, as Payment, concessionCap decimal.Decimal) ([]Payment, *refusal) {
	it := o.item(ask.code)
	if it == nil {
		return nil, refuse(ask.code, "The order item was not found in the order.")
	}
	switch {
	case ask.cancelled > 0 && !slices.Contains(partialReasons, ask.reason):
		return nil, refuse(ask.code, "QuantityCancelled goes with the reasons %s, not with %s.", strings.Join(partialReasons, " and "), ask.reason)
	case ask.cancelled > it.waiting():
		return nil, refuse(ask.code, "QuantityCancelled %d is more than the %d units that are neither shipped nor cancelled.", ask.cancelled, it.waiting())
	case ask.cancelled > 0 && o.Status == amazon.OrderUnshipped:
		return nil, refuse(ask.code, "QuantityCancelled goes with an order that is shipped in part. Cancel the order, or ship the rest first.")
	case ask.cancelled == 0 && it.Cancelled == it.Quantity:
		return nil, refuse(ask.code, "The order item is cancelled. It can no longer be refunded.")
	}
	early := ask.cancelled == 0 && it.Shipped == 0
	it.cancel(ask.cancelled, ask.reason)
	if it.Cancelled == it.Quantity {
		o.forget(it.ID)
	}

	var payments []Payment
	net := decimal.Zero
	as.Item, as.Reason, as.Adjustment, as.Cancelled = it.ID, ask.reason, ask.own, ask.cancelled
	for _, am := range ask.amounts {
		if am.component == order.ReturnShipping && am.value.IsNegative() {
			continue // seen to be ignored by Amazon without a word
		}
		if why := o.allow(it, am, concessionCap); why != nil {
			return nil, why
		}
		if am.value.IsZero() {
			continue
		}
		net = net.Add(am.value)
		as.Component, as.Amount = am.component, am.value
		if early {
			o.Pending = append(o.Pending, as)
			continue
		}
		o.pay(it, as)
		payments = append(payments, as)
	}
	if !net.IsPositive() {
		return nil, refuse(ask.code, "The net adjustment is %s. It must be above zero. (help 30741)", order.Format(net, o.Currency))
	}
	return payments, nil
}

// partialReasons are why units can be cancelled once the rest of the order is
// shipped.
var partialReasons = []string{"NoInventory", "CustomerCancel"}

// pay enters a payment into the balances.
func (o *Order) pay(it *Item, p Payment) {
	switch {
	case concession(p.Component):
		o.Conceded = o.Conceded.Add(p.Amount)
	case p.Component.Charged():
		it.Refunded[p.Component] = it.Refunded[p.Component].Add(p.Amount)
	}
}

func concession(c order.Component) bool { return c.Concession() || c == "Other" }

// allow tells why an amount is not allowed; nil: it is.
func (o *Order) allow(it *Item, am amount, concessionCap decimal.Decimal) *refusal {
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
	if concession(am.component) {
		conceded := o.Conceded.Add(am.value)
		for _, p := range o.Pending {
			if concession(p.Component) {
				conceded = conceded.Add(p.Amount)
			}
		}
		if concessionCap.IsPositive() && conceded.GreaterThan(concessionCap) {
			return refuse(it.ID, "%s of %s takes the concessions of the order to %s, above the %s allowed.",
				am.component, asked, order.Format(conceded, o.Currency), order.Format(concessionCap, o.Currency))
		}
		return nil
	}
	left := o.Left(it.ID)[am.component]
	if am.value.GreaterThan(left) {
		page := 25161
		if am.component == order.Shipping || am.component == order.ShippingTax {
			page = 25181
		}
		return refuse(it.ID, "%s of %s is more than the %s that is left to refund. (help %d)", am.component, asked, order.Format(left, o.Currency), page)
	}
	return nil
}

func (o *Order) acknowledge(a *acknowledgement, as Payment) ([]Payment, *refusal) {
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
	case o.Status == amazon.OrderCancelled:
		return nil, refuse("", "The order is already cancelled.")
	case !a.failure:
		return nil, nil
	case o.Status == amazon.OrderShipped:
		return nil, refuse("", "The order is shipped. It can be refunded, not cancelled.")
	case o.Status == amazon.OrderPending:
		return nil, refuse("", "The order is pending. It cannot be cancelled by its seller yet.")
	case len(a.items) == 0:
		return nil, nil // processed, and cancels nothing
	case o.Status == amazon.OrderUnshipped && len(listed) < len(o.Items):
		return nil, refuse("", "%d of %d order items are listed. List every item of the order.", len(listed), len(o.Items))
	}

	o.Pending = nil
	var payments []Payment
	if o.Status == amazon.OrderPartiallyShipped {
		as.Reason = a.items[0].reason
		payments = o.refundAll(as)
	}
	for i := range o.Items {
		it := &o.Items[i]
		reason := cmp.Or(listed[it.ID], a.items[0].reason)
		it.cancel(it.waiting(), reason)
	}
	o.Status = amazon.OrderCancelled
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
func (o *Order) refundAll(as Payment) []Payment {
	var payments []Payment
	for i := range o.Items {
		it := &o.Items[i]
		left := o.Left(it.ID)
		for _, c := range left.Components() {
			as.Item, as.Component, as.Amount = it.ID, c, left[c]
			o.pay(it, as)
			payments = append(payments, as)
		}
	}
	return payments
}
