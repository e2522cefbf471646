package laws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/takebackhq/takeback/order"
)

// Book is a host's orders and stock, kept as effects say.
type Book struct {
	mu      sync.Mutex
	orders  map[order.ID]order.Order
	seen    map[order.ID]int64 // Seq of the last effect on each
	payment map[order.ID]order.PaymentStatus
	stock   map[string]int
	zeroed  map[string]int // how often the stock of a SKU was set to nothing
	refused bool           // a split came too late: what was to happen to its part has no order
}

// NewBook is a book of these orders, with so many units of each SKU in stock.
func NewBook(orders []order.Order, stock map[string]int) *Book {
	b := &Book{
		orders: map[order.ID]order.Order{}, seen: map[order.ID]int64{}, payment: map[order.ID]order.PaymentStatus{},
		stock: map[string]int{}, zeroed: map[string]int{},
	}
	for _, o := range orders {
		b.orders[o.ID] = clone(o)
	}
	for sku, n := range stock {
		b.stock[sku] = n
	}
	return b
}

// clone shares nothing with an order that a book changes.
func clone(o order.Order) order.Order {
	o.Lines, o.Holds = slices.Clone(o.Lines), slices.Clone(o.Holds)
	return o
}

// Orders implements [order.Book].
func (b *Book) Orders(_ context.Context, ids []order.AmazonID) ([]order.Order, error) {
	return b.find(func(o order.Order) bool { return slices.Contains(ids, o.Amazon) }), nil
}

// All are all orders, by their numbers.
func (b *Book) All() []order.Order {
	return b.find(func(order.Order) bool { return true })
}

func (b *Book) find(wanted func(order.Order) bool) (found []order.Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.orders {
		if wanted(o) {
			found = append(found, clone(o))
		}
	}
	slices.SortFunc(found, func(a, b order.Order) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return found
}

// Stock is how many units of a SKU are there.
func (b *Book) Stock(sku string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stock[sku]
}

// ApplyOrder implements [order.Book].
func (b *Book) ApplyOrder(_ context.Context, e order.Effect) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, known := b.orders[e.Order]
	switch {
	case !known:
		return fmt.Errorf("order %s: not here", e.Order)
	case e.Seq <= b.seen[e.Order]:
		return nil
	}
	o = clone(o)
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) {
			return fmt.Errorf("order %s is %s: %w", o.ID, o.Status, order.ErrStale)
		}
		o.Status = e.Status.To
	case order.EffectHold:
		o.Holds = append(without(o.Holds, e.Hold.Owner), *e.Hold)
	case order.EffectRelease:
		o.Holds = without(o.Holds, e.Release.Owner)
	case order.EffectSplit:
		rest, part, err := order.Split(o, e.Split.To, e.Split.Lines)
		if err != nil {
			return fmt.Errorf("%w: %w", order.ErrStale, err)
		}
		if _, taken := b.orders[part.ID]; taken {
			return fmt.Errorf("%w: there is an order %s", order.ErrStale, part.ID)
		}
		o, b.orders[part.ID] = rest, part
	case order.EffectPayment:
		b.payment[e.Order] = e.Payment.Status
	case order.EffectStock:
		b.stock[e.Stock.SKU] += e.Stock.Quantity
		if e.Stock.Zero {
			b.stock[e.Stock.SKU] = 0
			b.zeroed[e.Stock.SKU]++
		}
	}
	b.orders[e.Order], b.seen[e.Order] = o, e.Seq
	return nil
}

func without(holds []order.Hold, owner order.HoldOwner) []order.Hold {
	return slices.DeleteFunc(holds, func(h order.Hold) bool { return h.Owner == owner })
}

// change has the host itself change an order.
func (b *Book) change(id order.ID, how func(*order.Order)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := clone(b.orders[id])
	how(&o)
	b.orders[id] = o
}
