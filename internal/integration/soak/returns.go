package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/rma"
)

// returnsFile is a returns report, as Amazon made it at some time.
type returnsFile struct {
	account  amazon.Account
	meta     amazon.ReportMeta
	text     string
	imported bool
}

// parcel is one item that a buyer sends back, as the reports tell of it.
type parcel struct {
	rma, order, item, sku string
	requested             time.Time
	quantity              int
	reason, resolution    string
	tracking              string
	first                 int // the first of the files that has it
}

// statusAt is what Amazon says of a parcel in the n-th file that has it.
func (p parcel) statusAt(n int) string {
	return []string{"PendingApproval", "Approved", "Approved", "Completed", "Closed"}[min(n, 4)]
}

// drawReturns draws what buyers send back, and the reports that tell of it: the
// later ones know more, and none tells of everything.
func (w *world) drawReturns() {
	r := w.run
	for _, a := range w.accounts {
		var parcels []parcel
		for _, o := range w.host.orders {
			if o.Amazon.Account == a.ID && o.Shipping() != order.Unshipped && r.chance(0.6) {
				parcels = append(parcels, r.drawParcels(o, len(parcels))...)
			}
		}
		if len(parcels) == 0 {
			continue
		}
		if r.chance(0.2) { // of an order that the host does not know
			stray := parcels[0]
			stray.rma, stray.order = "Dstray", "111-9999999-0000001"
			parcels = append(parcels, stray)
		}
		for n := range 1 + r.random.IntN(4) {
			w.returns = append(w.returns, r.drawFile(a, n, parcels))
		}
	}
}

func (r *run) drawParcels(o order.Order, n int) (parcels []parcel) {
	for i, l := range o.Lines {
		if l.Shipped == 0 || i > 0 && r.chance(0.4) {
			continue
		}
		p := parcel{
			rma: fmt.Sprintf("D%s-%d", o.Amazon.Number, n), order: o.Amazon.Number, item: l.Item, sku: l.SKU,
			requested: began.Add(r.between(-96*time.Hour, -24*time.Hour)).Truncate(24 * time.Hour), quantity: 1 + r.random.IntN(l.Ordered),
			reason: []string{"CR-UNWANTED_ITEM", "CR-DEFECTIVE"}[r.random.IntN(2)], resolution: "StandardRefund", first: r.random.IntN(2),
		}
		if r.chance(0.15) {
			p.resolution = []string{"ReturnlessRefund", "Replacement"}[r.random.IntN(2)]
		}
		if r.chance(0.7) {
			p.tracking = fmt.Sprintf("9400%08d", r.random.IntN(1e8))
		}
		if r.chance(0.2) {
			p.rma = "" // told by its order, SKU and date
		}
		parcels = append(parcels, p)
		if r.chance(0.15) { // another one of the same line
			p.rma, p.requested = p.rma+"b", p.requested.AddDate(0, 0, 1)
			parcels = append(parcels, p)
		}
	}
	return parcels
}

func (r *run) drawFile(a amazon.Account, n int, parcels []parcel) *returnsFile {
	columns := []string{
		"Order ID", "Return request date", "Return request status", "Amazon RMA ID", "Merchant SKU", "Return quantity",
		"Return Reason", "Resolution", "Return carrier", "Tracking ID",
	}
	named, tracked := r.chance(0.5), r.chance(0.8)
	if named {
		columns = append(columns, "Order Item ID")
	}
	if !tracked {
		columns = slices.DeleteFunc(columns, func(c string) bool { return c == "Return carrier" || c == "Tracking ID" })
	}
	f := &returnsFile{account: a, meta: amazon.ReportMeta{Name: fmt.Sprintf("returns of %s, %d", a.ID, n+1), AsOf: began.Add(time.Duration(n-8) * time.Hour)}}
	lines := []string{strings.Join(columns, "\t")}
	for _, p := range parcels {
		if n < p.first || r.chance(0.2) {
			continue
		}
		row := map[string]string{
			"Order ID": p.order, "Return request date": p.requested.Format("2006-01-02"), "Return request status": p.statusAt(n - p.first + r.random.IntN(2)),
			"Amazon RMA ID": p.rma, "Merchant SKU": p.sku, "Return quantity": strconv.Itoa(p.quantity),
			"Return Reason": p.reason, "Resolution": p.resolution, "Order Item ID": p.item,
		}
		if n > p.first && p.tracking != "" {
			row["Return carrier"], row["Tracking ID"] = "USPS", p.tracking
		}
		var cells []string
		for _, c := range columns {
			cells = append(cells, row[c])
		}
		lines = append(lines, strings.Join(cells, "\t"))
	}
	f.text = strings.Join(lines, "\n") + "\n"
	return f
}

