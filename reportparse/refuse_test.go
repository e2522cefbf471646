package reportparse_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

const translate = "; if they have other names there, Options.Aliases can translate them"

const give = "; give the seller-fulfilled returns report, GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE or GET_XML_RETURNS_DATA_BY_RETURN_DATE: wrong report"

func TestReturnsWrongReport(t *testing.T) {
	fba, err := os.ReadFile("testdata/fba.txt")
	require.NoError(t, err)
	tests := []struct {
		name, file, want string
	}{
		{"FBA returns", string(fba), "the column detailed-disposition shows an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself"},
		{"FBA returns with our columns", strings.Replace(flat(), "Label type", "license-plate-number", 1), "the column license-plate-number shows an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself"},
		{"settlement", "settlement-id\tsettlement-start-date\ttotal-amount\torder-id\tsku\n", "the column settlement-id shows a settlement report"},
		{"all orders", "amazon-order-id\tpurchase-date\tsku\tasin\n", "the column amazon-order-id shows an all-orders report"},
		{"orders", "order-id\torder-item-id\tpurchase-date\tsku\n", "the column purchase-date shows an order report"},
		{"orders, few columns", "order-id\torder-item-id\tbuyer-name\tsku\tis-buyer-requested-cancellation\n", "the column buyer-name shows an order report"},
		{"order XML", "<AmazonEnvelope><Header/><MessageType>OrderReport</MessageType><Message/></AmazonEnvelope>", `the file is XML with the MessageType "OrderReport": an order report`},
		{"XML without type", "<AmazonEnvelope><Header/><Message/></AmazonEnvelope>", "the file is an AmazonEnvelope without a MessageType"},
		{"other XML", `<?xml version="1.0"?><ProcessingReport/>`, "the file is XML with the root element ProcessingReport"},
		{"HTML", "\n<!DOCTYPE HTML><html></html>", "the file is an HTML page, as servers give instead of a report"},
		{"HTML without type", "<html lang=en>", "the file is an HTML page, as servers give instead of a report"},
		{"JSON", ` {"errors": []}`, "the file is JSON, as Amazon answers instead of a report"},
		{"JSON list", "[]", "the file is JSON, as Amazon answers instead of a report"},
		{"PDF", "%PDF-1.7", "the file is a PDF"},
		{"ZIP", "PK\x03\x04\x14", "the file is a ZIP archive or a spreadsheet"},
		{"binary", "\x00\x01\x02\x03tail", "the file is binary"},
		{"gzip twice", string(gzipped(t, gzipped(t, []byte("Order ID")))), "the file is gzip within gzip"},
		{"CSV", "name,address\n", "the file is separated by commas, not by TABs"},
		{"CSV of a spreadsheet", "Order ID;Return request status\n", "the column Return request status shows a seller-fulfilled returns report, but the file is separated by semicolons, not by TABs"},
		{"settlement CSV", "settlement-id,total-amount\n", "the column settlement-id shows a settlement report, but the file is separated by commas, not by TABs"},
		{"prose", "Dear seller\n", "the file starts with neither XML nor a header of columns separated by TABs"},
		{"no header", "701-0000001-0000001\tJane Doe\t1\n", "the first line has 3 cells of data instead of column names"},
		{"no quantity", "Order ID\tReturn request status\tMerchant SKU\n", `columns are missing: Return quantity; the header has "Order ID", "Return request status", "Merchant SKU"` + translate},
		{"no item", "Order ID\tReturn request status\tReturn quantity\n", `columns are missing: Merchant SKU or ASIN or Order Item ID; the header has "Order ID", "Return request status", "Return quantity"` + translate},
		{"foreign language", "Bestellnummer\t" + strings.Repeat("x", 61) + "\n", `columns are missing: Order ID, Return request status, Return quantity, Merchant SKU or ASIN or Order Item ID; the header has "Bestellnummer", "` + strings.Repeat("x", 60) + `…"` + translate},
		{"many columns", "A" + strings.Repeat("\tA", 51), `columns are missing: Order ID, Return request status, Return quantity, Merchant SKU or ASIN or Order Item ID; the header has "A"` + strings.Repeat(`, "A"`, 49) + " and 2 more" + translate},
		{"endless line", strings.Repeat("x", 1<<20+1), "line 1 is longer than 1048576 bytes and no header"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := reportparse.Returns(strings.NewReader(tc.file), reportparse.Options{Name: "r.txt"})
			require.ErrorIs(t, err, reportparse.ErrWrongReport)
			assert.Equal(t, "r.txt: "+tc.want+give, err.Error())
		})
	}
}

