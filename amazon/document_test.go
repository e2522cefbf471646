package amazon_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const merchant = "A1EXAMPLESELLER"

var update = flag.Bool("update", false, "write the golden files under testdata anew")

// golden compares with a file under testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test -run '^%s$' -update", t.Name())
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func adjustment() amazon.Adjustment {
	return amazon.Adjustment{
		Order:        "111-1234567-1234567",
		Item:         "12345678901234",
		AdjustmentID: "rf-2026-000017-1",
		Reason:       amazon.RefundCustomerReturn,
		Currency:     "USD",
		Amounts:      order.Amounts{order.Principal: dec("19.99")},
	}
}

func cancellation() amazon.Cancellation {
	return amazon.Cancellation{
		Order:  "111-1234567-1234567",
		Items:  []string{"12345678901234", "123456789012345"},
		Reason: amazon.CancelBuyerCanceled,
	}
}

// refunds is a document with everything that a refund can have.
func refunds() []amazon.Numbered {
	full := adjustment()
	full.Amounts = order.Amounts{
		order.LabelCost:      dec("0"),
		order.RestockingFee:  dec("-4"),
		order.ReturnShipping: dec("6.5"),
		order.Goodwill:       dec("1"),
		order.GiftWrapTax:    dec("0.25"),
		order.GiftWrap:       dec("2.99"),
		order.ShippingTax:    dec("0.41"),
		order.Shipping:       dec("4.99"),
		order.Tax:            dec("3.3000"),
		order.Principal:      dec("39.98"),
	}
	yen := adjustment()
	yen.Order, yen.Item, yen.AdjustmentID = "250-7654321-7654321", "098765432109876", `<q> & "w" ü`
	yen.Reason, yen.Currency = amazon.RefundProductOutOfStock, "JPY"
	yen.Amounts = order.Amounts{order.Principal: dec("1099.00")}

	sameOrder := adjustment()
	sameOrder.Item, sameOrder.AdjustmentID = "12345678905678", "rf-2026-000017-2"

	units := adjustment()
	units.Item, units.AdjustmentID, units.Reason, units.QuantityCancelled = "12345678909012", "cn-2026-000018-1", amazon.RefundNoInventory, 2

	return []amazon.Numbered{{ID: 7, Message: full}, {ID: math.MaxInt32, Message: yen}, {ID: 8, Message: sameOrder}, {ID: 9, Message: units}}
}

func cancellations() []amazon.Numbered {
	linked := cancellation()
	linked.Order, linked.MerchantOrder, linked.Reason = "111-7654321-7654321", "Müller & Co <7>", amazon.CancelNoInventory
	return []amazon.Numbered{{ID: 1, Message: cancellation()}, {ID: 2, Message: linked}}
}

func TestEncodeRefunds(t *testing.T) {
	doc, err := amazon.Encode(merchant, amazon.RefundFeed, refunds())
	require.NoError(t, err)
	golden(t, "refunds.xml", doc)
}

func TestEncodeCancellations(t *testing.T) {
	doc, err := amazon.Encode(`Shop "A" <&>`, amazon.CancelFeed, cancellations())
	require.NoError(t, err)
	golden(t, "cancellations.xml", doc)
}

func TestEncodeKuwaitiDinarWithTwoDecimals(t *testing.T) {
	dinar := adjustment()
	dinar.Currency, dinar.Amounts = "KWD", order.Amounts{order.Principal: dec("1.250")}
	doc, err := amazon.Encode(merchant, amazon.RefundFeed, []amazon.Numbered{{ID: 1, Message: dinar}})
	require.NoError(t, err)
	assert.Contains(t, string(doc), `<Amount currency="KWD">1.25</Amount>`)
}

