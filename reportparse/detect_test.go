package reportparse_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"

	"github.com/takebackhq/takeback/reportparse"
)

// kinds are the reports in testdata/kinds, one of each type and format.
var kinds = map[string]reportparse.Detection{
	"returns.txt": {
		Type: reportparse.TypeReturns, Format: reportparse.FormatTab,
		Reports: []string{"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"},
		Saw:     "the column Return request date shows a seller-fulfilled returns report",
	},
	"returns.xml": {
		Type: reportparse.TypeReturns, Format: reportparse.FormatXML,
		Reports: []string{"GET_XML_RETURNS_DATA_BY_RETURN_DATE"},
		Saw:     `the file is XML with the MessageType "Returns-Report": a seller-fulfilled returns report`,
	},
	"prime-returns.csv": {
		Type: reportparse.TypePrimeReturns, Format: reportparse.FormatComma,
		Reports: []string{"GET_CSV_MFN_PRIME_RETURNS_REPORT"},
		Saw:     "the column Return request date shows a seller-fulfilled Prime returns report",
	},
	"prime-returns.xml": {
		Type: reportparse.TypePrimeReturns, Format: reportparse.FormatXML,
		Reports: []string{"GET_XML_MFN_PRIME_RETURNS_REPORT"},
		Saw:     `the file is XML with the MessageType "Prime-Returns-Report": a seller-fulfilled Prime returns report`,
	},
	"unshipped-orders.txt": {
		Type: reportparse.TypeUnshippedOrders, Format: reportparse.FormatTab,
		Reports: []string{"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING"},
		Saw:     "the column reporting-date shows an unshipped-orders report",
	},
	"orders.txt": {
		Type: reportparse.TypeOrders, Format: reportparse.FormatTab,
		Reports: []string{"GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", "GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING", "GET_FLAT_FILE_ORDER_REPORT_DATA_TAX"},
		Saw:     "the column purchase-date shows an order report",
	},
	"orders.xml": {
		Type: reportparse.TypeOrders, Format: reportparse.FormatXML,
		Reports: []string{"GET_ORDER_REPORT_DATA_SHIPPING", "GET_ORDER_REPORT_DATA_INVOICING", "GET_ORDER_REPORT_DATA_TAX"},
		Saw:     `the file is XML with the MessageType "OrderReport": an order report`,
	},
	"all-orders.txt": {
		Type: reportparse.TypeAllOrders, Format: reportparse.FormatTab,
		Reports: []string{"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL", "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"},
		Saw:     "the column amazon-order-id shows an all-orders report",
	},
	"all-orders.xml": {
		Type: reportparse.TypeAllOrders, Format: reportparse.FormatXML,
		Reports: []string{"GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL", "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"},
		Saw:     `the file is XML with the MessageType "AllOrdersReport": an all-orders report`,
	},
	"settlement.txt": {
		Type: reportparse.TypeSettlement, Format: reportparse.FormatTab,
		Reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
		Saw:     "the column settlement-id shows a settlement report",
	},
	"settlement-v1.txt": {
		Type: reportparse.TypeSettlementV1, Format: reportparse.FormatTab,
		Reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE"},
		Saw:     "the column price-amount shows a settlement report of the older kind (V1)",
	},
	"settlement-xml.xml": {
		Type: reportparse.TypeSettlementXML, Format: reportparse.FormatXML,
		Reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_XML"},
		Saw:     `the file is XML with the MessageType "SettlementReport": a settlement report of the older kind (XML)`,
	},
	"fba-returns.txt": {
		Type: reportparse.TypeFBAReturns, Format: reportparse.FormatTab,
		Reports: []string{"GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"},
		Saw:     "the column detailed-disposition shows an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself",
	},
}

func readKind(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "kinds", name))
	require.NoError(t, err)
	return b
}

