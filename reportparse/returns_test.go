package reportparse_test

import (
	"bytes"
	"compress/gzip"
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

// reading is all that a file gives.
type reading struct {
	Rows    []reportparse.Return
	Bad     []string // text of each RowError
	End     string   // what ended the file early
	Columns []string
	Unknown []string
}

func readAll(t testing.TB, in io.Reader, o reportparse.Options) (got reading, err error) {
	t.Helper()
	r, err := reportparse.Returns(in, o)
	if err != nil {
		return got, err
	}
	rows, bad, end := collect(r.All())
	got = reading{rows, bad, said(end), r.Columns(), r.Unknown()}
	return got, nil
}

func readFile(t *testing.T, name string) reading {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	got, err := readAll(t, f, reportparse.Options{Name: name})
	require.NoError(t, err)
	return got
}

func money(s string) reportparse.Amount {
	var a reportparse.Amount
	if err := a.UnmarshalJSON([]byte(s)); err != nil {
		panic(err)
	}
	return a
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// documented are the columns of Amazon's page on returns report attributes.
var documented = []string{
	"Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "Merchant RMA ID",
	"Label type", "Label cost", "Currency code", "Return carrier", "Tracking ID", "Label to be paid by", "A-to-Z Claim",
	"Is prime", "ASIN", "Merchant SKU", "Item Name", "Return quantity", "Return Reason", "In policy", "Return type",
	"Resolution", "Invoice number", "Return delivery date", "Order Amount", "Order quantity", "SafeT Action reason",
	"SafeT claim id", "SafeT claim state", "SafeT claim creation time", "SafeT claim reimbursement amount", "Refunded Amount",
}

// lamp is the row of testdata in which every documented column is filled.
func lamp(line int, orderID string) reportparse.Return {
	return reportparse.Return{
		Line:               line,
		OrderID:            orderID,
		OrderDate:          day(2026, time.March, 4),
		RequestDate:        day(2026, time.March, 19),
		Status:             "Approved",
		RMAID:              "DaaaaaaaRRMA",
		MerchantRMAID:      "M-77",
		LabelType:          "AmazonPrePaidLabel",
		LabelCost:          money("6.35"),
		Currency:           "USD",
		Carrier:            "USPS",
		TrackingID:         "9400100000000000000001",
		LabelPaidBy:        "Seller",
		AToZClaim:          reportparse.No,
		IsPrime:            reportparse.Yes,
		ASIN:               "B0EXAMPLE1",
		SKU:                "LAMP-RED",
		ItemName:           "Desk lamp, red",
		Quantity:           2,
		Reason:             "CR-DEFECTIVE",
		InPolicy:           reportparse.Yes,
		ReturnType:         "C-Returns",
		Resolution:         "StandardRefund",
		InvoiceNumber:      "INV-9",
		DeliveryDate:       day(2026, time.March, 27),
		OrderAmount:        money("80"),
		OrderQuantity:      3,
		SafeTReason:        "Item damaged",
		SafeTClaimID:       "00001-00002-0000003",
		SafeTState:         "Approved",
		SafeTCreatedAt:     time.Date(2026, time.March, 30, 16, 5, 9, 0, time.UTC),
		SafeTReimbursement: money("12.5"),
		RefundedAmount:     money("53.33"),
	}
}

func TestReturnsFlat(t *testing.T) {
	fedex := func(line int, orderID string) reportparse.Return {
		ret := lamp(line, orderID)
		ret.Carrier = "FedEx"
		return ret
	}
	unrefunded := fedex(7, "701-0000003-0000003")
	unrefunded.RefundedAmount = reportparse.Amount{}
	tea := lamp(12, "701-0000007-0000007")
	tea.ItemName = "Tea"

	tests := []struct {
		file string
		want reading
	}{
		{"all_columns.txt", reading{
			Rows: []reportparse.Return{
				lamp(2, "701-0000001-0000001"),
				{
					Line: 3, OrderID: "701-0000002-0000002", OrderDate: day(2026, time.March, 5), RequestDate: day(2026, time.March, 20),
					Status: "PendingApproval", RMAID: "DbbbbbbbRRMA", ASIN: "B0EXAMPLE2", SKU: "00123", ItemName: "Mug", Quantity: 1,
				},
			},
			Columns: documented,
		}},
		{"newer_columns_bom_crlf.txt", reading{
			Rows: []reportparse.Return{
				{
					Line: 2, OrderID: "202-0000001-0000001", Status: "Approved", OrderDate: day(2026, time.May, 1), AToZClaim: reportparse.Yes,
					Reason: "CR-UNWANTED_ITEM", Category: "Home", OrderItemID: "12345678901234", SKU: "TABLE-1", ItemName: `"Oak" table 40" wide`,
					Quantity: 1, LabelCost: money("3.5"), Currency: "GBP", RefundedAmount: money("1234.56"),
					Extra: map[string]string{"VAT": "20%", "Category (2)": "Home again"},
				},
				{
					Line: 3, OrderID: "202-0000002-0000002", Status: "Closed", OrderDate: time.Date(2026, time.May, 2, 1, 30, 0, 0, time.UTC),
					AToZClaim: reportparse.No, Reason: "CR-ORDERED-WRONG-ITEM", OrderItemID: "123456789012345", SKU: "TABLE-2",
					ItemName: `"Unclosed quote`, Quantity: 4, LabelCost: money("0"), Currency: "GBP",
				},
			},
			Columns: []string{
				"Order ID", "Return request status", "Order date", "A-to-Z Claim", "Return Reason", "Category", "Order Item ID",
				"Merchant SKU", "Item Name", "Return quantity", "Label cost", "Currency code", "Refunded Amount",
			},
			Unknown: []string{"VAT", "Category (2)"},
		}},
		{"ragged.txt", reading{
			Rows: []reportparse.Return{
				{
					Line: 3, OrderID: "701-0000001-0000001", OrderDate: day(2026, time.March, 4), RequestDate: day(2026, time.March, 19),
					Status: "Approved", RMAID: "DaaaaaaaRRMA", MerchantRMAID: "M-77", LabelType: "AmazonPrePaidLabel", LabelCost: money("6.35"),
					Currency: "USD", Carrier: "USPS", TrackingID: "9400100000000000000001", LabelPaidBy: "Seller", AToZClaim: reportparse.No,
					IsPrime: reportparse.Yes, ASIN: "B0EXAMPLE1", SKU: "LAMP-RED", ItemName: "Desk lamp, red", Quantity: 2, Reason: "CR-DEFECTIVE",
				},
				fedex(5, "701-0000002-0000002"),
				unrefunded,
				lamp(8, "701-0000004-0000004"),
				tea,
			},
			Bad: []string{
				"ragged.txt: line 9: expected 32 cells, as in the header, but there are 33; remove the TAB that is too many",
				"ragged.txt: line 10: expected 32 cells, as in the header, but there are 33; remove the TAB that is too many",
			},
			Columns: documented,
		}},
		{"cp1252.txt", reading{
			Rows: []reportparse.Return{{
				Line: 2, OrderID: "302-0000001-0000001", Status: "Approved", Quantity: 1, SKU: "TASSE-1", ItemName: "Tasse für Öl – 5 €",
			}},
			Columns: []string{"Order ID", "Return request status", "Return quantity", "Merchant SKU", "Item Name"},
		}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readFile(t, tc.file)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.file, diff)
			}
		})
	}
}

