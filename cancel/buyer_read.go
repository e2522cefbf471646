package cancel

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// ReadOrder reads an order at Amazon and merges what it tells: the buyer's wishes
// with their reasons, and whether the order is cancelled, by whom, or shipped. It
// answers the order's wishes as they stand then. Config.Orders is needed; an account
// that is not known is store.ErrNotFound.
func (s *Service) ReadOrder(ctx context.Context, id order.AmazonID) ([]BuyerRequest, error) {
	fail := func(err error) ([]BuyerRequest, error) {
		return nil, fmt.Errorf("read order %s at Amazon: %w", id.Number, err)
	}
	if err := id.Check(); err != nil {
		return fail(err)
	}
	if s.c.Orders == nil {
		return fail(errors.New("cancel.Config has no Orders"))
	}
	account, err := amazon.FindAccount(ctx, s.c.Accounts, id.Account)
	if err == nil && account.ID == "" {
		err = fmt.Errorf("account %s: %w", id.Account, store.ErrNotFound)
	}
	if err != nil {
		return fail(err)
	}
	o, err := s.c.Orders.Order(ctx, account, id.Number)
	if err != nil {
		return fail(err)
	}
	now := s.c.Now().UTC()
	rs, err := s.listen(ctx, account, id, newsOf(o, Sighting{Source: FromOrdersAPI, At: now, Clock: ByFirstSeen}), order.Stamp{By: FromOrdersAPI, At: now})
	if err != nil {
		return fail(err)
	}
	return rs, nil
}

// newsOf is what an order as Amazon shows it tells.
func newsOf(o amazon.OrderState, g Sighting) *news {
	if o.FulfilledBy == amazon.ActorAmazon {
		return &news{}
	}
	if !o.UpdatedAt.IsZero() {
		g.At, g.Clock = o.UpdatedAt.UTC(), ByLastUpdate
	}
	n := &news{cancelled: o.Status == amazon.OrderCancelled, shipped: o.Status == amazon.OrderShipped}
	for _, i := range o.Items {
		if i.CancelledBy != "" {
			n.by = i.CancelledBy
		}
		if i.RequestedBy == amazon.ActorBuyer {
			g.Reason = i.RequestedReason
			n.wishes = append(n.wishes, wish{i.ID, i.SKU, g})
		}
		if i.Unfulfilled == 0 && (i.Fulfilled > 0 || i.CancelledBy != "") {
			n.done = append(n.done, i.ID)
		}
	}
	return n
}

// ImportNotification merges what an ORDER_CHANGE notification tells of an account's
// order: see [amazon.ParseOrderChange] for its form. It answers the order's wishes as
// they stand then. One about anything but a buyer's wish to cancel changes nothing, and
// one of another seller is an error. The same notification again changes nothing.
func (s *Service) ImportNotification(ctx context.Context, a amazon.Account, body []byte) ([]BuyerRequest, error) {
	fail := func(err error) ([]BuyerRequest, error) { return nil, fmt.Errorf("import notification: %w", err) }
	if err := a.Check(); err != nil {
		return fail(err)
	}
	c, err := amazon.ParseOrderChange(body)
	if err != nil {
		return fail(err)
	}
	if c.Merchant != a.Merchant {
		return fail(fmt.Errorf("it is of seller %.50q, and account %s is seller %q", c.Merchant, a.ID, a.Merchant))
	}
	n := &news{}
	for _, i := range c.Cancel {
		n.wishes = append(n.wishes, wish{i.ID, i.SKU, Sighting{Source: FromNotification, At: c.At, Clock: ByNotification}})
	}
	rs, err := s.listen(ctx, a, order.AmazonID{Account: a.ID, Number: c.Number}, n, order.Stamp{By: FromNotification, At: s.c.Now().UTC()})
	if err != nil {
		return fail(err)
	}
	return rs, nil
}

// listen merges what a source tells of one order.
func (s *Service) listen(ctx context.Context, a amazon.Account, id order.AmazonID, n *news, stamp order.Stamp) ([]BuyerRequest, error) {
	if _, _, err := s.tidings(ctx, a, []order.AmazonID{id}, map[order.AmazonID]*news{id: n}, stamp); err != nil {
		return nil, err
	}
	return s.c.Store.BuyerRequests(ctx, RequestQuery{Orders: []order.AmazonID{id}})
}

// BuyerRequests lists buyers' wishes.
func (s *Service) BuyerRequests(ctx context.Context, q RequestQuery) ([]BuyerRequest, error) {
	return s.c.Store.BuyerRequests(ctx, q)
}
