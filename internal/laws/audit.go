package laws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// books are what is kept, and what Amazon did.
type books struct {
	orders        []order.Order
	entries       map[queue.EntryID]queue.Entry
	refunds       []refund.Refund
	cancellations []cancel.Cancellation
	wishes        []cancel.BuyerRequest
	rmas          []rma.RMA
	ledgers       map[order.AmazonID]order.Ledger
	gates         map[order.ID]cancel.Gate
	payments      []amazontest.Payment
}

func (m *merchant) read(ctx context.Context) (b books, err error) {
	b = books{
		orders: m.book.All(), entries: map[queue.EntryID]queue.Entry{}, ledgers: map[order.AmazonID]order.Ledger{},
		gates: map[order.ID]cancel.Gate{}, payments: m.fake.Ledger(),
	}
	entries, err := m.store.Entries(ctx, queue.EntryQuery{})
	if err != nil {
		return b, err
	}
	for _, e := range entries {
		b.entries[e.ID] = e
	}
	if b.refunds, err = m.store.Refunds(ctx, refund.Query{}); err != nil {
		return b, err
	}
	if b.cancellations, err = m.store.Cancellations(ctx, cancel.Query{}); err != nil {
		return b, err
	}
	if b.wishes, err = m.store.BuyerRequests(ctx, cancel.RequestQuery{}); err != nil {
		return b, err
	}
	if b.rmas, err = m.store.RMAs(ctx, rma.Query{}); err != nil {
		return b, err
	}
	var ids []order.AmazonID
	var hosts []order.ID
	for _, o := range b.orders {
		hosts = append(hosts, o.ID)
		if !slices.Contains(ids, o.Amazon) {
			ids = append(ids, o.Amazon)
		}
	}
	ledgers, err := m.store.Ledgers(ctx, ids)
	if err != nil {
		return b, err
	}
	for _, l := range ledgers {
		b.ledgers[l.Order] = l
	}
	gates, err := m.store.Gates(ctx, hosts)
	for _, g := range gates {
		b.gates[g.HostOrder] = g
	}
	return b, err
}

// audit holds everything against the laws that hold at any time.
func (m *merchant) audit(ctx context.Context) error {
	b, err := m.read(ctx)
	if err != nil {
		return err
	}
	m.paidOnce(b)
	m.noneLost(b)
	m.neverOverdrawn(b)
	m.reservedIsOpen(b)
	m.oneUnderWay(b)
	m.returnsAreOfGoods(b)
	if err := m.gateIsClosed(ctx, b); err != nil {
		return err
	}
	if _, err := m.desk.Settlements.OpenEnds(ctx, settlement.EndsQuery{}); err != nil {
		m.wrong("the books close", "%v", err)
	}
	return nil
}

// paidOnce: what was asked for once has effect at most once, and no more than asked.
func (m *merchant) paidOnce(b books) {
	const law = "paid once"
	type line struct {
		refund queue.EntryID
		index  int
	}
	lines := map[line]refund.Line{}
	for _, r := range b.refunds {
		for i, l := range r.Lines {
			lines[line{r.ID, i}] = l
		}
	}
	messages, paid := map[line]map[string]bool{}, map[line]decimal.Decimal{}
	units := map[string]int{} // cancelled at Amazon by adjustments, by item
	for _, p := range b.payments {
		if p.Cancelled > 0 {
			units[p.Item] = max(units[p.Item], p.Cancelled)
		}
		a, ours := refund.ParseAdjustmentID(p.Adjustment)
		at := line{a.Entry, a.Line}
		asked, known := lines[at]
		switch {
		case p.Feed == "" || p.Cancelled > 0 || m.cancels(b, a.Entry):
			continue
		case !ours || !known:
			m.wrong(law, "Amazon paid %s of order %s for %q, which nobody asked for", p.Amount, p.Order, p.Adjustment)
			continue
		}
		if messages[at] == nil {
			messages[at] = map[string]bool{}
		}
		messages[at][string(p.Feed)+"/"+p.Message] = true
		paid[at] = paid[at].Add(p.Amount)
		if len(messages[at]) > 1 || paid[at].GreaterThan(asked.Amounts.Total()) {
			m.wrong(law, "Amazon paid %s for line %d of refund %s, which is for %s, in %d messages", paid[at], a.Line, a.Entry, asked.Amounts, len(messages[at]))
		}
	}
	for at, l := range lines {
		if l.Outcome == refund.LineVoided && paid[at].IsPositive() {
			m.wrong(law, "line %d of refund %s was given up, and Amazon paid %s", at.index, at.refund, paid[at])
		}
	}
}

