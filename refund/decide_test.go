package refund_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/store"
)

func newFacts(orders ...order.Order) refund.Facts {
	return refund.Facts{Account: acme, Orders: orders, Ledger: order.Ledger{Order: sold}, Now: noon}
}

// after is what a decision rests on once a draft was saved.
func after(t require.TestingT, f refund.Facts, d refund.Draft) refund.Facts {
	charged, err := f.Ledger.Charge(order.Stamp{}, f.Orders...)
	require.NoError(t, err)
	f.Ledger = f.Ledger.With(charged...)
	f.Ledger.Version++
	for _, line := range d.Refund.Lines {
		reserved, err := f.Ledger.Reserve(d.Refund.Cause(), line.Item, line.Amounts, d.Refund.OverRefund, order.Stamp{})
		require.NoError(t, err)
		f.Ledger = f.Ledger.With(reserved...)
	}
	f.Refunds = append(f.Refunds, d.Refund)
	return f
}

func TestDecideRefuses(t *testing.T) {
	type (
		facts   = refund.Facts
		request = refund.Request
	)
	for _, tt := range []struct {
		name   string
		change func(*facts, *request)
		want   errTexts
	}{
		{"an order number without hyphens", func(_ *facts, r *request) { r.Order.Number = "11112345671234567" }, errTexts{"3-7-7 digits"}},
		{"a broken order", func(f *facts, _ *request) { f.Orders[0].Lines[0].Ordered = 0 }, errTexts{"acme/SO-1", "ordered quantity 0"}},
		{"nobody asks", func(_ *facts, r *request) { r.By = "" }, errTexts{"By"}},
		{"somebody whose name does not show", func(_ *facts, r *request) { r.By = "anna\x00" }, errTexts{"By", `actor "anna\x00"`}},
		{"no lines", func(_ *facts, r *request) { r.Lines = nil }, errTexts{"no lines"}},
		{"no reason", func(_ *facts, r *request) { r.Reason = "" }, errTexts{`reason ""`, "CustomerReturn"}},
		{"a reason nobody knows", func(_ *facts, r *request) { r.Reason = "Whim" }, errTexts{`reason "Whim"`}},
		{"a key with blanks around", func(_ *facts, r *request) { r.Key = " k" }, errTexts{"key"}},
		{"an origin nobody knows", func(_ *facts, r *request) { r.Origin = "Mars" }, errTexts{"Mars"}},
		{"of an RMA that is not named", func(_ *facts, r *request) { r.Origin = refund.FromRMA }, errTexts{"RMA"}},
		{"unknown account", func(f *facts, _ *request) { f.Account = amazon.Account{} }, errTexts{"account acme-us is unknown"}},
		{"account of another company", func(f *facts, _ *request) { f.Account.Company = "bravo" }, errTexts{"acme-us", "bravo", "acme/SO-1"}},
		{"an item of another order", func(_ *facts, r *request) { r.Lines[0].Item = "99999999999999" }, errTexts{"99999999999999", lamp, mug}},
		{"an ASIN", func(_ *facts, r *request) { r.Lines[0].Item = "B0EXAMPLE1" }, errTexts{"B0EXAMPLE1", "ASIN"}},
		{"an item twice", func(_ *facts, r *request) { r.Lines = append(r.Lines, r.Lines[0]) }, errTexts{lamp, "twice"}},
		{"units below zero", func(_ *facts, r *request) { r.Lines[0].Units = -1 }, errTexts{lamp, "-1 units"}},
		{"nothing asked for", func(_ *facts, r *request) { r.Lines[0].Units = 0 }, errTexts{lamp, "name units or amounts"}},
		{"amounts of nothing", func(_ *facts, r *request) { r.Lines[0].Amounts = principal("0.00") }, errTexts{lamp, "refund of nothing", "30.00"}},
		{"an amount below zero", func(_ *facts, r *request) { r.Lines[0].Amounts = principal("-5.00") }, errTexts{lamp, "Principal -5.00 USD is below zero"}},
		{"an amount finer than cents", func(_ *facts, r *request) { r.Lines[0].Amounts = principal("1.005") }, errTexts{lamp, "1.005", "2 decimals"}},
		{"an amount that nobody could write down", func(_ *facts, r *request) {
			r.Lines[0].Amounts = order.Amounts{order.Principal: decimal.New(1, 999_999_999)}
		}, errTexts{lamp, "Principal"}},
		{"a component nobody knows", func(_ *facts, r *request) { r.Lines[0].Amounts = order.Amounts{"Tip": dec("1")} }, errTexts{lamp, `"Tip"`, "Principal"}},
		{"a restocking fee", func(_ *facts, r *request) { r.Lines[0].Amounts = order.Amounts{order.RestockingFee: dec("1")} }, errTexts{"RestockingFee", "lower Principal"}},
		{"a label cost", func(_ *facts, r *request) { r.Lines[0].Amounts = order.Amounts{order.LabelCost: dec("1")} }, errTexts{"LabelCost", "lower Principal"}},
		{"an item ID that lost a digit", func(f *facts, r *request) {
			f.Orders[0].Lines[0].Item, r.Lines[0].Item = "1111111111111", "1111111111111"
		}, errTexts{"13 digits"}},
		{"thousandths, which Amazon does not take", func(f *facts, r *request) {
			f.Orders[0].Currency = "KWD"
			r.Lines[0].Amounts = principal("1.005")
		}, errTexts{lamp, "1.005", "2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, r := newFacts(newOrder()), ask(refund.Ask{Item: lamp, Units: 1})
			_, err := refund.Decide(f, r)
			require.NoError(t, err, "without the change it is fine")

			tt.change(&f, &r)
			d, err := refund.Decide(f, r)
			tt.want.in(t, err)
			assert.Empty(t, d.Refund.ID, "nothing is drafted")
		})
	}
}

