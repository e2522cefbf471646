package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// clock is a clock that the program moves, so that waiting costs no time.
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

// wait is what the client does between two tries.
func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.advance(d)
	return ctx.Err()
}

const (
	merchant    = "A2THROTTLE01"
	company     = order.CompanyID("demo")
	marketplace = order.MarketplaceID("ATVPDKIKX0DER")
	currency    = order.Currency("USD")

	// maxBacklog is how many order numbers there are of the form that we make.
	maxBacklog = 9_999_999
)

var (
	account = amazon.Account{
		ID: "demo", Company: company, Merchant: merchant,
		Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{marketplace},
	}
	accountIDs = []order.AccountID{account.ID}
	feedTypes  = []amazon.FeedType{amazon.RefundFeed}

	charged = decimal.RequireFromString("20.00")
	asked   = decimal.RequireFromString("5.00")
)

// world is a queue, the store below it and the Amazon that it sends to.
type world struct {
	clock *clock
	store *memory.Store
	fake  *amazontest.Server
	queue *queue.Queue
	asked int // how often the queue asked the handler
}

func newWorld(perDocument int) (*world, error) {
	w := &world{clock: &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}, store: memory.New()}
	var err error
	if w.fake, err = amazontest.New(amazontest.Config{Now: w.clock.Now}); err != nil {
		return nil, err
	}
	credentials := spapi.Credentials{ClientID: "amzn1.application-oa2-client.throttle", ClientSecret: "not-a-secret", RefreshToken: "Atzr|throttle"}
	if err := w.fake.AddSeller(amazontest.Seller{
		Merchant: merchant, ClientID: credentials.ClientID, ClientSecret: credentials.ClientSecret, RefreshToken: credentials.RefreshToken,
	}); err != nil {
		return nil, err
	}
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return credentials, nil },
		HTTPClient:  w.fake.Client(),
		Buckets:     w.store,
		Now:         w.clock.Now, Wait: w.clock.wait,
	})
	if err != nil {
		return nil, err
	}
	w.queue, err = queue.New(queue.Config{
		Store: w.store, Feeds: client, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{Queue: true}, Installation: "throttle",
		Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: handler{w}},
		Batching: queue.Batching{Messages: perDocument}, Now: w.clock.Now,
	})
	return w, err
}

// enqueue has refunds wait, each of an order of its own, and Amazon know the
// orders.
func (w *world) enqueue(ctx context.Context, backlog int) ([]queue.EntryID, error) {
	const atOnce = 10_000
	now := w.clock.Now()
	var ids []queue.EntryID
	for len(ids) < backlog {
		var entries []queue.Entry
		var orders []amazontest.Order
		for range min(atOnce, backlog-len(ids)) {
			number := fmt.Sprintf("111-0000000-%07d", len(ids)+1)
			stamp := order.Stamp{By: "clerk", At: now.Add(time.Duration(len(ids)-backlog) * time.Millisecond), Why: "damaged"}
			e := queue.Entry{
				ID: queue.NewEntryID(queue.KindRefund, company, number), Kind: queue.KindRefund, Feed: amazon.RefundFeed,
				HostOrder: order.ID{Company: company, Number: "SO-" + number}, Order: order.AmazonID{Account: account.ID, Number: number},
				Amount: order.Money{Amount: asked, Currency: currency}, State: queue.EntryQueued,
				Mode: settings.Manual, QueuedAt: stamp.At, Requested: stamp, Changed: stamp,
			}
			ids, entries = append(ids, e.ID), append(entries, e)
			orders = append(orders, amazontest.Order{
				Seller: merchant, Number: number, Marketplace: marketplace, Currency: currency,
				Items: []amazontest.Item{{
					ID: item(number), SKU: "MUG", ASIN: "B0TKBKMUG1", Quantity: 1, Shipped: 1,
					Charges: order.Amounts{order.Principal: charged},
				}},
			})
		}
		if err := w.store.SaveQueue(ctx, queue.Change{Entries: entries}); err != nil {
			return nil, err
		}
		if err := w.fake.Seed(orders...); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// item is the order item ID of the one item of an order.
func item(number string) string { return "1234567" + number[len(number)-7:] }

// paidOnce compares what Amazon paid with what was asked for.
func (w *world) paidOnce(backlog int) error {
	paid := map[string]bool{}
	for _, p := range w.fake.Ledger() {
		if paid[p.Order] || !p.Amount.Equal(asked) {
			return fmt.Errorf("Amazon paid %s for order %s, the only or the second time: want %s, once", p.Amount, p.Order, asked)
		}
		paid[p.Order] = true
	}
	if len(paid) != backlog {
		return fmt.Errorf("Amazon paid %d refunds: want all %d", len(paid), backlog)
	}
	return nil
}

// handler prepares one message for each refund, and has nothing to keep beside
// the entry.
type handler struct{ *world }

// Prepare implements [queue.Handler].
func (h handler) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	h.asked++
	orders := make([]order.AmazonID, len(es))
	for i, e := range es {
		orders[i] = e.Order
	}
	ledgers, err := h.store.Ledgers(ctx, orders)
	if err != nil {
		return nil, err
	}
	prepared := make([]queue.Prepared, len(es))
	for i, e := range es {
		prepared[i] = queue.Prepared{
			Entry: e.ID,
			Order: order.Writes{Order: e.Order, Version: ledgers[i].Version},
			Messages: []queue.PreparedMessage{{Part: item(e.Order.Number), Message: amazon.Adjustment{
				Order: e.Order.Number, Item: item(e.Order.Number), AdjustmentID: string(e.ID),
				Reason: amazon.RefundCustomerReturn, Currency: currency, Amounts: order.Amounts{order.Principal: asked},
			}}},
		}
	}
	return prepared, nil
}

// Apply implements [queue.Handler].
func (h handler) Apply(ctx context.Context, es []queue.Entry) error {
	h.asked++
	return queue.ApplyTogether(ctx, es, func(ctx context.Context, es []queue.Entry) error {
		return h.store.SaveQueue(ctx, queue.Change{Entries: es})
	})
}
