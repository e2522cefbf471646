package refund_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

func fees(restocking, label string) order.Amounts {
	return order.Amounts{order.RestockingFee: dec(restocking), order.LabelCost: dec(label)}.Plus(nil)
}

// A refund of 20.00 for two lamps, and what is taken off it.
func TestDeductions(t *testing.T) {
	twenty := principal("20.00")
	for _, tt := range []struct {
		name                  string
		as                    settings.RestockingFee
		fees, amounts, booked order.Amounts
	}{
		{"none", "", nil, twenty, twenty},
		{"a restocking fee lowers Principal", "", fees("3.00", "0"), principal("17.00"), principal("17.00")},
		{"so does the label", "", fees("0", "4.50"), principal("15.50"), principal("15.50")},
		{"and both", "", fees("3.00", "4.50"), principal("12.50"), principal("12.50")},
		{"a fee travels apart", settings.FeeAsComponent, fees("3.00", "0"), principal("17.00"), order.Amounts{
			order.Principal: dec("20.00"), order.RestockingFee: dec("-3.00"),
		}},
		{"a label never does", settings.FeeAsComponent, fees("0", "4.50"), principal("15.50"), principal("15.50")},
		{"a fee apart, a label not", settings.FeeAsComponent, fees("3.00", "4.50"), principal("12.50"), order.Amounts{
			order.Principal: dec("15.50"), order.RestockingFee: dec("-3.00"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, policy(settings.Policy{RestockingFee: tt.as}), newOrder())
			r := ask(refund.Ask{Item: lamp, Units: 2, Amounts: twenty, Fees: tt.fees})
			r.Key = "k"
			id := s.issue(r).ID

			line := s.refund(id).Lines[0]
			assert.Empty(t, cmp.Diff(twenty, line.Gross))
			assert.Empty(t, cmp.Diff(tt.fees.Plus(nil), line.Fees))
			assert.Empty(t, cmp.Diff(tt.amounts, line.Amounts))
			assert.Equal(t, !tt.booked[order.RestockingFee].IsZero(), line.FeeApart)
			assert.Empty(t, cmp.Diff(tt.amounts, s.ledger().Held(s.refund(id).Cause(), lamp)), "the ledger has what the buyer gets")
			sent := s.prepare(id)[0].Messages[0].Message.(amazon.Adjustment)
			require.NoError(t, sent.Check())
			assert.Empty(t, cmp.Diff(tt.booked, sent.Amounts))

			s.apply(s.sent(id, queue.EntryAccepted, accepted(lamp)))
			assert.Equal(t, tt.amounts.Total().String(), s.payment().Refunded.String())
		})
	}
}

func TestDeductionsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		amounts order.Amounts
		fees    order.Amounts
		is      error
		want    errTexts
	}{
		{"more than the Principal", principal("5.00"), fees("3.00", "2.01"), refund.ErrFees, errTexts{lamp, "RestockingFee 3.00, LabelCost 2.01 USD", "Principal of 5.00 USD"}},
		{"no Principal to take it off", order.Amounts{order.Tax: dec("2.00")}, fees("1.00", "0"), refund.ErrFees, errTexts{"RestockingFee 1.00 USD", "0.00 USD"}},
		{"nothing would be left", principal("5.00"), fees("5.00", "0"), nil, errTexts{"a refund of nothing", "5.00"}},
		{"a fee below zero", principal("5.00"), fees("-1.00", "0"), nil, errTexts{"fees", "RestockingFee -1.00 USD is below zero"}},
		{"a fee that is none", principal("5.00"), order.Amounts{order.ReturnShipping: dec("1.00")}, nil, errTexts{"fees", "ReturnShipping is no deduction", "LabelCost"}},
		{"return shipping below zero", order.Amounts{order.Principal: dec("5.00"), order.ReturnShipping: dec("-1.00")}, nil, nil, errTexts{"ReturnShipping -1.00 USD is below zero"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, as := range []settings.RestockingFee{settings.FeeLowersPrincipal, settings.FeeAsComponent} {
				f := newFacts(newOrder())
				f.Settings.Policy.RestockingFee = as
				_, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: tt.amounts, Fees: tt.fees}))
				tt.want.in(t, err)
				assert.True(t, tt.is == nil || assert.ErrorIs(t, err, tt.is))
			}
		})
	}
}

// What was taken off for one unit is not given back with the next. A refund of no
// unit in particular may give it back.
func TestAFeeStaysTaken(t *testing.T) {
	for _, as := range []settings.RestockingFee{settings.FeeLowersPrincipal, settings.FeeAsComponent} {
		f := newFacts(newOrder())
		f.Settings.Policy.RestockingFee = as
		first, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Units: 1, Fees: fees("2.00", "1.00")}))
		require.NoError(t, err)
		assert.Equal(t, "7", first.Total[order.Principal].String())
		f = after(t, f, first)
		second, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Units: 1}))
		require.NoError(t, err)
		assert.Equal(t, "10", second.Total[order.Principal].String(), "%q", as)
		f = after(t, f, second)
		last, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Units: 1}))
		require.NoError(t, err)
		assert.Equal(t, "10", last.Total[order.Principal].String(), "%q", as)

		waived, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: principal("1.00")}))
		require.NoError(t, err)
		last, err = refund.Decide(after(t, f, waived), ask(refund.Ask{Item: lamp, Units: 1}))
		require.NoError(t, err)
		assert.Equal(t, "10", last.Total[order.Principal].String(), "the last unit is worth what it was")
	}
}

