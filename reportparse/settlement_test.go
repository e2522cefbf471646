package reportparse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// books is all that a settlement file gives.
type books struct {
	Type    reportparse.Type
	Rows    []reportparse.SettlementRow
	Bad     []string // text of each RowError
	End     string   // what ended the file early
	Totals  []reportparse.SettlementTotal
	Unknown []string
}

func readSettlement(t testing.TB, in io.Reader, o reportparse.Options) (got books, err error) {
	t.Helper()
	r, err := reportparse.Settlement(in, o)
	if err != nil {
		return got, err
	}
	rows, bad, end := collect(r.All())
	got = books{r.Type(), rows, bad, said(end), r.Settlements(), r.Unknown()}
	return got, nil
}

func openSettlement(t testing.TB, name string, o reportparse.Options) books {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "settlement", name))
	require.NoError(t, err)
	o.Name = name
	got, err := readSettlement(t, bytes.NewReader(b), o)
	require.NoError(t, err)
	return got
}

// inMay is the total of a fixture, whose period is the first half of May 2026.
func inMay(id, currency, total, sum string, rows, bad int) reportparse.SettlementTotal {
	t := reportparse.SettlementTotal{
		ID: id, Currency: currency, Total: money(total), Rows: rows, Bad: bad, Sum: decimal.RequireFromString(sum),
		Start: day(2026, time.May, 1), End: day(2026, time.May, 15), Deposit: day(2026, time.May, 17),
	}
	t.Difference = decimal.NewNullDecimal(t.Total.Decimal().Sub(t.Sum))
	return t
}

var posted = time.Date(2026, time.May, 6, 14, 3, 7, 0, time.UTC)

func TestSettlementV2(t *testing.T) {
	order := reportparse.SettlementRow{
		Line: 3, Row: 1, SettlementID: "10000000001", Currency: "USD", TransactionType: "Order", OrderID: "111-0000001-0000001",
		MerchantOrderID: "111-0000001-0000001", ShipmentID: "Baaaaaaaa", Marketplace: "Amazon.com", AmountType: "ItemPrice",
		AmountDescription: "Principal", Amount: money("50.00"), FulfillmentID: "AFN", PostedDate: "05/06/26", PostedAt: posted,
		OrderItemCode: "100000000000001", SKU: "LAMP-RED", Quantity: 2,
	}
	commission := order
	commission.Line, commission.Row = 4, 2
	commission.AmountType, commission.AmountDescription, commission.Amount = "ItemFees", "Commission", money("-7.50")
	promotion := order
	promotion.Line, promotion.Row, promotion.PromotionID = 5, 3, "Free shipping, spring"
	promotion.AmountType, promotion.AmountDescription, promotion.Amount = "Promotion", "Shipping", money("-1.10")
	twin := promotion
	twin.Line, twin.Row = 6, 4
	refund := order
	refund.Line, refund.Row, refund.TransactionType, refund.Amount = 7, 5, "Refund", money("-25.00")
	refund.ShipmentID, refund.Quantity = "", 0
	refund.AdjustmentID, refund.MerchantAdjustmentItemID = "amzn1:crow:aaaa+/bbbb", "9000000000000000001"
	kept := refund
	kept.Line, kept.Row = 8, 6
	kept.AmountType, kept.AmountDescription, kept.Amount = "ItemFees", "RefundCommission", money("-0.75")
	reversal := reportparse.SettlementRow{
		Line: 9, Row: 7, SettlementID: "10000000001", Currency: "USD", TransactionType: "other-transaction - Reversal",
		AmountType: "FBA Inventory Reimbursement", AmountDescription: "REVERSAL_REIMBURSEMENT", Amount: money("-3.50"),
		FulfillmentID: "AFN", PostedDate: "05/06/26", PostedAt: posted, SKU: "LAMP-RED", Quantity: 1,
	}

	want := books{
		Type:   reportparse.TypeSettlement,
		Rows:   []reportparse.SettlementRow{order, commission, promotion, twin, refund, kept, reversal},
		Totals: []reportparse.SettlementTotal{inMay("10000000001", "USD", "11.05", "11.05", 7, 0)},
	}
	if diff := cmp.Diff(want, openSettlement(t, "us.txt", reportparse.Options{})); diff != "" {
		t.Errorf("us.txt (-want +got):\n%s", diff)
	}
}

