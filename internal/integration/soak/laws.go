package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store/memory"
)

// compareHost looks whether the host's orders show what became of them.
func (r *run) compareHost(b books) error {
	astray := func(format string, args ...any) {
		r.figures.Astray++
		r.found(format, args...)
	}
	ctx, h := context.Background(), r.world.host
	left, err := r.world.store.Effects(ctx, r.clock.AddDate(1, 0, 0), 1)
	if err != nil {
		return err
	}
	wishes, err := r.world.store.BuyerRequests(ctx, cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	for _, e := range left {
		astray("effect %s %s of order %s was not carried out", e.Kind, e.Key, e.Order)
	}
	for _, o := range h.orders {
		var closing []cancel.Cancellation
		for _, c := range b.cancellations {
			if concerns(c, o.ID) && (c.Outcome == cancel.Open || c.Outcome == cancel.Cancelled || o.Status == order.StatusProblemOrder) {
				closing = append(closing, c)
			}
		}
		slices.SortFunc(closing, func(x, y cancel.Cancellation) int { return strings.Compare(string(x.ID), string(y.ID)) })
		done := slices.ContainsFunc(closing, func(c cancel.Cancellation) bool { return c.Outcome == cancel.Cancelled })
		if done && o.Status != order.StatusCancelled {
			astray("order %s is %s, and it was cancelled", o.ID, o.Status)
		}
		for _, hold := range o.Holds {
			if len(closing) == 0 && hold.Owner == order.HeldByCancellation {
				astray("order %s is held by a cancellation, and there is none", o.ID)
			}
			if hold.Owner == order.HeldByBuyer && !done && !slices.ContainsFunc(wishes, func(k cancel.BuyerRequest) bool { return k.Order == o.Amazon }) {
				astray("order %s is held for a wish of its buyer, which was decided", o.ID)
			}
		}
		if len(closing)+len(o.Holds) == 0 && o.Status != order.StatusInProcess {
			astray("order %s is %s, and nothing of it was cancelled", o.ID, o.Status)
		}
	}
	return nil
}

// compareStock holds the moves of the host's stock against what was to move it.
func (r *run) compareStock(b books) error {
	want := map[move]int{}
	for _, c := range b.cancellations {
		if !c.ZeroOut || r.world.host.unsplit[c.HostOrder] {
			continue
		}
		skus := map[string]bool{}
		for _, item := range c.Items {
			l := r.world.lines[c.Order.Number+item]
			if len(l.Kit) == 0 {
				skus[l.SKU] = true
			}
			for _, p := range l.Kit {
				skus[p.SKU] = true
			}
		}
		for sku := range skus {
			want[move{order: c.HostOrder, sku: sku, zero: true}]++
		}
	}
	rmas, err := r.world.store.RMAs(context.Background(), rma.Query{})
	if err != nil {
		return err
	}
	for _, m := range rmas {
		for _, a := range m.Arrivals {
			for _, c := range a.Counts {
				if a.Restock && c.Good != 0 {
					want[move{order: m.HostOrder, sku: c.SKU, quantity: c.Good}]++
				}
			}
		}
	}
	if !maps.Equal(want, r.world.host.moves) {
		r.figures.StockWrong++
		r.found("the stock was moved %v, and should have been %v", r.world.host.moves, want)
	}
	return nil
}

// compareReturns holds the RMAs against those of somebody who imports each report
// once, in the order in which Amazon made them. Where they stand is left out: that
// is up to goods and money as well.
func (r *run) compareReturns(b books) error {
	ctx := context.Background()
	fresh := memory.New()
	service, err := rma.New(rma.Config{Store: fresh, Book: r.world.host, Settings: r.world.settings, Now: r.time})
	if err != nil {
		return err
	}
	touched, err := r.contested(b)
	if err != nil {
		return err
	}
	for _, f := range r.world.returns {
		if _, err := service.Import(ctx, f.account, rma.AmazonFormat, f.meta, strings.NewReader(f.text)); err != nil {
			return err
		}
	}
	want, err := reported(ctx, fresh, touched)
	if err != nil {
		return err
	}
	got, err := reported(ctx, r.world.store, touched)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.figures.ReturnsDiffer++
		r.found("the RMAs are not those of the reports one by one:\n%s", diff)
	}
	return nil
}

