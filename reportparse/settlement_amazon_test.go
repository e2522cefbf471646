package reportparse_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// The books of real V1 files close to the cent; the excerpt from V2 lacks most of
// its rows.
func TestSettlementSamples(t *testing.T) {
	want := map[string]struct {
		typ    reportparse.Type
		totals []total
	}{
		"settlement_v1_ca_33col_no_orders.txt": {reportparse.TypeSettlementV1, []total{{"23874396421", "CAD", "-321.69", "-321.69", "0", 3, 0}}},
		"settlement_v1_ca_36col_refund.txt":    {reportparse.TypeSettlementV1, []total{{"23874397121", "CAD", "-62.31", "-62.31", "0", 15, 0}}},
		"settlement_v1_ca_36col_b.txt":         {reportparse.TypeSettlementV1, []total{{"24391894961", "CAD", "2539.66", "2539.66", "0", 489, 0}}},
		"settlement_v1_ca_36col_c.txt":         {reportparse.TypeSettlementV1, []total{{"24596907561", "CAD", "3894.24", "3894.24", "0", 685, 0}}},
		"settlement_v2_au_excerpt.txt":         {reportparse.TypeSettlement, []total{{"12395580393", "AUD", "212118.95", "89.76", "212029.19", 11, 0}}},
		"settlement_v2_us_synthetic.txt":       {reportparse.TypeSettlement, []total{{"28471003921", "USD", "582.89", "582.89", "0", 23, 0}}},
	}
	files := samples(t, "settlement_*.txt")
	require.Len(t, files, len(want))
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(name)
			require.NoError(t, err)
			defer f.Close()
			got, err := readSettlement(t, f, reportparse.Options{Name: filepath.Base(name)})
			require.NoError(t, err)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
			assert.Empty(t, got.Unknown)
			assert.Equal(t, want[filepath.Base(name)].typ, got.Type)
			assert.Equal(t, want[filepath.Base(name)].totals, totals(got.Totals))
			for _, row := range got.Rows {
				assert.False(t, row.PostedAt.IsZero(), "line %d", row.Line)
			}
		})
	}
}
