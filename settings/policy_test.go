package settings_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

func limit(actor string, amount int64, c order.Currency) settings.Limit {
	return settings.Limit{Actor: actor, Amount: decimal.NewFromInt(amount), Currency: c}
}

func TestLimitOf(t *testing.T) {
	all := []settings.Limit{limit("", 50, "USD"), limit("ann", 200, "USD"), limit("ann", 0, "EUR"), limit("", 40, "EUR")}
	for _, tt := range []struct {
		name     string
		limits   []settings.Limit
		actor    string
		currency order.Currency
		want     int64
		limited  bool
	}{
		{"their own", all, "ann", "USD", 200, true},
		{"their own, listed before everybody's", all, "ann", "EUR", 0, true},
		{"everybody's", all, "bob", "USD", 50, true},
		{"none in the currency", all, "ann", "GBP", 0, false},
		{"another's only", all[1:2], "bob", "USD", 0, false},
		{"none at all", nil, "ann", "USD", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, limited := settings.Policy{Limits: tt.limits}.LimitOf(tt.actor, tt.currency)
			assert.Equal(t, tt.limited, limited)
			assert.Equal(t, decimal.NewFromInt(tt.want).String(), got.String())
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	require.NoError(t, settings.Policy{}.Check())
	require.NoError(t, settings.Policy{Limits: []settings.Limit{limit("ann", 0, "USD"), limit("ann", 1, "EUR"), limit("", 1, "USD")}}.Check())
	for want, limits := range map[string][]settings.Limit{
		`limit of actor "ann" in USD stands twice`:   {limit("ann", 1, "USD"), limit("ann", 2, "USD")},
		`limit of actor "": -1.00 USD is below zero`: {limit("", -1, "USD")},
		`limit of actor "ann": currency "usd"`:       {limit("ann", 1, "usd")},
	} {
		p := settings.Policy{Limits: limits}
		assert.ErrorContains(t, p.Check(), want)
		assert.ErrorContains(t, settings.Fixed{Policy: p}.Check(), want)
		assert.ErrorContains(t, settings.ByCompany{"acme": {}, "bravo": {Policy: p}}.Check(), "company bravo: "+want)
	}
	assert.ErrorContains(t, settings.Policy{MissingAfter: -1}.Check(), "missing after -1 settlements")
	assert.NoError(t, settings.ByCompany{"acme": {}, "bravo": {}}.Check())
}
