package takeback_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
)

// orders are how host orders stand: status, holds, payment.
func (m *merchant) orders(numbers ...string) {
	m.t.Helper()
	m.deliver()
	for _, number := range numbers {
		o := m.book.find(hostID(number))
		line := fmt.Sprintf("%s: %s", number, o.Status)
		for _, h := range o.Holds {
			line += ", held by " + string(h.Owner)
		}
		if p, told := m.book.payment[number]; told {
			line += fmt.Sprintf(", %s", p.Status)
			if !p.Pending.IsZero() {
				line += fmt.Sprintf(" (%s pending)", p.Pending.StringFixed(2))
			}
		}
		m.see("%s", line)
	}
}

// gates are what the warehouse is told.
func (m *merchant) gates(numbers ...string) {
	m.t.Helper()
	m.deliver()
	for _, number := range numbers {
		gate, err := m.desk.Cancels.MayShip(m.t.Context(), at(number))
		m.must(err)
		may := map[bool]string{true: "may ship", false: "may not ship"}
		m.see("%s %s", number, may[gate.Of(hostID(number)).May])
	}
}

// amazon is how an order stands at Amazon, and what the buyer got.
func (m *merchant) amazon(number string) {
	o, _ := m.fake.Order(at(number).Number)
	line := fmt.Sprintf("Amazon: %s", o.Status)
	for _, i := range o.Items {
		if i.Cancelled > 0 {
			line += fmt.Sprintf(", %d %s cancelled by %s for %s", i.Cancelled, i.SKU, i.CancelledBy, i.CancelledReason)
		}
	}
	paid, reasons := order.Amounts{}, map[string]bool{}
	for _, p := range m.fake.Ledger() {
		if p.Order == o.Number {
			paid = paid.Plus(order.Amounts{p.Component: p.Amount})
			reasons[p.Reason] = true
		}
	}
	if len(reasons) > 0 {
		line += fmt.Sprintf(", paid %s for %s", paid.In(o.Currency), strings.Join(slices.Sorted(maps.Keys(reasons)), " and "))
	}
	m.see("%s", line)
}

// documents is how many Amazon was sent.
func (m *merchant) documents() { m.see("documents: %d", len(m.fake.Feeds())) }

// queued is how what was asked for stands.
func (m *merchant) queued() {
	m.t.Helper()
	entries, err := m.desk.Queue.Entries(m.t.Context(), queue.EntryQuery{Company: "acme"})
	m.must(err)
	for _, e := range entries {
		m.see("%s of %s: %s", strings.ToLower(string(e.Kind)), e.HostOrder.Number, e.State)
	}
}

// ledger is what of an order went back, and what is promised.
func (m *merchant) ledger(number string) {
	m.t.Helper()
	ls, err := m.store.Ledgers(m.t.Context(), []order.AmazonID{at(number)})
	m.must(err)
	m.see("ledger: refunded %s, reserved %s, left %s", ls[0].Refunded().Amount.StringFixed(2), ls[0].Total(order.Reserved).StringFixed(2), ls[0].LeftTotal().StringFixed(2))
}

// moves are what became of the stock.
func (m *merchant) moves() {
	m.deliver()
	slices.Sort(m.book.stock)
	m.see("stock: %s", strings.Join(m.book.stock, ", "))
}

// notes are those of an order that have some words in them.
func (m *merchant) notes(number, words string) {
	m.deliver()
	for _, text := range m.book.notes[number] {
		if strings.Contains(text, words) {
			m.see("note on %s: … %s …", number, words)
		}
	}
}

// alerts are those that nobody has closed, by what happened.
func (m *merchant) alerts() {
	m.t.Helper()
	alerts, err := m.desk.Queue.Alerts(m.t.Context(), order.AlertQuery{}, "acme")
	m.must(err)
	var what []string
	for _, a := range alerts {
		kind, _, _ := strings.Cut(a.Key, "/")
		what = append(what, kind)
	}
	m.see("alerts: %v", what)
}

