package spapi_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

const (
	orderNumber = "111-1234567-1234567"
	orderPath   = "GET /orders/2026-01-01/orders/" + orderNumber
	ordersPath  = "GET /orders/2026-01-01/orders"

	// A word, a field and a buyer that nobody asked for.
	orderJSON = `{"orderId":"111-1234567-1234567","createdTime":"2026-09-01T12:00:00Z","lastUpdatedTime":"2026-09-01T14:30:00+02:00",
		"salesChannel":{"channelName":"AMAZON","marketplaceId":"ATVPDKIKX0DER"},
		"buyer":{"buyerName":"Hush Hush"},"new":{"field":[1]},
		"fulfillment":{"fulfillmentStatus":"HALF_WAY","fulfilledBy":"MERCHANT"},
		"orderItems":[
			{"orderItemId":"05015851154158","quantityOrdered":3,"product":{"asin":"B000EXAMPL","sellerSku":"MUG","title":"Mug"},
			 "fulfillment":{"quantityFulfilled":1,"quantityUnfulfilled":1,"packing":{}},
			 "cancellation":{"cancellationRequest":{"requester":"BUYER","cancelReason":"ORDERED_BY_MISTAKE"},
				"cancellationExecution":{"cancelledBy":"MERCHANT","cancelReason":"BUYER_CANCELLED"}}},
			{"orderItemId":"05015851154166","quantityOrdered":1,"product":{}}]}`
)

