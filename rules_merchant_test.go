package takeback_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// The orders of the merchant, by the host's number. The first five are with their
// buyers, the next three wait to be shipped.
const (
	mugs    = "SO-1" // three mugs, 40.00 with 3.30 tax and 5.00 shipping
	lamp    = "SO-2" // a lamp at 30.00 less a promotion of 5.00
	teaSet  = "SO-3" // a kit at 50.00: a pot, which counts for 30, and two cups, which count for 10 each
	taxed   = "SO-4" // two clocks, 20.00 with 2.00 tax that Amazon collects
	twins   = "SO-5" // two lines of one SKU: a bowl, and two bowls
	vases   = "SO-6" // two vases at 24.00 and a tray at 6.00
	basket  = "SO-7" // a kit at 20.00: a towel and two soaps
	vaseTwo = "SO-8" // a vase at 12.00
	amazons = "SO-9" // Amazon ships it
)

const (
	mug     = "11400000000001"
	lampOne = "11400000000002"
	set     = "11400000000003"
	cup     = "11400000000033"
	clock   = "11400000000004"
	bowl    = "11400000000051"
	bowls   = "11400000000052"
	vase    = "11400000000061"
	tray    = "11400000000062"
	spa     = "11400000000007"
	single  = "11400000000008"
	ring    = "11400000000009"
)

func usd(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func price(principal string) order.Amounts { return order.Amounts{order.Principal: usd(principal)} }

func hostID(number string) order.ID { return order.ID{Company: "acme", Number: number} }

// at is the Amazon order that a host order, or a part of it, carries.
func at(number string) order.AmazonID {
	return order.AmazonID{Account: "acme-us", Number: "111-0000000-000000" + number[len("SO-"):len("SO-1")]}
}

func stock() []order.Order {
	done, wait := order.StatusCompleted, order.StatusInProcess
	orders := []order.Order{
		{ID: hostID(mugs), Status: done, Lines: []order.Line{{
			Item: mug, SKU: "MUG", Ordered: 3, Shipped: 3, TaxModel: order.TaxNamed,
			Charges: order.Amounts{order.Principal: usd("40.00"), order.Tax: usd("3.30"), order.Shipping: usd("5.00")},
		}}},
		{ID: hostID(lamp), Status: done, Lines: []order.Line{{Item: lampOne, SKU: "LAMP", Ordered: 1, Shipped: 1, Charges: price("30.00"), Promotions: price("5.00")}}},
		{ID: hostID(teaSet), Status: done, Lines: []order.Line{{
			Item: set, SKU: "TEA-SET", Ordered: 1, Shipped: 1, Charges: price("50.00"),
			Kit: []order.Part{{SKU: "POT", Quantity: 1, Share: usd("30")}, {SKU: "CUP", Quantity: 2, Share: usd("20")}},
		}}},
		{ID: hostID(taxed), Status: done, Lines: []order.Line{{
			Item: clock, SKU: "CLOCK", Ordered: 2, Shipped: 2, TaxModel: order.TaxByAmazon,
			Charges: order.Amounts{order.Principal: usd("20.00"), order.Tax: usd("2.00")},
		}}},
		{ID: hostID(twins), Status: done, Lines: []order.Line{
			{Item: bowl, SKU: "BOWL", Ordered: 1, Shipped: 1, Charges: price("8.00")},
			{Item: bowls, SKU: "BOWL", Ordered: 2, Shipped: 2, Charges: price("14.00")},
		}},
		{ID: hostID(vases), Status: wait, Lines: []order.Line{
			{Item: vase, SKU: "VASE", Ordered: 2, Charges: price("24.00")},
			{Item: tray, SKU: "TRAY", Ordered: 1, Charges: price("6.00")},
		}},
		{ID: hostID(basket), Status: wait, Lines: []order.Line{{
			Item: spa, SKU: "SPA-BASKET", Ordered: 1, Charges: price("20.00"),
			Kit: []order.Part{{SKU: "TOWEL", Quantity: 1}, {SKU: "SOAP", Quantity: 2}},
		}}},
		{ID: hostID(vaseTwo), Status: wait, Lines: []order.Line{{Item: single, SKU: "VASE", Ordered: 1, Charges: price("12.00")}}},
		{ID: hostID(amazons), Status: done, Fulfilment: order.ByAmazon, Lines: []order.Line{{Item: ring, SKU: "RING", Ordered: 1, Shipped: 1, Charges: price("90.00")}}},
	}
	for i := range orders {
		o := &orders[i]
		o.Amazon, o.Marketplace, o.Currency = at(o.ID.Number), usa, "USD"
		o.Fulfilment = cmp.Or(o.Fulfilment, order.ByMerchant)
	}
	return orders
}

const usa order.MarketplaceID = "ATVPDKIKX0DER"

var acme = amazon.Account{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{usa}}

// A merchant has orders, a desk and staff, and Amazon, all on the clock of the
// test's bubble. Verbs are what staff, buyers and Amazon do, and write down what they
// were answered; looks write down what there is to be seen.
type merchant struct {
	t     *testing.T
	desk  *takeback.Desk
	store *memory.Store
	fake  *amazontest.Server
	book  *counter
	began time.Time // of the settlement that is to be closed next
	seen  []string
}

func newMerchant(t *testing.T, s settings.Settings) *merchant {
	t.Helper()
	m := &merchant{t: t, store: memory.New(), book: &counter{orders: stock()}, began: time.Now()}
	var err error
	m.fake, err = amazontest.New(amazontest.Config{})
	m.must(err)
	m.must(m.fake.AddSeller(amazontest.Seller{
		Merchant: acme.Merchant, ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh", CancelColumn: "is-buyer-requested-cancellation",
	}))
	for _, o := range m.book.orders {
		there := amazontest.Order{Seller: acme.Merchant, Number: o.Amazon.Number, Marketplace: usa, Currency: o.Currency}
		for _, l := range o.Lines {
			there.Items = append(there.Items, amazontest.Item{ID: l.Item, SKU: l.SKU, Quantity: l.Ordered, Shipped: l.Shipped, Charges: l.Paid(), Promotions: l.Promotions})
		}
		m.must(m.fake.Seed(there))
	}
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}, nil
		},
		HTTPClient: m.fake.Client(),
	})
	m.must(err)
	m.desk, err = takeback.New(takeback.Config{
		Store: m.store, Book: m.book, Amazon: client, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed(s), Installation: "acme production",
		Polling: takeback.Polling{Returns: 24 * time.Hour, Orders: 24 * time.Hour, Settlements: 24 * time.Hour},
	})
	m.must(err)
	return m
}

