package order_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

func TestKitShares(t *testing.T) {
	money := decimal.RequireFromString
	tests := []struct {
		name string
		kit  []order.Part
		of   string
		want []string
	}{
		{"by share", []order.Part{{SKU: "TOP", Quantity: 1, Share: money("30.00")}, {SKU: "LEG", Quantity: 4, Share: money("10")}}, "100.01", []string{"75.01", "25"}},
		{"by quantity, without shares", []order.Part{{SKU: "TOP", Quantity: 1}, {SKU: "LEG", Quantity: 4}}, "100.00", []string{"20", "80"}},
		{"a part that is worth nothing", []order.Part{{SKU: "TOP", Quantity: 1, Share: money("1")}, {SKU: "SCREW", Quantity: 8}}, "9.99", []string{"9.99", "0"}},
		{"no kit", nil, "9.99", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, share := range order.KitShares(tt.kit, order.Amounts{order.Principal: money(tt.of)}, "USD") {
				got = append(got, share[order.Principal].String())
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// The shares of a kit add up to it, more parts are never worth less, and all parts
// of all kits are worth what was paid.
func TestKitAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kits := rapid.IntRange(1, 4).Draw(t, "kits")
		var kit []order.Part
		for i := range rapid.IntRange(1, 4).Draw(t, "parts") {
			kit = append(kit, order.Part{
				SKU: string(rune('A' + i)), Quantity: rapid.IntRange(1, 5).Draw(t, "quantity"), Share: decimal.NewFromInt(rapid.Int64Range(0, 9).Draw(t, "share")),
			})
		}
		cur := rapid.SampledFrom([]order.Currency{"USD", "JPY"}).Draw(t, "currency")
		unit := decimal.New(1, -cur.Digits())
		paid := order.Amounts{
			order.Principal: unit.Mul(decimal.NewFromInt(rapid.Int64Range(0, 100000).Draw(t, "principal"))),
			order.Tax:       unit.Mul(decimal.NewFromInt(rapid.Int64Range(0, 100).Draw(t, "tax"))),
		}
		sum := order.Amounts{}
		for _, share := range order.KitShares(kit, paid, cur) {
			sum = sum.Plus(share)
		}
		require.True(t, paid.Equal(sum), "%s, shares of %s", sum, paid)

		parts := map[string]int{}
		worth := order.Amounts{}
		for _, p := range kit {
			for range p.Quantity * kits {
				parts[p.SKU]++
				more := order.KitValue(kit, paid, kits, parts, cur)
				for _, c := range more.Minus(worth).Components() {
					require.True(t, more[c].GreaterThanOrEqual(worth[c]), "%s fell from %s to %s", c, worth[c], more[c])
				}
				worth = more
			}
		}
		require.True(t, paid.Equal(worth), "%s, for all of %s", worth, paid)
	})
}

func TestCheckKit(t *testing.T) {
	tests := []struct {
		name string
		kit  []order.Part
		says string
	}{
		{"no SKU", []order.Part{{Quantity: 1}}, `kit part "" × 1: want a SKU and a quantity of at least 1`},
		{"no units", []order.Part{{SKU: "LEG"}}, `kit part "LEG" × 0`},
		{"a share below zero", []order.Part{{SKU: "LEG", Quantity: 1, Share: decimal.NewFromInt(-1)}}, "share -1: want 0 or more"},
		{"a part twice", []order.Part{{SKU: "LEG", Quantity: 1}, {SKU: "LEG", Quantity: 3}}, "stands twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, order.Line{Kit: tt.kit}.CheckKit(), tt.says)
		})
	}
	require.NoError(t, order.Line{}.CheckKit())
	require.NoError(t, order.Line{Kit: []order.Part{{SKU: "LEG", Quantity: 4}}}.CheckKit())
}
