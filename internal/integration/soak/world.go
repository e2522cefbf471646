package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/sqlite"
)

const (
	marketplace = order.MarketplaceID("ATVPDKIKX0DER")
	currency    = order.Currency("USD")
)

// world is what one run happens in: companies with their orders and settings, a
// database, and an Amazon that keeps the books.
type world struct {
	run      *run
	accounts amazon.AccountList
	settings settings.ByCompany
	orders   []order.Order
	requests []*request
	fake     *amazontest.Server
	store    *sqlite.Store
	strange  map[order.AccountID]string // an Amazon order that only strangers refund
}

// request is one refund or cancellation that somebody asks for, as often as it
// takes to hear that it was queued.
type request struct {
	kind   queue.Kind
	order  order.AmazonID
	lines  []refund.Ask
	key    string
	issued queue.EntryID // empty: not yet
}

// issue asks for the request.
func (r *request) issue(ctx context.Context, d *takeback.Desk) (err error) {
	var id queue.EntryID
	if r.kind == queue.KindRefund {
		var issued refund.Refund
		issued, err = d.Refunds.Issue(ctx, refund.Request{Order: r.order, Lines: r.lines, Reason: amazon.ReasonCustomerReturn, Key: r.key, By: "clerk"})
		id = issued.ID
	} else {
		var issued cancel.Cancellation
		issued, err = d.Cancels.Issue(ctx, cancel.Request{Order: r.order, Reason: amazon.ReasonNoInventory, By: "clerk"})
		id = issued.ID
	}
	// A repeat that finds the first one ended is an error, and names it.
	if id != "" {
		r.issued = id
		return nil
	}
	return err
}

// build draws a world.
func (r *run) build() (*world, error) {
	w := &world{run: r, settings: settings.ByCompany{}, strange: map[order.AccountID]string{}}
	var err error
	r.world = w // the scripts ask for it
	w.fake, err = amazontest.New(amazontest.Config{
		Now:            r.time,
		Skew:           r.between(-skewOfAmazon, skewOfAmazon),
		ProcessingTime: r.between(time.Minute, 20*time.Minute),
	})
	if err != nil {
		return nil, err
	}
	w.fake.Fail(func(amazontest.Call) amazontest.Fault { return r.takeFault() })
	w.fake.FateOf(func(f amazontest.Feed) amazontest.Fate { return r.fate(f) })

	accounts := []int{1, 1, 2, 3}[r.random.IntN(4)]
	companies := 1 + r.random.IntN(accounts)
	for i := range accounts {
		company := order.CompanyID(fmt.Sprintf("company-%d", 1+i%companies))
		a := amazon.Account{
			ID: order.AccountID(fmt.Sprintf("seller-%d", i+1)), Company: company, Merchant: fmt.Sprintf("A2SOAK%05d", i+1),
			Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{marketplace}, OtherSenders: r.chance(0.3),
		}
		w.settings[company] = r.drawSettings()
		if err := w.addAccount(a); err != nil {
			return nil, err
		}
	}
	w.ask()
	return w, nil
}

// addAccount draws the orders of a seller and has Amazon know them.
func (w *world) addAccount(a amazon.Account) error {
	r := w.run
	w.accounts = append(w.accounts, a)
	c := credentials(a)
	if err := w.fake.AddSeller(amazontest.Seller{Merchant: a.Merchant, ClientID: c.ClientID, ClientSecret: c.ClientSecret, RefreshToken: c.RefreshToken}); err != nil {
		return err
	}
	number := func(n int) string { return fmt.Sprintf("111-%07d-%07d", len(w.accounts), n) }
	for n := range 1 + r.random.IntN(3) {
		shipped := 0
		if r.chance(0.7) {
			shipped = 1
		}
		o := order.Order{
			ID:     order.ID{Company: a.Company, Number: fmt.Sprintf("SO-%d-%d", len(w.accounts), n+1)},
			Amazon: order.AmazonID{Account: a.ID, Number: number(n + 1)}, Marketplace: marketplace, Currency: currency,
			Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
		}
		theirs := amazontest.Order{Seller: a.Merchant, Number: o.Amazon.Number, Marketplace: marketplace, Currency: currency}
		for i := range 1 + r.random.IntN(2) {
			item := fmt.Sprintf("11%02d%02d%08d", len(w.accounts), n, i+1)
			charges := order.Amounts{order.Principal: cents(100_00), order.Tax: cents(8_00)}
			o.Lines = append(o.Lines, order.Line{Item: item, SKU: fmt.Sprintf("SKU-%d", i+1), Ordered: 1, Shipped: shipped, Charges: charges})
			theirs.Items = append(theirs.Items, amazontest.Item{ID: item, SKU: fmt.Sprintf("SKU-%d", i+1), ASIN: "B0TKBKSOAK", Quantity: 1, Shipped: shipped, Charges: charges})
		}
		w.orders = append(w.orders, o)
		if err := w.fake.Seed(theirs); err != nil {
			return err
		}
		if r.chance(0.1) {
			if err := w.fake.Refuse(o.Amazon.Number, []int{18028, 5002}[r.random.IntN(2)], "The message could not be processed."); err != nil {
				return err
			}
		}
	}
	if !a.OtherSenders {
		return nil
	}
	w.strange[a.ID] = number(99)
	return w.fake.Seed(amazontest.Order{
		Seller: a.Merchant, Number: number(99), Marketplace: marketplace, Currency: currency,
		Items: []amazontest.Item{{ID: strangeItem, SKU: "SKU-X", ASIN: "B0TKBKSOAK", Quantity: 1, Shipped: 1, Charges: order.Amounts{order.Principal: cents(100_00)}}},
	})
}

