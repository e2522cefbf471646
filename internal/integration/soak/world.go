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
	"github.com/takebackhq/takeback/order"
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
	host     *host
	lines    map[string]order.Line // as they were ordered, by order number and item
	requests []*request
	returns  []*returnsFile
	wishes   []*wish
	aside    []*aside // refunds that were made past the library
	periods  []*period
	closed   map[order.AccountID]time.Time // up to when settlements tell
	fake     *amazontest.Server
	skew     time.Duration // of Amazon's clock
	store    *sqlite.Store
	strange  map[order.AccountID]string // an Amazon order that only strangers refund
}

// build draws a world.
func (r *run) build() (*world, error) {
	w := &world{
		run: r, settings: settings.ByCompany{}, host: newHost(), lines: map[string]order.Line{}, closed: map[order.AccountID]time.Time{},
		skew: r.between(-skewOfAmazon, skewOfAmazon), strange: map[order.AccountID]string{},
	}
	var err error
	r.world = w // the scripts ask for it
	w.fake, err = amazontest.New(amazontest.Config{
		Now:            r.time,
		Skew:           w.skew,
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
			Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{marketplace}, OtherSenders: r.chance(0.4),
		}
		if _, known := w.settings[company]; !known {
			w.settings[company] = r.drawSettings()
		}
		if err := w.addAccount(a); err != nil {
			return nil, err
		}
	}
	w.ask()
	w.drawReturns()
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
		ours, theirs := r.drawOrder(a, len(w.accounts), n)
		theirs.Number = number(n + 1)
		ours.Amazon = order.AmazonID{Account: a.ID, Number: theirs.Number}
		w.host.orders = append(w.host.orders, ours)
		for _, l := range ours.Lines {
			w.lines[theirs.Number+l.Item] = l
		}
		if err := w.fake.Seed(theirs); err != nil {
			return err
		}
		if r.chance(0.1) {
			if err := w.fake.Refuse(theirs.Number, []int{18028, 5002}[r.random.IntN(2)], "The message could not be processed."); err != nil {
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

// drawOrder draws an order as the host has it and as Amazon does: shipped, not
// shipped, or in part.
func (r *run) drawOrder(a amazon.Account, account, n int) (order.Order, amazontest.Order) {
	ours := order.Order{
		ID: order.ID{Company: a.Company, Number: fmt.Sprintf("SO-%d-%d", account, n+1)}, Marketplace: marketplace, Currency: currency,
		Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
	}
	theirs := amazontest.Order{Seller: a.Merchant, Marketplace: marketplace, Currency: currency}
	shipped, lines := r.chance(0.6), 1+r.random.IntN(2)
	for i := range lines {
		l := order.Line{
			Item: fmt.Sprintf("11%02d%02d%08d", account, n, i+1), SKU: fmt.Sprintf("SKU-%d", i+1), Ordered: []int{1, 1, 2, 3}[r.random.IntN(4)],
			Charges: order.Amounts{order.Principal: cents(100_00), order.Tax: cents(8_00)},
		}
		if r.chance(0.3) {
			l.Charges[order.Shipping] = cents(7_99)
		}
		if shipped || i == 0 && lines > 1 && r.chance(0.2) {
			l.Shipped = l.Ordered
		}
		if r.chance(0.2) {
			l.Kit = []order.Part{{SKU: "PART-A", Quantity: 2}, {SKU: "PART-B", Quantity: 1, Share: decimal.NewFromInt(3)}}
		}
		theirs.Items = append(theirs.Items, amazontest.Item{ID: l.Item, SKU: l.SKU, ASIN: "B0TKBKSOAK", Quantity: l.Ordered, Shipped: l.Shipped, Charges: l.Charges.Plus(nil)})
		if r.chance(0.3) {
			l.Promotions = order.Amounts{order.Principal: cents(12_34)}
			l.Charges = l.Charges.Plus(l.Promotions)
			theirs.Items[i].Promotions = l.Promotions.Plus(nil)
		}
		ours.Lines = append(ours.Lines, l)
	}
	return ours, theirs
}

const strangeItem = "99000000000001"

func cents(n int) decimal.Decimal { return decimal.New(int64(n), -2) }

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

// desk is the library as one life of a worker has it, and its store for what the
// host saves by itself.
type desk struct {
	*takeback.Desk
	store takeback.Store
}

func (w *world) desk(l *life) (desk, error) {
	gated := gatedStore{w.store, l}
	client, err := spapi.New(spapi.Config{
		Credentials: func(_ context.Context, a amazon.Account) (spapi.Credentials, error) { return credentials(a), nil },
		HTTPClient:  &http.Client{Transport: gatedWire{w.fake.RoundTripper(), l}},
		Buckets:     gated,
		Now:         l.worker.now, Wait: l.pause,
	})
	if err != nil {
		return desk{}, err
	}
	c := takeback.Config{
		Store: gated, Book: gatedBook{w.host, l}, Amazon: throttledFeeds{client, l}, Accounts: w.accounts, Settings: w.settings,
		Installation: "soak", Now: l.worker.now, Polling: takeback.Polling{Off: true},
	}
	if w.run.plant != nil {
		w.run.plant(&c)
	}
	d, err := takeback.New(c)
	return desk{d, c.Store}, err
}

func credentials(a amazon.Account) spapi.Credentials {
	return spapi.Credentials{ClientID: "amzn1.application-oa2-client." + a.Merchant, ClientSecret: "not-a-secret", RefreshToken: "Atzr|" + a.Merchant}
}
