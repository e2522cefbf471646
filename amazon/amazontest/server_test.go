package amazontest_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

const (
	merchant  = "A1EXAMPLESELLER"
	neighbour = "A2OTHERSELLER"
	shipped   = "111-0000001-0000001" // items 10000000000011 (2 units) and 100000000000012
	unshipped = "111-0000002-0000002" // items 10000000000021 and 10000000000022
	partly    = "111-0000003-0000003" // items 10000000000031 (shipped) and 10000000000032 (not)
	pending   = "111-0000004-0000004"
	cancelled = "111-0000005-0000005"
	foreign   = "111-0000006-0000006" // of the neighbour
	yen       = "111-0000007-0000007"

	host    = "https://sellingpartnerapi-na.amazon.com"
	xmlType = "text/xml; charset=UTF-8"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func orders() []amazontest.Order {
	charges := order.Amounts{order.Principal: dec("20.00"), order.Tax: dec("1.60"), order.Shipping: dec("5.00"), order.ShippingTax: dec("0.40")}
	one := func(seller, number, item string, shipped int, status amazon.OrderStatus) amazontest.Order {
		return amazontest.Order{
			Seller: seller, Number: number, Marketplace: "ATVPDKIKX0DER", Currency: "USD", Status: status,
			Items: []amazontest.Item{{ID: item, SKU: "MUG", Quantity: 2, Shipped: shipped, Charges: charges}},
		}
	}
	two := func(o amazontest.Order, item string, shipped int) amazontest.Order {
		o.Items = append(o.Items, amazontest.Item{ID: item, SKU: "CUP", Quantity: 1, Shipped: shipped, Charges: order.Amounts{order.Principal: dec("7.50")}})
		return o
	}
	inYen := one(merchant, yen, "10000000000071", 2, "")
	inYen.Currency, inYen.Items[0].Charges = "JPY", order.Amounts{order.Principal: dec("1099")}
	return []amazontest.Order{
		two(one(merchant, shipped, "10000000000011", 2, ""), "100000000000012", 1),
		two(one(merchant, unshipped, "10000000000021", 0, ""), "10000000000022", 0),
		two(one(merchant, partly, "10000000000031", 2, ""), "10000000000032", 0),
		one(merchant, pending, "10000000000041", 0, amazon.OrderPending),
		one(merchant, cancelled, "10000000000051", 0, amazon.OrderCancelled),
		one(neighbour, foreign, "10000000000061", 2, ""),
		inYen,
	}
}

// open makes a server with two sellers and the orders above.
func open(t testing.TB, c amazontest.Config) *amazontest.Server {
	t.Helper()
	srv, err := amazontest.New(c)
	require.NoError(t, err)
	require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: merchant, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|one"}))
	require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: neighbour, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|two"}))
	require.NoError(t, srv.Seed(orders()...))
	return srv
}

// client speaks plain HTTP to a server, as one seller.
type client struct {
	testing.TB
	http  *http.Client
	host  string
	token string
}

// login makes a client of the server in memory.
func login(t testing.TB, srv *amazontest.Server, refresh string) client {
	t.Helper()
	c := client{TB: t, http: srv.Client(), host: host}
	c.token = c.login(refresh)
	return c
}

func (c client) login(refresh string) string {
	c.Helper()
	got := c.do(http.MethodPost, c.host+"/auth/o2/token", form(refresh, "app", "secret"), "application/x-www-form-urlencoded;charset=UTF-8", "")
	require.Equal(c, 200, got.status, got.body)
	return got.field("access_token")
}

func form(refresh, id, secret string) string {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {id}, "client_secret": {secret}}.Encode()
}

type response struct {
	testing.TB
	status int
	header http.Header
	body   string
}

func (r response) field(name string) string {
	r.Helper()
	var object map[string]any
	require.NoError(r, json.Unmarshal([]byte(r.body), &object), r.body)
	return fmt.Sprint(object[name])
}

func (c client) do(method, address, body, contentType, token string) response {
	c.Helper()
	r, err := c.try(method, address, body, contentType, token)
	require.NoError(c, err)
	return r
}