func TestReturnsEmpty(t *testing.T) {
	for name, file := range map[string]string{
		"no bytes":     "",
		"mark only":    "\xEF\xBB\xBF",
		"white space":  " \r\n\t\n",
		"packed":       string(gzipped(t, nil)),
		"long nothing": strings.Repeat("\n", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
			require.ErrorIs(t, err, reportparse.ErrEmpty)
			assert.EqualError(t, err, "report: the file is empty")
		})
	}
}

func TestReturnsWithoutRows(t *testing.T) {
	for name, file := range map[string]string{"flat": flat(), "XML": envelope("")} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
			require.NoError(t, err)
			assert.Empty(t, got.Rows)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
		})
	}
}

// A file of the right MessageType whose Message holds something else has not no
// rows: they were not found.
func TestXMLOfOtherElements(t *testing.T) {
	t.Run("returns", func(t *testing.T) {
		file := envelope("<Returns>" + details("") + "</Returns>")
		got, err := readAll(t, strings.NewReader(file), reportparse.Options{Name: "r.xml"})
		require.NoError(t, err)
		assert.Empty(t, got.Rows)
		assert.Equal(t, "r.xml: Message has the element Returns and no return_details; give the seller-fulfilled returns report, GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE or GET_XML_RETURNS_DATA_BY_RETURN_DATE: wrong report", got.End)
	})
	t.Run("settlement", func(t *testing.T) {
		file := strings.ReplaceAll(settlementEnvelope("<SettlementData><AmazonSettlementID>7</AmazonSettlementID></SettlementData>"), "<SettlementReport>", "<MessageID>1</MessageID><Settlement>")
		file = strings.ReplaceAll(file, "</SettlementReport>", "</Settlement>")
		got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{Name: "s.xml"})
		require.NoError(t, err)
		assert.Empty(t, got.Totals)
		assert.Equal(t, "s.xml: Message has the element Settlement and no SettlementReport; give a settlement report, GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2 or one of the older two: wrong report", got.End)
	})
	t.Run("besides records", func(t *testing.T) {
		got, err := readAll(t, strings.NewReader(envelope("<Note>x</Note>"+details(""))), reportparse.Options{})
		require.NoError(t, err)
		assert.Len(t, got.Rows, 1)
		assert.Empty(t, got.End)
	})
}

// A file that cannot be read to its end gives what is before, one error, and
// that error again.
func TestReturnsBroken(t *testing.T) {
	lost := errors.New("connection lost")
	row := map[string]string{}
	xml := envelope(details("") + "\n" + details(""))
	packed := string(gzipped(t, []byte(flat(row, row))))
	tests := []struct {
		name string
		file io.Reader
		rows int
		want string
		is   error
	}{
		{"flat, lost in a line", io.MultiReader(strings.NewReader(flat(row)+"701-0000001-0000001\tAppr"), iotest.ErrReader(lost)), 1, "r.txt: line 3: connection lost", lost},
		{"gzip, cut off", strings.NewReader(packed[:len(packed)-9]), 2, "r.txt: line 4: the file is damaged gzip; download it again: unexpected EOF", io.ErrUnexpectedEOF},
		{"gzip, damaged", strings.NewReader(packed[:len(packed)-8] + "\x00" + packed[len(packed)-7:]), 2, "r.txt: line 4: the file is damaged gzip; download it again: gzip: invalid checksum", gzip.ErrChecksum},
		{"XML, lost", io.MultiReader(strings.NewReader(xml[:len(xml)-40]), iotest.ErrReader(lost)), 1, "r.txt: line 3: connection lost", lost},
		{"XML, cut off in a record", strings.NewReader(xml[:len(xml)-60]), 1, "r.txt: line 3: the file ends before its XML does; download it again: unexpected EOF", io.ErrUnexpectedEOF},
		{"XML, cut off behind a record", strings.NewReader(strings.TrimSuffix(xml, "</Message></AmazonEnvelope>")), 2, "r.txt: line 4: the file ends before its XML does; download it again: unexpected EOF", io.ErrUnexpectedEOF},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r, err := reportparse.Returns(tc.file, reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			rows := 0
			var ret reportparse.Return
			for err = r.Next(&ret); err == nil; err = r.Next(&ret) {
				rows++
			}
			assert.Equal(t, tc.rows, rows)
			require.EqualError(t, err, tc.want)
			assert.ErrorIs(t, err, tc.is)
			assert.Equal(t, err, r.Next(&ret), "the error stays")
		})
	}
}