const strangeItem = "99000000000001"

func cents(n int) decimal.Decimal { return decimal.New(int64(n), -2) }

// ask draws what will be asked for. Two refunds of one order may be of the same
// amount, as honest ones may; nobody else's payment is of that amount.
func (w *world) ask() {
	r := w.run
	cancelled := map[order.AmazonID]bool{}
	for n := range 2 + r.random.IntN(4) {
		o := w.orders[r.random.IntN(len(w.orders))]
		ask := &request{kind: queue.KindRefund, order: o.Amazon, key: fmt.Sprintf("request %d", n+1)}
		if o.Lines[0].Shipped == 0 {
			if cancelled[o.Amazon] {
				continue
			}
			cancelled[o.Amazon], ask.kind = true, queue.KindCancellation
		} else {
			for _, l := range o.Lines[:1+r.random.IntN(len(o.Lines))] {
				amounts := order.Amounts{order.Principal: cents(5_00 + 10*r.random.IntN(40))}
				if r.chance(0.5) {
					amounts[order.Tax] = cents(50)
				}
				ask.lines = append(ask.lines, refund.Ask{Item: l.Item, Amounts: amounts})
			}
		}
		w.requests = append(w.requests, ask)
	}
}

// companies lists each company once.
func (w *world) companies() (ids []order.CompanyID) {
	for _, a := range w.accounts {
		if !slices.Contains(ids, a.Company) {
			ids = append(ids, a.Company)
		}
	}
	return ids
}

// open makes the world's database. Remove it in the end.
func (w *world) open(folder string, empty []byte) (remove func() error, err error) {
	file := filepath.Join(folder, fmt.Sprintf("%d.db", w.run.number))
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		return nil, err
	}
	db := sql.OpenDB(openDatabase(file))
	remove = func() error {
		// Closed by its last connection, the file is all there is.
		return errors.Join(db.Close(), os.Remove(file))
	}
	if w.store, err = sqlite.New(context.Background(), db); err != nil {
		return nil, errors.Join(err, remove())
	}
	return remove, nil
}

// emptyDatabase is the file of a database in which nothing is kept yet. Making
// one takes longer than playing a run.
func emptyDatabase(folder string) ([]byte, error) {
	file := filepath.Join(folder, "empty.db")
	db := sql.OpenDB(openDatabase(file))
	if err := errors.Join(sqlite.Migrate(context.Background(), db), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Clean(file))
}

// desk is the library as one life of a worker has it.
func (w *world) desk(l *life) (*takeback.Desk, error) {
	gated := gatedStore{w.store, l}
	client, err := spapi.New(spapi.Config{
		Credentials: func(_ context.Context, a amazon.Account) (spapi.Credentials, error) { return credentials(a), nil },
		HTTPClient:  &http.Client{Transport: gatedWire{w.fake.RoundTripper(), l}},
		Buckets:     gated,
		Now:         l.worker.now, Wait: l.pause,
	})
	if err != nil {
		return nil, err
	}
	c := takeback.Config{
		Store: gated, Book: w, Amazon: throttledFeeds{client, l}, Accounts: w.accounts, Settings: w.settings,
		Installation: "soak", Now: l.worker.now, Polling: takeback.Polling{Off: true},
	}
	if w.run.plant != nil {
		w.run.plant(&c)
	}
	return takeback.New(c)
}

func credentials(a amazon.Account) spapi.Credentials {
	return spapi.Credentials{ClientID: "amzn1.application-oa2-client." + a.Merchant, ClientSecret: "not-a-secret", RefreshToken: "Atzr|" + a.Merchant}
}

// Orders implements [order.Book], for a host whose orders do not change.
func (w *world) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range w.orders {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

// ApplyOrder implements [order.Book]: this host keeps none of the effects.
func (w *world) ApplyOrder(context.Context, order.Effect) error { return nil }
