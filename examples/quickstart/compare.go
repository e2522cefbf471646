package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/order"
)

var errBooks = errors.New("the books do not agree")

// compare holds our ledger against Amazon's, for every order, item and
// component, and the orders' states against each other.
func (d *day) compare(ctx context.Context) error {
	d.say("\n5. The books")
	orders, err := d.shop.All(ctx)
	if err != nil {
		return err
	}
	var ids []order.AmazonID
	for _, o := range orders {
		ids = append(ids, o.Amazon)
	}
	ledgers, err := d.store.Ledgers(ctx, ids)
	if err != nil {
		return err
	}
	cancellations, err := d.desk.Cancels.Cancellations(ctx, cancel.Query{Company: company})
	if err != nil {
		return err
	}
	d.ledger = outside.Compare(d.amazon.Ledger(), ledgers, cancellations, orders[0].Currency)
	for _, o := range orders {
		theirs, known := d.amazon.Order(o.Amazon.Number)
		if known && (theirs.Status == amazon.OrderCancelled) != (o.Status == order.StatusCancelled) {
			d.ledger.Differences = append(d.ledger.Differences, fmt.Sprintf("order %s is %s here and %s at Amazon", o.Amazon.Number, o.Status, theirs.Status))
		}
	}
	d.say("   paid by Amazon: %s\n   posted by us:   %s", d.ledger.Amazon, d.ledger.Ours)
	for _, difference := range d.ledger.Differences {
		d.say("   %s", difference)
	}
	if !d.ledger.Equal() {
		return errBooks
	}
	d.say("   they agree to the cent")
	return nil
}