func (c client) try(method, address, body, contentType, token string) (response, error) {
	req, err := http.NewRequestWithContext(c.Context(), method, address, strings.NewReader(body))
	require.NoError(c, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("x-amz-access-token", token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { assert.NoError(c, resp.Body.Close()) }()
	data, err := io.ReadAll(resp.Body)
	return response{c.TB, resp.StatusCode, resp.Header, string(data)}, err
}

// api calls an operation with the client's token.
func (c client) api(method, path, body string) response {
	c.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	return c.do(method, c.host+path, body, contentType, c.token)
}

// upload announces and uploads a document and returns its ID.
func (c client) upload(doc string) string {
	c.Helper()
	made := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"`+xmlType+`"}`)
	require.Equal(c, 201, made.status, made.body)
	put := c.do("PUT", made.field("url"), doc, xmlType, "")
	require.Equal(c, 200, put.status, put.body)
	return made.field("feedDocumentId")
}

func feedBody(t amazon.FeedType, document string) string {
	return fmt.Sprintf(`{"feedType":%q,"marketplaceIds":["ATVPDKIKX0DER"],"inputFeedDocumentId":%q}`, t, document)
}

// send uploads a document, creates a feed and returns the feed's ID.
func (c client) send(t amazon.FeedType, doc string) string {
	c.Helper()
	made := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(t, c.upload(doc)))
	require.Equal(c, 202, made.status, made.body)
	return made.field("feedId")
}

// report is what a processing report says.
type report struct {
	Transaction string `xml:"Message>ProcessingReport>DocumentTransactionID"`
	Status      string `xml:"Message>ProcessingReport>StatusCode"`
	Processed   int    `xml:"Message>ProcessingReport>ProcessingSummary>MessagesProcessed"`
	Successful  int    `xml:"Message>ProcessingReport>ProcessingSummary>MessagesSuccessful"`
	Failed      int    `xml:"Message>ProcessingReport>ProcessingSummary>MessagesWithError"`
	Results     []struct {
		Message string `xml:"MessageID"`
		Result  string `xml:"ResultCode"`
		Code    int    `xml:"ResultMessageCode"`
		Text    string `xml:"ResultDescription"`
		Order   string `xml:"AdditionalInfo>AmazonOrderID"`
		Item    string `xml:"AdditionalInfo>AmazonOrderItemCode"`
	} `xml:"Message>ProcessingReport>Result"`
}

// read downloads the processing report of a feed that is done.
func (c client) read(feed string) report {
	c.Helper()
	got := c.api("GET", "/feeds/2021-06-30/feeds/"+feed, "")
	require.Equal(c, "DONE", got.field("processingStatus"), got.body)
	doc := c.api("GET", "/feeds/2021-06-30/documents/"+got.field("resultFeedDocumentId"), "")
	require.Equal(c, 200, doc.status, doc.body)
	return parseReport(c.TB, c.do("GET", doc.field("url"), "", "", "").body)
}

func parseReport(t testing.TB, body string) report {
	t.Helper()
	var r report
	require.NoError(t, xml.Unmarshal([]byte(body), &r), body)
	return r
}

// document puts messages of one type into an envelope, with MessageIDs from 1.
func document(messageType string, payloads ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">
<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>%s</MerchantIdentifier></Header>
<MessageType>%s</MessageType>
`, merchant, messageType)
	for i, p := range payloads {
		fmt.Fprintf(&b, "<Message><MessageID>%d</MessageID><%s>%s</%s></Message>\n", i+1, messageType, p, messageType)
	}
	return b.String() + "</AmazonEnvelope>\n"
}

func refunds(payloads ...string) string { return document("OrderAdjustment", payloads...) }

func cancels(payloads ...string) string { return document("OrderAcknowledgement", payloads...) }

