package rma

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// ErrNothing refuses a refund of an RMA of which nothing may be refunded now.
var ErrNothing = errors.New("nothing of the RMA may be refunded now")

// Refund is the request that refunds all that an RMA authorises, whatever came of it
// and whatever was refunded before; [Service.Refund] knows both. Of kits it asks for
// the kit. Outbound shipping is ticked for lines that come back by the seller's
// fault. Change it as you like before drafting: fewer units, exact amounts, another
// reason.
func (r RMA) Refund(by string) refund.Request {
	q := refund.Request{
		Order: r.Order, Origin: refund.FromRMA, RMA: string(r.ID), Currency: r.Currency,
		Reason: amazon.ReasonCustomerReturn, Cautions: r.cautions(), By: by,
	}
	for i, item := range r.items() {
		n := r.units(item)
		reason, fault := r.reason(item)
		q.Lines = append(q.Lines, refund.Ask{Item: item, Units: n, Returned: n, Shipping: fault})
		if i == 0 {
			q.Reason = reason
		}
	}
	return q
}

// cautions are what whoever refunds an RMA must have read: that the buyer is to get
// a replacement.
func (r RMA) cautions() []refund.Caution {
	var replaced []string
	for _, l := range r.Lines {
		if replacement(l.AmazonResolution) {
			replaced = append(replaced, l.SKU)
		}
	}
	if len(replaced) == 0 && r.Resolution != Replace {
		return nil
	}
	text := fmt.Sprintf("the buyer of RMA %s is to get a replacement instead of money", r.number())
	if len(replaced) > 0 {
		text += " for " + strings.Join(replaced, ", ")
	}
	return []refund.Caution{{Code: refund.CautionReplacement, Text: text}}
}

// reason is why an order line comes back, and whether by the seller's fault.
func (r RMA) reason(item string) (reason amazon.Reason, fault bool) {
	for _, l := range r.Lines {
		if l.Item == item && !fault {
			reason, fault = amazon.ReturnReason(l.Reason)
		}
	}
	return reason, fault
}

// Refund is the request that refunds what of an RMA may be refunded now: the units
// that the policy RefundCeiling and what arrived allow, less those that its refunds
// are for already; of kits by the policy KitRefund. [ErrNothing] when that is
// nothing. Money that may have gone back for it without us, as refunds from elsewhere or
// the column Refunded Amount of the returns reports say, comes as a
// refund.CautionAlreadyRefunded. It only reads.
func (s *Service) Refund(ctx context.Context, id ID, by string) (refund.Request, error) {
	r, f, err := s.one(ctx, id)
	if err != nil {
		return refund.Request{}, err
	}
	return f.Refund(r, by)
}

// Refund says what of an RMA may be refunded now; see [Service.Refund]. It is a
// function of its arguments alone.
func (f Facts) Refund(r RMA, by string) (refund.Request, error) {
	switch {
	case r.Approval == Rejected:
		return refund.Request{}, fmt.Errorf("RMA %s: %w: it was rejected", r.ID, ErrNothing)
	case r.Status == Cancelled:
		return refund.Request{}, fmt.Errorf("RMA %s: %w: it is %s", r.ID, ErrNothing, Cancelled)
	}
	q := r.Refund(by)
	q.Cautions = append(q.Cautions, f.elsewhere(r)...)
	asks := q.Lines
	q.Lines = nil
	for _, ask := range asks {
		due, done := f.due(r, ask.Item), f.refunded(r, ask.Item, refund.LineOpen, refund.LinePosted)
		left := f.unrefunded(ask.Item, refund.LineOpen, refund.LinePosted)
		ask.Returned, ask.Units = due, max(0, min(due-done, left))
		if r.kit(ask.Item) && f.Settings.Policy.KitRefund == settings.KitProRata {
			ask.Amounts = f.kitOwed(r, ask.Item, refund.LineOpen, refund.LinePosted)
			ask.Shipping = false // it is among the amounts
			if ask.Amounts.IsZero() {
				continue
			}
		} else if ask.Units == 0 {
			continue
		}
		q.Lines = append(q.Lines, ask)
	}
	if len(q.Lines) == 0 {
		return refund.Request{}, fmt.Errorf("RMA %s: %w: receipt is %s of %s, which allows no more than is asked for already", r.ID, ErrNothing, r.Receipt, describe(r.Lines))
	}
	return q, nil
}

