package order

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// CheckKit refuses a recipe by which goods or money could not be divided: a part
// without a SKU, of less than one unit, with a share below zero, or that stands in
// it twice. A line that is not a kit has no recipe, and passes.
func (l Line) CheckKit() error {
	for i, p := range l.Kit {
		switch {
		case p.SKU == "" || p.Quantity < 1:
			return fmt.Errorf("kit part %q × %d: want a SKU and a quantity of at least 1", p.SKU, p.Quantity)
		case p.Share.IsNegative():
			return fmt.Errorf("kit part %q: share %s: want 0 or more", p.SKU, p.Share)
		case slices.ContainsFunc(l.Kit[:i], func(q Part) bool { return q.SKU == p.SKU }):
			return fmt.Errorf("kit part %q stands twice in the recipe: add the two up", p.SKU)
		}
	}
	return nil
}

// KitShares divides amounts of a kit among its parts, in the order of the recipe,
// by Part.Share, or by Part.Quantity where no part has one. Component by component
// they add up to exactly the amounts. A line that is not a kit has no shares.
func KitShares(kit []Part, a Amounts, c Currency) []Amounts {
	shares := make([]Amounts, len(kit))
	weights := make([]decimal.Decimal, len(kit))
	byShare := slices.ContainsFunc(kit, func(p Part) bool { return !p.Share.IsZero() })
	for i, p := range kit {
		shares[i] = Amounts{}
		weights[i] = p.Share
		if !byShare {
			weights[i] = decimal.NewFromInt(int64(p.Quantity))
		}
	}
	for _, comp := range a.Components() {
		for i, part := range Allocate(a[comp], weights, c) {
			if !part.IsZero() {
				shares[i][comp] = part
			}
		}
	}
	return shares
}

// KitValue is what some parts of so many kits are worth, of what was paid for
// these kits: of each part its share, by how many of its units there are, which
// are given by SKU. More parts are never worth less, and all parts of all kits
// are worth exactly what was paid: who refunds the value of what is back, less
// what was refunded before, ends at the cent.
func KitValue(kit []Part, paid Amounts, kits int, parts map[string]int, c Currency) Amounts {
	value := Amounts{}
	for i, share := range KitShares(kit, paid, c) {
		value = value.Plus(Prorate(share, parts[kit[i].SKU], kits*kit[i].Quantity, c))
	}
	return value
}