func (m *merchant) must(err error) {
	m.t.Helper()
	require.NoError(m.t, err)
}

func (m *merchant) see(format string, args ...any) {
	m.seen = append(m.seen, fmt.Sprintf(format, args...))
}

// answered writes down whether something was done, or why not, in the first words
// that callers can tell apart.
func (m *merchant) answered(what string, err error) bool {
	if err == nil {
		return true
	}
	for _, why := range []error{
		refund.ErrOverNotAllowed, refund.ErrNotShipped, refund.ErrAmazonFulfilled, refund.ErrAlreadyRefunded, refund.ErrFees, refund.ErrTax, refund.ErrUnacknowledged,
		refund.ErrSelfApproval, refund.ErrAboveLimit, refund.ErrEnded, refund.ErrKeyReused,
		cancel.ErrNotAllowed, cancel.ErrShipped, cancel.ErrHandedOver, cancel.ErrShared, cancel.ErrAmazonFulfilled, cancel.ErrBuyerAsked, cancel.ErrUnacknowledged,
		cancel.ErrNothingLeft, cancel.ErrEnded, cancel.ErrClosed, rma.ErrNothing, rma.ErrTouched, rma.ErrKeyReused,
		order.ErrSplit, order.ErrOver, order.ErrCurrency, queue.ErrTransition, store.ErrConflict,
	} {
		if errors.Is(err, why) {
			err = why
			break
		}
	}
	m.see("%s: no, %s", what, err)
	return false
}

// later lets the desk work for some time.
func (m *merchant) later(d time.Duration) {
	m.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		next, err := m.desk.Step(m.t.Context())
		if failed := (*amazon.Error)(nil); !errors.As(err, &failed) { // what Amazon fails at shows in the states
			m.must(err)
		}
		time.Sleep(min(max(time.Second, time.Until(next)), time.Until(end)))
	}
	m.deliver()
}

