package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

const returnsHead = "Order ID\tReturn request status\tReturn request date\tMerchant SKU\tItem Name\tReturn quantity\tRefunded Amount\tCurrency code\tShelf\n"

const someReturns = returnsHead +
	"111-1111111-1111111\tApproved\t03-Aug-2026\tSKU-1\tDesk lamp 12\" <white>\t1\t0.00\tUSD\tA 7\n" +
	"111-1111111-1111112\tApproved\t\tSKU-2\tA name that is a good deal longer than a table likes\tmany\t\tUSD\t\n" +
	"111-1111111-1111113\tPendingApproval\t\tSKU-3\tA name that is a good deal longer than a table likes\t2\t\t\t\n"

const settlementHead = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tamount-type\tamount-description\tamount\tposted-date-time\n"

// aSettlement is one whose rows add up to 8.50.
func aSettlement(id, total string) string {
	return id + "\t2026-07-01 00:00:00 UTC\t2026-07-15 00:00:00 UTC\t2026-07-17 00:00:00 UTC\t" + total + "\tUSD\n" +
		id + "\t\t\t\t\t\tOrder\t111-1111111-1111111\tItemPrice\tPrincipal\t10.00\t2026-07-03 10:11:12 UTC\n" +
		id + "\t\t\t\t\t\tOrder\t111-1111111-1111111\tItemFees\tCommission\t-1.50\t2026-07-03 10:11:12 UTC\n"
}

// play runs the program with a file on the standard input.
func play(stdin string, args ...string) (stdout, stderr string, status int) {
	var out, complaints bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &complaints)
	return out.String(), complaints.String(), status
}

func TestJSONLines(t *testing.T) {
	tests := []struct {
		name, file     string
		stdout, stderr string
	}{
		{
			"returns with a bad row", someReturns,
			`{"Line":2,"OrderID":"111-1111111-1111111","RequestDate":"2026-08-03T00:00:00Z","Status":"Approved","Currency":"USD","SKU":"SKU-1","ItemName":"Desk lamp 12\" <white>","Quantity":1,"RefundedAmount":"0.00","Extra":{"Shelf":"A 7"}}
{"Line":4,"OrderID":"111-1111111-1111113","Status":"PendingApproval","SKU":"SKU-3","ItemName":"A name that is a good deal longer than a table likes","Quantity":2}
{"file":"-","type":"returns","rows":2,"bad":1,"replaced_bytes":0,"columns_missing":["Order date","Amazon RMA ID","Merchant RMA ID","Label type","Label cost","Return carrier","Tracking ID","Label to be paid by","A-to-Z Claim","Is prime","ASIN","Return Reason","In policy","Return type","Resolution","Invoice number","Return delivery date","Order Amount","Order quantity","SafeT Action reason","SafeT claim id","SafeT claim state","SafeT claim creation time","SafeT claim reimbursement amount"],"columns_unknown":["Shelf"]}
`,
			"-: line 3: Return quantity is \"many\", expected a whole number from 1 on\n",
		},
		{
			"a settlement", settlementHead + aSettlement("11111111111", "8.50"),
			`{"Line":3,"Row":1,"SettlementID":"11111111111","Currency":"USD","TransactionType":"Order","OrderID":"111-1111111-1111111","AmountType":"ItemPrice","AmountDescription":"Principal","Amount":"10.00","PostedAt":"2026-07-03T10:11:12Z"}
{"Line":4,"Row":2,"SettlementID":"11111111111","Currency":"USD","TransactionType":"Order","OrderID":"111-1111111-1111111","AmountType":"ItemFees","AmountDescription":"Commission","Amount":"-1.50","PostedAt":"2026-07-03T10:11:12Z"}
{"file":"-","type":"settlement","rows":2,"bad":0,"replaced_bytes":0,"columns_missing":["merchant-order-id","adjustment-id","shipment-id","marketplace-name","fulfillment-id","posted-date","order-item-code","merchant-order-item-id","merchant-adjustment-item-id","sku","quantity-purchased","promotion-id"],"columns_unknown":[],"settlement":{"id":"11111111111","currency":"USD","total":"8.50","sum":"8.5","difference":"0"}}
`,
			"",
		},
		{
			"an address within an order",
			"order-id\torder-item-id\tpurchase-date\tsku\tquantity-purchased\tship-city\tdays-past-promise\n" +
				"111-1111111-1111111\t11111111111111\t2026-08-03T04:05:06+00:00\tSKU-1\t1\tMünchen\t-2\n",
			`{"Line":2,"OrderID":"111-1111111-1111111","PurchaseDate":"2026-08-03T04:05:06Z","DaysPastPromise":-2,"OrderItemID":"11111111111111","SKU":"SKU-1","Quantity":1,"ShipTo":{"City":"München"}}
{"file":"-","type":"unshipped-orders","rows":1,"bad":0,"replaced_bytes":0,"columns_missing":["payments-date","reporting-date","promise-date","buyer-email","buyer-name","buyer-phone-number","product-name","quantity-shipped","quantity-to-ship","ship-service-level","recipient-name","ship-address-1","ship-address-2","ship-address-3","ship-state","ship-postal-code","ship-country","is-business-order","purchase-order-number","price-designation","is-prime","is-buyer-requested-cancellation","buyer-requested-cancel-reason"],"columns_unknown":[]}
`,
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, status := play(tt.file, "-json")
			assert.Equal(t, 0, status)
			assert.Equal(t, tt.stderr, stderr)
			assert.Empty(t, cmp.Diff(tt.stdout, stdout))
		})
	}
}

