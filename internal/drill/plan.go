package drill

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// Plan is who works, what is asked for, and what Amazon is to say to it.
type Plan struct {
	Accounts amazon.AccountList
	Settings settings.ByCompany
	Orders   []order.Order
	Requests []Request
	Messages int // at most in one document; zero: the default

	Refused []string // numbers of orders of which Amazon refuses every message
	Lost    []string // merchants whose first createFeed is carried out and not answered
}

// Request is something that a person asked for, under a key of the host's.
type Request struct {
	Key   string
	Kind  queue.Kind
	Order order.AmazonID
	Lines []refund.Ask // of a refund
	Want  queue.State  // how it ends on a day without faults
}

// Begin is when every drill begins.
var Begin = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// Companies is a day of three companies, one of each mode, with refunds and
// cancellations, of which Amazon refuses some, and one lost answer.
func Companies() Plan {
	acme, bolt, coil := account("acme"), account("bolt"), account("coil")
	p := Plan{
		Accounts: amazon.AccountList{acme, bolt, coil},
		Settings: settings.ByCompany{
			"acme": {}, // Direct
			"bolt": {Queue: true, AutoSubmit: true},
			"coil": {Queue: true}, // Manual
		},
	}
	p.refund(acme, 1, queue.EntryAccepted, "4.00", "5.00")
	p.cancellation(acme, 2, queue.EntryAccepted)
	p.refund(bolt, 3, queue.EntryAccepted, "6.00")
	p.refund(bolt, 4, queue.EntryRefused, "7.00")
	p.refund(coil, 5, queue.EntryAccepted, "8.00")
	p.again(coil, 5, queue.EntryAccepted, "1.00") // waits for the first, since both are of one order
	p.Refused = []string{number(4)}
	p.Lost = []string{bolt.Merchant} // what it refuses proves which feed it was
	return p
}

// Single is one refund of one company that sends at once.
func Single() Plan {
	acme := account("acme")
	p := Plan{Accounts: amazon.AccountList{acme}, Settings: settings.ByCompany{"acme": {}}}
	p.refund(acme, 1, queue.EntryAccepted, "4.00")
	return p
}

// Backlog is many refunds of one company, each of an order of its own, that go
// out at once, so many to a document.
func Backlog(n, perDocument int) Plan {
	acme := account("acme")
	p := Plan{Accounts: amazon.AccountList{acme}, Settings: settings.ByCompany{"acme": {}}, Messages: perDocument}
	for i := range n {
		p.refund(acme, i+1, queue.EntryAccepted, "4.00")
	}
	return p
}

func account(name string) amazon.Account {
	return amazon.Account{
		ID: order.AccountID(name + "-us"), Company: order.CompanyID(name), Merchant: "A1" + strings.ToUpper(name),
		Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{marketplace},
	}
}

const (
	marketplace = order.MarketplaceID("ATVPDKIKX0DER")
	currency    = order.Currency("USD")
)

func number(n int) string { return fmt.Sprintf("111-0000000-%07d", n) }

func item(n, line int) string { return fmt.Sprintf("%012d%02d", n, line+1) }

// refund adds an order whose units have shipped, and a refund of it, with an
// amount for each line.
func (p *Plan) refund(a amazon.Account, n int, want queue.State, amounts ...string) {
	o := p.order(a, n, 1, max(1, len(amounts)))
	p.Orders = append(p.Orders, o)
	p.ask(o.Amazon, n, want, amounts)
}

// again adds a second refund of an order.
func (p *Plan) again(a amazon.Account, n int, want queue.State, amounts ...string) {
	p.ask(order.AmazonID{Account: a.ID, Number: number(n)}, n, want, amounts)
}

func (p *Plan) ask(id order.AmazonID, n int, want queue.State, amounts []string) {
	r := Request{Key: fmt.Sprintf("refund-%d", len(p.Requests)+1), Kind: queue.KindRefund, Order: id, Want: want}
	for line, amount := range amounts {
		r.Lines = append(r.Lines, refund.Ask{Item: item(n, line), Amounts: order.Amounts{order.Principal: decimal.RequireFromString(amount)}})
	}
	p.Requests = append(p.Requests, r)
}

// cancellation adds an order that waits in the warehouse, and its cancellation.
func (p *Plan) cancellation(a amazon.Account, n int, want queue.State) {
	o := p.order(a, n, 0, 1)
	p.Orders = append(p.Orders, o)
	p.Requests = append(p.Requests, Request{Key: fmt.Sprintf("cancel-%d", len(p.Requests)+1), Kind: queue.KindCancellation, Order: o.Amazon, Want: want})
}

func (p *Plan) order(a amazon.Account, n, shipped, lines int) order.Order {
	o := order.Order{
		ID: order.ID{Company: a.Company, Number: fmt.Sprintf("SO-%d", n)}, Amazon: order.AmazonID{Account: a.ID, Number: number(n)},
		Marketplace: marketplace, Currency: currency, Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
	}
	for line := range lines {
		o.Lines = append(o.Lines, order.Line{
			Item: item(n, line), SKU: fmt.Sprintf("SKU-%d-%d", n, line), Ordered: 1, Shipped: shipped,
			Charges: order.Amounts{order.Principal: decimal.RequireFromString("20.00")},
		})
	}
	return o
}

// Amazon makes a fake Amazon that knows the plan's sellers and orders.
func (p Plan) Amazon(c amazontest.Config) (*amazontest.Server, error) {
	fake, err := amazontest.New(c)
	if err != nil {
		return nil, err
	}
	merchant := map[order.AccountID]string{}
	for _, a := range p.Accounts {
		merchant[a.ID] = a.Merchant
		s := secrets(a)
		if err := fake.AddSeller(amazontest.Seller{Merchant: a.Merchant, ClientID: s.ClientID, ClientSecret: s.ClientSecret, RefreshToken: s.RefreshToken}); err != nil {
			return nil, err
		}
	}
	var orders []amazontest.Order
	for _, o := range p.Orders {
		known := amazontest.Order{Seller: merchant[o.Amazon.Account], Number: o.Amazon.Number, Marketplace: o.Marketplace, Currency: o.Currency}
		for _, l := range o.Lines {
			known.Items = append(known.Items, amazontest.Item{ID: l.Item, SKU: l.SKU, ASIN: "B0TKBKMUG1", Quantity: l.Ordered, Shipped: l.Shipped, Charges: l.Charges})
		}
		orders = append(orders, known)
	}
	if err := fake.Seed(orders...); err != nil {
		return nil, err
	}
	for _, number := range p.Refused {
		if err := fake.Refuse(number, 18028, "not this one"); err != nil {
			return nil, err
		}
	}
	fake.Fail(p.lose())
	return fake, nil
}

// lose is the fault that the plan itself has.
func (p Plan) lose() func(amazontest.Call) amazontest.Fault {
	var calls sync.Mutex
	left := slices.Clone(p.Lost)
	return func(c amazontest.Call) amazontest.Fault {
		calls.Lock()
		defer calls.Unlock()
		i := slices.Index(left, c.Seller)
		if c.Op != "createFeed" || i < 0 {
			return amazontest.Fault{}
		}
		left = slices.Delete(left, i, i+1)
		return amazontest.Fault{Drop: true, After: true}
	}
}
