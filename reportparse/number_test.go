package reportparse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

const (
	anyMoney   = "an amount of at most 18 digits and two decimals, such as -1234.56, -1.234,56 or 1 234,56"
	withPoint  = "an amount with one or two decimals behind a point, as in the rest of the file"
	withComma  = "an amount with one or two decimals behind a comma, as in the rest of the file"
	notDecided = "an amount that shows its decimals: nothing in the file up to here tells whether this one has decimals or thousands"
)

// A file has one decimal separator. It is looked for in the total, then in the
// amounts.
func TestSettlementDecimals(t *testing.T) {
	tests := []struct {
		name, total, currency string
		amounts               []string
		want                  []string // amount, or what was expected in place of it
	}{
		{"point by the total", "1,234.50", "USD", []string{"12", "1,234", "12,50", "1.234"}, []string{"12", "1234", withPoint, withPoint}},
		{"comma by the total", "1.234,50", "EUR", []string{"12", "1.234", "12.50", "1,234"}, []string{"12", "1234", withComma, withComma}},
		{"the total goes first", "1.50", "USD", []string{"12,50", "12,75", "12.25"}, []string{withPoint, withPoint, "12.25"}},
		{"point by an amount", "100", "USD", []string{"1,234", "98.75"}, []string{"1234", "98.75"}},
		{"comma by an amount", "100", "EUR", []string{"1.234", "98,75"}, []string{"1234", "98.75"}},
		{"the first amount goes first", "100", "EUR", []string{"98,75", "98.75"}, []string{"98.75", withComma}},
		{"without a total", "", "", []string{"1.234", "98,7"}, []string{"1234", "98.7"}},
		{"by thousands that come twice", "1.234.567", "EUR", []string{"1.234", "1,5"}, []string{"1234", "1.5"}},
		{"not at all", "100", "EUR", []string{"1.234", "1,234", "12"}, []string{notDecided, notDecided, "12"}},
		{"yen have none", "123,456", "JPY", []string{"1,234", "1.234", "12"}, []string{"1234", "1234", "12"}},
		{"yen with decimals", "1234.00", "JPY", []string{"1,234", "1.234", "12.00"}, []string{"1234", "1234", "12.00"}},
		{"thousands, point", "0.00", "USD", []string{"1,234,567.89", "12,34,567.89", "1 234.5", "1'234.5", "1\u2019234.5", "1\u00a0234.5", "1\u202f234"}, []string{"1234567.89", "1234567.89", "1234.5", "1234.5", "1234.5", "1234.5", "1234"}},
		{"thousands, comma", "0,00", "SEK", []string{"1.234.567,89", "1 234,5", "1\u00a0234\u00a0567,00"}, []string{"1234567.89", "1234.5", "1234567.00"}},
		{"no thousands", "0.00", "USD", []string{"1,23", "12,345,67.00", "1234,567.00", ",123.00", "1,,234.00", "1 234,567.00", "1,23 4.00", "1,2345.00", "123,45,678.00"}, []string{withPoint, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney}},
		{"signs", "0.00", "USD", []string{"-1.50", "\u22121.50", "+1.50", "-1,234.50", "-0.00"}, []string{"-1.50", "-1.50", "1.50", "-1234.50", "0.00"}},
		{"no signs", "0.00", "USD", []string{"--1.50", "1.50-", "(1.50)", "- 1.50", "-"}, []string{anyMoney, anyMoney, anyMoney, anyMoney, anyMoney}},
		{"no amounts", "0.00", "USD", []string{"$1.50", "1.50 USD", "1e3", ".50", "1.", ".", "1.2.3", "\u0661"}, []string{anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney, anyMoney}},
		{"decimals, too many", "0.00", "USD", []string{"1.2345", "1,234.567"}, []string{anyMoney, anyMoney}},
		{"digits", "0.00", "USD", []string{strings.Repeat("9", 18), strings.Repeat("9", 16) + ".99", "-" + strings.Repeat("9", 18), strings.Repeat("9", 19), strings.Repeat("9", 17) + ".99", "00001"}, []string{strings.Repeat("9", 18), strings.Repeat("9", 16) + ".99", "-" + strings.Repeat("9", 18), anyMoney, anyMoney, "1"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var rows []map[string]string
			if tc.total != "" {
				rows = append(rows, summary("7", tc.total, tc.currency))
			}
			for _, text := range tc.amounts {
				rows = append(rows, of("7", text))
			}
			r, err := reportparse.Settlement(strings.NewReader(v2(rows...)), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, tc.want, eachAmount(t, r))
		})
	}
}

// The total goes first also where rows stand before it.
func TestSettlementDecimalsBeforeTheTotal(t *testing.T) {
	r, err := reportparse.Settlement(strings.NewReader(v2(of("7", "12,50"), summary("7", "1.50", "USD"), of("7", "12.25"))), reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{withPoint, "12.25"}, eachAmount(t, r))
}

// eachAmount is the amount of each row, or what was expected in place of it.
func eachAmount(t *testing.T, r *reportparse.SettlementReader) []string {
	t.Helper()
	var out []string
	for row, err := range r.All() {
		var bad *reportparse.RowError
		switch {
		case err == nil:
			out = append(out, row.Amount.String())
		default:
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "amount", bad.Column)
			out = append(out, bad.Expected)
		}
	}
	return out
}

// What a file shows of itself only behind the first piece of it that is read
// decides from there on, and nothing before it was guessed.
func TestSettlementDecimalsLater(t *testing.T) {
	rows := []map[string]string{summary("7", "100", "EUR"), of("7", "1.234")}
	for range 5000 {
		rows = append(rows, of("7", "12"))
	}
	rows = append(rows, of("7", "98,75"), of("7", "1.234"), of("7", "98.75"))
	r, err := reportparse.Settlement(strings.NewReader(v2(rows...)), reportparse.Options{})
	require.NoError(t, err)
	got := eachAmount(t, r)
	assert.Equal(t, notDecided, got[0])
	assert.Equal(t, []string{"98.75", "1234", withComma}, got[len(got)-3:])
}
