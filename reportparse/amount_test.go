package reportparse_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

func TestAmount(t *testing.T) {
	tests := []struct {
		amount       reportparse.Amount
		text, asJSON string
		valid        bool
	}{
		{reportparse.Amount{}, "", "null", false},
		{reportparse.NewAmount(1, 19), "", "null", false},
		{reportparse.NewAmount(0, 0), "0", `"0"`, true},
		{reportparse.NewAmount(0, 2), "0.00", `"0.00"`, true},
		{reportparse.NewAmount(635, 2), "6.35", `"6.35"`, true},
		{reportparse.NewAmount(-5, 2), "-0.05", `"-0.05"`, true},
		{reportparse.NewAmount(1, 18), "0.000000000000000001", `"0.000000000000000001"`, true},
		{reportparse.NewAmount(math.MaxInt64, 2), "92233720368547758.07", `"92233720368547758.07"`, true},
		{reportparse.NewAmount(math.MinInt64, 0), "-9223372036854775808", `"-9223372036854775808"`, true},
	}
	for _, tc := range tests {
		t.Run(tc.text, func(t *testing.T) {
			assert.Equal(t, tc.text, tc.amount.String())
			assert.Equal(t, tc.valid, tc.amount.Valid())
			assert.Equal(t, tc.valid, tc.amount.NullDecimal().Valid)
			b, err := json.Marshal(tc.amount)
			require.NoError(t, err)
			assert.Equal(t, tc.asJSON, string(b))
			got := reportparse.NewAmount(9, 9)
			require.NoError(t, json.Unmarshal(b, &got))
			assert.Equal(t, tc.amount, got)
		})
	}
}

func TestAmountEqual(t *testing.T) {
	none, zero := reportparse.Amount{}, reportparse.NewAmount(0, 0)
	assert.True(t, reportparse.NewAmount(5, 1).Equal(reportparse.NewAmount(50, 2)))
	assert.True(t, none.Equal(reportparse.Amount{}))
	assert.True(t, zero.Equal(reportparse.NewAmount(0, 2)))
	assert.False(t, none.Equal(zero))
	assert.False(t, zero.Equal(none))
	assert.False(t, reportparse.NewAmount(5, 1).Equal(reportparse.NewAmount(5, 2)))
}

func TestAmountUnmarshal(t *testing.T) {
	tests := []struct{ text, want string }{
		{`12.5`, "12.5"},
		{`"12.50"`, "12.50"},
		{`-3`, "-3"},
		{`"x"`, ""},
		{`""`, ""},
		{`1e3`, ""},
		{`"1e-5"`, ""},
		{`"12345678901234567890"`, ""},
		{`"0.0000000000000000001"`, ""},
		{`[1]`, ""},
	}
	for _, tc := range tests {
		t.Run(tc.text, func(t *testing.T) {
			var a reportparse.Amount
			err := json.Unmarshal([]byte(tc.text), &a)
			assert.Equal(t, tc.want == "", err != nil, "%v", err)
			assert.Equal(t, tc.want, a.String())
		})
	}
}

// An amount is the number that package decimal makes of the same units.
func TestAmountProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units, decimals := rapid.Int64().Draw(t, "units"), rapid.Uint8Range(0, 18).Draw(t, "decimals")
		a, want := reportparse.NewAmount(units, decimals), decimal.New(units, -int32(decimals))
		require.True(t, a.Decimal().Equal(want))
		require.Equal(t, want.StringFixed(int32(decimals)), a.String())
		other, othersDecimals := rapid.Int64().Draw(t, "other units"), rapid.Uint8Range(0, 18).Draw(t, "other decimals")
		require.Equal(t, want.Equal(decimal.New(other, -int32(othersDecimals))), a.Equal(reportparse.NewAmount(other, othersDecimals)))
		b, err := json.Marshal(a)
		require.NoError(t, err)
		var got reportparse.Amount
		require.NoError(t, json.Unmarshal(b, &got))
		require.Equal(t, a, got)
	})
}

func TestAmountUnits(t *testing.T) {
	tests := []struct {
		amount   reportparse.Amount
		units    int64
		decimals uint8
	}{
		{reportparse.NewAmount(635, 2), 635, 2},
		{reportparse.NewAmount(-6000, 2), -6000, 2},
		{reportparse.NewAmount(0, 1), 0, 1},
		{reportparse.Amount{}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.amount.String(), func(t *testing.T) {
			units, decimals := tt.amount.Units()
			assert.Equal(t, tt.units, units)
			assert.Equal(t, tt.decimals, decimals)
		})
	}
}
