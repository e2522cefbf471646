package spapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const ordersPath = "/orders/2026-01-01/orders"

// orderData is all that is asked for beside the order itself. Buyer, recipient
// and payment are not.
const orderData = "CANCELLATION,FULFILLMENT"

// orderAnswer is what is read of model orders_2026-01-01, Order.
type orderAnswer struct {
	Number      string    `json:"orderId"`
	CreatedAt   timestamp `json:"createdTime"`
	UpdatedAt   timestamp `json:"lastUpdatedTime"`
	Fulfillment struct {
		Status      amazon.OrderStatus `json:"fulfillmentStatus"`
		FulfilledBy amazon.Actor       `json:"fulfilledBy"`
	} `json:"fulfillment"`
	Channel struct {
		Marketplace order.MarketplaceID `json:"marketplaceId"`
	} `json:"salesChannel"`
	Items []itemAnswer `json:"orderItems"`
}

// itemAnswer is what is read of model orders_2026-01-01, OrderItem.
type itemAnswer struct {
	ID      string `json:"orderItemId"`
	Ordered *int   `json:"quantityOrdered"`
	Product struct {
		ASIN string `json:"asin"`
		SKU  string `json:"sellerSku"`
	} `json:"product"`
	Fulfillment struct {
		Fulfilled   int `json:"quantityFulfilled"`
		Unfulfilled int `json:"quantityUnfulfilled"`
	} `json:"fulfillment"`
	Cancellation struct {
		Request struct {
			By     amazon.Actor `json:"requester"`
			Reason string       `json:"cancelReason"`
		} `json:"cancellationRequest"`
		Execution struct {
			By     amazon.Actor `json:"cancelledBy"`
			Reason string       `json:"cancelReason"`
		} `json:"cancellationExecution"`
	} `json:"cancellation"`
}

// order refuses an answer without what the model requires of it.
func (o orderAnswer) order() (amazon.OrderState, error) {
	if o.Number == "" || o.CreatedAt.IsZero() || o.UpdatedAt.IsZero() || o.Items == nil {
		return amazon.OrderState{}, fmt.Errorf("order %q with createdTime %s, lastUpdatedTime %s and %d orderItems: want all four",
			clean(o.Number, maxCode), format(o.CreatedAt.Time), format(o.UpdatedAt.Time), len(o.Items))
	}
	items, err := each(o.Items, itemAnswer.item)
	if err != nil {
		return amazon.OrderState{}, fmt.Errorf("order %s: %w", clean(o.Number, maxCode), err)
	}
	return amazon.OrderState{
		Number:      o.Number,
		Status:      o.Fulfillment.Status,
		FulfilledBy: o.Fulfillment.FulfilledBy,
		Marketplace: o.Channel.Marketplace,
		CreatedAt:   o.CreatedAt.Time,
		UpdatedAt:   o.UpdatedAt.Time,
		Items:       items,
	}, nil
}

func (i itemAnswer) item() (amazon.ItemState, error) {
	switch {
	case i.ID == "" || i.Ordered == nil:
		return amazon.ItemState{}, fmt.Errorf("item %q: want an orderItemId and a quantityOrdered", clean(i.ID, maxCode))
	case *i.Ordered < 0 || i.Fulfillment.Fulfilled < 0 || i.Fulfillment.Unfulfilled < 0:
		return amazon.ItemState{}, fmt.Errorf("item %s with %d units ordered, %d fulfilled, %d unfulfilled: want none below zero",
			clean(i.ID, maxCode), *i.Ordered, i.Fulfillment.Fulfilled, i.Fulfillment.Unfulfilled)
	}
	return amazon.ItemState{
		ID:              i.ID,
		SKU:             i.Product.SKU,
		ASIN:            i.Product.ASIN,
		Ordered:         *i.Ordered,
		Fulfilled:       i.Fulfillment.Fulfilled,
		Unfulfilled:     i.Fulfillment.Unfulfilled,
		RequestedBy:     i.Cancellation.Request.By,
		RequestedReason: i.Cancellation.Request.Reason,
		CancelledBy:     i.Cancellation.Execution.By,
		CancelledReason: i.Cancellation.Execution.Reason,
	}, nil
}

