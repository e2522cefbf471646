package order_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
)

func TestCorrect(t *testing.T) {
	amount := func(s string) order.Amounts { return order.Amounts{order.Principal: decimal.RequireFromString(s)} }
	ours := order.Cause{Kind: order.CauseRefund, ID: "RF1"}
	amazons := order.Cause{Kind: order.CauseAmazon, ID: "acme-us/500/1"}
	var l order.Ledger
	for _, step := range []struct {
		cause order.Cause
		to    string
		want  string // posted by all
	}{
		{ours, "10.00", "10"},
		{ours, "10.00", "10"},
		{amazons, "4.00", "14"},
		{ours, "7.50", "11.5"},
		{amazons, "-1.00", "6.5"},
		{amazons, "0", "7.5"},
		{ours, "0", "0"},
	} {
		ps, err := l.Correct(step.cause, "11111111111111", amount(step.to), "USD", order.Stamp{})
		require.NoError(t, err)
		before := len(l.Postings)
		l = l.With(ps...)
		assert.Equal(t, step.want, l.Total(order.Posted).String())
		assert.True(t, l.PostedBy(step.cause, "11111111111111").Equal(amount(step.to)))
		for i, p := range ps {
			assert.Equal(t, before+i+1, p.Seq)
		}
	}
	assert.Len(t, l.Postings, 6, "nothing to correct is no posting")
	_, err := l.Correct(ours, "11111111111111", amount("1.00"), "CAD", order.Stamp{})
	require.ErrorIs(t, err, order.ErrCurrency)
}

func TestRefunded(t *testing.T) {
	amount := order.Amounts{order.Principal: decimal.RequireFromString("1.00")}
	var l order.Ledger
	for _, k := range []order.CauseKind{order.CauseRefund, order.CauseAmazon, order.CauseCancellation} {
		ps, err := l.Correct(order.Cause{Kind: k, ID: "1"}, "11111111111111", amount, "USD", order.Stamp{})
		require.NoError(t, err)
		l = l.With(ps...)
	}
	assert.Equal(t, "2.00 USD", l.Refunded().String())
}