func TestReturnsDamagedXML(t *testing.T) {
	tests := []struct {
		name, file, want string
		rows             int
	}{
		{"wrong end", envelope(details("") + "\n<return_details></item>"), "r.txt: line 3: the XML is damaged (element <return_details> closed by </item>); download it again", 1},
		{"second report", envelope(details("")) + "\n" + envelope(details("")), "r.txt: line 4: expected the end of the file after AmazonEnvelope, found the element AmazonEnvelope; give one report at a time", 1},
		{"deep", envelope(strings.Repeat("<a>", 40)), "r.txt: line 2: elements are nested deeper than 32; the file is damaged or no report", 0},
		{"deep in a record", envelope("<return_details>" + strings.Repeat("<a>", 40)), "r.txt: line 2: elements are nested deeper than 32; the file is damaged or no report", 0},
		{"many elements", envelope("<return_details>" + manyElements(1001)), "r.txt: line 2: more than 1000 different elements; the file is damaged or no report", 0},
		{"long element", envelope("<return_details><asin>" + strings.Repeat("x", 2<<20)), "r.txt: line 2: an element is longer than 1048576 bytes; the file is damaged or no report", 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(tc.file), reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			assert.Equal(t, tc.want, got.End)
			assert.Len(t, got.Rows, tc.rows)
		})
	}
}

func manyElements(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<e%d/>", i)
	}
	return b.String()
}

func TestReturnsUnopened(t *testing.T) {
	lost := errors.New("connection lost")
	tests := []struct {
		name string
		file io.Reader
		want string
	}{
		{"nothing came", iotest.ErrReader(lost), "r.txt: connection lost"},
		{"lost in the header", io.MultiReader(strings.NewReader("Order ID\tRet"), iotest.ErrReader(lost)), "r.txt: header: connection lost"},
		{"lost once in the header", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(flat()))), "r.txt: header: timeout"},
		{"XML cut off", strings.NewReader("<AmazonEnvelope><Hea"), "r.txt: line 1: the file ends before its XML does; download it again: unexpected EOF"},
		{"gzip damaged", strings.NewReader("\x1F\x8B\x00"), "r.txt: the file is damaged gzip; download it again: unexpected EOF"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := reportparse.Returns(tc.file, reportparse.Options{Name: "r.txt"})
			require.EqualError(t, err, tc.want)
			assert.NotErrorIs(t, err, reportparse.ErrWrongReport)
			assert.NotErrorIs(t, err, reportparse.ErrEmpty)
		})
	}
}

// Without the column that proves where a TAB strayed, a row is not guessed at.
func TestReturnsStrayTabUnproven(t *testing.T) {
	tests := []struct{ name, header, row string }{
		{"no payer", "Return carrier\tTracking ID", "FedEx\t\tX1"},
		{"payer elsewhere", "Label to be paid by\tReturn carrier\tTracking ID", "Seller\tFedEx\t\tX1"},
		{"payer unknown", "Return carrier\tTracking ID\tLabel to be paid by", "FedEx\t\tX1\tNobody"},
		{"two ways", "Return carrier\tTracking ID\tLabel to be paid by\tReturn Reason", "FedEx\t\t\tSeller\t"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := "Order ID\tReturn request status\tReturn quantity\tASIN\t" + tc.header + "\n701-0000001-0000001\tApproved\t1\tB0EXAMPLE1\t" + tc.row + "\n"
			got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
			require.NoError(t, err)
			assert.Empty(t, got.Rows)
			assert.Len(t, got.Bad, 1)
		})
	}
}

// A line without end costs one row, and no memory.
func TestReturnsLongLine(t *testing.T) {
	file := strings.Replace(flat(map[string]string{"Item Name": "@"}, map[string]string{"Item Name": "Tea"}), "@", strings.Repeat("x", 3<<20), 1)
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{Name: "r.txt"})
	require.NoError(t, err)
	assert.Equal(t, []string{"r.txt: line 2: expected a line of at most 1048576 bytes"}, got.Bad)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, "Tea", got.Rows[0].ItemName)
}