// cancels tells whether an entry is a cancellation.
func (m *merchant) cancels(b books, id queue.EntryID) bool {
	return slices.ContainsFunc(b.cancellations, func(c cancel.Cancellation) bool { return c.ID == id })
}

// noneLost: what was granted is there, and ended or visibly open.
func (m *merchant) noneLost(b books) {
	for id, what := range m.asked {
		if _, there := b.entries[id]; !there {
			m.wrong("none is lost", "%s %s was granted and is gone", what, id)
		}
	}
	for id, e := range b.entries {
		if e.State.Final() || e.State == queue.EntryQueued || e.State.UnderWay() || e.Why != "" {
			continue
		}
		m.wrong("none is lost", "%s %s is %s, and does not say why", e.Kind, id, e.State)
	}
}

// neverOverdrawn: nothing is promised or posted beyond what was charged, as long as
// nobody else gave money back.
func (m *merchant) neverOverdrawn(b books) {
	for id, l := range b.ledgers {
		if m.outside[id] {
			continue
		}
		if err := l.Over(m.settings.AllowOverRefund); err != nil {
			m.wrong("reserve, then post", "order %s: %v", id.Number, err)
		}
		if left := l.LeftTotal(); left.IsNegative() && !m.settings.AllowOverRefund {
			m.wrong("reserve, then post", "order %s: %s is left", id.Number, left)
		}
	}
}

// reservedIsOpen: what is reserved is what requests are open for.
func (m *merchant) reservedIsOpen(b books) {
	for id, l := range b.ledgers {
		open := decimal.Zero
		for _, r := range b.refunds {
			for _, line := range r.Lines {
				if r.Order == id && line.Outcome == refund.LineOpen {
					open = open.Add(line.Amounts.Total())
				}
			}
		}
		for _, c := range b.cancellations {
			held := decimal.Zero
			for _, item := range c.Items {
				held = held.Add(l.Held(c.Cause(), item).Total())
			}
			if c.Order == id && c.Outcome == cancel.Open {
				open = open.Add(held)
			}
		}
		if held := l.Total(order.Reserved); !held.Equal(open) {
			m.wrong("one balance", "order %s: %s is reserved, and %s is open", id.Number, held, open)
		}
	}
}

// oneUnderWay: of an Amazon order at most one entry is under way to Amazon. What waits
// for a person may have been set aside before it was offered.
func (m *merchant) oneUnderWay(b books) {
	under := map[order.AmazonID]queue.EntryID{}
	for id, e := range b.entries {
		if !e.State.UnderWay() || e.State == queue.EntryNeedsDecision {
			continue
		}
		if other, busy := under[e.Order]; busy {
			m.wrong("one balance", "order %s: %s (%s: %s) and %s (%s: %s) are both under way", e.Order.Number,
				id, e.State, e.Why, other, b.entries[other].State, b.entries[other].Why)
		}
		under[e.Order] = id
	}
}

