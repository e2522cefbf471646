package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
)

func (d *day) morning(ctx context.Context) error {
	if err := d.overnight(); err != nil {
		return err
	}
	return d.follow(ctx, "Morning", timetable{
		{today(8, 30), "reports", "Amazon's reports are in", d.showReports},
		{today(8, 40), "return", "The mug is back, broken as the buyer said", d.refundMug},
		{today(8, 50), "returnless_with_rma", "The sponges are refunded without a return; SkipReturnlessRMA is off, so there is an RMA", d.refundSponges},
		{today(9, 0), "kit_first_parcel", "The pot of the tea set is back, and the cups are not", d.receivePot},
		{today(9, 10), "promotion", "The rug is stained: the buyer gets back what was paid, less the promotion", d.refundRug},
		{today(9, 20), "lamp_one", "One of three lamps is scratched", d.refundLamp("one")},
		{today(9, 30), "buyer_request_accepted", "Nobody has packed the kettle: the buyer's wish is accepted", d.acceptWish},
		{today(9, 40), "split_cancelled", "One of four plates is broken, and there is no other: it is split off and cancelled", d.cancelPlate},
		{today(9, 50), "no_stock", "The chair is nowhere: No Stock", d.cancelChair},
		{today(10, 0), "zero_out", "No Stock has set its stock to nothing", d.showChairs},
		{today(10, 5), "local_cancel", "The clock is cancelled here alone: Do Not Send To Amazon", d.cancelClock},
		{today(10, 10), "gate", "The warehouse asks what may leave", d.askGate},
		{today(10, 15), "review_morning", "The queue is reviewed and sent", d.review},
		{today(10, 45), "answers_morning", "What Amazon answered", d.answers(10, 12)},
	})
}

//go:embed returns-morning.txt
var morningReturns []byte

// overnight a buyer asked to cancel, and Amazon has returns to report.
func (d *day) overnight() error {
	if err := d.wish(kettle, "Ordered by mistake"); err != nil {
		return err
	}
	return d.amazon.AddReport(amazontest.ReportFile{Seller: seller().Merchant, Type: amazon.ReturnsFlatReport, Body: morningReturns, Once: true})
}

// wish is a buyer's who asks Amazon to cancel.
func (d *day) wish(number, reason string) error {
	if o, _ := d.amazon.Order(number); o.Items[0].RequestedReason != "" {
		return nil // in an earlier run
	}
	return d.amazon.RequestCancel(number, "", reason)
}

// showReports shows what the poller has brought in by itself: returns, and buyers'
// wishes, whose orders are held.
func (d *day) showReports(ctx context.Context) error {
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Company: company})
	if err != nil {
		return err
	}
	for _, r := range rmas {
		d.say("  RMA %s of %s is %s: %s", r.OrderSourceRMANumber, r.HostOrder, r.Status, lines(r))
	}
	d.count("rmas", len(rmas))
	skipped, err := d.desk.Returns.Returns(ctx, rma.ReturnQuery{Company: company, States: []rma.ReturnState{rma.ReturnSkipped}})
	if err != nil {
		return err
	}
	for _, r := range skipped {
		d.say("  no RMA for the %s of order %s: %s", r.Latest().SKU, r.Order.Number, r.Why)
	}
	d.count("skipped", len(skipped))
	wishes, err := d.desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{Company: company, States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	for _, w := range wishes {
		o, err := d.order(ctx, w.Order.Number)
		if err != nil {
			return err
		}
		d.say("  the buyer of %s wants to cancel (%q), which is %s now: answer until %s", o.ID, w.Reason, o.Status, w.Deadline.Format("Monday 15:04"))
	}
	d.count("buyer_requests", len(wishes))
	return nil
}

func lines(r rma.RMA) string {
	var all []string
	for _, l := range r.Lines {
		all = append(all, fmt.Sprintf("%d × %s", l.Units, l.SKU))
	}
	return strings.Join(all, ", ")
}

