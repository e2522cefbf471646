package main

import (
	"bytes"
	"context"
	_ "embed"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

func (d *day) noon(ctx context.Context) error {
	return d.follow(ctx, "Noon", timetable{
		{today(12, 0), "second_returns_file", "SkipReturnlessRMA is switched on, and a newer returns file imported by hand", d.importReturns},
		{today(12, 15), "kit_second_parcel", "The cups of the tea set are back too", d.receiveCups},
		{today(12, 30), "lamp_two", "Another lamp is scratched", d.refundLamp("two")},
		{today(12, 40), "buyer_request_too_late", "The buyer of the scarf, which left at ten, wants to cancel", d.hearTooLate},
		{today(12, 50), "shipments", "The scarf and the three plates are confirmed to Amazon", d.confirmShipments},
		{today(13, 0), "review_noon", "The queue is reviewed and sent", d.review},
		{today(13, 30), "answers_noon", "What Amazon answered", d.answers(12, 15)},
	})
}

//go:embed returns-noon.txt
var noonReturns []byte

// importReturns: the file is a newer one of the same returns. It updates what the
// first one said, and has a return of its own that gets no RMA any more.
func (d *day) importReturns(ctx context.Context) error {
	if err := d.shop.Switch(ctx, company, settings.SkipReturnlessRMA, true); err != nil {
		return err
	}
	made := amazon.ReportMeta{Name: "returns-noon.txt", AsOf: today(12, 0)}
	in, err := d.desk.Returns.Import(ctx, seller(), rma.AmazonFormat, made, bytes.NewReader(noonReturns))
	if err != nil {
		return err
	}
	d.say("  %d created, %d updated, %d unchanged, %d returnless without an RMA", in.Created, in.Updated, in.Unchanged, in.Returnless)
	d.count("created", in.Created)
	d.count("updated", in.Updated)
	d.count("unchanged", in.Unchanged)
	d.count("returnless", in.Returnless)
	r, err := d.rma(ctx, mug)
	if err != nil {
		return err
	}
	d.say("  RMA %s is %s here, %s at Amazon", r.OrderSourceRMANumber, r.Status, r.AmazonStatus)
	for _, n := range r.Notes {
		d.say("    %s", n.Text)
	}
	return nil
}

func (d *day) receiveCups(ctx context.Context) error {
	r, err := d.rma(ctx, teaSet)
	if err != nil {
		return err
	}
	if err := d.receive(ctx, r, "parcel 3", rma.Count{SKU: "TEA-CUP", Good: 2}); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// hearTooLate: Amazon notifies of a wish. Nothing can be held any more, which makes a
// note and an alert; when the scarf comes back, it is a return.
func (d *day) hearTooLate(ctx context.Context) error {
	wishes, err := d.desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{Orders: []order.AmazonID{amazonID(scarf)}})
	if err != nil {
		return err
	}
	if len(wishes) == 0 { // else it was heard in an earlier run
		if err := d.wish(scarf, "Found it cheaper elsewhere"); err != nil {
			return err
		}
		notification, err := d.amazon.OrderChange(scarf)
		if err != nil {
			return err
		}
		if wishes, err = d.desk.Cancels.ImportNotification(ctx, seller(), notification); err != nil {
			return err
		}
	}
	for _, w := range wishes {
		d.say("  the wish about %s is %s", w.HostOrder, w.State)
		d.count("too_late", 1)
	}
	return nil
}

func (d *day) confirmShipments(ctx context.Context) error {
	for _, number := range []string{scarf, plates} {
		if err := d.confirmShipment(ctx, number); err != nil {
			return err
		}
	}
	return nil
}
