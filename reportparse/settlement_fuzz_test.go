package reportparse_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

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

// style is how a file writes what can be written in several ways.
type style struct {
	columns  []string
	point    string
	grouping string
	time     string
	lineEnd  string
	charset  encoding.Encoding
}

func drawStyle(t *rapid.T) style {
	separators := rapid.SampledFrom([][2]string{{".", ""}, {".", ","}, {".", " "}, {",", ""}, {",", "."}, {",", "\u00a0"}}).Draw(t, "separators")
	return style{
		columns: rapid.Permutation([]string{
			"settlement-id", "settlement-start-date", "total-amount", "currency", "transaction-type", "order-id",
			"amount-type", "amount-description", "amount", "posted-date-time", "sku", "quantity-purchased", "unknown",
		}).Draw(t, "columns"),
		point:    separators[0],
		grouping: separators[1],
		time:     rapid.SampledFrom([]string{"2006-01-02 15:04:05 UTC", "02.01.2006 15:04:05 UTC", "2006/01/02 15:04:05 UTC", "2006-01-02T15:04:05+00:00"}).Draw(t, "times"),
		lineEnd:  rapid.SampledFrom([]string{"\n", "\r\n", "\r", "\n\n"}).Draw(t, "line ends"),
		charset: rapid.SampledFrom([]encoding.Encoding{
			unicode.UTF8, unicode.UTF8BOM, charmap.Windows1252, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		}).Draw(t, "charset"),
	}
}

// money writes cents.
func (s style) money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	whole := fmt.Sprint(cents / 100)
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + s.grouping + whole[at:]
	}
	return fmt.Sprintf("%s%s%s%02d", sign, whole, s.point, cents%100)
}

func (s style) file(t *rapid.T, rows []map[string]string) []byte {
	lines := []string{strings.Join(s.columns, "\t")}
	for _, row := range rows {
		var line []string
		for _, column := range s.columns {
			line = append(line, row[column])
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	b, err := s.charset.NewEncoder().Bytes([]byte(strings.Join(lines, s.lineEnd) + s.lineEnd))
	require.NoError(t, err)
	return b
}

// Whatever the style of a file, its rows are those that were written, and add up
// to its total.
func TestSettlementStyles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStyle(t)
		cents := rapid.SliceOfN(rapid.Int64Range(-1e12, 1e12), 1, 20).Draw(t, "cents")
		var total int64
		rows := []map[string]string{nil}
		var want []string
		for i, c := range cents {
			total += c
			rows = append(rows, map[string]string{
				"settlement-id": "7", "transaction-type": "Order", "amount-type": "ItemPrice", "amount-description": "Principal",
				"amount": s.money(c), "posted-date-time": posted.Format(s.time), "sku": fmt.Sprintf("TÜR-%d", i), "quantity-purchased": "2",
			})
			want = append(want, fmt.Sprintf("%d TÜR-%d %s %s EUR", i+1, i, posted, decimal.New(c, -2).StringFixed(2)))
		}
		rows[0] = map[string]string{"settlement-id": "7", "settlement-start-date": posted.Format(s.time), "total-amount": s.money(total), "currency": "EUR"}

		r, err := reportparse.Settlement(bytes.NewReader(s.file(t, rows)), reportparse.Options{})
		require.NoError(t, err)
		var got []string
		for row, err := range r.All() {
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%d %s %s %s %s", row.Row, row.SKU, row.PostedAt, row.Amount, row.Currency))
		}
		require.Equal(t, want, got)
		settlement := r.Settlements()[0]
		require.Equal(t, posted, settlement.Start)
		require.True(t, settlement.Difference.Valid)
		require.True(t, settlement.Difference.Decimal.IsZero(), "difference %s", settlement.Difference.Decimal)
	})
}
