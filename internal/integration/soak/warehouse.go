package main

import (
	"context"
	"errors"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
)

const handingOver = "ship"

// ship is a warehouse that hands some order over, if it may.
func (r *run) ship(ctx context.Context, d desk) error {
	waiting := r.world.host.waiting()
	if len(waiting) == 0 {
		return nil
	}
	return r.handOver(ctx, d, waiting[r.random.IntN(len(waiting))])
}

// waiting lists what was not handed over and is not shipped.
func (h *host) waiting() (ids []order.ID) {
	for _, o := range h.orders {
		if o.Shipping() != order.FullyShipped && o.Status != order.StatusCancelled && !slices.Contains(h.gone, o.ID) {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

func (r *run) handOver(ctx context.Context, d desk, id order.ID) error {
	h := r.world.host
	h.atGate = h.find(id).Amazon
	pass, err := d.Cancels.MayShip(ctx, h.atGate)
	if err != nil {
		return err
	}
	if own := pass.Of(id); !own.May {
		return nil
	}
	if err := pass.HandOver(ctx, d.store, order.Stamp{By: "warehouse", At: r.clock}, id); err != nil {
		return err
	}
	if !slices.Contains(h.gone, id) {
		h.left, h.gone = append(h.left, id), append(h.gone, id)
		r.countUnits(id)
	}
	r.tell("  order %s leaves", id)
	return r.watchGate(id)
}

// countUnits notes when more units of a line have left than were ordered.
func (r *run) countUnits(id order.ID) {
	o := r.world.host.find(id)
	for _, l := range o.Lines {
		line := o.Amazon.Number + l.Item
		r.world.host.units[line] += l.Ordered - l.Cancelled - l.Shipped
		if left, ordered := r.world.host.units[line]+r.world.lines[line].Shipped, r.world.lines[line].Ordered; left > ordered {
			r.figures.GateLies++
			r.found("%d of %d units of %s have left with order %s", left, ordered, l.Item, id)
		}
	}
}

// comeBetween asks for the cancellation of the order that the warehouse is about to
// hand over, or learns that its buyer wishes for it.
func (r *run) comeBetween(ctx context.Context, d desk) error {
	id := r.world.host.atGate
	for _, ask := range r.world.requests {
		if ask.order() == id && ask.issued == "" && ask.refused == nil {
			return ask.issue(ctx, d)
		}
	}
	theirs, _ := r.world.fake.Order(id.Number)
	if theirs.Status == amazon.OrderUnshipped {
		if err := r.wishFor(r.world.host.of(id)[0]); err != nil {
			return err
		}
		return r.hearOf(ctx, d, r.world.wishes[len(r.world.wishes)-1])
	}
	return nil
}

// watchGate notes when something stands against an order that has just been handed
// over.
func (r *run) watchGate(id order.ID) error {
	ctx, number := context.Background(), r.world.host.find(id).Amazon
	cs, err := r.world.store.Cancellations(ctx, cancel.Query{Orders: []order.AmazonID{number}})
	if err != nil {
		return err
	}
	for _, c := range cs {
		if (c.Outcome == cancel.Open || c.Outcome == cancel.Cancelled) && concerns(c, id) {
			r.figures.GateLies++
			r.found("order %s was handed over, and cancellation %s of it is %s", id, c.ID, c.Outcome)
		}
	}
	wishes, err := r.world.store.BuyerRequests(ctx, cancel.RequestQuery{Orders: []order.AmazonID{number}, States: []cancel.RequestState{cancel.Undecided}})
	if len(wishes) > 0 {
		r.figures.GateLies++
		r.found("order %s was handed over, and nobody has decided about %d wishes of its buyer", id, len(wishes))
	}
	return err
}

// concerns tells whether a cancellation is one of a host order.
func concerns(c cancel.Cancellation, id order.ID) bool {
	return c.HostOrder == id || slices.ContainsFunc(c.Also, func(o cancel.Carrier) bool { return o.HostOrder == id })
}

// carry is the carrier who has collected what left, of which Amazon hears.
func (r *run) carry() {
	h := r.world.host
	for _, id := range h.left {
		o := h.find(id)
		for _, l := range o.Lines {
			units := l.Ordered - l.Cancelled - l.Shipped
			if units == 0 {
				continue
			}
			if err := r.world.fake.Ship(o.Amazon.Number, l.Item, units); err != nil {
				theirs, _ := r.world.fake.Order(o.Amazon.Number)
				r.figures.GateLies++
				r.found("order %s left the house, and is %s at Amazon: %v", id, theirs.Status, err)
			}
		}
		h.ships(id)
		r.tell("order %s is shipped", id)
	}
	h.left = nil
}

// openGates has orders shipped of which the cancellation came to nothing.
func (r *run) openGates(ctx context.Context, d desk) error {
	var errs []error
	for _, o := range slices.Clone(r.world.host.orders) {
		if o.Status != order.StatusProblemOrder {
			continue
		}
		theirs, _ := r.world.fake.Order(o.Amazon.Number)
		if theirs.Status != amazon.OrderCancelled {
			errs = append(errs, d.Cancels.Open(ctx, o.Amazon, "supervisor", "it ships after all"))
		}
	}
	return errors.Join(errs...)
}

// shipAll hands over what may leave.
func (r *run) shipAll(ctx context.Context, d desk) error {
	var errs []error
	for _, id := range r.world.host.waiting() {
		errs = append(errs, r.handOver(ctx, d, id))
	}
	return errors.Join(errs...)
}
