package reportparse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

func FuzzSettlement(f *testing.F) {
	files, err := filepath.Glob("testdata/settlement/*")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b, "")
		f.Add(gzipped(f, b), "text/plain;charset=Shift_JIS")
	}
	f.Fuzz(func(t *testing.T, file []byte, contentType string) {
		o := reportparse.Options{ContentType: contentType}
		got, err := readSettlement(t, bytes.NewReader(file), o)
		slow, slowErr := readSettlement(t, iotest.OneByteReader(bytes.NewReader(file)), o)
		assert.Equal(t, err, slowErr)
		if diff := cmp.Diff(got, slow); diff != "" {
			t.Errorf("one byte at a time (-whole +slow):\n%s", diff)
		}

		sums, last := map[string]decimal.Decimal{}, map[string]int{}
		for _, row := range got.Rows {
			assert.Positive(t, row.Line)
			assert.Greater(t, row.Row, last[row.SettlementID])
			assert.NotEmpty(t, row.SettlementID)
			assert.NotEmpty(t, row.TransactionType)
			last[row.SettlementID] = row.Row
			for a := range row.Amounts() {
				sums[row.SettlementID] = sums[row.SettlementID].Add(a.Amount.Decimal())
			}
		}
		rows, bad := 0, 0
		for _, total := range got.Totals {
			rows += total.Rows
			bad += total.Bad
			assert.True(t, sums[total.ID].Equal(total.Sum), "sum of %q", total.ID)
			assert.Equal(t, total.Total.Valid(), total.Difference.Valid)
		}
		assert.Equal(t, len(got.Rows), rows)
		assert.Equal(t, len(got.Bad), bad)
	})
}
