package cancel

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// told is the word for the reason that Amazon is told. For a part it is one of the
// two that Amazon documents for units cancelled by an adjustment (Seller Central
// help, "Cancel an order").
func told(c Cancellation) (string, error) {
	if !c.Part {
		reason, err := c.Reason.Cancel()
		return string(reason), err
	}
	switch c.Reason {
	case amazon.ReasonNoInventory, amazon.ReasonBuyerCancelled:
		reason, err := c.Reason.Refund()
		return string(reason), err
	}
	return "", fmt.Errorf("reason %q for a part of an Amazon order: want %s or %s, Amazon takes no other",
		string(c.Reason), amazon.ReasonNoInventory, amazon.ReasonBuyerCancelled)
}

// messages are what Amazon is told: one that lists every item of the whole order, or
// one for each item of a part, with what the ledger holds for it; not for one that
// Amazon has carried out in an earlier attempt. The reason was checked when the
// cancellation was decided.
func messages(c Cancellation, l order.Ledger, e queue.Entry) []queue.PreparedMessage {
	reason, _ := told(c)
	if !c.Part {
		return []queue.PreparedMessage{{Message: amazon.Cancellation{Order: c.Order.Number, Items: c.Items, Reason: amazon.CancelReason(reason)}}}
	}
	carried, _ := carriedOut(c, e)
	var ms []queue.PreparedMessage
	for i, u := range c.Units {
		if slices.Contains(carried, u.Item) {
			continue
		}
		ms = append(ms, queue.PreparedMessage{Part: u.Item, Message: amazon.Adjustment{
			Order: c.Order.Number, Item: u.Item, AdjustmentID: fmt.Sprintf("%s-%d-%d", c.ID, i+1, len(e.Attempts)+1),
			Reason: amazon.RefundReason(reason), Currency: l.Currency(), Amounts: l.Held(c.Cause(), u.Item), QuantityCancelled: u.Quantity,
		}})
	}
	return ms
}

// parts are the names of a cancellation's messages.
func (c Cancellation) parts() []string {
	if !c.Part {
		return []string{""}
	}
	return c.Items
}

// shares is what the buyer paid for the units of a part, by item; nil when all of
// the order is meant.
func (t target) shares() map[string]order.Amounts {
	if !t.part {
		return nil
	}
	return paidFor(t.carriers)
}

// paidFor is what the buyer paid for the lines of host orders, by item.
func paidFor(orders []order.Order) map[string]order.Amounts {
	paid := map[string]order.Amounts{}
	for _, o := range orders {
		for _, l := range o.Lines {
			paid[l.Item] = paid[l.Item].Plus(l.Paid())
		}
	}
	return paid
}

// reserve takes what is left of the cancellation's items, for a part no more than its
// shares, and no more than is left of the whole order: part of it may have gone back
// to the buyer as a concession.
func reserve(l order.Ledger, c Cancellation, shares map[string]order.Amounts, s order.Stamp) ([]order.Posting, error) {
	var ps []order.Posting
	for _, item := range c.Items {
		ask, room := order.Amounts{}, l.LeftTotal()
		left := l.Left(item)
		for _, comp := range left.Components() {
			v := decimal.Min(left[comp], room)
			if shares != nil {
				v = decimal.Min(v, shares[item][comp])
			}
			if v.IsPositive() && comp.Charged() {
				ask[comp], room = v, room.Sub(v)
			}
		}
		reserved, err := l.Reserve(c.Cause(), item, ask, false, s)
		if err != nil {
			return nil, err
		}
		ps = append(ps, reserved...)
		l = l.With(reserved...)
	}
	return ps, nil
}

// held is what the ledger holds for the cancellation.
func (c Cancellation) held(l order.Ledger) decimal.Decimal {
	sum := decimal.Zero
	for _, item := range c.Items {
		sum = sum.Add(l.Held(c.Cause(), item).Total())
	}
	return sum
}

// lastShares is what the cancellation holds or last held of its items, if it is a
// part.
func (c Cancellation) lastShares(l order.Ledger) map[string]order.Amounts {
	if !c.Part {
		return nil
	}
	shares := map[string]order.Amounts{}
	for _, item := range c.Items {
		shares[item] = l.LastHeld(c.Cause(), item)
	}
	return shares
}
