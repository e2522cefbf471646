package amazontest_test

import (
	"encoding/json"
	"net/url"
	"path/filepath"
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

const ordersPath = "/orders/2026-01-01/orders"

func TestGetOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		require.NoError(t, srv.RequestCancel(partly, "10000000000032", "Ordered by mistake"))
		tests := map[string]struct{ number, query, want string }{
			"nothing that it has": {partly, "TAX", `{"order":{"orderId":"` + partly + `","createdTime":"2000-01-01T00:00:00Z","lastUpdatedTime":"2000-01-01T00:00:00Z",
				"salesChannel":{"channelName":"AMAZON","marketplaceId":"ATVPDKIKX0DER"},"orderItems":[
				{"orderItemId":"10000000000031","quantityOrdered":2,"product":{"sellerSku":"MUG"}},
				{"orderItemId":"10000000000032","quantityOrdered":1,"product":{"sellerSku":"CUP"}}]}}`},
			"fulfilment": {partly, "FULFILLMENT", `{"order":{"orderId":"` + partly + `","createdTime":"2000-01-01T00:00:00Z","lastUpdatedTime":"2000-01-01T00:00:00Z",
				"salesChannel":{"channelName":"AMAZON","marketplaceId":"ATVPDKIKX0DER"},"fulfillment":{"fulfillmentStatus":"PARTIALLY_SHIPPED","fulfilledBy":"MERCHANT"},"orderItems":[
				{"orderItemId":"10000000000031","quantityOrdered":2,"product":{"sellerSku":"MUG"},"fulfillment":{"quantityFulfilled":2,"quantityUnfulfilled":0}},
				{"orderItemId":"10000000000032","quantityOrdered":1,"product":{"sellerSku":"CUP"},"fulfillment":{"quantityFulfilled":0,"quantityUnfulfilled":1}}]}}`},
			"a buyer's wish": {partly, "CANCELLATION,BUYER,RECIPIENT", `{"order":{"orderId":"` + partly + `","createdTime":"2000-01-01T00:00:00Z","lastUpdatedTime":"2000-01-01T00:00:00Z",
				"salesChannel":{"channelName":"AMAZON","marketplaceId":"ATVPDKIKX0DER"},"orderItems":[
				{"orderItemId":"10000000000031","quantityOrdered":2,"product":{"sellerSku":"MUG"}},
				{"orderItemId":"10000000000032","quantityOrdered":1,"product":{"sellerSku":"CUP"},"cancellation":{"cancellationRequest":{"requester":"BUYER","cancelReason":"Ordered by mistake"}}}]}}`},
			"cancelled before": {cancelled, "CANCELLATION,FULFILLMENT", `{"order":{"orderId":"` + cancelled + `","createdTime":"2000-01-01T00:00:00Z","lastUpdatedTime":"2000-01-01T00:00:00Z",
				"salesChannel":{"channelName":"AMAZON","marketplaceId":"ATVPDKIKX0DER"},"fulfillment":{"fulfillmentStatus":"CANCELLED","fulfilledBy":"MERCHANT"},"orderItems":[
				{"orderItemId":"10000000000051","quantityOrdered":2,"product":{"sellerSku":"MUG"},"fulfillment":{"quantityFulfilled":0,"quantityUnfulfilled":0}}]}}`},
		}
		for name, tt := range tests {
			got := c.api("GET", ordersPath+"/"+tt.number+"?includedData="+tt.query, "")
			assert.Equal(t, 200, got.status, name)
			assert.JSONEq(t, tt.want, got.body, name)
		}
		for path, want := range map[string]int{
			"/111-0000009-0000009":                     404,
			"/" + foreign:                              404,
			"/" + shipped + "?includedData=REFUNDS":    400,
			"/" + shipped + "?marketplaceIds=X":        400,
			"/" + shipped + "?includedData=":           400,
			"/" + shipped + "?includedData=TAX,,BUYER": 400,
		} {
			assert.Equal(t, want, c.api("GET", ordersPath+path, "").status, path)
		}
	})
}

