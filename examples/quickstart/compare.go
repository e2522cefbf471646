package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

var errBooks = errors.New("the books do not agree")

// comparison holds what Amazon paid against what our ledger says.
type comparison struct {
	amazon, ours string
	equal        bool
}

// place is where a cent belongs.
type place struct {
	order, item string
	component   order.Component
	currency    order.Currency
}

// compare holds our ledger against Amazon's, for every order, item and
// component, and the orders' states against each other.
func (d *day) compare(ctx context.Context) error {
	d.say("\n5. The books")
	orders, err := d.book.all(ctx)
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
	ours, theirs := map[place]decimal.Decimal{}, map[place]decimal.Decimal{}
	for _, l := range ledgers {
		for _, p := range l.Postings {
			if p.Balance == order.Posted && p.Cause.Kind == order.CauseRefund {
				at := place{l.Order.Number, p.Item, p.Component, p.Currency}
				ours[at] = ours[at].Add(p.Amount)
			}
		}
	}
	for _, p := range d.world.fake.Ledger() {
		at := place{p.Order, p.Item, p.Component, p.Currency}
		theirs[at] = theirs[at].Add(p.Amount)
	}
	cur := orders[0].Currency
	d.ledger = comparison{amazon: totals(theirs, cur), ours: totals(ours, cur), equal: true}
	d.say("   paid by Amazon: %s\n   posted by us:   %s", d.ledger.amazon, d.ledger.ours)
	for at := range union(ours, theirs) {
		if !ours[at].Equal(theirs[at]) {
			d.ledger.equal = false
			d.say("   order %s item %s %s: Amazon paid %s, we posted %s", at.order, at.item, at.component, theirs[at], ours[at])
		}
	}
	for _, o := range orders {
		theirs, known := d.world.fake.Order(o.Amazon.Number)
		if known && (theirs.Status == amazon.OrderCancelled) != (o.Status == order.StatusCancelled) {
			d.ledger.equal = false
			d.say("   order %s is %s here and %s at Amazon", o.Amazon.Number, o.Status, theirs.Status)
		}
	}
	if !d.ledger.equal {
		return errBooks
	}
	d.say("   they agree to the cent")
	return nil
}

func union(a, b map[place]decimal.Decimal) map[place]bool {
	all := map[place]bool{}
	for at := range a {
		all[at] = true
	}
	for at := range b {
		all[at] = true
	}
	return all
}

// totals adds up by currency, as in "86.40 USD, 1200 JPY"; nothing is nothing of
// the usual currency.
func totals(m map[place]decimal.Decimal, usual order.Currency) string {
	sums := map[order.Currency]decimal.Decimal{}
	for at, v := range m {
		sums[at.currency] = sums[at.currency].Add(v)
	}
	if len(sums) == 0 {
		sums[usual] = decimal.Zero
	}
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, fmt.Sprint(order.Money{Amount: sums[c], Currency: c}))
	}
	return strings.Join(parts, ", ")
}
