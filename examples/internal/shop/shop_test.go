package shop_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/examples/internal/shop"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/order/ordertest"
	"github.com/takebackhq/takeback/settings"
)

// open opens a shop with orders, in a file.
func open(t *testing.T, file string, seed []order.Order) (*sql.DB, shop.Shop) {
	t.Helper()
	db, err := shop.Open(file)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	s, err := shop.New(t.Context(), db)
	require.NoError(t, err)
	require.NoError(t, s.Add(t.Context(), seed...))
	return db, s
}

// The shop's order book keeps its side of the contract, in a file and in memory.
func TestBook(t *testing.T) {
	files := map[string]func(*testing.T) string{
		"memory": func(*testing.T) string { return "" },
		"file":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "host, 100% ours?.db") },
	}
	for name, file := range files {
		book := func(t *testing.T, seed []order.Order) order.Book {
			_, s := open(t, file(t), seed)
			return s
		}
		t.Run(name, func(t *testing.T) {
			ordertest.Run(t, book)
			ordertest.RunSplits(t, book)
			ordertest.RunStock(t, func(t *testing.T, seed []order.Order) ordertest.StockBook {
				_, s := open(t, file(t), seed)
				require.NoError(t, s.Stocked(t.Context(), "SKU-1", 10))
				require.NoError(t, s.Stocked(t.Context(), "SKU-2", 10))
				return stocked{s}
			})
		})
	}
}

// stocked tells a test how much is on the shelf.
type stocked struct{ shop.Shop }

func (s stocked) Stock(t *testing.T, sku string) int {
	units, err := s.Shop.Stock(t.Context(), sku)
	require.NoError(t, err)
	return units
}

func TestSettings(t *testing.T) {
	_, s := open(t, "", nil)
	require.NoError(t, s.Switch(t.Context(), "acme", settings.Queue, true))
	require.NoError(t, s.Switch(t.Context(), "acme", settings.AllowLocalCancel, true))
	require.NoError(t, s.Switch(t.Context(), "acme", settings.AllowLocalCancel, false))
	got, err := s.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, settings.Settings{Queue: true}, got)
}
