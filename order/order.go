package order

import (
	"time"

	"github.com/shopspring/decimal"
)

// CompanyID names one merchant in the host.
type CompanyID string

// AccountID names one seller account in one region: seller and application,
// the unit that Amazon throttles. It belongs to exactly one company.
type AccountID string

// MarketplaceID is Amazon's identifier of a marketplace, such as ATVPDKIKX0DER.
type MarketplaceID string

// ID names a host order: the company and the host's own order number.
type ID struct {
	Company CompanyID
	Number  string
}

func (id ID) String() string { return string(id.Company) + "/" + id.Number }

// AmazonID names an Amazon order: the seller account and the order number in
// Amazon's form of 3-7-7 digits. After a split several host orders carry the
// same one. The ledger and the over-refund rule belong to it.
type AmazonID struct {
	Account AccountID
	Number  string
}

func (id AmazonID) String() string { return string(id.Account) + "/" + id.Number }

// Fulfilment tells who ships an order.
type Fulfilment string

const (
	ByMerchant Fulfilment = "Merchant"
	ByAmazon   Fulfilment = "Amazon" // Amazon refunds and cancels these by itself
)

// Status is where a host order stands. The host keeps it; this library asks
// for changes with [Effect].
type Status string

const (
	StatusInProcess    Status = "InProcess"
	StatusOnHold       Status = "OnHold"
	StatusCompleted    Status = "Completed"
	StatusCancelled    Status = "Cancelled"
	StatusProblemOrder Status = "ProblemOrder"
	StatusVoid         Status = "Void"
)

// ShippingStatus is derived from the quantities of the lines.
type ShippingStatus string

const (
	Unshipped        ShippingStatus = "Unshipped"
	PartiallyShipped ShippingStatus = "PartiallyShipped"
	FullyShipped     ShippingStatus = "FullyShipped"
)

// HoldOwner tells who put an order on hold; only that owner's release removes
// the hold.
type HoldOwner string

const (
	HeldByCancellation HoldOwner = "cancellation"
	HeldByBuyer        HoldOwner = "buyer request"
	HeldByHost         HoldOwner = "host"
)

// Hold keeps an order from being shipped.
type Hold struct {
	Owner HoldOwner
	Why   string
	Since time.Time
}

// Order is a host order as the host's [Book] gives it.
type Order struct {
	ID          ID
	Amazon      AmazonID
	Marketplace MarketplaceID
	Currency    Currency // of every amount in the order
	Fulfilment  Fulfilment
	Status      Status
	Holds       []Hold
	Dropship    Dropship // empty: the host knows no such thing
	Lines       []Line
}

// Line is one order item.
type Line struct {
	// Item is Amazon's order item ID: text of 14 or 15 digits, never the ASIN.
	Item string
	SKU  string
	ASIN string

	// Shipped counts the units that are shipped and confirmed to Amazon.
	Ordered, Shipped, Cancelled, Returned, Refunded int

	// Charges and Promotions are totals for the units that are not cancelled, both
	// positive; the buyer paid the difference.
	Charges    Amounts
	Promotions Amounts

	TaxModel TaxModel
	Kit      []Part // the recipe as frozen when the order came in; none: not a kit
}

// Part is one component of a kit: so many units of it make one of the line.
type Part struct {
	SKU      string
	Quantity int

	// Share is what the part counts for in the price of the kit, in any unit: the
	// kit's money is divided among its parts in this proportion. When all are zero
	// it is divided by Quantity.
	Share decimal.Decimal
}

// Dropship tells how far a supplier is who ships an order in the host's stead.
type Dropship string

const (
	DropshipNone    Dropship = "None"    // the host ships it
	DropshipPending Dropship = "Pending" // not handed to the supplier yet; any other word says that it was
)

// TaxModel tells who collects the tax of a line and where it stands.
type TaxModel string

const (
	TaxNamed        TaxModel = "Named"        // beside the price, refunded as its own component
	TaxByAmazon     TaxModel = "ByAmazon"     // marketplace facilitator
	TaxIncluded     TaxModel = "Included"     // inside the price, as in Japan
	TaxVATExclusive TaxModel = "VATExclusive" // prices are shown without VAT
)

// Paid is what the buyer paid for the line: charges minus promotions, by
// component.
func (l Line) Paid() Amounts { return l.Charges.Minus(l.Promotions) }

// Line finds a line by its order item ID.
func (o Order) Line(item string) (Line, bool) {
	for _, l := range o.Lines {
		if l.Item == item {
			return l, true
		}
	}
	return Line{}, false
}

// Shipping derives the shipping status: FullyShipped when no unit waits that
// was not cancelled, Unshipped when none has left.
func (o Order) Shipping() ShippingStatus {
	shipped, waiting := 0, 0
	for _, l := range o.Lines {
		shipped += l.Shipped
		waiting += max(0, l.Ordered-l.Cancelled-l.Shipped)
	}
	switch {
	case shipped == 0:
		return Unshipped
	case waiting == 0:
		return FullyShipped
	}
	return PartiallyShipped
}
