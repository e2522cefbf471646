package reportparse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/takebackhq/takeback/reportparse"
)

// These are files that lost their rows, or their meaning, elsewhere.

// A title opens with a quotation mark that never closes: one row, and no more.
func TestQuotationMarkThatNeverCloses(t *testing.T) {
	unclosed(t, opener(reportparse.Returns), "returns.txt")
	unclosed(t, opener(reportparse.Orders), "orders.txt")
	unclosed(t, opener(reportparse.Orders), "unshipped-orders.txt")
	unclosed(t, opener(reportparse.AllOrders), "all-orders.txt")
	unclosed(t, opener(reportparse.FBAReturns), "fba-returns.txt")
	unclosed(t, openSettlements, "settlement.txt")
	unclosed(t, openSettlements, "settlement-v1.txt")
}

func unclosed[T any](t *testing.T, open reportFunc[T], name string) {
	t.Run(name, func(t *testing.T) {
		plain := strings.TrimSpace(string(readKind(t, name)))
		row := plain[strings.LastIndex(plain, "\n"):]
		file := strings.Replace(plain, "LAMP-RED", `"LAMP-RED`, 1) + row
		got, err := take(open, strings.NewReader(file))
		require.NoError(t, err)
		assert.Empty(t, got.Bad)
		require.Len(t, got.Rows, 2)
		assert.Contains(t, fmt.Sprintf("%+v", got.Rows[0]), `SKU:"LAMP-RED`)
		assert.Contains(t, fmt.Sprintf("%+v", got.Rows[1]), "SKU:LAMP-RED")
	})
}

// Headers follow the language of the seller's account. They may be in the
// marketplace's character set, with nothing that names it.
func TestGermanHeadersWithoutCharset(t *testing.T) {
	file := encode(t, charmap.Windows1252, "Bestellnummer\tStatus der R\u00FCcksendung\tMenge\tH\u00E4ndler-SKU\n302-0000001-0000001\tApproved\t2\tT\u00DCR\n")
	o := reportparse.Options{Aliases: map[string]string{
		"Bestellnummer": "Order ID", "Status der Rücksendung": "Return request status", "Menge": "Return quantity", "Händler-SKU": "Merchant SKU",
	}}
	found, rest, err := reportparse.Detect(bytes.NewReader(file), o)
	require.NoError(t, err)
	assert.Equal(t, reportparse.TypeReturns, found.Type, found.Saw)
	got, err := readAll(t, rest, o)
	require.NoError(t, err)
	assert.Equal(t, []reportparse.Return{{Line: 2, OrderID: "302-0000001-0000001", Status: "Approved", Quantity: 2, SKU: "TÜR"}}, got.Rows)
}

// Chinese headers name several columns alike.
func TestHeadersThatAreAllTheSame(t *testing.T) {
	file := "Order ID\t不适用\tReturn request status\t不适用\tReturn quantity\t不适用\tASIN\n701-0000001-0000001\ta\tApproved\tb\t1\tc\tB0EXAMPLE1\n"
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"不适用", "不适用 (2)", "不适用 (3)"}, got.Unknown)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, map[string]string{"不适用": "a", "不适用 (2)": "b", "不适用 (3)": "c"}, got.Rows[0].Extra)
}

// How cells are written, and what they mean.
func TestCellsThatWereMisread(t *testing.T) {
	tests := []struct {
		name, charset, cell, want string
	}{
		{"UTF-8 that a tool of the seller's garbled", "", "JÃ¼rgen", "JÃ¼rgen"},
		{"the euro sign in what is called ISO-8859-1", "ISO-8859-1", "5 \x80 \x93new\x94", "5 € “new”"},
		{"Shift_JIS with a backslash in a character", "Shift_JIS", "\x83\x5C\x95\x5C", "ソ表"},
		{"a charset that is called utf8", "utf8", "日本", "日本"},
		{"non-breaking spaces", "", "\u00a0 Tea\u00a0pot \u00a0", "Tea\u00a0pot"},
		{"commas, as if they divided columns", "", "Tea, green, 1,5 kg", "Tea, green, 1,5 kg"},
		{"quotation marks", "", `"12"" lamp"`, `"12"" lamp"`},
		{"entities, which are only those of XML", "", "Salt &amp; pepper", "Salt &amp; pepper"},
		{"control characters", "", "Te\x00a\x1F", "Tea"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(flat(map[string]string{"Item Name": tc.cell}, nil)), reportparse.Options{Charset: tc.charset})
			require.NoError(t, err)
			assert.Empty(t, got.Bad)
			require.Len(t, got.Rows, 2)
			assert.Equal(t, tc.want, got.Rows[0].ItemName)
		})
	}
}

// Two items of one RMA may be equal in everything.
func TestEqualItemsOfAReturn(t *testing.T) {
	item := "<item_details><merchant_sku>CUP</merchant_sku><return_quantity>1</return_quantity></item_details>"
	file := envelope("<return_details>" + item + item + "<order_id>701-0000001-0000001</order_id><order_quantity>1</order_quantity><return_request_status>Approved</return_request_status></return_details>")
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	require.Len(t, got.Rows, 2)
	assert.Equal(t, got.Rows[0], got.Rows[1])
	assert.Equal(t, 1, got.Rows[0].OrderQuantity)
}

