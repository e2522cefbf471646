package amazon

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// FinancialRefund is a refund that Amazon booked (model finances_2024-06-19,
// Transaction). Amounts are as they stand in the seller's account: what the
// buyer got is below zero, a fee that came back is above.
type FinancialRefund struct {
	ID          string // Amazon's REFUND_ID; empty when there is none
	Transaction string // Amazon's transaction ID
	Status      string // DEFERRED, RELEASED or DEFERRED_RELEASED; unknown words are kept
	PostedAt    time.Time
	Total       Booked
	Items       []FinancialItem
	Parts       []FinancialPart // what the total is made of
}

// Booked is an amount in the seller's account. A part in another currency than
// its total is Amazon's to explain, so each carries its own.
type Booked struct {
	Amount   decimal.Decimal
	Currency order.Currency // empty: Amazon gave no amount
}

// FinancialItem is the part of a refund that is about one product.
type FinancialItem struct {
	Adjustment string // Amazon's ORDER_ADJUSTMENT_ITEM_ID; empty when there is none
	SKU        string
	ASIN       string
	Units      int // 0: Amazon did not say
	Total      Booked
	Parts      []FinancialPart
}

// FinancialPart is one kind of charge, in Amazon's words, and what it is made of
// in turn.
type FinancialPart struct {
	Type  string
	Total Booked
	Parts []FinancialPart
}

// Finances reads what was really refunded. Implementations must be safe for use
// from several goroutines. Errors are or wrap [*Error].
type Finances interface {
	// Refunds lists the refunds of an order that are booked, whoever made them,
	// in Amazon's order. Amazon books with a delay of 48 hours and more: an
	// empty list proves nothing.
	Refunds(ctx context.Context, a Account, number string) ([]FinancialRefund, error)
}