// A refund that was refused has taken nothing.
func TestAFeeThatWasNotTaken(t *testing.T) {
	for _, as := range []settings.RestockingFee{settings.FeeLowersPrincipal, settings.FeeAsComponent} {
		s := newShop(t, policy(settings.Policy{RestockingFee: as}), newOrder())
		r := ask(refund.Ask{Item: lamp, Units: 3, Fees: fees("6.00", "0")})
		r.Key = "k"
		s.apply(s.sent(s.issue(r).ID, queue.EntryRefused, refused(lamp)))
		d := s.draft(ask(refund.Ask{Item: lamp, Units: 3}))
		assert.Equal(t, "30", d.Total[order.Principal].String(), "%q", as)
	}
}

// Amazon counts the whole Principal of a refund whose fee travelled apart: what the
// fee kept from the buyer cannot be asked for again.
func TestAFeeApartUsesThePrincipalUp(t *testing.T) {
	whole := ask(refund.Ask{Item: lamp, Amounts: principal("30.00"), Fees: fees("3.00", "0")})
	for as, left := range map[settings.RestockingFee]error{settings.FeeLowersPrincipal: nil, settings.FeeAsComponent: order.ErrOver} {
		f := newFacts(newOrder())
		f.Settings.Policy.RestockingFee = as
		first, err := refund.Decide(f, whole)
		require.NoError(t, err)
		_, err = refund.Decide(after(t, f, first), ask(refund.Ask{Item: lamp, Amounts: principal("0.01")}))
		require.ErrorIs(t, err, left, "%q", as)
	}

	f := newFacts(newOrder())
	f.Settings.Policy.RestockingFee = settings.FeeAsComponent
	whole.Lines[0].Amounts = principal("30.01")
	_, err := refund.Decide(f, whole)
	require.ErrorIs(t, err, order.ErrOver, "30.01 would be sent, though only 27.01 is paid")
	f.Settings.AllowOverRefund, whole.OverRefund = true, true
	d, err := refund.Decide(f, whole)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(principal("27.00").Plus(goodwill("0.01")), d.Total))
}

// However refunds and fees follow each other, what is sent stays within each
// component's charge, and gross, fees and net agree.
func TestFeesAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFacts(newOrder())
		f.Settings.Policy.RestockingFee = rapid.SampledFrom([]settings.RestockingFee{settings.FeeLowersPrincipal, settings.FeeAsComponent}).Draw(rt, "as")
		f.Settings.AllowOverRefund = true
		cents := func(name string, most int64) decimal.Decimal {
			return decimal.New(rapid.Int64Range(0, most).Draw(rt, name), -2)
		}
		sent := order.Amounts{}
		for range rapid.IntRange(1, 5).Draw(rt, "refunds") {
			a := refund.Ask{Item: lamp, Fees: order.Amounts{order.RestockingFee: cents("fee", 400), order.LabelCost: cents("label", 300)}}
			if a.Units = rapid.IntRange(0, 2).Draw(rt, "units"); a.Units == 0 {
				a.Amounts = order.Amounts{order.Principal: cents("principal", 2000), order.Tax: cents("tax", 100)}
			}
			r := ask(a)
			r.OverRefund = rapid.Bool().Draw(rt, "over")
			d, err := refund.Decide(f, r)
			if err != nil {
				continue // refused, and nothing of it counts
			}
			line := d.Refund.Lines[0]
			require.Equal(rt, line.Gross.Total().Sub(line.Fees.Total()).String(), line.Amounts.Total().String())
			sent = sent.Plus(line.Amounts)
			if line.FeeApart {
				sent = sent.Plus(order.Amounts{order.Principal: line.Fees[order.RestockingFee]})
			}
			f = after(rt, f, d)
		}
		for c, charged := range newOrder().Lines[0].Paid() {
			require.True(rt, sent[c].LessThanOrEqual(charged), "%s %s of %s", c, sent[c], charged)
		}
	})
}

// What goes beyond the charges travels as the caller says.
func TestSurplusAs(t *testing.T) {
	for as, want := range map[order.Component]order.Component{"": order.Goodwill, order.Goodwill: order.Goodwill, order.ReturnShipping: order.ReturnShipping} {
		f := newFacts(newOrder())
		f.Settings.AllowOverRefund = true
		r := ask(refund.Ask{Item: lamp, Amounts: principal("94.00")})
		r.OverRefund, r.SurplusAs = true, as
		d, err := refund.Decide(f, r)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(order.Amounts{order.Principal: dec("30.00"), want: dec("64.00")}, d.Total))
		assert.Contains(t, d.Warnings[len(d.Warnings)-1], "30.50 USD more than was paid, as "+string(want))
	}
	r := ask(refund.Ask{Item: lamp, Units: 1})
	r.SurplusAs = order.Principal
	_, err := refund.Decide(newFacts(newOrder()), r)
	assert.ErrorContains(t, err, `surplus as "Principal": want Goodwill or ReturnShipping`)
}

