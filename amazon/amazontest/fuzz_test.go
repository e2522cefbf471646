package amazontest_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon/amazontest"
)

// Whatever a query says, it is answered: with a list, or with what is wrong.
func FuzzQueries(f *testing.F) {
	for _, query := range []string{
		"createdAfter=2026-01-01T00:00:00Z&maxResultsPerPage=1&paginationToken=eyJBcmdzIjoiIiwiQWZ0ZXIiOiIxIn0=",
		"lastUpdatedAfter=2026-01-01T00:00:00Z&fulfillmentStatuses=SHIPPED,CANCELLED&includedData=FULFILLMENT",
		"relatedIdentifierName=ORDER_ID&relatedIdentifierValue=" + shipped + "&transactionStatus=RELEASED",
		"postedAfter=2025-12-01T00:00:00Z&postedBefore=2025-12-02T00:00:00Z&nextToken=x",
		"reportTypes=GET_X,GET_Y",
	} {
		f.Add(query)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := login(f, open(f, amazontest.Config{Throttle: amazontest.Throttle{Off: true}, Now: func() time.Time { return now }}), "Atzr|one")
	f.Fuzz(func(t *testing.T, query string) {
		parsed, err := url.ParseQuery(query)
		if err != nil {
			return // it does not arrive as a query
		}
		c.TB = t
		for _, path := range []string{ordersPath, ordersPath + "/" + shipped, transactionsPath, schedulesPath} {
			got := c.api("GET", path+"?"+parsed.Encode(), "")
			assert.Contains(t, []int{200, 400}, got.status, got.body)
			require.True(t, json.Valid([]byte(got.body)), got.body)
		}
	})
}

func FuzzCreateRestrictedDataToken(f *testing.F) {
	f.Add(resources("/reports/2021-06-30/documents/1"))
	f.Add(`{"restrictedResources":[{"method":"GET","path":"/orders/v0/orders","dataElements":["buyerInfo"]}],"targetApplication":"x"}`)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := login(f, open(f, amazontest.Config{Throttle: amazontest.Throttle{Off: true}, Now: func() time.Time { return now }}), "Atzr|one")
	f.Fuzz(func(t *testing.T, body string) {
		c.TB = t
		got := c.do("POST", host+rdtPath, body, "application/json", c.token)
		assert.Equal(t, 400, got.status, "no report is restricted here: %s", got.body)
	})
}