// errTexts are what an error must say.
type errTexts []string

func (want errTexts) in(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, text := range want {
		assert.ErrorContains(t, err, text)
	}
}

func TestDecideRefusesBySentinel(t *testing.T) {
	byAmazon, split := newOrder(), newOrder()
	byAmazon.Fulfilment = order.ByAmazon
	split.Currency, split.ID.Number = "EUR", "SO-2"
	over := ask(refund.Ask{Item: lamp, Amounts: principal("30.01")})
	over.OverRefund = true
	euros := ask(refund.Ask{Item: lamp, Units: 1})
	euros.Currency = "EUR"
	ofRMA := ask(refund.Ask{Item: lamp, Units: 2, Returned: 1})
	ofRMA.RMA = "RM1"
	stale := ask(refund.Ask{Item: lamp, Units: 1})
	stale.Token = "5e5e5e"

	for _, tt := range []struct {
		name    string
		facts   refund.Facts
		request refund.Request
		want    error
	}{
		{"an order that the book does not have", newFacts(), ask(refund.Ask{Item: lamp, Units: 1}), store.ErrNotFound},
		{"an order that Amazon fulfils", newFacts(byAmazon), ask(refund.Ask{Item: lamp, Units: 1}), refund.ErrAmazonFulfilled},
		{"another currency", newFacts(newOrder()), euros, order.ErrCurrency},
		{"host orders in two currencies", newFacts(newOrder(), split), ask(refund.Ask{Item: lamp, Units: 1}), order.ErrCurrency},
		{"an item that has not shipped", newFacts(newOrder()), ask(refund.Ask{Item: vase, Units: 1}), refund.ErrNotShipped},
		{"money of an item that has not shipped", newFacts(newOrder()), ask(refund.Ask{Item: vase, Amounts: principal("1.00")}), refund.ErrNotShipped},
		{"more units than have shipped", newFacts(newOrder()), ask(refund.Ask{Item: mug, Units: 2}), refund.ErrNotShipped},
		{"more money than what shipped cost", newFacts(newOrder()), ask(refund.Ask{Item: mug, Amounts: principal("10.01")}), refund.ErrNotShipped},
		{"more units than were ordered", newFacts(newOrder()), ask(refund.Ask{Item: lamp, Units: 4}), order.ErrOver},
		{"more units than come back", newFacts(newOrder()), ofRMA, order.ErrOver},
		{"over-refund with the setting off", newFacts(newOrder()), over, refund.ErrOverNotAllowed},
		{"a token of no draft", newFacts(newOrder()), stale, store.ErrConflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := refund.Decide(tt.facts, tt.request)
			assert.ErrorIs(t, err, tt.want)
			assert.ErrorContains(t, err, sold.Number)
		})
	}
}

