package refund

import (
	"context"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// Booked is money of one order item that is known to have gone back to a buyer,
// as a settlement or Amazon's finances show it.
type Booked struct {
	Name          string // of the booking: a settlement's ID and row, or Amazon's refund ID
	Item          string // order item ID; empty when the source gives none
	SKU           string // empty when the source gives none
	Amounts       order.Amounts
	Currency      order.Currency
	PostedAt      time.Time
	Refund        queue.EntryID // the refund of ours that it was taken for; empty: none
	Cancellation  queue.EntryID // the cancellation of split-off units that it was taken for; empty: none
	ByAmazonAlone bool          // it is known that Amazon did it by itself
}

// Books tells what settlements have shown of an order. Package settlement
// implements it.
type Books interface {
	// Booked lists what is known to have gone back to the buyer of this Amazon
	// order, whoever did it, the earliest first. An empty list proves nothing.
	Booked(ctx context.Context, id order.AmazonID) ([]Booked, error)

	// Recorded is told, after the save, that a refund was recorded: settlements may
	// have shown it before, as Amazon's own. It may be told again, or not at all when
	// the process dies before.
	Recorded(ctx context.Context, r Refund) error
}

// OpenReturn is an order item that an RMA expects back, or has back, and for which
// the buyer has not got the money yet.
type OpenReturn struct {
	RMA   string
	Item  string // order item ID
	Units int
}

// Due is what of an RMA may be refunded, by what came of it.
type Due struct {
	Units    map[string]int // by order item ID: all refunds of the RMA together are for no more
	Cautions []Caution      // what whoever refunds it must have read
}

// Returns tells of the returns of an order. Package rma implements it.
type Returns interface {
	OpenReturns(ctx context.Context, id order.AmazonID) ([]OpenReturn, error)

	// Due tells what of an RMA of this order may be refunded. An RMA that the order
	// does not have is store.ErrNotFound.
	Due(ctx context.Context, id order.AmazonID, rma string) (Due, error)

	// Refunded is told, after the save, that something became of refunds of these
	// RMAs. It may be told again, or not at all when the process dies before.
	Refunded(ctx context.Context, rmas ...string) error
}