func TestTable(t *testing.T) {
	stdout, stderr, status := play(someReturns, "-type", "returns")
	assert.Equal(t, 0, status)
	assert.Equal(t, "-: line 3: Return quantity is \"many\", expected a whole number from 1 on\n", stderr)
	assert.Empty(t, cmp.Diff(`Line  OrderID              RequestDate           Status           Currency  SKU    ItemName                                  Quantity  RefundedAmount  Extra.Shelf
2     111-1111111-1111111  2026-08-03T00:00:00Z  Approved         USD       SKU-1  Desk lamp 12" <white>                     1         0.00            A 7
4     111-1111111-1111113                        PendingApproval            SKU-3  A name that is a good deal longer than …  2

-: returns
  rows: 2, bad: 1, replaced bytes: 0
`, stdout[:strings.Index(stdout, "  columns missing")]))
}

func TestTableBeginsAnewWithAnotherColumn(t *testing.T) {
	file := returnsHead +
		strings.Repeat("111-1111111-1111111\tApproved\t\tSKU-1\t\t1\t\t\t\n", lookAhead) +
		"111-1111111-1111112\tApproved\t\tSKU-1\t\t1\t\t\tA 7\n"
	stdout, _, status := play(file, "-type", "returns")
	require.Equal(t, 0, status)
	lines := strings.Split(stdout, "\n")
	require.Greater(t, len(lines), lookAhead+4)
	assert.Empty(t, cmp.Diff([]string{
		"Line  OrderID              Status    SKU    Quantity",
		"2     111-1111111-1111111  Approved  SKU-1  1",
	}, lines[:2]))
	assert.Empty(t, cmp.Diff([]string{
		"501   111-1111111-1111111  Approved  SKU-1  1",
		"",
		"Line  OrderID              Status    SKU    Quantity  Extra.Shelf",
		"502   111-1111111-1111112  Approved  SKU-1  1         A 7",
		"",
	}, lines[lookAhead:lookAhead+5]))
}

func TestTableShowsNothingThatATerminalObeys(t *testing.T) {
	stdout, _, status := play("Order ID\tReturn request status\tMerchant SKU\tReturn quantity\tX\u009bY\n"+
		"111-1111111-1111111\tA\u009b31mB\u202eC\tSKU-1\t1\there\n", "-type", "returns")
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "A 31mB C")
	assert.Contains(t, stdout, "Extra.X Y")
	assert.Contains(t, stdout, "columns unknown: X Y\n")
	assert.NotContains(t, stdout, "\u009b")
}

func TestSummaryForPeople(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{
			"advice for columns that can be switched on",
			"order-id\torder-item-id\tpurchase-date\tsku\tquantity-purchased\tdays-past-promise\n" +
				"111-1111111-1111111\t11111111111111\t2026-08-03T04:05:06+00:00\tSKU-1\t1\t-2\n",
			"  to get is-buyer-requested-cancellation and buyer-requested-cancel-reason: in Seller Central, under Orders > Order Reports",
		},
		{
			"a settlement that does not add up", settlementHead + aSettlement("11111111111", "9.00"),
			"  settlement 11111111111: total 9.00, sum of the rows 8.5, difference 0.5, in USD\n",
		},
		{
			"a settlement without its summary",
			settlementHead + strings.SplitAfterN(aSettlement("11111111111", ""), "\n", 2)[1],
			"  settlement 11111111111: total not stated, sum of the rows 8.5, difference unknown, in an unknown currency\n",
		},
		{"what shows the type", someReturns, "-: returns (confidence: "},
		{"columns that nothing is known of", someReturns, "  columns unknown: Shelf\n"},
		{
			"a file that breaks off", "<AmazonEnvelope><MessageType>Returns-Report</MessageType><Message>",
			"  not read to its end\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, _, _ := play(tt.file)
			assert.Contains(t, stdout, tt.want)
		})
	}
}

