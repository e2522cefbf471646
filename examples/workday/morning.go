package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
)

//go:embed returns-morning.txt
var morningReturns []byte

func (d *day) morning(ctx context.Context) error {
	d.part("Morning")
	return inOrder(ctx,
		d.reportsComeIn, d.refundDefectiveMug, d.refundWithoutReturn, d.halfAKit, d.refundWithPromotion,
		func(ctx context.Context) error { return d.refundLamp(ctx, 1) },
		d.acceptBuyersWish, d.cancelBrokenPlate, d.cancelNoStock, d.cancelLocally, d.scarfLeaves,
		func(ctx context.Context) error { return d.review(ctx, "review, morning", 10, 30) },
	)
}

// reportsComeIn: overnight a buyer asked to cancel, and returns were requested. The
// poller asks Amazon for its reports.
func (d *day) reportsComeIn(ctx context.Context) error {
	d.step("reports", "08:00  Amazon's reports come in")
	if err := d.buyerWishes(kettle, "Ordered by mistake"); err != nil {
		return err
	}
	if err := d.amazon.AddReport(amazontest.ReportFile{Seller: seller().Merchant, Type: amazon.ReturnsFlatReport, Body: morningReturns, Once: true}); err != nil {
		return err
	}
	before, err := d.desk.Returns.RMAs(ctx, rma.Query{Company: company})
	if err != nil {
		return err
	}
	if err := d.until(ctx, 8, 30); err != nil {
		return err
	}
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Company: company})
	if err != nil {
		return err
	}
	d.count("rmas created", len(rmas)-len(before))
	for _, r := range rmas {
		d.say("  RMA %s, %s: %s", r.OrderSourceRMANumber, r.HostOrder, describe(r))
	}
	skipped, err := d.desk.Returns.Returns(ctx, rma.ReturnQuery{Company: company, States: []rma.ReturnState{rma.ReturnSkipped}})
	if err != nil {
		return err
	}
	for _, r := range skipped {
		d.say("  no RMA for %s of order %s: %s", r.Latest().SKU, r.Order.Number, r.Why)
	}
	d.count("rows skipped", len(skipped))
	wishes, err := d.desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{Company: company, States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	for _, w := range wishes {
		o, err := d.order(ctx, w.Order.Number)
		if err != nil {
			return err
		}
		d.say("  the buyer of %s wants to cancel (%s): it is %s, answer until %s", o.ID, w.Reason, o.Status, w.Deadline.Format("Mon 15:04"))
	}
	d.count("buyers' wishes held", len(wishes))
	return nil
}

// buyerWishes: a buyer asks Amazon to cancel.
func (d *day) buyerWishes(number, reason string) error {
	if o, _ := d.amazon.Order(number); o.Items[0].RequestedReason != "" {
		return nil // an earlier run had it happen
	}
	return d.amazon.RequestCancel(number, "", reason)
}

func describe(r rma.RMA) string {
	var lines []string
	for _, l := range r.Lines {
		lines = append(lines, fmt.Sprintf("%d × %s", l.Units, l.SKU))
	}
	return strings.Join(lines, ", ")
}