// Books that did not balance elsewhere.
func TestSettlementsThatWereMisread(t *testing.T) {
	charge := "settlement-id\ttotal-amount\tcurrency\ttransaction-type\tother-amount\tposted-date\n" +
		"7\t-321.69\tCAD\n7\t\t\tPayable to Amazon\t-643.38\t2026-05-06T00:00:00+00:00\n7\t\t\tSuccessful charge\t321.69    \n\n"
	again := strings.Repeat("settlement-id\ttotal-amount\tcurrency\ttransaction-type\tamount\n", 2) + "7\t1,000\tJPY\n7\t\t\tOrder\t1,000\n"
	twin := of("7", "1.00")
	tests := []struct {
		name, file string
		want       []string
	}{
		{"a line end within the last cell", charge, []string{"line 3: Payable to Amazon -643.38 CAD", "line 4: Successful charge 321.69 CAD"}},
		{"equal rows, each of them money", v2(summary("7", "2.00", "USD"), twin, twin), []string{"line 3: Order 1.00 USD", "line 4: Order 1.00 USD"}},
		{"decimal commas", v2(summary("7", "1141,18", "EUR"), of("7", "1141,18")), []string{"line 3: Order 1141.18 EUR"}},
		{"the header again, and yen", again, []string{"line 4: Order 1000 JPY"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readSettlement(t, strings.NewReader(tc.file), reportparse.Options{})
			require.NoError(t, err)
			assert.Empty(t, got.Bad)
			var rows []string
			for _, row := range got.Rows {
				for a := range row.Amounts() {
					rows = append(rows, fmt.Sprintf("line %d: %s %s %s", row.Line, row.TransactionType, a.Amount, row.Currency))
				}
			}
			assert.Equal(t, tc.want, rows)
			require.Len(t, got.Totals, 1)
			assert.True(t, got.Totals[0].Difference.Valid && got.Totals[0].Difference.Decimal.IsZero(), "difference %s", got.Totals[0].Difference.Decimal)
		})
	}
}

// What has no value still tells that the file has it.
func TestBlankElementOfASettlement(t *testing.T) {
	file := "<AmazonEnvelope><MessageType>SettlementReport</MessageType><Message><SettlementReport>" +
		`<SettlementData><AmazonSettlementID>7</AmazonSettlementID><TotalAmount currency="USD">1.0</TotalAmount></SettlementData>` +
		`<OtherTransaction><TransactionType>Storage Fee</TransactionType><ShipmentID/><Gate/><Amount currency="USD">1.0</Amount></OtherTransaction>` +
		"</SettlementReport></Message></AmazonEnvelope>"
	got, err := take(openSettlements, strings.NewReader(file))
	require.NoError(t, err)
	assert.Contains(t, got.Columns, "shipment-id")
	assert.Equal(t, []string{"OtherTransaction/Gate"}, got.Unknown)
	require.Len(t, got.Rows, 1)
	assert.Empty(t, got.Rows[0].Extra)
}

// Spreadsheets leave lines of commas behind.
func TestPrimeCSVBlankLines(t *testing.T) {
	file := commaHeader + strings.Repeat(",", strings.Count(commaHeader, ",")) + "\n" + commaRow("Tea") + "\n,,\n"
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Bad)
	assert.Len(t, got.Rows, 1)
}

// A file that was joined of others goes on under their headers, with the same
// columns in another order, or with those of another report.
func TestJoinedReports(t *testing.T) {
	const header, values = "order-id\torder-item-id\tpurchase-date\tcurrency\t", "701-0000001-0000001\t12345678901234\t2026-06-01T10:11:12+00:00\tUSD\t"
	first := header + "item-price\titem-tax\n" + values + "100.00\t8.00\n"
	tests := []struct{ name, second string }{
		{"other order of columns", header + "item-tax\titem-price\n" + values + "8.00\t100.00\n"},
		{"more columns", header + "item-price\titem-tax\tshipping-price\n" + values + "100.00\t8.00\t1.00\n"},
		{"another report", "settlement-id\ttransaction-type\tamount\n1001\tOrder\t8.00\n"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := take(opener(reportparse.Orders), strings.NewReader(first+tc.second))
			require.NoError(t, err)
			assert.Len(t, got.Rows, 1)
			assert.Empty(t, got.Bad)
			assert.ErrorContains(t, got.end, "line 3: another header begins here, with other columns than the first; give one report at a time")
		})
	}
	again, err := take(opener(reportparse.Orders), strings.NewReader(first+first))
	require.NoError(t, err)
	require.NoError(t, again.end)
	assert.Len(t, again.Rows, 2, "the same header is no other")
}

