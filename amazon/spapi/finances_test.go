package spapi_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

const (
	transactionsPath = "GET /finances/2024-06-19/transactions"

	// A word and a field that Amazon added, and amounts that no float can hold.
	refundJSON = `{"transactionId":"t-2","transactionType":"Refund","transactionStatus":"SOMEDAY","description":"Refund Order","new":1,
		"postedDate":"2026-09-01T14:00:00+02:00","marketplaceDetails":{"marketplaceId":"ATVPDKIKX0DER","marketplaceName":"Amazon.com"},
		"relatedIdentifiers":[{"relatedIdentifierName":"ORDER_ID","relatedIdentifierValue":"111-1234567-1234567"},
			{"relatedIdentifierName":"REFUND_ID","relatedIdentifierValue":"r-7"},{"relatedIdentifierName":"NEW_ID","relatedIdentifierValue":"n"}],
		"totalAmount":{"currencyAmount":-12.10,"currencyCode":"USD"},
		"items":[{"description":"Mug","totalAmount":{"currencyAmount":-9007199254740993.01,"currencyCode":"USD"},
			"relatedIdentifiers":[{"itemRelatedIdentifierName":"ORDER_ADJUSTMENT_ITEM_ID","itemRelatedIdentifierValue":"a-1"}],
			"contexts":[{"contextType":"AmazonPayContext","storeName":"x"},{"contextType":"ProductContext","sku":"MUG","asin":"B000EXAMPL","quantityShipped":2}],
			"breakdowns":[{"breakdownType":"Tax","breakdownAmount":{"currencyAmount":0,"currencyCode":"USD"}}]}],
		"breakdowns":[{"breakdownType":"Sales","breakdownAmount":{"currencyAmount":-14,"currencyCode":"USD"},
			"breakdowns":[{"breakdownType":"ProductCharges","breakdownAmount":{"currencyAmount":-14,"currencyCode":"USD"},"breakdowns":null}]},
			{"breakdownType":"Fees","breakdownAmount":{"currencyAmount":1.9,"currencyCode":"USD"}}]}`
)

func usd(amount string) amazon.Booked {
	return amazon.Booked{Amount: decimal.RequireFromString(amount), Currency: "USD"}
}