// state is what getOrder says of the first item.
type state struct {
	Status      string
	Updated     time.Time
	Unfulfilled int
	CancelledBy string
	Reason      string
	Requested   string
}

func (c client) state(number string) state {
	c.Helper()
	var found struct {
		Order struct {
			LastUpdatedTime time.Time
			Fulfillment     struct{ FulfillmentStatus string }
			OrderItems      []struct {
				Fulfillment  struct{ QuantityUnfulfilled int }
				Cancellation struct {
					CancellationRequest   struct{ Requester, CancelReason string }
					CancellationExecution struct{ CancelledBy, CancelReason string }
				}
			}
		}
	}
	got := c.api("GET", ordersPath+"/"+number+"?includedData=CANCELLATION,FULFILLMENT", "")
	require.NoError(c, json.Unmarshal([]byte(got.body), &found), got.body)
	o, it := found.Order, found.Order.OrderItems[0]
	return state{
		o.Fulfillment.FulfillmentStatus, o.LastUpdatedTime, it.Fulfillment.QuantityUnfulfilled,
		it.Cancellation.CancellationExecution.CancelledBy, it.Cancellation.CancellationExecution.CancelReason, it.Cancellation.CancellationRequest.CancelReason,
	}
}

func TestOrderShowsWhatBecameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := amazontest.Config{File: filepath.Join(t.TempDir(), "books.json")}
		srv := open(t, config)
		c := login(t, srv, "Atzr|one")
		start := time.Now()
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute).UTC() }
		assert.Empty(t, cmp.Diff(state{Status: "UNSHIPPED", Updated: at(0), Unfulfilled: 2}, c.state(unshipped)))
		assert.Empty(t, cmp.Diff(state{Status: "PENDING", Updated: at(0), Unfulfilled: 2}, c.state(pending)))

		time.Sleep(time.Minute)
		require.NoError(t, srv.RequestCancel(unshipped, "", "Wrong address"))
		assert.Empty(t, cmp.Diff(state{Status: "UNSHIPPED", Updated: at(1), Unfulfilled: 2, Requested: "Wrong address"}, c.state(unshipped)))
		time.Sleep(time.Minute)
		require.NoError(t, srv.RequestCancel(unshipped, "", "Wrong address"))

		c.send(amazon.CancelFeed, cancels(acknowledge(unshipped, "Failure", "10000000000021 BuyerCanceled", "10000000000022 NoInventory")))
		c.send(amazon.RefundFeed, refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD")))
		time.Sleep(time.Hour / 2)
		srv, err := amazontest.New(config)
		require.NoError(t, err)
		c.http = srv.Client()
		assert.Empty(t, cmp.Diff(state{
			Status: "CANCELLED", Updated: at(3), CancelledBy: "MERCHANT", Reason: "BuyerCanceled", Requested: "Wrong address",
		}, c.state(unshipped)), "as of when the feed was done")
		assert.Empty(t, cmp.Diff(state{Status: "SHIPPED", Updated: at(0)}, c.state(shipped)), "a refund does not show")
	})
}

func TestRequestCancelIsRefused(t *testing.T) {
	srv := open(t, amazontest.Config{})
	for name, tt := range map[string]struct{ number, item, reason, want string }{
		"unknown order": {"111-0000009-0000009", "", "x", "unknown"},
		"unknown item":  {unshipped, "10000000000011", "x", `no item "10000000000011"`},
		"no reason":     {unshipped, "", "", "no reason"},
		"shipped":       {shipped, "", "x", "is SHIPPED"},
		"cancelled":     {cancelled, "", "x", "is CANCELLED"},
	} {
		assert.ErrorContains(t, srv.RequestCancel(tt.number, tt.item, tt.reason), tt.want, name)
	}
	o, _ := srv.Order(unshipped)
	assert.Empty(t, o.Items[0].RequestedReason)
}

func TestSeededTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := orders()[0]
		o.Number, o.CreatedAt = "111-0000011-0000011", time.Date(1999, 12, 24, 20, 0, 0, 1, time.FixedZone("", 3600))
		srv := open(t, amazontest.Config{})
		require.NoError(t, srv.Seed(o))
		got, _ := srv.Order(o.Number)
		assert.Equal(t, []time.Time{time.Date(1999, 12, 24, 19, 0, 0, 0, time.UTC), time.Date(1999, 12, 24, 19, 0, 0, 0, time.UTC)}, []time.Time{got.CreatedAt, got.UpdatedAt})

		o.Number, o.UpdatedAt = "111-0000012-0000012", o.CreatedAt.Add(-time.Second)
		assert.ErrorContains(t, srv.Seed(o), "before it was placed")
		o.UpdatedAt, o.Items[0].CancelledBy = time.Time{}, amazon.ActorBuyer
		assert.ErrorContains(t, srv.Seed(o), "nothing of it is cancelled")
	})
}

// found follows the pages of searchOrders and returns the order numbers on each.
func (c client) found(query string) [][]string {
	c.Helper()
	var pages [][]string
	next := ""
	for {
		got := c.api("GET", ordersPath+"?"+query+next, "")
		require.Equal(c, 200, got.status, got.body)
		var page struct {
			Orders     []struct{ OrderID string }
			Pagination struct{ NextToken string }
		}
		require.NoError(c, json.Unmarshal([]byte(got.body), &page))
		numbers := []string{}
		for _, o := range page.Orders {
			numbers = append(numbers, o.OrderID)
		}
		pages = append(pages, numbers)
		if page.Pagination.NextToken == "" {
			return pages
		}
		next = "&paginationToken=" + url.QueryEscape(page.Pagination.NextToken)
	}
}

func TestSearchOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// It searches far more often than a caller may.
		srv := open(t, amazontest.Config{Throttle: amazontest.Throttle{Off: true}})
		c := login(t, srv, "Atzr|one")
		old := orders()[0]
		old.Number, old.Marketplace, old.CreatedAt = "999-0000001-0000001", "A1PA6795UKMFR9", time.Now().Add(-time.Hour)
		require.NoError(t, srv.Seed(old))
		time.Sleep(10 * time.Minute)
		require.NoError(t, srv.RequestCancel(pending, "", "x"))
		last := orders()[0]
		last.Number = "111-0000008-0000008"
		require.NoError(t, srv.Seed(last))

		all := "createdAfter=1999-01-01T00:00:00Z"
		time.Sleep(2*time.Minute - time.Millisecond)
		assert.Equal(t, [][]string{{old.Number, shipped, unshipped, partly, pending, cancelled, yen}}, c.found(all), "an order is listed when it is two minutes old")
		time.Sleep(time.Millisecond)
		tests := map[string]struct {
			query string
			want  [][]string
		}{
			"oldest first":       {all, [][]string{{old.Number, shipped, unshipped, partly, pending, cancelled, yen, last.Number}}},
			"pages":              {all + "&maxResultsPerPage=3", [][]string{{old.Number, shipped, unshipped}, {partly, pending, cancelled}, {yen, last.Number}}},
			"full pages":         {all + "&maxResultsPerPage=8", [][]string{{old.Number, shipped, unshipped, partly, pending, cancelled, yen, last.Number}}},
			"created after":      {"createdAfter=2000-01-01T00:10:00Z", [][]string{{last.Number}}},
			"created before":     {all + "&createdBefore=1999-12-31T23:00:00Z", [][]string{{old.Number}}},
			"updated after":      {"lastUpdatedAfter=2000-01-01T00:10:00Z", [][]string{{pending, last.Number}}},
			"updated before":     {"lastUpdatedAfter=1999-01-01T00:00:00Z&lastUpdatedBefore=1999-12-31T23:30:00Z", [][]string{{old.Number}}},
			"later than now":     {"createdAfter=2100-01-01T00:00:00Z", [][]string{{}}},
			"statuses":           {all + "&fulfillmentStatuses=PENDING,CANCELLED", [][]string{{pending, cancelled}}},
			"statuses, pages":    {all + "&fulfillmentStatuses=SHIPPED&maxResultsPerPage=2", [][]string{{old.Number, shipped}, {yen, last.Number}}},
			"marketplaces":       {all + "&marketplaceIds=A1PA6795UKMFR9,A1F83G8C2ARO7P", [][]string{{old.Number}}},
			"by merchant":        {all + "&fulfilledBy=MERCHANT,AMAZON&marketplaceIds=A1PA6795UKMFR9", [][]string{{old.Number}}},
			"fulfilled by other": {all + "&fulfilledBy=AMAZON", [][]string{{}}},
		}
		for name, tt := range tests {
			assert.Empty(t, cmp.Diff(tt.want, c.found(tt.query)), name)
		}

		got := c.api("GET", ordersPath+"?lastUpdatedAfter=2000-01-01T00:10:00Z&includedData=CANCELLATION", "")
		assert.Equal(t, "2000-01-01T00:10:00Z", got.field("lastUpdatedBefore"))
		assert.Contains(t, got.body, `"cancellationRequest":{"requester":"BUYER","cancelReason":"x"}`)
		assert.NotContains(t, got.body, "fulfillment")

		token := "&paginationToken=" + url.QueryEscape(c.next(all+"&maxResultsPerPage=1"))
		for name, query := range map[string]string{
			"no time":            "fulfillmentStatuses=SHIPPED",
			"both times":         all + "&lastUpdatedAfter=1999-01-01T00:00:00Z",
			"mixed times":        all + "&lastUpdatedBefore=1999-02-01T00:00:00Z",
			"unreadable time":    "createdAfter=yesterday",
			"unreadable end":     all + "&createdBefore=today",
			"backwards":          all + "&createdBefore=1998-01-01T00:00:00Z",
			"too new":            all + "&createdBefore=2000-01-01T00:10:01Z",
			"no page":            all + "&maxResultsPerPage=0",
			"page too large":     all + "&maxResultsPerPage=101",
			"unknown status":     all + "&fulfillmentStatuses=Shipped",
			"unknown fulfiller":  all + "&fulfilledBy=BUYER",
			"unknown data":       all + "&includedData=REFUNDS",
			"empty marketplace":  all + "&marketplaceIds=A,,B",
			"unknown parameter":  all + "&nextToken=x",
			"repeated parameter": all + "&fulfilledBy=MERCHANT&fulfilledBy=AMAZON",
			"token alone":        token[1:],
			"token and others":   all + "&maxResultsPerPage=2" + token,
			"token damaged":      all + "&maxResultsPerPage=1" + token + "x",
			"token empty":        all + "&maxResultsPerPage=1&paginationToken=",
		} {
			assert.Equal(t, 400, c.api("GET", ordersPath+"?"+query, "").status, name)
		}

		// The second page ends where the first one's "until now" ended.
		require.NoError(t, srv.Seed(amazontest.Order{
			Seller: merchant, Number: "111-0000013-0000013", Currency: "USD", CreatedAt: time.Now(),
			Items: []amazontest.Item{{ID: "10000000000131", Quantity: 1, Charges: order.Amounts{order.Principal: dec("1")}}},
		}))
		time.Sleep(time.Hour - time.Minute)
		c.token = c.login("Atzr|one")
		rest := c.api("GET", ordersPath+"?"+all+"&maxResultsPerPage=1"+token, "")
		assert.Contains(t, rest.body, shipped)
		assert.Equal(t, "2000-01-01T00:10:00Z", rest.field("createdBefore"))
		time.Sleep(23*time.Hour + time.Minute)
		c.token = c.login("Atzr|one")
		assert.Contains(t, c.api("GET", ordersPath+"?"+all+"&maxResultsPerPage=1"+token, "").body, "has expired")
	})
}

// next is the token for the second page of a search.
func (c client) next(query string) string {
	c.Helper()
	var page struct{ Pagination struct{ NextToken string } }
	require.NoError(c, json.Unmarshal([]byte(c.api("GET", ordersPath+"?"+query, "").body), &page))
	return page.Pagination.NextToken
}
