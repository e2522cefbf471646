package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/examples/internal/shop"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store/sqlite"
)

// day is one working day of the host.
type day struct {
	flags
	desk    *takeback.Desk
	db      *sql.DB
	store   *sqlite.Store
	shop    shop.Shop
	amazon  *outside.Amazon
	clock   *outside.Clock
	tell    io.Writer
	earlier map[queue.BatchID]bool // what an earlier run had finished

	returns rma.Imported
	issued  int // requests that this run made
	batches []queue.Batch
	ledger  outside.Comparison
}

func (d *day) say(format string, args ...any) { fmt.Fprintf(d.tell, format+"\n", args...) }

func (d *day) work(ctx context.Context, report []byte, name string, made time.Time) error {
	finished, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company})
	if err != nil {
		return err
	}
	for _, b := range finished {
		d.earlier[b.ID] = b.Applied
	}
	for _, step := range []func() error{
		func() error { return d.importReturns(ctx, report, name, made) },
		func() error { return d.refundReturns(ctx) },
		func() error { return d.refundOrder(ctx) },
		func() error { return d.cancelOrder(ctx) },
		func() error { return d.requestMore(ctx) },
		func() error { return d.review(ctx) },
		func() error { return d.follow(ctx) },
		func() error { return d.showResults(ctx) },
		func() error { return d.compare(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// importReturns asks Amazon for the returns report, as the real client would,
// and imports it.
func (d *day) importReturns(ctx context.Context, report []byte, name string, made time.Time) error {
	d.say("1. Returns")
	found, _, err := reportparse.Detect(bytes.NewReader(report), reportparse.Options{Name: name})
	if err != nil {
		return err
	}
	kind := amazon.ReturnsFlatReport
	if found.Format == reportparse.FormatXML {
		kind = amazon.ReturnsXMLReport
	}
	if err := d.amazon.AddReport(amazontestReport(kind, report)); err != nil {
		return err
	}
	a, client := d.amazon.Account, d.amazon.Client
	id, err := client.Request(ctx, a, amazon.ReportRequest{Type: kind})
	if err != nil {
		return err
	}
	r, err := client.Report(ctx, a, id)
	for err == nil && r.Status != amazon.ReportDone {
		if r.Status == amazon.ReportCancelled || r.Status == amazon.ReportFatal {
			return fmt.Errorf("returns report ended %s", r.Status)
		}
		d.clock.Advance(30 * time.Second)
		r, err = client.Report(ctx, a, id)
	}
	if err != nil {
		return err
	}
	body, meta, err := client.Open(ctx, a, r)
	if err != nil {
		return err
	}
	defer body.Close()
	// The fake gives out the merchant's file, which is as old as the file.
	meta.Name, meta.AsOf = name, made
	if d.returns, err = d.desk.Returns.Import(ctx, a, rma.AmazonFormat, meta, body); err != nil {
		return err
	}
	in := d.returns
	d.say("   %s: %d created, %d updated, %d unchanged, %d unmatched, %d bad", name, in.Created, in.Updated, in.Unchanged, in.Unmatched, in.Bad)
	for why, n := range in.Skipped {
		d.say("   %d skipped: %s", n, why)
	}
	for _, number := range in.UnmatchedOrders {
		d.say("   unmatched: order %s is not ours", number)
	}
	for _, bad := range in.BadRows {
		d.say("   bad row: %v", bad)
	}
	return nil
}

// refundReturns refunds one RMA in part and the others in full, at most three on
// as many orders.
func (d *day) refundReturns(ctx context.Context) error {
	d.say("\n2. Refunds and a cancellation")
	rmas, err := d.desk.Returns.RMAs(ctx, rma.Query{Company: company, Statuses: []rma.Status{rma.Open}})
	if err != nil {
		return err
	}
	seen := map[order.AmazonID]bool{}
	for _, r := range rmas {
		if seen[r.Order] || len(seen) == 3 {
			continue
		}
		request := r.Refund("anna")
		request.Key = "quickstart/" + string(r.ID)
		if len(seen) == 0 {
			if err := d.partly(ctx, &request); err != nil {
				return err
			}
		}
		seen[r.Order] = true
		if err := d.refund(ctx, request, "RMA "+r.OrderSourceRMANumber); err != nil {
			return err
		}
	}
	return nil
}

// partly makes a request one for two fifths of the first line's price.
func (d *day) partly(ctx context.Context, r *refund.Request) error {
	orders, err := d.shop.Orders(ctx, []order.AmazonID{r.Order})
	if err != nil || len(orders) == 0 {
		return err
	}
	line, _ := orders[0].Line(r.Lines[0].Item)
	share := order.Allocate(line.Paid()[order.Principal], []decimal.Decimal{decimal.NewFromInt(2), decimal.NewFromInt(3)}, orders[0].Currency)
	r.Lines = []refund.Ask{{Item: line.Item, Amounts: order.Amounts{order.Principal: share[0]}}}
	r.Comment = "keeps it, with a mark on it"
	return nil
}

// refund drafts, shows, confirms and issues.
func (d *day) refund(ctx context.Context, r refund.Request, what string) error {
	draft, err := d.desk.Refunds.Draft(ctx, r)
	if err != nil {
		return err
	}
	if draft.Existing {
		d.say("   %s: refund %s was issued before", what, draft.Refund.ID)
		return nil
	}
	d.show(draft, what)
	if len(draft.Cautions) > 0 {
		d.say("     left alone: somebody has to think about it")
		return nil
	}
	r.Token = draft.Token // somebody has seen it
	issued, err := d.desk.Refunds.Issue(ctx, r)
	if err != nil {
		return err
	}
	d.say("     issued as %s", issued.ID)
	return d.requested(ctx)
}

func (d *day) show(draft refund.Draft, what string) {
	cur := draft.Refund.Currency
	d.say("   %s: Total Refunded %s (%s)", what, draft.Refund.Total(), draft.Total.In(cur))
	for _, b := range draft.Balances {
		d.say("     item %s: left after it %s", b.Item, b.Left.In(cur))
	}
	for _, w := range draft.Warnings {
		d.say("     warning: %s", w)
	}
	for _, c := range draft.Cautions {
		d.say("     caution: %s", c.Text)
	}
}

// requested is called after each request: in Direct mode the host steps at once,
// so that the request goes out by itself.
func (d *day) requested(ctx context.Context) error {
	d.issued++
	d.clock.Advance(time.Second)
	if d.mode != "direct" {
		return nil
	}
	_, err := d.desk.Step(ctx)
	return err
}

// refundOrder refunds one of two units of an order, saving the draft and a row
// of the host's own in one transaction, and shows a refund that is too much.
func (d *day) refundOrder(ctx context.Context) error {
	id := d.amazon.ID(orderToRefund)
	orders, err := d.shop.Orders(ctx, []order.AmazonID{id})
	if err != nil {
		return err
	}
	line := orders[0].Lines[0]
	draft, err := d.desk.Refunds.Draft(ctx, refund.Request{
		Order: id, Lines: []refund.Ask{{Item: line.Item, Units: 1, Shipping: true}},
		Reason: amazon.ReasonGeneralAdjustment, Comment: "one of two arrived late", Key: "quickstart/order", By: "anna",
	})
	if err != nil {
		return err
	}
	if draft.Existing {
		d.say("   order %s: refund %s was issued before", id.Number, draft.Refund.ID)
	} else {
		d.show(draft, "order "+id.Number)
		if err := d.saveWithRow(ctx, draft); err != nil {
			return err
		}
		d.say("     issued as %s, in one transaction with the host's own row", draft.Refund.ID)
		if err := d.requested(ctx); err != nil {
			return err
		}
	}

	tooMuch := line.Paid()[order.Principal].Mul(decimal.NewFromInt(2))
	_, err = d.desk.Refunds.Draft(ctx, refund.Request{
		Order: id, Lines: []refund.Ask{{Item: line.Item, Amounts: order.Amounts{order.Principal: tooMuch}}},
		Reason: amazon.ReasonGeneralAdjustment, By: "anna",
	})
	if !errors.Is(err, order.ErrOver) {
		return fmt.Errorf("an over-refund should have been refused, got %v", err)
	}
	d.say("   refused as it should be: %v", err)
	return nil
}

// saveWithRow saves a draft in the host's own transaction: both or neither.
func (d *day) saveWithRow(ctx context.Context, draft refund.Draft) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET notes = notes || ? WHERE company = ? AND number = ?`,
		"anna refunded one unit\n", draft.Refund.HostOrder.Company, draft.Refund.HostOrder.Number); err != nil {
		return err
	}
	if err := draft.Save(ctx, d.store.WithTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func (d *day) cancelOrder(ctx context.Context) error {
	id := d.amazon.ID(orderToCancel)
	draft, err := d.desk.Cancels.Draft(ctx, cancel.Request{Order: id, Reason: amazon.ReasonNoInventory, By: "ben"})
	if err != nil {
		return err
	}
	if draft.Existing {
		d.say("   order %s: cancellation %s was asked for before", id.Number, draft.Cancellation.ID)
		return nil
	}
	if err := draft.Save(ctx, d.store); err != nil {
		return err
	}
	gate, err := d.desk.Cancels.MayShip(ctx, id)
	if err != nil {
		return err
	}
	if gate.May {
		return fmt.Errorf("order %s may ship although its cancellation is queued", id.Number)
	}
	d.say("   order %s: cancellation %s for %s; it must not ship: %s", id.Number, draft.Cancellation.ID, draft.AmazonReason, strings.Join(gate.Why, "; "))
	return d.requested(ctx)
}

// requestMore asks for a refund that Amazon will refuse, and for one that an
// operator will reject.
func (d *day) requestMore(ctx context.Context) error {
	for _, number := range []string{orderRefunded, orderToReject} {
		id := d.amazon.ID(number)
		orders, err := d.shop.Orders(ctx, []order.AmazonID{id})
		if err != nil {
			return err
		}
		if err := d.refund(ctx, refund.Request{
			Order: id, Lines: []refund.Ask{{Item: orders[0].Lines[0].Item, Units: 1}},
			Reason: amazon.ReasonDifferentItem, Key: "quickstart/" + number, By: "ben",
		}, "order "+number); err != nil {
			return err
		}
	}
	return nil
}

// review is what an operator does with the queue: look, say no to one request,
// and send the rest.
func (d *day) review(ctx context.Context) error {
	d.say("\n3. The queue of %s", company)
	byFeed := map[amazon.FeedType][]queue.EntryID{}
	for _, kind := range []queue.Kind{queue.KindRefund, queue.KindCancellation} {
		entries, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Company: company, Kinds: []queue.Kind{kind}, States: []queue.State{queue.EntryQueued}})
		if err != nil {
			return err
		}
		d.say("   %s: %d waiting", kind, len(entries))
		for _, e := range entries {
			d.say("     %s  order %s  %10s  %s", e.ID, e.Order.Number, e.Amount, e.Label)
			if d.mode != "direct" && e.Order.Number == orderToReject {
				if err := d.desk.Queue.Reject(ctx, "olga", "the buyer has a replacement already", e.ID); err != nil {
					return err
				}
				d.say("       rejected by olga")
				continue
			}
			if e.Selection == nil { // an earlier run that was stopped may have chosen it
				byFeed[e.Feed] = append(byFeed[e.Feed], e.ID)
			}
		}
	}
	switch d.mode {
	case "manual":
		for _, feed := range []amazon.FeedType{amazon.RefundFeed, amazon.CancelFeed} {
			if len(byFeed[feed]) == 0 {
				continue
			}
			documents, err := d.desk.Queue.Process(ctx, "olga", byFeed[feed]...)
			if err != nil {
				return err
			}
			for _, doc := range documents {
				d.say("   processed by olga: %d in batch %s", len(doc.Entries), doc.Batch)
			}
		}
	case "auto":
		if d.issued > 0 {
			d.clock.Advance(30 * time.Minute)
			d.say("   30 minutes later …")
		}
	}
	return nil
}

// follow steps until everything sent has its answer, moving the clock to when
// each step says that the next is due.
func (d *day) follow(ctx context.Context) error {
	const most = 500
	for range most {
		next, err := d.desk.Step(ctx)
		if err != nil {
			return err
		}
		open, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company, Unapplied: true})
		if err != nil {
			return err
		}
		due := queue.EntryQuery{Company: company, States: []queue.State{queue.EntryQueued}, Selected: d.mode == "manual"}
		waiting, err := d.desk.Queue.Entries(ctx, due)
		if err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(b queue.Batch) bool { return b.State == queue.BatchUnknownSent })
		if len(open) == 0 && len(waiting) == 0 {
			break
		}
		d.clock.Advance(next.Sub(d.clock.Now()))
	}
	return nil
}

func (d *day) showResults(ctx context.Context) error {
	d.say("\n4. What Amazon answered")
	all, err := d.desk.Queue.Batches(ctx, queue.BatchQuery{Company: company, Contents: true})
	if err != nil {
		return err
	}
	for _, b := range all {
		if err := d.write(b); err != nil {
			return err
		}
		b.Document, b.Report = nil, nil
		if d.earlier[b.ID] {
			continue
		}
		d.batches = append(d.batches, b)
		d.say("   Batch ID %s, Document Number %s: %s, %d accepted, %d refused", b.ID, b.DocumentNumber, kindOf(b.Feed), b.Accepted, b.Refused)
		entries, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Batch: b.ID})
		if err != nil {
			return err
		}
		for _, e := range entries {
			d.say("     %s  order %s  %10s  %s", e.ID, e.Order.Number, e.Amount, e.State.Label())
			for _, r := range e.Attempt().Results {
				if r.Verdict != amazon.VerdictAccepted {
					d.say("       %d: %s", r.Code, r.Text)
				}
			}
		}
	}
	if len(d.batches) == 0 && d.issued == 0 {
		d.say("   nothing new: an earlier run did all this, and nothing was changed")
	}
	return nil
}

// write keeps a document and its processing report for people to look at.
func (d *day) write(b queue.Batch) error {
	if d.out == "" {
		return nil
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return err
	}
	for ending, content := range map[string][]byte{".xml": b.Document, ".report.xml": b.Report} {
		if content == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(d.out, string(b.ID)+ending), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(t amazon.FeedType) string {
	if t == amazon.CancelFeed {
		return "cancellation"
	}
	return "refund"
}

// summary is what -json prints.
type summary struct {
	Returns struct {
		Created   int `json:"created"`
		Updated   int `json:"updated"`
		Unchanged int `json:"unchanged"`
		Skipped   int `json:"skipped"`
		Unmatched int `json:"unmatched"`
		Bad       int `json:"bad"`
	} `json:"returns"`
	Batches []batchSummary `json:"batches"`
	Ledger  struct {
		PaidByAmazon string `json:"paid_by_amazon"`
		PostedByUs   string `json:"posted_by_us"`
		Equal        bool   `json:"equal"`
	} `json:"ledger"`
}

type batchSummary struct {
	BatchID        queue.BatchID `json:"batch_id"`
	DocumentNumber amazon.FeedID `json:"document_number"`
	Type           string        `json:"type"`
	Entries        int           `json:"entries"`
	Accepted       int           `json:"accepted"`
	Refused        int           `json:"refused"`
}

// printJSON prints the run as one object.
func (d *day) printJSON(w io.Writer) error {
	s := summary{Batches: []batchSummary{}}
	in := d.returns
	s.Returns.Created, s.Returns.Updated, s.Returns.Unchanged = in.Created, in.Updated, in.Unchanged
	s.Returns.Unmatched, s.Returns.Bad = in.Unmatched, in.Bad
	for _, n := range in.Skipped {
		s.Returns.Skipped += n
	}
	for _, b := range d.batches {
		s.Batches = append(s.Batches, batchSummary{b.ID, b.DocumentNumber, kindOf(b.Feed), b.Entries, b.Accepted, b.Refused})
	}
	s.Ledger.PaidByAmazon, s.Ledger.PostedByUs, s.Ledger.Equal = d.ledger.Amazon, d.ledger.Ours, d.ledger.Equal()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}