func TestReturnsXML(t *testing.T) {
	shirt := reportparse.Return{
		Line: 1, OrderID: "406-0000001-0000001", OrderDate: time.Date(2026, time.February, 3, 17, 8, 47, 0, time.UTC),
		RequestDate: time.Date(2026, time.February, 12, 11, 44, 17, 0, time.UTC), Status: "Approved", RMAID: "DcccccccRRMA",
		LabelType: "AmazonUnPaidLabel", LabelCost: money("0"), Currency: "EUR", LabelPaidBy: "Customer",
		AToZClaim: reportparse.No, IsPrime: reportparse.No, ASIN: "B0EXAMPLE3", SKU: "CAM-L", ItemName: "Camiseta & pantalón, talla L",
		Category: "Apparel", Quantity: 1, Reason: "AMZ-PG-APP-TOO-SMALL", InPolicy: reportparse.Yes, ReturnType: "C-Returns",
		Resolution: "StandardRefund", OrderAmount: money("33.9"), OrderQuantity: 4, RefundedAmount: money("24.9"),
	}
	socks := shirt
	socks.ASIN, socks.SKU, socks.ItemName = "B0EXAMPLE4", "CAL-42", "Calcetines"
	socks.Quantity, socks.Reason, socks.InPolicy, socks.RefundedAmount = 3, "CR-NO_REASON_GIVEN", reportparse.No, money("9")

	tests := []struct {
		file string
		want reading
	}{
		{"items_first.xml", reading{
			Rows: []reportparse.Return{shirt, socks},
			Columns: []string{
				"Item Name", "ASIN", "Return Reason", "Merchant SKU", "In policy", "Return quantity", "Resolution", "Category",
				"Refunded Amount", "Order ID", "Order date", "Amazon RMA ID", "Return request date", "Return request status",
				"A-to-Z Claim", "Is prime", "Currency code", "Label cost", "Label type", "Label to be paid by", "Return type",
				"Order Amount", "Order quantity",
			},
		}},
		{"order_first.xml", reading{
			Rows: []reportparse.Return{
				{
					Line: 16, OrderID: "406-0000002-0000002", Status: "Approved", TrackingID: "PK0001", Carrier: "Correos",
					Currency: "EUR", LabelCost: money("4.95"), ASIN: "B0EXAMPLE5", Quantity: 1,
					Extra: map[string]string{"label_details/tracking_id (2)": "PK0002", "item_details/color/order_id": "blue", "warehouse": "MAD"},
				},
				{Line: 34, OrderID: "406-0000004-0000004", Status: "Denied", SKU: "LAST", Quantity: 1},
			},
			Bad: []string{
				`order_first.xml: line 22: Return quantity is "none", expected a whole number from 1 on`,
				"order_first.xml: line 28: Return quantity is blank, expected a whole number from 1 on",
			},
			Columns: []string{
				"Order ID", "Return request status", "Tracking ID", "Return carrier", "Currency code", "Label cost", "ASIN",
				"Return quantity", "Resolution", "Merchant SKU",
			},
			Unknown: []string{"item_details/color/order_id", "warehouse"},
		}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readFile(t, tc.file)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.file, diff)
			}
		})
	}
}

