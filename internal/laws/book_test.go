package laws_test

import (
	"testing"

	"github.com/takebackhq/takeback/internal/laws"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/order/ordertest"
)

// stocked is a book that says how much is in stock.
type stocked struct{ *laws.Book }

func (s stocked) Stock(_ *testing.T, sku string) int { return s.Book.Stock(sku) }

func TestTheBookIsAnOrderBook(t *testing.T) {
	open := func(_ *testing.T, seed []order.Order) ordertest.StockBook {
		return stocked{laws.NewBook(seed, map[string]int{"SKU-1": 10, "SKU-2": 10})}
	}
	book := func(t *testing.T, seed []order.Order) order.Book { return open(t, seed) }
	ordertest.Run(t, book)
	ordertest.RunSplits(t, book)
	ordertest.RunStock(t, open)
}
