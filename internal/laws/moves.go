package laws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// errNothing says that there was nothing to do it with.
var errNothing = errors.New("nothing to do it with")

// move is something that may happen. What of it is random is drawn before it does.
type move struct {
	name string
	draw func(*merchant, Draw) func(context.Context) error
}

// moves are all of them. What rapid draws is mostly one of the first.
var moves = []move{
	{"a process steps", (*merchant).step},
	{"a returns report comes", (*merchant).importReturns},
	{"an RMA is refunded", (*merchant).refundRMA},
	{"goods come", (*merchant).receive},
	{"a buyer wishes", (*merchant).wish},
	{"an order is refunded", (*merchant).refundOrder},
	{"a wish is declined", (*merchant).decline},
	{"the host holds", (*merchant).hold},
	{"a part is cancelled", (*merchant).cancelPart},
	{"Amazon settles", (*merchant).settle},
	{"a parcel leaves", (*merchant).ship},
	{"a shipment is confirmed", (*merchant).confirm},
	{"a wish is granted", (*merchant).accept},
	{"an order is cancelled", (*merchant).cancel},
	{"the queue is worked", (*merchant).workQueue},
	{"a refund is approved", (*merchant).approve},
	{"money goes back elsewhere", (*merchant).refundElsewhere},
	{"an RMA is handled", (*merchant).handleRMA},
	{"a person opens the gate", (*merchant).openGate},
	{"an RMA is opened", (*merchant).openRMA},
	{"a concession is made", (*merchant).concede},
	{"a person decides", (*merchant).decide},
}

// granted notes what was promised to whoever asked.
func (m *merchant) granted(id queue.EntryID, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[id] = what
}

// step lets time pass, and a process works.
func (m *merchant) step(draw Draw) func(context.Context) error {
	d := one(draw, "passes", 5*time.Minute, time.Minute, 31*time.Minute, 5*time.Hour, 26*time.Hour)
	return func(ctx context.Context) error {
		m.clock.advance(d)
		_, err := m.desk.Step(ctx)
		return err
	}
}

func (m *merchant) decide(Draw) func(context.Context) error {
	return func(ctx context.Context) error { return drill.Decide(ctx, m.desk.Queue, m.clock.Now()) }
}

func (m *merchant) importReturns(draw Draw) func(context.Context) error {
	f := one(draw, "file", m.files...)
	return func(ctx context.Context) error { return f.importTo(ctx, m.desk.Returns) }
}

// anRMA picks one of those that there are.
func (m *merchant) anRMA(ctx context.Context, n int) (rma.RMA, error) {
	rs, err := m.desk.Returns.RMAs(ctx, rma.Query{})
	if err == nil && len(rs) == 0 {
		err = errNothing
	}
	if err != nil {
		return rma.RMA{}, err
	}
	return rs[n%len(rs)], nil
}

func (m *merchant) receive(draw Draw) func(context.Context) error {
	n, line, key := draw("RMA", 6), draw("line", 3), fmt.Sprint("parcel ", draw("parcel", 3))
	count := rma.Count{Good: one(draw, "good", 1, 2, 0, -1), Damaged: draw("damaged", 2), Missing: draw("missing", 2)}
	restock := draw("restock", 2) == 1
	return func(ctx context.Context) error {
		r, err := m.anRMA(ctx, n)
		if err != nil || len(r.Lines) == 0 {
			return errors.Join(err, errNothing)
		}
		of := r.Lines[line%len(r.Lines)]
		count.Item, count.SKU = of.Item, of.SKU
		_, err = m.desk.Returns.Receive(ctx, rma.Goods{RMA: r.ID, Key: key, Counts: []rma.Count{count}, Restock: restock, By: "carl"})
		return err
	}
}

// shippedLine draws a line of an order that the buyer has.
func shippedLine(draw Draw) (order.AmazonID, order.Line) {
	o := orders()[draw("order", 2)]
	return o.Amazon, o.Lines[draw("line", len(o.Lines))]
}

func (m *merchant) openRMA(draw Draw) func(context.Context) error {
	id, l := shippedLine(draw)
	key := fmt.Sprint("call ", draw("call", 2))
	return func(ctx context.Context) error {
		_, err := m.desk.Returns.Open(ctx, rma.Opening{Order: id, Key: key, Lines: []rma.OpenLine{{Item: l.Item, Units: 1, Reason: "CR-DEFECTIVE"}}, By: "anna"})
		return err
	}
}

