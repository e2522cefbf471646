package amazon

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// ConcessionCaps is how much a seller may give the buyer of one order beyond what
// was charged for it.
type ConcessionCaps struct {
	Marketplace order.MarketplaceID
	Currency    order.Currency

	// ReturnShipping may be so many times the shipping that the buyer paid, and so
	// much beside.
	ShippingTimes int64
	ShippingPlus  decimal.Decimal

	Other decimal.Decimal // all other concessions together

	Source string // where Amazon says so
	AsOf   string // when that was read: year and month
}

// concessionCaps are the marketplaces whose caps Amazon has published. Elsewhere
// there are caps too; nobody outside knows them.
var concessionCaps = [...]ConcessionCaps{
	{
		Marketplace: "A1VC38T7YXB528", Currency: "JPY",
		ShippingTimes: 2, ShippingPlus: decimal.New(1000, 0), Other: decimal.New(12_000, 0),
		Source: "Seller Central help G200359070, Japan", AsOf: "2026-08",
	},
	{
		Marketplace: "A19VAU5U5O7RUS", Currency: "SGD",
		ShippingTimes: 2, ShippingPlus: decimal.New(10, 0), Other: decimal.New(150, 0),
		Source: "Seller Central help G200359070, Singapore", AsOf: "2026-08",
	},
}

// ConcessionCapsOf finds the caps of a marketplace; false when none are known.
func ConcessionCapsOf(m order.MarketplaceID) (ConcessionCaps, bool) {
	i := slices.IndexFunc(concessionCaps[:], func(c ConcessionCaps) bool { return c.Marketplace == m })
	if i < 0 {
		return ConcessionCaps{}, false
	}
	return concessionCaps[i], true
}

// Check refuses concessions above the caps. given are those of the whole order,
// and shipping is what its buyer paid for it, both in the currency of the caps.
func (c ConcessionCaps) Check(given order.Amounts, shipping decimal.Decimal) error {
	returnShipping := shipping.Mul(decimal.NewFromInt(c.ShippingTimes)).Add(c.ShippingPlus)
	for _, limit := range []struct {
		component order.Component
		at        decimal.Decimal
	}{{order.ReturnShipping, returnShipping}, {order.Goodwill, c.Other}} {
		if v := given[limit.component]; v.GreaterThan(limit.at) {
			return fmt.Errorf("%s of %s for the order: marketplace %s allows at most %s (%s, as of %s)",
				limit.component, order.Format(v, c.Currency), c.Marketplace, order.Format(limit.at, c.Currency), c.Source, c.AsOf)
		}
	}
	return nil
}