// adjust is an OrderAdjustment of one item; amounts are like "Principal 10.00 USD".
func adjust(number, item string, amounts ...string) string {
	var b strings.Builder
	for _, a := range amounts {
		f := strings.Fields(a)
		fmt.Fprintf(&b, `<Component><Type>%s</Type><Amount currency="%s">%s</Amount></Component>`, f[0], f[2], f[1])
	}
	return fmt.Sprintf(`<AmazonOrderID>%s</AmazonOrderID><AdjustedItem><AmazonOrderItemCode>%s</AmazonOrderItemCode>`+
		`<MerchantAdjustmentItemID>RF1</MerchantAdjustmentItemID><AdjustmentReason>CustomerReturn</AdjustmentReason>`+
		`<ItemPriceAdjustments>%s</ItemPriceAdjustments></AdjustedItem>`, number, item, b.String())
}

// cancelling is an adjustment that cancels units too.
func cancelling(adjustment, quantity, reason string) string {
	return strings.NewReplacer("CustomerReturn", reason, "</AdjustedItem>", "<QuantityCancelled>"+quantity+"</QuantityCancelled></AdjustedItem>").Replace(adjustment)
}

// acknowledge is an OrderAcknowledgement; items are like "10000000000021 NoInventory".
func acknowledge(number, status string, items ...string) string {
	s := fmt.Sprintf("<AmazonOrderID>%s</AmazonOrderID><StatusCode>%s</StatusCode>", number, status)
	for _, it := range items {
		code, reason, _ := strings.Cut(it, " ")
		s += "<Item><AmazonOrderItemCode>" + code + "</AmazonOrderItemCode>"
		if reason != "" {
			s += "<CancelReason>" + reason + "</CancelReason>"
		}
		s += "</Item>"
	}
	return s
}

func TestRefundIsPaidAndWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		feed := c.send(amazon.RefundFeed, refunds(
			adjust(shipped, "10000000000011", "Principal 10.00 USD", "Tax 0.80 USD", "RestockingFee -2.00 USD"),
			adjust(shipped, "100000000000012", "Principal 99.00 USD"),
			adjust(yen, "10000000000071", "Principal 1099 JPY", "Goodwill 500 JPY"),
		))
		created := time.Now()

		status := func() string { return c.api("GET", "/feeds/2021-06-30/feeds/"+feed, "").field("processingStatus") }
		assert.Equal(t, "IN_QUEUE", status())
		time.Sleep(30 * time.Second)
		assert.Equal(t, "IN_PROGRESS", status())
		assert.Empty(t, srv.Ledger(), "paid before the feed was done")
		time.Sleep(30 * time.Second)

		r := c.read(feed)
		assert.Equal(t, feed, r.Transaction)
		assert.Equal(t, "Complete", r.Status)
		assert.Equal(t, []int{3, 2, 1}, []int{r.Processed, r.Successful, r.Failed})
		require.Len(t, r.Results, 1, "a success has no entry")
		assert.Equal(t, "2", r.Results[0].Message)
		assert.Equal(t, shipped, r.Results[0].Order)
		assert.Equal(t, "100000000000012", r.Results[0].Item)

		row := func(message, number, item string, c order.Component, amount string, cur order.Currency) amazontest.Payment {
			return amazontest.Payment{
				Time: created.Add(time.Minute).UTC(), By: amazon.ActorMerchant, Feed: amazon.FeedID(feed), Message: message, Seller: merchant, Order: number, Item: item,
				Component: c, Amount: dec(amount), Currency: cur, Reason: "CustomerReturn", Adjustment: "RF1",
			}
		}
		want := []amazontest.Payment{
			row("1", shipped, "10000000000011", order.Principal, "10", "USD"),
			row("1", shipped, "10000000000011", order.Tax, "0.8", "USD"),
			row("1", shipped, "10000000000011", order.RestockingFee, "-2", "USD"),
			row("3", yen, "10000000000071", order.Principal, "1099", "JPY"),
			row("3", yen, "10000000000071", order.Goodwill, "500", "JPY"),
		}
		assert.Empty(t, cmp.Diff(want, srv.Ledger()))
		assert.Empty(t, cmp.Diff(map[order.Currency]decimal.Decimal{"USD": dec("8.80"), "JPY": dec("1599")}, srv.Paid()))

		ord, ok := srv.Order(shipped)
		require.True(t, ok)
		assert.Equal(t, amazon.OrderShipped, ord.Status)
		assert.True(t, ord.Left("10000000000011").Equal(order.Amounts{
			order.Principal: dec("10"), order.Tax: dec("0.8"), order.Shipping: dec("5"), order.ShippingTax: dec("0.4"),
		}), ord.Left("10000000000011").String())
	})
}

