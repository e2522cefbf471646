package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
)

// What the staff do again and again: anna at the service desk refunds and cancels,
// ben in the warehouse receives and ships, olga reviews the queue.

// order is the host's order, the first where several share the Amazon order.
func (d *day) order(ctx context.Context, number string) (order.Order, error) {
	orders, err := d.shop.Orders(ctx, []order.AmazonID{amazonID(number)})
	if err == nil && len(orders) == 0 {
		err = fmt.Errorf("order %s is not in the book", number)
	}
	if err != nil {
		return order.Order{}, err
	}
	return orders[0], nil
}

// rma is the RMA of an order.
func (d *day) rma(ctx context.Context, number string) (rma.RMA, error) {
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Orders: []order.AmazonID{amazonID(number)}})
	if err == nil && len(rmas) == 0 {
		err = fmt.Errorf("order %s has no RMA", number)
	}
	if err != nil {
		return rma.RMA{}, err
	}
	return rmas[0], nil
}

// receive counts what came of an RMA's goods; what is good goes back on the shelf.
func (d *day) receive(ctx context.Context, r rma.RMA, parcel string, c rma.Count) error {
	after, err := d.desk.Returns.Receive(ctx, rma.Goods{RMA: r.ID, Key: parcel, Counts: []rma.Count{c}, Restock: true, By: "ben"})
	if err != nil {
		return err
	}
	d.say("  ben counts %s %s: the RMA is %s", c.SKU, c, after.Receipt)
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
	r.Token = draft.Token // anna has seen it
	issued, err := d.desk.Refunds.Issue(ctx, r)
	if err != nil {
		return err // store.ErrConflict: something changed, show it anew
	}
	d.say("  refund %s of %s: %s", issued.ID, issued.Total(), draft.Total.In(issued.Currency))
	for _, b := range draft.Balances {
		d.say("    left to refund: %s", b.Left.In(issued.Currency))
	}
	d.count("refunds", 1)
	return nil
}

// cancel drafts a cancellation, shows it, and saves what was shown. From then on the
// order cannot leave the house.
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
		return err // store.ErrConflict: something changed, show it anew
	}
	d.say("  cancellation %s of %s, %s", c.ID, c.HostOrder, draft.Amount)
	if draft.AmazonReason != "" {
		d.say("    Amazon is told: %s", draft.AmazonReason)
	}
	d.count("cancellations", 1)
	return nil
}

// handOver asks the gate whether the first host order of an Amazon order may leave,
// and records that it does.
func (d *day) handOver(ctx context.Context, number string) error {
	o, err := d.order(ctx, number)
	if err != nil || o.Shipping() == order.FullyShipped {
		return err
	}
	gate, err := d.desk.Cancels.MayShip(ctx, o.Amazon)
	if err != nil {
		return err
	}
	if gate = gate.Of(o.ID); !gate.May {
		d.say("  %s stays here: %s", o.ID, strings.Join(gate.Why, "; "))
		d.count("kept_here", 1)
		return nil
	}
	if err := gate.HandOver(ctx, d.store, order.Stamp{By: "ben", At: d.clock.Now()}, o.ID); err != nil {
		return err // store.ErrConflict: ask the gate again
	}
	d.say("  %s leaves the house", o.ID)
	d.count("handed_over", 1)
	return nil
}

// confirmShipment tells Amazon that the first host order of an Amazon order was
// shipped, which hosts do by other means than this library.
func (d *day) confirmShipment(ctx context.Context, number string) error {
	o, err := d.order(ctx, number)
	if err != nil || o.Shipping() == order.FullyShipped {
		return err
	}
	for _, l := range o.Lines {
		if err := d.amazon.Ship(number, l.Item, l.Ordered); err != nil {
			return err
		}
	}
	d.say("  %s is confirmed as shipped", o.ID)
	d.count("confirmed_shipments", 1)
	return d.shop.Ship(ctx, o.ID)
}

// review looks at what waits in the queue, and sends it.
func (d *day) review(ctx context.Context) error {
	waiting, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Company: company, States: []queue.State{queue.EntryQueued}})
	if err != nil {
		return err
	}
	var send []queue.EntryID
	for _, e := range waiting {
		if e.Selection == nil { // else it was chosen before, and is on its way
			d.say("  waiting: %-12s of %-17s %9s  %s", e.Kind, e.HostOrder, e.Amount, e.Label)
			send = append(send, e.ID)
		}
	}
	d.count("requests", len(send))
	if len(send) == 0 {
		d.say("  nothing waits")
		return nil
	}
	documents, err := d.desk.Queue.Process(ctx, "olga", send...)
	if err != nil {
		return err
	}
	for _, doc := range documents {
		d.say("  olga sends %d of them in batch %s", len(doc.Entries), doc.Batch)
	}
	d.count("documents", len(documents))
	return nil
}

// answers shows what Amazon answered to the batches made between two hours, and what
// waits for a shipment.
func (d *day) answers(from, to int) func(context.Context) error {
	return func(ctx context.Context) error {
		batches, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company})
		if err != nil {
			return err
		}
		for _, b := range batches {
			if b.Created.At.Before(today(from, 0)) || !b.Created.At.Before(today(to, 0)) {
				continue
			}
			d.say("  batch %s of %s is Document Number %s:", b.ID, b.Created.At.Format("15:04"), b.DocumentNumber)
			entries, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Batch: b.ID})
			if err != nil {
				return err
			}
			for _, e := range entries {
				d.say("    %-12s of %-17s %9s  %s", e.Kind, e.HostOrder, e.Amount, e.State.Label())
			}
			d.count("accepted", b.Accepted)
			d.count("refused", b.Refused)
		}
		parts, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Company: company, States: []queue.State{queue.EntryAwaitingShipment}})
		if err != nil {
			return err
		}
		for _, e := range parts {
			d.say("  %s of %s: %s", e.Kind, e.HostOrder, e.Why)
		}
		d.count("awaiting_shipment", len(parts))
		return nil
	}
}
