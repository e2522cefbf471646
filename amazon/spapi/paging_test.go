package spapi_test

import (
	"fmt"
	"iter"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// collect reads a sequence to its end.
func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// queries returns the parameters of the requests on a route.
func queries(t *testing.T, s *server, route string) []url.Values {
	t.Helper()
	var all []url.Values
	for _, r := range s.requests(route) {
		q, err := url.ParseQuery(r.query)
		require.NoError(t, err)
		all = append(all, q)
	}
	return all
}

// list is one of Amazon's lists: how to ask for it, and its pages with items
// that are not understood ("bad") or are.
type list struct {
	route string
	page  func(next string, items ...string) string
	good  string
	bad   string
	read  func(*spapi.Client) (int, error)
}

func count[T any](seq iter.Seq2[T, error]) (int, error) {
	all, err := collect(seq)
	return len(all), err
}

func lists(t *testing.T) map[string]list {
	array := func(items []string) string {
		text := ""
		for i, item := range items {
			if i > 0 {
				text += ","
			}
			text += item
		}
		return "[" + text + "]"
	}
	wrapped := func(format string) func(string, ...string) string {
		return func(next string, items ...string) string { return fmt.Sprintf(format, array(items), next) }
	}
	return map[string]list{
		"feeds": {feedsPath, wrapped(`{"feeds":%s,"nextToken":%q}`), feedJSON, `{"feedId":"1"}`,
			func(c *spapi.Client) (int, error) {
				return count(c.AllFeeds(t.Context(), seller, spapi.FeedQuery{Types: []amazon.FeedType{amazon.RefundFeed}}))
			}},
		"reports": {reportsPath, wrapped(`{"reports":%s,"nextToken":%q}`), reportJSON, `{"reportId":"1"}`,
			func(c *spapi.Client) (int, error) {
				return count(c.AllReports(t.Context(), seller, amazon.ReportQuery{Types: []amazon.ReportType{amazon.ReturnsFlatReport}}))
			}},
		"orders": {ordersPath, wrapped(`{"orders":%s,"pagination":{"nextToken":%q}}`), orderJSON, `{"orderId":"1"}`,
			func(c *spapi.Client) (int, error) {
				return count(c.SearchOrders(t.Context(), seller, spapi.OrderQuery{UpdatedAfter: hostTime.AddDate(0, 0, -1)}))
			}},
		"transactions": {transactionsPath, wrapped(`{"payload":{"transactions":%s,"nextToken":%q}}`), refundJSON, `null`,
			func(c *spapi.Client) (int, error) {
				return count(c.Transactions(t.Context(), seller, spapi.TransactionQuery{Order: orderNumber}))
			}},
	}
}

func TestListsReadAllPagesOrEndInAnError(t *testing.T) {
	for name, l := range lists(t) {
		tests := map[string]struct {
			steps []step
			items int
			ok    bool
			calls int
		}{
			"one page":              {[]step{answer(200, l.page("", l.good))}, 1, true, 1},
			"nothing":               {[]step{answer(200, l.page(""))}, 0, true, 1},
			"an empty page between": {[]step{answer(200, l.page("b", l.good)), answer(200, l.page("c")), answer(200, l.page("", l.good, l.good))}, 3, true, 3},
			"a page repeated":       {[]step{answer(200, l.page("b", l.good)), answer(503, ""), answer(200, l.page("", l.good))}, 2, true, 3},
			"second page fails":     {[]step{answer(200, l.page("b", l.good)), answer(400, "")}, 1, false, 2},
			"half a page is bad":    {[]step{answer(200, l.page("b", l.good)), answer(200, l.page("", l.good, l.bad))}, 1, false, 2},
			"pages never end":       {[]step{answer(200, l.page("b", l.good)), answer(200, l.page("c", l.good)), answer(200, l.page("b", l.good))}, 2, false, 3},
			"a page again at once":  {[]step{answer(200, l.page("b", l.good))}, 1, false, 2},
			"no list":               {[]step{answer(200, `{}`)}, 0, false, 1},
			"not JSON":              {[]step{answer(200, `<html>`)}, 0, false, 1},
		}
		for test, tt := range tests {
			t.Run(name+" "+test, func(t *testing.T) {
				s := newServer(t)
				s.on(l.route, tt.steps...)
				c, _ := connect(t, s)
				items, err := l.read(c)
				assert.Equal(t, tt.items, items)
				assert.Equal(t, tt.ok, err == nil, "%v", err)
				assert.Len(t, s.requests(l.route), tt.calls)
			})
		}
	}
}

func TestListErrorsNameTheirOperation(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, `{"feeds":[],"nextToken":"n"}`))
	c, _ := connect(t, s)
	list, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	assert.Zero(t, list)
	var got *amazon.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, "getFeeds", got.Op)
	assert.Equal(t, "acme-na", got.Account)
	assert.ErrorContains(t, err, "nextToken twice")
}

func TestAPageIsAskedForWhenTheCallerGetsThere(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, fmt.Sprintf(`{"feeds":[%s,%s],"nextToken":"n"}`, feedJSON, feedJSON)), answer(200, `{"feeds":[]}`))
	c, _ := connect(t, s)
	all := c.AllFeeds(t.Context(), seller, spapi.FeedQuery{Types: []amazon.FeedType{amazon.RefundFeed}})
	assert.Empty(t, s.requests(feedsPath), "nobody has asked yet")
	for feed, err := range all {
		require.NoError(t, err)
		assert.Equal(t, amazon.FeedID("50001"), feed.ID)
		break
	}
	assert.Len(t, s.requests(feedsPath), 1, "the caller left on the first page")
	for _, err := range all {
		require.NoError(t, err)
	}
	first := url.Values{"feedTypes": {"POST_PAYMENT_ADJUSTMENT_DATA"}, "pageSize": {"100"}}
	if diff := cmp.Diff([]url.Values{first, first}, queries(t, s, feedsPath)); diff != "" {
		t.Errorf("the second range begins from the first page (-want +got):\n%s", diff)
	}
}
