package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// books are what both sides have at the end of a run.
type books struct {
	entries       map[queue.EntryID]queue.Entry
	listed        []queue.Entry // the same
	refunds       map[queue.EntryID]refund.Refund
	cancellations map[queue.EntryID]cancel.Cancellation
	ledgers       []order.Ledger
	batches       []queue.Batch

	feeds     map[feedKey]amazontest.Feed
	payments  map[line][]amazontest.Payment           // that our feeds made
	others    map[order.AmazonID][]amazontest.Payment // that no feed made
	cancelled map[queue.EntryID]int                   // how often a feed of ours had a whole order cancelled
}

// feedKey names a feed: feed IDs are unique only together with the seller.
type feedKey struct {
	seller string
	id     amazon.FeedID
}

// line is one line of a refund or of a part that was cancelled, by its place among
// the lines.
type line struct {
	entry queue.EntryID
	index int
}

// compare holds our books against Amazon's.
func (r *run) compare() error {
	b, err := r.world.books()
	if err != nil {
		return err
	}
	r.figures.Requests = len(r.world.requests)
	for _, ask := range r.world.requests {
		r.compareRequest(b, ask)
	}
	for _, e := range b.listed {
		r.compareEntry(b, e)
	}
	for _, l := range b.ledgers {
		r.compareLedger(b, l)
	}
	for _, batch := range b.batches {
		r.compareBatch(b, batch)
	}
	for _, law := range []func(books) error{r.compareHost, r.compareStock, r.compareReturns, r.compareSettlements, r.compareApprovals, r.compareWishes} {
		if err := law(b); err != nil {
			return err
		}
	}
	return r.tellBooks(b)
}

// tellBooks is for whoever follows a run: how everything ended, and why.
func (r *run) tellBooks(b books) error {
	if r.trace == nil {
		return nil
	}
	for _, batch := range b.batches {
		r.tell("batch %s is %s as %s, applied %t. %s", batch.ID, batch.State, batch.DocumentNumber, batch.Applied, batch.Why)
		for _, e := range batch.Evidence {
			r.tell("  %s %s: %s %s, by %s", e.At.Format(told), e.Kind, e.Document, e.Text, e.By)
		}
	}
	for _, e := range b.listed {
		r.tell("%s %s of order %s is %s. %s", e.Kind, e.ID, e.Order, e.State, e.Why)
		for _, a := range e.Attempts {
			r.tell("  in batch %s: %v", a.Batch, a.Results)
			for _, e := range a.Evidence {
				r.tell("    %s %s: %s %s, by %s", e.At.Format(told), e.Kind, e.Document, e.Text, e.By)
			}
		}
	}
	alerts, err := r.world.store.Alerts(context.Background(), order.AlertQuery{})
	for _, a := range alerts {
		r.tell("alert %s at %s: %s", a.Key, a.At.Format(told), a.Text)
	}
	return err
}

// told is how a run tells times.
const told = "2 Jan 15:04:05"

// found notes what is wrong.
func (r *run) found(format string, args ...any) {
	finding := fmt.Sprintf(format, args...)
	r.findings = append(r.findings, finding)
	r.tell("WRONG: %s", finding)
}

func (r *run) compareRequest(b books, ask *request) {
	if _, ok := b.entries[ask.issued]; !ok && ask.refused == nil {
		r.figures.Lost++
		r.found("%s was queued as %s and is gone", ask, ask.issued)
	}
	if key := ask.refund.Key; ask.refused != nil && key != "" {
		if slices.ContainsFunc(slices.Collect(maps.Values(b.refunds)), func(f refund.Refund) bool { return f.Key == key && f.Order == ask.order() }) {
			r.figures.Double++
			r.found("%s was refused (%v) and is there", ask, ask.refused)
		}
	}
}

func (r *run) compareEntry(b books, e queue.Entry) {
	if !e.State.Final() {
		r.figures.Undecided++
		r.tell("undecided: %s %s is %s: %s", e.Kind, e.ID, e.State, e.Why)
	}
	double, lost := false, false
	c := b.cancellations[e.ID]
	if e.Kind == queue.KindCancellation && !c.Part && !c.Local {
		times, outcome := b.cancelled[e.ID], c.Outcome
		double = times > 1
		lost = times == 0 && outcome == cancel.Cancelled
		if times > 0 && e.State.Final() && outcome != cancel.Cancelled {
			r.unequal("cancellation %s is %s here, and Amazon cancelled order %s", e.ID, outcome, e.Order)
		}
	}
	for i, l := range b.refunds[e.ID].Lines {
		messages := b.messages(line{e.ID, i})
		double = double || messages > 1
		lost = lost || messages == 0 && l.Outcome == refund.LinePosted
		if e.State.Final() && l.Outcome == refund.LineOpen {
			lost = true
			r.found("refund %s is %s, and its line %s neither paid nor given up", e.ID, e.State, l.Item)
		}
	}
	for i := range c.Units {
		messages := b.messages(line{e.ID, i})
		double = double || messages > 1
		lost = lost || messages == 0 && c.Part && !c.Local && c.Outcome == cancel.Cancelled
		if messages > 0 && (c.Local || e.State.Final() && c.Outcome == cancel.Dropped) {
			r.unequal("cancellation %s is %s here, and Amazon cancelled units of it", e.ID, c.Outcome)
		}
	}
	if double {
		r.figures.Double++
		r.found("%s %s of order %s had effect more than once", e.Kind, e.ID, e.Order)
	}
	if lost {
		r.figures.Lost++
		r.found("%s %s of order %s is %s, and Amazon did not do it", e.Kind, e.ID, e.Order, e.State)
	}
}

