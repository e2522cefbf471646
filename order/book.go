package order

import (
	"context"
	"errors"
)

// ErrStale is what a host answers to an [Effect] whose expected status its
// order no longer has: somebody changed the order meanwhile. The effect is then
// done, and a note for a person takes its place.
var ErrStale = errors.New("order changed meanwhile")

// Book is the host's order book: two methods over its own order tables.
// Implementations must be safe for use from several goroutines. [ordertest.Run]
// checks one.
//
// [ordertest.Run]: https://pkg.go.dev/github.com/takebackhq/takeback/order/ordertest#Run
type Book interface {
	// Orders returns every host order that carries one of these Amazon order
	// IDs, each once, in any order: none for an unknown ID, several for one after
	// a split. The same ID may be asked for twice in one call.
	// Not finding an order is not an error.
	Orders(ctx context.Context, ids []AmazonID) ([]Order, error)

	// ApplyOrder carries out one effect on a host order. Effects come at least
	// once and, for one host order, with rising Seq; one whose Seq the order has
	// passed is answered nil and changes nothing, and so is one of a kind that
	// the host does not keep. ErrStale means the order no longer has the status
	// that the effect expects; it has not passed that Seq then, and is given a
	// note under the same one at once. Any other error has the effect tried again
	// later, before all later effects of that order; after a day people are shown its
	// text, which holds no buyer data.
	ApplyOrder(ctx context.Context, e Effect) error
}
