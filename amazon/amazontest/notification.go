package amazontest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// OrderChange is the body of the notification ORDER_CHANGE that tells of a buyer's
// wish to have an order cancelled (schema OrderChangeNotification, version 1.0), as
// the order stands now and as sent at this time: see [Server.RequestCancel]. It
// names the items, and not the buyer's reason. The server sends nothing by itself.
// An unknown order is an error.
func (s *Server) OrderChange(orderNumber string) ([]byte, error) {
	defer s.read()()
	o := s.books.Orders[orderNumber]
	if o == nil {
		return nil, fmt.Errorf("amazontest: notification: order %q is unknown; seed it first", orderNumber)
	}
	type item struct {
		ID        string  `json:"OrderItemId"`
		SKU       string  `json:"SellerSKU"`
		Source    *string `json:"SupplySourceId"`
		Status    string  `json:"OrderItemStatus"`
		Quantity  int
		Shipped   int  `json:"QuantityShipped"`
		Requested bool `json:"IsBuyerRequestedCancel"`
	}
	items, shipped, waiting := []item{}, 0, 0
	for _, it := range o.Items {
		status := "Unshipped"
		if it.waiting() == 0 {
			status = "Shipped"
		}
		items = append(items, item{it.ID, it.SKU, nil, status, it.Quantity, it.Shipped, it.RequestedReason != ""})
		shipped, waiting = shipped+it.Shipped, waiting+it.waiting()
	}
	now := s.now()
	type object map[string]any
	return json.Marshal(object{
		"NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE", "PayloadVersion": "1.0", "EventTime": now,
		"Payload": object{"OrderChangeNotification": object{
			"NotificationLevel": "OrderItemLevel", "SellerId": o.Seller, "AmazonOrderId": o.Number, "OrderChangeType": "BuyerRequestedChange",
			"OrderChangeTrigger": object{"TimeOfOrderChange": o.UpdatedAt, "ChangeReason": "Buyer Requested Cancel"},
			"Summary": object{
				"MarketplaceId": o.Marketplace, "OrderStatus": notifiedStatus(o.Status), "PurchaseDate": o.CreatedAt,
				"DestinationPostalCode": nil, "FulfillmentType": "MFN", "OrderType": "StandardOrder",
				"NumberOfItemsShipped": shipped, "NumberOfItemsUnshipped": waiting, "OrderItems": items,
			},
		}},
		"NotificationMetadata": object{
			"ApplicationId": "amzn1.sellerapps.app.example", "SubscriptionId": "subscription-of-" + o.Seller, "PublishTime": now,
			"NotificationId": fmt.Sprintf("%s-%s", o.Number, now.Format(time.RFC3339Nano)),
		},
	})
}

// notifiedStatus is how notifications spell a status.
func notifiedStatus(s amazon.OrderStatus) string {
	switch s {
	case amazon.OrderPending:
		return "Pending"
	case amazon.OrderPartiallyShipped:
		return "PartiallyShipped"
	case amazon.OrderShipped:
		return "Shipped"
	case amazon.OrderCancelled:
		return "Canceled"
	}
	return "Unshipped"
}
