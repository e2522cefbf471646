package amazon

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
)

// OrderChangeType is Amazon's word for what an ORDER_CHANGE notification is about.
// Unknown words are kept.
type OrderChangeType string

const (
	ChangeByBuyer  OrderChangeType = "BuyerRequestedChange" // such as a wish to cancel
	ChangeOfStatus OrderChangeType = "OrderStatusChange"
	ChangeOfTip    OrderChangeType = "DeliveryTipChange"
)

// Words of the notification that say what it is.
const (
	orderNotification = "ORDER_CHANGE" // NotificationType
	levelOfOrder      = "OrderLevel"   // NotificationLevel: about the whole order
)

// OrderChange is what an ORDER_CHANGE notification tells (schema
// OrderChangeNotification, version 1.0). It holds no buyer data.
type OrderChange struct {
	Merchant    string // seller ID; compare with Account.Merchant
	Number      string // Amazon order ID, 3-7-7
	Marketplace order.MarketplaceID
	Type        OrderChangeType
	At          time.Time // when the order changed, or else when Amazon published it; UTC
	Reason      string    // Amazon's text for the change, such as "Buyer Requested Cancel"; never the buyer's own

	// Cancel are the items that the buyer wants cancelled. An item without an ID and
	// SKU stands for one that the notification does not name.
	Cancel []ChangedItem
}

// ChangedItem names an order item.
type ChangedItem struct {
	ID  string // order item ID
	SKU string // the seller's
}

// orderChangeNotification is the notification as Amazon sends it, as far as it is
// used here.
type orderChangeNotification struct {
	NotificationType string
	EventTime        time.Time
	Payload          struct {
		OrderChangeNotification *struct {
			NotificationLevel  string
			SellerID           string `json:"SellerId"`
			AmazonOrderID      string `json:"AmazonOrderId"`
			OrderChangeType    OrderChangeType
			OrderChangeTrigger struct {
				TimeOfOrderChange *time.Time
				ChangeReason      string
			}
			Summary struct {
				MarketplaceID string `json:"MarketplaceId"`
				OrderItems    []struct {
					OrderItemID            string `json:"OrderItemId"`
					SellerSKU              string
					IsBuyerRequestedCancel *bool
				}
			}
		}
	}
}

// ParseOrderChange reads an ORDER_CHANGE notification: the JSON that Amazon
// publishes, without the envelope of the queue that brought it. What it does not use
// may be absent or new. Another notification, and one without seller, order or time,
// is an error.
//
// An item that is flagged was asked to be cancelled, and one flagged false was not.
// A notification about the whole order that flags no item either way, and whose
// reason is a cancellation, is about all its items; if it lists none, about one that
// it does not name.
func ParseOrderChange(body []byte) (OrderChange, error) {
	var n orderChangeNotification
	if err := json.Unmarshal(body, &n); err != nil {
		return OrderChange{}, fmt.Errorf("ORDER_CHANGE notification: %w", jsonError(err))
	}
	if n.NotificationType != orderNotification {
		return OrderChange{}, fmt.Errorf("notification of type %.40q: want %s", n.NotificationType, orderNotification)
	}
	p := n.Payload.OrderChangeNotification
	if p == nil {
		return OrderChange{}, errors.New("ORDER_CHANGE notification: Payload.OrderChangeNotification is missing")
	}
	c := OrderChange{
		Merchant: p.SellerID, Number: p.AmazonOrderID, Marketplace: order.MarketplaceID(p.Summary.MarketplaceID),
		Type: p.OrderChangeType, At: n.EventTime.UTC(), Reason: p.OrderChangeTrigger.ChangeReason,
	}
	if at := p.OrderChangeTrigger.TimeOfOrderChange; at != nil && !at.IsZero() {
		c.At = at.UTC()
	}
	switch {
	case c.Merchant == "":
		return OrderChange{}, errors.New("ORDER_CHANGE notification: SellerId is missing")
	case c.At.IsZero():
		return OrderChange{}, errors.New("ORDER_CHANGE notification: neither TimeOfOrderChange nor EventTime is there")
	}
	if err := order.CheckNumber(c.Number); err != nil {
		return OrderChange{}, fmt.Errorf("ORDER_CHANGE notification: %w", err)
	}
	if c.Type != ChangeByBuyer {
		return c, nil
	}
	said := false
	for _, i := range p.Summary.OrderItems {
		said = said || i.IsBuyerRequestedCancel != nil
		if i.IsBuyerRequestedCancel != nil && *i.IsBuyerRequestedCancel {
			c.Cancel = append(c.Cancel, ChangedItem{i.OrderItemID, i.SellerSKU})
		}
	}
	if said || p.NotificationLevel != levelOfOrder || !strings.Contains(strings.ToLower(c.Reason), "cancel") {
		return c, nil
	}
	for _, i := range p.Summary.OrderItems {
		c.Cancel = append(c.Cancel, ChangedItem{i.OrderItemID, i.SellerSKU})
	}
	if len(c.Cancel) == 0 {
		c.Cancel = []ChangedItem{{}}
	}
	return c, nil
}

// jsonError says where JSON is wrong, without the value that stands there.
func jsonError(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s is a %s: want a %s", kind.Field, kind.Value, kind.Type)
	}
	var date *time.ParseError
	if errors.As(err, &date) {
		return fmt.Errorf("time %.40q: want it as in 2026-03-02T09:00:00Z", date.Value)
	}
	return err
}