// A file that was cut in its last line would show half an amount, or lack a flag.
func TestCutInTheLastLine(t *testing.T) {
	const (
		header = "order-id\torder-item-id\tpurchase-date\titem-price\titem-tax\n"
		row    = "701-0000001-0000001\t12345678901234\t2026-06-01T10:11:12+00:00"
		whole  = header + row + "\t1234.50\t8.00\n"
		short  = header + row + "\t12\n"
	)
	tests := []struct {
		name, file string
		rows       int
		bad        []string
	}{
		{"cut", whole + row + "\t12", 1, []string{"report: line 3: expected 5 cells, but the file breaks off after 4; download it again, or end its last line if nothing is missing"}},
		{"cut in the only row", header + row + "\t12", 0, []string{"report: line 2: expected 5 cells, but the file breaks off after 4; download it again, or end its last line if nothing is missing"}},
		{"cut shorter than the shortest", whole + row + "\t12\n" + row, 2, []string{"report: line 4: expected 4 cells, but the file breaks off after 3; download it again, or end its last line if nothing is missing"}},
		{"whole, without a line end", whole + row + "\t12\t", 2, nil},
		{"short, with a line end", whole + row + "\t12\n", 2, nil},
		{"short as another", whole + row + "\t12\n" + row + "\t12", 3, nil},
		{"short as all", short + row + "\t12", 2, nil},
		{"longer than all", short + row + "\t12\t", 2, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := take(opener(reportparse.Orders), strings.NewReader(tc.file))
			require.NoError(t, err)
			assert.Len(t, got.Rows, tc.rows)
			assert.Equal(t, tc.bad, got.Bad)
			r, err := reportparse.Orders(strings.NewReader(tc.file), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, len(tc.bad), breaksOff(r.All()))
		})
	}
}

// breaksOff counts the rows within which a file ends.
func breaksOff[T any](all iter.Seq2[T, error]) (n int) {
	for _, err := range all {
		var bad *reportparse.RowError
		if errors.As(err, &bad) && bad.BreaksOff {
			n++
		}
	}
	return n
}

// Every kind of flat file tells that it breaks off, also in its only row.
func TestCutInTheOnlyRow(t *testing.T) {
	for name, file := range map[string]struct {
		open func(io.Reader) (int, error)
		text string
	}{
		"returns": {cutRows(reportparse.Returns), "Order ID\tReturn request status\tReturn quantity\tMerchant SKU\tResolution\n" +
			"701-0000001-0000001\tApproved\t12\tTEA"},
		"Prime returns": {cutRows(reportparse.Returns), "Order ID,Return request status,Return quantity,Merchant SKU,Label cost\n" +
			"701-0000001-0000001,Approved,12,TEA"},
		"orders": {cutRows(reportparse.Orders), "order-id\torder-item-id\tsku\tis-buyer-requested-cancellation\n" +
			"701-0000001-0000001\t12345678901234\tTEA"},
		"all orders": {cutRows(reportparse.AllOrders), "amazon-order-id\torder-status\tsku\tquantity\n" +
			"701-0000001-0000001\tShipped\tTEA"},
		"FBA returns": {cutRows(reportparse.FBAReturns), "return-date\torder-id\tsku\tquantity\tdetailed-disposition\n" +
			"2026-06-01T10:11:12+00:00\t701-0000001-0000001\tTEA\t1"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := file.open(strings.NewReader(file.text))
			assert.Zero(t, rows)
			assert.ErrorContains(t, err, "the file breaks off after")
			rows, err = file.open(strings.NewReader(file.text + "\n"))
			assert.Equal(t, 1, rows, "cells that it lacks are blank")
			assert.NoError(t, err)
		})
	}
}

// cutRows counts the good rows of a file, and gives the error of its last bad one.
func cutRows[T any](open func(io.Reader, reportparse.Options) (*reportparse.Reader[T], error)) func(io.Reader) (int, error) {
	return func(in io.Reader) (rows int, last error) {
		r, err := open(in, reportparse.Options{})
		if err != nil {
			return 0, err
		}
		for _, err := range r.All() {
			if err != nil {
				last = err
				continue
			}
			rows++
		}
		return rows, last
	}
}

// An amount that is there twice, and not alike, is neither of the two.
func TestAmountThatIsThereTwice(t *testing.T) {
	const columns = "order-id\torder-item-id\tpurchase-date\titem-price\tsku\titem-price\tsku\n701-0000001-0000001\t12345678901234\t\t"
	for cells, bad := range map[string][]string{
		"5.00\tTEA\t5.00\tPOT\n": nil,
		"5.00\tTEA\t\tPOT\n":     nil,
		"5.00\tTEA\t6.00\tPOT\n": {`report: line 2: item-price (2) is "6.00", expected the same as in the first item-price of the row, "5.00"`},
		"\tTEA\t6.00\tPOT\n":     {`report: line 2: item-price (2) is "6.00", expected the same as in the first item-price of the row, ""`},
	} {
		got, err := take(opener(reportparse.Orders), strings.NewReader(columns+cells))
		require.NoError(t, err)
		assert.Equal(t, bad, got.Bad, cells)
		assert.Len(t, got.Rows, 1-len(bad), cells)
	}
}
