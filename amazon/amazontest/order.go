package amazontest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Order is an order in the server's order book, at the start and as it stands.
type Order struct {
	Seller      string // merchant ID
	Number      string // 3-7-7 digits; one number belongs to one seller
	Marketplace order.MarketplaceID
	Currency    order.Currency // of every amount in the order

	// Status may be left empty when seeding: it then follows from the
	// quantities. Given, it must be PENDING, CANCELLED or what follows; it is
	// never PENDING_AVAILABILITY or UNFULFILLABLE.
	Status amazon.OrderStatus
	Items  []Item

	// CreatedAt is when the buyer placed the order, UpdatedAt when its status, a
	// quantity or a cancellation last changed; a refund is no such change. Left
	// empty when seeding, the first is the time of seeding and the second equals
	// the first.
	CreatedAt, UpdatedAt time.Time

	Conceded decimal.Decimal // concessions paid so far

	// Pending are refunds that Amazon accepted and pays when their item is
	// shipped, never if the order is cancelled before. Time is when they were
	// accepted. They count against what is left. An order is seeded without.
	Pending []Payment
}

// Item is one order item.
type Item struct {
	ID   string // order item ID, 14 or 15 digits
	SKU  string
	ASIN string

	Quantity, Shipped, Cancelled int

	// RequestedReason is why the buyer wants the item cancelled, in Amazon's
	// words; empty: no such wish. CancelledBy and CancelledReason tell who
	// cancelled what of it is cancelled, and why.
	RequestedReason string
	CancelledBy     amazon.Actor
	CancelledReason string

	Charges  order.Amounts // totals for the quantity, net of promotions
	Refunded order.Amounts // of the charges, so far

	// Promotions are what the charges are net of, positive. Settlements alone show
	// them.
	Promotions order.Amounts `json:",omitempty"`
}

// waiting is how many units are neither shipped nor cancelled.
func (it Item) waiting() int { return it.Quantity - it.Shipped - it.Cancelled }

// Left is what can still be refunded of an order item's charges: nothing of an
// order that is cancelled, of an item it does not have, or of a component that
// Amazon refunded beyond its charge.
func (o Order) Left(item string) order.Amounts {
	it := o.item(item)
	if it == nil || o.Status == amazon.OrderCancelled {
		return order.Amounts{}
	}
	left := it.Charges.Minus(it.Refunded)
	for _, p := range o.Pending {
		if p.Item == item && p.Component.Charged() {
			left = left.Minus(order.Amounts{p.Component: p.Amount})
		}
	}
	maps.DeleteFunc(left, func(_ order.Component, v decimal.Decimal) bool { return v.IsNegative() })
	return left
}

func (o Order) item(id string) *Item {
	i := slices.IndexFunc(o.Items, func(it Item) bool { return it.ID == id })
	if i < 0 {
		return nil
	}
	return &o.Items[i]
}

// shipping is the status that follows from the quantities.
func (o Order) shipping() amazon.OrderStatus {
	shipped, waiting := 0, 0
	for _, it := range o.Items {
		shipped += it.Shipped
		waiting += it.waiting()
	}
	switch {
	case shipped == 0:
		return amazon.OrderUnshipped
	case waiting == 0:
		return amazon.OrderShipped
	}
	return amazon.OrderPartiallyShipped
}

// date enters when the order was placed and changed, as far as it does not say,
// in the precision of Amazon's answers.
func (o *Order) date(now time.Time) {
	if o.CreatedAt.IsZero() {
		o.CreatedAt = now
	}
	if o.UpdatedAt.IsZero() {
		o.UpdatedAt = o.CreatedAt
	}
	o.CreatedAt, o.UpdatedAt = o.CreatedAt.UTC().Truncate(time.Millisecond), o.UpdatedAt.UTC().Truncate(time.Millisecond)
}

