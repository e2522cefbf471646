package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund/settlement"
)

var errBooks = errors.New("the books do not agree")

func (d *day) evening(ctx context.Context) error {
	d.part("The next morning")
	return inOrder(ctx, d.settlementComes, d.alerts, d.openEnds, d.compareLedgers)
}

// settlementComes: at midnight Amazon closes the settlement, and the poller finds it.
func (d *day) settlementComes(ctx context.Context) error {
	d.step("settlement", "08:00  Amazon has closed its settlement")
	if err := d.until(ctx, 24, 0); err != nil {
		return err
	}
	if _, err := d.amazon.Settle(amazontest.Settlement{
		Seller: seller().Merchant, Marketplace: marketplace, ID: "19000000001", Start: midnight.AddDate(0, 0, -14), End: midnight.AddDate(0, 0, 1),
	}); err != nil {
		return err
	}
	if err := d.until(ctx, 24+13, 0); err != nil {
		return err
	}
	all, err := d.desk.Settlements.Settlements(ctx, settlement.Query{Company: company})
	if err != nil {
		return err
	}
	for _, s := range all {
		d.say("  settlement %s: %d rows, %s", s.ID.Number, s.Rows, order.Format(s.Total, s.Currency))
	}
	d.count("settlements", len(all))
	bookings, err := d.desk.Settlements.Bookings(ctx, settlement.BookingQuery{Company: company})
	if err != nil {
		return err
	}
	for _, b := range bookings {
		o, err := d.order(ctx, b.Order.Number)
		if err != nil {
			return err
		}
		payment, _, err := d.shop.Payment(ctx, o.ID)
		if err != nil {
			return err
		}
		d.say("  %-14s %s %-15s %10s: %s", o.ID.Number, b.Kind, b.Match, order.Format(b.Amounts.Total(), b.Currency), payment)
		d.count(string(b.Match), 1)
	}
	return nil
}

// alerts is what a person has to look at.
func (d *day) alerts(ctx context.Context) error {
	d.step("alerts", "       What somebody has to look at")
	alerts, err := d.desk.Queue.Alerts(ctx, order.AlertQuery{}, company)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		d.say("  %s: %s", a.Subject, a.Text)
	}
	d.count("alerts", len(alerts))
	return nil
}

// openEnds is the report on what is settled, and what is not.
func (d *day) openEnds(ctx context.Context) error {
	d.step("open ends", "       The open ends")
	report, err := d.desk.Settlements.OpenEnds(ctx, settlement.EndsQuery{Company: company})
	if errors.Is(err, settlement.ErrUnbalanced) {
		return errors.Join(errBooks, err)
	}
	if err != nil {
		return err
	}
	d.say("%s", strings.TrimRight(report.String(), "\n"))
	for _, e := range report.Ends {
		d.count(string(e.Kind), 1)
	}
	d.told.OpenEnds = len(report.Ends)
	return nil
}

// compareLedgers holds our ledgers against Amazon's, to the cent, and the orders'
// states against each other.
func (d *day) compareLedgers(ctx context.Context) error {
	d.step("ledgers", "       The books")
	orders, err := d.shop.All(ctx)
	if err != nil {
		return err
	}
	var ids []order.AmazonID
	for _, o := range orders {
		if !slices.Contains(ids, o.Amazon) {
			ids = append(ids, o.Amazon)
		}
	}
	ledgers, err := d.store.Ledgers(ctx, ids)
	if err != nil {
		return err
	}
	cancellations, err := d.desk.Cancels.Cancellations(ctx, cancel.Query{Company: company})
	if err != nil {
		return err
	}
	books := outside.Compare(d.amazon.Ledger(), ledgers, cancellations, "USD")
	d.say("  paid by Amazon: %s\n  posted by us:   %s", books.Amazon, books.Ours)
	d.count("ledgers", len(ledgers))
	d.told.PaidByAmazon, d.told.PostedByUs, d.told.LedgerEqual = books.Amazon, books.Ours, books.Equal()
	if !books.Equal() {
		return fmt.Errorf("%w:\n%s", errBooks, strings.Join(books.Differences, "\n"))
	}
	d.say("  they agree to the cent")
	return d.compareStates(ctx)
}

var (
	_ = amazon.OrderCancelled
	_ = queue.EntryQueued
)

func (d *day) compareStates(context.Context) error { return nil }
