package amazontest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// orderReports are the reports that the server makes of its order book when it has
// no file for them: which rows they have, and the columns.
var orderReports = map[amazon.ReportType]struct {
	lists   func(o *Order, it Item, from, to time.Time) bool
	columns []orderColumn
}{
	amazon.UnshippedOrdersReport: {
		func(o *Order, it Item, _, _ time.Time) bool {
			return (o.Status == amazon.OrderUnshipped || o.Status == amazon.OrderPartiallyShipped) && it.waiting() > 0
		},
		unshippedColumns,
	},
	amazon.AllOrdersReport: {
		func(o *Order, _ Item, from, to time.Time) bool {
			return !o.UpdatedAt.Before(from) && !o.UpdatedAt.After(to)
		},
		allOrdersColumns,
	},
}

// orderColumn is a column of a report of orders.
type orderColumn struct {
	name string
	cell func(*Order, Item) string
}

// unshippedColumns are the documented ones, but for those that name the buyer,
// which are there and blank.
var unshippedColumns = append([]orderColumn{
	{"order-id", orderNumberOf},
	{"order-item-id", func(_ *Order, it Item) string { return it.ID }},
	{"purchase-date", placedAt},
	{"payments-date", placedAt},
	{"reporting-date", placedAt},
	{"promise-date", func(o *Order, _ Item) string { return reportTime(o.CreatedAt.Add(48 * time.Hour)) }},
	{"days-past-promise", blank},
	{"buyer-email", blank}, {"buyer-name", blank}, {"buyer-phone-number", blank},
	{"sku", skuOf},
	{"product-name", skuOf},
	{"quantity-purchased", quantityOf},
	{"quantity-shipped", func(_ *Order, it Item) string { return strconv.Itoa(it.Shipped) }},
	{"quantity-to-ship", func(_ *Order, it Item) string { return strconv.Itoa(it.waiting()) }},
	{"ship-service-level", func(*Order, Item) string { return "Standard" }},
	{"recipient-name", blank}, {"ship-address-1", blank}, {"ship-address-2", blank}, {"ship-address-3", blank},
	{"ship-city", blank}, {"ship-state", blank}, {"ship-postal-code", blank}, {"ship-country", blank},
}, businessColumns("is-prime")...)

// allOrdersColumns are the documented ones.
var allOrdersColumns = append([]orderColumn{
	{"amazon-order-id", orderNumberOf},
	{"merchant-order-id", blank},
	{"purchase-date", placedAt},
	{"last-updated-date", func(o *Order, _ Item) string { return reportTime(o.UpdatedAt) }},
	{"order-status", func(o *Order, _ Item) string { return reportStatus(o.Status) }},
	{"fulfillment-channel", func(*Order, Item) string { return "Merchant" }},
	{"sales-channel", func(o *Order, _ Item) string { return settlementPlaces[o.Marketplace].name }},
	{"order-channel", blank},
	{"ship-service-level", func(*Order, Item) string { return "Standard" }},
	{"product-name", skuOf},
	{"sku", skuOf},
	{"asin", func(_ *Order, it Item) string { return it.ASIN }},
	{"item-status", func(o *Order, it Item) string { return reportStatus(it.status(o)) }},
	{"quantity", func(o *Order, it Item) string {
		if o.Status == amazon.OrderCancelled {
			return "0"
		}
		return strconv.Itoa(it.Quantity - it.Cancelled)
	}},
	{"currency", func(o *Order, _ Item) string { return string(o.Currency) }},
	{"item-price", charge(order.Principal)},
	{"item-tax", charge(order.Tax)},
	{"shipping-price", charge(order.Shipping)},
	{"shipping-tax", charge(order.ShippingTax)},
	{"gift-wrap-price", charge(order.GiftWrap)},
	{"gift-wrap-tax", charge(order.GiftWrapTax)},
	{"item-promotion-discount", promotion(order.Principal)},
	{"ship-promotion-discount", promotion(order.Shipping)},
	{"ship-city", blank}, {"ship-state", blank}, {"ship-postal-code", blank}, {"ship-country", blank},
	{"promotion-ids", blank},
}, businessColumns()...)

