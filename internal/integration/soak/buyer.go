package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// wish is a buyer's, to have an item cancelled or, without an item, the order.
type wish struct {
	order  order.AmazonID
	item   string
	told   []byte    // the notification
	report string    // a row of an order report
	heard  time.Time // by somebody who knows that it was saved; zero: not yet
	accept bool      // what staff will say
}

// changesMind has some buyer wish to have an order cancelled that is not shipped.
func (r *run) changesMind() error {
	var open []order.Order
	for _, o := range r.world.host.orders {
		theirs, _ := r.world.fake.Order(o.Amazon.Number)
		if theirs.Status == amazon.OrderUnshipped || theirs.Status == amazon.OrderPartiallyShipped {
			open = append(open, o)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return r.wishFor(open[r.random.IntN(len(open))])
}

// wishFor has the buyer of an order that is not shipped wish to have it cancelled.
func (r *run) wishFor(o order.Order) error {
	theirs, _ := r.world.fake.Order(o.Amazon.Number)
	w := &wish{order: o.Amazon, accept: r.chance(0.6)}
	var waiting []amazonItem
	for _, it := range theirs.Items {
		if it.Quantity > it.Shipped+it.Cancelled {
			waiting = append(waiting, amazonItem{it.ID, it.SKU, it.Quantity - it.Shipped - it.Cancelled})
		}
	}
	if theirs.Status != amazon.OrderUnshipped || r.chance(0.5) {
		w.item = waiting[r.random.IntN(len(waiting))].id
	}
	const reason = "Bought by mistake"
	if err := r.world.fake.RequestCancel(o.Amazon.Number, w.item, reason); err != nil {
		return err
	}
	var err error
	if w.told, err = r.world.fake.OrderChange(o.Amazon.Number); err != nil {
		return err
	}
	w.report = "order-id\torder-item-id\tsku\tquantity-to-ship\tis-buyer-requested-cancellation\tbuyer-requested-cancel-reason\n"
	for _, it := range waiting {
		flag, why := "false", ""
		if w.item == "" || w.item == it.id {
			flag, why = "true", reason
		}
		w.report += fmt.Sprintf("%s\t%s\t%s\t%d\t%s\t%s\n", o.Amazon.Number, it.id, it.sku, it.units, flag, why)
	}
	r.world.wishes = append(r.world.wishes, w)
	r.tell("the buyer of order %s wishes to have %q cancelled", w.order, w.item)
	return nil
}

type amazonItem struct {
	id, sku string
	units   int
}

// hear learns of some wish, by one of the ways that there are.
func (r *run) hear(ctx context.Context, d desk) error {
	if len(r.world.wishes) == 0 {
		return nil
	}
	return r.hearOf(ctx, d, r.world.wishes[r.random.IntN(len(r.world.wishes))])
}

func (r *run) hearOf(ctx context.Context, d desk, w *wish) (err error) {
	a := r.world.account(w.order.Account)
	switch r.random.IntN(3) {
	case 0:
		_, err = d.Cancels.ImportNotification(ctx, a, w.told)
	case 1:
		_, err = d.Cancels.ImportOrders(ctx, a, cancel.AmazonFormat, amazon.ReportMeta{Name: "orders", AsOf: r.clock.Add(r.world.skew)}, strings.NewReader(w.report))
	default:
		_, err = d.Cancels.ReadOrder(ctx, w.order)
	}
	if err == nil && w.heard.IsZero() {
		w.heard = r.clock
	}
	return err
}

// hearAll learns of the wishes that nobody has heard of.
func (r *run) hearAll(ctx context.Context, d desk) error {
	var errs []error
	for _, w := range r.world.wishes {
		if w.heard.IsZero() {
			errs = append(errs, r.hearOf(ctx, d, w))
		}
	}
	return errors.Join(errs...)
}

// withdrawFor takes back the cancellations that wait, of an order whose buyer's wish
// they keep from being granted, and of any that is kept back by its buyer's wish.
func (r *run) withdrawFor(ctx context.Context, d desk, id order.AmazonID) error {
	es, err := d.Queue.Entries(ctx, queue.EntryQuery{
		Kinds: []queue.Kind{queue.KindCancellation}, States: []queue.State{queue.EntryQueued, queue.EntryAwaitingShipment},
	})
	var errs []error
	for _, e := range es {
		if e.Order == id || strings.Contains(e.Why, cancel.ErrBuyerAsked.Error()) {
			errs = append(errs, d.Queue.Withdraw(ctx, "clerk", "the buyer asked for it", e.ID))
		}
	}
	return errors.Join(append(errs, err)...)
}

// answerBuyer decides about wishes that nobody has decided about.
func (r *run) answerBuyer(ctx context.Context, d desk) error {
	open, err := d.Cancels.BuyerRequests(ctx, cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	var errs []error
	var done []order.AmazonID
	for _, b := range open {
		i := slices.IndexFunc(r.world.wishes, func(w *wish) bool { return w.order == b.Order })
		if i < 0 || slices.Contains(done, b.Order) {
			continue
		}
		done = append(done, b.Order)
		accept := r.world.wishes[i].accept
		if accept {
			if _, err = d.Cancels.Accept(ctx, cancel.AcceptRequest{Order: b.Order, By: "clerk", Why: "the buyer asked"}); err != nil {
				err = errors.Join(err, r.withdrawFor(ctx, d, b.Order))
			}
		} else {
			_, err = d.Cancels.Decline(ctx, b.Order, "clerk", "it is packed")
		}
		r.tell("  wishes about order %s: accept %t, error %v", b.Order, accept, err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
