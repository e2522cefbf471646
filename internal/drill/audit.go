package drill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// Findings is what an audit found.
type Findings struct {
	Wrong []string // what must not be, whatever happened; none when all is well
	Open  int      // requests that somebody can see to be undecided
	Other int      // requests that ended in another way than on a day without faults
}

// Audit compares what the store says of the plan's requests with what Amazon did.
// Each request had effect at most once; it is paid, refused, or visibly open;
// the reservations are those of what is open; no batch is without an end; and
// the ledgers are Amazon's.
func (p Plan) Audit(ctx context.Context, st takeback.Store, fake *amazontest.Server) (Findings, error) {
	a := audit{plan: p, paid: map[string]decimal.Decimal{}}
	if err := a.read(ctx, st); err != nil {
		return a.Findings, err
	}
	a.count(fake.Ledger())
	for _, r := range p.Requests {
		a.request(r, fake)
	}
	for _, o := range p.Orders {
		a.ledger(o)
	}
	a.documents(fake.Feeds())
	return a.Findings, nil
}

// Ended tells whether nothing is left to do: every request has been asked for and
// has come to an end, and so has every batch.
func (p Plan) Ended(ctx context.Context, st takeback.Store) (bool, error) {
	open, err := st.Batches(ctx, queue.BatchQuery{Unapplied: true, Limit: 1})
	if err != nil || len(open) > 0 {
		return false, err
	}
	es, err := st.Entries(ctx, queue.EntryQuery{})
	if err != nil || len(es) < len(p.Requests) {
		return false, err
	}
	return !slices.ContainsFunc(es, func(e queue.Entry) bool { return !e.State.Final() }), nil
}

type audit struct {
	Findings
	plan    Plan
	ids     map[string]queue.EntryID // by the request's key
	entries map[queue.EntryID]queue.Entry
	refunds map[queue.EntryID]refund.Refund
	cancels map[queue.EntryID]cancel.Cancellation
	ledgers map[order.AmazonID]order.Ledger
	batches []queue.Batch

	paid map[string]decimal.Decimal // what Amazon paid, by refund and line, whatever the attempt
	held map[order.AmazonID]decimal.Decimal
}

func (a *audit) wrong(format string, args ...any) {
	a.Wrong = append(a.Wrong, fmt.Sprintf(format, args...))
}

// hostKey begins every key that a host brought.
const hostKey = "host/"

func (a *audit) read(ctx context.Context, st takeback.Store) error {
	a.ids = map[string]queue.EntryID{}
	a.entries, a.refunds = map[queue.EntryID]queue.Entry{}, map[queue.EntryID]refund.Refund{}
	a.cancels, a.ledgers = map[queue.EntryID]cancel.Cancellation{}, map[order.AmazonID]order.Ledger{}
	a.held = map[order.AmazonID]decimal.Decimal{}
	entries, err := st.Entries(ctx, queue.EntryQuery{})
	if err != nil {
		return err
	}
	for _, e := range entries {
		a.entries[e.ID] = e
	}
	refunds, err := st.Refunds(ctx, refund.Query{})
	if err != nil {
		return err
	}
	for _, r := range refunds {
		a.refunds[r.ID] = r
		a.ids[strings.TrimPrefix(r.Key, hostKey)] = r.ID
	}
	cancels, err := st.Cancellations(ctx, cancel.Query{})
	if err != nil {
		return err
	}
	for _, c := range cancels {
		a.cancels[c.ID] = c
		a.ids[strings.TrimPrefix(c.Key, hostKey)] = c.ID
	}
	var ids []order.AmazonID
	for _, o := range a.plan.Orders {
		ids = append(ids, o.Amazon)
	}
	ledgers, err := st.Ledgers(ctx, ids)
	if err != nil {
		return err
	}
	for _, l := range ledgers {
		a.ledgers[l.Order] = l
	}
	a.batches, err = st.Batches(ctx, queue.BatchQuery{})
	return err
}

// count adds up what Amazon paid. A message names its refund, its line, and its
// attempt, so what was paid for two attempts counts together.
func (a *audit) count(ps []amazontest.Payment) {
	for _, p := range ps {
		cut := strings.LastIndex(p.Adjustment, "-")
		if cut < 0 {
			a.wrong("Amazon paid %s for order %s, and no refund of ours is named", p.Amount, p.Order)
			continue
		}
		line := p.Adjustment[:cut]
		a.paid[line] = a.paid[line].Add(p.Amount)
	}
}