func TestSeveralSettlementsInOneFile(t *testing.T) {
	stdout, _, status := play(settlementHead+aSettlement("11111111111", "8.50")+aSettlement("22222222222", "10.00"), "-json")
	require.Equal(t, 0, status)
	s := lastSummary(t, stdout)
	assert.Nil(t, s.Settlement)
	require.Len(t, s.Settlements, 2)
	assert.Equal(t, "0", s.Settlements[0].Difference.Decimal.String())
	assert.Equal(t, "22222222222", s.Settlements[1].ID)
	assert.Equal(t, "1.5", s.Settlements[1].Difference.Decimal.String())
}

// lastSummary reads the last line of what -json printed.
func lastSummary(t *testing.T, stdout string) summary {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var s summary
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &s))
	return s
}

func TestBadRowsAreTold(t *testing.T) {
	file := returnsHead + strings.Repeat("?\tApproved\t\tSKU-1\t\t1\t\t\t\n", 25)
	tests := []struct {
		args []string
		told int
		last string
	}{
		{nil, 21, "-: and 5 more bad rows"},
		{[]string{"-errors", "2"}, 3, "-: and 23 more bad rows"},
		{[]string{"-errors", "0"}, 1, "-: and 25 more bad rows"},
		{[]string{"-errors", "25"}, 25, `-: line 26: Order ID is "?", expected an Amazon order ID of 3, 7 and 7 digits, such as 111-2222222-3333333`},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			stdout, stderr, status := play(file, append(tt.args, "-json", "-type", "returns")...)
			assert.Equal(t, 0, status)
			assert.Equal(t, 25, lastSummary(t, stdout).Bad)
			lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			assert.Len(t, lines, tt.told)
			assert.Equal(t, tt.last, lines[len(lines)-1])
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name, file string
		args       []string
		typ        reportparse.Type
		error      string
	}{
		{"a type by force that it is not", someReturns, []string{"-type", "settlement"}, "", "settlement"},
		{"no report", "dear all,\nplease find attached\n", nil, "", "say which with -type: returns, prime-returns"},
		{"nothing", "", nil, "", "the file is empty"},
		{"unknown character set", someReturns, []string{"-charset", "klingon"}, "", "klingon"},
		{"broken off", "<AmazonEnvelope><MessageType>Returns-Report</MessageType><Message>", nil, "returns", "download it again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, status := play(tt.file, append(tt.args, "-json")...)
			assert.Equal(t, 1, status)
			assert.Contains(t, stderr, tt.error)
			s := lastSummary(t, stdout)
			assert.Contains(t, s.Error, tt.error)
			assert.Equal(t, tt.typ, s.Type)
			assert.NotNil(t, s.Missing)
		})
	}
}

func TestOtherFilesAreReadAllTheSame(t *testing.T) {
	dir := t.TempDir()
	none, good := filepath.Join(dir, "none.txt"), filepath.Join(dir, "returns.txt")
	require.NoError(t, os.WriteFile(good, []byte(someReturns), 0o600))
	stdout, stderr, status := play(settlementHead, "-json", none, good, "-")
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "none.txt: no such file")
	var got []string
	for line := range strings.Lines(stdout) {
		var s summary
		require.NoError(t, json.Unmarshal([]byte(line), &s))
		got = append(got, fmt.Sprintf("%s %s %d", filepath.Base(s.File), s.Type, s.Rows))
	}
	assert.Equal(t, []string{"none.txt  0", ".  0", ".  0", "returns.txt returns 2", "- settlement 0"}, got)
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-type", "tax-forms"}, 2, `type "tax-forms": expected one of `},
		{[]string{"-colour"}, 2, "flag provided but not defined"},
		{[]string{"-h"}, 0, "The exit status is 0 when every file was read to its end"},
	}
	for _, tt := range tests {
		t.Run(tt.args[0], func(t *testing.T) {
			stdout, stderr, status := play(someReturns, tt.args...)
			assert.Equal(t, tt.status, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, tt.says)
		})
	}
}

func TestTypeByAmazonsName(t *testing.T) {
	stdout, stderr, status := play(someReturns, "-json", "-type", "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE")
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, `"type":"returns","rows":2`)
}