// contested are the orders of which more comes back than was ordered, and something
// has come or was refunded: that return keeps its units, whichever was first.
func (r *run) contested(b books) (map[order.AmazonID]bool, error) {
	asked, orders := map[string]int{}, map[order.AmazonID]bool{}
	rmas, err := r.world.store.RMAs(context.Background(), rma.Query{})
	if err != nil {
		return nil, err
	}
	rows, err := r.world.store.Returns(context.Background(), rma.ReturnQuery{})
	if err != nil {
		return nil, err
	}
	touched := map[order.AmazonID]bool{}
	for _, m := range rmas {
		touched[m.Order] = touched[m.Order] || len(m.Arrivals) > 0
	}
	for _, f := range b.refunds {
		touched[f.Order] = touched[f.Order] || f.RMA != ""
	}
	seen := map[string]bool{}
	for _, k := range rows {
		said := k.Latest()
		line := k.Order.Number + said.SKU
		if name := line + said.RMAID + said.RequestDate.String(); !seen[name] {
			seen[name] = true
			asked[line] += said.Quantity
		}
		for _, o := range r.world.host.of(k.Order) {
			for _, l := range o.Lines {
				if l.SKU == said.SKU && asked[line] > l.Ordered && touched[k.Order] {
					orders[k.Order] = true
				}
			}
		}
	}
	return orders, nil
}

// reported is what a store has of returns that follows from reports alone, but for
// some orders.
func reported(ctx context.Context, from rma.Store, but map[order.AmazonID]bool) (map[string]any, error) {
	all := map[string]any{}
	rmas, err := from.RMAs(ctx, rma.Query{})
	if err != nil {
		return nil, err
	}
	for _, m := range rmas {
		if len(m.Lines) == 0 || but[m.Order] {
			continue // its units came to belong to an earlier return
		}
		type fact struct {
			Host                 order.ID
			Number, AmazonStatus string
			Resolution           rma.Resolution
			Lines, Notes         []string
			RequestedAt, AsOf    time.Time
		}
		f := fact{m.HostOrder, m.OrderSourceRMANumber, m.AmazonStatus, m.Resolution, nil, nil, m.RequestedAt, m.AsOf}
		for _, l := range m.Lines {
			f.Lines = append(f.Lines, fmt.Sprintf("%+v", l))
		}
		for _, n := range m.Notes {
			f.Notes = append(f.Notes, n.Text)
		}
		slices.Sort(f.Notes)
		all["RMA "+string(m.ID)] = f
	}
	returns, err := from.Returns(ctx, rma.ReturnQuery{})
	if err != nil {
		return nil, err
	}
	for _, k := range returns {
		if but[k.Order] {
			continue
		}
		type fact struct {
			State                        rma.ReturnState
			RMA                          rma.ID
			Item                         string
			Said                         reportparse.Return
			AsOf                         time.Time
			Approved, Agreed, Returnless bool
			Tracking, Carriers           []string
		}
		f := fact{k.State, k.RMA, k.Item, k.Latest(), k.AsOf, k.Approved, k.Agreed, k.Returnless, slices.Sorted(slices.Values(k.Tracking)), slices.Sorted(slices.Values(k.Carriers))}
		if f.Said.Line = 0; k.State != rma.ReturnMatched {
			f.Item = "" // it may have had its RMA before
		}
		all["return "+string(k.ID)] = f
	}
	return all, nil
}

// compareSettlements looks whether every cent is explained, now that settlements
// have shown all that Amazon paid.
func (r *run) compareSettlements(books) error {
	ctx := context.Background()
	unexplained := func(format string, args ...any) {
		r.figures.Unexplained++
		r.found(format, args...)
	}
	service, err := settlement.New(settlement.Config{Store: r.world.store, Book: r.world.host, Settings: r.world.settings, Now: r.time})
	if err != nil {
		return err
	}
	report, err := service.OpenEnds(ctx, settlement.EndsQuery{})
	if err != nil {
		unexplained("%v", err)
	}
	for _, e := range report.Ends {
		if e.Kind == settlement.EndReserved || e.Kind == settlement.EndKind(settlement.MatchUnanswered) || r.expected(e) {
			continue
		}
		unexplained("open end: %s", e)
	}
	alerts, err := r.world.store.Alerts(ctx, order.AlertQuery{})
	for _, a := range alerts {
		if strings.HasPrefix(a.Key, "unbalanced/") {
			unexplained("%s: %s", a.Key, a.Text)
		}
	}
	return err
}