// A goodwill refund is of concessions and of nothing else.
func TestGoodwillRefund(t *testing.T) {
	r := ask(refund.Ask{Item: lamp, Amounts: goodwill("5.00").Plus(order.Amounts{order.ReturnShipping: dec("4.00")})})
	r.Origin = refund.FromGoodwill
	d, err := refund.Decide(newFacts(newOrder()), r)
	require.NoError(t, err)
	assert.Equal(t, "9.00 USD", d.Refund.Total().String())
	assert.Equal(t, "30", d.Balances[0].Left[order.Principal].String(), "no charge is used up")

	for want, line := range map[string]refund.Ask{
		"Principal is no goodwill": {Item: lamp, Amounts: principal("1.00").Plus(goodwill("1.00"))},
		"no goodwill: want":        {Item: lamp, Units: 1},
	} {
		r.Lines = []refund.Ask{line}
		_, err := refund.Decide(newFacts(newOrder()), r)
		assert.ErrorContains(t, err, want)
	}
}

// Where Amazon's caps are known they bound the concessions of the whole order, with
// those of earlier refunds.
func TestConcessionsAreCapped(t *testing.T) {
	yen := func(change func(*order.Order)) refund.Facts {
		o := newOrder()
		o.Marketplace, o.Currency = "A1VC38T7YXB528", "JPY"
		o.Lines = []order.Line{{Item: lamp, SKU: "LAMP", Ordered: 1, Shipped: 1, TaxModel: order.TaxIncluded, Charges: order.Amounts{order.Principal: dec("50000"), order.Shipping: dec("500")}}}
		change(&o)
		return newFacts(o)
	}
	f := yen(func(*order.Order) {})
	first, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: goodwill("7000")}))
	require.NoError(t, err)
	used := after(t, f, first)
	paid := used
	paid.Ledger = used.Ledger.With(used.Ledger.Post(first.Refund.Cause(), lamp, order.Stamp{})...)
	for _, tt := range []struct {
		name      string
		facts     refund.Facts
		component order.Component
		at, above string
	}{
		{"goodwill", f, order.Goodwill, "12000", "12001"},
		{"goodwill after goodwill", used, order.Goodwill, "5000", "5001"},
		{"goodwill after goodwill that is paid", paid, order.Goodwill, "5000", "5001"},
		{"return shipping, beside twice the shipping", used, order.ReturnShipping, "2000", "2001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := refund.Decide(tt.facts, ask(refund.Ask{Item: lamp, Amounts: order.Amounts{tt.component: dec(tt.at)}}))
			require.NoError(t, err)
			_, err = refund.Decide(tt.facts, ask(refund.Ask{Item: lamp, Amounts: order.Amounts{tt.component: dec(tt.above)}}))
			require.ErrorIs(t, err, order.ErrOver)
			errTexts{sold.Number, string(tt.component), "A1VC38T7YXB528", "G200359070"}.in(t, err)
		})
	}
	for name, change := range map[string]func(*order.Order){
		"no cap is known there":          func(o *order.Order) { o.Marketplace = "ATVPDKIKX0DER" },
		"the cap is in another currency": func(o *order.Order) { o.Currency = "USD" },
	} {
		_, err = refund.Decide(yen(change), ask(refund.Ask{Item: lamp, Amounts: goodwill("12001")}))
		require.NoError(t, err, name)
	}
}

// The reason travels in Amazon's word at the order's marketplace, as it was when the
// refund was issued.
func TestReasonsOfAMarketplace(t *testing.T) {
	o := newOrder()
	o.Marketplace = "A1VC38T7YXB528"
	s := newShop(t, settings.Settings{}, o)
	usual := s.issue(exactly("k1", "1.00"))
	assert.Equal(t, amazon.RefundCustomerReturn, usual.AmazonReason)
	s.with(func(c *refund.Config) {
		c.Reasons = amazon.RefundReasons{o.Marketplace: {amazon.ReasonCustomerReturn: amazon.RefundGeneralAdjustment}}
	})
	own := s.issue(exactly("k2", "1.00"))
	for id, want := range map[queue.EntryID]amazon.RefundReason{usual.ID: amazon.RefundCustomerReturn, own.ID: amazon.RefundGeneralAdjustment} {
		assert.Equal(t, want, s.prepare(id)[0].Messages[0].Message.(amazon.Adjustment).Reason)
	}

	s.c.Reasons = amazon.RefundReasons{o.Marketplace: {amazon.ReasonCustomerReturn: "Whim"}}
	_, err := refund.New(s.c)
	assert.ErrorContains(t, err, `refund reason "Whim"`)
}