func TestAdjustmentCheck(t *testing.T) {
	require.NoError(t, adjustment().Check())

	amounts := func(as order.Amounts) func(*amazon.Adjustment) {
		return func(a *amazon.Adjustment) { a.Amounts = as }
	}
	of := func(c order.Currency, v string) func(*amazon.Adjustment) {
		return func(a *amazon.Adjustment) { a.Currency, a.Amounts = c, order.Amounts{order.Principal: dec(v)} }
	}
	for _, test := range []struct {
		name   string
		change func(*amazon.Adjustment)
		want   string
	}{
		{"no order", func(a *amazon.Adjustment) { a.Order = "" }, `Amazon order ID "": want 3-7-7 digits`},
		{"order without hyphens", func(a *amazon.Adjustment) { a.Order = "11112345671234567" }, "want 3-7-7 digits with hyphens"},
		{"ASIN", func(a *amazon.Adjustment) { a.Item = "B00EXAMPLE" }, `"B00EXAMPLE" is an ASIN`},
		{"no item", func(a *amazon.Adjustment) { a.Item = "" }, `order item ID "": want 14 or 15 digits`},
		{"lost zero", func(a *amazon.Adjustment) { a.Item = "1234567890123" }, "has 13 digits: want 14 or 15; a leading zero may be lost"},
		{"16 digits", func(a *amazon.Adjustment) { a.Item = "1234567890123456" }, "has 16 digits: want 14 or 15"},
		{"no adjustment ID", func(a *amazon.Adjustment) { a.AdjustmentID = "" }, "no adjustment ID: want 1 to 50 characters"},
		{"long adjustment ID", func(a *amazon.Adjustment) { a.AdjustmentID = strings.Repeat("ü", 51) }, "adjustment ID has 51 characters: want 50 at most"},
		{"line break", func(a *amazon.Adjustment) { a.AdjustmentID = "a\nb" }, `adjustment ID "a\nb": want printable characters`},
		{"not UTF-8", func(a *amazon.Adjustment) { a.AdjustmentID = "\xff" }, `adjustment ID "\xff": want printable characters`},
		{"no reason", func(a *amazon.Adjustment) { a.Reason = "" }, `refund reason "": want one of NoInventory, CustomerReturn`},
		{"reason of cancellations", func(a *amazon.Adjustment) { a.Reason = "BuyerCanceled" }, `refund reason "BuyerCanceled"`},
		{"fewer units than none", func(a *amazon.Adjustment) { a.QuantityCancelled = -1 }, "-1 units cancelled: want none below zero"},
		{"units cancelled with another reason", func(a *amazon.Adjustment) { a.QuantityCancelled = 1 }, `1 units cancelled with reason "CustomerReturn": want NoInventory or CustomerCancel`},
		{"no currency", func(a *amazon.Adjustment) { a.Currency = "" }, `currency "": want an ISO 4217 code`},
		{"currency in small letters", func(a *amazon.Adjustment) { a.Currency = "usd" }, `currency "usd"`},
		{"no amounts", amounts(nil), "no amounts"},
		{"nothing but zeros", amounts(order.Amounts{order.Tax: dec("0.00")}), "no amounts"},
		{"negative principal", of("USD", "-1"), "Principal -1.00 USD is below zero"},
		{"negative return shipping", amounts(order.Amounts{order.Principal: dec("9"), order.ReturnShipping: dec("-1")}), "ReturnShipping -1.00 USD is below zero"},
		{"net of zero", amounts(order.Amounts{order.Principal: dec("4"), order.RestockingFee: dec("-4")}), "amounts come to 0.00 USD in total: want more than zero"},
		{"net below zero", amounts(order.Amounts{order.RestockingFee: dec("-4")}), "amounts come to -4.00 USD in total"},
		{"label cost", amounts(order.Amounts{order.Principal: dec("9"), order.LabelCost: dec("-1")}), "LabelCost: Amazon has no component for it; take it off another one"},
		{"unknown component", amounts(order.Amounts{"Bribe": dec("1")}), `component "Bribe" is unknown: want one of Principal, Tax`},
		{"three decimals", of("USD", "3.905"), "Principal 3.905: want at most 2 decimals; USD has 2 and Amazon takes 2"},
		{"half a yen", of("JPY", "0.5"), "Principal 0.5: want at most 0 decimals; JPY has 0 and Amazon takes 2"},
		{"a fils", of("KWD", "1.001"), "Principal 1.001: want at most 2 decimals; KWD has 3 and Amazon takes 2"},
		{"19 digits", of("USD", "1000000000000000000"), "Principal is out of range: want at most 18 digits"},
		{"huge", amounts(order.Amounts{order.Principal: decimal.New(1, math.MaxInt32)}), "Principal is out of range"},
		{"tiny", amounts(order.Amounts{order.Principal: decimal.New(1, math.MinInt32)}), "Principal is out of range"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := adjustment()
			test.change(&a)
			err := a.Check()
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, fmt.Sprintf("refund of order %q, item %q: ", a.Order, a.Item))

			doc, err := amazon.Encode(merchant, amazon.RefundFeed, []amazon.Numbered{{ID: 41, Message: a}})
			assert.Nil(t, doc)
			assert.ErrorContains(t, err, "message 41: ")
			assert.ErrorContains(t, err, test.want)
			assert.Zero(t, amazon.EncodedSize(a))
		})
	}
}