// A component is limited by its own charge, a concession by what is left of the
// whole order; both less what was promised and paid before.
func TestDecideRefusesMoreThanIsLeft(t *testing.T) {
	fresh := newFacts(newOrder())
	earlier, err := refund.Decide(fresh, ask(refund.Ask{Item: lamp, Amounts: principal("12.00")}))
	require.NoError(t, err)
	used := after(t, fresh, earlier)
	paid := used
	paid.Ledger = used.Ledger.With(used.Ledger.Post(earlier.Refund.Cause(), lamp, order.Stamp{})...)

	for _, tt := range []struct {
		name    string
		facts   refund.Facts
		amounts order.Amounts
		want    order.OverError
	}{
		{"more than charged", fresh, principal("30.01"), order.OverError{
			Item: lamp, Component: order.Principal, Asked: dec("30.01"), Charged: dec("30"),
		}},
		{"a component that was not charged", fresh, order.Amounts{order.GiftWrap: dec("0.01")}, order.OverError{
			Item: lamp, Component: order.GiftWrap, Asked: dec("0.01"),
		}},
		{"more than is left beside a promise", used, principal("18.01"), order.OverError{
			Item: lamp, Component: order.Principal, Asked: dec("18.01"), Charged: dec("30"), Reserved: dec("12"),
		}},
		{"more than is left after a payment", paid, principal("18.01"), order.OverError{
			Item: lamp, Component: order.Principal, Asked: dec("18.01"), Charged: dec("30"), Posted: dec("12"),
		}},
		{"goodwill beyond the order", used, goodwill("51.51"), order.OverError{
			Asked: dec("51.51"), Charged: dec("63.50"), Reserved: dec("12"),
		}},
		{"charges and goodwill together beyond the order", used, order.Amounts{order.Principal: dec("18"), order.Goodwill: dec("33.51")}, order.OverError{
			Asked: dec("51.51"), Charged: dec("63.50"), Reserved: dec("12"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := refund.Decide(tt.facts, ask(refund.Ask{Item: lamp, Amounts: tt.amounts}))
			require.ErrorIs(t, err, order.ErrOver)
			var got *order.OverError
			require.ErrorAs(t, err, &got)
			tt.want.Order, tt.want.Currency = sold, "USD"
			assert.Empty(t, cmp.Diff(tt.want, *got))
		})
	}
}

// What fits to the cent is granted.
func TestDecideGrantsAllThatIsLeft(t *testing.T) {
	f := newFacts(newOrder())
	first, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: principal("12.00")}))
	require.NoError(t, err)
	f = after(t, f, first)

	second, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: principal("18.00").Plus(goodwill("33.50"))}))
	require.NoError(t, err)
	assert.Equal(t, "51.50 USD", second.Refund.Total().String())
	assert.True(t, after(t, f, second).Ledger.LeftTotal().IsZero())
}

func TestDecideShowsWhatTheBuyerGets(t *testing.T) {
	r := ask(refund.Ask{Item: lamp, Units: 1, Shipping: true})
	r.Lines = append(r.Lines, refund.Ask{Item: mug, Units: 1, Amounts: principal("4.00")})
	d, err := refund.Decide(newFacts(newOrder()), r)
	require.NoError(t, err)

	assert.Empty(t, cmp.Diff([]refund.Line{
		{Item: lamp, SKU: "LAMP", Units: 1, Outcome: refund.LineOpen, Amounts: order.Amounts{
			order.Principal: dec("10.00"), order.Tax: dec("0.83"), order.Shipping: dec("2.00"),
		}, Gross: order.Amounts{
			order.Principal: dec("10.00"), order.Tax: dec("0.83"), order.Shipping: dec("2.00"),
		}},
		{Item: mug, SKU: "MUG", Units: 1, Outcome: refund.LineOpen, Amounts: principal("4.00"), Gross: principal("4.00")},
	}, d.Refund.Lines))
	assert.Empty(t, cmp.Diff(order.Amounts{
		order.Principal: dec("14.00"), order.Tax: dec("0.83"), order.Shipping: dec("2.00"),
	}, d.Total))
	assert.Empty(t, cmp.Diff([]refund.Balance{
		{
			Item:     lamp,
			Charged:  order.Amounts{order.Principal: dec("30"), order.Tax: dec("2.50"), order.Shipping: dec("6")},
			Refunded: order.Amounts{}, Reserved: order.Amounts{},
			Left: order.Amounts{order.Principal: dec("20"), order.Tax: dec("1.67"), order.Shipping: dec("4")},
		},
		{Item: mug, Charged: principal("20"), Refunded: order.Amounts{}, Reserved: order.Amounts{}, Left: principal("16")},
	}, d.Balances))
	assert.Equal(t, order.Stamp{By: "ann", At: noon}, d.Refund.Issued)
	assert.Equal(t, refund.FromOrder, d.Refund.Origin)
	assert.Empty(t, d.Warnings)
}

