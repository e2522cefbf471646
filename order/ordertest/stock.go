package ordertest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
)

// StockBook is a book that keeps stock.
type StockBook interface {
	order.Book

	// Stock is how many units of a SKU are there.
	Stock(t *testing.T, sku string) int
}

// RunStock checks a book that carries out Stock effects. Open returns a new book for
// each subtest with the seeded orders and ten units of SKU-1 and of SKU-2.
func RunStock(t *testing.T, open func(t *testing.T, seed []order.Order) StockBook) {
	run(t, open, []promise[StockBook]{
		{"stock/moves", "A Stock effect adds units to its SKU, or takes them away, and leaves other SKUs alone.", checkStockMoves},
		{"stock/zero", "A Stock effect with Zero sets the stock of its SKU to nothing.", checkStockZero},
		{"stock/once", "A Stock effect moves stock once per key: one that comes again, or whose Seq the order has passed, moves nothing.", checkStockOnce},
		{"stock/each key", "Two Stock effects with keys of their own both move stock, be they equal else.", checkStockKeys},
	})
}

func stock(seq int64, sku string, move order.StockMove) order.Effect {
	move.SKU = sku
	return effect(seq, order.Effect{Kind: order.EffectStock, Stock: &move})
}

// holdsStock checks what is there of both SKUs.
func holdsStock(t *testing.T, book StockBook, one, two int) {
	t.Helper()
	assert.Equal(t, []int{one, two}, []int{book.Stock(t, "SKU-1"), book.Stock(t, "SKU-2")}, "units of SKU-1 and SKU-2")
}

func checkStockMoves(t *testing.T, book StockBook) {
	holdsStock(t, book, 10, 10)
	apply(t, book, stock(10, "SKU-1", order.StockMove{Quantity: 3}))
	holdsStock(t, book, 13, 10)
	apply(t, book, stock(20, "SKU-2", order.StockMove{Quantity: -4}))
	holdsStock(t, book, 13, 6)
	stored(t, book, seed())
}

func checkStockZero(t *testing.T, book StockBook) {
	apply(t, book, stock(10, "SKU-1", order.StockMove{Zero: true}))
	holdsStock(t, book, 0, 10)
	apply(t, book, stock(20, "SKU-1", order.StockMove{Quantity: 2}))
	holdsStock(t, book, 2, 10)
}

func checkStockOnce(t *testing.T, book StockBook) {
	move, zero := stock(20, "SKU-1", order.StockMove{Quantity: 3}), stock(30, "SKU-2", order.StockMove{Zero: true})
	apply(t, book, move, move, zero, stock(40, "SKU-2", order.StockMove{Quantity: 5}), zero, move,
		stock(15, "SKU-1", order.StockMove{Quantity: 100}))
	holdsStock(t, book, 13, 5)
}

func checkStockKeys(t *testing.T, book StockBook) {
	apply(t, book, stock(10, "SKU-1", order.StockMove{Quantity: 1}), stock(11, "SKU-1", order.StockMove{Quantity: 1}))
	another := stock(10, "SKU-1", order.StockMove{Quantity: 1})
	another.Order, another.Amazon, another.Key = second, secondAmazon, secondAmazon.String()+"#10"
	require.NoError(t, book.ApplyOrder(t.Context(), another))
	holdsStock(t, book, 13, 10)
}