func (m *merchant) handleRMA(draw Draw) func(context.Context) error {
	n, what := draw("RMA", 6), draw("what", 6)
	return func(ctx context.Context) error {
		r, err := m.anRMA(ctx, n)
		if err != nil {
			return err
		}
		const by, why = "anna", "the buyer called"
		switch what {
		case 0:
			_, err = m.desk.Returns.Close(ctx, r.ID, by, why)
		case 1:
			_, err = m.desk.Returns.Reopen(ctx, r.ID, by, why)
		case 2:
			_, err = m.desk.Returns.Cancel(ctx, r.ID, by, why)
		case 3:
			_, err = m.desk.Returns.Reject(ctx, r.ID, by, why)
		case 4:
			_, err = m.desk.Returns.SetResolution(ctx, r.ID, rma.Replace, by, why)
		case 5:
			if len(r.Lines) == 0 {
				return errNothing
			}
			_, err = m.desk.Returns.Allow(ctx, r.ID, r.Lines[0].Item, 1, by, why)
		}
		return err
	}
}

// confirmed drafts, and issues what it has seen.
func (m *merchant) confirmed(ctx context.Context, q refund.Request) error {
	d, err := m.desk.Refunds.Draft(ctx, q)
	if err != nil {
		return err
	}
	q.Token = d.Token
	for _, c := range d.Cautions {
		q.Acknowledge = append(q.Acknowledge, c.Code)
	}
	return m.issue(ctx, q)
}

func (m *merchant) issue(ctx context.Context, q refund.Request) error {
	r, err := m.desk.Refunds.Issue(ctx, q)
	if err == nil {
		m.granted(r.ID, "refund")
	}
	return err
}

func (m *merchant) refundRMA(draw Draw) func(context.Context) error {
	n, by := draw("RMA", 6), one(draw, "by", "anna", "eve")
	return func(ctx context.Context) error {
		r, err := m.anRMA(ctx, n)
		if err != nil {
			return err
		}
		q, err := m.desk.Returns.Refund(ctx, r.ID, by)
		if err != nil {
			return err
		}
		return m.confirmed(ctx, q)
	}
}

func (m *merchant) refundOrder(draw Draw) func(context.Context) error {
	o := orders()[draw("order", 4)]
	l := o.Lines[draw("line", len(o.Lines))]
	ask := refund.Ask{Item: l.Item, Units: 1, Shipping: draw("shipping", 2) == 1}
	if cents := one(draw, "cents", 0, 500, 333, 2000); cents > 0 {
		ask = refund.Ask{Item: l.Item, Amounts: order.Amounts{order.Principal: decimal.New(int64(cents), -2)}}
	}
	q := refund.Request{
		Order: o.Amazon, Lines: []refund.Ask{ask}, Reason: amazon.ReasonCustomerReturn,
		Key: fmt.Sprint("ticket ", draw("ticket", 6)), By: one(draw, "by", "anna", "eve"),
	}
	return func(ctx context.Context) error { return m.issue(ctx, q) }
}

func (m *merchant) concede(draw Draw) func(context.Context) error {
	id, l := shippedLine(draw)
	q := refund.Request{
		Order: id, Origin: refund.FromGoodwill, Reason: amazon.ReasonGeneralAdjustment, By: "anna", OverRefund: draw("over", 2) == 1,
		Lines: []refund.Ask{{Item: l.Item, Amounts: order.Amounts{order.Goodwill: decimal.NewFromInt(int64(1 + draw("dollars", 4)))}}},
	}
	return func(ctx context.Context) error { return m.confirmed(ctx, q) }
}

func (m *merchant) approve(draw Draw) func(context.Context) error {
	n, by := draw("entry", 4), one(draw, "by", "boss", "eve", "anna")
	return func(ctx context.Context) error {
		es, err := m.desk.Queue.Entries(ctx, queue.EntryQuery{States: []queue.State{queue.EntryAwaitingApproval}})
		if err != nil || len(es) == 0 {
			return errors.Join(err, errNothing)
		}
		r, err := m.desk.Refunds.Refund(ctx, es[n%len(es)].ID)
		if err != nil {
			return err
		}
		_, err = m.desk.Refunds.Approve(ctx, r.ID, r.Content(), by, "seen")
		return err
	}
}