// The bound is on one RMA, not on the file.
func TestReturnsLongXML(t *testing.T) {
	const n = 2000
	filler := strings.Repeat("x", 1000)
	file := envelope(strings.Repeat("<other>"+filler+"</other>", n) + strings.Repeat(details("<item_name>"+filler+"</item_name>"), n))
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.End)
	assert.Len(t, got.Rows, n)
}

func TestReturnsXMLText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"entities", "Caf&eacute;&nbsp;&amp;&#32;T&#x61;", "Café\u00a0& Ta"},
		{"CDATA", "<![CDATA[5\" <lamp>]]>", `5" <lamp>`},
		{"comment", "Tea<!-- green --> pot", "Tea pot"},
		{"control characters", "T\x01e\x1Fa\uFFFE\uFFFF", "Tea"},
		{"white space around", "\n  Tea\u00a0\n", "Tea"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(envelope(details("<item_name>"+tc.text+"</item_name>"))), reportparse.Options{})
			require.NoError(t, err)
			require.Len(t, got.Rows, 1, "ended by %q", got.End)
			assert.Equal(t, tc.want, got.Rows[0].ItemName)
		})
	}
}

func TestReturnsTimesAreUTC(t *testing.T) {
	got, err := readAll(t, strings.NewReader(flat(map[string]string{"Order date": "2026-05-01T23:30:00-02:00"})), reportparse.Options{})
	require.NoError(t, err)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, time.Date(2026, time.May, 2, 1, 30, 0, 0, time.UTC), got.Rows[0].OrderDate)
}

// A lone CR ends lines only in a file whose header ends with one.
func TestReturnsLoneCR(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string // item names
	}{
		{"lines", "H\r1\tCup\r\r2\tPot\r", []string{"Cup", "Pot"}},
		{"lines, the last without end", "H\r1\tCup\r2\tPot", []string{"Cup", "Pot"}},
		{"lines, but not the first, which is blank", "\rH\n1\tCup\r\n\n2\tPot", []string{"Cup", "Pot"}},
		{"lines behind a blank one", "\n\rH\r1\tCup\r2\tPot\r", []string{"Cup", "Pot"}},
		{"white space", "H\n1\t\rCup\r\r\n2\tPot\n", []string{"Cup", "Pot"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := strings.NewReplacer(
				"H", "Return request status\tOrder ID\tReturn quantity\tASIN\tItem Name",
				"1\t", "Approved\t701-0000001-0000001\t5\tB0EXAMPLE1\t",
				"2\t", "Approved\t701-0000002-0000002\t5\tB0EXAMPLE1\t",
			).Replace(tc.file)
			got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
			require.NoError(t, err)
			assert.Empty(t, got.Bad)
			var names []string
			for _, row := range got.Rows {
				names = append(names, row.ItemName)
			}
			assert.Equal(t, tc.want, names)
		})
	}
}