// Every marketplace has its own dates and separators, and one does not tell the
// other.
func TestSettlementMarketplaces(t *testing.T) {
	tests := []struct {
		file    string
		options reportparse.Options
		amounts []string
		sku     string
		missing []string
		total   reportparse.SettlementTotal
	}{
		{"de.txt", reportparse.Options{}, []string{"1141.18", "-95.00", "-11.5"}, "TISCH-Ö", []string{"promotion-id"}, inMay("10000000002", "EUR", "1034.68", "1034.68", 3, 0)},
		{"au.txt", reportparse.Options{}, []string{"19.67", "-3.17"}, "TEA", nil, inMay("10000000003", "AUD", "16.50", "16.50", 2, 0)},
		{"jp.txt", reportparse.Options{Charset: "Shift_JIS"}, []string{"1980", "-198", "-19"}, "CHA", nil, inMay("10000000004", "JPY", "1763", "1763", 3, 0)},
		{"in.txt", reportparse.Options{}, []string{"123456.50", "-124.34"}, "CHAI", nil, inMay("10000000005", "INR", "123332.16", "123332.16", 2, 0)},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			got := openSettlement(t, tc.file, tc.options)
			assert.Empty(t, got.Bad)
			if diff := cmp.Diff([]reportparse.SettlementTotal{tc.total}, got.Totals); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			var amounts []string
			for _, row := range got.Rows {
				amounts = append(amounts, row.Amount.String())
				assert.Equal(t, posted, row.PostedAt)
				assert.Equal(t, tc.total.Currency, row.Currency)
			}
			assert.Equal(t, tc.amounts, amounts)
			assert.Equal(t, tc.sku, got.Rows[0].SKU)
		})
	}
}

func TestSettlementMissing(t *testing.T) {
	for name, want := range map[string][]string{
		"us.txt":           nil,
		"de.txt":           {"promotion-id"},
		"v1.txt":           nil,
		"v1_no_orders.txt": {"promotion-id", "promotion-type", "promotion-amount"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "settlement", name))
			require.NoError(t, err)
			r, err := reportparse.Settlement(bytes.NewReader(b), reportparse.Options{})
			require.NoError(t, err)
			var missing []string
			for _, column := range r.Missing() {
				missing = append(missing, column.Name)
			}
			assert.Equal(t, want, missing)
		})
	}
}

// amounts are those of the rows in the terms of V2.
func amounts(rows []reportparse.SettlementRow) []string {
	var out []string
	for _, row := range rows {
		for a := range row.Amounts() {
			out = append(out, fmt.Sprintf("%d %s/%s/%s %s", row.Row, a.TransactionType, a.Type, a.Description, a.Amount))
		}
	}
	return out
}

