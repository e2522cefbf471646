package refund

import (
	"fmt"

	"github.com/takebackhq/takeback/order"
)

var taxes = [...]order.Component{order.Tax, order.ShippingTax, order.GiftWrapTax}

// taxOf is the tax among amounts.
func taxOf(a order.Amounts) order.Amounts {
	tax := order.Amounts{}
	for _, c := range taxes {
		tax[c] = a[c]
	}
	return tax.Plus(nil)
}

// taxed is what of a line may be shared out by its tax model. Tax that Amazon
// collected as marketplace facilitator is Amazon's to give back, and is left out.
func taxed(d *Draft, of order.Line, share order.Amounts, cur order.Currency) (order.Amounts, error) {
	tax := taxOf(share)
	switch {
	case tax.IsZero():
	case of.TaxModel == order.TaxByAmazon:
		d.warn("item %s: %s is left out: Amazon collected it, and gives it back itself", of.Item, tax.In(cur))
		return share.Minus(tax), nil
	default:
		return share, taxable(of, share, cur)
	}
	return share, nil
}

// taxable refuses tax that Amazon does not take from the seller.
func taxable(of order.Line, a order.Amounts, cur order.Currency) error {
	tax := taxOf(a)
	switch {
	case tax.IsZero():
	case of.TaxModel == order.TaxByAmazon:
		return fmt.Errorf("item %s: %w: Amazon collected %s, and gives it back itself: leave it out", of.Item, ErrTax, tax.In(cur))
	case of.TaxModel == order.TaxIncluded:
		return fmt.Errorf("item %s: %w: its price includes the tax, and %s stands beside it: want both in one, in the order's charges and in the refund", of.Item, ErrTax, tax.In(cur))
	}
	return nil
}

// warnOfTax says what a person should check of a line's tax before it is queued.
func (f Facts) warnOfTax(d *Draft, of order.Line, l Line, left order.Amounts) {
	price := l.Amounts[order.Principal]
	tax := taxOf(l.Amounts)
	switch cur := d.Refund.Currency; of.TaxModel {
	case order.TaxByAmazon, order.TaxIncluded:
	case order.TaxNamed, order.TaxVATExclusive:
		switch {
		case price.IsPositive() && tax.IsZero() && left[order.Tax].IsPositive():
			d.warn("item %s: the buyer gets %s of Principal and no Tax, of which %s is left", of.Item, order.Format(price, cur), order.Format(left[order.Tax], cur))
		case price.IsPositive() && of.TaxModel == order.TaxVATExclusive:
			d.warn("item %s: its price is without VAT: the buyer gets %s of Principal and %s of tax beside it", of.Item, order.Format(price, cur), order.Format(tax.Total(), cur))
		}
	default:
		if partial := !left.IsZero(); partial && !l.Gross.Minus(concessions(l.Gross)).IsZero() {
			d.warn("item %s: who collects its tax is not known (tax model %q): check that %s is the buyer's share", of.Item, string(of.TaxModel), l.Amounts.In(cur))
		}
	}
}

func concessions(a order.Amounts) order.Amounts {
	return order.Amounts{order.Goodwill: a[order.Goodwill], order.ReturnShipping: a[order.ReturnShipping]}
}
