package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/sqlite"
)

const (
	shirt = "114000000000011"
	belt  = "114000000000028"
)

// shelf is an order book that never changes.
type shelf []order.Order

func (s shelf) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range s {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (shelf) ApplyOrder(context.Context, order.Effect) error { return nil }

var sold = order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}

// refunds is the service on a store, for an order of two shirts and five belts.
func refunds(t *testing.T, st *sqlite.Store) *refund.Service {
	t.Helper()
	amounts := func(principal, tax string) order.Amounts {
		return order.Amounts{order.Principal: decimal.RequireFromString(principal), order.Tax: decimal.RequireFromString(tax)}
	}
	s, err := refund.New(refund.Config{
		Store: st,
		Book: shelf{{
			ID: order.ID{Company: "acme", Number: "SO-1"}, Amazon: sold, Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
			Lines: []order.Line{
				{Item: shirt, SKU: "SHIRT", Ordered: 2, Shipped: 2, Charges: amounts("98.00", "8.09")},
				{Item: belt, SKU: "BELT", Ordered: 5, Shipped: 5, Charges: amounts("99.99", "8.25")},
			},
		}},
		Accounts: amazon.AccountList{{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}},
		Settings: settings.Fixed{Queue: true},
	})
	require.NoError(t, err)
	return s
}

func oneBelt(key string) refund.Request {
	return refund.Request{Order: sold, Lines: []refund.Ask{{Item: belt, Units: 1}}, Reason: amazon.ReasonCustomerReturn, Key: key, By: "anna"}
}

// The host's order row and a refund draft in one transaction of the host's, with
// a pool of one: commit keeps both, rollback neither.
func TestDraftInTheHostsTransaction(t *testing.T) {
	for _, commit := range []bool{true, false} {
		t.Run(fmt.Sprint("commit ", commit), func(t *testing.T) {
			ctx := t.Context()
			st, db := openStore(t, newFile(t))
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(ctx, `CREATE TABLE orders (number TEXT PRIMARY KEY, state TEXT)`)
			require.NoError(t, err)
			service := refunds(t, st)
			draft, err := service.Draft(ctx, oneBelt("one"))
			require.NoError(t, err)

			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(ctx, `INSERT INTO orders VALUES ('SO-1', 'refunding')`)
			require.NoError(t, err)
			require.NoError(t, draft.Save(ctx, st.WithTx(tx)))
			end := map[bool]func() error{true: tx.Commit, false: tx.Rollback}[commit]
			require.NoError(t, end())

			want := map[bool]int{true: 1, false: 0}[commit]
			var rows int
			require.NoError(t, db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&rows))
			assert.Equal(t, want, rows, "the host's row")
			issued, err := service.Refunds(ctx, refund.Query{Orders: []order.AmazonID{sold}})
			require.NoError(t, err)
			assert.Len(t, issued, want, "the refund")
			ledgers, err := st.Ledgers(ctx, []order.AmazonID{sold})
			require.NoError(t, err)
			assert.Equal(t, want, int(ledgers[0].Version), "the head")
		})
	}
}

// Two drafts that were decided on one version: exactly one is saved.
func TestTwoDraftsOnOneVersion(t *testing.T) {
	st, _ := openStore(t, newFile(t))
	service := refunds(t, st)
	var drafts []refund.Draft
	for i := range 8 {
		d, err := service.Draft(t.Context(), oneBelt(fmt.Sprint("draft ", i)))
		require.NoError(t, err)
		drafts = append(drafts, d)
	}
	saved := make([]error, len(drafts))
	var all sync.WaitGroup
	for i, d := range drafts {
		all.Go(func() { saved[i] = d.Save(t.Context(), st) })
	}
	all.Wait()
	won := 0
	for _, err := range saved {
		if err == nil {
			won++
			continue
		}
		assert.ErrorIs(t, err, store.ErrConflict)
	}
	assert.Equal(t, 1, won)
}

// Law 5: whatever is asked for by how many at once, through several handles of
// one database, no component is promised more than was charged for it.
func TestReservationsNeverExceedCharges(t *testing.T) {
	file := newFile(t)
	openStore(t, file)
	const workers, requests = 6, 12
	var all sync.WaitGroup
	services := make([]*refund.Service, workers)
	for w := range workers {
		st, _ := openStore(t, file)
		services[w] = refunds(t, st)
	}
	unexpected := make([]error, workers)
	for w, service := range services {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 2026))
			cents := func(n int) decimal.Decimal { return decimal.New(int64(random.IntN(n)+1), -2) }
			for i := range requests {
				r := oneBelt(fmt.Sprintf("%d of worker %d", i, w))
				shirts := refund.Ask{Item: shirt, Amounts: order.Amounts{order.Principal: cents(3000), order.Tax: cents(300)}}
				belts := refund.Ask{Item: belt, Amounts: order.Amounts{order.Principal: cents(1500)}}
				// A line of its own in turn, so that no line can be used up by
				// the requests for another before it was asked for alone.
				r.Lines = [][]refund.Ask{r.Lines, {shirts, belts}, {shirts}}[i%3]
				_, err := service.Issue(t.Context(), r)
				for errors.Is(err, store.ErrConflict) {
					_, err = service.Issue(t.Context(), r)
				}
				if err != nil && !errors.Is(err, order.ErrOver) && !errors.Is(err, refund.ErrNotShipped) {
					unexpected[w] = err
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(unexpected...))

	st, db := openStore(t, file)
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{sold})
	require.NoError(t, err)
	for _, item := range []string{shirt, belt} {
		charged, reserved := ledgers[0].Sum(order.Charged, item), ledgers[0].Sum(order.Reserved, item)
		assert.False(t, reserved.IsZero(), "item %s: nothing was reserved, so nothing was tested", item)
		for _, c := range reserved.Components() {
			assert.True(t, reserved[c].LessThanOrEqual(charged[c]), "item %s %s: reserved %s of %s", item, c, reserved[c], charged[c])
		}
	}
	assert.Equal(t, rowCount(t, db, "takeback_refunds"), int(ledgers[0].Version), "every refund raised the head once")
}

func rowCount(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}
