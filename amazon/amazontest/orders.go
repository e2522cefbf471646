package amazontest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// settling is how old orders and payments must be to be listed.
const settling = 2 * time.Minute

// RequestCancel enters a buyer's wish to have an order item cancelled, with the
// reason in Amazon's words; without an item the wish is for all items. It changes
// nothing but what getOrder and searchOrders show, and a later wish replaces an
// earlier one. An unknown order or item, an order that is shipped or cancelled,
// and an empty reason are errors.
func (s *Server) RequestCancel(orderNumber, item, reason string) error {
	return s.change(func(b *books) error {
		o := b.Orders[orderNumber]
		switch {
		case o == nil:
			return fmt.Errorf("cancel request: order %q is unknown; seed it first", orderNumber)
		case item != "" && o.item(item) == nil:
			return fmt.Errorf("cancel request: order %s has no item %q", orderNumber, item)
		case reason == "":
			return fmt.Errorf("cancel request: order %s: no reason; want Amazon's words for it", orderNumber)
		case o.Status == amazon.OrderShipped || o.Status == amazon.OrderCancelled:
			return fmt.Errorf("cancel request: order %s is %s; only what still waits can be asked for", orderNumber, o.Status)
		}
		after := o.clone()
		for i := range after.Items {
			if it := &after.Items[i]; item == "" || it.ID == item {
				it.RequestedReason = reason
			}
		}
		o.become(after, s.now())
		return nil
	})
}

// getOrder shows an order of the seller's. An order number that is unknown, or
// another seller's, is not found.
func (s *Server) getOrder(r *request, a *account) answer {
	args, err := arguments(r.URL.Query(), "includedData")
	if err != nil {
		return invalid("%v", err)
	}
	included, err := oneOf(args, "includedData", datasets)
	if err != nil {
		return invalid("%v", err)
	}
	o := s.books.Orders[r.id]
	if o == nil || o.Seller != a.Merchant {
		return apiError(404, "NotFound", "order "+r.id+" does not exist", "")
	}
	return jsonAnswer(200, map[string]any{"order": orderView(o, included)})
}

// searchOrders lists orders by the time that is asked for, oldest first.
func (s *Server) searchOrders(r *request, a *account) answer {
	values := r.URL.Query()
	c, err := resume(values, "paginationToken", r.now)
	if err != nil {
		return invalid("%v", err)
	}
	args, err := arguments(values, "createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore",
		"fulfillmentStatuses", "marketplaceIds", "fulfilledBy", "maxResultsPerPage", "includedData")
	if err != nil {
		return invalid("%v", err)
	}
	q, err := parseOrderQuery(args, r.now)
	if err != nil {
		return invalid("%v", err)
	}
	if !c.Until.IsZero() {
		q.before = c.Until
	}

	var found []*Order
	for _, o := range s.books.Orders {
		if o.Seller == a.Merchant && q.selects(o) && q.key(o) > c.After {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(x, y *Order) int { return cmp.Compare(q.key(x), q.key(y)) })

	page := map[string]any{q.beforeName: q.before}
	if len(found) > q.size {
		found = found[:q.size]
		page["pagination"] = map[string]string{"nextToken": c.next(q.key(found[q.size-1]), q.before, r.now)}
	}
	views := []any{}
	for _, o := range found {
		views = append(views, orderView(o, q.included))
	}
	page["orders"] = views
	return jsonAnswer(200, page)
}

// orderQuery is what searchOrders selects by.
type orderQuery struct {
	time                  func(*Order) time.Time
	after, before         time.Time
	beforeName            string
	statuses, marketplace []string // nil: all
	fulfilledBy, included []string
	size                  int
}

func parseOrderQuery(args map[string]string, now time.Time) (orderQuery, error) {
	q := orderQuery{time: func(o *Order) time.Time { return o.CreatedAt }, beforeName: "createdBefore", size: 100}
	afterName, other := "createdAfter", "lastUpdatedBefore"
	if args["lastUpdatedAfter"] != "" {
		q.time, q.beforeName = func(o *Order) time.Time { return o.UpdatedAt }, "lastUpdatedBefore"
		afterName, other = "lastUpdatedAfter", "createdBefore"
	}
	if (args["createdAfter"] == "") == (args["lastUpdatedAfter"] == "") {
		return orderQuery{}, errors.New("want exactly one of createdAfter and lastUpdatedAfter")
	}
	if args[other] != "" {
		return orderQuery{}, fmt.Errorf("%s does not go with %s", other, afterName)
	}
	var err error
	if q.after, err = time.Parse(time.RFC3339, args[afterName]); err != nil {
		return orderQuery{}, fmt.Errorf("%s: %w", afterName, err)
	}
	q.before = now.Add(-settling)
	if given := args[q.beforeName]; given != "" {
		latest := q.before
		switch q.before, err = time.Parse(time.RFC3339, given); {
		case err != nil:
			return orderQuery{}, fmt.Errorf("%s: %w", q.beforeName, err)
		case q.before.Before(q.after) || q.before.After(latest):
			return orderQuery{}, fmt.Errorf("%s: want a time from %s on, and at least two minutes ago", q.beforeName, afterName)
		}
	}
	if given := args["maxResultsPerPage"]; given != "" {
		if q.size, err = strconv.Atoi(given); err != nil || q.size < 1 || q.size > 100 {
			return orderQuery{}, fmt.Errorf("maxResultsPerPage: %q is not within 1 to 100", given)
		}
	}
	if given := args["marketplaceIds"]; given != "" {
		if q.marketplace, err = words(given, 50); err != nil {
			return orderQuery{}, fmt.Errorf("marketplaceIds: %w", err)
		}
	}
	for name, list := range map[string]struct {
		into  *[]string
		known []string
	}{
		"fulfillmentStatuses": {&q.statuses, []string{"PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE"}},
		"fulfilledBy":         {&q.fulfilledBy, []string{"MERCHANT", "AMAZON"}},
		"includedData":        {&q.included, datasets},
	} {
		if *list.into, err = oneOf(args, name, list.known); err != nil {
			return orderQuery{}, err
		}
	}
	return q, nil
}

// datasets are what includedData can ask for. Of these the server has
// CANCELLATION and FULFILLMENT; it knows no buyers, packages or payments.
var datasets = []string{
	"BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX", "PAYMENT", "FULFILLMENT_ORDERS",
}

// oneOf reads a list of known words; an argument that is not given is nil.
func oneOf(args map[string]string, name string, known []string) ([]string, error) {
	if args[name] == "" {
		return nil, nil
	}
	list, err := words(args[name], len(known))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, w := range list {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("%s: %q is not one of %s", name, w, strings.Join(known, ", "))
		}
	}
	return list, nil
}