// returnsAreOfGoods: no RMA has a kit, which its parts stand for, nor more units than
// were ordered. Goods that came and money that is promised are facts that no count
// undoes, so the RMAs that have some do not count.
func (m *merchant) returnsAreOfGoods(b books) {
	units := map[string]int{}
	for _, r := range b.rmas {
		keys := map[string]bool{}
		for _, a := range r.Arrivals {
			if keys[a.Key] {
				m.wrong("a return is of what was sold", "%s of RMA %s came twice", a.Key, r.ID)
			}
			keys[a.Key] = true
		}
		for _, l := range r.Lines {
			if l.SKU == "DESK" {
				m.wrong("kits are parts", "RMA %s has the kit itself on a line", r.ID)
			}
			if r.Status != rma.Cancelled && r.Approval != rma.Rejected && len(r.Arrivals) == 0 && !b.refunded(r.ID) {
				units[l.Item+" "+l.SKU] += l.Units / max(1, l.PerKit)
			}
			if c := r.Counted(l.Item, l.SKU); c.Good+c.Damaged+c.Missing > max(l.Units, 0) && l.Kit == "" && len(r.Lines) == 1 {
				m.wrong("a return is of what was sold", "RMA %s: %s of %d %s", r.ID, c, l.Units, l.SKU)
			}
		}
	}
	for _, o := range b.orders {
		for _, l := range o.Lines {
			for goods, n := range units {
				if len(goods) > len(l.Item) && goods[:len(l.Item)] == l.Item && n > l.Ordered {
					m.wrong("a return is of what was sold", "%d units of %s are on RMAs, of %d: %s", n, goods, l.Ordered, list(b.rmas))
				}
			}
		}
	}
}

// refunded tells whether money of an RMA went back, or is promised.
func (b books) refunded(id rma.ID) bool {
	return slices.ContainsFunc(b.refunds, func(r refund.Refund) bool {
		return r.RMA == string(id) && slices.ContainsFunc(r.Lines, func(l refund.Line) bool { return l.Outcome != refund.LineVoided })
	})
}

func list(rmas []rma.RMA) string {
	var b strings.Builder
	for _, r := range rmas {
		fmt.Fprintf(&b, "\n%s %s (%s, Amazon says %q, decided %s by %q):", r.ID, r.Status, r.Approval, r.AmazonStatus, r.Decided.Status, r.Decided.By)
		for _, l := range r.Lines {
			fmt.Fprintf(&b, " %d of %d %s (%s)", l.Units, l.Asked, l.SKU, l.Item)
		}
	}
	return b.String()
}

// gateIsClosed: nothing may ship, nor has left, that is cancelled or being cancelled,
// whose buyer waits for an answer, or that the host holds.
func (m *merchant) gateIsClosed(ctx context.Context, b books) error {
	const law = "the gate is asked last"
	for _, o := range b.orders {
		pass, err := m.desk.Cancels.MayShip(ctx, o.Amazon)
		if err != nil {
			return err
		}
		may := pass.Of(o.ID).May
		for _, c := range b.cancellations {
			covers := c.Order == o.Amazon && (!c.Part || c.HostOrder == o.ID)
			if !covers || c.Outcome != cancel.Open && c.Outcome != cancel.Cancelled {
				continue
			}
			if may {
				m.wrong(law, "order %s may ship, and cancellation %s is %s", o.ID, c.ID, c.Outcome)
			}
			if m.parcels[o.ID] || !b.gates[o.ID].HandedOver.At.IsZero() {
				m.wrong(law, "order %s was handed over, and cancellation %s is %s", o.ID, c.ID, c.Outcome)
			}
		}
		for _, w := range b.wishes {
			if may && w.Order == o.Amazon && w.State == cancel.Undecided {
				m.wrong(law, "order %s may ship, and its buyer wishes to cancel", o.ID)
			}
		}
		if may && m.held[o.ID] {
			m.wrong(law, "order %s may ship, and the host holds it", o.ID)
		}
		if !may && len(pass.Of(o.ID).Why) == 0 {
			m.wrong(law, "order %s may not ship, and nobody says why", o.ID)
		}
	}
	return nil
}

