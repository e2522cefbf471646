package laws

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// Draw draws a number from 0 to n-1, for something that it names.
type Draw func(what string, n int) int

// one draws one of some values.
func one[T any](draw Draw, what string, of ...T) T { return of[draw(what, len(of))] }

// merchant is who all of it happens to, with an Amazon of their own.
type merchant struct {
	desk     *takeback.Desk
	settings settings.Settings
	store    takeback.Store // as it is, without faults
	gated    takeback.Store // as the desk sees it
	book     *Book
	fake     *amazontest.Server
	clock    *clock
	trouble  *trouble
	witness  *witness
	files    []returnsFile

	mu       sync.Mutex
	asked    map[queue.EntryID]string // what was granted, and what it was
	parcels  map[order.ID]bool        // host orders that were handed over
	outside  map[order.AmazonID]bool  // orders of which money went back that we did not send
	held     map[order.ID]bool        // by the host itself
	settled  time.Time                // until when Amazon has settled
	reports  []string                 // the settlements
	worked   map[string]int           // what was done, and not refused
	told     []string                 // what happened
	unlawful []string
}

// wrong notes a law that was broken.
func (m *merchant) wrong(law, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unlawful = append(m.unlawful, law+": "+fmt.Sprintf(format, args...))
}

// clock is the one clock of a day. Waiting moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(0, d))
}

var begin = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// theAccount is the merchant's.
var theAccount = amazon.Account{
	ID: "acme-us", Company: "acme", Merchant: "A1ACME", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
}