func TestTransactions(t *testing.T) {
	s := newServer(t)
	s.on(transactionsPath, answer(200, `{"payload":{"nextToken":"a+b/c=="}}`), answer(200, `{"payload":{"transactions":[`+refundJSON+`],"nextToken":null}}`))
	c, _ := connect(t, s)
	got, err := collect(c.Transactions(t.Context(), seller, spapi.TransactionQuery{Order: orderNumber}))
	require.NoError(t, err)
	want := []spapi.Transaction{{
		ID: "t-2", Type: "Refund", Status: "SOMEDAY", Description: "Refund Order",
		Marketplace: "ATVPDKIKX0DER", PostedAt: amazonTime, Total: usd("-12.10"),
		Related: []spapi.Identifier{{Name: "ORDER_ID", Value: orderNumber}, {Name: "REFUND_ID", Value: "r-7"}, {Name: "NEW_ID", Value: "n"}},
		Items: []spapi.TransactionItem{{
			Description: "Mug", SKU: "MUG", ASIN: "B000EXAMPL", Units: 2, Total: usd("-9007199254740993.01"),
			Related: []spapi.Identifier{{Name: "ORDER_ADJUSTMENT_ITEM_ID", Value: "a-1"}},
			Parts:   []amazon.FinancialPart{{Type: "Tax", Total: usd("0")}},
		}},
		Parts: []amazon.FinancialPart{
			{Type: "Sales", Total: usd("-14"), Parts: []amazon.FinancialPart{{Type: "ProductCharges", Total: usd("-14")}}},
			{Type: "Fees", Total: usd("1.9")},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Transactions (-want +got):\n%s", diff)
	}
	first := url.Values{"relatedIdentifierName": {"ORDER_ID"}, "relatedIdentifierValue": {orderNumber}}
	second := url.Values{"relatedIdentifierName": {"ORDER_ID"}, "relatedIdentifierValue": {orderNumber}, "nextToken": {"a+b/c=="}}
	if diff := cmp.Diff([]url.Values{first, second}, queries(t, s, transactionsPath)); diff != "" {
		t.Errorf("queries: nextToken comes beside the rest (-want +got):\n%s", diff)
	}
}

func TestTransactionsAsksForEverythingInTheQuery(t *testing.T) {
	tests := map[string]struct {
		query spapi.TransactionQuery
		want  url.Values
	}{
		"group": {spapi.TransactionQuery{Group: "g", Status: "RELEASED", Marketplace: "ATVPDKIKX0DER"}, url.Values{
			"relatedIdentifierName": {"FINANCIAL_EVENT_GROUP_ID"}, "relatedIdentifierValue": {"g"},
			"transactionStatus": {"RELEASED"}, "marketplaceId": {"ATVPDKIKX0DER"},
		}},
		"span": {spapi.TransactionQuery{After: hostTime.Add(-180 * 24 * time.Hour), Before: hostTime.Add(-time.Hour)}, url.Values{
			"postedAfter": {"2026-03-05T11:58:00Z"}, "postedBefore": {"2026-09-01T10:58:00Z"},
		}},
		"from a time on": {spapi.TransactionQuery{After: hostTime.Add(-2 * time.Minute)}, url.Values{"postedAfter": {"2026-09-01T11:56:00Z"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(transactionsPath, answer(200, `{"payload":{"transactions":[]}}`))
			c, _ := connect(t, s)
			_, err := collect(c.Transactions(t.Context(), seller, tt.query))
			require.NoError(t, err)
			if diff := cmp.Diff([]url.Values{tt.want}, queries(t, s, transactionsPath)); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTransactionsRefusesABadQuery(t *testing.T) {
	day := 24 * time.Hour
	tests := map[string]struct {
		query spapi.TransactionQuery
		want  string
	}{
		"nothing":              {spapi.TransactionQuery{}, "want an Order, a Group or After"},
		"only an end":          {spapi.TransactionQuery{Before: hostTime.Add(-day)}, "want an Order, a Group or After"},
		"order and group":      {spapi.TransactionQuery{Order: orderNumber, Group: "g"}, "one of Order and Group"},
		"no order number":      {spapi.TransactionQuery{Order: "5"}, "want 3-7-7 digits"},
		"ends before it start": {spapi.TransactionQuery{After: hostTime.Add(-day), Before: hostTime.Add(-2 * day)}, "ends before it starts"},
		"starts too late":      {spapi.TransactionQuery{After: hostTime}, "After is 2026-09-01T11:58:00Z: want two minutes ago"},
		"ends too late":        {spapi.TransactionQuery{After: hostTime.Add(-day), Before: hostTime}, "Before is 2026-09-01T11:58:00Z: want two minutes ago"},
		"too long":             {spapi.TransactionQuery{After: hostTime.Add(-182 * day), Before: hostTime.Add(-day)}, "longer than 180 days"},
		"too long until now":   {spapi.TransactionQuery{After: hostTime.Add(-181 * day)}, "longer than 180 days"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := collect(c.Transactions(t.Context(), seller, tt.query))
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

// transaction is one of an order, posted at amazonTime.
func transaction(id, kind, related string) string {
	return fmt.Sprintf(`{"transactionId":%q,"transactionType":%q,"postedDate":"2026-09-01T12:00:00Z","totalAmount":{"currencyAmount":-5,"currencyCode":"USD"},
		"relatedIdentifiers":[{"relatedIdentifierName":"ORDER_ID","relatedIdentifierValue":"111-1234567-1234567"}%s]}`, id, kind, related)
}

func related(name, value string) string {
	return fmt.Sprintf(`,{"relatedIdentifierName":%q,"relatedIdentifierValue":%q}`, name, value)
}

func TestRefundsAreWhatAmazonCallsOne(t *testing.T) {
	tests := map[string]struct {
		transactions []string
		want         []string
	}{
		"by type":                 {[]string{transaction("t-1", "Refund", "")}, []string{"t-1"}},
		"by type, however spelt":  {[]string{transaction("t-1", "REFUND", "")}, []string{"t-1"}},
		"by its ID":               {[]string{transaction("t-1", "Adjustment", related("REFUND_ID", "r"))}, []string{"t-1"}},
		"in Amazon's order":       {[]string{transaction("t-2", "Refund", ""), transaction("t-1", "Refund", "")}, []string{"t-2", "t-1"}},
		"no sale":                 {[]string{transaction("t-1", "Shipment", "")}, nil},
		"no tax of a refund":      {[]string{transaction("t-1", "Retrocharge", "")}, nil},
		"a release once":          {[]string{transaction("t-2", "Refund", related("DEFERRED_TRANSACTION_ID", "t-1")), transaction("t-1", "Refund", related("RELEASE_TRANSACTION_ID", "t-2"))}, []string{"t-1"}},
		"a release by itself":     {[]string{transaction("t-2", "Refund", related("DEFERRED_TRANSACTION_ID", "t-1"))}, []string{"t-2"}},
		"two without IDs":         {[]string{transaction("", "Refund", ""), transaction("", "Refund", "")}, []string{"", ""}},
		"an order that nobody is": {[]string{`{"transactionId":"t-1","transactionType":"Refund","postedDate":"2026-09-01T12:00:00Z"}`}, []string{"t-1"}},
		"nothing booked":          {nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(transactionsPath, answer(200, `{"payload":{"transactions":[`+strings.Join(tt.transactions, ",")+`]}}`))
			c, _ := connect(t, s)
			refunds, err := c.Refunds(t.Context(), seller, orderNumber)
			require.NoError(t, err)
			var got []string
			for _, r := range refunds {
				got = append(got, r.Transaction)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestRefundsTellsWhatWasBooked(t *testing.T) {
	s := newServer(t)
	s.on(transactionsPath, answer(200, `{"payload":{"transactions":[`+refundJSON+`]}}`))
	c, _ := connect(t, s)
	got, err := c.Refunds(t.Context(), seller, orderNumber)
	require.NoError(t, err)
	want := []amazon.FinancialRefund{{
		ID: "r-7", Transaction: "t-2", Status: "SOMEDAY", PostedAt: amazonTime, Total: usd("-12.10"),
		Items: []amazon.FinancialItem{{
			Adjustment: "a-1", SKU: "MUG", ASIN: "B000EXAMPL", Units: 2, Total: usd("-9007199254740993.01"),
			Parts: []amazon.FinancialPart{{Type: "Tax", Total: usd("0")}},
		}},
		Parts: []amazon.FinancialPart{
			{Type: "Sales", Total: usd("-14"), Parts: []amazon.FinancialPart{{Type: "ProductCharges", Total: usd("-14")}}},
			{Type: "Fees", Total: usd("1.9")},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Refunds (-want +got):\n%s", diff)
	}
}

func TestRefundsRefusesWhatProvesNothing(t *testing.T) {
	tests := map[string]struct{ transactions, want string }{
		"another order":      {strings.ReplaceAll(transaction("t-1", "Refund", ""), orderNumber, "222-1234567-1234567"), "other orders than 111-1234567-1234567"},
		"no date":            {`{"transactionId":"t-1","transactionType":"Refund"}`, `transaction "t-1" without a postedDate`},
		"no currency":        {strings.ReplaceAll(refundJSON, `-12.10,"currencyCode":"USD"`, `-12.10`), `transaction "t-2": amount -12.10 without a currency`},
		"currency of a part": {strings.ReplaceAll(refundJSON, `1.9,"currencyCode":"USD"`, `1.9`), `breakdown "Fees": amount 1.9 without a currency`},
		"amount of an item":  {strings.ReplaceAll(refundJSON, `-9007199254740993.01`, `1e999999999`), `item 1: amount 1e999999999: want a number`},
		"endless amount":     {strings.ReplaceAll(refundJSON, `-12.10`, strings.Repeat("9", 1<<20)), "want a number of at most 40 digits"},
		"text for an amount": {strings.ReplaceAll(refundJSON, `-12.10`, `"much"`), "not the JSON of its model"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(transactionsPath, answer(200, `{"payload":{"transactions":[`+transaction("t-0", "Refund", "")+`,`+tt.transactions+`]}}`))
			c, _ := connect(t, s)
			refunds, err := c.Refunds(t.Context(), seller, orderNumber)
			assert.ErrorContains(t, err, tt.want)
			assert.Less(t, len(err.Error()), 1000)
			assert.Nil(t, refunds)
		})
	}
}

func FuzzTransactionPage(f *testing.F) {
	f.Add([]byte(`{"payload":{"transactions":[` + refundJSON + `]}}`))
	f.Add([]byte(`{"payload":{"transactions":[null],"nextToken":""}}`))
	f.Add([]byte(`{"payload":{"transactions":[{"postedDate":"2026-09-01T12:00:00Z","totalAmount":{"currencyAmount":1E-99,"currencyCode":"x"}}]}}`))
	f.Add([]byte(`{"payload":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := answering(t, body)
		transactions, err := collect(c.Transactions(context.Background(), seller, spapi.TransactionQuery{Group: "g"}))
		for _, tr := range transactions {
			assert.False(t, tr.PostedAt.IsZero())
			for _, b := range append([]amazon.FinancialPart{{Total: tr.Total}}, tr.Parts...) {
				assert.True(t, b.Total.Amount.IsZero() || b.Total.Currency != order.Currency(""))
				assert.Less(t, len(b.Total.Amount.String()), 100)
			}
		}
		var e *amazon.Error
		if err != nil {
			require.ErrorAs(t, err, &e)
			assert.Less(t, len(err.Error()), 2000)
		}
	})
}