// A split leaves units of a line on several host orders, while the money stays
// with the Amazon order: one unit of three is a third of it.
func TestDecideSharesALineThatWasSplit(t *testing.T) {
	one, two := newOrder(), newOrder()
	one.Lines = one.Lines[:1]
	two.Lines, two.ID.Number = two.Lines[:1], "SO-1-B"
	one.Lines[0].Ordered, one.Lines[0].Shipped = 1, 1
	two.Lines[0].Ordered, two.Lines[0].Shipped = 2, 2
	one.Lines[0].Charges, one.Lines[0].Promotions = principal("10.00"), nil
	two.Lines[0].Charges, two.Lines[0].Promotions = principal("20.00"), nil

	for _, orders := range [][]order.Order{{one, two}, {two, one}} {
		d, err := refund.Decide(newFacts(orders...), ask(refund.Ask{Item: lamp, Units: 1}))
		require.NoError(t, err)
		assert.Equal(t, "10.00 USD", d.Refund.Total().String())

		all, err := refund.Decide(newFacts(orders...), ask(refund.Ask{Item: lamp, Units: 3}))
		require.NoError(t, err)
		assert.Equal(t, "30.00 USD", all.Refund.Total().String())
	}
}

// Law 6: refunding the units of a line in any number of parts adds up to exactly
// the line.
func TestPartialRefundsAddUpToTheLine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cur := rapid.SampledFrom([]order.Currency{"USD", "JPY", "KWD"}).Draw(rt, "currency")
		digits := min(cur.Digits(), 2) // Amazon takes no more
		// A line's amounts must be sendable in any part: thousandths are not, so
		// Kuwaiti lines cost a whole number of hundredths for each unit.
		units := rapid.IntRange(1, 7).Draw(rt, "units")
		step := int64(1)
		if cur.Digits() > 2 {
			step = int64(units)
		}
		amount := func(name string) decimal.Decimal {
			return decimal.New(rapid.Int64Range(10, 100_000).Draw(rt, name)*step, -digits)
		}
		withShipping := rapid.Bool().Draw(rt, "with shipping")
		o := newOrder()
		o.Currency = cur
		o.Lines = []order.Line{{Item: lamp, SKU: "LAMP", Ordered: units, Shipped: units, Charges: order.Amounts{
			order.Principal: amount("principal"), order.Tax: amount("tax"),
			order.Shipping: amount("shipping"), order.ShippingTax: amount("shipping tax"),
		}}}
		paid, kept := o.Lines[0].Paid(), order.Amounts{}
		if !withShipping {
			kept = order.Amounts{order.Shipping: paid[order.Shipping], order.ShippingTax: paid[order.ShippingTax]}
		}

		f, total := newFacts(o), order.Amounts{}
		for left := units; left > 0; {
			n := rapid.IntRange(1, left).Draw(rt, "refunded")
			d, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Units: n, Shipping: withShipping}))
			require.NoError(rt, err)
			total, f, left = total.Plus(d.Total), after(rt, f, d), left-n
		}
		assert.Empty(rt, cmp.Diff(paid.Minus(kept), total))
		assert.Empty(rt, cmp.Diff(kept, f.Ledger.Left(lamp)))
	})
}

func TestOverRefund(t *testing.T) {
	f := newFacts(newOrder())
	f.Settings.AllowOverRefund = true
	r := ask(refund.Ask{Item: lamp, Amounts: order.Amounts{order.Principal: dec("75.00"), order.Tax: dec("1.00")}})

	_, err := refund.Decide(f, r)
	require.ErrorIs(t, err, order.ErrOver, "the setting allows it, and nobody asked for it")

	r.OverRefund = true
	d, err := refund.Decide(f, r)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(order.Amounts{
		order.Principal: dec("30.00"), order.Tax: dec("1.00"), order.Goodwill: dec("45.00"),
	}, d.Refund.Lines[0].Amounts), "what Amazon refuses as Principal travels as Goodwill")
	assert.Equal(t, "12.5", d.Refund.Surplus.String(), "beyond the 63.50 that the buyer paid for the order")
	assert.True(t, d.Refund.OverRefund)
	require.Len(t, d.Warnings, 1)
	assert.Contains(t, d.Warnings[0], "12.50 USD more than was paid")
	assert.Contains(t, d.Warnings[0], "ann")
}

