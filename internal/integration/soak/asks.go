package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// request is one refund or cancellation that somebody asks for, as often as it
// takes to hear that it was queued, or why not.
type request struct {
	kind    queue.Kind
	refund  refund.Request // of this kind
	cancel  cancel.Request // or of this one
	issued  queue.EntryID  // empty: not yet
	refused error          // by a rule, and for good
}

func (r *request) order() order.AmazonID {
	if r.kind == queue.KindRefund {
		return r.refund.Order
	}
	return r.cancel.Order
}

func (r *request) String() string {
	if r.kind == queue.KindRefund {
		return fmt.Sprintf("%s %q of order %s", r.kind, r.refund.Key, r.order())
	}
	return fmt.Sprintf("%s of order %s (split %v, local %t, %s)", r.kind, r.order(), r.cancel.Split, r.cancel.Local, r.cancel.Reason)
}

// issue asks for the request.
func (r *request) issue(ctx context.Context, d desk) (err error) {
	var id queue.EntryID
	if r.kind == queue.KindRefund {
		var issued refund.Refund
		issued, err = d.Refunds.Issue(ctx, r.refund)
		id = issued.ID
	} else {
		var issued cancel.Cancellation
		issued, err = d.Cancels.Issue(ctx, r.cancel)
		id = issued.ID
	}
	switch {
	case id != "": // a repeat that finds the first one ended is an error, and names it
		r.issued = id
		return nil
	case slices.ContainsFunc(refusals, func(rule error) bool { return errors.Is(err, rule) }):
		r.refused = err
	}
	return err
}

// refusals are the rules by which a request may be refused for good: somebody was
// faster, or its buyer asked for the same.
var refusals = []error{
	order.ErrOver, refund.ErrAlreadyRefunded, refund.ErrNotShipped,
	order.ErrSplit, cancel.ErrShipped, cancel.ErrHandedOver, cancel.ErrShared, cancel.ErrKeyReused, cancel.ErrNothingLeft, cancel.ErrBuyerAsked,
	errCancelled,
}

// errCancelled refuses the cancellation of an order that is cancelled.
var errCancelled = errors.New("order is cancelled already")

// ask draws what will be asked for. Two refunds of one order may be of the same
// amount, as honest ones may; nobody else's payment is of that amount.
func (w *world) ask() {
	r := w.run
	cancelled := map[order.AmazonID]bool{}
	for n := range 2 + r.random.IntN(4) {
		o := w.host.orders[r.random.IntN(len(w.host.orders))]
		if o.Shipping() != order.FullyShipped && (o.Shipping() == order.Unshipped || r.chance(0.5)) {
			if !cancelled[o.Amazon] {
				cancelled[o.Amazon] = true
				w.requests = append(w.requests, r.cancellation(o))
			}
			continue
		}
		ask := refund.Request{Order: o.Amazon, Reason: amazon.ReasonCustomerReturn, Key: fmt.Sprintf("request %d", n+1), By: "clerk", Acknowledge: cautions}
		for _, l := range o.Lines[:1+r.random.IntN(len(o.Lines))] {
			if l.Shipped == 0 {
				continue
			}
			amounts := order.Amounts{order.Principal: cents(5_00 + 10*r.random.IntN(40))}
			if r.chance(0.5) {
				amounts[order.Tax] = cents(50)
			}
			ask.Lines = append(ask.Lines, refund.Ask{Item: l.Item, Amounts: amounts})
		}
		w.requests = append(w.requests, &request{kind: queue.KindRefund, refund: ask})
	}
}

// cautions are those that staff acknowledge.
var cautions = []refund.CautionCode{refund.CautionAlreadyRefunded, refund.CautionReplacement}

// cancellation draws how an order, or what of it is not shipped, is cancelled: as a
// whole, in part, or here alone.
func (r *run) cancellation(o order.Order) *request {
	set := r.world.settings[o.ID.Company]
	ask := cancel.Request{Order: o.Amazon, Reason: amazon.ReasonNoInventory, By: "clerk"}
	if r.chance(0.5) {
		ask.ZeroOut = set.AllowZeroOutInventory
	}
	units := 0
	for _, l := range o.Lines {
		units += l.Ordered
	}
	if units > 1 && (o.Shipping() != order.Unshipped || r.chance(0.4)) {
		ask.HostOrder, ask.SplitTo = o.ID, o.ID.Number+"-part"
		ask.Split = r.unitsOf(o)
	} else if r.chance(0.3) {
		ask.Reason = amazon.ReasonPriceError
	}
	ask.Local = set.AllowLocalCancel && r.chance(0.3)
	return &request{kind: queue.KindCancellation, cancel: ask}
}

// unitsOf draws some units that wait to be shipped, and leaves at least one to the
// order.
func (r *run) unitsOf(o order.Order) []order.LineQuantity {
	var units []order.LineQuantity
	whole := o.Shipping() == order.Unshipped
	for i, l := range o.Lines {
		waiting := l.Ordered - l.Shipped
		if whole && i == len(o.Lines)-1 {
			waiting-- // one stays
		}
		if waiting == 0 || len(units) > 0 && r.chance(0.5) {
			continue
		}
		units = append(units, order.LineQuantity{Item: l.Item, Quantity: 1 + r.random.IntN(waiting)})
	}
	return units
}