// auditEnd holds everything against the laws of the end of the day, when all answers
// are in, Amazon has settled and all effects are delivered.
func (m *merchant) auditEnd(ctx context.Context) error {
	b, err := m.read(ctx)
	if err != nil {
		return err
	}
	m.openIsVisible(b)
	m.ledgersAreEqual(b)
	m.allIsProven(b)
	m.bookShows(b)
	if m.book.refused { // people are told, and put it right
		return m.filesChangeNothing(ctx)
	}
	m.stockMovedOnce(b)
	left, err := m.store.Effects(ctx, m.clock.Now().Add(365*24*time.Hour), 10)
	if err != nil {
		return err
	}
	for _, e := range left {
		m.wrong("effects are delivered", "%s %s of order %s is not", e.Kind, e.Key, e.Order)
	}
	return m.filesChangeNothing(ctx)
}

// filesChangeNothing: files that were imported change nothing, once all are in and the
// rows without an RMA have their places.
func (m *merchant) filesChangeNothing(ctx context.Context) error {
	is, err := heads(ctx, m.store)
	for range 5 {
		if err != nil {
			return err
		}
		for _, f := range m.files {
			if err := f.importTo(ctx, m.desk.Returns); err != nil {
				return err
			}
		}
		for _, file := range m.reports {
			if err := m.importSettlement(ctx, file); err != nil {
				return err
			}
		}
		was := is
		if is, err = heads(ctx, m.store); maps.Equal(was, is) {
			return err
		}
	}
	m.wrong("a file imports once", "the versions of orders are %v, and rise with each import of the same files", is)
	return err
}

// openIsVisible: what has not ended waits for a person, who is told why.
func (m *merchant) openIsVisible(b books) {
	moving := []queue.State{queue.EntryClaimed, queue.EntrySubmitting, queue.EntrySubmitted}
	for id, e := range b.entries {
		if !e.State.Final() && (e.Why == "" || slices.Contains(moving, e.State)) {
			m.wrong("none is lost", "%s %s of order %s is %s for ever: %s", e.Kind, id, e.Order.Number, e.State, e.Why)
		}
	}
}

// allIsProven: settlements have shown what Amazon paid.
func (m *merchant) allIsProven(b books) {
	paid := map[refund.Adjustment]bool{}
	for _, p := range b.payments {
		a, _ := refund.ParseAdjustmentID(p.Adjustment)
		a.Attempt = 0
		paid[a] = true
	}
	for _, r := range b.refunds {
		for i, l := range r.Lines {
			unproven := l.Proof == refund.Unproven || l.Proof == refund.Missing
			if l.Outcome == refund.LinePosted && unproven && paid[refund.Adjustment{Entry: r.ID, Line: i}] {
				m.wrong("the books close", "line %d of refund %s was paid and settled, and is %q", i, r.ID, l.Proof)
			}
		}
	}
}

// ledgersAreEqual: what we posted as given back is what Amazon paid.
func (m *merchant) ledgersAreEqual(b books) {
	for id, l := range b.ledgers {
		ours, theirs := map[string]order.Amounts{}, map[string]order.Amounts{}
		add := func(to map[string]order.Amounts, item string, c order.Component, v decimal.Decimal) {
			if to[item] = to[item].Plus(order.Amounts{c: v}); to[item].IsZero() {
				delete(to, item)
			}
		}
		for _, p := range l.Postings {
			if p.Balance == order.Posted && p.Cause.Kind != order.CauseCancellation {
				add(ours, p.Item, p.Component, p.Amount)
			}
		}
		for _, p := range b.payments {
			a, _ := refund.ParseAdjustmentID(p.Adjustment)
			if p.Order == id.Number && p.Cancelled == 0 && !m.cancels(b, a.Entry) {
				add(theirs, p.Item, p.Component, p.Amount)
			}
		}
		for item, v := range theirs {
			if !ours[item].Equal(v) {
				m.wrong("the ledgers are equal", "order %s, item %s: posted %s, and Amazon paid %s", id.Number, item, ours[item], v)
			}
		}
		for item, v := range ours {
			if theirs[item].IsZero() {
				m.wrong("the ledgers are equal", "order %s, item %s: posted %s, and Amazon paid nothing", id.Number, item, v)
			}
		}
	}
}