// refundElsewhere has somebody in Seller Central, or Amazon itself, refund. What staff
// did there is recorded, or forgotten.
func (m *merchant) refundElsewhere(draw Draw) func(context.Context) error {
	id, l := shippedLine(draw)
	by := one(draw, "by", amazon.ActorMerchant, amazon.ActorAmazon)
	amounts := order.Amounts{order.Principal: decimal.New(int64(111+draw("cents", 300)), -2)}
	record := by == amazon.ActorMerchant && draw("recorded", 2) == 1
	reference := fmt.Sprint("SC-", draw("reference", 1_000_000))
	return func(ctx context.Context) error {
		m.mu.Lock()
		m.outside[id] = true
		m.mu.Unlock()
		if err := m.fake.Refund(by, id.Number, l.Item, amounts); err != nil || !record {
			return err
		}
		r := refund.Recorded{
			Order: id, Lines: []refund.RecordedLine{{Item: l.Item, Amounts: amounts}}, Reference: reference, By: "anna", Why: "by hand",
		}
		for _, p := range m.fake.Ledger() { // time may pass until it is recorded
			if p.Feed == "" && p.Item == l.Item && p.Amount.Equal(amounts[order.Principal]) {
				r.At = p.Time
			}
		}
		_, err := m.desk.Refunds.Record(ctx, r)
		return err
	}
}

// waiting draws an order that waited to be shipped in the morning.
func waiting(draw Draw) order.Order { return orders()[2+draw("order", 2)] }

func (m *merchant) askToCancel(ctx context.Context, q cancel.Request) error {
	q.By, q.Acknowledge = "ben", []cancel.CautionCode{cancel.CautionNoBuyerRequest}
	c, err := m.desk.Cancels.Issue(ctx, q)
	if err == nil {
		m.granted(c.ID, "cancellation")
	}
	return err
}

func drawReason(draw Draw) amazon.Reason {
	return one(draw, "reason", amazon.ReasonNoInventory, amazon.ReasonNoInventory, amazon.ReasonBuyerCancelled)
}

// cancel asks for all of an Amazon order, or for one host order of it.
func (m *merchant) cancel(draw Draw) func(context.Context) error {
	q := cancel.Request{
		Order: waiting(draw).Amazon, Reason: drawReason(draw), Local: draw("here alone", 4) == 0, ZeroOut: draw("zero out", 3) == 0,
	}
	whole, n := draw("whole", 2) == 1, draw("host order", 4)
	return func(ctx context.Context) error {
		q := q
		if q.Whole = whole; !whole {
			carriers, err := m.book.Orders(ctx, []order.AmazonID{q.Order})
			if err != nil {
				return err
			}
			q.HostOrder = carriers[n%len(carriers)].ID
		}
		return m.askToCancel(ctx, q)
	}
}

func (m *merchant) cancelPart(draw Draw) func(context.Context) error {
	o := waiting(draw)
	q := cancel.Request{
		Order: o.Amazon, HostOrder: o.ID, Reason: drawReason(draw), SplitTo: o.ID.Number + one(draw, "number", "-B", "-C"),
		Split: []order.LineQuantity{{Item: o.Lines[draw("line", len(o.Lines))].Item, Quantity: 1}},
	}
	return func(ctx context.Context) error { return m.askToCancel(ctx, q) }
}

func (m *merchant) workQueue(draw Draw) func(context.Context) error {
	n, what := draw("entry", 8), draw("what", 5)
	return func(ctx context.Context) error {
		es, err := m.desk.Queue.Entries(ctx, queue.EntryQuery{})
		if err != nil || len(es) == 0 {
			return errors.Join(err, errNothing)
		}
		id := es[n%len(es)].ID
		switch what {
		case 0:
			return m.desk.Queue.Withdraw(ctx, "anna", "", id)
		case 1:
			return m.desk.Queue.Reject(ctx, "boss", "not this one", id)
		case 2:
			return m.desk.Queue.Retry(ctx, "boss", "this one after all", id)
		default:
			_, err := m.desk.Queue.Process(ctx, "boss", id)
			return err
		}
	}
}

// wish has a buyer wish to cancel, which is heard of in one way or another.
func (m *merchant) wish(draw Draw) func(context.Context) error {
	o := waiting(draw)
	item := o.Lines[draw("line", len(o.Lines))].Item
	if draw("all of it", 3) == 0 {
		item = ""
	}
	reason, by := one(draw, "reason", "too late", "a mistake"), draw("heard by", 3)
	return func(ctx context.Context) error {
		if err := m.fake.RequestCancel(o.Amazon.Number, item, reason); err != nil {
			return err
		}
		switch by {
		case 0:
			_, err := m.desk.Cancels.ReadOrder(ctx, o.Amazon)
			return err
		case 1:
			body, err := m.fake.OrderChange(o.Amazon.Number)
			if err != nil {
				return err
			}
			_, err = m.desk.Cancels.ImportNotification(ctx, theAccount, body)
			return err
		}
		rows := []string{"order-id\torder-item-id\tquantity-to-ship\tis-buyer-requested-cancellation"}
		for _, l := range o.Lines {
			if item == "" || item == l.Item {
				rows = append(rows, fmt.Sprintf("%s\t%s\t%d\ttrue", o.Amazon.Number, l.Item, l.Ordered))
			}
		}
		meta := amazon.ReportMeta{Name: "unshipped.txt", AsOf: m.clock.Now()}
		_, err := m.desk.Cancels.ImportOrders(ctx, theAccount, cancel.AmazonFormat, meta, strings.NewReader(strings.Join(rows, "\n")+"\n"))
		return err
	}
}