// businessColumns end both reports.
func businessColumns(more ...string) []orderColumn {
	columns := []orderColumn{{"is-business-order", no}, {"purchase-order-number", blank}, {"price-designation", blank}}
	for _, name := range more {
		columns = append(columns, orderColumn{name, no})
	}
	return columns
}

func blank(*Order, Item) string             { return "" }
func no(*Order, Item) string                { return "false" }
func orderNumberOf(o *Order, _ Item) string { return o.Number }
func placedAt(o *Order, _ Item) string      { return reportTime(o.CreatedAt) }
func skuOf(_ *Order, it Item) string        { return it.SKU }
func quantityOf(_ *Order, it Item) string   { return strconv.Itoa(it.Quantity) }
func reportTime(t time.Time) string         { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
func number(d decimal.Decimal, o *Order) string {
	return d.StringFixed(max(o.Currency.Digits(), -d.Exponent()))
}

// charge is a total of the row, before promotion.
func charge(c order.Component) func(*Order, Item) string {
	return func(o *Order, it Item) string { return number(it.Charges[c].Add(it.Promotions[c]), o) }
}

func promotion(c order.Component) func(*Order, Item) string {
	return func(o *Order, it Item) string { return number(it.Promotions[c], o) }
}

// status is the item's within its order.
func (it Item) status(o *Order) amazon.OrderStatus {
	switch {
	case o.Status == amazon.OrderCancelled || it.Cancelled == it.Quantity:
		return amazon.OrderCancelled
	case o.Status == amazon.OrderPending:
		return amazon.OrderPending
	case it.waiting() > 0:
		return amazon.OrderUnshipped
	}
	return amazon.OrderShipped
}

// reportStatus is how all-orders reports spell a status.
func reportStatus(s amazon.OrderStatus) string {
	switch s {
	case amazon.OrderPending:
		return "Pending"
	case amazon.OrderUnshipped:
		return "Unshipped"
	case amazon.OrderPartiallyShipped:
		return "Shipping"
	case amazon.OrderShipped:
		return "Shipped"
	case amazon.OrderCancelled:
		return "Cancelled"
	}
	return string(s)
}

// orderReport makes a report of the order book; nil without a row, or when it is
// of another type. The columns about buyers' wishes are there where the seller has
// switched them on.
func (b *books) orderReport(a *account, j *job) *ReportFile {
	report, known := orderReports[amazon.ReportType(j.Type)]
	if !known {
		return nil
	}
	columns := slices.Clone(report.columns)
	if a.CancelColumn != "" {
		columns = append(columns,
			orderColumn{a.CancelColumn, func(_ *Order, it Item) string { return strconv.FormatBool(it.RequestedReason != "") }},
			orderColumn{"buyer-requested-cancel-reason", func(_ *Order, it Item) string { return it.RequestedReason }})
	}
	var text strings.Builder
	line := func(cell func(orderColumn) string) {
		for i, c := range columns {
			if i > 0 {
				text.WriteByte('\t')
			}
			text.WriteString(cell(c))
		}
		text.WriteString("\r\n")
	}
	line(func(c orderColumn) string { return c.name })
	rows := 0
	for _, o := range b.ordersOf(a.Merchant) {
		for _, it := range o.Items {
			if report.lists(o, it, j.DataStart, j.DataEnd) {
				line(func(c orderColumn) string { return c.cell(o, it) })
				rows++
			}
		}
	}
	if rows == 0 {
		return nil
	}
	return &ReportFile{Type: amazon.ReportType(j.Type), Body: []byte(text.String()), ContentType: "text/plain;charset=UTF-8"}
}

// ordersOf are a seller's orders by when they were placed.
func (b *books) ordersOf(merchant string) []*Order {
	var all []*Order
	for _, o := range b.Orders {
		if o.Seller == merchant {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(x, y *Order) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.Number, y.Number))
	})
	return all
}