func TestOrder(t *testing.T) {
	s := newServer(t)
	s.on(orderPath, answer(200, `{"order":`+orderJSON+`}`))
	c, _ := connect(t, s)
	got, err := c.Order(t.Context(), seller, orderNumber)
	require.NoError(t, err)
	want := amazon.OrderState{
		Number: orderNumber, Status: "HALF_WAY", FulfilledBy: amazon.ActorMerchant, Marketplace: "ATVPDKIKX0DER",
		CreatedAt: amazonTime, UpdatedAt: amazonTime.Add(30 * time.Minute),
		Items: []amazon.ItemState{
			{ID: "05015851154158", SKU: "MUG", ASIN: "B000EXAMPL", Ordered: 3, Fulfilled: 1, Unfulfilled: 1,
				RequestedBy: amazon.ActorBuyer, RequestedReason: "ORDERED_BY_MISTAKE",
				CancelledBy: amazon.ActorMerchant, CancelledReason: "BUYER_CANCELLED"},
			{ID: "05015851154166", Ordered: 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Order (-want +got):\n%s", diff)
	}
	assert.Equal(t, []url.Values{{"includedData": {"CANCELLATION,FULFILLMENT"}}}, queries(t, s, orderPath), "no data about the buyer")
}

func TestOrderErrors(t *testing.T) {
	const times = `"createdTime":"2026-09-01T12:00:00Z","lastUpdatedTime":"2026-09-01T12:00:00Z"`
	tests := map[string]struct {
		step step
		want string
	}{
		"unknown":          {answer(404, refused("NotFound", "no such order", "")), "HTTP 404 NotFound: no such order"},
		"empty":            {answer(200, ``), "not the JSON of its model"},
		"no order":         {answer(200, `{}`), `order "" with createdTime`},
		"another order":    {answer(200, `{"order":{"orderId":"222-1234567-1234567",`+times+`,"orderItems":[]}}`), `answer about order "222-1234567-1234567"`},
		"no times":         {answer(200, `{"order":{"orderId":"111-1234567-1234567","orderItems":[]}}`), "want all four"},
		"no items":         {answer(200, `{"order":{"orderId":"111-1234567-1234567",`+times+`}}`), "want all four"},
		"item without ID":  {answer(200, `{"order":{"orderId":"111-1234567-1234567",`+times+`,"orderItems":[{"quantityOrdered":1}]}}`), "want an orderItemId"},
		"item of how many": {answer(200, `{"order":{"orderId":"111-1234567-1234567",`+times+`,"orderItems":[{"orderItemId":"5"}]}}`), "and a quantityOrdered"},
		"item below zero":  {answer(200, `{"order":{"orderId":"111-1234567-1234567",`+times+`,"orderItems":[{"orderItemId":"5","quantityOrdered":-1}]}}`), "want none below zero"},
		"a part of a unit": {answer(200, `{"order":{"orderId":"111-1234567-1234567",`+times+`,"orderItems":[{"orderItemId":"5","quantityOrdered":1.5}]}}`), "not the JSON of its model"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(orderPath, tt.step)
			c, _ := connect(t, s)
			_, err := c.Order(t.Context(), seller, orderNumber)
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, "getOrder", got.Op)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestOrderNumbersAreChecked(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	for _, number := range []string{"", "111", "../feeds", "111-1234567-1234567?x"} {
		_, err := c.Order(t.Context(), seller, number)
		assert.ErrorContains(t, err, "want 3-7-7 digits")
		assert.Equal(t, amazon.NotSent, amazon.Whether(err))
		_, err = c.Refunds(t.Context(), seller, number)
		assert.ErrorContains(t, err, "want 3-7-7 digits")
	}
	assert.Empty(t, s.requests(tokenPath))
}

func TestSearchOrdersKeepsItsFilters(t *testing.T) {
	s := newServer(t)
	s.on(ordersPath, answer(200, `{"orders":[`+orderJSON+`],"pagination":{"nextToken":"a+b/c=="}}`), answer(200, `{"orders":[`+orderJSON+`]}`))
	c, _ := connect(t, s)
	orders, err := collect(c.SearchOrders(t.Context(), seller, spapi.OrderQuery{
		UpdatedAfter: hostTime.Add(-time.Hour), Before: hostTime.Add(-2 * time.Minute),
		Statuses:     []amazon.OrderStatus{amazon.OrderUnshipped, amazon.OrderCancelled},
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		FulfilledBy:  []amazon.Actor{amazon.ActorMerchant},
	}))
	require.NoError(t, err)
	assert.Len(t, orders, 2)
	first := url.Values{
		"lastUpdatedAfter":    {"2026-09-01T10:58:00Z"},
		"lastUpdatedBefore":   {"2026-09-01T11:56:00Z"},
		"fulfillmentStatuses": {"UNSHIPPED,CANCELLED"},
		"marketplaceIds":      {"ATVPDKIKX0DER"},
		"fulfilledBy":         {"MERCHANT"},
		"includedData":        {"CANCELLATION,FULFILLMENT"},
		"maxResultsPerPage":   {"100"},
	}
	second := url.Values{"paginationToken": {"a+b/c=="}}
	for name, value := range first {
		second[name] = value
	}
	if diff := cmp.Diff([]url.Values{first, second}, queries(t, s, ordersPath)); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestSearchOrdersByCreation(t *testing.T) {
	s := newServer(t)
	s.on(ordersPath, answer(200, `{"orders":[]}`))
	c, _ := connect(t, s)
	_, err := collect(c.SearchOrders(t.Context(), seller, spapi.OrderQuery{CreatedAfter: hostTime.Add(-time.Hour), Before: hostTime.Add(-time.Minute * 30)}))
	require.NoError(t, err)
	want := []url.Values{{
		"createdAfter": {"2026-09-01T10:58:00Z"}, "createdBefore": {"2026-09-01T11:28:00Z"},
		"includedData": {"CANCELLATION,FULFILLMENT"}, "maxResultsPerPage": {"100"},
	}}
	if diff := cmp.Diff(want, queries(t, s, ordersPath)); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestSearchOrdersRefusesABadQuery(t *testing.T) {
	day := hostTime.AddDate(0, 0, -1)
	tests := map[string]struct {
		query spapi.OrderQuery
		want  string
	}{
		"no time":              {spapi.OrderQuery{}, "exactly one of CreatedAfter and UpdatedAfter"},
		"both times":           {spapi.OrderQuery{CreatedAfter: day, UpdatedAfter: day}, "exactly one of CreatedAfter and UpdatedAfter"},
		"ends before it start": {spapi.OrderQuery{CreatedAfter: day, Before: day.Add(-time.Second)}, "ends before it starts"},
		"ends too late":        {spapi.OrderQuery{CreatedAfter: day, Before: hostTime.Add(-2*time.Minute + time.Millisecond)}, "want two minutes ago or earlier, 2026-09-01T11:56:00Z"},
		"many marketplaces":    {spapi.OrderQuery{CreatedAfter: day, Marketplaces: make([]order.MarketplaceID, 51)}, "51 marketplaces: want 0 to 50"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := collect(c.SearchOrders(t.Context(), seller, tt.query))
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

// answering returns a client whose every call is answered so.
func answering(t testing.TB, body []byte) *spapi.Client {
	return offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/auth/o2/token" {
			return inMemory(200, `{"access_token":"Atza|access-hush","expires_in":3600}`), nil
		}
		return inMemory(200, string(body)), nil
	}))
}

func FuzzOrderPage(f *testing.F) {
	f.Add([]byte(`{"orders":[` + orderJSON + `],"pagination":null}`))
	f.Add([]byte(`{"orders":[null],"pagination":{"nextToken":"x"}}`))
	f.Add([]byte(`{"orders":[{"orderId":"5","createdTime":"2026-13-01T12:00:00Z","orderItems":[{"quantityOrdered":1e99}]}]}`))
	f.Add([]byte(`{"orders":{},"pagination":5}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := answering(t, body)
		orders, err := collect(c.SearchOrders(context.Background(), seller, spapi.OrderQuery{CreatedAfter: hostTime.AddDate(0, 0, -1)}))
		for _, o := range orders {
			assert.NotEmpty(t, o.Number)
			assert.False(t, o.CreatedAt.IsZero())
			for _, i := range o.Items {
				assert.NotEmpty(t, i.ID)
				assert.True(t, i.Ordered >= 0 && i.Fulfilled >= 0 && i.Unfulfilled >= 0)
			}
		}
		var e *amazon.Error
		if err != nil {
			require.ErrorAs(t, err, &e)
			assert.Less(t, len(err.Error()), 2000)
		}
	})
}