func TestSameDocumentAgainPaysAgainWhileTheBalanceLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		doc := c.upload(refunds(adjust(shipped, "10000000000011", "Principal 8.00 USD")))
		var feeds []string
		for range 3 {
			feeds = append(feeds, c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc)).field("feedId"))
		}
		time.Sleep(time.Minute)
		assert.Equal(t, 1, c.read(feeds[0]).Successful)
		assert.Equal(t, 1, c.read(feeds[1]).Successful)
		assert.Equal(t, 1, c.read(feeds[2]).Failed, "8 + 8 + 8 is more than 20")
		assert.True(t, srv.Paid()["USD"].Equal(dec("16")))
	})
}

func TestCancellation(t *testing.T) {
	both := []string{"10000000000021 NoInventory", "10000000000022 NoInventory"}
	tests := map[string]struct {
		number, message string
		status          amazon.OrderStatus
		paid            string
	}{
		"whole order":                       {unshipped, acknowledge(unshipped, "Failure", both...), amazon.OrderCancelled, "0"},
		"without items cancels nothing":     {unshipped, acknowledge(unshipped, "Failure"), amazon.OrderUnshipped, "0"},
		"acknowledged":                      {unshipped, acknowledge(unshipped, "Success", "10000000000021"), amazon.OrderUnshipped, "0"},
		"partly shipped refunds everything": {partly, acknowledge(partly, "Failure", "10000000000032 NoInventory"), amazon.OrderCancelled, "34.50"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{})
				c := login(t, srv, "Atzr|one")
				feed := c.send(amazon.CancelFeed, cancels(tt.message))
				time.Sleep(time.Minute)
				r := c.read(feed)
				assert.Equal(t, 1, r.Successful, "%+v", r)
				ord, _ := srv.Order(tt.number)
				assert.Equal(t, tt.status, ord.Status)
				assert.True(t, srv.Paid()["USD"].Equal(dec(tt.paid)), "paid %s", srv.Paid())
			})
		})
	}
}

func TestNothingIsLeftOfACancelledOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		ord, _ := srv.Order(unshipped)
		require.False(t, ord.Left("10000000000021").IsZero())
		ord.Items[0].Charges[order.Principal] = dec("999") // a snapshot is the caller's
		again, _ := srv.Order(unshipped)
		assert.True(t, again.Left("10000000000021")[order.Principal].Equal(dec("20")))

		login(t, srv, "Atzr|one").send(amazon.CancelFeed, cancels(acknowledge(unshipped, "Failure", "10000000000021 BuyerCanceled", "10000000000022 BuyerCanceled")))
		time.Sleep(time.Minute)
		ord, _ = srv.Order(unshipped)
		assert.True(t, ord.Left("10000000000021").IsZero())
		assert.Equal(t, 2, ord.Items[0].Cancelled)
	})
}

func TestRestOfAPartlyShippedOrderIsCancelledByAdjustment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		message := func(quantity, reason string) string {
			return cancelling(adjust(partly, "10000000000032", "Principal 7.50 USD"), quantity, reason)
		}
		tooMany := c.send(amazon.RefundFeed, refunds(message("2", "NoInventory")))
		otherReason := c.send(amazon.RefundFeed, refunds(message("1", "CouldNotShip")))
		fits := c.send(amazon.RefundFeed, refunds(message("1", "CustomerCancel")))
		time.Sleep(time.Minute)
		assert.Equal(t, 1, c.read(tooMany).Failed)
		assert.Contains(t, c.read(otherReason).Results[0].Text, "NoInventory and CustomerCancel")
		assert.Equal(t, 1, c.read(fits).Successful)
		ord, _ := srv.Order(partly)
		assert.Equal(t, amazon.OrderShipped, ord.Status)
		assert.Equal(t, 1, ord.Items[1].Cancelled)
		assert.True(t, srv.Paid()["USD"].Equal(dec("7.50")))

		file, err := srv.Settle(amazontest.Settlement{Seller: merchant, Marketplace: "ATVPDKIKX0DER", Start: time.Now().Add(-30 * time.Second), End: time.Now().Add(time.Second)})
		require.NoError(t, err)
		rows, _ := settled(t, file.Body)
		require.NotEmpty(t, rows)
		assert.Equal(t, "Refund 10000000000032 ItemPrice Principal -7.50 01 00:01", rows[0], "it looks like any other refund")
	})
}