// Each report is known in every packing, and all of it can still be read.
func TestDetect(t *testing.T) {
	utf16 := func(e unicode.Endianness, b []byte) []byte {
		out, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().Bytes(b)
		require.NoError(t, err)
		return out
	}
	for name, want := range kinds {
		want.Confidence = reportparse.ConfidenceHigh
		plain := readKind(t, name)
		for form, file := range map[string][]byte{
			"plain":           plain,
			"packed":          gzipped(t, plain),
			"byte order mark": append([]byte("\xEF\xBB\xBF"), plain...),
			"UTF-16LE":        utf16(unicode.LittleEndian, plain),
			"UTF-16BE packed": gzipped(t, utf16(unicode.BigEndian, plain)),
			"blank lines":     append([]byte("\r\n \r\n\r\n"), plain...),
			"CRLF":            bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")),
			"CR":              bytes.ReplaceAll(plain, []byte("\n"), []byte("\r")),
			"long":            append(bytes.Clone(plain), bytes.Repeat([]byte("701-0000001-0000001\n"), 20_000)...),
		} {
			t.Run(name+", "+form, func(t *testing.T) {
				got, rest, err := reportparse.Detect(iotest.HalfReader(bytes.NewReader(file)), reportparse.Options{})
				require.NoError(t, err)
				assert.Empty(t, cmp.Diff(want, got))
				again, err := io.ReadAll(rest)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(file, again), "the whole file can be read again")
			})
		}
	}
}

func TestDetectHeaderOnly(t *testing.T) {
	for name, want := range kinds {
		t.Run(name, func(t *testing.T) {
			header, _, _ := bytes.Cut(readKind(t, name), []byte("<return_details>"))
			header, _, _ = bytes.Cut(header, []byte("<Order"))
			header, _, _ = bytes.Cut(header, []byte("<SettlementReport"))
			header, _, _ = bytes.Cut(header, []byte("\n701-"))
			header, _, _ = bytes.Cut(header, []byte("\n90000000001"))
			header, _, _ = bytes.Cut(header, []byte("\n2026"))
			got, _, err := reportparse.Detect(bytes.NewReader(header), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, want.Type, got.Type)
			assert.Equal(t, reportparse.ConfidenceHigh, got.Confidence)
		})
	}
}

func TestDetectUnsure(t *testing.T) {
	const xml = "<AmazonEnvelope><Header/>%<Message><MessageID>1</MessageID>#"
	tests := []struct {
		name, file string
		want       reportparse.Detection
	}{
		{"columns missing", "settlement-id\ttotal-amount\n", reportparse.Detection{
			Type: reportparse.TypeSettlement, Format: reportparse.FormatTab, Confidence: reportparse.ConfidenceLow,
			Reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
			Saw:     "the column settlement-id shows a settlement report",
		}},
		{"FBA whatever else", "Order ID\tReturn request status\tReturn quantity\tASIN\tlicense-plate-number\n", reportparse.Detection{
			Type: reportparse.TypeFBAReturns, Format: reportparse.FormatTab, Confidence: reportparse.ConfidenceLow,
			Reports: []string{"GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"},
			Saw:     "the column license-plate-number shows an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself",
		}},
		{"element without type", strings.NewReplacer("%", "", "#", "<return_details/>").Replace(xml), reportparse.Detection{
			Type: reportparse.TypeReturns, Format: reportparse.FormatXML, Confidence: reportparse.ConfidenceLow,
			Reports: []string{"GET_XML_MFN_PRIME_RETURNS_REPORT", "GET_XML_RETURNS_DATA_BY_RETURN_DATE"},
			Saw:     "the file is an AmazonEnvelope without a MessageType: a seller-fulfilled returns report",
		}},
		{"element of another type", strings.NewReplacer("%", "<MessageType>Order</MessageType>", "#", "<Order/>").Replace(xml), reportparse.Detection{
			Type: reportparse.TypeAllOrders, Format: reportparse.FormatXML, Confidence: reportparse.ConfidenceLow,
			Reports: []string{"GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL", "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"},
			Saw:     `the file is XML with the MessageType "Order": an all-orders report`,
		}},
		{"settlement CSV", `"settlement-id","transaction-type","amount"`, reportparse.Detection{
			Format:  reportparse.FormatComma,
			Reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
			Saw:     "the column settlement-id shows a settlement report, but the file is separated by commas, not by TABs",
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, _, err := reportparse.Detect(strings.NewReader(tc.file), reportparse.Options{})
			require.NoError(t, err)
			assert.Empty(t, cmp.Diff(tc.want, got))
		})
	}
}

