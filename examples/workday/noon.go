package main

import (
	"bytes"
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

//go:embed returns-noon.txt
var noonReturns []byte

func (d *day) noon(ctx context.Context) error {
	d.part("Noon")
	return inOrder(ctx,
		d.secondReturnsFile, d.restOfTheKit, d.platesLeave, d.wishTooLate,
		func(ctx context.Context) error { return d.refundLamp(ctx, 2) },
		func(ctx context.Context) error { return d.review(ctx, "review, noon", 13, 30) },
	)
}

// secondReturnsFile: a newer returns report, downloaded in Seller Central, updates
// what the first one said. The merchant wants no RMAs any more for refunds without a
// return.
func (d *day) secondReturnsFile(ctx context.Context) error {
	d.step("returns file", "12:00  SkipReturnlessRMA is switched on, and a newer returns file is imported by hand")
	if err := d.until(ctx, 12, 0); err != nil {
		return err
	}
	if err := d.shop.Switch(ctx, company, settings.SkipReturnlessRMA, true); err != nil {
		return err
	}
	meta := amazon.ReportMeta{Name: "returns-noon.txt", AsOf: midnight.Add(12 * time.Hour)}
	in, err := d.desk.Returns.Import(ctx, seller(), rma.AmazonFormat, meta, bytes.NewReader(noonReturns))
	if err != nil {
		return err
	}
	d.say("  %d created, %d updated, %d unchanged, %d returnless, recorded without an RMA", in.Created, in.Updated, in.Unchanged, in.Returnless)
	d.count("created", in.Created)
	d.count("updated", in.Updated)
	d.count("unchanged", in.Unchanged)
	d.count("returnless", in.Returnless)
	r, err := d.rma(ctx, mug)
	if err != nil {
		return err
	}
	for _, n := range r.Notes {
		d.say("  RMA %s: %s", r.OrderSourceRMANumber, n.Text)
	}
	return nil
}

// restOfTheKit: with the cups the kit is complete, and refunded.
func (d *day) restOfTheKit(ctx context.Context) error {
	d.step("kit, second parcel", "12:15  The cups of the tea set are back too")
	r, err := d.rma(ctx, teaSet)
	if err != nil {
		return err
	}
	if err := d.receive(ctx, r, rma.Count{SKU: "TEA-CUP", Good: 2}, "parcel 3"); err != nil {
		return err
	}
	return d.refundRMA(ctx, r)
}

// platesLeave: the three plates leave and are confirmed to Amazon. The fourth, which
// waited for that, may be cancelled now.
func (d *day) platesLeave(ctx context.Context) error {
	d.step("rest shipped", "12:30  The three other plates leave the house")
	return d.ship(ctx, plates)
}

// ship hands over the first host order of an Amazon order and confirms the shipment
// to Amazon, which hosts do by other means than this library.
func (d *day) ship(ctx context.Context, number string) error {
	o, err := d.order(ctx, number)
	if err != nil {
		return err
	}
	if o.Shipping() == order.FullyShipped {
		d.say("  %s has left before", o.ID)
		return nil
	}
	gate, err := d.desk.Cancels.MayShip(ctx, o.Amazon)
	if err != nil {
		return err
	}
	if gate = gate.Of(o.ID); !gate.May {
		d.say("  %s stays here: %s", o.ID, strings.Join(gate.Why, "; "))
		d.count("kept here", 1)
		return nil
	}
	if err := gate.HandOver(ctx, d.store, order.Stamp{By: "ben", At: d.clock.Now()}, o.ID); err != nil {
		return err
	}
	for _, l := range o.Lines {
		if err := d.amazon.Ship(number, l.Item, l.Ordered); err != nil {
			return err
		}
	}
	d.say("  %s is handed over, and its shipment confirmed", o.ID)
	d.count("shipped", 1)
	return d.shop.Ship(ctx, o.ID)
}

// wishTooLate: Amazon notifies of a buyer who wants to cancel what has left the house
// at ten. It cannot be held any more, and is not swallowed either.
func (d *day) wishTooLate(ctx context.Context) error {
	d.step("buyer's wish too late", "12:45  The buyer of the scarf wants to cancel, too late")
	if err := d.buyerWishes(scarf, "Found it cheaper elsewhere"); err != nil {
		return err
	}
	notification, err := d.amazon.OrderChange(scarf)
	if err != nil {
		return err
	}
	wishes, err := d.desk.Cancels.ImportNotification(ctx, seller(), notification)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		d.say("  the wish about %s is %s", w.HostOrder, w.State)
		d.count(string(w.State), 1)
	}
	return d.ship(ctx, scarf)
}
