package amazontest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

// A host that sends its own refund twice, because the first answer was lost,
// pays twice. The ledger shows it.
func Example() {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	amz, err := amazontest.New(amazontest.Config{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	err = amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|example"})
	if err != nil {
		log.Fatal(err)
	}
	err = amz.Seed(amazontest.Order{
		Seller: "A1EXAMPLESELLER", Number: "111-1234567-1234567", Currency: "USD",
		Items: []amazontest.Item{{
			ID: "12345678901234", Quantity: 1, Shipped: 1,
			Charges: order.Amounts{order.Principal: decimal.RequireFromString("40.00")},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	// The first feed is created, but its answer never arrives.
	amz.Fail(func(call amazontest.Call) amazontest.Fault {
		return amazontest.Fault{Drop: call.Op == "createFeed" && call.Nth == 1, After: true}
	})

	careless := carelessHost{amz.Client()}
	err = careless.refund("111-1234567-1234567", "12345678901234", "15.00")
	fmt.Println("first answer lost:", err != nil)
	err = careless.refund("111-1234567-1234567", "12345678901234", "15.00")
	fmt.Println("second answer lost:", err != nil)

	now = now.Add(time.Minute)
	for _, p := range amz.Ledger() {
		fmt.Println("feed", p.Feed, "paid", p.Component, order.Format(p.Amount, p.Currency))
	}
	ord, _ := amz.Order("111-1234567-1234567")
	fmt.Println("left:", ord.Left("12345678901234"))

	// Output:
	// first answer lost: true
	// second answer lost: false
	// feed 50000000001 paid Principal 15.00 USD
	// feed 50000000002 paid Principal 15.00 USD
	// left: Principal 10
}

// carelessHost speaks to Amazon with nothing but net/http.
type carelessHost struct{ *http.Client }

func (h carelessHost) refund(orderNumber, item, amount string) error {
	const api = "https://sellingpartnerapi-na.amazon.com/feeds/2021-06-30"
	login := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {"Atzr|example"}, "client_id": {"app"}, "client_secret": {"secret"},
	}
	token, err := h.call("POST", "https://api.amazon.com/auth/o2/token", "application/x-www-form-urlencoded", "", login.Encode())
	if err != nil {
		return err
	}
	access := token["access_token"]
	made, err := h.call("POST", api+"/documents", "application/json", access, `{"contentType":"text/xml"}`)
	if err != nil {
		return err
	}
	_, err = h.call("PUT", made["url"], "text/xml", "", `<?xml version="1.0" encoding="UTF-8"?>
		<AmazonEnvelope>
			<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>A1EXAMPLESELLER</MerchantIdentifier></Header>
			<MessageType>OrderAdjustment</MessageType>
			<Message><MessageID>1</MessageID><OrderAdjustment>
				<AmazonOrderID>`+orderNumber+`</AmazonOrderID>
				<AdjustedItem>
					<AmazonOrderItemCode>`+item+`</AmazonOrderItemCode>
					<AdjustmentReason>CustomerReturn</AdjustmentReason>
					<ItemPriceAdjustments><Component>
						<Type>Principal</Type><Amount currency="USD">`+amount+`</Amount>
					</Component></ItemPriceAdjustments>
				</AdjustedItem>
			</OrderAdjustment></Message>
		</AmazonEnvelope>`)
	if err != nil {
		return err
	}
	_, err = h.call("POST", api+"/feeds", "application/json", access,
		`{"feedType":"POST_PAYMENT_ADJUSTMENT_DATA","marketplaceIds":["ATVPDKIKX0DER"],"inputFeedDocumentId":"`+made["feedDocumentId"]+`"}`)
	return err
}

// call sends one request and reads the strings of its JSON answer, if any.
func (h carelessHost) call(method, address, contentType, access, body string) (map[string]string, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if access != "" {
		req.Header.Set("x-amz-access-token", access)
	}
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s", method, req.URL.Path, resp.Status)
	}
	var object map[string]any
	_ = json.Unmarshal(raw.Bytes(), &object) // an upload has no JSON answer
	answer := map[string]string{}
	for name, value := range object {
		answer[name] = fmt.Sprint(value)
	}
	return answer, nil
}

// A request that seemed lost can still arrive. A host that sent its refund anew
// in the meantime pays twice.
func ExampleServer_Fail() {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	amz, err := amazontest.New(amazontest.Config{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	err = amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|example"})
	if err != nil {
		log.Fatal(err)
	}
	err = amz.Seed(amazontest.Order{
		Seller: "A1EXAMPLESELLER", Number: "111-1234567-1234567", Currency: "USD",
		Items: []amazontest.Item{{
			ID: "12345678901234", Quantity: 1, Shipped: 1,
			Charges: order.Amounts{order.Principal: decimal.RequireFromString("40.00")},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	amz.Fail(amazontest.Nth("createFeed", 1, amazontest.Fault{Late: 20 * time.Minute}))

	careless := carelessHost{amz.Client()}
	err = careless.refund("111-1234567-1234567", "12345678901234", "15.00")
	fmt.Println("sent:", err == nil, "feeds:", len(amz.Feeds()))
	now = now.Add(10 * time.Minute)
	err = careless.refund("111-1234567-1234567", "12345678901234", "15.00")
	fmt.Println("sent:", err == nil, "feeds:", len(amz.Feeds()))

	now = now.Add(time.Hour)
	for _, p := range amz.Ledger() {
		fmt.Println(p.Time.Format("15:04"), "paid", p.Component, order.Format(p.Amount, p.Currency))
	}
	// Output:
	// sent: false feeds: 0
	// sent: true feeds: 1
	// 09:11 paid Principal 15.00 USD
	// 09:21 paid Principal 15.00 USD
}