// deliver tells the host's orders what was saved, as the desk does with each step.
func (m *merchant) deliver() {
	m.t.Helper()
	for delivered := 1; delivered > 0; {
		var err error
		delivered, err = order.Deliver(m.t.Context(), m.store, m.book, time.Now(), 100)
		m.must(err)
	}
}

// Refunds.

// refund drafts a request, and confirms what the draft shows.
func (m *merchant) refund(r refund.Request) refund.Refund {
	m.t.Helper()
	r.By, r.Reason = cmp.Or(r.By, "anna"), cmp.Or(r.Reason, amazon.ReasonCustomerReturn)
	draft, err := m.desk.Refunds.Draft(m.t.Context(), r)
	if !m.answered("refund", err) {
		return refund.Refund{}
	}
	for _, c := range draft.Cautions {
		m.see("caution: %s", c.Code)
	}
	r.Token = draft.Token
	issued, err := m.desk.Refunds.Issue(m.t.Context(), r)
	if m.answered("refund", err) {
		total := order.Amounts{}
		for _, l := range issued.Lines {
			total = total.Plus(l.Amounts)
		}
		m.see("refund of %s", total.In(issued.Currency))
	}
	return issued
}

// share asks for the share of some units of a line.
func share(number, item string, n int) refund.Request {
	return refund.Request{Order: at(number), Lines: []refund.Ask{{Item: item, Units: n}}}
}

// amounts asks for exact amounts of a line.
func amounts(number, item string, a order.Amounts) refund.Request {
	return refund.Request{Order: at(number), Lines: []refund.Ask{{Item: item, Amounts: a}}}
}

// warned looks whether the draft of a refund warns in these words.
func (m *merchant) warned(r refund.Request, words string) {
	m.t.Helper()
	r.By, r.Reason = "anna", amazon.ReasonCustomerReturn
	draft, err := m.desk.Refunds.Draft(m.t.Context(), r)
	m.must(err)
	for _, w := range draft.Warnings {
		if strings.Contains(w, words) {
			m.see("warning: … %s …", words)
		}
	}
}

// record enters a refund that was made in Seller Central.
func (m *merchant) record(number, item string, a order.Amounts) {
	m.t.Helper()
	_, err := m.desk.Refunds.Record(m.t.Context(), refund.Recorded{
		Order: at(number), Lines: []refund.RecordedLine{{Item: item, Amounts: a}}, Reference: "SC-1", By: "anna", Why: "made in Seller Central",
	})
	m.must(err)
}

// Cancellations.

func (m *merchant) cancel(r cancel.Request) cancel.Cancellation {
	m.t.Helper()
	r.By, r.Reason = cmp.Or(r.By, "ben"), cmp.Or(r.Reason, amazon.ReasonPriceError)
	c, err := m.desk.Cancels.Issue(m.t.Context(), r)
	m.answered("cancel", err)
	m.deliver()
	return c
}

// split cancels some units of a line, and the rest goes out.
func split(number, item string, n int) cancel.Request {
	return cancel.Request{
		Order: at(number), HostOrder: hostID(number), Split: []order.LineQuantity{{Item: item, Quantity: n}}, SplitTo: number + "-B",
		Reason: amazon.ReasonNoInventory,
	}
}

// wish has the buyer ask to cancel, which Amazon notifies of.
func (m *merchant) wish(number, item, reason string) {
	m.t.Helper()
	m.must(m.fake.RequestCancel(at(number).Number, item, reason))
	m.notified(number)
}

func (m *merchant) notified(number string) {
	m.t.Helper()
	body, err := m.fake.OrderChange(at(number).Number)
	m.must(err)
	_, err = m.desk.Cancels.ImportNotification(m.t.Context(), acme, body)
	m.must(err)
	m.deliver()
}

func (m *merchant) accept(number string) {
	m.t.Helper()
	_, err := m.desk.Cancels.Accept(m.t.Context(), cancel.AcceptRequest{Order: at(number), By: "ben"})
	m.answered("accept", err)
	m.deliver()
}

func (m *merchant) decline(number string) {
	m.t.Helper()
	_, err := m.desk.Cancels.Decline(m.t.Context(), at(number), "ben", "it is packed")
	m.answered("decline", err)
	m.deliver()
}

