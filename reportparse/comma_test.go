package reportparse_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

const commaHeader = "Order ID,Return request status,Return quantity,Merchant SKU,Item Name,Gate\n"

// commaRow is a row of five cells and the item's name as it stands in the file.
func commaRow(name string) string {
	return "701-0000001-0000001,Approved,1,LAMP," + name + ",north\n"
}

func TestPrimeCSV(t *testing.T) {
	file := "\xEF\xBB\xBF\"Order ID\",return_request_status, \"Return Quantity\",merchant-sku,\"Item\nName\",Gate,Gate\r\n" +
		"\r\n" +
		"701-0000001-0000001,\"Approved\",1,\"00123\",\"Lamp, 12\"\" high, \r\n\r\nred\" , north,south\r\n" +
		"701-0000002-0000002,Approved,2,TEA,5\" of \"tea\"\r\n" +
		"\"Order ID\",return_request_status,\"Return Quantity\",merchant-sku,\"Item\r\nName\",Gate,Gate\r\n" +
		"701-0000003-0000003,Approved,3,\"\",,,,,\r\n" +
		"701-0000004-0000004,Approved,4,CUP,\"\"\"Cup\"\"\",,"
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{Name: "p.csv"})
	require.NoError(t, err)
	want := reading{
		Rows: []reportparse.Return{
			{Line: 4, OrderID: "701-0000001-0000001", Status: "Approved", Quantity: 1, SKU: "00123", ItemName: "Lamp, 12\" high,\n\nred", Extra: map[string]string{"Gate": "north", "Gate (2)": "south"}},
			{Line: 7, OrderID: "701-0000002-0000002", Status: "Approved", Quantity: 2, SKU: "TEA", ItemName: `5" of "tea"`},
			{Line: 11, OrderID: "701-0000004-0000004", Status: "Approved", Quantity: 4, SKU: "CUP", ItemName: `"Cup"`},
		},
		Bad:     []string{"p.csv: line 10: Merchant SKU is blank, expected a SKU, or an ASIN or an order item ID in place of it"},
		Columns: []string{"Order ID", "Return request status", "Return quantity", "Merchant SKU", "Item Name"},
		Unknown: []string{"Gate", "Gate (2)"},
	}
	assert.Empty(t, cmp.Diff(want, got))
}

func TestPrimeCSVType(t *testing.T) {
	r, err := reportparse.Returns(strings.NewReader(commaHeader), reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, reportparse.TypePrimeReturns, r.Type())
}

// One quotation mark too many costs the row that it stands in, and no other.
func TestPrimeCSVDamagedQuoting(t *testing.T) {
	const (
		bad  = "p.csv: line 2: expected cell 5 to end with a quotation mark, as it begins with one; write each within it twice"
		long = "p.csv: line 2: expected a line of at most 1048576 bytes"
	)
	good := commaRow("Tea")
	tests := []struct {
		name, rows, bad string
		lines           []int
	}{
		{"never closed", commaRow(`"Lamp`) + good + good, bad, []int{3, 4}},
		{"closed by the next row", commaRow(`"Lamp`) + commaRow(`"Tea"`) + good, bad, []int{3, 4}},
		{"text behind it", commaRow(`"Oak" table`) + good, bad, []int{3}},
		{"within a cell", commaRow(`"Oak "old" table"`) + good, bad, []int{3}},
		{"long after", commaRow(`"Lamp`) + strings.Repeat(good, 300) + commaRow(`"Lamp"`), bad, lines(3, 303)},
		{"before a long line", commaRow(`"Lamp`) + good + commaRow(strings.Repeat("x", 2<<20)), bad + "\np.csv: line 4: expected a line of at most 1048576 bytes", []int{3}},
		{"long line", commaRow(`"` + strings.Repeat("x", 2<<20) + `"`), long, nil},
		{"too many cells", commaRow("Lamp, red") + good, "p.csv: line 2: expected 6 cells, as in the header, but there are 7; quote a cell that has a comma", []int{3}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(commaHeader+tc.rows), reportparse.Options{Name: "p.csv"})
			require.NoError(t, err)
			assert.Equal(t, tc.bad, strings.Join(got.Bad, "\n"))
			assert.Empty(t, got.End)
			var at []int
			for _, row := range got.Rows {
				at = append(at, row.Line)
			}
			assert.Equal(t, tc.lines, at)
		})
	}
}

func lines(from, to int) []int {
	var out []int
	for n := from; n <= to; n++ {
		out = append(out, n)
	}
	return out
}

func TestPrimeCSVDamagedHeader(t *testing.T) {
	_, err := reportparse.Returns(strings.NewReader("Order ID,Return request status,\"Item\n"), reportparse.Options{Name: "p.csv"})
	require.EqualError(t, err, "p.csv: header: line 1: expected cell 3 to end with a quotation mark, as it begins with one; write each within it twice")
}

func TestPrimeCSVRaw(t *testing.T) {
	r, err := reportparse.Returns(strings.NewReader(commaHeader+commaRow(`"Lamp`)+"\n"), reportparse.Options{})
	require.NoError(t, err)
	var row reportparse.Return
	var bad *reportparse.RowError
	require.ErrorAs(t, r.Next(&row), &bad)
	assert.Equal(t, strings.TrimSpace(commaRow(`"Lamp`)), bad.Raw)
}

// However the quotation marks stand, a file four times as long costs about four
// times as much.
func TestPrimeCSVNotQuadratic(t *testing.T) {
	for _, line := range []string{"a\",\"\n", "\"\"\"\n", "\"\n", "\"\"y\n", "\",\"\n"} {
		cost := func(n int) uint64 {
			in := strings.NewReader(commaHeader + "\"\n" + strings.Repeat(line, n))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rows, bad, end := drain(t, in, reportparse.Options{})
			runtime.ReadMemStats(&after)
			assert.Zero(t, rows)
			assert.Positive(t, bad)
			assert.Equal(t, io.EOF, end)
			return after.TotalAlloc - before.TotalAlloc
		}
		assert.Less(t, cost(2000), 8*cost(500), "bytes taken up for lines of %q", line)
	}
}

// What encoding/csv writes is read back.
func TestPrimeCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[a-zé",;\t \n]{0,12}`), 1, 20).Draw(t, "names")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		require.NoError(t, w.Write([]string{"Item Name", "Order ID", "Return request status", "Return quantity", "Merchant SKU"}))
		var want []string
		for i, name := range names {
			require.NoError(t, w.Write([]string{name, "701-0000001-0000001", "Approved", "1", fmt.Sprint("SKU-", i)}))
			want = append(want, fmt.Sprint("SKU-", i), strings.TrimSpace(name))
		}
		w.Flush()
		r, err := reportparse.Returns(&file, reportparse.Options{})
		require.NoError(t, err)
		var got []string
		for row, err := range r.All() {
			require.NoError(t, err)
			got = append(got, row.SKU, row.ItemName)
		}
		assert.Equal(t, want, got)
	})
}