func TestHas(t *testing.T) {
	r, err := reportparse.Returns(strings.NewReader("Order ID\tReturn request status\tReturn quantity\tASIN\tVAT\tTracking ID\n"), reportparse.Options{})
	require.NoError(t, err)
	for column, want := range map[string]bool{
		"Tracking ID": true, "tracking id": true, "TRACKING_ID": true, "VAT": true, "vat": true,
		"Return carrier": false, "Refunded Amount": false, "Color": false, "": false,
	} {
		assert.Equal(t, want, r.Has(column), column)
	}
}

// XML tells of an element only where it stands.
func TestHasInXML(t *testing.T) {
	r, err := reportparse.Returns(strings.NewReader(envelope(details("")+details("<resolution> </resolution>"))), reportparse.Options{})
	require.NoError(t, err)
	var ret reportparse.Return
	require.NoError(t, r.Next(&ret))
	assert.True(t, r.Has("Order ID"))
	assert.False(t, r.Has("Resolution"))
	require.NoError(t, r.Next(&ret))
	assert.True(t, r.Has("Resolution"))
}

func TestAliases(t *testing.T) {
	file := "Bestellnummer\tStatus der Rücksendung\tMenge\tSKU\tN/A\tN/A\n302-0000001-0000001\tApproved\t2\tTASSE\ta\tb\n"
	aliases := map[string]string{"bestell-nummer": "Order ID", "Status der Rucksendung": "return request status", "Menge": "Return quantity", "SKU": "Merchant SKU"}
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{Aliases: aliases})
	require.NoError(t, err)
	assert.Equal(t, []reportparse.Return{{
		Line: 2, OrderID: "302-0000001-0000001", Status: "Approved", Quantity: 2, SKU: "TASSE",
		Extra: map[string]string{"N/A": "a", "N/A (2)": "b"},
	}}, got.Rows)
	assert.Equal(t, []string{"Order ID", "Return request status", "Return quantity", "Merchant SKU"}, got.Columns)

	_, err = reportparse.Returns(strings.NewReader(file), reportparse.Options{Name: "r.txt", Aliases: map[string]string{"Menge": "Quantity"}})
	require.ErrorContains(t, err, `r.txt: alias "Menge" for "Quantity": expected one of the columns Order ID, Order date,`)
}

// Which of two meanings counts must not depend on the order of a map.
func TestAliasesInDoubt(t *testing.T) {
	for range 20 {
		_, err := reportparse.Returns(strings.NewReader(flat(nil)), reportparse.Options{Name: "r.txt", Aliases: map[string]string{"Num\u00e9ro": "Order ID", "NUMERO": "Amazon RMA ID"}})
		require.EqualError(t, err, "r.txt: aliases \"NUMERO\" and \"Num\u00e9ro\": expected one column for both, since case, accents and punctuation do not count, and not Amazon RMA ID and Order ID")
	}
	_, err := reportparse.Returns(strings.NewReader(flat(nil)), reportparse.Options{Aliases: map[string]string{"Num\u00e9ro": "Order ID", "NUMERO": "order-id"}})
	require.NoError(t, err)
}

// Every column has a name of its own, whatever the others are called.
func TestUnknownColumnsAlike(t *testing.T) {
	file := "Order ID\tReturn request status\tReturn quantity\tASIN\tN/A\tN/A (2)\tN/A\tn.a.\n701-0000001-0000001\tApproved\t1\tB0EXAMPLE1\ta\tb\tc\td\n"
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, map[string]string{"N/A": "a", "N/A (2)": "b", "N/A (3)": "c", "n.a. (4)": "d"}, got.Rows[0].Extra)
	assert.Len(t, got.Unknown, 4)
}

// All may be left and taken up again.
func TestAllGoesOn(t *testing.T) {
	r, err := reportparse.Returns(strings.NewReader(flat(nil, nil, nil)), reportparse.Options{})
	require.NoError(t, err)
	var lines []int
	for range 2 {
		for row, err := range r.All() {
			require.NoError(t, err)
			lines = append(lines, row.Line)
			break
		}
	}
	assert.Equal(t, []int{2, 3}, lines)
}