// importReturns imports some returns report, mostly one that was imported before.
func (r *run) importReturns(ctx context.Context, d desk) error {
	if len(r.world.returns) == 0 {
		return nil
	}
	return r.importFile(ctx, d, r.world.returns[r.random.IntN(len(r.world.returns))])
}

func (r *run) importFile(ctx context.Context, d desk, f *returnsFile) error {
	in, err := d.Returns.Import(ctx, f.account, rma.AmazonFormat, f.meta, strings.NewReader(f.text))
	r.tell("  %s: %d created, %d updated, %d unchanged, skipped %v", f.meta.Name, in.Created, in.Updated, in.Unchanged, in.Skipped)
	f.imported = f.imported || err == nil
	return err
}

// importRest imports the reports that nobody has imported yet, in some order.
func (r *run) importRest(ctx context.Context, d desk) error {
	var errs []error
	for _, i := range r.random.Perm(len(r.world.returns)) {
		if f := r.world.returns[i]; !f.imported {
			errs = append(errs, r.importFile(ctx, d, f))
		}
	}
	return errors.Join(errs...)
}

// receive counts goods of some RMA, or tells of a count again.
func (r *run) receive(ctx context.Context, d desk) error {
	m, err := r.anyRMA(ctx, d)
	if err != nil || m.ID == "" {
		return err
	}
	return r.receiveOf(ctx, d, m)
}

func (r *run) receiveOf(ctx context.Context, d desk, m rma.RMA) error {
	g := rma.Goods{RMA: m.ID, Key: fmt.Sprintf("parcel %d", 1+len(m.Arrivals)), By: "warehouse", Restock: r.chance(0.7)}
	if n := len(m.Arrivals); n > 0 && r.chance(0.3) {
		last := m.Arrivals[n-1]
		g.Key, g.Counts, g.Restock = last.Key, last.Counts, last.Restock
	} else {
		for _, l := range m.Lines {
			here := m.Counted(l.Item, l.SKU)
			for range l.Units - here.Good - here.Damaged - here.Missing {
				c := rma.Count{Item: l.Item, SKU: l.SKU}
				switch r.random.IntN(6) {
				case 0:
					c.Damaged = 1
				case 1:
					c.Missing = 1
				case 2:
					continue
				default:
					c.Good = 1
				}
				g.Counts = append(g.Counts, c)
			}
		}
	}
	if len(g.Counts) == 0 {
		return nil
	}
	_, err := d.Returns.Receive(ctx, g)
	return err
}

// refundReturn asks for what of some RMA may be refunded now.
func (r *run) refundReturn(ctx context.Context, d desk) error {
	m, err := r.anyRMA(ctx, d)
	if err != nil || m.ID == "" {
		return err
	}
	return r.refundOf(ctx, d, m)
}

func (r *run) refundOf(ctx context.Context, d desk, m rma.RMA) error {
	asked := 0
	for _, ask := range r.world.requests {
		if ask.refund.RMA == string(m.ID) {
			asked++
		}
	}
	q, err := d.Returns.Refund(ctx, m.ID, "clerk")
	if err != nil {
		return err
	}
	q.Key, q.Acknowledge = fmt.Sprintf("return %s %d", m.ID, asked+1), cautions
	ask := &request{kind: queue.KindRefund, refund: q}
	r.world.requests = append(r.world.requests, ask)
	return ask.issue(ctx, d)
}

// finishReturns has goods come and money go back for some RMAs.
func (r *run) finishReturns(ctx context.Context, d desk) error {
	open, err := d.Returns.RMAs(ctx, rma.Query{Statuses: []rma.Status{rma.Open}})
	errs := []error{err}
	for _, m := range open {
		if r.chance(0.5) {
			errs = append(errs, r.receiveOf(ctx, d, m))
		}
		if r.chance(0.5) {
			errs = append(errs, r.refundOf(ctx, d, m))
		}
	}
	return errors.Join(errs...)
}

func (r *run) anyRMA(ctx context.Context, d desk) (rma.RMA, error) {
	open, err := d.Returns.RMAs(ctx, rma.Query{Company: r.anyAccount().Company, Statuses: []rma.Status{rma.Open}})
	if err != nil || len(open) == 0 {
		return rma.RMA{}, err
	}
	return open[r.random.IntN(len(open))], nil
}