func (q orderQuery) selects(o *Order) bool {
	at := q.time(o)
	return !at.Before(q.after) && !at.After(q.before) &&
		(q.statuses == nil || slices.Contains(q.statuses, string(o.Status))) &&
		(q.marketplace == nil || slices.Contains(q.marketplace, string(o.Marketplace))) &&
		(q.fulfilledBy == nil || slices.Contains(q.fulfilledBy, string(amazon.ActorMerchant)))
}

// key sorts orders by time, and those of one time by number.
func (q orderQuery) key(o *Order) string {
	return q.time(o).Format("2006-01-02T15:04:05.000") + " " + o.Number
}

// orderView is the model's Order, with the datasets that are asked for. All
// orders are the merchant's to fulfil.
func orderView(o *Order, included []string) any {
	type channel struct {
		Name        string              `json:"channelName"`
		Marketplace order.MarketplaceID `json:"marketplaceId,omitempty"`
	}
	type fulfillment struct {
		Status amazon.OrderStatus `json:"fulfillmentStatus"`
		By     amazon.Actor       `json:"fulfilledBy"`
	}
	view := struct {
		ID          string       `json:"orderId"`
		Created     time.Time    `json:"createdTime"`
		Updated     time.Time    `json:"lastUpdatedTime"`
		Channel     channel      `json:"salesChannel"`
		Fulfillment *fulfillment `json:"fulfillment,omitempty"`
		Items       []any        `json:"orderItems"`
	}{o.Number, o.CreatedAt, o.UpdatedAt, channel{"AMAZON", o.Marketplace}, nil, nil}
	if slices.Contains(included, "FULFILLMENT") {
		view.Fulfillment = &fulfillment{o.Status, amazon.ActorMerchant}
	}
	for _, it := range o.Items {
		view.Items = append(view.Items, it.view(o.Status == amazon.OrderCancelled, included))
	}
	return view
}

// view is the model's OrderItem.
func (it Item) view(cancelled bool, included []string) any {
	type product struct {
		ASIN string `json:"asin,omitempty"`
		SKU  string `json:"sellerSku,omitempty"`
	}
	type fulfillment struct {
		Fulfilled   int `json:"quantityFulfilled"`
		Unfulfilled int `json:"quantityUnfulfilled"`
	}
	type request struct {
		By     amazon.Actor `json:"requester"`
		Reason string       `json:"cancelReason"`
	}
	type execution struct {
		By     amazon.Actor `json:"cancelledBy"`
		Reason string       `json:"cancelReason,omitempty"`
	}
	type cancellation struct {
		Request   *request   `json:"cancellationRequest,omitempty"`
		Execution *execution `json:"cancellationExecution,omitempty"`
	}
	view := struct {
		ID           string        `json:"orderItemId"`
		Ordered      int           `json:"quantityOrdered"`
		Product      product       `json:"product"`
		Fulfillment  *fulfillment  `json:"fulfillment,omitempty"`
		Cancellation *cancellation `json:"cancellation,omitempty"`
	}{it.ID, it.Quantity, product{it.ASIN, it.SKU}, nil, nil}
	if slices.Contains(included, "FULFILLMENT") {
		view.Fulfillment = &fulfillment{it.Shipped, it.Quantity - it.Shipped - it.Cancelled}
		if cancelled {
			view.Fulfillment.Unfulfilled = 0
		}
	}
	if slices.Contains(included, "CANCELLATION") && (it.RequestedReason != "" || it.CancelledBy != "") {
		view.Cancellation = &cancellation{}
		if it.RequestedReason != "" {
			view.Cancellation.Request = &request{amazon.ActorBuyer, it.RequestedReason}
		}
		if it.CancelledBy != "" {
			view.Cancellation.Execution = &execution{it.CancelledBy, it.CancelledReason}
		}
	}
	return view
}
