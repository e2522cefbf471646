package reportparse_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

func TestAllOrdersFlat(t *testing.T) {
	full := reportparse.AllOrdersItem{
		Line:               2,
		OrderID:            "171-0000001-0000001",
		MerchantOrderID:    "M-1",
		PurchaseDate:       at(2026, time.May, 8, 18, 6, 46),
		LastUpdatedDate:    at(2026, time.May, 9, 8, 0, 0),
		OrderStatus:        "Shipping",
		FulfillmentChannel: "Merchant",
		FulfilledBy:        "Easy Ship",
		SalesChannel:       "Amazon.co.uk",
		OrderChannel:       "WebsiteOrderChannel",
		URL:                "https://order.example/1",
		ShipServiceLevel:   "Standard",
		IsReplacementOrder: reportparse.Yes,
		IsExchangeOrder:    reportparse.No,
		OriginalOrderID:    "026-0000009-0000009",
		IsIba:              reportparse.No,

		ProductName:    `5" desk lamp, red`,
		SKU:            "LAMP-RED",
		ASIN:           "B0EXAMPLE1",
		ItemStatus:     "Shipped",
		Quantity:       2,
		NumberOfItems:  1,
		IsTransparency: reportparse.Yes,

		BuyerRequestedCancel: reportparse.Yes,
		BuyerCancelReason:    "Found cheaper somewhere else.",

		Currency:                  "GBP",
		ItemPrice:                 money("80.00"),
		ItemTax:                   money("13.33"),
		ShippingPrice:             money("4.99"),
		ShippingTax:               money("0.83"),
		GiftWrapPrice:             money("3.50"),
		GiftWrapTax:               money("0.58"),
		ItemPromotionDiscount:     money("-8.00"),
		ShipPromotionDiscount:     money("-4.99"),
		VATExclusiveItemPrice:     money("66.67"),
		VATExclusiveShippingPrice: money("4.16"),
		VATExclusiveGiftWrapPrice: money("2.92"),
		PromotionIDs:              "SPRING item,SPRING ship",
		TaxCollectionModel:        "MarketplaceFacilitator",
		TaxCollectionParty:        "Amazon Services",
		IOSSNumber:                "IM0000000000",
		IsAmazonInvoiced:          reportparse.No,
		OrderInvoiceType:          "VAT",
		CPF:                       "000.000.000-00",

		IsBusinessOrder:     reportparse.Yes,
		PurchaseOrderNumber: "PO-7",
		PriceDesignation:    "Business Price",
		Buyer: reportparse.Buyer{
			Company: "Example Ltd", TaxRegistrationID: "GB000000000", TaxRegistrationCountry: "GB", TaxRegistrationType: "VAT",
		},
		ShipTo:                reportparse.Address{City: "Leeds", State: "West Yorkshire", PostalCode: "LS1 1AA", Country: "GB"},
		AddressType:           "Residential",
		SignatureConfirmation: "false",
	}
	tea := reportparse.AllOrdersItem{
		Line: 4, OrderID: "249-0000003-0000003", LastUpdatedDate: at(2026, time.June, 30, 19, 0, 0), OrderStatus: "Pending",
		FulfillmentChannel: "Merchant", SKU: "TEA", ASIN: "B0EXAMPLE3", ItemStatus: "Unshipped", Quantity: 1,
	}
	twin := tea
	twin.Line = 5
	tests := []struct {
		file    string
		rows    []reportparse.AllOrdersItem
		unknown []string
	}{
		{"all_orders_all_columns.txt", []reportparse.AllOrdersItem{full}, nil},
		{"all_orders_au.txt", []reportparse.AllOrdersItem{
			{
				Line: 2, OrderID: "249-0000001-0000001", LastUpdatedDate: at(2026, time.June, 30, 17, 0, 0), OrderStatus: "Shipped",
				FulfillmentChannel: "Amazon", SKU: "MUG", ASIN: "B0EXAMPLE2", ItemStatus: "Shipped", Quantity: 1, Currency: "AUD",
				ItemPrice: money("12.50"), ShipTo: reportparse.Address{Country: "AU"}, Extra: map[string]string{"ship-window": "3 days"},
			},
			{
				Line: 3, OrderID: "249-0000002-0000002", LastUpdatedDate: at(2026, time.June, 30, 18, 0, 0), OrderStatus: "Cancelled",
				FulfillmentChannel: "Merchant", SKU: "MUG", ASIN: "B0EXAMPLE2", ItemStatus: "Cancelled",
				ShipTo: reportparse.Address{Country: "AU"},
			},
			tea,
			twin,
		}, []string{"ship-window"}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			got := parseFile(t, reportparse.AllOrders, tc.file)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
			assert.Equal(t, tc.unknown, got.Unknown)
			if diff := cmp.Diff(tc.rows, got.Rows); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.file, diff)
			}
		})
	}
}

