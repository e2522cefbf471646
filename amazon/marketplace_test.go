package amazon_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func TestMarketplaces(t *testing.T) {
	ms := amazon.Marketplaces()
	assert.Len(t, ms, 23)

	perRegion := map[amazon.Region]int{}
	countries := map[string]bool{}
	for _, m := range ms {
		perRegion[m.Region]++
		countries[m.Country] = true
		assert.NoError(t, m.Currency.Check(), "marketplace %s", m.ID)
		found, known := amazon.LookupMarketplace(m.ID)
		assert.True(t, known, "marketplace %s", m.ID)
		assert.Equal(t, m, found)
	}
	assert.Equal(t, map[amazon.Region]int{amazon.NorthAmerica: 4, amazon.Europe: 16, amazon.FarEast: 3}, perRegion)
	assert.Len(t, countries, 23)
}

func TestLookupMarketplace(t *testing.T) {
	for _, test := range []struct {
		id    order.MarketplaceID
		want  amazon.Marketplace
		known bool
	}{
		{"ATVPDKIKX0DER", amazon.Marketplace{ID: "ATVPDKIKX0DER", Country: "US", Region: amazon.NorthAmerica, Currency: "USD"}, true},
		{"A1F83G8C2ARO7P", amazon.Marketplace{ID: "A1F83G8C2ARO7P", Country: "GB", Region: amazon.Europe, Currency: "GBP"}, true},
		{"A1VC38T7YXB528", amazon.Marketplace{ID: "A1VC38T7YXB528", Country: "JP", Region: amazon.FarEast, Currency: "JPY"}, true},
		{"A38D8NSA03LJTC", amazon.Marketplace{}, false},
		{"", amazon.Marketplace{}, false},
	} {
		got, known := amazon.LookupMarketplace(test.id)
		assert.Equal(t, test.want, got, "marketplace %s", test.id)
		assert.Equal(t, test.known, known, "marketplace %s", test.id)
	}
}

func TestMarketplacesIsACopy(t *testing.T) {
	amazon.Marketplaces()[0].Currency = "XXX"
	assert.NotEqual(t, order.Currency("XXX"), amazon.Marketplaces()[0].Currency)
}
