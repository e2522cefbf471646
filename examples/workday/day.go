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
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
	"github.com/takebackhq/takeback/store/sqlite"
)

// day is a working day: the host's own tables, its desk, and the world outside.
type day struct {
	*story
	db    *sql.DB
	shop  shop.Shop // orders, stock and settings
	store takeback.Store
	desk  *takeback.Desk

	amazon *outside.Amazon
	clock  *outside.Clock
}

// begin opens the shop in the morning. A host of your own does the same, but for the
// fake Amazon and the clock.
func begin(ctx context.Context, file string, tell *story) (_ *day, err error) {
	d := &day{story: tell, clock: outside.NewClock(today(8, 0))}
	if d.db, err = shop.Open(file); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.end())
		}
	}()
	if d.shop, err = shop.New(ctx, d.db); err != nil {
		return nil, err
	}
	if d.store, err = openStore(ctx, d.db, file); err != nil {
		return nil, err
	}
	books := ""
	if file != "" {
		books = file + ".amazon.json"
	}
	if d.amazon, err = outside.Start(books, d.clock, d.store, seller()); err != nil {
		return nil, err
	}
	if err := d.fill(ctx); err != nil {
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
		Polling:      takeback.Polling{Orders: 3 * time.Hour}, // returns and settlements as usual
	})
	return d, err
}

// openStore is where the library keeps what it knows: in the host's own database.
func openStore(ctx context.Context, db *sql.DB, file string) (takeback.Store, error) {
	if file == "" {
		return memory.New(), nil // forgets what was sent: for tests and for looking around
	}
	if err := sqlite.Migrate(ctx, db); err != nil {
		return nil, err
	}
	return sqlite.New(ctx, db)
}

// fill brings in the orders, what is on the shelf, and the settings that the merchant
// begins the day with. What an earlier run left stays as it is.
func (d *day) fill(ctx context.Context) error {
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
