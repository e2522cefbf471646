package amazon

import (
	"context"
	"time"

	"github.com/takebackhq/takeback/order"
)

// OrderStatus is Amazon's word for how far an order is (model
// orders_2026-01-01, FulfillmentStatus). Unknown words are kept; empty: Amazon
// did not say.
type OrderStatus string

const (
	OrderPendingAvailability OrderStatus = "PENDING_AVAILABILITY"
	OrderPending             OrderStatus = "PENDING"
	OrderUnshipped           OrderStatus = "UNSHIPPED"
	OrderPartiallyShipped    OrderStatus = "PARTIALLY_SHIPPED"
	OrderShipped             OrderStatus = "SHIPPED"
	OrderCancelled           OrderStatus = "CANCELLED"
	OrderUnfulfillable       OrderStatus = "UNFULFILLABLE"
)

// Actor is Amazon's word for who asked for or made a cancellation. Unknown words
// are kept; empty: nobody, or Amazon did not say.
type Actor string

const (
	ActorBuyer    Actor = "BUYER"
	ActorMerchant Actor = "MERCHANT"
	ActorAmazon   Actor = "AMAZON"
)

// OrderState is an order as Amazon sees it: the evidence of what became of a
// cancellation, and of what a buyer asked for. It holds no buyer data.
type OrderState struct {
	Number      string // 3-7-7
	Status      OrderStatus
	FulfilledBy Actor // ActorMerchant or ActorAmazon
	Marketplace order.MarketplaceID
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Items       []ItemState
}

// ItemState is one order item as Amazon sees it. Units that are neither
// fulfilled nor unfulfilled were cancelled, or Amazon does not say.
type ItemState struct {
	ID          string // order item ID, text of digits
	SKU         string
	ASIN        string
	Ordered     int
	Fulfilled   int // shipped
	Unfulfilled int // still to be shipped

	// A wish to have the item cancelled, and the cancellation that was made.
	// The reasons are Amazon's text.
	RequestedBy     Actor
	RequestedReason string
	CancelledBy     Actor
	CancelledReason string
}

// Orders reads single orders. Implementations must be safe for use from several
// goroutines. Errors are or wrap [*Error].
type Orders interface {
	// Order reads the order with this Amazon order number. An order that Amazon
	// does not know is an error with Status 404.
	Order(ctx context.Context, a Account, number string) (OrderState, error)
}
