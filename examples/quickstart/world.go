package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

//go:embed returns.txt
var returnsFile []byte

// The report names one order that this host does not have.
const strangersOrder = "999-0000001-0000001"

const (
	company  = order.CompanyID("demo")
	merchant = "A2QUICKSTART01"
)

// Orders of the host's own, beside those that the returns report names.
const (
	orderToRefund = "111-0000001-0000001" // two shipped units
	orderToCancel = "111-0000002-0000002" // not shipped
	orderRefunded = "111-0000003-0000003" // refunded in Seller Central yesterday, which our ledger does not know
	orderToReject = "111-0000004-0000004" // somebody asks for a refund, and an operator says no
)

// ordersFor makes the orders that a returns report speaks of, and the host's own.
func ordersFor(report []byte, name string, account order.AccountID) ([]order.Order, error) {
	rows, err := reportparse.Returns(bytes.NewReader(report), reportparse.Options{Name: name})
	if err != nil {
		return nil, err
	}
	byNumber := map[string]*order.Order{}
	var numbers []string
	for row, err := range rows.All() {
		var bad *reportparse.RowError
		if errors.As(err, &bad) || row.OrderID == strangersOrder {
			continue
		}
		if err != nil {
			return nil, err
		}
		o := byNumber[row.OrderID]
		if o == nil {
			o = newOrder(row.OrderID, account, order.Currency(row.Currency))
			byNumber[row.OrderID] = o
			numbers = append(numbers, row.OrderID)
		}
		item := row.OrderItemID
		if len(item) < 14 {
			item = itemID(row.OrderID, row.SKU, row.ASIN)
		}
		if _, known := o.Line(item); known {
			continue
		}
		units := max(row.Quantity, row.OrderQuantity)
		price := decimal.NewFromInt(int64(25 * units))
		if row.OrderAmount.Decimal().IsPositive() {
			price = row.OrderAmount.Decimal()
		}
		o.Lines = append(o.Lines, newLine(item, row.SKU, row.ASIN, units, units, price, o.Currency))
	}
	currency := order.Currency("USD")
	var orders []order.Order
	for _, number := range numbers {
		orders = append(orders, *byNumber[number])
		currency = byNumber[number].Currency
	}
	for i, number := range []string{orderToRefund, orderToCancel, orderRefunded, orderToReject} {
		o := newOrder(number, account, currency)
		shipped := 2
		if number == orderToCancel {
			shipped = 0
		}
		price := decimal.NewFromInt(int64(40 + 10*i))
		o.Lines = []order.Line{newLine(itemID(number), fmt.Sprintf("OWN-%d", i+1), fmt.Sprintf("B0TKBKOWN%d", i+1), 2, shipped, price, currency)}
		orders = append(orders, *o)
	}
	return orders, nil
}

func newOrder(number string, account order.AccountID, c order.Currency) *order.Order {
	if c == "" {
		c = "USD"
	}
	o := order.Order{
		ID: order.ID{Company: company, Number: "SO-" + number}, Amazon: order.AmazonID{Account: account, Number: number},
		Currency: c, Fulfilment: order.ByMerchant, Status: order.StatusInProcess,
	}
	for _, m := range amazon.Marketplaces() {
		if m.Currency == c && o.Marketplace == "" {
			o.Marketplace = m.ID
		}
	}
	return &o
}

// newLine is a line whose buyer paid tax beside the price where that is the
// custom, and shipping that half of a promotion took off again.
func newLine(item, sku, asin string, units, shipped int, price decimal.Decimal, c order.Currency) order.Line {
	cents := func(v string) decimal.Decimal { return decimal.RequireFromString(v).Round(c.Digits()) }
	l := order.Line{
		Item: item, SKU: sku, ASIN: asin, Ordered: units, Shipped: shipped, TaxModel: order.TaxIncluded,
		Charges:    order.Amounts{order.Principal: price.Round(c.Digits()), order.Shipping: cents("5.99")},
		Promotions: order.Amounts{order.Shipping: cents("2.99")},
	}
	if c == "USD" || c == "CAD" {
		l.TaxModel = order.TaxNamed
		l.Charges[order.Tax] = price.Mul(decimal.RequireFromString("0.0825")).Round(c.Digits())
	}
	return l
}

// itemID makes an order item ID of 15 digits where a report gives none.
func itemID(of ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(of)))
	return fmt.Sprintf("%015d", binary.BigEndian.Uint64(sum[:])%1e15)
}

// seed enters the host's orders at Amazon, one of which was refunded there already.
func seed(fake *outside.Amazon, orders []order.Order) error {
	for _, o := range orders {
		listed := fake.Listed(o)
		for i := range listed.Items {
			if o.Amazon.Number == orderRefunded {
				listed.Items[i].Refunded = o.Lines[i].Paid()
			}
		}
		if err := fake.Seed(listed); err != nil {
			return err
		}
	}
	return nil
}

// accountFor is the seller account: in the region of its orders' marketplaces.
func accountFor(currencies []order.Currency) amazon.Account {
	a := amazon.Account{ID: "demo", Company: company, Merchant: merchant, Region: amazon.NorthAmerica}
	for _, c := range currencies {
		for _, m := range amazon.Marketplaces() {
			if m.Currency == c && !slices.Contains(a.Marketplaces, m.ID) {
				a.Marketplaces = append(a.Marketplaces, m.ID)
				a.Region = m.Region
				break
			}
		}
	}
	if len(a.Marketplaces) == 0 {
		a.Marketplaces = []order.MarketplaceID{"ATVPDKIKX0DER"}
	}
	return a
}

// amazontestReport is the merchant's file as Amazon would give it out.
func amazontestReport(kind amazon.ReportType, body []byte) amazontest.ReportFile {
	return amazontest.ReportFile{Seller: merchant, Type: kind, Body: body}
}