// request audits one request.
func (a *audit) request(r Request, fake *amazontest.Server) {
	e, ok := a.entries[a.ids[r.Key]]
	if !ok {
		a.wrong("%s was never saved", r.Key)
		return
	}
	if !e.State.Final() {
		a.Open++
		if !a.visible(e) {
			a.wrong("%s is %s for ever, and does not say why", r.Key, e.State)
		}
	}
	if e.State != r.Want {
		a.Other++
	}
	switch r.Kind {
	case queue.KindRefund:
		a.refund(r.Key, e)
	case queue.KindCancellation:
		a.cancellation(r.Key, e, fake)
	}
}

// visible tells whether staff can see that an entry is open, and why: it waits
// for evidence or a person, or for another entry of its order that does.
func (a *audit) visible(e queue.Entry) bool {
	switch e.State {
	case queue.EntryUnknownSent, queue.EntryUnknownResult, queue.EntryNeedsDecision:
		return e.Why != ""
	case queue.EntryQueued:
		for _, other := range a.entries {
			if other.Order == e.Order && other.ID != e.ID && strings.Contains(e.Why, string(other.ID)) {
				return a.visible(other)
			}
		}
	}
	return false
}

func (a *audit) refund(key string, e queue.Entry) {
	for i, l := range a.refunds[e.ID].Lines {
		line := fmt.Sprintf("%s-%d", e.ID, i+1)
		paid, asked := a.paid[line], l.Amounts.Total()
		if paid.GreaterThan(asked) {
			a.wrong("%s, line %d: Amazon paid %s of %s", key, i+1, paid, asked)
		}
		switch l.Outcome {
		case refund.LinePosted:
			if !paid.Equal(asked) {
				a.wrong("%s, line %d: is posted, and Amazon paid %s of %s", key, i+1, paid, asked)
			}
		case refund.LineVoided:
			if !paid.IsZero() {
				a.wrong("%s, line %d: was given up as %s, and Amazon paid %s", key, i+1, e.State, paid)
			}
		default:
			a.hold(e, asked)
			if e.State.Final() {
				a.wrong("%s, line %d: is %s, and its money is still reserved", key, i+1, e.State)
			}
		}
	}
}

func (a *audit) cancellation(key string, e queue.Entry, fake *amazontest.Server) {
	o, _ := fake.Order(e.Order.Number)
	cancelled := o.Status == amazon.OrderCancelled
	switch outcome := a.cancels[e.ID].Outcome; {
	case outcome == cancel.Open:
		a.hold(e, e.Amount.Amount)
	case cancelled != (outcome == cancel.Cancelled):
		a.wrong("%s is %s, and the order is %s at Amazon", key, outcome, o.Status)
	}
}

func (a *audit) hold(e queue.Entry, amount decimal.Decimal) {
	a.held[e.Order] = a.held[e.Order].Add(amount)
}

// ledger audits the balances of one order.
func (a *audit) ledger(o order.Order) {
	l := a.ledgers[o.Amazon]
	if held := l.Total(order.Reserved); !held.Equal(a.held[o.Amazon]) {
		a.wrong("order %s: %s is reserved, %s is open", o.Amazon.Number, held, a.held[o.Amazon])
	}
	posted := decimal.Zero
	for _, r := range a.refunds {
		for i, line := range r.Lines {
			if r.Order == o.Amazon && line.Outcome == refund.LinePosted {
				posted = posted.Add(a.paid[fmt.Sprintf("%s-%d", r.ID, i+1)])
			}
		}
	}
	if ours := l.TotalBy(order.Posted, order.CauseRefund); !ours.Equal(posted) {
		a.wrong("order %s: our ledger has %s, Amazon's %s", o.Amazon.Number, ours, posted)
	}
}

// documents audits the batches, and that no document was made into two feeds.
func (a *audit) documents(feeds []amazontest.Feed) {
	for _, b := range a.batches {
		if !b.Applied && b.State != queue.BatchUnknownSent {
			a.wrong("batch %s is %s for ever: %s", b.ID, b.State, b.Why)
		}
	}
	seen := map[string]amazon.FeedID{}
	for _, f := range feeds {
		if first, twice := seen[string(f.Document)]; twice {
			a.wrong("feed %s has the document of feed %s", f.ID, first)
		}
		seen[string(f.Document)] = f.ID
	}
}