func TestSettlementV1(t *testing.T) {
	got := openSettlement(t, "v1.txt", reportparse.Options{})
	assert.Empty(t, got.Bad)
	assert.Equal(t, reportparse.TypeSettlementV1, got.Type)
	if diff := cmp.Diff([]reportparse.SettlementTotal{inMay("10000000006", "CAD", "32.35", "32.35", 12, 0)}, got.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	assert.Equal(t, []string{
		"2 other-transaction/other-transaction/Successful charge 20.00",
		"3 Order/ItemPrice/Principal 60.00",
		"4 Order/ItemFees/Commission -9.00",
		"5 Order/ItemPrice/Shipping 6.99",
		"6 Order/Promotion/Shipping -6.99",
		"7 Order/shipment-fee/FBA transportation fee -5.40",
		"8 ServiceFee/ItemFees/TransactionTotalAmount -10.00",
		"8 ServiceFee/other-fee/TaxAmount -1.30",
		"9 Refund/ItemPrice/Principal -20.00",
		"10 Refund/ItemFees/RefundCommission -0.60",
		"11 Fees/order-fee/OrderHandling -0.10",
		"11 Fees/misc-fee/ -0.20",
		"12 Order/direct-payment/COD -1.05",
	}, amounts(got.Rows))

	quantity := reportparse.SettlementRow{
		Line: 3, Row: 1, SettlementID: "10000000006", Currency: "CAD", TransactionType: "Order", OrderID: "702-0000001-0000001",
		MerchantOrderID: "702-0000001-0000001", ShipmentID: "Bbbbbbbbb", Marketplace: "Amazon.ca", FulfillmentID: "AFN",
		PostedDate: "2026-05-06T14:03:07+00:00", PostedAt: posted, OrderItemCode: "100000000000006", SKU: "SALT", Quantity: 1,
		V1: &reportparse.SettlementV1{},
	}
	service := reportparse.SettlementRow{
		Line: 11, Row: 8, SettlementID: "10000000006", Currency: "CAD", TransactionType: "ServiceFee",
		PostedDate: "2026-05-06T14:03:07+00:00", PostedAt: posted,
		V1: &reportparse.SettlementV1{
			ItemFeeType: "TransactionTotalAmount", ItemFee: money("-10.00"), OtherFee: money("-1.30"), OtherFeeReason: "TaxAmount",
		},
	}
	if diff := cmp.Diff([]reportparse.SettlementRow{quantity, service}, []reportparse.SettlementRow{got.Rows[0], got.Rows[7]}); diff != "" {
		t.Errorf("rows 1 and 8 (-want +got):\n%s", diff)
	}
}

// A row that tells only a quantity is no summary, even if it repeats the period.
func TestSettlementQuantityIsNoSummary(t *testing.T) {
	file := "settlement-id\tsettlement-start-date\ttotal-amount\tcurrency\ttransaction-type\tquantity-purchased\tprice-type\tprice-amount\n" +
		"7\t2026-05-06\t1.00\tCAD\n" +
		"7\t2026-05-06\t1.00\tCAD\tOrder\t2\n" +
		"7\t2026-05-06\t1.00\tCAD\tOrder\t\tPrincipal\t1.00\n"
	got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Bad)
	assert.Equal(t, []total{{"7", "CAD", "1.00", "1", "0", 2, 0}}, totals(got.Totals))
	require.Len(t, got.Rows, 2)
	assert.Equal(t, 2, got.Rows[0].Quantity)
}

// Money counts in whatever column it stands.
func TestSettlementOfBothKinds(t *testing.T) {
	file := "settlement-id\ttotal-amount\tcurrency\ttransaction-type\tamount-type\tamount-description\tamount\tprice-type\tprice-amount\n" +
		"7\t6.00\tEUR\n" +
		"7\t\t\tOrder\tItemPrice\tPrincipal\t1.00\tTax\t2.00\n" +
		"7\t\t\tOrder\tItemPrice\tPrincipal\t3.00\n"
	got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Bad)
	assert.Equal(t, []total{{"7", "EUR", "6.00", "6", "0", 2, 0}}, totals(got.Totals))
	require.Len(t, got.Rows, 2)
	assert.Equal(t, &reportparse.SettlementV1{PriceType: "Tax", Price: money("2.00")}, got.Rows[0].V1)
	assert.Nil(t, got.Rows[1].V1)
}

// A row that is used again tells nothing of the row before, even if that was of
// the other format.
func TestSettlementNext(t *testing.T) {
	var row reportparse.SettlementRow
	for _, name := range []string{"v1.txt", "us.txt", "v1_no_orders.txt", "live.xml"} {
		want := openSettlement(t, name, reportparse.Options{})
		b, err := os.ReadFile(filepath.Join("testdata", "settlement", name))
		require.NoError(t, err)
		r, err := reportparse.Settlement(bytes.NewReader(b), reportparse.Options{})
		require.NoError(t, err)
		for _, kept := range want.Rows {
			require.NoError(t, r.Next(&row))
			if diff := cmp.Diff(kept, row); diff != "" {
				t.Fatalf("%s, line %d (-kept +used again):\n%s", name, kept.Line, diff)
			}
		}
	}
}

