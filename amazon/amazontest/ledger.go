package amazontest

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Payment is one component of a refund that was carried out. Amounts are
// signed: a deduction is below zero.
type Payment struct {
	Time       time.Time     // when the feed was done, or the item was shipped if that was later
	By         amazon.Actor  // ActorMerchant, also for every feed, or ActorAmazon
	Feed       amazon.FeedID // empty when no feed asked for it: see Server.Refund
	Stranger   bool          // somebody else sent that feed: see Server.AddFeed
	Message    string        // the MessageID in the feed's document
	Seller     string        // merchant ID
	Order      string
	Item       string // order item ID
	Component  order.Component
	Amount     decimal.Decimal
	Currency   order.Currency
	Reason     string // AdjustmentReason, or CancelReason of a Failure for a partly shipped order
	Adjustment string // MerchantAdjustmentItemID; empty when none was sent

	// Cancelled are the units that were cancelled with it (QuantityCancelled). In
	// settlements and transactions it looks like any other refund.
	Cancelled int `json:",omitempty"`
}

// Origin tells how a payment came about.
type Origin string

const (
	OriginFeed          Origin = "feed"            // by a feed that a client created
	OriginStranger      Origin = "stranger's feed" // by one that somebody else sent: see Server.AddFeed
	OriginSellerCentral Origin = "Seller Central"  // entered by the seller's staff: see Server.Refund
	OriginAmazon        Origin = "Amazon"          // by Amazon itself: see Server.Refund
)

// Origin tells how the payment came about.
func (p Payment) Origin() Origin {
	switch {
	case p.By == amazon.ActorAmazon:
		return OriginAmazon
	case p.Feed == "":
		return OriginSellerCentral
	case p.Stranger:
		return OriginStranger
	}
	return OriginFeed
}

// Ledger lists every payment, in the order in which they were made.
func (s *Server) Ledger() []Payment {
	defer s.read()()
	return slices.Clone(s.books.Payments)
}

// Paid is the sum of all payments by currency.
func (s *Server) Paid() map[order.Currency]decimal.Decimal {
	defer s.read()()
	paid := map[order.Currency]decimal.Decimal{}
	for _, p := range s.books.Payments {
		paid[p.Currency] = paid[p.Currency].Add(p.Amount)
	}
	return paid
}

// PaidFor adds up what was paid for an order, in its currency, by how that came
// about and then by order item ID. What waits for a shipment is not paid yet: see
// [Order.Pending]. An order for which nothing was paid, or which is unknown, has
// no sums.
func (s *Server) PaidFor(orderNumber string) map[Origin]map[string]order.Amounts {
	defer s.read()()
	paid := map[Origin]map[string]order.Amounts{}
	for _, p := range s.books.Payments {
		if p.Order != orderNumber {
			continue
		}
		items := paid[p.Origin()]
		if items == nil {
			items = map[string]order.Amounts{}
			paid[p.Origin()] = items
		}
		items[p.Item] = items[p.Item].Plus(order.Amounts{p.Component: p.Amount})
	}
	return paid
}
