package amazontest

import (
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Refund refunds amounts of an order item, in the order's currency, that no feed
// asked for. By [amazon.ActorMerchant] it is entered by staff in Seller Central:
// the same rules hold as for a feed, and what they refuse is an error that
// changes nothing. By [amazon.ActorAmazon] Amazon refunds by itself, at once,
// also what was not charged or not shipped. Every amount must be above zero.
func (s *Server) Refund(by amazon.Actor, orderNumber, item string, amounts order.Amounts) error {
	return s.change(func(b *books) error {
		payments, err := b.refund(by, orderNumber, item, amounts, Payment{Time: s.now(), By: by}, s.config)
		if err != nil {
			return fmt.Errorf("refund order %s, item %s: %w", orderNumber, item, err)
		}
		b.Payments = append(b.Payments, payments...)
		return nil
	})
}

func (b *books) refund(by amazon.Actor, orderNumber, item string, amounts order.Amounts, as Payment, c Config) ([]Payment, error) {
	o := b.Orders[orderNumber]
	switch {
	case by != amazon.ActorMerchant && by != amazon.ActorAmazon:
		return nil, fmt.Errorf("by %q: want %s or %s", string(by), amazon.ActorMerchant, amazon.ActorAmazon)
	case o == nil:
		return nil, errors.New("the order is unknown; seed it first")
	case o.item(item) == nil:
		return nil, errors.New("the order has no such item")
	case amounts.IsZero():
		return nil, errors.New("no amounts")
	}
	if err := order.CheckAmounts(amounts, o.Currency); err != nil {
		return nil, err
	}
	ask := adjustedItem{code: item}
	for _, comp := range amounts.Components() {
		if !comp.Charged() && !comp.Concession() {
			return nil, fmt.Errorf("%s is a deduction; want what the buyer gets", comp)
		}
		ask.amounts = append(ask.amounts, amount{comp, amounts[comp], o.Currency})
	}
	as.Seller, as.Order, as.Currency = o.Seller, o.Number, o.Currency

	if by == amazon.ActorAmazon {
		return o.refundByAmazon(ask, as), nil
	}
	after := o.clone()
	payments, why := after.adjust(&adjustment{items: []adjustedItem{ask}}, as, c.ConcessionCap)
	if why != nil {
		return nil, errors.New(why.Text)
	}
	*o = after
	return payments, nil
}

// refundByAmazon asks no balance.
func (o *Order) refundByAmazon(ask adjustedItem, as Payment) []Payment {
	it := o.item(ask.code)
	var payments []Payment
	for _, am := range ask.amounts {
		as.Item, as.Component, as.Amount = it.ID, am.component, am.value
		o.pay(it, as)
		payments = append(payments, as)
	}
	return payments
}