func (m *merchant) accept(draw Draw) func(context.Context) error {
	id := waiting(draw).Amazon
	return func(ctx context.Context) error {
		cs, err := m.desk.Cancels.Accept(ctx, cancel.AcceptRequest{Order: id, By: "anna"})
		for _, c := range cs {
			m.granted(c.ID, "cancellation for the buyer")
		}
		return err
	}
}

func (m *merchant) decline(draw Draw) func(context.Context) error {
	id := waiting(draw).Amazon
	return func(ctx context.Context) error {
		_, err := m.desk.Cancels.Decline(ctx, id, "anna", "it is packed")
		return err
	}
}

// ship hands a host order over.
func (m *merchant) ship(draw Draw) func(context.Context) error {
	id, n := waiting(draw).Amazon, draw("host order", 4)
	return func(ctx context.Context) error {
		carriers, err := m.book.Orders(ctx, []order.AmazonID{id})
		if err != nil {
			return err
		}
		of := carriers[n%len(carriers)].ID
		pass, err := m.desk.Cancels.MayShip(ctx, id)
		if err != nil {
			return err
		}
		if err := pass.HandOver(ctx, m.gated, order.Stamp{By: "carl", At: m.clock.Now()}, of); err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.parcels[of] = true
		return nil
	}
}

// confirm tells Amazon and the host's orders of what has left.
func (m *merchant) confirm(Draw) func(context.Context) error {
	return func(context.Context) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		for of := range m.parcels {
			m.book.change(of, func(o *order.Order) {
				for i, l := range o.Lines {
					units := l.Ordered - l.Cancelled - l.Shipped
					if units <= 0 {
						continue
					}
					o.Lines[i].Shipped += units
					if err := m.fake.Ship(o.Amazon.Number, l.Item, units); err != nil {
						m.unlawful = append(m.unlawful, fmt.Sprintf("no parcel leaves that shall not: order %s: %v", of, err))
					}
				}
				o.Status = order.StatusCompleted
			})
		}
		return nil
	}
}

func (m *merchant) openGate(draw Draw) func(context.Context) error {
	id := waiting(draw).Amazon
	return func(ctx context.Context) error { return m.desk.Cancels.Open(ctx, id, "boss", "ship it") }
}

// hold has the host hold an order for reasons of its own, or release it.
func (m *merchant) hold(draw Draw) func(context.Context) error {
	id, hold := waiting(draw).ID, draw("release", 2) == 0
	return func(context.Context) error {
		m.book.change(id, func(o *order.Order) {
			o.Holds = without(o.Holds, order.HeldByHost)
			if hold {
				o.Holds = append(o.Holds, order.Hold{Owner: order.HeldByHost, Why: "credit card", Since: m.clock.Now()})
			}
		})
		m.mu.Lock()
		defer m.mu.Unlock()
		m.held[id] = hold
		return nil
	}
}

// settle has Amazon close its books, and imports this settlement, or an earlier one.
func (m *merchant) settle(draw Draw) func(context.Context) error {
	own, earlier := draw("own IDs", 2) == 1, draw("report", 4)
	return func(ctx context.Context) error {
		file, err := m.closeBooks(own)
		if err != nil {
			return err
		}
		m.mu.Lock()
		if earlier > 0 {
			file = m.reports[earlier%len(m.reports)]
		}
		m.mu.Unlock()
		return m.importSettlement(ctx, file)
	}
}

// closeBooks makes the settlement of what Amazon has not settled yet.
func (m *merchant) closeBooks(own bool) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.clock.Now().Truncate(time.Second) // what happens within this second is in the next one
	if !m.settled.Before(end) {
		return "", errNothing
	}
	file, err := m.fake.Settle(amazontest.Settlement{
		Seller: theAccount.Merchant, Marketplace: theAccount.Marketplaces[0], Start: m.settled, End: end, OwnIDs: own,
	})
	if err != nil {
		return "", err
	}
	m.settled = end
	m.reports = append(m.reports, string(file.Body))
	return string(file.Body), nil
}

func (m *merchant) importSettlement(ctx context.Context, file string) error {
	meta := amazon.ReportMeta{Name: "settlement.txt", AsOf: m.clock.Now()}
	_, err := m.desk.Settlements.Import(ctx, theAccount, settlement.AmazonFormat, meta, strings.NewReader(file))
	return err
}
