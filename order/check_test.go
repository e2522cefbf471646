package order_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
)

const (
	book = "12345678901234"  // order item of 14 digits
	lamp = "123456789012345" // order item of 15 digits
)

var amazonOrder = order.AmazonID{Account: "acme-na", Number: "111-1234567-7654321"}

// twoLines is a sound order: two books of 20.00 for 19.00 and a lamp.
func twoLines() order.Order {
	return order.Order{
		ID: order.ID{Company: "acme", Number: "SO-1"}, Amazon: amazonOrder, Marketplace: "ATVPDKIKX0DER",
		Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
		Lines: []order.Line{
			{
				Item: book, SKU: "BOOK", ASIN: "B000EXAMPL", Ordered: 2, Shipped: 1, Cancelled: 1,
				Charges:    order.Amounts{order.Principal: dec("20.00"), order.Tax: dec("1.66"), order.Shipping: dec("3.99")},
				Promotions: order.Amounts{order.Principal: dec("1.00"), order.Shipping: dec("3.99")},
				TaxModel:   order.TaxByAmazon,
			},
			{
				Item: lamp, SKU: "LAMP-SET", Ordered: 3, Shipped: 3, Returned: 3, Refunded: 3,
				Charges: order.Amounts{order.Principal: dec("90"), order.GiftWrap: dec("2.50"), order.GiftWrapTax: dec("0.21"), order.ShippingTax: dec("0")},
				Kit:     []order.Part{{SKU: "LAMP", Quantity: 1}, {SKU: "BULB", Quantity: 2}},
			},
		},
	}
}