// become makes the order what it is from a time on, which is written down if
// somebody who reads the order can see a difference.
func (o *Order) become(after Order, at time.Time) {
	seen := func(a, b Item) bool {
		return a.Shipped == b.Shipped && a.Cancelled == b.Cancelled && a.RequestedReason == b.RequestedReason
	}
	if o.Status != after.Status || !slices.EqualFunc(o.Items, after.Items, seen) {
		after.UpdatedAt = at
	}
	*o = after
}

func (o Order) clone() Order {
	o.Items, o.Pending = slices.Clone(o.Items), slices.Clone(o.Pending)
	for i := range o.Items {
		o.Items[i].Charges = maps.Clone(o.Items[i].Charges)
		o.Items[i].Promotions = maps.Clone(o.Items[i].Promotions)
		// Never nil, so that refunds can be entered.
		refunded := order.Amounts{}
		maps.Copy(refunded, o.Items[i].Refunded)
		o.Items[i].Refunded = refunded
	}
	return o
}

var (
	orderNumber = regexp.MustCompile(`^[0-9A-Za-z]{3}-[0-9A-Za-z]{7}-[0-9A-Za-z]{7}$`)
	itemCode    = regexp.MustCompile(`^[0-9]{14,15}$`)
)

// check tells everything that is wrong with an order.
func (o Order) check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("order %s: "+format, append([]any{o.Number}, args...)...))
	}
	if !orderNumber.MatchString(o.Number) {
		bad("want a number of 3-7-7 digits with hyphens, such as 111-1234567-1234567")
	}
	if o.Seller == "" {
		bad("no seller; want the merchant ID")
	}
	if err := o.Currency.Check(); err != nil {
		bad("%w", err)
	}
	if len(o.Items) == 0 {
		bad("no items")
	}
	if o.UpdatedAt.Before(o.CreatedAt) {
		bad("changed at %s, before it was placed at %s", o.UpdatedAt.Format(time.RFC3339), o.CreatedAt.Format(time.RFC3339))
	}
	if len(o.Pending) > 0 {
		bad("%d pending refunds; want none, Amazon accepts them", len(o.Pending))
	}
	seen := map[string]bool{}
	for _, it := range o.Items {
		if !itemCode.MatchString(it.ID) {
			bad("order item ID %q: want 14 or 15 digits", it.ID)
		}
		if seen[it.ID] {
			bad("order item ID %s stands twice", it.ID)
		}
		seen[it.ID] = true
		if it.Quantity < 1 || it.Shipped < 0 || it.Cancelled < 0 || it.Shipped+it.Cancelled > it.Quantity {
			bad("item %s: quantity %d, shipped %d, cancelled %d: want a quantity of at least 1 that covers the others",
				it.ID, it.Quantity, it.Shipped, it.Cancelled)
		}
		if cancelled := it.Cancelled > 0 || o.Status == amazon.OrderCancelled; it.CancelledBy != "" && !cancelled {
			bad("item %s: cancelled by %s, but nothing of it is cancelled", it.ID, it.CancelledBy)
		}
		for _, a := range []order.Amounts{it.Charges, it.Refunded, it.Charges.Minus(it.Refunded), it.Promotions} {
			if err := order.CheckAmounts(a, o.Currency); err != nil {
				bad("item %s: %w", it.ID, err)
			}
		}
		for _, c := range it.Charges.Plus(it.Promotions).Components() {
			if !c.Charged() {
				bad("item %s: %s cannot be charged; want Principal, Tax, Shipping, ShippingTax, GiftWrap or GiftWrapTax", it.ID, c)
			}
		}
	}
	follows := o.shipping()
	unshipped := follows == amazon.OrderUnshipped && (o.Status == amazon.OrderPending || o.Status == amazon.OrderCancelled)
	if o.Status != follows && !unshipped {
		bad("status %q: its quantities say %s; correct Shipped of its items, or leave the status empty", string(o.Status), follows)
	}
	return errors.Join(errs...)
}