// rma is how RMAs stand, with their lines.
func (m *merchant) rma() {
	m.t.Helper()
	for _, r := range m.rmas() {
		var lines []string
		for _, l := range r.Lines {
			lines = append(lines, fmt.Sprintf("%d %s", l.Units, l.SKU))
		}
		m.see("RMA %s: %s, %s, %s of %s", r.OrderSourceRMANumber, r.Status, r.Resolution, r.Receipt, strings.Join(lines, " and "))
	}
	if len(m.rmas()) == 0 {
		m.see("no RMA")
	}
}

// wishes are what buyers asked to have cancelled.
func (m *merchant) wishes() {
	m.t.Helper()
	rs, err := m.desk.Cancels.BuyerRequests(m.t.Context(), cancel.RequestQuery{Company: "acme"})
	m.must(err)
	for _, r := range rs {
		m.see("wish: %s", r.State)
	}
}

// proofs are what settlements have shown of refunds.
func (m *merchant) proofs() {
	m.t.Helper()
	rs, err := m.desk.Refunds.Refunds(m.t.Context(), refund.Query{Company: "acme"})
	m.must(err)
	for _, r := range rs {
		for _, l := range r.Lines {
			m.see("refund from %s of %s: %s %s", r.Origin, l.Amounts.In(r.Currency), l.Outcome, l.Proof)
		}
	}
}

// ends are what is not settled to the cent.
func (m *merchant) ends() {
	m.t.Helper()
	report, err := m.desk.Settlements.OpenEnds(m.t.Context(), settlement.EndsQuery{Company: "acme"})
	m.must(err)
	m.must(report.Check())
	for _, e := range report.Ends {
		m.see("open end: %s %s", e.Kind, e.Amount)
	}
	if len(report.Ends) == 0 {
		m.see("no open ends")
	}
}

// commission is what Amazon gave back and kept of its own with the refunds of an order.
func (m *merchant) commission(number string) {
	m.t.Helper()
	bs, err := m.desk.Settlements.Bookings(m.t.Context(), settlement.BookingQuery{Orders: []order.AmazonID{at(number)}})
	m.must(err)
	for _, b := range bs {
		m.see("commission: %s back, %s kept", b.CommissionReturned.StringFixed(2), b.CommissionKept.StringFixed(2))
	}
}

// counter is the host's order book, which keeps all that effects say.
type counter struct {
	orders  []order.Order
	payment map[string]order.Payment
	notes   map[string][]string
	stock   []string
}

func (b *counter) find(id order.ID) *order.Order {
	for i := range b.orders {
		if b.orders[i].ID == id {
			return &b.orders[i]
		}
	}
	return nil
}

func (b *counter) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			o.Holds, o.Lines = slices.Clone(o.Holds), slices.Clone(o.Lines)
			found = append(found, o)
		}
	}
	return found, nil
}

func (b *counter) ApplyOrder(_ context.Context, e order.Effect) error {
	o := b.find(e.Order)
	if o == nil {
		return fmt.Errorf("order %s: not here", e.Order)
	}
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) {
			return order.ErrStale
		}
		o.Status = e.Status.To
	case order.EffectHold:
		o.Holds = append(o.Holds, *e.Hold)
	case order.EffectRelease:
		o.Holds = slices.DeleteFunc(o.Holds, func(h order.Hold) bool { return h.Owner == e.Release.Owner })
	case order.EffectSplit:
		rest, part, err := order.Split(*o, e.Split.To, e.Split.Lines)
		if err != nil {
			return err
		}
		*o = rest
		b.orders = append(b.orders, part)
	case order.EffectPayment:
		if b.payment == nil {
			b.payment = map[string]order.Payment{}
		}
		b.payment[e.Order.Number] = *e.Payment
	case order.EffectNote:
		if b.notes == nil {
			b.notes = map[string][]string{}
		}
		b.notes[e.Order.Number] = append(b.notes[e.Order.Number], e.Note.Text)
	case order.EffectStock:
		move := fmt.Sprintf("%s %+d", e.Stock.SKU, e.Stock.Quantity)
		if e.Stock.Zero {
			move = e.Stock.SKU + " to nothing"
		}
		b.stock = append(b.stock, move)
	}
	return nil
}
