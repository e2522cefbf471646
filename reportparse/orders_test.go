package reportparse_test

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// parsed is all that a file of rows gives.
type parsed[T any] struct {
	Rows    []T
	Bad     []string // text of each RowError
	End     string   // what ended the file early
	Unknown []string
	Missing []string
}

// openFunc is Orders or AllOrders.
type openFunc[T any] func(io.Reader, reportparse.Options) (*reportparse.Reader[T], error)

func parse[T any](t require.TestingT, open openFunc[T], in io.Reader, o reportparse.Options) (got parsed[T], err error) {
	r, err := open(in, o)
	if err != nil {
		return got, err
	}
	rows, bad, end := collect(r.All())
	got = parsed[T]{Rows: rows, Bad: bad, End: said(end), Unknown: r.Unknown()}
	for _, column := range r.Missing() {
		got.Missing = append(got.Missing, column.Name)
	}
	return got, nil
}

func parseFile[T any](t *testing.T, open openFunc[T], name string) parsed[T] {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	got, err := parse(t, open, f, reportparse.Options{Name: name})
	require.NoError(t, err)
	return got
}

func at(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// fullOrder is the row of orders_all_columns.txt, in which every column is
// filled that a flat file can have.
var fullOrder = reportparse.OrderItem{
	Line:               2,
	OrderID:            "026-0000001-0000001",
	PurchaseDate:       at(2026, time.May, 8, 18, 6, 46),
	PaymentsDate:       at(2026, time.May, 8, 17, 30, 0),
	ReportingDate:      at(2026, time.May, 9, 13, 0, 0),
	PromiseDate:        at(2026, time.May, 11, 6, 59, 59),
	DaysPastPromise:    -2,
	SalesChannel:       "Amazon.co.uk",
	IsPrime:            reportparse.No,
	IsPremiumOrder:     reportparse.Yes,
	IsIba:              reportparse.No,
	IsISPUOrder:        reportparse.No,
	StoreChainStoreID:  "ST-1",
	IsGlobalExpress:    reportparse.No,
	AmazonPrograms:     "HAUL",
	IsReplacementOrder: reportparse.Yes,
	IsExchangeOrder:    reportparse.No,
	OriginalOrderID:    "026-0000009-0000009",

	OrderItemID:     "10000000000001",
	SKU:             "LAMP-RED",
	ProductName:     `5" desk lamp, red`,
	Quantity:        2,
	QuantityShipped: 0,
	QuantityToShip:  2,
	CustomizedURL:   "https://custom.example/1",
	CustomizedPage:  "page 1",
	GiftWrapType:    "Blue paper",
	GiftMessageText: "Happy day",
	IsTransparency:  reportparse.Yes,

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
	ItemPromotionID:           "SPRING item",
	ShipPromotionID:           "SPRING ship",
	PaymentMethod:             "COD",
	PaymentMethodDetails:      "Standard",
	AlreadyPaid:               "0.00",
	TaxCollectionModel:        "MarketplaceFacilitator",
	TaxCollectionParty:        "Amazon Services",
	IOSSNumber:                "IM0000000000",
	IsAmazonInvoiced:          reportparse.No,
	IsBusinessOrder:           reportparse.Yes,
	IsSoldByAB:                reportparse.No,
	PurchaseOrderNumber:       "PO-7",
	PriceDesignation:          "Business Price",
	Buyer: reportparse.Buyer{
		Name: "Ada Example", Email: "abc@marketplace.example", Phone: "+44 1", Company: "Example Ltd",
		TaxRegistrationID: "GB000000000", TaxRegistrationCountry: "GB", TaxRegistrationType: "VAT",
		IdentificationNumber: "ID-1", IdentificationType: "CNPJ",
	},
	BillTo: reportparse.Address{
		Name: "Cy Example", Line1: "3 Lane", Line2: "Floor 4", Line3: "Desk 5",
		City: "York", State: "North Yorkshire", PostalCode: "YO1 1AA", Country: "IE",
	},
	ShipTo: reportparse.Address{
		Name: "Bo Example", Line1: "1 Road", Line2: "Flat 2", Line3: "Back door",
		City: "Leeds", State: "West Yorkshire", PostalCode: "LS1 1AA", Country: "GB", Phone: "+44 2",
	},
	ShipFrom: reportparse.Address{
		Name: "Depot", Line1: "6 Yard", Line2: "Gate 7", Line3: "Bay 8",
		City: "Hull", State: "East Yorkshire", PostalCode: "HU1 1AA", Country: "GB",
	},
	ShipServiceLevel:           "Standard",
	ShipmentStatus:             "Pending",
	VergeOfCancellation:        "false",
	VergeOfLateShipment:        "true",
	SignatureConfirmation:      "false",
	ShippingSettingsAutomation: reportparse.Yes,
	AutomationCarrier:          "Royal Mail",
	AutomationShipMethod:       "Tracked 48",
	Delivery: reportparse.Delivery{
		Start: "2026-05-12T08:00:00+01:00", End: "2026-05-12T12:00:00+01:00", TimeZone: "Europe/London",
		PreferredTime: "morning", Instructions: "Ring twice", DropOffLocation: "porch", Pallet: "no",
	},
}

func TestOrdersFlat(t *testing.T) {
	mug := reportparse.OrderItem{
		Line: 2, OrderID: "028-0000001-0000001", OrderItemID: "20000000000001", PurchaseDate: at(2026, time.May, 31, 22, 30, 0),
		SKU: "MUG", Quantity: 3, Currency: "EUR", ItemPrice: money("29.97"), ItemPromotionDiscount: money("-3"),
		ItemPromotionID: "TENTH", SalesChannel: "Amazon.de",
	}
	tests := []struct {
		file    string
		rows    []reportparse.OrderItem
		unknown []string
	}{
		{"orders_all_columns.txt", []reportparse.OrderItem{fullOrder}, nil},
		{"orders_promotions.txt", []reportparse.OrderItem{
			mug,
			{Line: 3, OrderID: mug.OrderID, OrderItemID: mug.OrderItemID, ItemPromotionDiscount: money("-1.5"), ItemPromotionID: "CLUB"},
			{
				Line: 4, OrderID: mug.OrderID, OrderItemID: "20000000000002", PurchaseDate: mug.PurchaseDate,
				SKU: "TEA", Quantity: 1, Currency: "EUR", ItemPrice: money("4.5"), SalesChannel: "Amazon.de",
			},
		}, nil},
		{"orders_unshipped_crlf.txt", []reportparse.OrderItem{
			{
				Line: 2, OrderID: "701-0000001-0000001", OrderItemID: "30000000000001", PromiseDate: at(2026, time.June, 4, 6, 59, 59),
				DaysPastPromise: 3, SKU: "MUG", Quantity: 2, QuantityShipped: 1, QuantityToShip: 1, VergeOfLateShipment: "true",
				BuyerRequestedCancel: reportparse.Yes, BuyerCancelReason: "Changed mind about purchase",
				Buyer: reportparse.Buyer{Name: "Ada Example"}, Extra: map[string]string{"colour": "blue"},
			},
			{
				Line: 3, OrderID: "701-0000002-0000002", OrderItemID: "30000000000002", PromiseDate: at(2026, time.June, 10, 6, 59, 59),
				DaysPastPromise: -3, SKU: "TEA", Quantity: 1, QuantityToShip: 1, BuyerRequestedCancel: reportparse.No,
				Buyer: reportparse.Buyer{Name: "Bo Example"},
			},
			{
				Line: 4, OrderID: "701-0000003-0000003", OrderItemID: "30000000000003", SKU: "POT", Quantity: 1, QuantityToShip: 1,
				BuyerRequestedCancel: reportparse.Unknown, BuyerCancelReason: "Found cheaper",
				Buyer: reportparse.Buyer{Name: "Cy Example"},
			},
		}, []string{"colour"}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			got := parseFile(t, reportparse.Orders, tc.file)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
			assert.Equal(t, tc.unknown, got.Unknown)
			if diff := cmp.Diff(tc.rows, got.Rows); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.file, diff)
			}
		})
	}
}