// A report without rows may have nothing but its MessageType.
func TestDetectXMLWithoutRows(t *testing.T) {
	for messageType, want := range map[string]reportparse.Type{
		"Returns-Report": reportparse.TypeReturns, "PrimeReturns": reportparse.TypePrimeReturns, "OrderReport": reportparse.TypeOrders,
		"AllOrdersReport": reportparse.TypeAllOrders, "SettlementReport": reportparse.TypeSettlementXML,
	} {
		file := "<AmazonEnvelope><Header/><MessageType>" + messageType + "</MessageType><Message/></AmazonEnvelope>"
		got, _, err := reportparse.Detect(strings.NewReader(file), reportparse.Options{})
		require.NoError(t, err)
		assert.Equal(t, want, got.Type)
		assert.Equal(t, reportparse.ConfidenceHigh, got.Confidence)
	}
	got, err := readAll(t, strings.NewReader("<AmazonEnvelope><MessageType>PrimeReturns</MessageType><Message/></AmazonEnvelope>"), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got)
}

// What is not known is no error, and shows no data.
func TestDetectUnknown(t *testing.T) {
	tests := []struct {
		name, file string
		format     reportparse.Format
		saw        string
	}{
		{"other columns", "item-name\tlisting-id\tseller-sku\n", reportparse.FormatTab, `the header has "item-name", "listing-id", "seller-sku"`},
		{"FBA inventory", "sku\tfnsku\tquantity\n", reportparse.FormatTab, "the column fnsku shows a report about Amazon-fulfilled (FBA) goods"},
		{"data", "701-0000001-0000001\tJane Doe\t1\n", reportparse.FormatTab, "the first line has 3 cells of data instead of column names"},
		{"commas", "name,address\n", reportparse.FormatComma, "the file is separated by commas, not by TABs"},
		{"semicolons in names", "name;address, street\tx;\n", reportparse.FormatTab, `the header has "name;address, street", "x;"`},
		{"semicolons only", "name;address, street;town\n", "", "the file is separated by semicolons, not by TABs"},
		{"prose", "Dear seller", "", "the file starts with neither XML nor a header of columns separated by TABs"},
		{"endless", strings.Repeat("x", 1<<20), "", "the file starts with neither XML nor a header of columns separated by TABs"},
		{"processing report", "<AmazonEnvelope><MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID><ProcessingReport/>", reportparse.FormatXML, `the file is XML with the MessageType "ProcessingReport"`},
		{"envelope", "<AmazonEnvelope><Header/><Message/></AmazonEnvelope>", reportparse.FormatXML, "the file is an AmazonEnvelope without a MessageType"},
		{"other XML", `<?xml version="1.0"?><EasyShipProcessingReport/>`, reportparse.FormatXML, "the file is XML with the root element EasyShipProcessingReport"},
		{"rich text", `{\rtf1\ansi Order ID}`, "", "the file is rich text of a word processor"},
		{"quoted", "\"order-id\"\t\"order-item-id\"\t\"purchase-date\"\n", reportparse.FormatTab, "the header has its columns in quotation marks, as spreadsheets save them and Amazon does not; give the file as it was downloaded"},
		{"DOCTYPE", "<!DOCTYPE AmazonEnvelope><AmazonEnvelope/>", reportparse.FormatXML, "the file is XML with a DOCTYPE, which no report has"},
		{"broken XML", "<<<", reportparse.FormatXML, "the file is XML that breaks off"},
		{"HTML", "<!DOCTYPE html>", "", "the file is an HTML page, as servers give instead of a report"},
		{"JSON", `{"errors":[]}`, "", "the file is JSON, as Amazon answers instead of a report"},
		{"PDF", "%PDF-1.7", "", "the file is a PDF"},
		{"ZIP", "PK\x03\x04\x14", "", "the file is a ZIP archive or a spreadsheet"},
		{"binary", "\x00\x01\x02\x03tail", "", "the file is binary"},
		{"gzip twice", string(gzipped(t, gzipped(t, []byte("Order ID")))), "", "the file is gzip within gzip"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, rest, err := reportparse.Detect(strings.NewReader(tc.file), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, reportparse.Detection{Format: tc.format, Saw: tc.saw}, got)
			again, err := io.ReadAll(rest)
			require.NoError(t, err)
			assert.True(t, tc.file == string(again))
		})
	}
}

