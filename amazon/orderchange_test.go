package amazon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// changed is an ORDER_CHANGE notification with some of its parts replaced.
func changed(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`{
		"NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE", "PayloadVersion": "1.0", "EventTime": "2026-03-02T09:00:05.000Z",
		"Payload": {"OrderChangeNotification": {
			"NotificationLevel": "OrderLevel", "SellerId": "A1EXAMPLE", "AmazonOrderId": "111-0000001-0000001", "OrderChangeType": "BuyerRequestedChange",
			"OrderChangeTrigger": {"TimeOfOrderChange": "2026-03-02T09:00:00.000Z", "ChangeReason": "Buyer Requested Cancel"},
			"Summary": {"MarketplaceId": "ATVPDKIKX0DER", "OrderStatus": "Unshipped", "FulfillmentType": "MFN", "OrderItems": [
				{"OrderItemId": "11400000000001", "SellerSKU": "MUG", "Quantity": 1, "IsBuyerRequestedCancel": true},
				{"OrderItemId": "114000000000002", "SellerSKU": "TRAY", "Quantity": 1, "IsBuyerRequestedCancel": false}]}}},
		"NotificationMetadata": {"NotificationId": "n-1"}}`)
}

func TestParseOrderChange(t *testing.T) {
	mug, tray := amazon.ChangedItem{ID: "11400000000001", SKU: "MUG"}, amazon.ChangedItem{ID: "114000000000002", SKU: "TRAY"}
	nine := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	const yes, no = `, "IsBuyerRequestedCancel": true`, `, "IsBuyerRequestedCancel": false`
	for _, tt := range []struct {
		name    string
		replace []string
		kind    amazon.OrderChangeType
		at      time.Time
		cancel  []amazon.ChangedItem
	}{
		{"flagged items", nil, amazon.ChangeByBuyer, nine, []amazon.ChangedItem{mug}},
		{"about an item", []string{"OrderLevel", "OrderItemLevel"}, amazon.ChangeByBuyer, nine, []amazon.ChangedItem{mug}},
		{"all flagged no", []string{yes, no}, amazon.ChangeByBuyer, nine, nil},
		{"the order as a whole", []string{yes, "", no, ""}, amazon.ChangeByBuyer, nine, []amazon.ChangedItem{mug, tray}},
		{"an item without a flag", []string{yes, "", no, "", "OrderLevel", "OrderItemLevel"}, amazon.ChangeByBuyer, nine, nil},
		{"another wish of the buyer", []string{yes, "", no, "", "Buyer Requested Cancel", "Buyer Requested Tip"}, amazon.ChangeByBuyer, nine, nil},
		{"without items", []string{`"OrderItems"`, `"Others"`}, amazon.ChangeByBuyer, nine, []amazon.ChangedItem{{}}},
		{"without a time of the change", []string{`"2026-03-02T09:00:00.000Z"`, "null"}, amazon.ChangeByBuyer, nine.Add(5 * time.Second), []amazon.ChangedItem{mug}},
		{"of another kind", []string{"BuyerRequestedChange", "OrderStatusChange"}, amazon.ChangeOfStatus, nine, nil},
		{"of a kind of the future", []string{"BuyerRequestedChange", "Later"}, "Later", nine, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := amazon.ParseOrderChange([]byte(changed(tt.replace...)))
			require.NoError(t, err)
			assert.Equal(t, "A1EXAMPLE", c.Merchant)
			assert.Equal(t, "111-0000001-0000001", c.Number)
			assert.Equal(t, order.MarketplaceID("ATVPDKIKX0DER"), c.Marketplace)
			assert.Equal(t, tt.kind, c.Type)
			assert.Equal(t, tt.at, c.At)
			assert.Empty(t, cmp.Diff(tt.cancel, c.Cancel))
		})
	}
}

func TestParseOrderChangeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, body, says string
	}{
		{"no JSON", "<xml/>", "invalid character"},
		{"nothing", "", "unexpected end"},
		{"another notification", changed("ORDER_CHANGE", "REPORT_PROCESSING_FINISHED"), `type "REPORT_PROCESSING_FINISHED": want ORDER_CHANGE`},
		{"no payload", changed("OrderChangeNotification", "Other"), "Payload.OrderChangeNotification is missing"},
		{"no seller", changed("A1EXAMPLE", ""), "SellerId is missing"},
		{"no order", changed("111-0000001-0000001", "111"), `Amazon order ID "111"`},
		{"a time that is none", changed("2026-03-02T09:00:05.000Z", "yesterday"), `time "yesterday": want it as in`},
		{"a flag that is none", changed("true", `"yes"`), "IsBuyerRequestedCancel is a string: want a bool"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := amazon.ParseOrderChange([]byte(tt.body))
			assert.ErrorContains(t, err, tt.says)
		})
	}
}

// The example in Amazon's own schema.
func TestParseAmazonsOrderChange(t *testing.T) {
	folder := os.Getenv("TAKEBACK_AMAZON")
	if folder == "" {
		t.Skip("TAKEBACK_AMAZON does not name the folder with Amazon's files")
	}
	schema, err := os.ReadFile(filepath.Join(folder, "models", "schemas", "notifications", "OrderChangeNotification.json"))
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(schema), `"examples": [`)
	require.True(t, ok)
	example, _, ok = strings.Cut(example, "\n  ],")
	require.True(t, ok)
	c, err := amazon.ParseOrderChange([]byte(example))
	require.NoError(t, err)
	assert.Equal(t, amazon.ChangeByBuyer, c.Type)
	assert.Len(t, c.Cancel, 1)
	assert.Equal(t, 2022, c.At.Year())
}

func FuzzParseOrderChange(f *testing.F) {
	for _, seed := range []string{
		changed(), changed("OrderLevel", "OrderItemLevel"), changed(`, "IsBuyerRequestedCancel": true`, ""), changed(`"OrderItems"`, `"Others"`),
		changed(`"2026-03-02T09:00:00.000Z"`, "null"), changed("true", `"yes"`), "{}", "null", "[]", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := amazon.ParseOrderChange(body)
		if err != nil {
			if diff := cmp.Diff(amazon.OrderChange{}, c); diff != "" {
				t.Errorf("with an error, something is answered:\n%s", diff)
			}
			return
		}
		if err := order.CheckNumber(c.Number); err != nil || c.Merchant == "" || c.At.IsZero() || c.At.Location() != time.UTC {
			t.Errorf("incomplete: %+v", c)
		}
		if len(c.Cancel) > 0 && c.Type != amazon.ChangeByBuyer {
			t.Errorf("a wish in a notification of %q", c.Type)
		}
	})
}
