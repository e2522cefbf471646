package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/examples/internal/shop"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
	"github.com/takebackhq/takeback/store/sqlite"
)

// day is a working day: the host's desk, its own tables, and the world outside.
type day struct {
	*story
	desk   *takeback.Desk
	store  takeback.Store
	shop   shop.Shop
	amazon *outside.Amazon
	clock  *outside.Clock
	db     *sql.DB
}

// midnight is when the day begins.
var midnight = time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC)

// begin opens the shop. A host has everything of this but the fake Amazon, the orders
// and the clock.
func begin(ctx context.Context, file string, tell *story) (_ *day, err error) {
	db, err := shop.Open(file)
	if err != nil {
		return nil, err
	}
	d := &day{story: tell, db: db, clock: outside.NewClock(midnight.Add(8 * time.Hour))}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.end())
		}
	}()
	if d.shop, err = shop.New(ctx, db); err != nil {
		return nil, err
	}
	books := ""
	if file == "" {
		d.store = memory.New() // forgets what was sent: not for a real host
	} else {
		books = file + ".amazon.json"
		if err := sqlite.Migrate(ctx, db); err != nil {
			return nil, err
		}
		if d.store, err = sqlite.New(ctx, db); err != nil {
			return nil, err
		}
	}
	if d.amazon, err = outside.Start(books, d.clock, d.store, seller()); err != nil {
		return nil, err
	}
	if err := d.stock(ctx); err != nil {
		return nil, err
	}
	d.desk, err = takeback.New(takeback.Config{
		Store:    d.store,
		Book:     d.shop,
		Settings: d.shop,
		Amazon:   d.amazon.Client,
		Accounts: amazon.AccountList{seller()},
		Now:      d.clock.Now,

		Installation: "workday",
	})
	return d, err
}

// stock brings in the orders, what is on the shelf, and the settings that the
// merchant begins the day with.
func (d *day) stock(ctx context.Context) error {
	for _, o := range ordersOfTheDay() {
		if err := d.shop.Add(ctx, o); err != nil {
			return err
		}
		if err := d.amazon.Seed(d.amazon.Listed(o)); err != nil {
			return err
		}
		if err := d.shop.Stocked(ctx, o.Lines[0].SKU, 3); err != nil {
			return err
		}
	}
	for _, name := range []settings.Name{settings.Queue, settings.DownloadReturns, settings.AllowZeroOutInventory, settings.AllowLocalCancel} {
		if err := d.shop.Switch(ctx, company, name, true); err != nil {
			return err
		}
	}
	return nil
}

// end closes the shop.
func (d *day) end() error {
	if d.amazon != nil {
		d.amazon.Close()
	}
	return d.db.Close()
}

func (d *day) work(ctx context.Context) error {
	for _, part := range []func(context.Context) error{d.morning, d.noon, d.afternoon, d.evening} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// inOrder does one thing after the other.
func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// until lets the host's worker work until a time of the day. It does as Desk.Run
// does, a step whenever one is due, but does not wait for it.
func (d *day) until(ctx context.Context, hour, minute int) error {
	end := midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	for {
		next, err := d.desk.Step(ctx)
		if err != nil {
			return err
		}
		if !d.clock.Now().Before(end) {
			return nil
		}
		wait := max(time.Second, min(next.Sub(d.clock.Now()), end.Sub(d.clock.Now())))
		d.clock.Advance(wait)
	}
}

// order is the host's order, the first where several share the Amazon order.
func (d *day) order(ctx context.Context, number string) (order.Order, error) {
	orders, err := d.shop.Orders(ctx, []order.AmazonID{amazonID(number)})
	if err != nil {
		return order.Order{}, err
	}
	if len(orders) == 0 {
		return order.Order{}, errors.New("order " + number + " is not in the book")
	}
	return orders[0], nil
}

// send is what the operator does with the queue: looks at what waits, and sends it.
func (d *day) send(ctx context.Context) error {
	waiting, err := d.desk.Queue.Entries(ctx, queue.EntryQuery{Company: company, States: []queue.State{queue.EntryQueued}})
	if err != nil {
		return err
	}
	var send []queue.EntryID
	for _, e := range waiting {
		if e.Selection == nil { // not chosen before
			d.say("  waiting: %-12s %-26s %10s  %s", e.Kind, e.HostOrder, e.Amount, e.Label)
			send = append(send, e.ID)
		}
	}
	if len(send) == 0 {
		d.say("  nothing waits")
		return nil
	}
	documents, err := d.desk.Queue.Process(ctx, "olga", send...)
	if err != nil {
		return err
	}
	for _, doc := range documents {
		d.say("  sent by olga: %d in batch %s", len(doc.Entries), doc.Batch)
	}
	d.count("sent", len(send))
	d.count("documents", len(documents))
	return nil
}