func TestDetectErrors(t *testing.T) {
	lost := errors.New("connection lost")
	tests := []struct {
		name string
		file io.Reader
		o    reportparse.Options
		want string
	}{
		{"empty", strings.NewReader(""), reportparse.Options{}, "report: the file is empty"},
		{"blank", strings.NewReader(" \r\n\t\n"), reportparse.Options{Name: "r.txt"}, "r.txt: the file is empty"},
		{"lost", iotest.ErrReader(lost), reportparse.Options{}, "report: connection lost"},
		{"damaged gzip", strings.NewReader("\x1F\x8B\x00"), reportparse.Options{}, "report: the file is damaged gzip; download it again: unexpected EOF"},
		{"charset", strings.NewReader("x"), reportparse.Options{Charset: "klingon"}, `report: charset "klingon": expected one of`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := reportparse.Detect(tc.file, tc.o)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// A file that is lost behind its header is known, and lost again when it is read.
func TestDetectLost(t *testing.T) {
	file := "settlement-id\ttransaction-type\tamount\n1\tOrd"
	got, rest, err := reportparse.Detect(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(file))), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Type, "one byte came")
	_, err = io.ReadAll(rest)
	require.ErrorIs(t, err, iotest.ErrTimeout)

	lost := errors.New("connection lost")
	got, rest, err = reportparse.Detect(io.MultiReader(strings.NewReader(file), iotest.ErrReader(lost)), reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, reportparse.TypeSettlement, got.Type)
	again, err := io.ReadAll(rest)
	require.ErrorIs(t, err, lost)
	assert.Equal(t, file, string(again))
}

// However large the file, Detect takes up little of it.
func TestDetectTakesLittle(t *testing.T) {
	file := &counting{r: io.LimitReader(repeating("Order ID\tReturn request status\tReturn quantity\tASIN\n"), 1<<30)}
	got, _, err := reportparse.Detect(file, reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, reportparse.TypeReturns, got.Type)
	assert.Less(t, file.n, 1<<18)
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// repeating gives a text again and again.
type repeating string

func (r repeating) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

func TestDetectAliases(t *testing.T) {
	file := "Bestellnummer\tStatus\tMenge\tSKU\n"
	aliases := map[string]string{"bestell-nummer": "Order ID", "Status": "Return request status", "Menge": "Return quantity", "SKU": "Merchant SKU"}
	got, _, err := reportparse.Detect(strings.NewReader(file), reportparse.Options{Aliases: aliases})
	require.NoError(t, err)
	assert.Equal(t, reportparse.TypeReturns, got.Type)
	assert.Equal(t, reportparse.ConfidenceHigh, got.Confidence)
	assert.Equal(t, "the column Status shows a seller-fulfilled returns report", got.Saw)
}

// A reader given another type refuses it, and says what it is.
func TestWrongType(t *testing.T) {
	readers := []struct {
		name  string
		types []reportparse.Type
		open  func(io.Reader) (opened, error)
	}{
		{"Returns", []reportparse.Type{reportparse.TypeReturns, reportparse.TypePrimeReturns}, opens(reportparse.Returns)},
		{"FBAReturns", []reportparse.Type{reportparse.TypeFBAReturns}, opens(reportparse.FBAReturns)},
		{"Orders", []reportparse.Type{reportparse.TypeUnshippedOrders, reportparse.TypeOrders}, opens(reportparse.Orders)},
		{"Settlement", []reportparse.Type{reportparse.TypeSettlement, reportparse.TypeSettlementV1, reportparse.TypeSettlementXML}, func(r io.Reader) (opened, error) {
			return reportparse.Settlement(r, reportparse.Options{Name: "r"})
		}},
		{"AllOrders", []reportparse.Type{reportparse.TypeAllOrders}, opens(reportparse.AllOrders)},
	}
	for _, reader := range readers {
		for name, kind := range kinds {
			t.Run(reader.name+" of "+name, func(t *testing.T) {
				r, err := reader.open(bytes.NewReader(readKind(t, name)))
				want := wanted{}
				for _, typ := range reader.types {
					want[typ] = true
				}
				assert.Equal(t, want.outcome(kind), outcome(r, err))
			})
		}
	}
}

// Only Prime returns are separated by commas.
func TestWrongSeparator(t *testing.T) {
	for separator, name := range map[string]string{",": "commas", ";": "semicolons"} {
		file := bytes.ReplaceAll(readKind(t, "settlement.txt"), []byte("\t"), []byte(separator))
		_, err := reportparse.Settlement(bytes.NewReader(file), reportparse.Options{})
		require.ErrorIs(t, err, reportparse.ErrWrongReport)
		require.ErrorContains(t, err, "the column settlement-id shows a settlement report, but the file is separated by "+name+", not by TABs")
	}
}

func TestSamplesDetected(t *testing.T) {
	for pattern, want := range map[string]reportparse.Type{
		"all_orders_*":        reportparse.TypeAllOrders,
		"fba_*":               reportparse.TypeFBAReturns,
		"order_report_*":      reportparse.TypeOrders,
		"returns_*":           reportparse.TypeReturns,
		"settlement_v1_*":     reportparse.TypeSettlementV1,
		"settlement_v2_*.txt": reportparse.TypeSettlement,
		"processing_*":        "",
		"http_*":              "",
		"encoding_*":          "",
	} {
		for _, name := range samples(t, pattern) {
			t.Run(filepath.Base(name), func(t *testing.T) {
				f, err := os.Open(name)
				require.NoError(t, err)
				defer f.Close()
				got, _, err := reportparse.Detect(f, reportparse.Options{})
				require.NoError(t, err)
				assert.Equal(t, want, got.Type, got.Saw)
			})
		}
	}
}

type opened interface{ Type() reportparse.Type }

func opens[T any](open func(io.Reader, reportparse.Options) (*reportparse.Reader[T], error)) func(io.Reader) (opened, error) {
	return func(r io.Reader) (opened, error) {
		return open(r, reportparse.Options{Name: "r"})
	}
}

// outcome is the type of a file that was opened, or what it is instead.
func outcome(r opened, err error) string {
	if errors.Is(err, reportparse.ErrWrongReport) {
		instead, _, _ := strings.Cut(err.Error(), "; give ")
		return instead
	}
	if err != nil {
		return err.Error()
	}
	return string(r.Type())
}

type wanted map[reportparse.Type]bool

func (w wanted) outcome(kind reportparse.Detection) string {
	if w[kind.Type] {
		return string(kind.Type)
	}
	return "r: " + kind.Saw
}

func TestParseType(t *testing.T) {
	for name, want := range map[string]reportparse.Type{
		"returns":          reportparse.TypeReturns,
		"Settlement V1":    reportparse.TypeSettlementV1,
		"unshipped_orders": reportparse.TypeUnshippedOrders,
		"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE":    reportparse.TypeReturns,
		"_GET_XML_MFN_PRIME_RETURNS_REPORT_":           reportparse.TypePrimeReturns,
		"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE":      reportparse.TypeSettlementV1,
		"get_v2_settlement_report_data_flat_file_v2":   reportparse.TypeSettlement,
		"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING": reportparse.TypeUnshippedOrders,
		"GET_ORDER_REPORT_DATA_TAX":                    reportparse.TypeOrders,
	} {
		got, err := reportparse.ParseType(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "return", "GET_MERCHANT_LISTINGS_ALL_DATA"} {
		_, err := reportparse.ParseType(name)
		require.ErrorContains(t, err, "expected one of fba-returns, settlement, settlement-v1, returns, prime-returns, all-orders, unshipped-orders, orders, settlement-xml, or Amazon's name of such a report", name)
	}
}