func TestMessagesThatAreRefused(t *testing.T) {
	adjusted := func(from, to string) string {
		return strings.Replace(adjust(shipped, "10000000000011", "Principal 1.00 USD"), from, to, 1)
	}
	tests := map[string]struct {
		feed    amazon.FeedType
		payload string
		text    string // part of the description
	}{
		"unknown order":               {amazon.RefundFeed, adjust("999-0000000-0000000", "10000000000011", "Principal 1.00 USD"), "order was not found"},
		"order of another seller":     {amazon.RefundFeed, adjust(foreign, "10000000000061", "Principal 1.00 USD"), "order was not found"},
		"order by merchant's number":  {amazon.RefundFeed, adjusted("<AmazonOrderID>"+shipped+"</AmazonOrderID>", "<MerchantOrderID>S-1</MerchantOrderID>"), "order was not found"},
		"unknown item":                {amazon.RefundFeed, adjust(shipped, "10000000000099", "Principal 1.00 USD"), "item was not found"},
		"item by merchant's ID":       {amazon.RefundFeed, adjusted("<AmazonOrderItemCode>10000000000011</AmazonOrderItemCode>", "<MerchantOrderItemID>L-1</MerchantOrderItemID>"), "item was not found"},
		"unshipped above its charge":  {amazon.RefundFeed, adjust(unshipped, "10000000000021", "Principal 20.01 USD"), "help 25161"},
		"unshipped order, some units": {amazon.RefundFeed, cancelling(adjust(unshipped, "10000000000021", "Principal 1.00 USD"), "1", "NoInventory"), "shipped in part"},
		"pending order":               {amazon.RefundFeed, adjust(pending, "10000000000041", "Principal 1.00 USD"), "is pending"},
		"cancelled order":             {amazon.RefundFeed, adjust(cancelled, "10000000000051", "Principal 1.00 USD"), "is cancelled"},
		"principal above its charge":  {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal 20.01 USD"), "help 25161"},
		"tax above its charge":        {amazon.RefundFeed, adjust(shipped, "10000000000011", "Tax 1.61 USD"), "help 25161"},
		"shipping above its charge":   {amazon.RefundFeed, adjust(shipped, "10000000000011", "Shipping 5.01 USD"), "help 25181"},
		"principal twice above":       {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal 15.00 USD", "Principal 5.01 USD"), "5.00 USD that is left"},
		"component never charged":     {amazon.RefundFeed, adjust(shipped, "10000000000011", "GiftWrap 0.01 USD"), "0.00 USD that is left"},
		"negative principal":          {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal -1.00 USD", "Shipping 5.00 USD"), "help 25221"},
		"positive restocking fee":     {amazon.RefundFeed, adjust(shipped, "10000000000011", "RestockingFee 1.00 USD"), "must be below zero"},
		"net of zero":                 {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal 2.00 USD", "RestockingFee -2.00 USD"), "help 30741"},
		"no amounts":                  {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal 0.00 USD"), "help 30741"},
		"negative return shipping":    {amazon.RefundFeed, adjust(shipped, "10000000000011", "ReturnShipping -5.00 USD"), "help 30741"},
		"other currency":              {amazon.RefundFeed, adjust(shipped, "10000000000011", "Principal 1.00 CAD"), "is in CAD"},
		"concessions above their cap": {amazon.RefundFeed, adjust(shipped, "10000000000011", "Goodwill 30.00 USD", "ReturnShipping 20.01 USD"), "above the 50.00 USD allowed"},
		"ActionType Cancel":           {amazon.RefundFeed, adjusted("<AdjustedItem>", "<ActionType>Cancel</ActionType><AdjustedItem>"), "help 30721"},
		"Quantity":                    {amazon.RefundFeed, adjusted("</AdjustedItem>", "<Quantity>2</Quantity></AdjustedItem>"), "Quantity"},
		"second item of two is wrong": {amazon.RefundFeed, adjusted("</AdjustedItem>", "</AdjustedItem><AdjustedItem><AmazonOrderItemCode>10000000000099</AmazonOrderItemCode><AdjustmentReason>Other</AdjustmentReason></AdjustedItem>"), "item was not found"},

		"cancel unknown order":     {amazon.CancelFeed, acknowledge("999-0000000-0000000", "Failure", "10000000000021 NoInventory"), "order was not found"},
		"cancel unknown item":      {amazon.CancelFeed, acknowledge(unshipped, "Failure", "10000000000099 NoInventory"), "item was not found"},
		"cancel without reason":    {amazon.CancelFeed, acknowledge(unshipped, "Failure", "10000000000021", "10000000000022"), "CancelReason is missing"},
		"cancel some items":        {amazon.CancelFeed, acknowledge(unshipped, "Failure", "10000000000021 NoInventory"), "every item"},
		"cancel one item twice":    {amazon.CancelFeed, acknowledge(unshipped, "Failure", "10000000000021 NoInventory", "10000000000021 NoInventory"), "every item"},
		"cancel shipped":           {amazon.CancelFeed, acknowledge(shipped, "Failure", "10000000000011 NoInventory"), "is shipped"},
		"cancel pending":           {amazon.CancelFeed, acknowledge(pending, "Failure", "10000000000041 NoInventory"), "is pending"},
		"cancel cancelled":         {amazon.CancelFeed, acknowledge(cancelled, "Failure", "10000000000051 NoInventory"), "already cancelled"},
		"acknowledge with reason":  {amazon.CancelFeed, acknowledge(unshipped, "Success", "10000000000021 NoInventory"), "Failure only"},
		"acknowledge cancelled":    {amazon.CancelFeed, acknowledge(cancelled, "Success"), "already cancelled"},
		"cancel part of the units": {amazon.CancelFeed, strings.Replace(acknowledge(unshipped, "Failure", "10000000000021 NoInventory"), "</Item>", "<Quantity>1</Quantity></Item>", 1), "Quantity"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t, amazontest.Config{ConcessionCap: dec("50")})
				before := srv.Orders()
				c := login(t, srv, "Atzr|one")
				messageType := map[amazon.FeedType]string{amazon.RefundFeed: "OrderAdjustment", amazon.CancelFeed: "OrderAcknowledgement"}[tt.feed]
				feed := c.send(tt.feed, document(messageType, tt.payload))
				time.Sleep(time.Minute)
				r := c.read(feed)
				assert.Equal(t, "Complete", r.Status)
				require.Len(t, r.Results, 1)
				assert.Equal(t, "1", r.Results[0].Message)
				assert.Equal(t, 18028, r.Results[0].Code)
				assert.Contains(t, r.Results[0].Text, tt.text)
				assert.Equal(t, []int{1, 0, 1}, []int{r.Processed, r.Successful, r.Failed})
				assert.Empty(t, srv.Ledger())
				assert.Empty(t, cmp.Diff(before, srv.Orders()), "a refused message changed an order")
			})
		})
	}
}

func TestConcessionsUpToTheirCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{ConcessionCap: dec("50")})
		c := login(t, srv, "Atzr|one")
		feed := c.send(amazon.RefundFeed, refunds(
			adjust(shipped, "10000000000011", "Goodwill 30.00 USD"),
			adjust(shipped, "10000000000011", "ReturnShipping 20.00 USD"),
			adjust(shipped, "10000000000011", "Other 0.01 USD"),
		))
		time.Sleep(time.Minute)
		r := c.read(feed)
		assert.Equal(t, 2, r.Successful)
		require.Len(t, r.Results, 1)
		assert.Equal(t, "3", r.Results[0].Message)
	})
}

func TestScriptedRefusalStandsUntilTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		doc := refunds(adjust(shipped, "10000000000011", "Principal 1.00 USD"), adjust(yen, "10000000000071", "Principal 1 JPY"))
		require.NoError(t, srv.Refuse(shipped, 5002, "Internal error."))
		first := c.send(amazon.RefundFeed, doc)
		time.Sleep(time.Minute)
		require.NoError(t, srv.Refuse(shipped, 0, ""))
		second := c.send(amazon.RefundFeed, doc)
		time.Sleep(time.Minute)

		r := c.read(first)
		require.Len(t, r.Results, 1)
		assert.Equal(t, 5002, r.Results[0].Code)
		assert.Equal(t, "Internal error.", r.Results[0].Text)
		assert.Empty(t, c.read(second).Results)
		assert.True(t, srv.Paid()["USD"].Equal(dec("1")))
		assert.Error(t, srv.Refuse("", 1, "x"))
	})
}

func TestSetupRefusesWhatMakesNoSense(t *testing.T) {
	good := orders()[0]
	change := func(f func(*amazontest.Order)) amazontest.Order {
		o := orders()[0]
		o.Number = "222-0000000-0000000"
		f(&o)
		return o
	}
	tests := map[string]struct {
		order amazontest.Order
		text  string
	}{
		"number":           {change(func(o *amazontest.Order) { o.Number = "17" }), "3-7-7"},
		"seller":           {change(func(o *amazontest.Order) { o.Seller = "" }), "no seller"},
		"other seller":     {change(func(o *amazontest.Order) { o.Number = good.Number; o.Seller = neighbour }), "belongs to"},
		"currency":         {change(func(o *amazontest.Order) { o.Currency = "usd" }), "currency"},
		"no items":         {change(func(o *amazontest.Order) { o.Items = nil }), "no items"},
		"item ID":          {change(func(o *amazontest.Order) { o.Items[0].ID = "B00EXAMPLE" }), "14 or 15"},
		"same item":        {change(func(o *amazontest.Order) { o.Items[1].ID = o.Items[0].ID }), "stands twice"},
		"quantity":         {change(func(o *amazontest.Order) { o.Items[0].Shipped = 3 }), "quantity 2"},
		"status":           {change(func(o *amazontest.Order) { o.Status = amazon.OrderUnshipped }), "quantities say SHIPPED"},
		"status never had": {change(func(o *amazontest.Order) { o.Status = amazon.OrderUnfulfillable }), "quantities say SHIPPED"},
		"charge":           {change(func(o *amazontest.Order) { o.Items[0].Charges = order.Amounts{order.Goodwill: dec("1")} }), "cannot be charged"},
		"refunded above":   {change(func(o *amazontest.Order) { o.Items[0].Refunded = order.Amounts{order.Tax: dec("9")} }), "below zero"},
		"pending refunds":  {change(func(o *amazontest.Order) { o.Pending = []amazontest.Payment{{}} }), "1 pending refunds"},
		"too fine for yen": {change(func(o *amazontest.Order) { o.Currency = "JPY" }), "decimals of JPY"},
	}
	srv := open(t, amazontest.Config{})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := srv.Orders()
			fine := change(func(*amazontest.Order) {})
			require.ErrorContains(t, srv.Seed(fine, tt.order), tt.text)
			assert.Empty(t, cmp.Diff(before, srv.Orders()), "half of a bad list was taken")
		})
	}

	require.ErrorContains(t, srv.AddSeller(amazontest.Seller{Merchant: "A3"}), "refresh token")
	require.ErrorContains(t, srv.AddSeller(amazontest.Seller{Merchant: "A3", ClientID: "app", ClientSecret: "s", RefreshToken: "Atzr|one"}), "belongs to seller "+merchant)
	require.ErrorContains(t, srv.AddReport(amazontest.ReportFile{Seller: "A3", Type: amazon.ReturnsFlatReport}), "unknown")
	require.ErrorContains(t, srv.AddReport(amazontest.ReportFile{Seller: merchant}), "without a type")

	_, err := amazontest.New(amazontest.Config{ProcessingTime: -1})
	require.ErrorContains(t, err, "below zero")
	_, err = amazontest.New(amazontest.Config{ConcessionCap: dec("-1")})
	require.ErrorContains(t, err, "below zero")
}