func TestOrdersXML(t *testing.T) {
	trento := reportparse.Address{
		Name: "Ada Esempio S.p.A.", Line1: "Via Uno 1", Line2: "Scala B", Line3: "Interno 3",
		City: "Trento", State: "TN", PostalCode: "38121", Country: "IT", Phone: "002",
	}
	bolzano := reportparse.Address{
		Name: "Bo Esempio", Line1: "Via Due 2", Line2: "Scala C", Line3: "Interno 4",
		City: "Bolzano", State: "BZ", PostalCode: "39100", Country: "IT", Phone: "003",
	}
	lamp := reportparse.OrderItem{
		Line: 49, OrderID: "407-0000001-0000001", PurchaseDate: at(2026, time.March, 24, 12, 59, 43), PostedDate: at(2026, time.March, 24, 13, 10, 0),
		Buyer:  reportparse.Buyer{Name: "Ada Esempio", Email: "abc@marketplace.example", Phone: "001"},
		BillTo: trento, ShipTo: bolzano, FulfillmentMethod: "Ship", ShipServiceLevel: "Standard",
		IsBusinessOrder: reportparse.Yes, IsPrime: reportparse.No, IsIba: reportparse.No,
		OrderItemID: "40000000000001", SKU: "LAMP-RED", ProductName: "Desk lamp & bulb", Quantity: 2, ProductTaxCode: "A_GEN_TAX",
		Currency: "EUR", ItemPrice: money("80.00"), ItemTax: money("14.43"), ShippingPrice: money("4.99"), ShippingTax: money("0.90"),
		GiftWrapPrice: money("3.50"), GiftWrapTax: money("0.63"), ItemPromotionDiscount: money("-8.00"), ShipPromotionDiscount: money("-4.99"),
		PromotionClaimCode: "SPRING", MerchantPromotionID: "spring-2026", GiftWrapType: "Blue paper", GiftMessageText: "Auguri",
		BuyerCancelReason: "Changed mind",
	}
	tea := lamp
	tea.Line, tea.OrderItemID, tea.SKU, tea.ProductName, tea.Quantity, tea.ProductTaxCode = 83, "40000000000002", "TEA", "Tea", 1, ""
	tea.ItemPrice, tea.ItemPromotionDiscount = money("4.5"), money("-1.00")
	tea.ItemTax, tea.ShippingPrice, tea.ShippingTax, tea.GiftWrapPrice, tea.GiftWrapTax = reportparse.Amount{}, reportparse.Amount{}, reportparse.Amount{}, reportparse.Amount{}, reportparse.Amount{}
	tea.ShipPromotionDiscount, tea.PromotionClaimCode, tea.MerchantPromotionID = reportparse.Amount{}, "", ""
	tea.GiftWrapType, tea.GiftMessageText = "", ""
	tea.BuyerRequestedCancel, tea.BuyerCancelReason = reportparse.Yes, ""

	got := parseFile(t, reportparse.Orders, "orders.xml")
	assert.Equal(t, []string{
		`orders.xml: line 105: currency is "GBP", expected EUR, the currency of another amount of the same item`,
		"orders.xml: line 118: order-item-id is blank, expected the ID of an item of the order",
	}, got.Bad)
	assert.Empty(t, got.End)
	require.Len(t, got.Rows, 2)
	for path, value := range map[string]string{
		"AmazonSessionID":                        "407-1000001-0000001",
		"Item/ItemFees/Commission":               "-12.00",
		"Item/ItemTaxData/TaxableAmounts/City":   "1.11",
		"Item/ItemTaxData/TaxableAmounts/County": "2.22",
		"Item/ItemTaxData/TaxableAmounts/State":  "3.33",
	} {
		assert.Equal(t, value, got.Rows[0].Extra[path], path)
	}
	assert.Equal(t, "-0.50", got.Rows[1].Extra["Item/Promotion/Principal (2)"])
	got.Rows[0].Extra, got.Rows[1].Extra = nil, nil
	if diff := cmp.Diff([]reportparse.OrderItem{lamp, tea}, got.Rows); diff != "" {
		t.Errorf("orders.xml (-want +got):\n%s", diff)
	}
}

