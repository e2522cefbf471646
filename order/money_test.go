package order_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// components are all that there are, in the order in which they are listed.
var components = []order.Component{
	order.Principal, order.Tax, order.Shipping, order.ShippingTax, order.GiftWrap, order.GiftWrapTax,
	order.Goodwill, order.ReturnShipping, order.RestockingFee, order.LabelCost,
}

// charged are the components that a buyer is charged.
var charged = components[:6]

// drawAmounts draws amounts of up to max minor units, as finely as the currency allows.
func drawAmounts(t *rapid.T, of []order.Component, cur order.Currency, max int64, label string) order.Amounts {
	return rapid.MapOf(
		rapid.SampledFrom(of),
		rapid.Map(rapid.Int64Range(0, max), func(n int64) decimal.Decimal { return decimal.New(n, -cur.Digits()) }),
	).Draw(t, label)
}

func TestCurrencyDigits(t *testing.T) {
	for cur, want := range map[order.Currency]int32{
		"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0,
		"USD": 2, "EUR": 2, "MXN": 2, "SEK": 2, "": 2,
		"KWD": 3, "BHD": 3, "TND": 3,
	} {
		assert.Equal(t, want, cur.Digits(), "%q", cur)
	}
}

func TestCurrencyCheck(t *testing.T) {
	for _, cur := range []order.Currency{"USD", "JPY", "AED"} {
		assert.NoError(t, cur.Check())
	}
	for _, cur := range []order.Currency{"", "US", "USDT", "usd", "UsD", "U$D", "U D", "€"} {
		assert.EqualError(t, cur.Check(), `currency "`+string(cur)+`": want an ISO 4217 code of three capital letters, such as USD`)
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		amount string
		cur    order.Currency
		want   string
	}{
		{"86.4", "USD", "86.40 USD"},
		{"86.40", "USD", "86.40 USD"},
		{"86.4000", "USD", "86.40 USD"},
		{"0", "USD", "0.00 USD"},
		{"-0.5", "USD", "-0.50 USD"},
		{"1e3", "USD", "1000.00 USD"},
		{"0.005", "USD", "0.005 USD"},
		{"9.9990", "USD", "9.999 USD"},
		{"1234", "JPY", "1234 JPY"},
		{"1234.00", "JPY", "1234 JPY"},
		{"1234.5", "JPY", "1234.5 JPY"},
		{"1.5", "KWD", "1.500 KWD"},
		{"1.2345", "KWD", "1.2345 KWD"},
	} {
		assert.Equal(t, test.want, order.Format(dec(test.amount), test.cur), test.amount)
		assert.Equal(t, test.want, order.Money{Amount: dec(test.amount), Currency: test.cur}.String(), test.amount)
	}
}

func TestComponentKinds(t *testing.T) {
	for _, test := range []struct {
		of                  []order.Component
		charged, concession bool
	}{
		{charged, true, false},
		{[]order.Component{order.Goodwill, order.ReturnShipping}, false, true},
		{[]order.Component{order.RestockingFee, order.LabelCost, "Duty", ""}, false, false},
	} {
		for _, c := range test.of {
			assert.Equal(t, test.charged, c.Charged(), "%q charged", c)
			assert.Equal(t, test.concession, c.Concession(), "%q concession", c)
		}
	}
}

