package refund_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
)

// One of two lamps at 10.00, with or without 1.00 of tax beside each.
func TestTaxModels(t *testing.T) {
	withTax := order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("1.00")}
	for _, tt := range []struct {
		name  string
		model order.TaxModel
		tax   string // charged for both
		ask   refund.Ask
		want  order.Amounts
		warns []string
	}{
		{"named, by units", order.TaxNamed, "2.00", refund.Ask{Units: 1}, withTax, nil},
		{"named, tax forgotten", order.TaxNamed, "2.00", refund.Ask{Amounts: principal("10.00")}, principal("10.00"), []string{"10.00 USD of Principal and no Tax, of which 2.00 USD is left"}},
		{"named, no tax charged", order.TaxNamed, "0", refund.Ask{Amounts: principal("10.00")}, principal("10.00"), nil},
		{"by Amazon, by units", order.TaxByAmazon, "2.00", refund.Ask{Units: 1}, principal("10.00"), []string{"Tax 2.00 USD is left out: Amazon collected it"}},
		{"by Amazon, amounts", order.TaxByAmazon, "2.00", refund.Ask{Amounts: principal("10.00")}, principal("10.00"), nil},
		{"included", order.TaxIncluded, "0", refund.Ask{Units: 1}, principal("10.00"), nil},
		{"without VAT, by units", order.TaxVATExclusive, "2.00", refund.Ask{Units: 1}, withTax, []string{"its price is without VAT: the buyer gets 10.00 USD of Principal and 1.00 USD of tax"}},
		{"without VAT, tax forgotten", order.TaxVATExclusive, "2.00", refund.Ask{Amounts: principal("10.00")}, principal("10.00"), []string{"no Tax, of which 2.00 USD is left"}},
		{"not known, in part", "", "2.00", refund.Ask{Units: 1}, withTax, []string{`tax model ""`}},
		{"not known, in part, without tax", "", "0", refund.Ask{Units: 1}, principal("10.00"), []string{`tax model ""`}},
		{"a word of a newer version", "Reverse", "0", refund.Ask{Units: 1}, principal("10.00"), []string{`tax model "Reverse"`}},
		{"not known, the whole", "", "0", refund.Ask{Units: 2}, principal("20.00"), nil},
		{"not known, goodwill", "", "0", refund.Ask{Amounts: goodwill("1.00")}, goodwill("1.00"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := refund.Decide(taxedAt(tt.model, tt.tax), lamps(tt.ask))
			require.NoError(t, err)
			assert.Empty(t, cmp.Diff(tt.want, d.Total))
			assert.Empty(t, d.Cautions, "none needs to be acknowledged")
			require.Len(t, d.Warnings, len(tt.warns), "%q", d.Warnings)
			for i, text := range tt.warns {
				assert.Contains(t, d.Warnings[i], lamp)
				assert.Contains(t, d.Warnings[i], text)
			}
		})
	}
}

// Tax that Amazon does not take from the seller is refused, not sent and not dropped
// in silence.
func TestTaxIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model order.TaxModel
		ask   refund.Ask
		want  string
	}{
		{"by Amazon", order.TaxByAmazon, refund.Ask{Amounts: order.Amounts{order.Principal: dec("1.00"), order.Tax: dec("0.10")}}, "Amazon collected Tax 0.10 USD"},
		{"by Amazon, of shipping", order.TaxByAmazon, refund.Ask{Amounts: order.Amounts{order.Principal: dec("1.00"), order.ShippingTax: dec("0.10")}}, "Amazon collected ShippingTax 0.10 USD"},
		{"by Amazon, of gift wrap", order.TaxByAmazon, refund.Ask{Amounts: order.Amounts{order.Principal: dec("1.00"), order.GiftWrapTax: dec("0.10")}}, "Amazon collected GiftWrapTax 0.10 USD"},
		{"included, and asked for", order.TaxIncluded, refund.Ask{Amounts: order.Amounts{order.Principal: dec("1.00"), order.Tax: dec("0.10")}}, "includes the tax, and Tax 0.10 USD stands beside it"},
		{"included, and charged", order.TaxIncluded, refund.Ask{Units: 1}, "includes the tax, and Tax 2.00 USD stands beside it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := refund.Decide(taxedAt(tt.model, "2.00"), lamps(tt.ask))
			require.ErrorIs(t, err, refund.ErrTax)
			errTexts{lamp, tt.want}.in(t, err)
		})
	}
}

func lamps(a refund.Ask) refund.Request {
	a.Item = lamp
	return ask(a)
}

func taxedAt(model order.TaxModel, tax string) refund.Facts {
	o := newOrder()
	o.Lines = []order.Line{{Item: lamp, SKU: "LAMP", Ordered: 2, Shipped: 2, TaxModel: model, Charges: order.Amounts{order.Principal: dec("20.00"), order.Tax: dec(tax)}}}
	return newFacts(o)
}
