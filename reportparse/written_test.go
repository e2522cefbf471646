package reportparse_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

func TestOrdersHoweverWritten(t *testing.T) {
	however(t, reportparse.Orders, "orders_all_columns.txt", "order-id", "order-item-id", "purchase-date")
}

func TestAllOrdersHoweverWritten(t *testing.T) {
	however(t, reportparse.AllOrders, "all_orders_all_columns.txt", "amazon-order-id", "sku", "order-status")
}

// however writes rows of any cells of a file in any order of columns, spelling
// of headers, decimal style, padding, line end and encoding, and without the
// columns that are blank: they read as the rows of the plain file do.
func however[T any](t *testing.T, open openFunc[T], file string, required ...string) {
	b, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	lines := strings.Split(string(b), "\n")
	columns, full := strings.Split(lines[0], "\t"), strings.Split(lines[1], "\t")

	rapid.Check(t, func(t *rapid.T) {
		plain := [][]string{columns}
		used := map[int]bool{}
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			row := make([]string, len(columns))
			for i, column := range columns {
				if slices.Contains(required, column) || rapid.Bool().Draw(t, column) {
					row[i], used[i] = full[i], true
				}
			}
			plain = append(plain, row)
		}
		for _, column := range required {
			used[slices.Index(columns, column)] = true
		}

		spell := rapid.SampledFrom([]func(string) string{
			strings.Clone, strings.ToUpper,
			func(s string) string { return strings.ReplaceAll(s, "-", "_") },
			func(s string) string { return strings.ReplaceAll(s, "-", " ") },
			func(s string) string { return strings.ReplaceAll(s, "-", "") },
		}).Draw(t, "spelling")
		point := rapid.SampledFrom([]string{".", ","}).Draw(t, "decimal separator")
		pad := rapid.SampledFrom([]string{"", " ", "\u00a0"}).Draw(t, "padding")
		end := rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "line end")
		encode := rapid.SampledFrom([]func(string) string{
			strings.Clone,
			func(s string) string { return "\uFEFF" + s },
			utf16LE,
		}).Draw(t, "encoding")

		var written strings.Builder
		order := rapid.Permutation(slices.Sorted(maps.Keys(used))).Draw(t, "order")
		for n, row := range plain {
			var cells []string
			for _, i := range order {
				cell := row[i]
				switch {
				case n == 0:
					cell = spell(cell)
				case isMoney(columns[i]):
					cell = strings.Replace(cell, ".", point, 1)
				}
				cells = append(cells, pad+cell+pad)
			}
			written.WriteString(strings.Join(cells, "\t") + end)
		}

		want, err := parse(t, open, strings.NewReader(join(plain, end)), reportparse.Options{})
		require.NoError(t, err)
		require.Len(t, want.Rows, len(plain)-1)
		got, err := parse(t, open, strings.NewReader(encode(written.String())), reportparse.Options{})
		require.NoError(t, err)
		require.Empty(t, got.Bad)
		if diff := cmp.Diff(want.Rows, got.Rows); diff != "" {
			t.Fatalf("%s (-plain +written):\n%s", written.String(), diff)
		}
	})
}

func join(rows [][]string, end string) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(row, "\t") + end)
	}
	return b.String()
}

func isMoney(column string) bool {
	return strings.HasSuffix(column, "-price") || strings.HasSuffix(column, "-tax") || strings.HasSuffix(column, "-discount")
}

func utf16LE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
