package refund_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

func TestAdjustmentID(t *testing.T) {
	for _, kind := range []queue.Kind{queue.KindRefund, queue.KindCancellation} {
		id := queue.NewEntryID(kind, "acme", "order/1/2")
		want := refund.Adjustment{Entry: id, Line: 1, Attempt: 3}
		assert.Equal(t, string(id)+"-2-3", want.String())
		got, ok := refund.ParseAdjustmentID(want.String())
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	for _, other := range []string{"", "1754546548001862332", "RF", "RFX-1", "RFX-0-1", "RFX-1-0", "RFX-01-1", "RFX-1-1-1", "RFX-one-1", "XXX-1-1", "CN-1", "RFX--1-1", "rfx-1-1"} {
		_, ok := refund.ParseAdjustmentID(other)
		assert.False(t, ok, other)
	}
}
