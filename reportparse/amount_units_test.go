package reportparse_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/reportparse"
)

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