func (d *day) refundMug(ctx context.Context) error {
	r, err := d.rma(ctx, mug)
	if err != nil {
		return err
	}
	if err := d.receive(ctx, r, "parcel 1", rma.Count{SKU: "MUG-BLUE", Damaged: 1}); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// refundSponges: no goods are awaited, so the refund need not wait either.
func (d *day) refundSponges(ctx context.Context) error {
	r, err := d.rma(ctx, sponge)
	if err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// receivePot: a kit comes back as its parts, and is refunded when all of them are
// here; with the policy KitProRata, part by part.
func (d *day) receivePot(ctx context.Context) error {
	r, err := d.rma(ctx, teaSet)
	if err != nil {
		return err
	}
	for _, l := range r.Lines {
		d.say("  %d × %s of a %s: %s", l.Units, l.SKU, l.Kit, l.Paid.In(r.Currency))
	}
	d.count("parts", len(r.Lines))
	if err := d.receive(ctx, r, "parcel 2", rma.Count{SKU: "TEA-POT", Good: 1}); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

func (d *day) refundRug(ctx context.Context) error {
	o, err := d.order(ctx, rug)
	if err != nil {
		return err
	}
	l := o.Lines[0]
	d.say("  sold for %s", l.Charges.In(o.Currency))
	d.say("  less a promotion of %s", l.Promotions.In(o.Currency))
	return d.refund(ctx, refund.Request{
		Order: o.Amazon, Lines: []refund.Ask{{Item: l.Item, Units: 1, Shipping: true}},
		Reason: amazon.ReasonGeneralAdjustment, Comment: "stained", Key: "rug", By: "anna",
	})
}

// refundLamp refunds one of three lamps. They cost 100.00 together, which is no
// multiple of three cents: and yet the refunds add up to it.
func (d *day) refundLamp(which string) func(context.Context) error {
	return func(ctx context.Context) error {
		o, err := d.order(ctx, lamps)
		if err != nil {
			return err
		}
		return d.refund(ctx, refund.Request{
			Order: o.Amazon, Lines: []refund.Ask{{Item: o.Lines[0].Item, Units: 1}},
			Reason: amazon.ReasonGeneralAdjustment, Comment: "scratched", Key: "lamp " + which, By: "anna",
		})
	}
}

func (d *day) acceptWish(ctx context.Context) error {
	wishes, err := d.desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{
		Orders: []order.AmazonID{amazonID(kettle)}, States: []cancel.RequestState{cancel.Undecided},
	})
	if err != nil {
		return err
	}
	d.count("cancellations", len(wishes))
	if len(wishes) == 0 {
		d.say("  it was accepted before")
		return nil
	}
	accepted, err := d.desk.Cancels.Accept(ctx, cancel.AcceptRequest{Order: amazonID(kettle), By: "anna"})
	if err != nil {
		return err
	}
	for _, c := range accepted {
		d.say("  cancellation %s of %s: %s", c.ID, c.HostOrder, c.Reason)
	}
	return nil
}

// cancelPlate: the other three may leave. Amazon is told when they have: as long as
// nothing has shipped, it would take this for the cancellation of all four.
func (d *day) cancelPlate(ctx context.Context) error {
	o, err := d.order(ctx, plates)
	if err != nil {
		return err
	}
	return d.cancel(ctx, cancel.Request{
		Order: o.Amazon, HostOrder: o.ID, Split: []order.LineQuantity{{Item: o.Lines[0].Item, Quantity: 1}}, SplitTo: o.ID.Number + "-C",
		Reason: amazon.ReasonNoInventory, Comment: "broken, and the last one", Key: "plate", By: "anna",
	})
}

func (d *day) cancelChair(ctx context.Context) error {
	return d.cancel(ctx, cancel.Request{Order: amazonID(chair), Reason: amazon.ReasonNoInventory, By: "anna"})
}

func (d *day) showChairs(ctx context.Context) error {
	units, err := d.shop.Stock(ctx, "CHAIR-FOLD")
	if err != nil {
		return err
	}
	d.say("  CHAIR-FOLD: %d in stock", units)
	d.count("in_stock", units)
	return nil
}

// cancelClock: the buyer has called, and cancels at Amazon herself. As long as she has
// not, there is an alert a day.
func (d *day) cancelClock(ctx context.Context) error {
	return d.cancel(ctx, cancel.Request{Order: amazonID(clock), Reason: amazon.ReasonGeneralAdjustment, Local: true, By: "anna"})
}

func (d *day) askGate(ctx context.Context) error {
	for _, number := range []string{scarf, chair, plates} {
		if err := d.handOver(ctx, number); err != nil {
			return err
		}
	}
	return nil
}