// messages counts those that had Amazon pay a line.
func (b books) messages(l line) int {
	ids := map[[2]string]bool{}
	for _, p := range b.payments[l] {
		ids[[2]string{string(p.Feed), p.Message}] = true
	}
	return len(ids)
}

// compareUnsettled holds the ledgers against what is known of accounts before their
// first settlement: it must not take one to get them right.
func (r *run) compareUnsettled() error {
	b, err := r.world.books()
	if err != nil {
		return err
	}
	b.others = map[order.AmazonID][]amazontest.Payment{}
	for _, made := range r.world.aside {
		for _, l := range made.record.Lines {
			if made.recorded {
				p := amazontest.Payment{Item: l.Item, Component: order.Principal, Amount: l.Amounts[order.Principal]}
				b.others[made.record.Order] = append(b.others[made.record.Order], p)
			}
		}
	}
	for _, l := range b.ledgers {
		if !slices.ContainsFunc(r.world.periods, func(p *period) bool { return p.account.ID == l.Order.Account && p.tried }) {
			r.compareLedger(b, l)
		}
	}
	return nil
}

// compareLedger holds what we posted for an order against what Amazon paid, at
// whoever's word, and what we reserved against what is open.
func (r *run) compareLedger(b books, l order.Ledger) {
	posted, paid := sums{}, sums{}
	for _, p := range l.Postings {
		// What a whole order would have cost was never collected.
		if p.Balance == order.Posted && (p.Cause.Kind != order.CauseCancellation || b.isPart(queue.EntryID(p.Cause.ID))) {
			posted.add(p.Item, p.Component, p.Amount)
		}
	}
	for of, ps := range b.payments {
		if b.isOpen(of) {
			continue // and reserved, until somebody knows
		}
		for _, p := range ps {
			if p.Order == l.Order.Number {
				paid.add(p.Item, p.Component, p.Amount)
			}
		}
	}
	for _, p := range b.others[l.Order] {
		paid.add(p.Item, p.Component, p.Amount)
	}
	if !maps.EqualFunc(posted, paid, order.Amounts.Equal) {
		r.unequal("order %s: posted %v, and Amazon paid %v", l.Order, posted, paid)
	}

	reserved, open := sums{}, sums{}
	for _, p := range l.Postings {
		if p.Balance == order.Reserved {
			reserved.add(p.Item, p.Component, p.Amount)
		}
	}
	for _, refunded := range b.refunds {
		for _, line := range refunded.Lines {
			if refunded.Order == l.Order && line.Outcome == refund.LineOpen {
				open.addAll(line.Item, line.Amounts)
			}
		}
	}
	for _, c := range b.cancellations {
		for _, item := range c.Items {
			if c.Order == l.Order && c.Outcome == cancel.Open {
				open.addAll(item, l.Held(c.Cause(), item))
			}
		}
	}
	if !maps.EqualFunc(reserved, open, order.Amounts.Equal) {
		r.unequal("order %s: %v is reserved, and %v is open", l.Order, reserved, open)
	}
}

// isPart tells whether an entry is the cancellation of a part, for which Amazon pays.
func (b books) isPart(id queue.EntryID) bool {
	c := b.cancellations[id]
	return c.Part && !c.Local && !c.Requested.At.IsZero()
}

// isOpen tells whether nobody knows what became of a line.
func (b books) isOpen(l line) bool {
	if c, ok := b.cancellations[l.entry]; ok {
		return c.Outcome == cancel.Open
	}
	return b.refunds[l.entry].Lines[l.index].Outcome == refund.LineOpen
}

// compareBatch looks at how a document ended.
func (r *run) compareBatch(b books, batch queue.Batch) {
	if batch.DocumentNumber != "" {
		f := b.feeds[feedKey{r.world.account(batch.Account).Merchant, batch.DocumentNumber}]
		if !slices.Equal(f.Document, batch.Document) {
			r.figures.WrongAdoption++
			r.found("batch %s has Document Number %s, which is not its feed", batch.ID, batch.DocumentNumber)
		}
	}
	if batch.Applied {
		return
	}
	waits := false // for a decision
	for _, e := range b.entries {
		waits = waits || !e.State.Final() && e.Attempt().Batch == batch.ID
	}
	if !waits {
		r.figures.Lost++
		r.found("batch %s is %s and not done, and nothing of it is open", batch.ID, batch.State)
	}
}

func (r *run) unequal(format string, args ...any) {
	r.figures.LedgerEqual = false
	r.found(format, args...)
}

// sums are amounts by order item.
type sums map[string]order.Amounts

