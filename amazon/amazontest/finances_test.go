package amazontest_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

const transactionsPath = "/finances/2024-06-19/transactions"

func ofOrder(number string) string {
	return "relatedIdentifierName=ORDER_ID&relatedIdentifierValue=" + number
}

func TestRefundsAreBookedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		items := adjust(shipped, "10000000000011", "Principal 10.00 USD", "Tax 0.80 USD", "RestockingFee -2.00 USD")
		c.send(amazon.RefundFeed, refunds(items, adjust(yen, "10000000000071", "Principal 1099 JPY")))
		list := func(query string) string {
			c.token = c.login("Atzr|one")
			got := c.api("GET", transactionsPath+"?"+query, "")
			require.Equal(t, 200, got.status, got.body)
			return got.body
		}
		const none = `{"payload":{"transactions":[]}}`
		time.Sleep(time.Minute + 48*time.Hour - time.Millisecond)
		assert.JSONEq(t, none, list(ofOrder(shipped)), "within 48 hours")
		time.Sleep(time.Millisecond)
		assert.JSONEq(t, `{"payload":{"transactions":[{
			"sellingPartnerMetadata":{"sellingPartnerId":"`+merchant+`","marketplaceId":"ATVPDKIKX0DER"},
			"relatedIdentifiers":[{"relatedIdentifierName":"ORDER_ID","relatedIdentifierValue":"`+shipped+`"},{"relatedIdentifierName":"REFUND_ID","relatedIdentifierValue":"R000000001"}],
			"transactionType":"Refund","transactionId":"T000000001","transactionStatus":"RELEASED","description":"Refund Order","postedDate":"2000-01-01T00:01:00Z",
			"totalAmount":{"currencyCode":"USD","currencyAmount":-8.8},
			"items":[{"relatedIdentifiers":[{"itemRelatedIdentifierName":"ORDER_ADJUSTMENT_ITEM_ID","itemRelatedIdentifierValue":"A000000001-1"}],
				"totalAmount":{"currencyCode":"USD","currencyAmount":-8.8},
				"breakdowns":[{"breakdownType":"Principal","breakdownAmount":{"currencyCode":"USD","currencyAmount":-10}},
					{"breakdownType":"Tax","breakdownAmount":{"currencyCode":"USD","currencyAmount":-0.8}},
					{"breakdownType":"RestockingFee","breakdownAmount":{"currencyCode":"USD","currencyAmount":2}}],
				"contexts":[{"contextType":"ProductContext","sku":"MUG","fulfillmentNetwork":"MFN"}]}],
			"breakdowns":[{"breakdownType":"Principal","breakdownAmount":{"currencyCode":"USD","currencyAmount":-10}},
				{"breakdownType":"Tax","breakdownAmount":{"currencyCode":"USD","currencyAmount":-0.8}},
				{"breakdownType":"RestockingFee","breakdownAmount":{"currencyCode":"USD","currencyAmount":2}}]}]}}`, list(ofOrder(shipped)))
		assert.Contains(t, list(ofOrder(yen)), `"totalAmount":{"currencyCode":"JPY","currencyAmount":-1099}`)
		for name, query := range map[string]string{
			"another order":    ofOrder(partly),
			"a foreign order":  ofOrder(foreign),
			"a group":          "relatedIdentifierName=FINANCIAL_EVENT_GROUP_ID&relatedIdentifierValue=1",
			"deferred":         ofOrder(shipped) + "&transactionStatus=DEFERRED",
			"US, by the store": ofOrder(shipped) + "&marketplaceId=ATVPDKIKX0DER",
			"another store":    ofOrder(shipped) + "&marketplaceId=A1PA6795UKMFR9",
			"posted later":     "postedAfter=2000-01-01T00:01:01Z",
			"posted earlier":   "postedAfter=1999-12-01T00:00:00Z&postedBefore=2000-01-01T00:01:00Z",
			"over 180 days":    "postedAfter=1999-06-01T00:00:00Z",
		} {
			assert.JSONEq(t, none, list(query), name)
			time.Sleep(2 * time.Second)
		}
		assert.Contains(t, list("postedAfter=2000-01-01T00:01:00Z&postedBefore=2000-01-01T00:01:01Z&transactionStatus=RELEASED"), "T000000001")
	})
}

func TestFinanceLag(t *testing.T) {
	tests := map[string]struct {
		lag, until time.Duration
	}{
		"none":    {-1, 2 * time.Minute},
		"an hour": {time.Hour, time.Hour},
		"Amazon":  {0, 48 * time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := login(t, open(t, amazontest.Config{FinanceLag: tt.lag}), "Atzr|one")
				c.send(amazon.RefundFeed, refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD")))
				time.Sleep(time.Minute + tt.until - time.Millisecond)
				c.token = c.login("Atzr|one")
				assert.NotContains(t, c.api("GET", transactionsPath+"?"+ofOrder(shipped), "").body, "REFUND_ID")
				time.Sleep(2 * time.Millisecond)
				assert.Contains(t, c.api("GET", transactionsPath+"?"+ofOrder(shipped), "").body, "REFUND_ID")
			})
		})
	}
}

type transactions struct {
	Payload struct {
		Transactions []struct{ TransactionID string }
		NextToken    string
	}
}

func (c client) transactions(query string) transactions {
	c.Helper()
	got := c.api("GET", transactionsPath+"?"+query, "")
	require.Equal(c, 200, got.status, got.body)
	var page transactions
	require.NoError(c, json.Unmarshal([]byte(got.body), &page))
	return page
}

func TestTransactionsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{FinanceLag: -1})
		c := login(t, srv, "Atzr|one")
		var messages []string
		for range 45 {
			messages = append(messages, adjust(shipped, "10000000000011", "Principal 0.10 USD"))
		}
		german := orders()[0]
		german.Number, german.Marketplace, german.Items[0].ID = "304-0000001-0000001", "A1PA6795UKMFR9", "10000000000091"
		require.NoError(t, srv.Seed(german))
		c.send(amazon.RefundFeed, refunds(append(messages, adjust(german.Number, "10000000000091", "Principal 0.10 USD"))...))
		time.Sleep(time.Hour - time.Second)

		tests := map[string]struct {
			query string
			want  []int
		}{
			"by time":                    {"postedAfter=1999-12-31T00:00:00Z", []int{20, 20, 6}},
			"by order":                   {ofOrder(shipped), []int{20, 20, 5}},
			"empty pages before the end": {"postedAfter=1999-12-31T00:00:00Z&marketplaceId=A1PA6795UKMFR9", []int{0, 0, 1}},
		}
		for name, tt := range tests {
			var sizes []int
			seen, next := map[string]bool{}, "&"
			for next != "" {
				page := c.transactions(tt.query + next).Payload
				sizes = append(sizes, len(page.Transactions))
				for _, found := range page.Transactions {
					seen[found.TransactionID] = true
				}
				next = ""
				if page.NextToken != "" {
					next = "&nextToken=" + url.QueryEscape(page.NextToken)
				}
			}
			assert.Empty(t, cmp.Diff(tt.want, sizes), name)
			assert.Len(t, seen, tt.want[0]+tt.want[1]+tt.want[2], name)
		}

		all := "postedAfter=1999-12-31T00:00:00Z"
		token := "&nextToken=" + url.QueryEscape(c.transactions(all).Payload.NextToken)
		time.Sleep(time.Minute)
		c.token = c.login("Atzr|one")
		for name, query := range map[string]string{
			"nothing":             "",
			"no after":            "postedBefore=2000-01-01T00:00:00Z",
			"name without value":  all + "&relatedIdentifierName=ORDER_ID",
			"value without name":  all + "&relatedIdentifierValue=1",
			"another identifier":  "relatedIdentifierName=REFUND_ID&relatedIdentifierValue=R000000001",
			"unknown status":      all + "&transactionStatus=Released",
			"unreadable time":     "postedAfter=yesterday",
			"after within 2 min":  "postedAfter=" + url.QueryEscape(time.Now().Add(-time.Minute).Format(time.RFC3339)),
			"before within 2 min": all + "&postedBefore=" + url.QueryEscape(time.Now().Add(-time.Minute).Format(time.RFC3339)),
			"backwards":           all + "&postedBefore=1999-12-30T00:00:00Z",
			"unknown parameter":   all + "&pageSize=10",
			"token alone":         token[1:],
			"token and others":    all + "&transactionStatus=RELEASED" + token,
			"token damaged":       all + token + "x",
		} {
			assert.Equal(t, 400, c.api("GET", transactionsPath+"?"+query, "").status, name)
			time.Sleep(2 * time.Second)
		}
		assert.Equal(t, 200, c.api("GET", transactionsPath+"?"+all+token, "").status)
	})
}

// Whoever made a refund, it is booked, and each of them by itself.
func TestRefundsWithoutFeedAreBooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{FinanceLag: -1})
		c := login(t, srv, "Atzr|one")
		both := order.Amounts{order.Principal: dec("1.00"), order.Tax: dec("0.08")}
		for range 2 {
			require.NoError(t, srv.Refund(amazon.ActorMerchant, shipped, "10000000000011", both))
			require.NoError(t, srv.Refund(amazon.ActorAmazon, shipped, "10000000000011", both))
		}
		require.NoError(t, srv.Refund(amazon.ActorAmazon, shipped, "10000000000011", both))
		require.NoError(t, srv.Refund(amazon.ActorAmazon, shipped, "100000000000012", order.Amounts{order.Shipping: dec("1.00")}))
		time.Sleep(2*time.Minute + time.Millisecond)
		body := c.api("GET", transactionsPath+"?"+ofOrder(shipped), "").body
		assert.Equal(t, 5, strings.Count(body, `"totalAmount":{"currencyCode":"USD","currencyAmount":-1.08},"items"`), body)
		assert.Equal(t, 1, strings.Count(body, `"totalAmount":{"currencyCode":"USD","currencyAmount":-1},"items"`), body)
	})
}

// A refund that waited for its shipment is posted when it was paid.
func TestPendingRefundIsBookedWhenPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{FinanceLag: -1})
		c := login(t, srv, "Atzr|one")
		c.send(amazon.RefundFeed, refunds(adjust(unshipped, "10000000000021", "Principal 1.00 USD")))
		time.Sleep(10 * time.Minute)
		assert.NotContains(t, c.api("GET", transactionsPath+"?"+ofOrder(unshipped), "").body, "REFUND_ID")
		require.NoError(t, srv.Ship(unshipped, "10000000000021", 2))
		time.Sleep(2*time.Minute + time.Millisecond)
		assert.Contains(t, c.api("GET", transactionsPath+"?"+ofOrder(unshipped), "").body, `"postedDate":"2000-01-01T00:10:00Z"`)
		assert.Equal(t, "2000-01-01 00:10:00 +0000 UTC", c.state(unshipped).Updated.String(), "shipping is an update")
	})
}
