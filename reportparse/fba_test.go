package reportparse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

type fbaReading struct {
	Rows []reportparse.FBAReturn
	Bad  []string
}

func readFBA(t testing.TB, file string) (got fbaReading, r *reportparse.Reader[reportparse.FBAReturn]) {
	t.Helper()
	r, err := reportparse.FBAReturns(strings.NewReader(file), reportparse.Options{Name: "f.txt"})
	require.NoError(t, err)
	for row, err := range r.All() {
		if err != nil {
			got.Bad = append(got.Bad, err.Error())
			continue
		}
		got.Rows = append(got.Rows, row)
	}
	return got, r
}

func TestFBAReturns(t *testing.T) {
	file, err := os.ReadFile("testdata/fba_all_columns.txt")
	require.NoError(t, err)
	got, r := readFBA(t, string(file))
	full := reportparse.FBAReturn{
		Line: 2, ReturnDate: time.Date(2026, time.March, 1, 14, 5, 6, 0, time.UTC), OrderID: "701-0000001-0000001",
		SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", FNSKU: "X000000001", ProductName: `Lamp, 12" "red"`, Quantity: 2,
		FulfillmentCenter: "ABC1", Disposition: "CUSTOMER_DAMAGED", Reason: "DEFECTIVE",
		Status: "Unit returned to inventory", LicensePlate: "LPN00000001", Comments: "it's \"broken\"; see photo",
	}
	want := fbaReading{Rows: []reportparse.FBAReturn{
		full,
		{Line: 3, ReturnDate: day(2026, time.March, 2), OrderID: "S01-0000002-0000002", FNSKU: "X000000002", Quantity: 1, LicensePlate: "LPN00000002"},
	}}
	assert.Empty(t, cmp.Diff(want, got))
	assert.Equal(t, reportparse.TypeFBAReturns, r.Type())
	assert.Empty(t, r.Missing())
	assert.Empty(t, r.Unknown())
}

// Some marketplaces have no status.
func TestFBAReturnsWithoutStatus(t *testing.T) {
	got, r := readFBA(t, string(readKind(t, "fba-returns.txt")))
	require.Len(t, got.Rows, 1)
	assert.Empty(t, got.Rows[0].Status)
	assert.Equal(t, []reportparse.MissingColumn{{Name: "status"}}, r.Missing())
	assert.False(t, r.Has("status"))
}

func TestFBAReturnsRows(t *testing.T) {
	const header = "Order ID\tSKU\tQuantity\tReturn Date\tDetailed Disposition\tfulfilment-center-id\tcolour\n"
	tests := []struct{ name, row, bad string }{
		{"good", "1-2\tA\t1\t2026-03-01\tSELLABLE\tABC1\tred", ""},
		{"no order", "\tA\t1", "f.txt: line 2: order-id is blank, expected an order ID, such as 111-2222222-3333333"},
		{"no item", "1-2\t\t1", "f.txt: line 2: sku is blank, expected a SKU, or an ASIN or an FNSKU in place of it"},
		{"no quantity", "1-2\tA\t", "f.txt: line 2: quantity is blank, expected a whole number from 1 on"},
		{"bad quantity", "1-2\tA\t1.5", `f.txt: line 2: quantity is "1.5", expected a whole number from 1 on`},
		{"ambiguous date", "1-2\tA\t1\t03/01/2026", `f.txt: line 2: return-date is "03/01/2026", expected a date`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := readFBA(t, header+tc.row+"\n")
			assert.Contains(t, strings.Join(got.Bad, "\n"), tc.bad)
			assert.Equal(t, tc.bad == "", len(got.Rows) == 1)
			assert.Equal(t, tc.bad != "", len(got.Bad) == 1)
		})
	}

	got, _ := readFBA(t, header+tests[0].row+"\n")
	require.Len(t, got.Rows, 1)
	assert.Equal(t, "ABC1", got.Rows[0].FulfillmentCenter)
	assert.Equal(t, map[string]string{"colour": "red"}, got.Rows[0].Extra)
}

func TestFBAReturnsMissingColumns(t *testing.T) {
	_, err := reportparse.FBAReturns(strings.NewReader("order-id\tqty\tlicense-plate-number\n"), reportparse.Options{})
	require.ErrorIs(t, err, reportparse.ErrWrongReport)
	require.EqualError(t, err, `report: columns are missing: quantity, sku or asin or fnsku; the header has "order-id", "qty", "license-plate-number"; if they have other names there, Options.Aliases can translate them; give the Amazon-fulfilled (FBA) returns report, GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA: wrong report`)
}

func TestSamplesOfFBAReturns(t *testing.T) {
	for _, name := range samples(t, "fba_*") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.ReadFile(name)
			require.NoError(t, err)
			got, r := readFBA(t, string(file))
			assert.Len(t, got.Rows, bytes.Count(bytes.TrimSpace(file), []byte("\n")))
			assert.Empty(t, got.Bad)
			assert.Empty(t, r.Missing())
			assert.Empty(t, r.Unknown())
		})
	}
}