func usd(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func numbered(n int) order.AmazonID {
	return order.AmazonID{Account: theAccount.ID, Number: fmt.Sprintf("111-0000000-%07d", n)}
}

// orders are the merchant's. 0 and 1 have shipped, the latter with two kits and with
// what is a part of them as well; 2, of three lines, and 3 wait to be shipped.
func orders() []order.Order {
	line := func(n, i int, sku string, units int, charges order.Amounts) order.Line {
		return order.Line{Item: fmt.Sprintf("114%010d%d", n, i), SKU: sku, Ordered: units, Charges: charges}
	}
	price := func(s string) order.Amounts { return order.Amounts{order.Principal: usd(s)} }
	mugs := func() order.Amounts {
		return order.Amounts{order.Principal: usd("40.00"), order.Tax: usd("3.30"), order.Shipping: usd("4.99")}
	}

	promoted := line(0, 0, "MUG", 2, mugs())
	promoted.Promotions = price("3.01")
	kit := line(1, 0, "DESK", 2, price("100.01"))
	kit.Kit = []order.Part{{SKU: "TOP", Quantity: 1, Share: usd("3")}, {SKU: "LEG", Quantity: 4, Share: usd("1")}}
	all := []order.Order{
		{Lines: []order.Line{promoted, line(0, 1, "LAMP", 1, price("10.01"))}},
		{Lines: []order.Line{kit, line(1, 1, "LEG", 1, price("9.00"))}},
		{Lines: []order.Line{line(2, 0, "MUG", 2, mugs()), line(2, 1, "TRAY", 1, price("10.00")), line(2, 2, "CUP", 3, price("10.00"))}},
		{Lines: []order.Line{line(3, 0, "MUG", 2, mugs())}},
	}
	for n := range all {
		o := &all[n]
		o.ID, o.Amazon = order.ID{Company: theAccount.Company, Number: fmt.Sprint("SO-", n)}, numbered(n)
		o.Marketplace, o.Currency, o.Fulfilment, o.Status = "ATVPDKIKX0DER", "USD", order.ByMerchant, order.StatusInProcess
		for i := range o.Lines {
			if n < 2 {
				o.Status, o.Lines[i].Shipped = order.StatusCompleted, o.Lines[i].Ordered
			}
		}
	}
	return all
}

// drawSettings draws what the merchant has decided.
func drawSettings(draw Draw) settings.Settings {
	yes := func(what string) bool { return draw(what, 2) == 1 }
	return settings.Settings{
		AllowOverRefund: yes("over-refund"), AllowZeroOutInventory: yes("zero out"), AllowLocalCancel: yes("local cancel"),
		SkipReturnlessRMA: yes("skip returnless"), Queue: yes("queue"), AutoSubmit: yes("auto submit"),
		Policy: settings.Policy{
			PaymentStatusAt: one(draw, "payment status at", settings.PaymentStatusWhenAccepted, settings.PaymentStatusWhenIssued),
			CancelledAt:     one(draw, "cancelled at", settings.CancelledWhenAccepted, settings.CancelledWhenRequested),
			LostAnswer:      one(draw, "lost answer", settings.LostAnswerAsks, settings.LostAnswerSendsAnew),
			CloseRMA:        one(draw, "close RMA", settings.CloseWhenRefundedAndReceived, settings.CloseWhenRefunded, settings.CloseManually),
			KitRefund:       one(draw, "kit refund", settings.KitWhenComplete, settings.KitProRata),
			RefundCeiling:   one(draw, "ceiling", settings.CeilingAuthorised, settings.CeilingReceived, settings.CeilingGood),
			BeforeShipment:  one(draw, "before shipment", settings.BeforeShipmentRefuse, settings.BeforeShipmentWait),
			AlreadyRefunded: one(draw, "already refunded", settings.AlreadyRefundedRefuse, settings.AlreadyRefundedWarn),
			OnBuyerRequest:  one(draw, "on buyer request", settings.BuyerRequestHolds, settings.BuyerRequestAccepted),
			Limits:          []settings.Limit{{Actor: "eve", Amount: usd("8"), Currency: "USD"}},
		},
	}
}

// open draws a merchant, who keeps everything in a store.
func open(st takeback.Store, draw Draw) (*merchant, error) {
	m := &merchant{
		settings: drawSettings(draw), store: st, clock: &clock{now: begin}, trouble: &trouble{}, settled: begin,
		asked: map[queue.EntryID]string{}, parcels: map[order.ID]bool{}, outside: map[order.AmazonID]bool{},
		held: map[order.ID]bool{}, worked: map[string]int{},
	}
	m.witness = &witness{Store: st, wrong: m.wrong}
	m.gated = drill.Gated(m.witness, m.trouble)
	all := orders()
	m.book = NewBook(all, nil)
	var err error
	if m.fake, err = amazontest.New(amazontest.Config{Now: m.clock.Now}); err != nil {
		return nil, err
	}
	seller := amazontest.Seller{Merchant: theAccount.Merchant, ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}
	if err := m.fake.AddSeller(seller); err != nil {
		return nil, err
	}
	for _, o := range all {
		theirs := amazontest.Order{Seller: theAccount.Merchant, Number: o.Amazon.Number, Marketplace: o.Marketplace, Currency: o.Currency}
		for _, l := range o.Lines {
			theirs.Items = append(theirs.Items, amazontest.Item{
				ID: l.Item, SKU: l.SKU, Quantity: l.Ordered, Shipped: l.Shipped, Charges: l.Paid(), Promotions: l.Promotions,
			})
		}
		if err := m.fake.Seed(theirs); err != nil {
			return nil, err
		}
	}
	if of := one(draw, "refused", 0, 0, 18028, 5002); of != 0 { // the latter does not say whether it was done
		if err := m.fake.Refuse(numbered(draw("refused order", 4)).Number, of, "not this one"); err != nil {
			return nil, err
		}
	}
	m.fake.Fail(m.trouble.atAmazon)
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: seller.ClientID, ClientSecret: seller.ClientSecret, RefreshToken: seller.RefreshToken}, nil
		},
		HTTPClient: &http.Client{Transport: m.fake.RoundTripper()},
		Now:        m.clock.Now,
		Wait: func(ctx context.Context, d time.Duration) error {
			m.clock.advance(d)
			return ctx.Err()
		},
	})
	if err != nil {
		return nil, err
	}
	m.desk, err = takeback.New(takeback.Config{
		Store: m.gated, Book: m.book, Amazon: client, Accounts: amazon.AccountList{theAccount}, Settings: settings.Fixed(m.settings),
		Installation: "laws", Polling: takeback.Polling{Off: true}, Now: m.clock.Now,
	})
	return m, err
}

// mishap is what goes wrong: one call to the store, and one with which a document is
// sent to Amazon. The zero mishap is that nothing does.
type mishap struct {
	fails int // the call to the store that fails, from 1; 0: none
	late  bool
	fault amazontest.Fault // of the next createFeed
}

// trouble brings mishaps about.
type trouble struct {
	mu    sync.Mutex
	calls int
	next  mishap
}

func (t *trouble) begin(next mishap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.next = 0, next
}

// Before implements [drill.Gate].
func (t *trouble) Before(string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	return t.at(false)
}

// After implements [drill.Gate]. Of several calls at once any may be the one.
func (t *trouble) After(string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at(true)
}

func (t *trouble) at(late bool) error {
	if t.next.fails == 0 || t.calls != t.next.fails || t.next.late != late {
		return nil
	}
	t.next.fails = 0
	return drill.ErrLost
}

func (t *trouble) atAmazon(c amazontest.Call) (f amazontest.Fault) {
	if c.Op != "createFeed" {
		return f
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f, t.next.fault = t.next.fault, f
	return f
}
