package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// errBooks says that our books are not Amazon's.
var errBooks = errors.New("the books do not agree")

func (d *day) evening(ctx context.Context) error {
	if err := d.amazonSettles(ctx); err != nil {
		return err
	}
	return d.follow(ctx, "Evening", timetable{
		{today(20, 30), "settlement", "The settlement is in", d.showSettlement},
		{today(20, 30), "cancellations", "What Amazon shows of the cancellations", d.showCancellations},
		{today(20, 30), "returns", "What became of the returns", d.showReturns},
		{today(20, 30), "audit", "Who did what about the plates", d.showAudit},
		{today(20, 30), "alerts", "What somebody has to look at", d.showAlerts},
		{today(20, 30), "open_ends", "The open ends", d.showOpenEnds},
		{today(20, 30), "ledgers", "The books", d.compareLedgers},
	})
}

// amazonSettles: at six Amazon closes a settlement of two weeks. The poller, which
// looks twice a day, finds it by itself.
func (d *day) amazonSettles(ctx context.Context) error {
	if err := d.until(ctx, today(18, 0)); err != nil {
		return err
	}
	_, err := d.amazon.Settle(amazontest.Settlement{
		Seller: seller().Merchant, Marketplace: marketplace, ID: "19000000001", Start: today(-14*24, 0), End: today(18, 0),
	})
	return err
}

// showSettlement shows what every refund in it was taken for, and the payment status of
// its order. Those of Amazon itself have reached the host with it.
func (d *day) showSettlement(ctx context.Context) error {
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
		payment, err := d.shop.Payment(ctx, o.ID)
		if err != nil {
			return err
		}
		d.say("  %9s of %s, %-12s %-15s %s", order.Format(b.Amounts.Total(), b.Currency), o.ID, b.SKU+":", b.Match, payment)
		d.count(string(b.Match), 1)
	}
	return nil
}

// showCancellations: cancellations never stand in a settlement. Reading the order at
// Amazon confirms them.
func (d *day) showCancellations(ctx context.Context) error {
	all, err := d.desk.Cancels.Cancellations(ctx, cancel.Query{Company: company})
	if err != nil {
		return err
	}
	for _, c := range all {
		switch {
		case c.Local:
			d.say("  %s: %s here alone", c.HostOrder, c.Outcome)
			d.count("local", 1)
		case c.Proof == cancel.Confirmed:
			d.say("  %s: %s, %s", c.HostOrder, c.Outcome, c.Proof)
			d.count("confirmed", 1)
		default:
			return fmt.Errorf("%w: Amazon does not show that %s is %s", errBooks, c.HostOrder, c.Outcome)
		}
	}
	return nil
}

// showReturns: what is refunded and received, or awaits no goods, is closed by itself.
func (d *day) showReturns(ctx context.Context) error {
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Company: company})
	if err != nil {
		return err
	}
	for _, r := range rmas {
		d.say("  RMA %s of %s: %s, %s", r.OrderSourceRMANumber, r.HostOrder, r.Status, r.Receipt)
		d.count(string(r.Status), 1)
	}
	without, err := d.desk.Returns.Returns(ctx, rma.ReturnQuery{Company: company, States: []rma.ReturnState{rma.ReturnReturnless}})
	if err != nil {
		return err
	}
	for _, r := range without {
		d.say("  return %s of order %s: %s", r.Latest().RMAID, r.Order.Number, r.Why)
	}
	d.count("without_rma", len(without))
	return nil
}

// showAudit shows the journal of an order: who, when, why, before and after.
func (d *day) showAudit(ctx context.Context) error {
	rows, err := d.store.Events(ctx, amazonID(plates))
	if err != nil {
		return err
	}
	for _, e := range rows {
		what := e.Text
		if e.Before != "" || e.After != "" {
			what = strings.TrimSpace(fmt.Sprintf("%s %s → %s", what, e.Before, e.After))
		}
		d.say("  %s %s: %s: %s", e.At.Format("15:04"), e.By, e.Subject, what)
	}
	return nil
}

func (d *day) showAlerts(ctx context.Context) error {
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

// showOpenEnds tells of every cent that is not a refund of ours which Amazon has
// settled.
func (d *day) showOpenEnds(ctx context.Context) error {
	report, err := d.desk.Settlements.OpenEnds(ctx, settlement.EndsQuery{Company: company})
	if errors.Is(err, settlement.ErrUnbalanced) {
		return errors.Join(errBooks, err)
	}
	if err != nil {
		return err
	}
	d.say("%s", strings.TrimRight(report.String(), "\n"))
	for _, t := range report.Totals {
		d.count("accepted", t.Accepted.Count)
		d.count("settled", t.Settled.Count)
		d.count("mismatched", t.Mismatched.Count)
		d.count("open", t.Unproven.Count+t.Missing.Count)
		d.count("by_amazon", t.AmazonInitiated.Count)
		d.count("cancelled", t.Cancelled.Count)
	}
	d.count("ends", len(report.Ends))
	return nil
}

// compareLedgers holds our ledgers against Amazon's, to the cent.
func (d *day) compareLedgers(ctx context.Context) error {
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
	d.count("ledgers", len(ledgers))
	books := outside.Compare(d.amazon.Ledger(), ledgers, cancellations, "USD")
	d.books(books.Amazon, books.Ours, books.Equal())
	if !books.Equal() {
		return fmt.Errorf("%w:\n%s", errBooks, strings.Join(books.Differences, "\n"))
	}
	d.say("  they agree to the cent")
	return nil
}