// handOver has the warehouse ask the gate, and hand the parcel to the carrier.
func (m *merchant) handOver(number string) {
	m.t.Helper()
	gate, err := m.desk.Cancels.MayShip(m.t.Context(), at(number))
	m.must(err)
	m.answered("hand over", gate.HandOver(m.t.Context(), m.store, order.Stamp{By: "dock 3", At: time.Now()}, hostID(number)))
}

// ship confirms the shipment of all that is left of a host order, here and at Amazon.
func (m *merchant) ship(number string) {
	m.t.Helper()
	o := m.book.find(hostID(number))
	for i := range o.Lines {
		l := &o.Lines[i]
		m.must(m.fake.Ship(o.Amazon.Number, l.Item, l.Ordered-l.Cancelled-l.Shipped))
		l.Shipped = l.Ordered - l.Cancelled
	}
}

// shows has Amazon answer who reads an order that it has this status, and refuse to
// make reports of it.
func (m *merchant) shows(number string, status amazon.OrderStatus) {
	body := fmt.Sprintf(`{"order": {"orderId": %q, "createdTime": "2000-01-01T00:00:00Z", "lastUpdatedTime": "2000-01-01T00:00:00Z",
		"fulfillment": {"fulfillmentStatus": %q, "fulfilledBy": "MERCHANT"}, "orderItems": []}}`, at(number).Number, status)
	m.fake.Fail(func(c amazontest.Call) amazontest.Fault {
		switch {
		case c.Op == "getOrder" && strings.HasSuffix(c.Path, at(number).Number):
			return amazontest.Fault{Body: body}
		case c.Op == "createReport":
			return amazontest.Fault{Status: 403}
		}
		return amazontest.Fault{}
	})
}

// read has somebody look at an order at Amazon.
func (m *merchant) read(number string) {
	m.t.Helper()
	_, err := m.desk.Cancels.ReadOrder(m.t.Context(), at(number))
	m.must(err)
	m.deliver()
}

// withoutColumn has the seller's order reports tell nothing of buyers' wishes.
func (m *merchant) withoutColumn() {
	m.t.Helper()
	m.must(m.fake.AddSeller(amazontest.Seller{Merchant: acme.Merchant, ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}))
}

// The queue.

// send has an operator choose all that waits.
func (m *merchant) send() {
	m.t.Helper()
	documents, err := m.desk.Queue.Process(m.t.Context(), "olga", m.waiting()...)
	m.must(err)
	m.see("chosen, documents: %d", len(documents))
}

func (m *merchant) reject() {
	m.t.Helper()
	m.must(m.desk.Queue.Reject(m.t.Context(), "olga", "not this one", m.waiting()...))
	m.later(time.Minute)
}