func TestAmounts(t *testing.T) {
	a := order.Amounts{order.Tax: dec("0.83"), order.Principal: dec("10.00")}
	b := order.Amounts{order.Tax: dec("0.83"), order.Shipping: dec("4.99"), order.GiftWrap: dec("0")}
	for _, test := range []struct {
		name      string
		got, want order.Amounts
	}{
		{"sum", a.Plus(b), order.Amounts{order.Principal: dec("10"), order.Tax: dec("1.66"), order.Shipping: dec("4.99")}},
		{"difference", a.Minus(b), order.Amounts{order.Principal: dec("10"), order.Shipping: dec("-4.99")}},
		{"sum with nothing", a.Plus(nil), a},
		{"nothing plus", order.Amounts(nil).Plus(a), a},
		{"negation", order.Amounts(nil).Minus(a), order.Amounts{order.Principal: dec("-10"), order.Tax: dec("-0.83")}},
		{"nothing at all", order.Amounts(nil).Plus(nil), nil},
		{"operand a is left alone", a, order.Amounts{order.Principal: dec("10.00"), order.Tax: dec("0.83")}},
		{"operand b is left alone", b, order.Amounts{order.Tax: dec("0.83"), order.Shipping: dec("4.99"), order.GiftWrap: dec("0")}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	assert.Len(t, b.Plus(nil), 2, "zero is left out")
	assert.Empty(t, a.Minus(a), "zero is left out")
	assert.NotNil(t, order.Amounts(nil).Plus(nil), "the result can be written to")
}

func TestAmountsEqual(t *testing.T) {
	a := order.Amounts{order.Principal: dec("1.5")}
	for name, test := range map[string]struct {
		b    order.Amounts
		want bool
	}{
		"other zeros":       {order.Amounts{order.Principal: dec("1.500")}, true},
		"absent is zero":    {order.Amounts{order.Principal: dec("1.5"), order.Tax: dec("0.00")}, true},
		"other amount":      {order.Amounts{order.Principal: dec("1.51")}, false},
		"another component": {order.Amounts{order.Tax: dec("1.5")}, false},
		"one more":          {order.Amounts{order.Principal: dec("1.5"), order.Tax: dec("0.01")}, false},
		"same total":        {order.Amounts{order.Principal: dec("1"), order.Tax: dec("0.5")}, false},
		"nothing":           {nil, false},
	} {
		assert.Equal(t, test.want, a.Equal(test.b), name)
		assert.Equal(t, test.want, test.b.Equal(a), name)
	}
}

func TestAmountsAreListedInOneOrder(t *testing.T) {
	a := order.Amounts{"Zeal": dec("1"), "Aura": dec("1")}
	for _, c := range components {
		a[c] = dec("2.50")
	}
	a[order.Tax] = dec("0")
	want := []order.Component{
		"Aura", "Zeal", // unknown ones stand out
		order.Principal, order.Shipping, order.ShippingTax, order.GiftWrap, order.GiftWrapTax,
		order.Goodwill, order.ReturnShipping, order.RestockingFee, order.LabelCost,
	}
	assert.Equal(t, want, a.Components())

	assert.Equal(t, "Principal 10, Tax 0.83, Goodwill -1.5", order.Amounts{
		order.Goodwill: dec("-1.50"), order.Tax: dec("0.83"), order.Shipping: dec("0"), order.Principal: dec("10.00"),
	}.String())
	assert.Empty(t, order.Amounts(nil).String())
	assert.Empty(t, order.Amounts(nil).Components())
}

func TestAmountsInACurrency(t *testing.T) {
	for _, test := range []struct {
		a    order.Amounts
		cur  order.Currency
		want string
	}{
		{order.Amounts{order.Tax: dec("0.8"), order.Principal: dec("10")}, "USD", "Principal 10.00, Tax 0.80 USD"},
		{order.Amounts{order.Tax: dec("0.00"), order.Principal: dec("1980.00")}, "JPY", "Principal 1980 JPY"},
		{order.Amounts{order.Goodwill: dec("-1.25")}, "KWD", "Goodwill -1.250 KWD"},
		{order.Amounts{order.Principal: dec("1.005")}, "USD", "Principal 1.005 USD"},
		{order.Amounts{order.Principal: dec("0")}, "USD", "nothing"},
		{nil, "USD", "nothing"},
	} {
		assert.Equal(t, test.want, test.a.In(test.cur))
	}
}

func TestAmountsTotal(t *testing.T) {
	for want, a := range map[string]order.Amounts{
		"0":     nil,
		"0.00":  {order.Tax: dec("0.00")},
		"15.82": {order.Principal: dec("10"), order.Tax: dec("0.83"), order.Shipping: dec("4.99")},
		"-1":    {order.Principal: dec("4"), order.RestockingFee: dec("-5")},
	} {
		assert.Truef(t, a.Total().Equal(dec(want)), "total of %s: got %s, want %s", a, a.Total(), want)
		assert.Equal(t, len(a.Components()) == 0, a.IsZero(), a)
	}
}

func TestAmountsAreAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAmounts(t, components, "KWD", 1<<50, "a")
		b := drawAmounts(t, components, "KWD", 1<<50, "b")
		assert.True(t, a.Plus(b).Minus(b).Equal(a))
		assert.True(t, a.Plus(b).Equal(b.Plus(a)))
		assert.True(t, a.Plus(b).Total().Equal(a.Total().Add(b.Total())))
		assert.True(t, a.Minus(a).IsZero())
		assert.Equal(t, a.Equal(b), b.Equal(a))
	})
}