// Beyond one line, and within the order: nothing surplus.
func TestOverRefundWithinTheOrder(t *testing.T) {
	f := newFacts(newOrder())
	f.Settings.AllowOverRefund = true
	r := ask(refund.Ask{Item: lamp, Amounts: principal("31.00")})
	r.OverRefund = true
	d, err := refund.Decide(f, r)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(principal("30.00").Plus(goodwill("1.00")), d.Refund.Lines[0].Amounts))
	assert.True(t, d.Refund.Surplus.IsZero())
}

// A token names what a person saw, and nothing else.
func TestToken(t *testing.T) {
	request := func(change func(*refund.Request)) refund.Request {
		r := ask(refund.Ask{Item: lamp, Amounts: principal("5.00")})
		change(&r)
		return r
	}
	token := func(f refund.Facts, r refund.Request) string {
		d, err := refund.Decide(f, r)
		require.NoError(t, err)
		require.NotEmpty(t, d.Token)
		return d.Token
	}
	f := newFacts(newOrder())
	f.Settings.AllowOverRefund = true
	first := token(f, request(func(*refund.Request) {}))

	for i, same := range []refund.Request{
		request(func(r *refund.Request) { r.Lines[0].Amounts = principal("5") }),
		request(func(r *refund.Request) { r.By, r.Comment = "bob", "sorry" }),
		request(func(r *refund.Request) { r.Key = "k" }),
		request(func(r *refund.Request) { r.Currency, r.Origin = "USD", refund.FromOrder }),
	} {
		assert.Equal(t, first, token(f, same), fmt.Sprint("same ", i))
	}
	tracked := f
	tracked.Ledger.Version = 7
	assert.Equal(t, first, token(tracked, request(func(*refund.Request) {})), "a save that moved no money")

	moved := after(t, f, refund.Draft{Refund: refund.Refund{ID: "RF1", Order: sold, Lines: []refund.Line{{Item: mug, Amounts: principal("1.00")}}}})
	voided := f
	voided.Refunds = []refund.Refund{{ID: "RF1", Order: sold, Lines: []refund.Line{{Item: lamp, Outcome: refund.LineVoided}}}}
	assert.NotEqual(t, first, token(moved, request(func(*refund.Request) {})), "other balances")
	assert.NotEqual(t, first, token(voided, request(func(*refund.Request) {})), "a refund since, whatever became of it")
	for i, other := range []refund.Request{
		request(func(r *refund.Request) { r.Lines[0].Amounts = principal("5.01") }),
		request(func(r *refund.Request) { r.Lines[0].Item = mug }),
		request(func(r *refund.Request) { r.Lines[0].Units = 1 }),
		request(func(r *refund.Request) { r.Reason = amazon.ReasonPriceError }),
		request(func(r *refund.Request) { r.Lines[0].Fees = order.Amounts{order.LabelCost: dec("1")} }),
		request(func(r *refund.Request) { r.SurplusAs = order.ReturnShipping }),
		request(func(r *refund.Request) { r.RMA = "RM1" }),
		request(func(r *refund.Request) { r.OverRefund = true }),
	} {
		assert.NotEqual(t, first, token(f, other), fmt.Sprint("other ", i))
	}
}

// A unit's share of what is left may be less than a cent.
func TestDecideRefusesAShareOfNothing(t *testing.T) {
	f := newFacts(newOrder())
	first, err := refund.Decide(f, ask(refund.Ask{Item: lamp, Amounts: order.Amounts{order.Principal: dec("29.99"), order.Tax: dec("2.50")}}))
	require.NoError(t, err)
	_, err = refund.Decide(after(t, f, first), ask(refund.Ask{Item: lamp, Units: 1}))
	require.ErrorIs(t, err, order.ErrOver)
	assert.ErrorContains(t, err, "Principal 0.01, Shipping 6.00 USD")
}