func (s sums) addAll(item string, a order.Amounts) {
	if s[item] = s[item].Plus(a); s[item].IsZero() {
		delete(s, item)
	}
}

func (s sums) add(item string, c order.Component, amount decimal.Decimal) {
	s.addAll(item, order.Amounts{c: amount})
}

// books reads both sides.
func (w *world) books() (b books, err error) {
	ctx := context.Background()
	b.entries, b.refunds, b.cancellations = map[queue.EntryID]queue.Entry{}, map[queue.EntryID]refund.Refund{}, map[queue.EntryID]cancel.Cancellation{}
	entries, err := w.store.Entries(ctx, queue.EntryQuery{})
	if err != nil {
		return b, err
	}
	b.listed = entries
	for _, e := range entries {
		b.entries[e.ID] = e
	}
	refunds, err := w.store.Refunds(ctx, refund.Query{})
	if err != nil {
		return b, err
	}
	for _, r := range refunds {
		b.refunds[r.ID] = r
	}
	cancellations, err := w.store.Cancellations(ctx, cancel.Query{})
	if err != nil {
		return b, err
	}
	for _, c := range cancellations {
		b.cancellations[c.ID] = c
	}
	var ids []order.AmazonID
	for _, o := range w.host.orders {
		if !slices.Contains(ids, o.Amazon) {
			ids = append(ids, o.Amazon)
		}
	}
	if b.ledgers, err = w.store.Ledgers(ctx, ids); err != nil {
		return b, err
	}
	if b.batches, err = w.store.Batches(ctx, queue.BatchQuery{Contents: true}); err != nil {
		return b, err
	}
	return b, w.amazonsBooks(&b)
}

func (w *world) amazonsBooks(b *books) error {
	b.feeds, b.payments, b.cancelled = map[feedKey]amazontest.Feed{}, map[line][]amazontest.Payment{}, map[queue.EntryID]int{}
	b.others = map[order.AmazonID][]amazontest.Payment{}
	for _, f := range w.fake.Feeds() {
		b.feeds[feedKey{f.Seller, f.ID}] = f
		if f.Stranger || f.Type != amazon.CancelFeed || f.Status != amazon.FeedDone && f.Status != amazon.FeedFatal {
			continue
		}
		numbers, err := carriedOut(f)
		if err != nil {
			return err
		}
		for _, number := range numbers {
			// One that Amazon refuses has no effect; a second one for a cancelled
			// order is refused as well, and is what must not be.
			if o, _ := w.fake.Order(number); o.Status == amazon.OrderCancelled {
				b.cancelled[b.sender(f, number)]++
			}
		}
	}
	for _, p := range w.fake.Ledger() {
		if p.Feed == "" {
			id := order.AmazonID{Account: w.accountOf(p.Seller), Number: p.Order}
			b.others[id] = append(b.others[id], p)
			continue
		}
		if p.Stranger {
			continue
		}
		l, err := lineOf(p.Adjustment)
		if err != nil {
			return err
		}
		b.payments[l] = append(b.payments[l], p)
	}
	return nil
}

// sender finds the entry that a feed's message about an order is of.
func (b books) sender(f amazontest.Feed, number string) queue.EntryID {
	for _, e := range b.listed {
		for _, a := range e.Attempts {
			i := slices.IndexFunc(b.batches, func(batch queue.Batch) bool { return batch.ID == a.Batch })
			if e.Order.Number == number && i >= 0 && slices.Equal(b.batches[i].Document, f.Document) {
				return e.ID
			}
		}
	}
	return ""
}

// carriedOut reads the orders of the messages that Amazon came to, from the
// document of a feed of cancellations.
func carriedOut(f amazontest.Feed) ([]string, error) {
	var doc struct {
		Numbers []string `xml:"Message>OrderAcknowledgement>AmazonOrderID"`
	}
	if err := xml.Unmarshal(f.Document, &doc); err != nil {
		return nil, fmt.Errorf("document of feed %s: %w", f.ID, err)
	}
	if f.Status == amazon.FeedFatal {
		return doc.Numbers[:min(f.Fate.Messages, len(doc.Numbers))], nil
	}
	return doc.Numbers, nil
}

// lineOf reads the adjustment ID that a refund's message carries: the refund's
// ID, the place of the line, and the attempt.
func lineOf(adjustment string) (l line, err error) {
	id, rest, _ := strings.Cut(adjustment, "-")
	l.entry = queue.EntryID(id)
	if _, err := fmt.Sscanf(rest, "%d-", &l.index); err != nil {
		return l, fmt.Errorf("adjustment ID %q of a payment: %w", adjustment, err)
	}
	l.index--
	return l, nil
}

// account finds an account by its ID.
func (w *world) account(id order.AccountID) amazon.Account {
	return w.accounts[slices.IndexFunc(w.accounts, func(a amazon.Account) bool { return a.ID == id })]
}

func (w *world) accountOf(merchant string) order.AccountID {
	return w.accounts[slices.IndexFunc(w.accounts, func(a amazon.Account) bool { return a.Merchant == merchant })].ID
}