// unrefunded is how many units of an order line no refund is for, of an RMA or not.
func (f Facts) unrefunded(item string, outcomes ...refund.Outcome) int {
	l := f.line(item)
	left := l.Ordered - l.Cancelled
	for _, of := range f.Refunds {
		for _, line := range of.Lines {
			if line.Item == item && slices.Contains(outcomes, line.Outcome) {
				left -= line.Units
			}
		}
	}
	return left
}

// due is how many units of an order line an RMA may refund by what came of them; of
// a kit those of which all components did.
func (f Facts) due(r RMA, item string) int {
	n := -1
	for _, g := range r.goods() {
		if g.Item != item {
			continue
		}
		if whole := f.in(r, g) / g.perKit; n < 0 || whole < n {
			n = whole
		}
	}
	for _, a := range r.Allowed {
		if a.Item == item {
			n = max(n, a.Units)
		}
	}
	return max(0, min(n, r.units(item)))
}

// in is how many units of goods count as being here. Components of a kit count as
// they come, once the first of them is here.
func (f Facts) in(r RMA, g goods) int {
	switch ceiling := f.Settings.Policy.RefundCeiling; {
	case g.returnless:
		return g.units
	case ceiling == settings.CeilingGood:
		return g.Good
	case ceiling == settings.CeilingReceived, r.kit(g.Item) && r.begun(g.Item):
		return g.Good + g.Damaged
	}
	return g.units
}

// begun tells whether any goods of an order line were counted.
func (r RMA) begun(item string) bool {
	return slices.ContainsFunc(r.goods(), func(g goods) bool { return g.Item == item && g.total() > 0 })
}

// Due implements [refund.Returns]: the units that the policy RefundCeiling and what
// came of the RMA let be refunded, whatever was refunded already. Of one that was
// rejected or cancelled they are none.
func (s *Service) Due(ctx context.Context, id order.AmazonID, rma string) (refund.Due, error) {
	r, f, err := s.one(ctx, ID(rma))
	if err == nil && r.Order != id {
		err = fmt.Errorf("RMA %s is of order %s: %w", rma, r.Order.Number, store.ErrNotFound)
	}
	if err != nil {
		return refund.Due{}, err
	}
	due := refund.Due{Units: map[string]int{}, Cautions: append(r.cautions(), f.elsewhere(r)...)}
	for _, item := range r.items() {
		if due.Units[item] = 0; r.Approval != Rejected && r.Status != Cancelled {
			due.Units[item] = f.due(r, item)
		}
	}
	return due, nil
}

// OpenReturns implements [refund.Returns]: the items of open RMAs, with the units
// that no refund of the RMA is for yet.
func (s *Service) OpenReturns(ctx context.Context, id order.AmazonID) ([]refund.OpenReturn, error) {
	rmas, err := s.c.Store.RMAs(ctx, Query{Orders: []order.AmazonID{id}, Statuses: []Status{Open}})
	if err != nil || len(rmas) == 0 {
		return nil, err
	}
	refunds, err := s.c.Store.Refunds(ctx, refund.Query{Orders: []order.AmazonID{id}})
	if err != nil {
		return nil, err
	}
	f := Facts{Refunds: refunds}
	var open []refund.OpenReturn
	for _, r := range rmas {
		for _, item := range r.items() {
			if n := r.units(item) - f.refunded(r, item, refund.LineOpen, refund.LinePosted); n > 0 && r.paysBack(item) {
				open = append(open, refund.OpenReturn{RMA: string(r.ID), Item: item, Units: n})
			}
		}
	}
	return open, nil
}