func TestAllOrdersXML(t *testing.T) {
	mug := reportparse.AllOrdersItem{
		Line: 49, OrderID: "171-0000001-0000001", MerchantOrderID: "M-1",
		PurchaseDate: at(2026, time.May, 8, 18, 6, 46), LastUpdatedDate: at(2026, time.May, 9, 8, 0, 0), OrderStatus: "Shipping",
		SalesChannel: "Amazon.de", FulfillmentChannel: "Merchant", ShipServiceLevel: "Standard", AddressType: "Residential",
		ShipTo:          reportparse.Address{City: "Ulm", State: "BW", PostalCode: "89073", Country: "DE"},
		IsBusinessOrder: reportparse.No, ASIN: "B0EXAMPLE2", SKU: "MUG", ItemStatus: "Cancelled",
	}
	lamp := mug
	lamp.Line, lamp.OrderItemID, lamp.ASIN, lamp.SKU, lamp.ItemStatus = 25, "50000000000001", "B0EXAMPLE1", "LAMP-RED", "Shipped"
	lamp.ProductName, lamp.Quantity, lamp.NumberOfItems, lamp.Currency = "Desk lamp", 2, 1, "EUR"
	lamp.ItemPrice, lamp.ItemTax, lamp.ShippingPrice, lamp.ShippingTax = money("80.00"), money("12.77"), money("4.99"), money("0.80")
	lamp.GiftWrapPrice, lamp.GiftWrapTax = money("3.50"), money("0.56")
	lamp.PromotionIDs, lamp.ItemPromotionDiscount, lamp.ShipPromotionDiscount = "SPRING", money("8.00"), money("4.99")
	lamp.BuyerRequestedCancel, lamp.BuyerCancelReason = reportparse.Yes, "Changed mind"

	got := parseFile(t, reportparse.AllOrders, "all_orders.xml")
	assert.Empty(t, got.Bad)
	assert.Empty(t, got.End)
	assert.Empty(t, got.Unknown)
	if diff := cmp.Diff([]reportparse.AllOrdersItem{lamp, mug}, got.Rows); diff != "" {
		t.Errorf("all_orders.xml (-want +got):\n%s", diff)
	}
}

func TestAllOrdersBadCell(t *testing.T) {
	const header = "amazon-order-id\tsku\titem-status\tquantity\tcurrency\n"
	tests := []struct{ name, row, want string }{
		{"no order", "\tMUG\tShipped\t1\tEUR", "amazon-order-id is blank, expected an Amazon order ID"},
		{"quantity", "249-0000001-0000001\tMUG\tShipped\tone\tEUR", `quantity is "one", expected a whole number from 0 on`},
		{"currency", "249-0000001-0000001\tMUG\tShipped\t1\teuro", `currency is "euro", expected a currency code of three capital letters, such as USD`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parse(t, reportparse.AllOrders, strings.NewReader(header+tc.row+"\n249-0000002-0000002\tTEA\t\t\t\n"), reportparse.Options{Name: "a.txt"})
			require.NoError(t, err)
			assert.Equal(t, []string{"a.txt: line 2: " + tc.want}, got.Bad)
			want := []reportparse.AllOrdersItem{{Line: 3, OrderID: "249-0000002-0000002", SKU: "TEA"}}
			if diff := cmp.Diff(want, got.Rows); diff != "" {
				t.Errorf("the row behind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllOrdersRefuseOtherReports(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"settlement", "settlement-id\ttotal-amount\torder-id\tsku\tquantity-purchased\n", "a settlement report"},
		{"orders", "order-id\torder-item-id\tpurchase-date\tsku\tbuyer-name\n", "an order report"},
		{"orders in XML", "<AmazonEnvelope><MessageType>OrderReport</MessageType><Message/></AmazonEnvelope>", "OrderReport"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := reportparse.AllOrders(strings.NewReader(tc.file), reportparse.Options{})
			require.ErrorIs(t, err, reportparse.ErrWrongReport)
			assert.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "GET_FLAT_FILE_ALL_ORDERS_DATA_")
		})
	}
}

// All-orders reports need not have the columns of the buyer's request; another
// report can.
func TestAllOrdersMissing(t *testing.T) {
	r, err := reportparse.AllOrders(strings.NewReader("amazon-order-id\tsku\torder-status\n"), reportparse.Options{})
	require.NoError(t, err)
	advice := map[string]string{}
	for _, column := range r.Missing() {
		advice[column.Name] = column.Advice
	}
	assert.Contains(t, advice["is-buyer-requested-cancellation"], "read an order report or the unshipped-orders report instead")
	assert.Contains(t, advice, "promotion-ids")
	assert.NotContains(t, advice, "cpf")
	assert.NotContains(t, advice, "order-item-id")
}

func TestAllOrdersSample(t *testing.T) {
	f, err := os.Open(samples(t, "all_orders_flat_synthetic.txt")[0])
	require.NoError(t, err)
	defer f.Close()
	got, err := parse(t, reportparse.AllOrders, f, reportparse.Options{})
	require.NoError(t, err)
	assert.Len(t, got.Rows, 380)
	assert.Empty(t, got.Bad)
	assert.Empty(t, got.End)
	assert.Empty(t, got.Unknown)
	assert.Equal(t, []string{"is-buyer-requested-cancellation", "buyer-requested-cancel-reason"}, got.Missing)
}
