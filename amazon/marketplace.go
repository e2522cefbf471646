package amazon

import (
	"slices"

	"github.com/takebackhq/takeback/order"
)

// Marketplace is one of Amazon's sites.
type Marketplace struct {
	ID       order.MarketplaceID
	Country  string // ISO 3166-1 alpha-2; GB where Amazon also writes UK
	Region   Region
	Currency order.Currency // in which the site sells
}

// marketplaces as Amazon's Selling Partner API documentation listed them in
// 2026, under "Marketplace IDs".
var marketplaces = [...]Marketplace{
	{"A2EUQ1WTGCTBG2", "CA", NorthAmerica, "CAD"},
	{"ATVPDKIKX0DER", "US", NorthAmerica, "USD"},
	{"A1AM78C64UM0Y8", "MX", NorthAmerica, "MXN"},
	{"A2Q3Y263D00KWC", "BR", NorthAmerica, "BRL"},

	{"A28R8C7NBKEWEA", "IE", Europe, "EUR"},
	{"A1RKKUPIHCS9HS", "ES", Europe, "EUR"},
	{"A1F83G8C2ARO7P", "GB", Europe, "GBP"},
	{"A13V1IB3VIYZZH", "FR", Europe, "EUR"},
	{"AMEN7PMS3EDWL", "BE", Europe, "EUR"},
	{"A1805IZSGTT6HS", "NL", Europe, "EUR"},
	{"A1PA6795UKMFR9", "DE", Europe, "EUR"},
	{"APJ6JRA9NG5V4", "IT", Europe, "EUR"},
	{"A2NODRKZP88ZB9", "SE", Europe, "SEK"},
	{"A1C3SOZRARQ6R3", "PL", Europe, "PLN"},
	{"AE08WJ6YKNBMC", "ZA", Europe, "ZAR"},
	{"ARBP9OOSHTCHU", "EG", Europe, "EGP"},
	{"A33AVAJ2PDY3EV", "TR", Europe, "TRY"},
	{"A17E79C6D8DWNP", "SA", Europe, "SAR"},
	{"A2VIGQ35RCS4UG", "AE", Europe, "AED"},
	{"A21TJRUUN4KGV", "IN", Europe, "INR"},

	{"A19VAU5U5O7RUS", "SG", FarEast, "SGD"},
	{"A39IBJ37TRP1C6", "AU", FarEast, "AUD"},
	{"A1VC38T7YXB528", "JP", FarEast, "JPY"},
}

// Marketplaces lists the marketplaces that this version knows, by region. The
// slice is the caller's.
func Marketplaces() []Marketplace { return slices.Clone(marketplaces[:]) }

// LookupMarketplace finds a marketplace by its ID. An unknown ID is no mistake:
// Amazon opens new sites, and orders from "Non-Amazon" channels carry IDs of
// their own.
func LookupMarketplace(id order.MarketplaceID) (Marketplace, bool) {
	i := slices.IndexFunc(marketplaces[:], func(m Marketplace) bool { return m.ID == id })
	if i < 0 {
		return Marketplace{}, false
	}
	return marketplaces[i], true
}