func TestFullDisk(t *testing.T) {
	for _, args := range [][]string{{"-json"}, {}} {
		var stderr bytes.Buffer
		status := run(args, strings.NewReader(strings.Repeat(someReturns, 100)), full{}, &stderr)
		assert.Equal(t, 1, status)
		assert.Contains(t, stderr.String(), "reportdump: cannot print: the disk is full\n")
	}
}

// full is where nothing can be written.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestMemoryStaysFlat(t *testing.T) {
	for _, args := range [][]string{{"-json"}, {}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			file := &endless{head: returnsHead, row: "111-1111111-1111111\tApproved\t03-Aug-2026\tSKU-1\tDesk lamp\t1\t12.50\tUSD\tA 7\n", rows: 30_000}
			assert.Equal(t, 0, run(args, file, io.Discard, io.Discard))
			assert.Equal(t, 0, file.rows)
			assert.Less(t, file.most, uint64(8<<20))
		})
	}
}

// endless is a file of one row again and again, that watches the heap while it
// is read.
type endless struct {
	head, row string
	rows      int
	rest      string
	most      uint64
}

func (e *endless) Read(p []byte) (int, error) {
	switch {
	case e.rest != "":
	case e.head != "":
		e.rest, e.head = e.head, ""
	case e.rows > 0:
		n := min(e.rows, 1000)
		e.rest = strings.Repeat(e.row, n)
		e.rows -= n
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(heap)
		e.most = max(e.most, heap[0].Value.Uint64())
	default:
		return 0, io.EOF
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// settled is a settlement of a total whose rows add up to a sum.
func settled(id, currency, total, sum string) *settlement {
	t, s := decimal.RequireFromString(total), decimal.RequireFromString(sum)
	return &settlement{id, currency, reportparse.NewAmount(t.Shift(2).IntPart(), 2), s, decimal.NewNullDecimal(t.Sub(s))}
}

// Amazon's own files are not in this repository; TAKEBACK_AMAZON names their
// folder.
func TestAmazonSamples(t *testing.T) {
	folder := os.Getenv("TAKEBACK_AMAZON")
	if folder == "" {
		t.Skip("TAKEBACK_AMAZON is not set: it names the folder with Amazon's samples")
	}
	tests := []struct {
		file       string
		typ        reportparse.Type
		rows       int
		settlement *settlement
	}{
		{"all_orders_flat_synthetic.txt", reportparse.TypeAllOrders, 380, nil},
		{"fba_customer_returns_synthetic.txt", reportparse.TypeFBAReturns, 38, nil},
		{"order_report_cancel_flag_synthetic.txt", reportparse.TypeOrders, 2, nil},
		{"order_report_gb_34col.txt", reportparse.TypeOrders, 1, nil},
		{"order_report_xml_it_eur.xml", reportparse.TypeOrders, 1, nil},
		{"returns_by_return_date_es.xml", reportparse.TypeReturns, 2, nil},
		{"returns_flat_br_33col_synthetic.txt", reportparse.TypeReturns, 2, nil},
		{"settlement_v1_ca_33col_no_orders.txt", reportparse.TypeSettlementV1, 3, settled("23874396421", "CAD", "-321.69", "-321.69")},
		{"settlement_v1_ca_36col_b.txt", reportparse.TypeSettlementV1, 489, settled("24391894961", "CAD", "2539.66", "2539.66")},
		{"settlement_v1_ca_36col_c.txt", reportparse.TypeSettlementV1, 685, settled("24596907561", "CAD", "3894.24", "3894.24")},
		{"settlement_v1_ca_36col_refund.txt", reportparse.TypeSettlementV1, 15, settled("23874397121", "CAD", "-62.31", "-62.31")},
		{"settlement_v2_au_excerpt.txt", reportparse.TypeSettlement, 11, settled("12395580393", "AUD", "212118.95", "89.76")},
		{"settlement_v2_us_synthetic.txt", reportparse.TypeSettlement, 23, settled("28471003921", "USD", "582.89", "582.89")},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			stdout, stderr, status := play("", "-json", filepath.Join(folder, "samples", tt.file))
			require.Equal(t, 0, status, stderr)
			s := lastSummary(t, stdout)
			assert.Equal(t, tt.typ, s.Type)
			assert.Equal(t, tt.rows, s.Rows)
			assert.Zero(t, s.Bad, stderr)
			assert.Zero(t, s.Replaced)
			assert.Empty(t, cmp.Diff(tt.settlement, s.Settlement))
		})
	}
}