func TestSettlementXML2007(t *testing.T) {
	got := openSettlement(t, "2007.xml", reportparse.Options{})
	assert.Empty(t, got.Bad)
	assert.Empty(t, got.End)
	assert.Equal(t, reportparse.TypeSettlementXML, got.Type)
	if diff := cmp.Diff([]reportparse.SettlementTotal{inMay("10000000008", "USD", "31.25", "31.25", 9, 0)}, got.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	assert.Equal(t, []string{
		"1 Order/ShipmentFees/FBA transportation fee -4.75",
		"2 Order/ItemPrice/Principal 40.00",
		"3 Order/ItemPrice/Shipping 5.00",
		"4 Order/ItemFees/Commission -6.00",
		"5 Order/Promotion/Shipping -5.00",
		"6 Refund/ItemPrice/Principal -10.00",
		"7 Refund/ItemFees/Commission 1.50",
		"8 Refund/Promotion/Principal 0.50",
		"9 other-transaction/other-transaction/WAREHOUSE_DAMAGE 10.00",
	}, amounts(got.Rows))

	promotion := reportparse.SettlementRow{
		Line: 37, Row: 5, SettlementID: "10000000008", Currency: "USD", TransactionType: "Order", OrderID: "111-0000002-0000002",
		MerchantOrderID: "OWN-2", ShipmentID: "Bcccccccc", Marketplace: "Amazon.com", AmountType: "Promotion", AmountDescription: "Shipping",
		Amount: money("-5.00"), FulfillmentID: "MFN", PostedDate: "2026-05-06T14:03:07+00:00", PostedAt: posted,
		OrderItemCode: "10000000000008", SKU: "MUG", Quantity: 2, PromotionID: "SPRING & MAY",
	}
	damage := reportparse.SettlementRow{
		Line: 70, Row: 9, SettlementID: "10000000008", Currency: "USD", TransactionType: "other-transaction", OrderID: "111-0000009-0000009",
		AmountType: "other-transaction", AmountDescription: "WAREHOUSE_DAMAGE", Amount: money("10.00"),
		PostedDate: "2026-05-08T09:00:00+00:00", PostedAt: time.Date(2026, time.May, 8, 9, 0, 0, 0, time.UTC), SKU: "CUP", Quantity: 1,
		Extra: map[string]string{
			"OtherTransaction/TransactionID":                     "T-1",
			"OtherTransaction/OtherTransactionItem/Amount":       "6.00",
			"OtherTransaction/OtherTransactionItem/SKU (2)":      "MUG",
			"OtherTransaction/OtherTransactionItem/Quantity (2)": "1",
			"OtherTransaction/OtherTransactionItem/Amount (2)":   "4.00",
		},
	}
	if diff := cmp.Diff([]reportparse.SettlementRow{promotion, damage}, []reportparse.SettlementRow{got.Rows[4], got.Rows[8]}); diff != "" {
		t.Errorf("rows 5 and 9 (-want +got):\n%s", diff)
	}
}

func TestSettlementXMLLive(t *testing.T) {
	got := openSettlement(t, "live.xml", reportparse.Options{})
	assert.Equal(t, []string{"live.xml: line 16: amount is blank, expected an amount"}, got.Bad)
	if diff := cmp.Diff([]reportparse.SettlementTotal{inMay("10000000009", "GBP", "-28.7", "-28.7", 3, 1)}, got.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	assert.Equal(t, []string{
		"1 Refund/ItemPrice/Principal -15.5",
		"2 GuaranteeClaim/ItemPrice/Principal -3.2",
		"3 AdvertisingTransactionDetails/AdvertisingTransactionDetails/Charge -10.00",
	}, amounts(got.Rows))
	assert.Equal(t, map[string]string{
		"AdvertisingTransactionDetails/InvoiceId":  "INV-1",
		"AdvertisingTransactionDetails/BaseAmount": "-8.00",
		"AdvertisingTransactionDetails/TaxAmount":  "-2.00",
	}, got.Rows[2].Extra)
	assert.Equal(t, "M-9", got.Rows[0].MerchantAdjustmentItemID)
}

// The bound on memory is on one transaction, not on the file.
func TestSettlementLongXML(t *testing.T) {
	const n = 10_000
	item := "<OtherTransaction><TransactionType>Storage Fee</TransactionType><Note>" + strings.Repeat("x", 200) + "</Note><Amount>-0.01</Amount></OtherTransaction>"
	file := settlementEnvelope("<SettlementData><AmazonSettlementID>7</AmazonSettlementID><TotalAmount>-100</TotalAmount></SettlementData>" + strings.Repeat(item, n))
	got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.End)
	assert.Equal(t, []total{{"7", "", "-100", "-100", "0", n, 0}}, totals(got.Totals))
}

// A reimbursement of many items is one amount.
func TestSettlementXMLManyItems(t *testing.T) {
	const n = 2000
	file := settlementEnvelope("<SettlementData><AmazonSettlementID>7</AmazonSettlementID></SettlementData><OtherTransaction><TransactionType>WAREHOUSE_LOST</TransactionType><Amount>20.00</Amount>" +
		strings.Repeat("<OtherTransactionItem><SKU>CUP</SKU><Amount>0.01</Amount></OtherTransactionItem>", n) + "</OtherTransaction>")
	got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.End)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, money("20.00"), got.Rows[0].Amount)
	assert.Equal(t, "CUP", got.Rows[0].SKU)
	assert.Len(t, got.Rows[0].Extra, 2*n-1)
}