// bookShows: the host's orders show how their money stands, and have our holds as long
// as there is a reason for them, and the host's own as the host set them.
func (m *merchant) bookShows(b books) {
	const law = "the host's orders follow"
	for _, o := range b.orders {
		owners := map[order.HoldOwner]bool{}
		for _, h := range o.Holds {
			owners[h.Owner] = true
		}
		splitOff := !slices.ContainsFunc(orders(), func(first order.Order) bool { return first.ID == o.ID }) // held as it was then
		if !splitOff && owners[order.HeldByHost] != m.held[o.ID] {
			m.wrong(law, "order %s: the host's hold is there: %t, and was set: %t", o.ID, owners[order.HeldByHost], m.held[o.ID])
		}
		wished, cancelling := false, false
		for _, w := range b.wishes {
			wished = wished || w.Order == o.Amazon && w.State == cancel.Undecided
		}
		for _, c := range b.cancellations {
			covers := c.Order == o.Amazon && (!c.Part || c.HostOrder == o.ID)
			dropped := c.Outcome == cancel.Dropped || (c.Outcome == cancel.Refused || c.Outcome == cancel.GivenUp) && b.gates[o.ID].Opened.At.After(c.Ended.At)
			cancelling = cancelling || covers && !dropped
		}
		if owners[order.HeldByBuyer] && !wished {
			m.wrong(law, "order %s is held for its buyer, who wishes nothing", o.ID)
		}
		if owners[order.HeldByCancellation] && !cancelling {
			m.wrong(law, "order %s is held for a cancellation, and there is none", o.ID)
		}
	}
	for id, l := range b.ledgers {
		shown := slices.ContainsFunc(b.orders, func(o order.Order) bool {
			status, told := m.book.payment[o.ID]
			return o.Amazon == id && (!told && len(l.Postings) == 0 || status == l.PaymentStatus())
		})
		if !shown && l.Total(order.Posted).IsPositive() && l.Pending().IsZero() {
			m.wrong(law, "order %s: its money is %s, and no host order says so: %v", id.Number, l.PaymentStatus(), m.book.payment)
		}
	}
}

// stockMovedOnce: what came back in good state is in stock, once, unless a zero-out
// came after it; and nothing is zeroed out more often than it was asked for.
func (m *merchant) stockMovedOnce(b books) {
	const law = "stock moves once"
	restocked, zeroed := map[string]int{}, map[string]int{}
	for _, r := range b.rmas {
		ofLine := map[rma.Count]int{} // a correction takes out no more than was put in
		for _, a := range r.Arrivals {
			for _, c := range a.Counts {
				if line := (rma.Count{Item: c.Item, SKU: c.SKU}); a.Restock {
					ofLine[line] = max(0, ofLine[line]+c.Good)
				}
			}
		}
		for line, n := range ofLine {
			restocked[line.SKU] += n
		}
	}
	for _, c := range b.cancellations {
		for _, o := range orders() {
			for _, l := range o.Lines {
				if c.ZeroOut && slices.Contains(c.Items, l.Item) {
					zeroed[l.SKU]++
				}
			}
		}
	}
	for _, sku := range []string{"MUG", "LAMP", "TOP", "LEG", "TRAY", "CUP"} {
		if n := m.book.zeroed[sku]; n != zeroed[sku] || n > 0 && !m.settings.AllowZeroOutInventory {
			m.wrong(law, "%s was zeroed out %d times, and %d were asked for", sku, n, zeroed[sku])
		}
		if n := m.book.Stock(sku); n != restocked[sku] && zeroed[sku] == 0 {
			m.wrong(law, "%d of %s are in stock, and %d came back", n, sku, restocked[sku])
		}
	}
	if m.book.zeroed["DESK"] > 0 {
		m.wrong(law, "a kit was zeroed out, and has no stock: %s", fmt.Sprint(m.book.zeroed))
	}
}