// Order implements [amazon.Orders] with getOrder of model orders_2026-01-01: a
// token in two seconds, 30 at most. It asks for no data about the buyer.
func (c *Client) Order(ctx context.Context, a amazon.Account, number string) (amazon.OrderState, error) {
	if err := order.CheckNumber(number); err != nil {
		return amazon.OrderState{}, notSent(getOrder, a, err)
	}
	var ans struct {
		Order orderAnswer `json:"order"`
	}
	ask := request{op: getOrder, path: ordersPath + "/" + number, query: url.Values{"includedData": {orderData}}}
	if _, err := c.call(ctx, a, ask, &ans); err != nil {
		return amazon.OrderState{}, err
	}
	o, err := ans.Order.order()
	if err == nil && o.Number != number {
		err = fmt.Errorf("answer about order %q: want %s", clean(o.Number, maxCode), number)
	}
	if err != nil {
		return amazon.OrderState{}, incomplete(getOrder, a, err)
	}
	return o, nil
}

// OrderQuery selects orders to list: those created after a time, or those
// updated after a time, by Amazon or the seller.
type OrderQuery struct {
	CreatedAfter, UpdatedAfter time.Time // exactly one of them, itself included

	// Before ends the span, itself included: two minutes ago at the latest.
	// Zero: as late as Amazon goes.
	Before time.Time

	Statuses     []amazon.OrderStatus  // none: all
	Marketplaces []order.MarketplaceID // 50 at most; none: all of the seller's in the region
	FulfilledBy  []amazon.Actor        // ActorMerchant, ActorAmazon; none: both
}

func (q OrderQuery) values(now time.Time) (url.Values, error) {
	after, name := q.CreatedAfter, "created"
	if after.IsZero() {
		after, name = q.UpdatedAfter, "lastUpdated"
	}
	var one error
	if q.CreatedAfter.IsZero() == q.UpdatedAfter.IsZero() {
		one = errors.New("want exactly one of CreatedAfter and UpdatedAfter")
	}
	if err := cmp.Or(
		one,
		checkSpan(after, q.Before),
		checkPast("Before", q.Before, now),
		checkCount("marketplaces", q.Marketplaces, 0, 50),
	); err != nil {
		return nil, err
	}
	v := url.Values{"includedData": {orderData}, "maxResultsPerPage": {pageSize}}
	setSpan(v, name+"After", after, name+"Before", q.Before)
	setList(v, "fulfillmentStatuses", q.Statuses)
	setList(v, "marketplaceIds", q.Marketplaces)
	setList(v, "fulfilledBy", q.FulfilledBy)
	return v, nil
}

// SearchOrders lists orders with searchOrders of model orders_2026-01-01, page by
// page as the caller goes on, in Amazon's order. It asks for no data about
// buyers. An error ends the sequence; what came before it is a part of the list.
// Ranging again asks again. searchOrders refills one token in 180 seconds, 20 at
// most, and a page of a hundred orders costs one: it is for sweeps, and for one
// order there is [Client.Order]. For longer lists see [Client.Waiting].
func (c *Client) SearchOrders(ctx context.Context, a amazon.Account, q OrderQuery) iter.Seq2[amazon.OrderState, error] {
	query, err := q.values(c.now())
	if err != nil {
		return refuse[amazon.OrderState](notSent(searchOrders, a, err))
	}
	return pages(c, searchOrders, a, func(token string) ([]amazon.OrderState, string, error) {
		var page struct {
			Orders     []orderAnswer `json:"orders"`
			Pagination struct {
				Next string `json:"nextToken"`
			} `json:"pagination"`
		}
		if _, err := c.call(ctx, a, request{op: searchOrders, path: ordersPath, query: nextToo(query, "paginationToken", token)}, &page); err != nil {
			return nil, "", err
		}
		orders, err := each(page.Orders, orderAnswer.order)
		return orders, page.Pagination.Next, err
	})
}
