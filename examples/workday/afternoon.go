package main

import (
	"context"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

func (d *day) afternoon(ctx context.Context) error {
	return d.follow(ctx, "Afternoon", timetable{
		{today(14, 0), "seller_central", "A colleague has refunded 12.50 of the tray in Seller Central, and records it", d.recordTray},
		{today(14, 30), "amazon_itself", "Amazon refunds by itself: the frame after a claim, the brushes without a return", d.refundsByAmazon},
		{today(15, 0), "auto", "Auto submit is switched on: what waits goes by itself, half an hour later", d.switchAutoOn},
		{today(15, 5), "return_auto", "The vase, which the second file approved, is refunded before it is back", d.refundVase},
		{today(15, 10), "lamp_three", "The last lamp is scratched", d.refundLamp("three")},
		{today(15, 15), "goodwill", "The buyer of the cushions gets 5.00 for the trouble", d.goodwill},
		{today(16, 0), "answers_auto", "What Amazon answered", d.answers(15, 16)},
	})
}

// recordTray: what was refunded in Seller Central is entered, and never sent.
func (d *day) recordTray(ctx context.Context) error {
	o, err := d.order(ctx, tray)
	if err != nil {
		return err
	}
	item, amounts := o.Lines[0].Item, order.Amounts{order.Principal: usd("12.50")}
	if err := d.refundOutside(amazon.ActorMerchant, tray, item, amounts); err != nil {
		return err
	}
	recorded, err := d.desk.Refunds.Record(ctx, refund.Recorded{
		Order: o.Amazon, Lines: []refund.RecordedLine{{Item: item, Amounts: amounts}},
		At: today(13, 50), Reference: "case 4711", By: "carla", Why: "agreed on the phone",
	})
	if err != nil {
		return err
	}
	d.say("  refund %s of %s, origin %s", recorded.ID, recorded.Total(), recorded.Origin)
	d.count("recorded", 1)
	return nil
}

// refundsByAmazon: nobody here hears of them before the settlement.
func (d *day) refundsByAmazon(ctx context.Context) error {
	for _, number := range []string{frame, brush} {
		o, err := d.order(ctx, number)
		if err != nil {
			return err
		}
		l := o.Lines[0]
		if err := d.refundOutside(amazon.ActorAmazon, number, l.Item, l.Paid()); err != nil {
			return err
		}
		d.say("  %s: %s", o.ID, l.Paid().In(o.Currency))
		d.count("refunds_by_amazon", 1)
	}
	return nil
}

// refundOutside is a refund at Amazon that we have no part in.
func (d *day) refundOutside(by amazon.Actor, number, item string, amounts order.Amounts) error {
	if len(d.amazon.PaidFor(number)) > 0 {
		return nil // in an earlier run
	}
	return d.amazon.Refund(by, number, item, amounts)
}

func (d *day) switchAutoOn(ctx context.Context) error {
	if err := d.shop.Switch(ctx, company, settings.AutoSubmit, true); err != nil {
		return err
	}
	s, err := d.shop.Settings(ctx, company)
	if err != nil {
		return err
	}
	d.say("  the mode is %s", s.Mode())
	d.count(string(s.Mode()), 1)
	return nil
}

func (d *day) refundVase(ctx context.Context) error {
	r, err := d.rma(ctx, vase)
	if err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// goodwill was never charged, so it counts against the order's total alone.
func (d *day) goodwill(ctx context.Context) error {
	o, err := d.order(ctx, cushion)
	if err != nil {
		return err
	}
	return d.refund(ctx, refund.Request{
		Order: o.Amazon, Origin: refund.FromGoodwill,
		Lines:  []refund.Ask{{Item: o.Lines[0].Item, Amounts: order.Amounts{order.Goodwill: usd("5.00")}}},
		Reason: amazon.ReasonGeneralAdjustment, Key: "cushion", By: "anna",
	})
}