func TestAdjustmentCheckTellsEverything(t *testing.T) {
	err := amazon.Adjustment{Amounts: order.Amounts{order.Tax: dec("-1"), order.LabelCost: dec("1")}}.Check()
	for _, want := range []string{"Amazon order ID", "order item ID", "adjustment ID", "refund reason", "currency", "Tax -1.00", "LabelCost"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestCancellationCheck(t *testing.T) {
	require.NoError(t, cancellation().Check())
	for _, test := range []struct {
		name   string
		change func(*amazon.Cancellation)
		want   string
	}{
		{"order", func(c *amazon.Cancellation) { c.Order = "111-1234567" }, `Amazon order ID "111-1234567": want 3-7-7 digits`},
		{"long merchant order", func(c *amazon.Cancellation) { c.MerchantOrder = strings.Repeat("x", 51) }, "merchant order ID has 51 characters: want 50 at most"},
		{"merchant order with tab", func(c *amazon.Cancellation) { c.MerchantOrder = "a\tb" }, `merchant order ID "a\tb": want printable characters`},
		{"no items", func(c *amazon.Cancellation) { c.Items = nil }, "no items: want every order item of the order"},
		{"ASIN", func(c *amazon.Cancellation) { c.Items[1] = "B00EXAMPLE" }, `"B00EXAMPLE" is an ASIN`},
		{"lost zero", func(c *amazon.Cancellation) { c.Items[0] = "1234567890123" }, "a leading zero may be lost"},
		{"item twice", func(c *amazon.Cancellation) { c.Items[1] = c.Items[0] }, `order item ID "12345678901234" stands twice`},
		{"no reason", func(c *amazon.Cancellation) { c.Reason = "" }, `cancel reason "": want one of NoInventory, BuyerCanceled`},
		{"reason of refunds", func(c *amazon.Cancellation) { c.Reason = "CustomerCancel" }, `cancel reason "CustomerCancel"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cancellation()
			test.change(&c)
			err := c.Check()
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, fmt.Sprintf("cancellation of order %q: ", c.Order))

			_, err = amazon.Encode(merchant, amazon.CancelFeed, []amazon.Numbered{{ID: 41, Message: c}})
			assert.ErrorContains(t, err, "message 41: ")
			assert.Zero(t, amazon.EncodedSize(c))
		})
	}
}

func TestEncodeRefusesDocuments(t *testing.T) {
	first, again := adjustment(), adjustment()
	again.AdjustmentID = "rf-2026-000018-1"
	alone := func(id amazon.MessageID, m amazon.Message) []amazon.Numbered {
		return []amazon.Numbered{{ID: id, Message: m}}
	}
	for _, test := range []struct {
		name     string
		merchant string
		feed     amazon.FeedType
		messages []amazon.Numbered
		want     string
	}{
		{"no messages", merchant, amazon.RefundFeed, nil, "no messages"},
		{"unknown feed", merchant, "POST_PRODUCT_DATA", alone(1, first), `feed type "POST_PRODUCT_DATA": want POST_PAYMENT_ADJUSTMENT_DATA or`},
		{"cancellation among refunds", merchant, amazon.RefundFeed, alone(1, cancellation()), "message 1 belongs into a document for POST_ORDER_ACKNOWLEDGEMENT_DATA, not for POST_PAYMENT_ADJUSTMENT_DATA"},
		{"refund among cancellations", merchant, amazon.CancelFeed, alone(1, first), "message 1 belongs into a document for POST_PAYMENT_ADJUSTMENT_DATA"},
		{"empty message", merchant, amazon.RefundFeed, alone(1, nil), "message 1 is empty"},
		{"number 0", merchant, amazon.RefundFeed, alone(0, first), "message at place 1: message ID 0: want 1 to 2147483647"},
		{"number below 0", merchant, amazon.RefundFeed, alone(-1, first), "message ID -1"},
		{"number of 32 bits", merchant, amazon.RefundFeed, alone(1<<31, first), "message ID 2147483648"},
		{"number twice", merchant, amazon.CancelFeed, []amazon.Numbered{{ID: 3, Message: cancellations()[0].Message}, {ID: 3, Message: cancellations()[1].Message}}, "message at place 2: message ID 3 is used twice"},
		{"item twice", merchant, amazon.RefundFeed, []amazon.Numbered{{ID: 3, Message: first}, {ID: 4, Message: again}}, "message 4: order 111-1234567-1234567, item 12345678901234 stands in message 3 already"},
		{"item of two cancellations", merchant, amazon.CancelFeed, []amazon.Numbered{{ID: 3, Message: cancellation()}, {ID: 4, Message: cancellation()}}, "stands in message 3 already"},
		{"no merchant", "", amazon.RefundFeed, alone(1, first), "no merchant: want the seller ID"},
		{"long merchant", strings.Repeat("A", 51), amazon.RefundFeed, alone(1, first), "merchant has 51 characters"},
		{"merchant with line break", "A\n", amazon.RefundFeed, alone(1, first), `merchant "A\n": want printable characters`},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc, err := amazon.Encode(test.merchant, test.feed, test.messages)
			assert.ErrorContains(t, err, test.want)
			assert.Nil(t, doc)
		})
	}
}

// sentDocument reads a document back, as an independent reader would.
type sentDocument struct {
	Version  string `xml:"Header>DocumentVersion"`
	Merchant string `xml:"Header>MerchantIdentifier"`
	Messages []struct {
		ID         amazon.MessageID `xml:"MessageID"`
		Order      string           `xml:"OrderAdjustment>AmazonOrderID"`
		Item       string           `xml:"OrderAdjustment>AdjustedItem>AmazonOrderItemCode"`
		Adjustment string           `xml:"OrderAdjustment>AdjustedItem>MerchantAdjustmentItemID"`
		Reason     string           `xml:"OrderAdjustment>AdjustedItem>AdjustmentReason"`
		Components []struct {
			Type   order.Component
			Amount struct {
				Currency order.Currency `xml:"currency,attr"`
				Value    string         `xml:",chardata"`
			}
		} `xml:"OrderAdjustment>AdjustedItem>ItemPriceAdjustments>Component"`
	} `xml:"Message"`
}

func drawAdjustment(t *rapid.T) amazon.Adjustment {
	cur := rapid.SampledFrom([]order.Currency{"USD", "JPY", "KWD", "EUR"}).Draw(t, "currency")
	unit := min(cur.Digits(), 2)
	amounts := order.Amounts{order.Principal: decimal.New(rapid.Int64Range(1_000_00, 1<<40).Draw(t, "principal"), -unit)}
	for _, c := range []order.Component{order.Tax, order.Shipping, order.ShippingTax, order.GiftWrap, order.GiftWrapTax, order.Goodwill, order.ReturnShipping} {
		amounts[c] = decimal.New(rapid.Int64Range(0, 1<<30).Draw(t, string(c)), -unit)
	}
	amounts[order.RestockingFee] = decimal.New(rapid.Int64Range(-999_00, 999_00).Draw(t, "fee"), -unit)
	return amazon.Adjustment{
		Order:        rapid.StringMatching(`[0-9]{3}-[0-9]{7}-[0-9]{7}`).Draw(t, "order"),
		Item:         rapid.StringMatching(`[0-9]{14,15}`).Draw(t, "item"),
		AdjustmentID: rapid.StringMatching(`[ -~ü€😀]{1,50}`).Draw(t, "adjustment ID"),
		Reason:       rapid.SampledFrom([]amazon.RefundReason{amazon.RefundOther, amazon.RefundCustomerReturn}).Draw(t, "reason"),
		Currency:     cur,
		Amounts:      amounts,
	}
}

// What arrives at Amazon is to the penny what was asked for, in bytes that do
// not depend on chance, and no longer than was planned.
func TestEncodeCarriesEveryAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		adjustments := rapid.SliceOfNDistinct(rapid.Custom(drawAdjustment), 1, 8, func(a amazon.Adjustment) string { return a.Order + a.Item }).Draw(t, "adjustments")
		var ms []amazon.Numbered
		size := amazon.EnvelopeSize
		for i, a := range adjustments {
			ms = append(ms, amazon.Numbered{ID: amazon.MessageID(1 + i*10_000_000), Message: a})
			size += amazon.EncodedSize(a)
		}
		doc, err := amazon.Encode(merchant, amazon.RefundFeed, ms)
		require.NoError(t, err)
		again, err := amazon.Encode(merchant, amazon.RefundFeed, ms)
		require.NoError(t, err)
		require.True(t, bytes.Equal(doc, again), "the same messages gave two documents")
		require.LessOrEqual(t, len(doc), size)
		require.True(t, bytes.HasPrefix(doc, []byte(`<?xml version="1.0" encoding="UTF-8"?>`)))

		var sent sentDocument
		require.NoError(t, xml.Unmarshal(doc, &sent))
		require.Equal(t, "1.01", sent.Version)
		require.Equal(t, merchant, sent.Merchant)
		require.Len(t, sent.Messages, len(ms))
		for i, m := range sent.Messages {
			want := adjustments[i]
			amounts := order.Amounts{}
			for _, c := range m.Components {
				require.Equal(t, want.Currency, c.Amount.Currency)
				require.NotContains(t, amounts, c.Type)
				amounts[c.Type] = dec(c.Amount.Value)
			}
			require.True(t, amounts.Equal(want.Amounts), "sent %s, want %s", amounts, want.Amounts)
			require.Len(t, m.Components, len(want.Amounts.Components()), "a zero was written")
			require.Equal(t,
				[]string{want.Order, want.Item, want.AdjustmentID, string(want.Reason)},
				[]string{m.Order, m.Item, m.Adjustment, m.Reason})
			require.Equal(t, ms[i].ID, m.ID)
		}
	})
}

func TestEncodedSizeIsABound(t *testing.T) {
	longest := strings.Repeat("'", 50)
	linked := cancellation()
	linked.MerchantOrder = longest
	doc, err := amazon.Encode(longest, amazon.CancelFeed, []amazon.Numbered{{ID: math.MaxInt32, Message: linked}})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(doc), amazon.EnvelopeSize+amazon.EncodedSize(linked))
	assert.Zero(t, amazon.EncodedSize(nil))
}