func (m *merchant) waiting() (ids []queue.EntryID) {
	m.t.Helper()
	entries, err := m.desk.Queue.Entries(m.t.Context(), queue.EntryQuery{Company: "acme", States: []queue.State{queue.EntryQueued}})
	m.must(err)
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// busy is Amazon with too many callers.
var busy = amazontest.Fault{Status: 429}

// lost breaks the first document's connection before Amazon has got it.
func lost() func(amazontest.Call) amazontest.Fault {
	return amazontest.Nth("createFeed", 1, amazontest.Fault{Drop: true})
}

// Returns.

// row is a row of a returns report; what is empty is filled in.
type row struct {
	Number, SKU, RMA, Status, Reason, Resolution, Tracking string
	Units                                                  int
}

// none is a cell that is there and blank.
const none = " "

var returnColumns = []string{"Order ID", "Return request date", "Return request status", "Amazon RMA ID", "Merchant SKU", "Return quantity", "Return Reason", "Resolution", "Tracking ID"}

func (r row) cells() []string {
	return []string{
		at(r.Number).Number, "01-Jan-2000", cmp.Or(r.Status, "Approved"), cmp.Or(r.RMA, "D1RRMA"), cmp.Or(r.SKU, "MUG"), fmt.Sprint(max(1, r.Units)),
		cmp.Or(r.Reason, "CR-UNWANTED_ITEM"), cmp.Or(r.Resolution, "StandardRefund"), r.Tracking,
	}
}

// report is a returns report without some columns.
func report(rows []row, without ...string) string {
	var b strings.Builder
	line := func(cells []string) {
		kept := slices.Clone(cells)
		for i := len(kept) - 1; i >= 0; i-- {
			if slices.Contains(without, returnColumns[i]) {
				kept = slices.Delete(kept, i, i+1)
			}
		}
		b.WriteString(strings.Join(kept, "\t") + "\n")
	}
	line(returnColumns)
	for _, r := range rows {
		line(r.cells())
	}
	return b.String()
}

// returns imports a returns report that was made now.
func (m *merchant) returns(rows ...row) rma.Imported {
	m.t.Helper()
	return m.importReturns(time.Now(), report(rows))
}

func (m *merchant) importReturns(made time.Time, file string) rma.Imported {
	m.t.Helper()
	in, err := m.desk.Returns.Import(m.t.Context(), acme, rma.AmazonFormat, amazon.ReportMeta{Name: "returns.txt", AsOf: made}, strings.NewReader(file))
	m.must(err)
	m.deliver()
	return in
}

// counts are what an import says of itself.
func (m *merchant) counts(in rma.Imported) {
	m.see("import: %d created, %d updated, %d unchanged, %d returnless, %d unmatched, skipped %v", in.Created, in.Updated, in.Unchanged, in.Returnless, in.Unmatched, in.Skipped)
}

// rmas are all of them, by Amazon's RMA ID, those without one last.
func (m *merchant) rmas() []rma.RMA {
	m.t.Helper()
	rs, err := m.desk.Returns.RMAs(m.t.Context(), rma.Query{Company: "acme"})
	m.must(err)
	name := func(r rma.RMA) string { return cmp.Or(r.OrderSourceRMANumber, "none") }
	slices.SortFunc(rs, func(a, b rma.RMA) int { return strings.Compare(name(a), name(b)) })
	return rs
}

// only is the only RMA.
func (m *merchant) only() rma.RMA {
	m.t.Helper()
	rs := m.rmas()
	require.Len(m.t, rs, 1)
	return rs[0]
}

// receive counts goods of the only RMA, each time another parcel.
func (m *merchant) receive(counts ...rma.Count) {
	m.t.Helper()
	m.unpack(rma.Goods{Key: fmt.Sprint("parcel ", len(m.only().Arrivals)), Counts: counts})
}

func (m *merchant) unpack(g rma.Goods) {
	m.t.Helper()
	g.RMA, g.By = m.only().ID, "carl"
	_, err := m.desk.Returns.Receive(m.t.Context(), g)
	m.answered("receive", err)
	m.deliver()
}

// refundRMA refunds what of the only RMA may be refunded now.
func (m *merchant) refundRMA(change ...func(*refund.Request)) {
	m.t.Helper()
	r, err := m.desk.Returns.Refund(m.t.Context(), m.only().ID, "anna")
	if !m.answered("refund", err) {
		return
	}
	for _, f := range change {
		f(&r)
	}
	m.refund(r)
}

// Settlements.

// settle has Amazon close a settlement over what happened since the last one, with
// rows altered, and imports it.
func (m *merchant) settle(alter ...rowsChange) (file string) {
	m.t.Helper()
	file = m.settlementOf(alter...)
	m.importSettlement(file)
	return file
}

type rowsChange = func([]amazontest.SettlementRow) []amazontest.SettlementRow

func (m *merchant) settlementOf(alter ...rowsChange) string {
	m.t.Helper()
	s := amazontest.Settlement{Seller: acme.Merchant, Marketplace: usa, Start: m.began, End: time.Now().Add(time.Second)}
	s.Alter = func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
		for _, f := range alter {
			rows = f(rows)
		}
		return rows
	}
	file, err := m.fake.Settle(s)
	m.must(err)
	m.began = s.End
	time.Sleep(time.Minute)
	return string(file.Body)
}

func (m *merchant) importSettlement(file string) {
	m.t.Helper()
	in, err := m.desk.Settlements.Import(m.t.Context(), acme, settlement.AmazonFormat, amazon.ReportMeta{Name: "settlement.txt"}, strings.NewReader(file))
	m.must(err)
	m.see("settlement: %v", in.Bookings)
	m.deliver()
}