func TestCheckPassesSoundOrders(t *testing.T) {
	require.NoError(t, order.Check(twoLines()))

	unknown := twoLines()
	unknown.Status, unknown.Marketplace, unknown.Lines[0].TaxModel = "Parked", "A1NEW", "Reverse"
	unknown.Fulfilment = order.ByAmazon
	assert.NoError(t, order.Check(unknown), "words that are not known yet")

	yen := twoLines()
	yen.Currency = "JPY"
	yen.Lines = yen.Lines[:1]
	yen.Lines[0].Charges = order.Amounts{order.Principal: dec("1980.00")}
	yen.Lines[0].Promotions = nil
	assert.NoError(t, order.Check(yen), "a column of two decimals holds yen")

	free := twoLines()
	free.Lines[0].Promotions = free.Lines[0].Charges
	assert.NoError(t, order.Check(free), "paid with a coupon")
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	first := func(change func(*order.Line)) func(*order.Order) {
		return func(o *order.Order) { change(&o.Lines[0]) }
	}
	inFirst := "line 1 (" + book + "): "
	for _, test := range []struct {
		name string
		make func(*order.Order)
		want string // after "order acme/SO-1: "
	}{
		{"account", func(o *order.Order) { o.Amazon.Account = "acme na" }, `account ID "acme na": want 1 to 64 letters, digits, dots, hyphens or underscores`},
		{"Amazon order ID", func(o *order.Order) { o.Amazon.Number = "111-123456-1234567" }, `Amazon order ID "111-123456-1234567": want 3-7-7 digits with hyphens, such as 111-1234567-1234567`},
		{"currency", func(o *order.Order) { o.Currency = "usd" }, `currency "usd": want an ISO 4217 code of three capital letters, such as USD`},
		{"fulfilment unset", func(o *order.Order) { o.Fulfilment = "" }, `fulfilment "": want Merchant or Amazon`},
		{"fulfilment in Amazon's words", func(o *order.Order) { o.Fulfilment = "AFN" }, `fulfilment "AFN": want Merchant or Amazon`},
		{"no lines", func(o *order.Order) { o.Lines = nil }, "no lines"},
		{"item twice", func(o *order.Order) { o.Lines[1].Item = book }, "line 2 (" + book + "): order item ID stands twice in the order"},
		{"ASIN for item", first(func(l *order.Line) { l.Item = "B000EXAMPL" }), `line 1 (B000EXAMPL): order item ID "B000EXAMPL" is an ASIN: want the order item ID of 14 or 15 digits`},
		{"nothing ordered", first(func(l *order.Line) { l.Ordered, l.Shipped, l.Cancelled = 0, 0, 0 }), inFirst + "ordered quantity 0: want at least 1"},
		{"shipped below zero", first(func(l *order.Line) { l.Shipped = -1 }), inFirst + "shipped quantity -1: want 0 to the 2 ordered"},
		{"cancelled below zero", first(func(l *order.Line) { l.Cancelled = -1 }), inFirst + "cancelled quantity -1: want 0 to the 2 ordered"},
		{"returned above ordered", first(func(l *order.Line) { l.Returned = 3 }), inFirst + "returned quantity 3: want 0 to the 2 ordered"},
		{"refunded above ordered", first(func(l *order.Line) { l.Refunded = 3 }), inFirst + "refunded quantity 3: want 0 to the 2 ordered"},
		{"shipped and cancelled", first(func(l *order.Line) { l.Shipped = 2 }), inFirst + "2 shipped and 1 cancelled are more than the 2 ordered"},
		{"charge below zero", first(func(l *order.Line) { l.Charges[order.GiftWrap] = dec("-1") }), inFirst + "charges: GiftWrap -1.00 USD is below zero; amounts are positive"},
		{"charge of half a cent", first(func(l *order.Line) { l.Charges[order.Tax] = dec("1.665") }), inFirst + "charges: Tax 1.665 has more than the 2 decimals of USD"},
		{"unknown charge", first(func(l *order.Line) { l.Charges["Duty"] = dec("1") }), inFirst + `charges: component "Duty" is unknown; want one of Principal,`},
		{"charged concession", first(func(l *order.Line) { l.Charges[order.Goodwill] = dec("1") }), inFirst + "Goodwill cannot be charged; want Principal, Tax, Shipping, ShippingTax, GiftWrap or GiftWrapTax"},
		{"promotion below zero", first(func(l *order.Line) { l.Promotions[order.Shipping] = dec("-3.99") }), inFirst + "promotions: Shipping -3.99 USD is below zero; amounts are positive"},
		{"promotion above charge", first(func(l *order.Line) { l.Promotions[order.Principal] = dec("20.01") }), inFirst + "promotion on Principal is above its charge by 0.01 USD"},
		{"kit part without SKU", func(o *order.Order) { o.Lines[1].Kit[0].SKU = "" }, "line 2 (" + lamp + `): kit part "" × 1: want a SKU and a quantity of at least 1`},
		{"kit part of no units", func(o *order.Order) { o.Lines[1].Kit[1].Quantity = 0 }, "line 2 (" + lamp + `): kit part "BULB" × 0: want a SKU and a quantity of at least 1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := twoLines()
			test.make(&o)
			err := order.Check(o)
			require.ErrorContains(t, err, "order acme/SO-1: "+test.want)
			lines := strings.Split(err.Error(), "\n")
			for _, line := range lines {
				assert.True(t, strings.HasPrefix(line, "order acme/SO-1: "), line)
			}
		})
	}
}

func TestCheckNamesTheHostOrder(t *testing.T) {
	for want, id := range map[string]order.ID{
		`order /SO-1: order ID "/SO-1": want a company and the host's order number`: {Number: "SO-1"},
		`order acme/: order ID "acme/": want a company and the host's order number`: {Company: "acme"},
	} {
		o := twoLines()
		o.ID = id
		assert.EqualError(t, order.Check(o), want)
	}
}

func TestCheckTellsEverythingAtOnce(t *testing.T) {
	o := twoLines()
	o.Currency = "dollar"
	o.Lines[0].Item = "B000EXAMPL"
	o.Lines[0].Refunded = 9
	o.Lines[1].Charges[order.Principal] = dec("-90")
	assert.Equal(t, []string{
		`order acme/SO-1: currency "dollar": want an ISO 4217 code of three capital letters, such as USD`,
		`order acme/SO-1: line 1 (B000EXAMPL): order item ID "B000EXAMPL" is an ASIN: want the order item ID of 14 or 15 digits`,
		`order acme/SO-1: line 1 (B000EXAMPL): refunded quantity 9: want 0 to the 2 ordered`,
		`order acme/SO-1: line 2 (` + lamp + `): charges: Principal -90.00 dollar is below zero; amounts are positive`,
	}, strings.Split(fmt.Sprint(order.Check(o)), "\n"))
}

func TestCheckItem(t *testing.T) {
	for _, item := range []string{"1234567890123", "12345678901234", "123456789012345", "00000000000001"} {
		assert.NoError(t, order.CheckItem(item), item)
	}
	for item, want := range map[string]string{
		"123456789012":     `order item ID "123456789012" has 12 digits: want 14 or 15`,
		"1234567890123456": `order item ID "1234567890123456" has 16 digits: want 14 or 15`,
		"0306406152":       `order item ID "0306406152" has 10 digits: want 14 or 15`,
		"B000EXAMPL":       `order item ID "B000EXAMPL" is an ASIN: want the order item ID of 14 or 15 digits`,
		"b000exampl":       `order item ID "b000exampl" is an ASIN: want the order item ID of 14 or 15 digits`,
		"":                 `order item ID "": want 14 or 15 digits`,
		"1.23457E+13":      `order item ID "1.23457E+13": want 14 or 15 digits`,
		" 12345678901234":  `order item ID " 12345678901234": want 14 or 15 digits`,
		"1234567-8901234":  `order item ID "1234567-8901234": want 14 or 15 digits`,
		"12345678901234\n": `order item ID "12345678901234\n": want 14 or 15 digits`,
		"１２３４５６７８９０１２３４": `order item ID "１２３４５６７８９０１２３４": want 14 or 15 digits`,
	} {
		assert.EqualError(t, order.CheckItem(item), want)
	}
}

func TestAmazonIDCheck(t *testing.T) {
	for _, id := range []order.AmazonID{
		amazonOrder,
		{Account: "A1.b_c-9", Number: "000-0000000-0000000"},
		{Account: order.AccountID(strings.Repeat("a", 64)), Number: "999-9999999-9999999"},
	} {
		assert.NoError(t, id.Check(), "%s", id)
	}
	for _, number := range []string{
		"", "111-1234567-123456", "111-1234567-12345678", "11-1234567-1234567", "1111-1234567-1234567",
		"11112345671234567", "111 1234567 1234567", " 111-1234567-1234567", "111-1234567-1234567\n",
		"S01-1234567-1234567", "１１１-1234567-1234567",
	} {
		id := order.AmazonID{Account: "acme-na", Number: number}
		assert.EqualError(t, id.Check(), fmt.Sprintf("Amazon order ID %q: want 3-7-7 digits with hyphens, such as 111-1234567-1234567", number))
	}
	for _, account := range []order.AccountID{"", "acme/na", "acme na", "acme:na", "acmé", "acme\n", order.AccountID(strings.Repeat("a", 65))} {
		id := order.AmazonID{Account: account, Number: amazonOrder.Number}
		assert.EqualError(t, id.Check(), fmt.Sprintf("account ID %q: want 1 to 64 letters, digits, dots, hyphens or underscores", account))
	}
}

func TestWarnings(t *testing.T) {
	o := twoLines()
	assert.Empty(t, order.Warnings(o))

	o.Lines[1].Item = "1234567890123"
	require.NoError(t, order.Check(o))
	assert.Equal(t, []string{"order acme/SO-1: item 1234567890123 has 13 digits; a leading zero may be lost, as spreadsheets do"}, order.Warnings(o))
}

func TestShipping(t *testing.T) {
	type line = order.Line
	for _, test := range []struct {
		name  string
		lines []line
		want  order.ShippingStatus
	}{
		{"no lines", nil, order.Unshipped},
		{"nothing shipped", []line{{Ordered: 2}, {Ordered: 1}}, order.Unshipped},
		{"all cancelled", []line{{Ordered: 2, Cancelled: 2}}, order.Unshipped},
		{"some of a line", []line{{Ordered: 2, Shipped: 1}}, order.PartiallyShipped},
		{"one line of two", []line{{Ordered: 2, Shipped: 2}, {Ordered: 1}}, order.PartiallyShipped},
		{"the rest is cancelled, but for one", []line{{Ordered: 3, Shipped: 1, Cancelled: 1}}, order.PartiallyShipped},
		{"the rest is cancelled", []line{{Ordered: 2, Shipped: 1, Cancelled: 1}, {Ordered: 4, Cancelled: 4}}, order.FullyShipped},
		{"everything", []line{{Ordered: 2, Shipped: 2}, {Ordered: 1, Shipped: 1}}, order.FullyShipped},
		{"more than ordered hides nothing", []line{{Ordered: 1, Shipped: 3}, {Ordered: 2}}, order.PartiallyShipped},
		{"returned and refunded stay shipped", []line{{Ordered: 1, Shipped: 1, Returned: 1, Refunded: 1}}, order.FullyShipped},
	} {
		assert.Equal(t, test.want, order.Order{Lines: test.lines}.Shipping(), test.name)
	}
}

func TestLine(t *testing.T) {
	o := twoLines()
	got, ok := o.Line(lamp)
	assert.True(t, ok)
	assert.Equal(t, "LAMP-SET", got.SKU)

	_, ok = o.Line("99999999999999")
	assert.False(t, ok)

	got, _ = o.Line(book)
	assert.Equal(t, "Principal 19, Tax 1.66", got.Paid().String())
	assert.Equal(t, "Principal 20, Tax 1.66, Shipping 3.99", got.Charges.String(), "charges stay as they are")
}

func TestIDsAreNamedWithTheirOwner(t *testing.T) {
	assert.Equal(t, "acme/SO-1", order.ID{Company: "acme", Number: "SO-1"}.String())
	assert.Equal(t, "acme-na/111-1234567-7654321", amazonOrder.String())
	assert.Equal(t, "refund RF1", order.Cause{Kind: order.CauseRefund, ID: "RF1"}.String())
}

// Names that people could not tell apart are none.
func TestCheckNames(t *testing.T) {
	for _, name := range []string{"\x00", "a\nb", "\xff", "  ", "anna ", "an\u202ena", strings.Repeat("x", 257)} {
		require.ErrorContains(t, order.CheckName("key", name), "want at most 256 bytes of printable text", "%.10q", name)
		require.ErrorContains(t, order.CheckActor(name), `actor "`, "%.10q", name)
		require.Error(t, order.CheckDecision(name, "why"), "%.10q", name)
	}
	require.NoError(t, order.CheckName("key", ""))
	require.ErrorContains(t, order.CheckActor(""), "say by whom")
	require.ErrorContains(t, order.CheckDecision("", "why"), "say by whom, and why")
	require.ErrorContains(t, order.CheckDecision("anna", " "), "say by whom, and why")
	for _, name := range []string{"anna", "Jörg Müller", "山田", "anna@example.com", strings.Repeat("x", 256)} {
		assert.NoError(t, order.CheckDecision(name, "why"), name)
	}
}