// refundDefectiveMug: the mug is back, and broken as the buyer said.
func (d *day) refundDefectiveMug(ctx context.Context) error {
	d.step("return", "08:40  The mug is back, broken as the buyer said")
	r, err := d.rma(ctx, mug)
	if err != nil {
		return err
	}
	if err := d.receive(ctx, r, rma.Count{SKU: "MUG-BLUE", Damaged: 1}, "parcel 1"); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// refundWithoutReturn: Amazon promised the money for the sponges without a return.
// With the setting off that makes an RMA like any other, for which no goods are
// awaited.
func (d *day) refundWithoutReturn(ctx context.Context) error {
	d.step("returnless, with RMA", "08:50  The sponges are refunded without a return: an RMA, as the setting SkipReturnlessRMA is off")
	r, err := d.rma(ctx, sponge)
	if err != nil {
		return err
	}
	d.count("rmas", 1)
	return d.refundRMA(ctx, r)
}

// halfAKit: the pot of the tea set is back, the cups are not.
func (d *day) halfAKit(ctx context.Context) error {
	d.step("kit, first parcel", "09:00  The pot of the tea set is back, the cups are not")
	r, err := d.rma(ctx, teaSet)
	if err != nil {
		return err
	}
	d.count("components", len(r.Lines))
	for _, l := range r.Lines {
		d.say("  %d × %s of kit %s: %s of what was paid", l.Units, l.SKU, l.Kit, l.Paid.In(r.Currency))
	}
	if err := d.receive(ctx, r, rma.Count{SKU: "TEA-POT", Good: 1}, "parcel 2"); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// refundWithPromotion: the rug was sold with 10 % off and free shipping. What goes
// back is what the buyer paid, and not what the price was.
func (d *day) refundWithPromotion(ctx context.Context) error {
	d.step("promotion", "09:10  The rug arrived stained: all of it back, less its promotion")
	o, err := d.order(ctx, rug)
	if err != nil {
		return err
	}
	l := o.Lines[0]
	d.say("  sold for %s, less a promotion of %s", l.Charges.In(o.Currency), l.Promotions.In(o.Currency))
	return d.refund(ctx, refund.Request{
		Order: o.Amazon, Lines: []refund.Ask{{Item: l.Item, Units: 1, Shipping: true}},
		Reason: amazon.ReasonGeneralAdjustment, Comment: "stained", Key: "rug", By: "anna",
	})
}

// refundLamp: one lamp after the other turns out to be scratched. 100.00 is no
// multiple of three cents, and yet nothing is lost.
func (d *day) refundLamp(ctx context.Context, nth int) error {
	names := []string{"one", "two", "three"}
	d.step("lamp "+names[nth-1], "       Lamp "+names[nth-1]+" of three is scratched")
	o, err := d.order(ctx, lamps)
	if err != nil {
		return err
	}
	return d.refund(ctx, refund.Request{
		Order: o.Amazon, Lines: []refund.Ask{{Item: o.Lines[0].Item, Units: 1}},
		Reason: amazon.ReasonGeneralAdjustment, Comment: "scratched", Key: "lamp " + names[nth-1], By: "anna",
	})
}

// acceptBuyersWish: nobody has packed the kettle, so the buyer has their way.
func (d *day) acceptBuyersWish(ctx context.Context) error {
	d.step("buyer's wish accepted", "09:20  The buyer's wish about the kettle is accepted")
	wishes, err := d.desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{Orders: []order.AmazonID{amazonID(kettle)}, States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	if len(wishes) == 0 {
		d.say("  no wish is undecided")
		return nil
	}
	accepted, err := d.desk.Cancels.Accept(ctx, cancel.AcceptRequest{Order: amazonID(kettle), By: "anna"})
	if err != nil {
		return err
	}
	for _, c := range accepted {
		d.say("  cancellation %s of %s: %s", c.ID, c.HostOrder, c.Reason)
	}
	d.count("cancellations", len(accepted))
	return nil
}

// cancelBrokenPlate: one of four plates is broken, and there is no other. The three
// are an order of their own from now on, and may leave; the fourth is cancelled once
// they have.
func (d *day) cancelBrokenPlate(ctx context.Context) error {
	d.step("part cancelled", "09:30  One of four plates is broken: it is split off and cancelled")
	o, err := d.order(ctx, plates)
	if err != nil {
		return err
	}
	return d.cancel(ctx, cancel.Request{
		Order: o.Amazon, HostOrder: o.ID, Split: []order.LineQuantity{{Item: o.Lines[0].Item, Quantity: 1}}, SplitTo: o.ID.Number + "-C",
		Reason: amazon.ReasonNoInventory, Comment: "one is broken", Key: "plate", By: "ben",
	})
}

// cancelNoStock: the chair is not on the shelf, whatever the stock says.
func (d *day) cancelNoStock(ctx context.Context) error {
	d.step("no stock", "09:40  The chair is nowhere: No Stock, which sets its stock to nothing")
	if err := d.cancel(ctx, cancel.Request{Order: amazonID(chair), Reason: amazon.ReasonNoInventory, By: "ben"}); err != nil {
		return err
	}
	if err := d.until(ctx, 9, 45); err != nil {
		return err
	}
	units, err := d.shop.Stock(ctx, "CHAIR-FOLD")
	if err != nil {
		return err
	}
	d.say("  CHAIR-FOLD: %d in stock", units)
	d.count("left in stock", units)
	return nil
}

// cancelLocally: the buyer of the clock has called, and cancels at Amazon herself.
func (d *day) cancelLocally(ctx context.Context) error {
	d.step("cancelled here alone", "09:50  The clock is cancelled here alone: Do Not Send To Amazon")
	return d.cancel(ctx, cancel.Request{Order: amazonID(clock), Reason: amazon.ReasonGeneralAdjustment, Local: true, By: "anna"})
}

// scarfLeaves: the warehouse asks the gate before a parcel leaves.
func (d *day) scarfLeaves(ctx context.Context) error {
	d.step("handed over", "10:00  The scarf leaves the house, and the chair does not")
	for _, number := range []string{scarf, chair} {
		o, err := d.order(ctx, number)
		if err != nil {
			return err
		}
		gate, err := d.desk.Cancels.MayShip(ctx, o.Amazon)
		if err != nil {
			return err
		}
		if !gate.May {
			d.say("  %s stays here: %s", o.ID, strings.Join(gate.Why, "; "))
			d.count("kept here", 1)
			continue
		}
		if err := gate.HandOver(ctx, d.store, order.Stamp{By: "ben", At: d.clock.Now()}); err != nil {
			return err // store.ErrConflict: ask again
		}
		d.say("  %s is handed over", o.ID)
		d.count("handed over", 1)
	}
	return nil
}

// review: the operator looks at the queue and sends what waits. What Amazon answered
// is there a few minutes later.
func (d *day) review(ctx context.Context, name string, hour, minute int) error {
	d.step(name, "       The queue is reviewed and sent")
	if err := d.send(ctx); err != nil {
		return err
	}
	return d.until(ctx, hour, minute)
}

// rma is the RMA of an order.
func (d *day) rma(ctx context.Context, number string) (rma.RMA, error) {
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Orders: []order.AmazonID{amazonID(number)}})
	if err != nil {
		return rma.RMA{}, err
	}
	if len(rmas) == 0 {
		return rma.RMA{}, errors.New("order " + number + " has no RMA")
	}
	return rmas[0], nil
}

func (d *day) receive(ctx context.Context, r rma.RMA, c rma.Count, parcel string) error {
	after, err := d.desk.Returns.Receive(ctx, rma.Goods{RMA: r.ID, Key: parcel, Counts: []rma.Count{c}, Restock: true, By: "ben"})
	if err != nil {
		return err
	}
	d.say("  received: %s; the RMA is %s", c, after.Receipt)
	return nil
}

// refundRMA refunds what of an RMA may be refunded by now.
func (d *day) refundRMA(ctx context.Context, r rma.RMA) error {
	request, err := d.desk.Returns.Refund(ctx, r.ID, "anna")
	if errors.Is(err, rma.ErrNothing) {
		d.say("  no refund: %v", err)
		d.count("refunds", 0)
		return nil
	}
	if err != nil {
		return err
	}
	return d.refund(ctx, request)
}

// refund drafts a refund, shows it, and issues what was shown.
func (d *day) refund(ctx context.Context, r refund.Request) error {
	draft, err := d.desk.Refunds.Draft(ctx, r)
	if err != nil {
		return err
	}
	if draft.Existing {
		d.say("  refund %s of %s was issued before", draft.Refund.ID, draft.Refund.Total())
		d.count("refunds", 0)
		return nil
	}
	for _, w := range draft.Warnings {
		d.say("  warning: %s", w)
	}
	r.Token = draft.Token // a person has seen it
	issued, err := d.desk.Refunds.Issue(ctx, r)
	if err != nil {
		return err
	}
	d.say("  refund %s of %s: %s", issued.ID, issued.Total(), draft.Total.In(issued.Currency))
	for _, b := range draft.Balances {
		d.say("    left of it afterwards: %s", b.Left.In(issued.Currency))
	}
	d.count("refunds", 1)
	return nil
}

// cancel drafts a cancellation, shows it, and saves what was shown.
func (d *day) cancel(ctx context.Context, r cancel.Request) error {
	draft, err := d.desk.Cancels.Draft(ctx, r)
	if err != nil {
		return err
	}
	c := draft.Cancellation
	if draft.Existing {
		d.say("  cancellation %s of %s was asked for before", c.ID, c.HostOrder)
		d.count("cancellations", 0)
		return nil
	}
	for _, w := range draft.Warnings {
		d.say("  warning: %s", w)
	}
	if err := draft.Save(ctx, d.store); err != nil {
		return err // store.ErrConflict: draft again
	}
	d.say("  cancellation %s of %s, %s", c.ID, c.HostOrder, draft.Amount)
	if draft.AmazonReason != "" {
		d.say("    Amazon will be told: %s", draft.AmazonReason)
	}
	d.count("cancellations", 1)
	return nil
}