// Without its columns nothing is known of the buyer's request, and it is said how
// to get them.
func TestOrdersCancelColumnMissing(t *testing.T) {
	r, err := reportparse.Orders(strings.NewReader("order-id\torder-item-id\tsku\tquantity-purchased\n701-0000001-0000001\t1\tMUG\t1\n"), reportparse.Options{})
	require.NoError(t, err)
	var item reportparse.OrderItem
	require.NoError(t, r.Next(&item))
	assert.Equal(t, reportparse.Unknown, item.BuyerRequestedCancel)
	assert.False(t, r.Has("is-buyer-requested-cancellation"))
	advice := map[string]string{}
	for _, column := range r.Missing() {
		advice[column.Name] = column.Advice
	}
	const want = "in Seller Central, under Orders > Order Reports > Add or remove order report columns, switch on Buyer Requested Cancel; it is a setting of each seller account"
	assert.Equal(t, want, advice["is-buyer-requested-cancellation"])
	assert.Equal(t, want, advice["buyer-requested-cancel-reason"])
	assert.Contains(t, advice, "ship-service-level")
	assert.NotContains(t, advice, "sku")
	assert.NotContains(t, advice, "already-paid", "a column that is not documented is not missing")
}

// What is missing depends on which of the reports it is.
func TestOrdersType(t *testing.T) {
	tests := []struct {
		file           string
		want           reportparse.Type
		missing, isNot string
	}{
		{"orders_unshipped_crlf.txt", reportparse.TypeUnshippedOrders, "reporting-date", "item-price"},
		{"orders_promotions.txt", reportparse.TypeOrders, "bill-city", "reporting-date"},
		{"orders.xml", reportparse.TypeOrders, "sales-channel", "reporting-date"},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			f, err := os.Open(filepath.Join("testdata", tc.file))
			require.NoError(t, err)
			defer f.Close()
			r, err := reportparse.Orders(f, reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, tc.want, r.Type())
			got := parseFile(t, reportparse.Orders, tc.file)
			assert.Contains(t, got.Missing, tc.missing)
			assert.NotContains(t, got.Missing, tc.isNot)
		})
	}
}