func TestSettlementDamagedXML(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"cut off", strings.TrimSuffix(settlementEnvelope("<Order><AmazonOrderID>111"), "</SettlementReport></Message></AmazonEnvelope>"), "r.txt: line 1: the file ends before its XML does; download it again: unexpected EOF"},
		{"wrong end", settlementEnvelope("<Order></Refund>"), "r.txt: line 1: the XML is damaged (element <Order> closed by </Refund>); download it again"},
		{"many elements", settlementEnvelope("<Order>" + manyTexts(1001)), "r.txt: line 1: more than 1000 different elements; the file is damaged or no report"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readSettlement(t, strings.NewReader(tc.file), reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			assert.Equal(t, tc.want, got.End)
			assert.Empty(t, got.Rows)
		})
	}
}

func manyTexts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<e%d>x</e%d>", i, i)
	}
	return b.String()
}

func settlementEnvelope(content string) string {
	return "<AmazonEnvelope><MessageType>SettlementReport</MessageType><Message><SettlementReport>" + content + "</SettlementReport></Message></AmazonEnvelope>"
}

func TestSettlementLost(t *testing.T) {
	lost := errors.New("connection lost")
	for _, name := range []string{"us.txt", "2007.xml"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "settlement", name))
			require.NoError(t, err)
			r, err := reportparse.Settlement(io.MultiReader(bytes.NewReader(b[:len(b)-60]), iotest.ErrReader(lost)), reportparse.Options{})
			require.NoError(t, err)
			var row reportparse.SettlementRow
			for err = r.Next(&row); err == nil; err = r.Next(&row) {
				assert.Positive(t, row.Row)
			}
			require.ErrorIs(t, err, lost)
		})
	}
}

