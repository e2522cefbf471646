package order

import (
	"errors"
	"fmt"
	"slices"
)

// ErrSplit refuses a split; the error that wraps it tells why.
var ErrSplit = errors.New("cannot be split")

// Split takes units off a host order into a new one with the number to, of the same
// Amazon order. Rest is what the order becomes and part the new one, with the same
// status, holds and dropship. What the buyer was charged and granted for a line is
// divided by units, so that rest and part add up to it; a kit keeps its recipe on
// both. A line of which nothing is left does not stand in rest.
//
// It wants an order that [Check] passes, and refuses with [ErrSplit] to take
// nothing, everything that is not cancelled, an item twice, an item that the order
// does not have, more of one than waits to be shipped, and a number that is empty,
// the order's own, or refused by [CheckName]. The order given is left alone.
func Split(o Order, to string, units []LineQuantity) (rest, part Order, err error) {
	if err := Check(o); err != nil {
		return Order{}, Order{}, err
	}
	refuse := func(format string, args ...any) (Order, Order, error) {
		return Order{}, Order{}, fmt.Errorf("order %s %w: "+format, append([]any{o.ID, ErrSplit}, args...)...)
	}
	switch err := CheckName("the new host order's number", to); {
	case err != nil:
		return refuse("%w", err)
	case to == "":
		return refuse("the new host order has no number")
	case to == o.ID.Number:
		return refuse("the new host order has the order's own number %q", to)
	case len(units) == 0:
		return refuse("no units to take off")
	}
	take := map[string]int{}
	for _, u := range units {
		l, ok := o.Line(u.Item)
		waiting := l.Ordered - l.Cancelled - max(l.Shipped, l.Returned, l.Refunded)
		switch {
		case !ok:
			return refuse("it has no item %q", u.Item)
		case take[u.Item] > 0:
			return refuse("item %s stands twice among the units to take off", u.Item)
		case u.Quantity < 1 || u.Quantity > waiting:
			return refuse("item %s × %d: want 1 to the %d that are neither shipped nor cancelled", u.Item, u.Quantity, waiting)
		}
		take[u.Item] = u.Quantity
	}

	rest, part = o.with(o.ID.Number), o.with(to)
	left := 0
	for _, l := range o.Lines {
		n := take[l.Item]
		moved := l
		moved.Ordered, moved.Shipped, moved.Cancelled, moved.Returned, moved.Refunded = n, 0, 0, 0, 0
		moved.Charges = Prorate(l.Charges, n, l.Ordered-l.Cancelled, o.Currency)
		moved.Promotions = Prorate(l.Promotions, n, l.Ordered-l.Cancelled, o.Currency)
		moved.Kit = slices.Clone(l.Kit)
		if n > 0 {
			part.Lines = append(part.Lines, moved)
		}
		l.Ordered -= n
		l.Charges, l.Promotions = l.Charges.Minus(moved.Charges), l.Promotions.Minus(moved.Promotions)
		l.Kit = slices.Clone(l.Kit)
		if l.Ordered > 0 {
			rest.Lines = append(rest.Lines, l)
		}
		left += l.Ordered - l.Cancelled
	}
	if left == 0 {
		return refuse("nothing would be left of it")
	}
	return rest, part, nil
}

// with is the order under a number and without lines, sharing nothing with it.
func (o Order) with(number string) Order {
	o.ID.Number, o.Holds, o.Lines = number, slices.Clone(o.Holds), nil
	return o
}
