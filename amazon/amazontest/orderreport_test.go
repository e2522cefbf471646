package amazontest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/reportparse"
)

// download asks for a report of the last day and waits for it; empty: it ended
// CANCELLED.
func download(ctx context.Context, t *testing.T, c *spapi.Client, kind amazon.ReportType) string {
	t.Helper()
	id, err := c.Request(ctx, us, amazon.ReportRequest{Type: kind, Start: time.Now().Add(-24 * time.Hour), End: time.Now()})
	require.NoError(t, err)
	time.Sleep(time.Minute)
	made, err := c.Report(ctx, us, id)
	require.NoError(t, err)
	if made.Status == amazon.ReportCancelled {
		return ""
	}
	require.Equal(t, amazon.ReportDone, made.Status)
	body, _, err := c.Open(ctx, us, made)
	require.NoError(t, err)
	text, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return string(text)
}

func TestUnshippedOrdersReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		c := realClient(t, srv)
		read := func() (rows []string, asked bool) {
			r, err := reportparse.Orders(bytes.NewReader([]byte(download(ctx, t, c, amazon.UnshippedOrdersReport))), reportparse.Options{})
			require.NoError(t, err)
			for row, err := range r.All() {
				require.NoError(t, err)
				rows = append(rows, fmt.Sprint(row.OrderID, " ", row.OrderItemID, " ", row.Quantity, row.QuantityShipped, row.QuantityToShip, " ", row.BuyerRequestedCancel, row.BuyerCancelReason))
			}
			return rows, r.Has("is-buyer-requested-cancellation")
		}
		require.NoError(t, srv.RequestCancel(unshipped, "10000000000022", "Changed mind"))
		rows, asked := read()
		assert.Equal(t, []string{
			unshipped + " 10000000000021 2 0 2 ", unshipped + " 10000000000022 1 0 1 ", partly + " 10000000000032 1 0 1 ",
		}, rows, "a seller who has not switched the column on")
		assert.False(t, asked)

		for _, column := range []string{"is-buyer-requested-cancellation", "is-buyer-requested-cancelation"} {
			require.NoError(t, srv.AddSeller(amazontest.Seller{Merchant: merchant, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|one", CancelColumn: column}))
			rows, asked = read()
			assert.Equal(t, []string{
				unshipped + " 10000000000021 2 0 2 N", unshipped + " 10000000000022 1 0 1 YChanged mind", partly + " 10000000000032 1 0 1 N",
			}, rows, column)
			assert.True(t, asked)
		}
		require.NoError(t, srv.Ship(unshipped, "10000000000021", 2))
		require.NoError(t, srv.Ship(unshipped, "10000000000022", 1))
		require.NoError(t, srv.Ship(partly, "10000000000032", 1))
		assert.Empty(t, download(ctx, t, c, amazon.UnshippedOrdersReport), "nothing waits")
	})
}

func TestAllOrdersReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		require.NoError(t, srv.Seed(promoted("A1PA6795UKMFR9", "EUR")))
		require.NoError(t, srv.AddSeller(amazontest.Seller{
			Merchant: merchant, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|one", CancelColumn: "is-buyer-requested-cancellation"}))
		c := realClient(t, srv)
		read := func() (rows []string) {
			r, err := reportparse.AllOrders(bytes.NewReader([]byte(download(ctx, t, c, amazon.AllOrdersReport))), reportparse.Options{})
			require.NoError(t, err)
			for row, err := range r.All() {
				require.NoError(t, err)
				rows = append(rows, fmt.Sprint(row.OrderID, " ", row.SKU, " ", row.OrderStatus, " ", row.ItemStatus, " ", row.Quantity, " ", row.ItemPrice, row.Currency, " ",
					row.ItemPromotionDiscount, " ", row.BuyerRequestedCancel, row.BuyerCancelReason))
			}
			return rows
		}
		assert.Equal(t, []string{
			shipped + " MUG Shipped Shipped 2 20.00USD 0.00 N", shipped + " CUP Shipped Shipped 1 7.50USD 0.00 N",
			unshipped + " MUG Unshipped Unshipped 2 20.00USD 0.00 N", unshipped + " CUP Unshipped Unshipped 1 7.50USD 0.00 N",
			partly + " MUG Shipping Shipped 2 20.00USD 0.00 N", partly + " CUP Shipping Unshipped 1 7.50USD 0.00 N",
			pending + " MUG Pending Pending 2 20.00USD 0.00 N", cancelled + " MUG Cancelled Cancelled 0 20.00USD 0.00 N",
			yen + " MUG Shipped Shipped 2 1099JPY 0 N", "111-0000009-0000009 CAP Shipped Shipped 1 20.00EUR 2.00 N",
		}, read())
		time.Sleep(48 * time.Hour)
		assert.Empty(t, download(ctx, t, c, amazon.AllOrdersReport), "nothing changed within a day")
		require.NoError(t, srv.RequestCancel(unshipped, "", "Changed mind"))
		assert.Equal(t, []string{
			unshipped + " MUG Unshipped Unshipped 2 20.00USD 0.00 YChanged mind", unshipped + " CUP Unshipped Unshipped 1 7.50USD 0.00 YChanged mind",
		}, read())
	})
}