// Each case spoils one cell of a row; the row behind it is still read.
func TestReturnsBadCell(t *testing.T) {
	tests := []struct {
		column, value, want string
	}{
		{"Order ID", "701-0000001-000001", `Order ID is "701-0000001-000001", expected an Amazon order ID of 3, 7 and 7 digits, such as 111-2222222-3333333`},
		{"Order ID", " ", "Order ID is blank, expected an Amazon order ID of 3, 7 and 7 digits, such as 111-2222222-3333333"},
		{"Merchant SKU", "", "Merchant SKU is blank, expected a SKU, or an ASIN or an order item ID in place of it"},
		{"Return request status", "", "Return request status is blank, expected a status, such as Approved"},
		{"Return quantity", "0", `Return quantity is "0", expected a whole number from 1 on`},
		{"Return quantity", "-1", `Return quantity is "-1", expected a whole number from 1 on`},
		{"Return quantity", "1.5", `Return quantity is "1.5", expected a whole number from 1 on`},
		{"Return quantity", "4294967297", `Return quantity is "4294967297", expected a whole number from 1 on`},
		{"Return quantity", "", "Return quantity is blank, expected a whole number from 1 on"},
		{"Order quantity", "two", `Order quantity is "two", expected a whole number from 1 on`},
		{"Label cost", "1.234", `Label cost is "1.234", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56`},
		{"Order Amount", "1,234", `Order Amount is "1,234", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56`},
		{"Refunded Amount", "$5", `Refunded Amount is "$5", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56`},
		{"SafeT claim reimbursement amount", "1e9", `SafeT claim reimbursement amount is "1e9", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56`},
		{"Currency code", "usd", `Currency code is "usd", expected a currency code of three capital letters, such as USD`},
		{"Order date", "05.06.2026", `Order date is "05.06.2026", expected a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z`},
		{"Return delivery date", "31-Feb-2026", `Return delivery date is "31-Feb-2026", expected a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z`},
		{"Is prime", "maybe", `Is prime is "maybe", expected Y, N, true or false`},
		{"Order Item ID", "B0EXAMPLE1", `Order Item ID is "B0EXAMPLE1", expected an order item ID of 13 to 15 digits; an ASIN belongs in its own column`},
		{"Order Item ID", "123456789012", `Order Item ID is "123456789012", expected an order item ID of 13 to 15 digits; an ASIN belongs in its own column`},
		{"Order date", strings.Repeat("é", 61), `Order date is "` + strings.Repeat("é", 60) + `…", expected a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z`},
	}
	for _, tc := range tests {
		t.Run(tc.column+" "+tc.value, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(flat(map[string]string{tc.column: tc.value}, nil)), reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			assert.Equal(t, []string{"r.txt: line 2: " + tc.want}, got.Bad)
			require.Len(t, got.Rows, 1)
			assert.Equal(t, 3, got.Rows[0].Line)
		})
	}
}

func TestReturnsAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1234.5": "1234.5", "1234,50": "1234.50", "1,234.50": "1234.50", "1.234,50": "1234.50", "1,234,567": "1234567", "1 234,50": "1234.50", "-0.05": "-0.05",
	} {
		got, err := readAll(t, strings.NewReader(flat(map[string]string{"Order Amount": text})), reportparse.Options{})
		require.NoError(t, err)
		require.Len(t, got.Rows, 1, text)
		assert.Equal(t, want, got.Rows[0].OrderAmount.String(), text)
	}
}

// Amounts in XML may name their currency, which is that of the row.
func TestReturnsXMLCurrency(t *testing.T) {
	const label = "</item_details><label_details><currency_code>EUR</currency_code></label_details><item_details><asin>B0EXAMPLE2</asin><return_quantity>1</return_quantity>"
	tests := []struct{ name, more, want, bad string }{
		{"named by an amount", `<refund_amount currency="GBP">1.00</refund_amount>`, "GBP", ""},
		{"named alike", label + `<refund_amount currency="EUR">1.00</refund_amount>`, "EUR", ""},
		{"named twice", label + `<refund_amount currency="GBP">1.00</refund_amount>`, "EUR", `report: line 2: Currency code is "EUR", expected GBP, the currency of another amount of the same item`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(envelope(details(tc.more))), reportparse.Options{})
			require.NoError(t, err)
			var currency string
			for _, row := range got.Rows {
				currency = row.Currency
			}
			assert.Equal(t, tc.want, currency)
			assert.Equal(t, tc.bad, strings.Join(got.Bad, "\n"))
		})
	}
}

// flat writes a report with a row for each of the given cells by column; the
// columns that a row must have are filled unless given.
func flat(rows ...map[string]string) string {
	columns := append(slices.Clone(documented), "Order Item ID")
	lines := []string{strings.Join(columns, "\t")}
	for _, row := range rows {
		cells := map[string]string{
			"Order ID": "701-0000001-0000001", "Return request status": "Approved", "Return quantity": "1", "Merchant SKU": "LAMP-RED",
		}
		maps.Copy(cells, row)
		var line []string
		for _, column := range columns {
			line = append(line, cells[column])
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	return strings.Join(lines, "\n") + "\n"
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