// expected tells whether an open end is one that nobody of ours asked for: refunds
// past the library, and other applications'.
func (r *run) expected(e settlement.End) bool {
	switch e.Kind {
	case settlement.EndKind(settlement.MatchUnknownOrder):
		return slices.Contains(slices.Collect(maps.Values(r.world.strange)), e.Order.Number)
	case settlement.EndKind(settlement.MatchAmazonInitiated), settlement.EndKind(settlement.MatchDoubled):
		return slices.ContainsFunc(r.world.aside, func(a *aside) bool {
			return a.record.Order == e.Order && a.record.Lines[0].Amounts.Total().Equal(e.Amount.Amount) && !a.recorded
		})
	}
	return false
}

// compareApprovals looks whether somebody else agreed to what a clerk may not refund
// alone.
func (r *run) compareApprovals(b books) error {
	for _, e := range b.listed {
		f := b.refunds[e.ID]
		limited := len(r.world.settings[e.HostOrder.Company].Policy.Limits) > 0
		if limited && f.Total().Amount.GreaterThan(limit) && len(e.Attempts) > 0 && f.Approved.By != "supervisor" {
			r.figures.Unapproved++
			r.found("refund %s of %s was sent, and nobody but %s agreed to it", f.ID, f.Total(), f.Issued.By)
		}
	}
	return nil
}

// compareWishes looks whether what buyers wished was heeded.
func (r *run) compareWishes(b books) error {
	ctx := context.Background()
	for _, w := range r.world.wishes {
		known, err := r.world.store.BuyerRequests(ctx, cancel.RequestQuery{Orders: []order.AmazonID{w.order}})
		if err != nil {
			return err
		}
		known = slices.DeleteFunc(known, func(k cancel.BuyerRequest) bool { return w.item != "" && k.Item != w.item })
		if !w.heard.IsZero() && len(known) == 0 && !r.overAtAmazon(w) {
			r.figures.Lost++
			r.found("the wish to cancel %q of order %s was heard and is gone", w.item, w.order)
		}
		for _, k := range known {
			c, ok := b.cancellations[k.Entry]
			if k.State == cancel.RequestAccepted && (!ok || c.Outcome == cancel.Dropped) {
				r.figures.Lost++
				r.found("the wish to cancel %s of order %s was accepted, and its cancellation %q is %s", k.Item, w.order, k.Entry, c.Outcome)
			}
			if at, sent := b.sentAgainst(w, k); sent {
				r.figures.Lost++
				r.found("the wish to cancel %s of order %s was heard at %s, and %s was sent for another reason", k.Item, w.order, w.heard.Format(told), at)
			}
		}
	}
	return nil
}

// sentAgainst finds a cancellation that was sent for another reason than the buyer's,
// after the wish was heard; clocks do not agree.
func (b books) sentAgainst(w *wish, k cancel.BuyerRequest) (id queue.EntryID, found bool) {
	for _, e := range b.listed {
		c := b.cancellations[e.ID]
		if w.heard.IsZero() || c.Order != w.order || c.Reason == amazon.ReasonBuyerCancelled || !slices.Contains(c.Items, k.Item) {
			continue
		}
		for _, a := range e.Attempts {
			if a.At.After(w.heard.Add(skewOfAmazon + 2*skewOfWorker)) {
				return e.ID, true
			}
		}
	}
	return "", false
}

// overAtAmazon tells whether an order had come to its end before anybody heard.
func (r *run) overAtAmazon(w *wish) bool {
	theirs, _ := r.world.fake.Order(w.order.Number)
	return theirs.Status == "CANCELLED" || theirs.Status == "SHIPPED"
}