// Each case spoils one cell of a row; the row behind it is still read.
func TestOrdersBadCell(t *testing.T) {
	const aDate = "expected a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z"
	tests := []struct {
		column, value, want string
	}{
		{"order-id", " ", "order-id is blank, expected an Amazon order ID"},
		{"order-item-id", "", "order-item-id is blank, expected the ID of an item of the order"},
		{"purchase-date", "08.05.2026", `purchase-date is "08.05.2026", ` + aDate},
		{"quantity-purchased", "-1", `quantity-purchased is "-1", expected a whole number from 0 on`},
		{"quantity-shipped", "1.5", `quantity-shipped is "1.5", expected a whole number from 0 on`},
		{"quantity-to-ship", "4294967297", `quantity-to-ship is "4294967297", expected a whole number from 0 on`},
		{"days-past-promise", "late", `days-past-promise is "late", expected a whole number`},
		{"days-past-promise", "4294967297", `days-past-promise is "4294967297", expected a whole number`},
		{"currency", "£", `currency is "£", expected a currency code of three capital letters, such as USD`},
		{"is-prime", "perhaps", `is-prime is "perhaps", expected Y, N, true or false`},
		{"is-buyer-requested-cancellation", "requested", `is-buyer-requested-cancellation is "requested", expected Y, N, true or false`},
		{"item-price", "1.234", `item-price is "1.234", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56`},
	}
	for _, tc := range tests {
		t.Run(tc.column+" "+tc.value, func(t *testing.T) {
			good := map[string]string{
				"order-id": "701-0000001-0000001", "order-item-id": "1", "purchase-date": "2026-05-08T18:06:46+00:00", "quantity-purchased": "0",
				"quantity-shipped": "0", "quantity-to-ship": "0", "days-past-promise": "0", "currency": "GBP", "is-prime": "true",
				"is-buyer-requested-cancellation": "false", "item-price": "1.00",
			}
			bad := maps.Clone(good)
			bad[tc.column] = tc.value
			got, err := parse(t, reportparse.Orders, table(good, bad, good), reportparse.Options{Name: "o.txt"})
			require.NoError(t, err)
			assert.Equal(t, []string{"o.txt: line 3: " + tc.want}, got.Bad)
			require.Len(t, got.Rows, 2)
			assert.Equal(t, 2, got.Rows[0].Line)
			assert.Equal(t, 4, got.Rows[1].Line)
		})
	}
}

