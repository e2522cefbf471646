package amazontest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
)

func TestLoginIsRefused(t *testing.T) {
	srv := open(t, amazontest.Config{})
	require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: "A3", ClientID: "another app", ClientSecret: "its secret", RefreshToken: "Atzr|three"}))
	c := login(t, srv, "Atzr|one")
	tests := map[string]struct {
		body, contentType string
		status            int
		code              string
	}{
		"unknown refresh token": {form("Atzr|none", "app", "secret"), "application/x-www-form-urlencoded", 400, "invalid_grant"},
		"of another app":        {form("Atzr|three", "app", "secret"), "application/x-www-form-urlencoded", 400, "invalid_grant"},
		"wrong secret":          {form("Atzr|one", "app", "guess"), "application/x-www-form-urlencoded", 401, "invalid_client"},
		"missing secret":        {form("Atzr|one", "app", ""), "application/x-www-form-urlencoded", 400, "invalid_request"},
		"other grant":           {strings.Replace(form("Atzr|one", "app", "secret"), "grant_type=refresh_token", "grant_type=password", 1), "application/x-www-form-urlencoded", 400, "unsupported_grant_type"},
		"not a form":            {form("Atzr|one", "app", "secret"), "text/plain", 400, "invalid_request"},
		"bad JSON":              {"{", "application/json", 400, "invalid_request"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := c.do("POST", host+"/auth/o2/token", tt.body, tt.contentType, "")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.code, got.field("error"))
		})
	}

	got := c.do("POST", host+"/auth/o2/token", `{"grant_type":"refresh_token","refresh_token":"Atzr|one","client_id":"app","client_secret":"secret"}`, "application/json", "")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, "3600", got.field("expires_in"))
	assert.Equal(t, "bearer", got.field("token_type"))
}

func TestAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := login(t, open(t, amazontest.Config{}), "Atzr|one")
		list := func(token string) response {
			return c.do("GET", host+"/feeds/2021-06-30/feeds?feedTypes=X", "", "", token)
		}
		time.Sleep(time.Hour - time.Millisecond)
		assert.Equal(t, 200, list(c.token).status)
		time.Sleep(time.Millisecond)

		for token, want := range map[string]string{
			c.token:      "The access token you provided has expired.",
			"Atza|other": "The access token you provided is revoked, malformed or invalid.",
			"":           "Access token is missing in the request header.",
		} {
			got := list(token)
			assert.Equal(t, 403, got.status)
			assert.Contains(t, got.body, want)
			assert.Empty(t, got.header.Get("x-amzn-RateLimit-Limit"))
		}
	})
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	c := login(t, open(t, amazontest.Config{Now: func() time.Time { return at }}), "Atzr|one")
	tests := map[string]struct {
		method, path string
		status       int
		rate         string
	}{
		"found":         {"GET", "/feeds/2021-06-30/feeds?feedTypes=X", 200, "0.0222"},
		"not found":     {"GET", "/feeds/2021-06-30/feeds/1", 404, "2.0"},
		"no document":   {"GET", "/feeds/2021-06-30/documents/1", 404, "0.0222"},
		"no report":     {"GET", "/reports/2021-06-30/reports/1", 404, "2.0"},
		"cancel none":   {"DELETE", "/feeds/2021-06-30/feeds/1", 404, "2.0"},
		"no route":      {"GET", "/orders/v0/orders", 404, ""},
		"wrong method":  {"PUT", "/feeds/2021-06-30/feeds", 404, ""},
		"missing types": {"GET", "/feeds/2021-06-30/feeds", 400, "0.0222"},
		"no report doc": {"GET", "/reports/2021-06-30/documents/1", 404, "0.0167"},
		"no list":       {"GET", "/reports/2021-06-30/reports", 400, "0.0222"},
	}
	ids := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := c.api(tt.method, tt.path, "")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.rate, got.header.Get("x-amzn-RateLimit-Limit"))
			assert.Equal(t, "Wed, 04 Mar 2026 05:06:07 GMT", got.header.Get("Date"))
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			assert.NotContains(t, ids, got.header.Get("x-amzn-RequestId"))
			ids[got.header.Get("x-amzn-RequestId")] = true
		})
	}
}

func TestCreateFeedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c, other := login(t, srv, "Atzr|one"), login(t, srv, "Atzr|two")
		other.upload("1") // sellers have equal document IDs: only the second of these is foreign
		foreignDoc := other.upload("2")
		empty := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"text/xml"}`).field("feedDocumentId")
		tests := map[string]string{
			"feed type":                  feedBody("POST_PRODUCT_DATA", empty),
			"document not there":         feedBody(amazon.RefundFeed, "amzn1.nothing"),
			"document of another seller": feedBody(amazon.RefundFeed, foreignDoc),
			"document not uploaded":      feedBody(amazon.RefundFeed, empty),
			"no marketplace":             strings.Replace(feedBody(amazon.RefundFeed, empty), `"ATVPDKIKX0DER"`, "", 1),
			"unknown field":              `{"feedtypes":"x"}`,
			"feed options":               strings.Replace(feedBody(amazon.RefundFeed, empty), "{", `{"feedOptions":{"a":"b"},`, 1),
			"no JSON":                    "feed",
		}
		for name, body := range tests {
			got := c.api("POST", "/feeds/2021-06-30/feeds", body)
			assert.Equal(t, 400, got.status, name)
			assert.Contains(t, got.body, "InvalidInput", name)
		}
		assert.Equal(t, 404, c.api("GET", "/feeds/2021-06-30/documents/"+empty, "").status, "a document that was not uploaded")
		assert.Equal(t, 415, c.do("POST", host+"/feeds/2021-06-30/feeds", "{}", "text/plain", c.token).status)
		assert.Equal(t, 400, c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":""}`).status)

		old := c.upload("late")
		assert.Contains(t, c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, old)+"{}").body, "more than one JSON value")
		time.Sleep(48 * time.Hour)
		c.token = c.login("Atzr|one")
		got := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, old))
		assert.Equal(t, 400, got.status)
		assert.Contains(t, got.body, "older than two days")
		assert.Empty(t, srv.Feeds())
	})
}

func TestUploadIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		made := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"`+xmlType+`"}`)
		address := made.field("url")
		assert.NotContains(t, address, "amazon.com", "storage is another host")
		put := func(contentType string, change func(*http.Request)) response {
			req, err := http.NewRequest("PUT", address, strings.NewReader("<x/>"))
			require.NoError(t, err)
			req.Header.Set("Content-Type", contentType)
			change(req)
			resp, err := c.http.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return response{t, resp.StatusCode, resp.Header, string(body)}
		}
		asIs := func(*http.Request) {}
		tests := map[string]struct {
			contentType string
			change      func(*http.Request)
			status      int
			code        string
		}{
			"charset in small letters": {"text/xml; charset=utf-8", asIs, 403, "SignatureDoesNotMatch"},
			"no charset":               {"text/xml", asIs, 403, "SignatureDoesNotMatch"},
			"no content type":          {xmlType, func(r *http.Request) { r.Header.Del("Content-Type") }, 403, "SignatureDoesNotMatch"},
			"changed address":          {xmlType, func(r *http.Request) { r.URL.RawQuery += "&x=1" }, 403, "SignatureDoesNotMatch"},
			"other document":           {xmlType, func(r *http.Request) { r.URL.Path += "1" }, 403, "SignatureDoesNotMatch"},
			"other method":             {xmlType, func(r *http.Request) { r.Method = "GET" }, 403, "SignatureDoesNotMatch"},
			"with access token":        {xmlType, func(r *http.Request) { r.Header.Set("x-amz-access-token", c.token) }, 403, "AccessDenied"},
			"with authorization":       {xmlType, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 400, "InvalidArgument"},
			"in chunks":                {xmlType, func(r *http.Request) { r.ContentLength = -1 }, 501, "NotImplemented"},
		}
		for name, tt := range tests {
			got := put(tt.contentType, tt.change)
			assert.Equal(t, tt.status, got.status, name)
			assert.Contains(t, got.body, "<Error><Code>"+tt.code+"</Code>", name)
			assert.Equal(t, 400, c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, made.field("feedDocumentId"))).status, "%s: something was uploaded", name)
		}
		time.Sleep(5 * time.Minute)
		got := put(xmlType, asIs)
		assert.Equal(t, 403, got.status)
		assert.Contains(t, got.body, "Request has expired")
	})
}

func TestCancelFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c, other := login(t, srv, "Atzr|one"), login(t, srv, "Atzr|two")
		doc := refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD"))
		feed := c.send(amazon.RefundFeed, doc)
		assert.Equal(t, 404, other.api("DELETE", "/feeds/2021-06-30/feeds/"+feed, "").status, "the feed of another seller")
		got := c.api("DELETE", "/feeds/2021-06-30/feeds/"+feed, "")
		assert.Equal(t, 200, got.status)
		assert.Empty(t, got.body)
		assert.Equal(t, 400, c.api("DELETE", "/feeds/2021-06-30/feeds/"+feed, "").status)

		started := c.send(amazon.RefundFeed, doc)
		time.Sleep(30 * time.Second)
		assert.Equal(t, 400, c.api("DELETE", "/feeds/2021-06-30/feeds/"+started, "").status)
		time.Sleep(time.Hour / 2)
		assert.Equal(t, "CANCELLED", c.api("GET", "/feeds/2021-06-30/feeds/"+feed, "").field("processingStatus"))
		assert.Equal(t, 1, c.read(started).Successful)
		assert.True(t, srv.Paid()["USD"].Equal(dec("1")), "a cancelled feed paid")
	})
}

// listed follows the pages of getFeeds or getReports and returns the IDs on
// each page.
func (c client) listed(path, listName, idName, query string) [][]string {
	c.Helper()
	var pages [][]string
	for {
		got := c.api("GET", path+"?"+query, "")
		require.Equal(c, 200, got.status, got.body)
		var page map[string]json.RawMessage
		require.NoError(c, json.Unmarshal([]byte(got.body), &page))
		var jobs []map[string]any
		require.NoError(c, json.Unmarshal(page[listName], &jobs))
		ids := []string{}
		for _, j := range jobs {
			ids = append(ids, fmt.Sprint(j[idName]))
		}
		pages = append(pages, ids)
		if page["nextToken"] == nil {
			return pages
		}
		query = url.Values{"nextToken": {got.field("nextToken")}}.Encode()
	}
}

func TestGetFeedsSelectsAndPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// It lists far more often than a caller may.
		srv := open(t, amazontest.Config{Throttle: amazontest.Throttle{Off: true}})
		c := login(t, srv, "Atzr|one")
		login(t, srv, "Atzr|two").send(amazon.RefundFeed, "x")
		start := time.Now().UTC()
		var ids []string
		for range 5 {
			ids = append(ids, c.send(amazon.RefundFeed, "x"))
			time.Sleep(20 * time.Second)
		}
		cancel := c.send(amazon.CancelFeed, "x")
		list := func(query string) [][]string {
			return c.listed("/feeds/2021-06-30/feeds", "feeds", "feedId", query)
		}

		refundsOnly := "feedTypes=" + string(amazon.RefundFeed)
		at := func(i int) string {
			return url.QueryEscape(start.Add(time.Duration(i) * 20 * time.Second).Format(time.RFC3339))
		}
		tests := map[string]struct {
			query string
			want  [][]string
		}{
			"newest first":  {refundsOnly, [][]string{{ids[4], ids[3], ids[2], ids[1], ids[0]}}},
			"pages":         {refundsOnly + "&pageSize=2", [][]string{{ids[4], ids[3]}, {ids[2], ids[1]}, {ids[0]}}},
			"full pages":    {refundsOnly + "&pageSize=5", [][]string{{ids[4], ids[3], ids[2], ids[1], ids[0]}}},
			"both types":    {refundsOnly + "," + string(amazon.CancelFeed) + "&pageSize=1&createdSince=" + at(4), [][]string{{cancel}, {ids[4]}}},
			"since":         {refundsOnly + "&createdSince=" + at(3), [][]string{{ids[4], ids[3]}}},
			"until":         {refundsOnly + "&createdUntil=" + at(1), [][]string{{ids[1], ids[0]}}},
			"status":        {refundsOnly + "&processingStatuses=DONE,FATAL", [][]string{{ids[2], ids[1], ids[0]}}},
			"marketplace":   {refundsOnly + "&marketplaceIds=A1PA6795UKMFR9", [][]string{{}}},
			"marketplaces":  {refundsOnly + "&pageSize=3&marketplaceIds=A1PA6795UKMFR9,ATVPDKIKX0DER", [][]string{{ids[4], ids[3], ids[2]}, {ids[1], ids[0]}}},
			"other type":    {"feedTypes=POST_PRODUCT_DATA", [][]string{{}}},
			"status, pages": {refundsOnly + "&processingStatuses=DONE&pageSize=2", [][]string{{ids[2], ids[1]}, {ids[0]}}},
		}
		for name, tt := range tests {
			assert.Empty(t, cmp.Diff(tt.want, list(tt.query)), name)
		}

		next := url.QueryEscape(c.api("GET", "/feeds/2021-06-30/feeds?pageSize=1&"+refundsOnly, "").field("nextToken"))
		for name, query := range map[string]string{
			"token and more":  "nextToken=" + next + "&" + refundsOnly,
			"token damaged":   "nextToken=x" + next,
			"no types":        "pageSize=10",
			"eleven types":    "feedTypes=1,2,3,4,5,6,7,8,9,10,11",
			"repeated types":  "feedTypes=A&feedTypes=B",
			"page too large":  refundsOnly + "&pageSize=101",
			"page not number": refundsOnly + "&pageSize=all",
			"status unknown":  refundsOnly + "&processingStatuses=READY",
			"time unreadable": refundsOnly + "&createdSince=yesterday",
			"unknown filter":  refundsOnly + "&feedType=A",
			"inner parameter": refundsOnly + "&after=1",
		} {
			assert.Equal(t, 400, c.api("GET", "/feeds/2021-06-30/feeds?"+query, "").status, name)
		}

		time.Sleep(90 * 24 * time.Hour)
		c.token = c.login("Atzr|one")
		assert.Empty(t, cmp.Diff([][]string{{}}, list(refundsOnly)), "listed after 90 days")
	})
}

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		file := amazontest.ReportFile{Seller: merchant, Type: amazon.ReturnsFlatReport, Body: []byte("Order ID\tCaf\xe9\n"), ContentType: "text/plain;charset=Cp1252"}
		require.NoError(t, srv.AddReport(file))
		settled := amazontest.ReportFile{Seller: merchant, Type: "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2", Body: []byte("settlement"), Listed: true, Start: time.Now().Add(-14 * 24 * time.Hour), End: time.Now()}
		require.NoError(t, srv.AddReport(settled))
		require.NoError(t, srv.AddReport(settled), "a second time")

		ask := func(reportType string) response {
			return c.api("POST", "/reports/2021-06-30/reports", fmt.Sprintf(`{"reportType":%q,"marketplaceIds":["ATVPDKIKX0DER"],"dataStartTime":"1999-12-01T00:00:00Z"}`, reportType))
		}
		fetch := func(report string) response {
			got := c.api("GET", "/reports/2021-06-30/reports/"+report, "")
			require.Equal(t, "DONE", got.field("processingStatus"), got.body)
			doc := c.api("GET", "/reports/2021-06-30/documents/"+got.field("reportDocumentId"), "")
			require.Equal(t, 200, doc.status, doc.body)
			return c.do("GET", doc.field("url"), "", "", "")
		}

		made := ask(string(amazon.ReturnsFlatReport))
		require.Equal(t, 202, made.status, made.body)
		empty := ask("GET_OTHER")
		assert.Equal(t, 400, ask(string(settled.Type)).status, "settlements cannot be requested")
		state := c.api("GET", "/reports/2021-06-30/reports/"+made.field("reportId"), "")
		assert.Equal(t, "IN_QUEUE", state.field("processingStatus"))
		assert.Equal(t, "1999-12-01T00:00:00Z", state.field("dataStartTime"))
		time.Sleep(time.Minute)
		got := fetch(made.field("reportId"))
		assert.Equal(t, string(file.Body), got.body)
		assert.Equal(t, file.ContentType, got.header.Get("Content-Type"))
		assert.Equal(t, "CANCELLED", c.api("GET", "/reports/2021-06-30/reports/"+empty.field("reportId"), "").field("processingStatus"))

		pages := c.listed("/reports/2021-06-30/reports", "reports", "reportId", "reportTypes="+string(settled.Type))
		require.Len(t, pages, 1)
		require.Len(t, pages[0], 1)
		got = fetch(pages[0][0])
		assert.Equal(t, "settlement", got.body)
		assert.Empty(t, got.header.Get("Content-Type"))

		for name, body := range map[string]string{
			"future":          `{"reportType":"X","marketplaceIds":["A"],"dataEndTime":"2100-01-01T00:00:00Z"}`,
			"backwards":       `{"reportType":"X","marketplaceIds":["A"],"dataStartTime":"1999-12-02T00:00:00Z","dataEndTime":"1999-12-01T00:00:00Z"}`,
			"no marketplaces": `{"reportType":"X"}`,
			"no type":         `{"marketplaceIds":["A"]}`,
		} {
			assert.Equal(t, 400, c.api("POST", "/reports/2021-06-30/reports", body).status, name)
		}
	})
}

func TestGzip(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := open(t, amazontest.Config{Gzip: true, Now: func() time.Time { return at }})
	require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: "GET_V2_SETTLEMENT", Body: []byte("rows"), Listed: true}))
	web := httptest.NewServer(srv)
	defer web.Close()

	inMemory := login(t, srv, "Atzr|one")
	overSocket := client{TB: t, http: web.Client(), host: web.URL}
	overSocket.token = overSocket.login("Atzr|one")
	for name, c := range map[string]client{"memory": inMemory, "socket": overSocket} {
		id := c.listed("/reports/2021-06-30/reports", "reports", "reportId", "reportTypes=GET_V2_SETTLEMENT")[0][0]
		doc := "/reports/2021-06-30/documents/" + c.api("GET", "/reports/2021-06-30/reports/"+id, "").field("reportDocumentId")

		got := c.api("GET", doc, "")
		assert.Equal(t, "GZIP", got.field("compressionAlgorithm"), name)
		z, err := gzip.NewReader(bytes.NewReader([]byte(c.do("GET", got.field("url"), "", "", "").body)))
		require.NoError(t, err, name)
		body, err := io.ReadAll(z)
		require.NoError(t, err, name)
		assert.Equal(t, "rows", string(body), name)

		got = c.api("GET", doc+"?enableContentEncodingUrlHeader=true", "")
		assert.Equal(t, "GZIP", got.field("compressionAlgorithm"), name)
		assert.Equal(t, "rows", c.do("GET", got.field("url"), "", "", "").body, "%s: unpacked by the client", name)
	}
}

func TestCallsAreListedWithoutSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		c.send(amazon.RefundFeed, "x")
		c.send(amazon.RefundFeed, "x")
		c.do("GET", host+"/nothing", "", "", "")

		var got []string
		for _, call := range srv.Calls() {
			got = append(got, fmt.Sprintf("%d %s %d %s %d", call.Number, call.Op, call.Nth, call.Seller, call.Status))
		}
		want := []string{
			"1 login 1 " + merchant + " 200",
			"2 createFeedDocument 1 " + merchant + " 201", "3 upload 1 " + merchant + " 200", "4 createFeed 1 " + merchant + " 202",
			"5 createFeedDocument 2 " + merchant + " 201", "6 upload 2 " + merchant + " 200", "7 createFeed 2 " + merchant + " 202",
			"8  1  404",
		}
		assert.Empty(t, cmp.Diff(want, got))
		assert.NotContains(t, fmt.Sprintf("%+v", srv.Calls()), "Atz")
	})
}
