package main

import (
	"context"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

func (d *day) afternoon(ctx context.Context) error {
	d.part("Afternoon")
	return inOrder(ctx, d.inSellerCentral, d.byAmazonItself, d.autoBatch)
}

// inSellerCentral: a colleague refunded a part of the tray in Seller Central, and says
// so.
func (d *day) inSellerCentral(ctx context.Context) error {
	d.step("seller central", "14:00  A colleague has refunded 12.50 of the tray in Seller Central, and records it")
	if err := d.until(ctx, 14, 0); err != nil {
		return err
	}
	o, err := d.order(ctx, tray)
	if err != nil {
		return err
	}
	item, amounts := o.Lines[0].Item, order.Amounts{order.Principal: usd("12.50")}
	if err := d.refundedOutside(amazon.ActorMerchant, tray, item, amounts); err != nil {
		return err
	}
	recorded, err := d.desk.Refunds.Record(ctx, refund.Recorded{
		Order: o.Amazon, Lines: []refund.RecordedLine{{Item: item, Amounts: amounts}},
		At: midnight.Add(14 * time.Hour), Reference: "case 4711", By: "carla", Why: "agreed on the phone",
	})
	if err != nil {
		return err
	}
	d.say("  refund %s of %s, origin %s: nothing of it is sent", recorded.ID, recorded.Total(), recorded.Origin)
	d.count("recorded", 1)
	return nil
}

// byAmazonItself: Amazon refunds the frame after a claim, and the brushes without a
// return. Nobody here knows until the settlement.
func (d *day) byAmazonItself(ctx context.Context) error {
	d.step("amazon itself", "14:30  Amazon refunds the frame after a claim, and the brushes without a return")
	for _, number := range []string{frame, brush} {
		o, err := d.order(ctx, number)
		if err != nil {
			return err
		}
		if err := d.refundedOutside(amazon.ActorAmazon, number, o.Lines[0].Item, o.Lines[0].Paid()); err != nil {
			return err
		}
		d.say("  %s: %s", o.ID, o.Lines[0].Paid().In(o.Currency))
		d.count("refunds nobody here knows of", 1)
	}
	return nil
}

// refundedOutside: somebody refunds at Amazon, without us.
func (d *day) refundedOutside(by amazon.Actor, number, item string, amounts order.Amounts) error {
	if len(d.amazon.PaidFor(number)) > 0 {
		return nil // an earlier run had it happen
	}
	return d.amazon.Refund(by, number, item, amounts)
}

// autoBatch: from now on the queue goes by itself, half an hour after something was
// put into it.
func (d *day) autoBatch(ctx context.Context) error {
	d.step("auto", "15:00  Auto submit is switched on: what waits goes out by itself, half an hour later")
	if err := d.until(ctx, 15, 0); err != nil {
		return err
	}
	if err := d.shop.Switch(ctx, company, settings.AutoSubmit, true); err != nil {
		return err
	}
	r, err := d.rma(ctx, vase)
	if err != nil {
		return err
	}
	if err := d.refundRMA(ctx, r); err != nil {
		return err
	}
	if err := d.refundLamp(ctx, 3); err != nil {
		return err
	}
	if err := d.goodwill(ctx); err != nil {
		return err
	}
	d.step("auto batch", "15:30  Half an hour later")
	before, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company})
	if err != nil {
		return err
	}
	if err := d.until(ctx, 16, 30); err != nil {
		return err
	}
	all, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company})
	if err != nil {
		return err
	}
	for _, b := range all[len(before):] {
		d.say("  batch %s went by itself at %s: %d accepted", b.ID, b.Created.At.Format("15:04"), b.Accepted)
		d.count("documents", 1)
		d.count("accepted", b.Accepted)
	}
	return nil
}

// goodwill: something for the trouble, which was never charged.
func (d *day) goodwill(ctx context.Context) error {
	d.step("goodwill", "       The buyer of the cushions gets 5.00 for the trouble")
	o, err := d.order(ctx, cushion)
	if err != nil {
		return err
	}
	return d.refund(ctx, refund.Request{
		Order: o.Amazon, Origin: refund.FromGoodwill, Lines: []refund.Ask{{Item: o.Lines[0].Item, Amounts: order.Amounts{order.Goodwill: usd("5.00")}}},
		Reason: amazon.ReasonGeneralAdjustment, Key: "cushion", By: "anna",
	})
}