// Files that are for one request are given one after the other, each once, also
// across a restart and a second seeding; then the one that is for all.
func TestReportsGivenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := amazontest.Config{File: filepath.Join(t.TempDir(), "books.json")}
		srv := open(t, config)
		seed := func() {
			for _, text := range []string{"morning", "noon"} {
				require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: amazon.ReturnsFlatReport, Body: []byte(text), Once: true}))
			}
		}
		ask := func() string { return download(t.Context(), t, realClient(t, srv), amazon.ReturnsFlatReport) }
		seed()
		assert.Equal(t, "morning", ask())
		var err error
		srv, err = amazontest.New(config)
		require.NoError(t, err)
		seed()
		assert.Equal(t, "noon", ask())
		assert.Empty(t, ask())
		require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: amazon.ReturnsFlatReport, Body: []byte("always")}))
		assert.Equal(t, []string{"always", "always"}, []string{ask(), ask()})
	})
}

func TestOrderChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		time.Sleep(time.Hour)
		require.NoError(t, srv.RequestCancel(partly, "10000000000032", "Changed mind"))
		time.Sleep(time.Minute)
		body, err := srv.OrderChange(partly)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE", "PayloadVersion": "1.0", "EventTime": "2000-01-01T01:01:00Z",
			"Payload": {"OrderChangeNotification": {
				"NotificationLevel": "OrderItemLevel", "SellerId": "`+merchant+`", "AmazonOrderId": "`+partly+`", "OrderChangeType": "BuyerRequestedChange",
				"OrderChangeTrigger": {"TimeOfOrderChange": "2000-01-01T01:00:00Z", "ChangeReason": "Buyer Requested Cancel"},
				"Summary": {
					"MarketplaceId": "ATVPDKIKX0DER", "OrderStatus": "PartiallyShipped", "PurchaseDate": "2000-01-01T00:00:00Z", "DestinationPostalCode": null,
					"FulfillmentType": "MFN", "OrderType": "StandardOrder", "NumberOfItemsShipped": 2, "NumberOfItemsUnshipped": 1,
					"OrderItems": [
						{"OrderItemId": "10000000000031", "SellerSKU": "MUG", "SupplySourceId": null, "OrderItemStatus": "Shipped", "Quantity": 2, "QuantityShipped": 2, "IsBuyerRequestedCancel": false},
						{"OrderItemId": "10000000000032", "SellerSKU": "CUP", "SupplySourceId": null, "OrderItemStatus": "Unshipped", "Quantity": 1, "QuantityShipped": 0, "IsBuyerRequestedCancel": true}
					]
				}
			}},
			"NotificationMetadata": {
				"ApplicationId": "amzn1.sellerapps.app.example", "SubscriptionId": "subscription-of-`+merchant+`",
				"PublishTime": "2000-01-01T01:01:00Z", "NotificationId": "`+partly+`-2000-01-01T01:01:00Z"
			}
		}`, string(body))
		_, err = srv.OrderChange("111-9999999-9999999")
		assert.ErrorContains(t, err, "is unknown")
	})
}