// A host may keep amounts as JSON: not a digit is lost, and none is turned into
// a float on the way.
func TestAmountsKeepAllDigitsInJSON(t *testing.T) {
	a := order.Amounts{
		order.Principal: dec("12345678901234567890.123456789012345678"),
		order.Tax:       dec("0.10"),
		order.Goodwill:  dec("-0.000000000000000000001"),
		order.Shipping:  dec("1e20"),
	}
	text, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Principal":"12345678901234567890.123456789012345678","Tax":"0.1","Goodwill":"-0.000000000000000000001","Shipping":"100000000000000000000"}`, string(text))

	var back order.Amounts
	require.NoError(t, json.Unmarshal(text, &back))
	if diff := cmp.Diff(a, back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	var numbers order.Amounts
	require.NoError(t, json.Unmarshal([]byte(`{"Principal":12345678901234567890.123456789012345678,"Tax":0.1}`), &numbers))
	assert.Equal(t, "Principal 12345678901234567890.123456789012345678, Tax 0.1", numbers.String())
}

func TestCheckAmounts(t *testing.T) {
	for _, a := range []order.Amounts{
		nil,
		{order.Principal: dec("0")},
		{order.Principal: dec("19.99"), order.Goodwill: dec("5"), order.RestockingFee: dec("2.5")},
		{order.Principal: dec("19.9900")},
		{order.Principal: dec("1e3")},
	} {
		assert.NoError(t, order.CheckAmounts(a, "USD"), a)
	}
	for _, test := range []struct {
		name string
		a    order.Amounts
		cur  order.Currency
		want string
	}{
		{"below zero", order.Amounts{order.Tax: dec("-1")}, "USD", "Tax -1.00 USD is below zero; amounts are positive"},
		{"half a cent", order.Amounts{order.Principal: dec("9.995")}, "USD", "Principal 9.995 has more than the 2 decimals of USD"},
		{"half a yen", order.Amounts{order.Shipping: dec("500.5")}, "JPY", "Shipping 500.5 has more than the 0 decimals of JPY"},
		{"a tenth of a fils", order.Amounts{order.Principal: dec("1.2345")}, "KWD", "Principal 1.2345 has more than the 3 decimals of KWD"},
		{"unknown", order.Amounts{"Duty": dec("1")}, "USD", `component "Duty" is unknown; want one of Principal, Tax, Shipping, ShippingTax, GiftWrap, GiftWrapTax, Goodwill, ReturnShipping, RestockingFee, LabelCost`},
		{"another spelling", order.Amounts{"principal": dec("1")}, "USD", `component "principal" is unknown`},
		{"one bad among good", order.Amounts{order.Principal: dec("1"), order.GiftWrapTax: dec("-0.01")}, "USD", "GiftWrapTax -0.01 USD is below zero"},
	} {
		assert.ErrorContains(t, order.CheckAmounts(test.a, test.cur), test.want, test.name)
	}
}

// A decimal such as 1e999999999 would fill the memory when it is added up or
// written out.
func TestCheckRefusesHugeDecimals(t *testing.T) {
	for name, huge := range map[string]decimal.Decimal{
		"large": decimal.New(1, 999_999_999), "fine": decimal.New(1, -999_999_999), "22 digits": decimal.New(1, 21),
		"nothing, with an exponent": decimal.New(0, 999_999_999), "21 digits": decimal.RequireFromString("123456789012345678901"),
	} {
		amounts := order.Amounts{order.Principal: huge}
		assert.ErrorContains(t, order.CheckAmounts(amounts, "USD"), "at most 20 digits", name)
		o := order.Order{
			ID: order.ID{Company: "acme", Number: "SO-1"}, Amazon: order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"},
			Currency: "USD", Fulfilment: order.ByMerchant,
			Lines: []order.Line{{Item: "114000000000011", Ordered: 1, Charges: amounts}},
		}
		assert.ErrorContains(t, order.Check(o), "at most 20 digits", name)
	}
}