// v2 writes a settlement of the given rows, which have a settlement ID, a kind,
// a posted date and a time unless they say otherwise.
func v2(rows ...map[string]string) string {
	columns := []string{
		"settlement-id", "settlement-start-date", "total-amount", "currency", "transaction-type", "order-id", "marketplace-name",
		"amount-type", "amount-description", "amount", "posted-date", "posted-date-time", "quantity-purchased",
	}
	lines := []string{strings.Join(columns, "\t")}
	for _, row := range rows {
		var line []string
		for _, column := range columns {
			text, ok := row[column]
			switch {
			case ok, row["total-amount"] != "" && column != "settlement-id":
			case column == "settlement-id":
				text = "7"
			case column == "transaction-type":
				text = "Order"
			case column == "posted-date-time":
				text = "2026-05-06 14:03:07 UTC"
			}
			line = append(line, text)
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	return strings.Join(lines, "\n") + "\n"
}

func summary(id, total, currency string) map[string]string {
	return map[string]string{"settlement-id": id, "total-amount": total, "currency": currency}
}

func of(id, amount string) map[string]string {
	return map[string]string{"settlement-id": id, "amount": amount}
}

type total struct {
	ID, Currency, Total, Sum, Difference string
	Rows, Bad                            int
}

// totals are those of a file as text. A difference that is not known is a dash.
func totals(in []reportparse.SettlementTotal) []total {
	var out []total
	for _, t := range in {
		difference := map[bool]string{true: t.Difference.Decimal.String(), false: "-"}[t.Difference.Valid]
		out = append(out, total{t.ID, t.Currency, t.Total.String(), t.Sum.String(), difference, t.Rows, t.Bad})
	}
	return out
}

func TestSettlements(t *testing.T) {
	price := func(cells ...string) map[string]string {
		row := of("7", "1.00")
		for i := 0; i < len(cells); i += 2 {
			row[cells[i]] = cells[i+1]
		}
		return row
	}
	tests := []struct {
		name, file string
		want       []total
		bad        []string
	}{
		{"no rows", v2(summary("7", "3.00", "USD")), []total{{"7", "USD", "3.00", "0", "3", 0, 0}}, nil},
		{"no summary", v2(price(), price("currency", "USD"), price()), []total{{"7", "USD", "", "3", "-", 3, 0}}, nil},
		{"two settlements", v2(summary("7", "3.00", "USD"), price(), summary("8", "1.00", "CAD"), of("8", "1.00"), of("7", "2.00")),
			[]total{{"7", "USD", "3.00", "3", "0", 2, 0}, {"8", "CAD", "1.00", "1", "0", 1, 0}}, nil},
		{"summary repeated in the rows", v2(price("total-amount", "2.00", "currency", "USD", "transaction-type", "Order"), price("total-amount", "2.00", "currency", "USD", "transaction-type", "Order")),
			[]total{{"7", "USD", "2.00", "2", "0", 2, 0}}, nil},
		{"total in doubt", v2(summary("7", "1.00", "USD"), price(), price("total-amount", "2.00", "transaction-type", "Order")),
			[]total{{"7", "USD", "1.00", "1", "0", 1, 1}}, []string{`r.txt: line 4: total-amount is "2.00", expected 1.00, as in the rows before: a settlement has one total`}},
		{"currency in doubt", v2(summary("7", "1.00", "USD"), price("currency", "CAD"), price("currency", "USD")),
			[]total{{"7", "USD", "1.00", "1", "0", 1, 1}}, []string{`r.txt: line 3: currency is "CAD", expected USD, as in the rows before: a settlement has one currency`}},
		{"the same twice", v2(summary("7", "1.00", "USD"), price(), summary("7", "1.00", "USD"), price()),
			[]total{{"7", "USD", "1.00", "2", "-1", 2, 1}},
			[]string{`r.txt: line 4: settlement-id is "7", expected another settlement: this one was summed up in line 2; leave out what is in the file twice`}},
		{"summary half read", v2(map[string]string{"settlement-start-date": "soon", "total-amount": "1.00", "currency": "USD"}, price()),
			[]total{{"7", "USD", "1.00", "1", "0", 1, 1}},
			[]string{`r.txt: line 2: settlement-start-date is "soon", expected a time such as 2006-01-02 15:04:05 UTC, 02.01.2006 15:04:05 UTC, 2006/01/02 15:04:05 UTC or 2006-01-02T15:04:05+00:00`}},
		{"bad amount", v2(summary("7", "3.00", "USD"), price("amount", "1.5.0"), price()), []total{{"7", "USD", "3.00", "1", "2", 1, 1}},
			[]string{`r.txt: line 3: amount is "1.5.0", expected an amount of at most 18 digits and two decimals, such as -1234.56, -1.234,56 or 1 234,56`}},
		{"no amount", v2(price("amount", "")), []total{{"7", "", "", "0", "-", 0, 1}}, []string{"r.txt: line 2: amount is blank, expected an amount"}},
		{"no kind", v2(price("transaction-type", "")), []total{{"7", "", "", "0", "-", 0, 1}}, []string{"r.txt: line 2: transaction-type is blank, expected a kind of transaction, such as Order or Refund"}},
		{"no settlement", v2(price("settlement-id", "")), []total{{"", "", "", "0", "-", 0, 1}}, []string{"r.txt: line 2: settlement-id is blank, expected the number of the settlement"}},
		{"too many cells", v2(summary("7", "3.00", "USD"), price("quantity-purchased", "1\t2"), price()), []total{{"7", "USD", "3.00", "1", "2", 1, 1}},
			[]string{"r.txt: line 3: expected 13 cells, as in the header, but there are 14; remove the TAB that is too many"}},
		{"quantity in words", v2(price("quantity-purchased", "two")), []total{{"7", "", "", "0", "-", 0, 1}}, []string{`r.txt: line 2: quantity-purchased is "two", expected a whole number`}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readSettlement(t, strings.NewReader(tc.file), reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			assert.Equal(t, tc.want, totals(got.Totals))
			assert.Equal(t, tc.bad, got.Bad)
		})
	}
}

// A row keeps its number whatever becomes of those before it.
func TestSettlementRowNumbers(t *testing.T) {
	got, err := readSettlement(t, strings.NewReader(v2(summary("7", "3.00", "USD"), of("7", "1"), of("7", "x"), of("8", "1"), of("7", "1"))), reportparse.Options{})
	require.NoError(t, err)
	var keys []string
	for _, row := range got.Rows {
		keys = append(keys, fmt.Sprintf("%s-%d", row.SettlementID, row.Row))
	}
	assert.Equal(t, []string{"7-1", "8-1", "7-3"}, keys)
}

// Sums are exact, however large they grow and however many decimals there are.
func TestSettlementSum(t *testing.T) {
	most := strings.Repeat("9", 18)
	rows := []map[string]string{summary("7", most, "USD"), of("7", "0.5"), of("7", "0.25")}
	rows = append(rows, slices.Repeat([]map[string]string{of("7", most)}, 25)...)
	got, err := readSettlement(t, strings.NewReader(v2(rows...)), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Bad)
	assert.Equal(t, "24999999999999999975.75", got.Totals[0].Sum.String())
	assert.Equal(t, "-23999999999999999976.75", got.Totals[0].Difference.Decimal.String())
}

func TestSettlementTooMany(t *testing.T) {
	rows := make([]map[string]string, 10_001)
	for i := range rows {
		rows[i] = of(fmt.Sprint(i), "1")
	}
	got, err := readSettlement(t, strings.NewReader(v2(rows...)), reportparse.Options{Name: "r.txt"})
	require.NoError(t, err)
	assert.Equal(t, []string{`r.txt: line 10002: settlement-id is "10000", expected at most 10000 settlements in a file`}, got.Bad)
	assert.Len(t, got.Totals, 10_000)
}

func TestSettlementWrongReport(t *testing.T) {
	for name, file := range map[string]string{
		"returns":     flat(),
		"returns XML": envelope(""),
		"no amounts":  "settlement-id\ttransaction-type\torder-id\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reportparse.Settlement(strings.NewReader(file), reportparse.Options{})
			require.ErrorIs(t, err, reportparse.ErrWrongReport)
		})
	}
}

// Bulk reading makes no garbage, and neither do the amounts of a row.
func TestSettlementGarbage(t *testing.T) {
	rows := slices.Repeat([]map[string]string{of("7", "-12.50")}, 2000)
	r, err := reportparse.Settlement(strings.NewReader(v2(rows...)), reportparse.Options{})
	require.NoError(t, err)
	var row reportparse.SettlementRow
	require.NoError(t, r.Next(&row))
	n := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for a := range row.Amounts() {
			n += len(a.Description) + 1
		}
	}))
	assert.Positive(t, n)
}
