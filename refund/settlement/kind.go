package settlement

import (
	"strings"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// kind tells what the rows of a transaction-type are for the buyer's money.
type kind int

const (
	counted   kind = iota // no refund: sales
	refunded              // a refund, whoever asked for it
	claimed               // a refund that Amazon or a bank decided: never one more of ours
	strange               // unknown here: fees, transfers, and a claim where it takes the price of an item back
	corrected             // money back from the buyer, or another tax
)

// kindOf knows the transaction types that settlements are known to have for money
// that goes back, as V1, V2 and XML spell them. Amazon publishes no list of them;
// they may end in " - Reversal" or " - Correction". Whatever is not known and takes the
// price of an item back is better shown as Amazon's own than left out.
func kindOf(transaction string) kind {
	name, reversal := strings.CutSuffix(fold(transaction), "reversal")
	name = strings.TrimSuffix(name, "correction")
	k := strange
	switch name {
	case "order":
		k = counted
	case "refund":
		k = refunded
	case "atozguaranteerefund", "guaranteeclaim", "chargebackrefund", "chargeback":
		k = claimed
	case "orderretrocharge", "refundretrocharge", "retrocharge":
		k = corrected
	}
	if reversal && k != counted && k != strange {
		return corrected
	}
	return k
}

// foreign reports whether rows are of a type that is not known, and take no price back
// that a buyer had paid.
func (g *group) foreign() bool {
	if kindOf(g.key.kind) != strange {
		return false
	}
	price := decimal.Zero
	for _, row := range g.rows {
		for _, a := range row.amounts {
			if fold(a.Type) == "itemprice" {
				price = price.Add(a.Amount.Decimal())
			}
		}
	}
	return !price.IsNegative()
}

// fold makes codes that differ in case, spaces, - and _ the same.
func fold(code string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, code)
}

// components are the descriptions of what a buyer pays or gets, and those of the
// promotions that are taken off it.
var components = map[string]order.Component{
	"principal": order.Principal, "tax": order.Tax, "shipping": order.Shipping, "shippingtax": order.ShippingTax,
	"giftwrap": order.GiftWrap, "giftwraptax": order.GiftWrapTax,
	"goodwill": order.Goodwill, "returnshipping": order.ReturnShipping, "restockingfee": order.RestockingFee,
	"taxdiscount": order.Tax,
}

// taxes are the components that Amazon may have withheld.
var taxes = []order.Component{order.Tax, order.ShippingTax, order.GiftWrapTax}

// withheld tells the descriptions of tax that Amazon keeps back from the merchant,
// or gives back to him, on the way to a tax office. They stand under different
// amount-types.
func withheld(description string) bool {
	for _, prefix := range []string{"marketplacefacilitator", "lowvaluegoodstax", "tcs", "tds"} {
		if strings.HasPrefix(description, prefix) {
			return true
		}
	}
	return false
}

// add counts one amount of a row where it belongs. Descriptions go before
// amount-types, about which sources disagree. Money of the buyer under a name that
// is not known keeps that name.
func (b *Booking) add(a reportparse.SettlementAmount) {
	amount, description, of := a.Amount.Decimal(), fold(a.Description), fold(a.Type)
	component, known := components[description]
	buyers := of == "itemprice" || of == "promotion"
	switch {
	case of == "itemwithheldtax" || withheld(description):
		b.WithheldTax = b.WithheldTax.Add(amount)
	case known && (buyers || !component.Charged()):
		b.give(component, amount)
	case buyers && a.Description != "":
		b.give(order.Component(a.Description), amount)
	case buyers:
		b.give(order.Component(a.Type), amount)
	case description == "commission":
		b.CommissionReturned = b.CommissionReturned.Add(amount)
	case description == "refundcommission":
		b.CommissionKept = b.CommissionKept.Sub(amount)
	default:
		b.OtherFees = b.OtherFees.Add(amount)
	}
	b.Net = b.Net.Add(amount)
}

// give counts what was taken from the merchant for the buyer.
func (b *Booking) give(c order.Component, amount decimal.Decimal) {
	b.Amounts = b.Amounts.Minus(order.Amounts{c: amount})
}

// net is amounts as a ledger counts them: deductions lower Principal.
func net(a order.Amounts) order.Amounts {
	out := a.Plus(nil)
	for _, c := range []order.Component{order.RestockingFee, order.LabelCost} {
		out = out.Minus(order.Amounts{c: out[c]}).Plus(order.Amounts{order.Principal: out[c]})
	}
	return out
}

// against splits what the buyer got into what counts for a refund of the wanted
// amounts, and the tax beyond them that Amazon had withheld: that is between Amazon
// and a tax office, and makes no difference.
func (b Booking) against(want order.Amounts) (own, beside order.Amounts) {
	own, want = net(b.Amounts), net(want)
	beside = order.Amounts{}
	for _, c := range taxes {
		if beyond := own[c].Sub(want[c]); beyond.Sign() == b.WithheldTax.Sign() && !beyond.IsZero() {
			beside[c] = beyond
		}
	}
	if beside.Total().Abs().GreaterThan(b.WithheldTax.Abs()) {
		return own, nil
	}
	return own.Minus(beside), beside
}

// equals reports whether the buyer got the wanted amounts, fees and withheld tax
// aside.
func (b Booking) equals(want order.Amounts) bool {
	own, _ := b.against(want)
	return own.Equal(net(want))
}