// table writes a flat file of rows that have the same columns.
func table(rows ...map[string]string) io.Reader {
	columns := slices.Sorted(maps.Keys(rows[0]))
	lines := []string{strings.Join(columns, "\t")}
	for _, row := range rows {
		var line []string
		for _, column := range columns {
			line = append(line, row[column])
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	return strings.NewReader(strings.Join(lines, "\n"))
}

// A column that Amazon does not document costs no row.
func TestOrdersOddFlag(t *testing.T) {
	file := "order-id\torder-item-id\tpurchase-date\tis-iba\tis-prime\n" +
		"O1\tI1\t\tTRUE\ttrue\nO2\tI2\t\tIBA\t\nO3\tI3\t\t\tgold\n"
	r, err := reportparse.Orders(strings.NewReader(file), reportparse.Options{Name: "o.txt"})
	require.NoError(t, err)
	var flags []reportparse.Flag
	var bad []string
	for row, err := range r.All() {
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		flags = append(flags, row.IsIba)
	}
	assert.Equal(t, []reportparse.Flag{reportparse.Yes, "IBA"}, flags)
	assert.Equal(t, []string{`o.txt: line 4: is-prime is "gold", expected Y, N, true or false`}, bad)
}

func TestOrdersRefuseOtherReports(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"settlement", "settlement-id\ttotal-amount\torder-id\tsku\tquantity-purchased\n", "a settlement report"},
		{"all orders", "amazon-order-id\tpurchase-date\tsku\torder-status\n", "an all-orders report"},
		{"FBA returns", "return-date\torder-id\tsku\tfnsku\tlicense-plate-number\n", "FBA"},
		{"no sign of an order report", "order-id\torder-item-id\tsku\n", "purchase-date or quantity-purchased"},
		{"all orders in XML", "<AmazonEnvelope><MessageType>AllOrdersReport</MessageType><Message/></AmazonEnvelope>", "AllOrdersReport"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := reportparse.Orders(strings.NewReader(tc.file), reportparse.Options{})
			require.ErrorIs(t, err, reportparse.ErrWrongReport)
			assert.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING")
		})
	}
}

// A row that is used again keeps nothing of the row before.
func TestOrdersReusedRow(t *testing.T) {
	f, err := os.Open("testdata/orders_unshipped_crlf.txt")
	require.NoError(t, err)
	defer f.Close()
	r, err := reportparse.Orders(f, reportparse.Options{})
	require.NoError(t, err)
	var rows []reportparse.OrderItem
	item := fullOrder
	for err = r.Next(&item); err == nil; err = r.Next(&item) {
		rows = append(rows, item)
		assert.Equal(t, item.Line == 2, len(item.Extra) == 1, "line %d", item.Line)
		rows[len(rows)-1].Extra = nil
	}
	require.Equal(t, io.EOF, err)
	want := parseFile(t, reportparse.Orders, "orders_unshipped_crlf.txt").Rows
	want[0].Extra = nil
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("reused (-kept +reused):\n%s", diff)
	}
}

func TestOrdersSamples(t *testing.T) {
	tests := []struct {
		file    string
		rows    int
		unknown []string
	}{
		{"order_report_gb_34col.txt", 1, nil},
		{"order_report_cancel_flag_synthetic.txt", 2, nil},
		{"order_report_xml_it_eur.xml", 1, []string{"AmazonSessionID", "Item/ItemFees/Commission", "Item/ItemFees/Commission@currency"}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			f, err := os.Open(samples(t, tc.file)[0])
			require.NoError(t, err)
			defer f.Close()
			got, err := parse(t, reportparse.Orders, f, reportparse.Options{Name: tc.file})
			require.NoError(t, err)
			assert.Len(t, got.Rows, tc.rows)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
			assert.Subset(t, tc.unknown, got.Unknown)
		})
	}
}
