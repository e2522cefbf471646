package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/order"
)

// host is the order management that the library is a part of: its orders, its
// stock, and what its warehouse has sent off.
type host struct {
	orders  []order.Order
	passed  map[order.ID]int64 // the number of the last effect of an order
	moves   map[move]int       // how often the stock was moved
	notes   map[order.ID][]string
	held    map[order.ID]bool // for a buyer's wish, at some time
	left    []order.ID        // handed over to the carrier, who has not said so yet
	gone    []order.ID        // that left, at any time
	unsplit map[order.ID]bool // that do not come about, because they could not be split off
	units   map[string]int    // that left, by Amazon order and item
	atGate  order.AmazonID    // that the warehouse has asked about last
}

// move is a change of the stock for an order.
type move struct {
	order    order.ID
	sku      string
	quantity int
	zero     bool
}

var _ order.Book = (*host)(nil)

func newHost() *host {
	return &host{passed: map[order.ID]int64{}, moves: map[move]int{}, notes: map[order.ID][]string{}, held: map[order.ID]bool{}, unsplit: map[order.ID]bool{}, units: map[string]int{}}
}

// Orders implements [order.Book].
func (h *host) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range h.orders {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

// of lists the host orders of an Amazon order.
func (h *host) of(id order.AmazonID) []order.Order {
	found, _ := h.Orders(context.Background(), []order.AmazonID{id})
	return found
}

func (h *host) find(id order.ID) *order.Order {
	i := slices.IndexFunc(h.orders, func(o order.Order) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return &h.orders[i]
}

// ApplyOrder implements [order.Book].
func (h *host) ApplyOrder(_ context.Context, e order.Effect) error {
	o := h.find(e.Order)
	if h.unsplit[e.Order] {
		return nil
	}
	if o == nil {
		return fmt.Errorf("order %s is unknown", e.Order) // its split has not been carried out yet
	}
	if h.passed[e.Order] >= e.Seq {
		return nil
	}
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) {
			return fmt.Errorf("order %s is %s: %w", o.ID, o.Status, order.ErrStale)
		}
		o.Status = e.Status.To
	case order.EffectHold:
		h.held[o.ID] = h.held[o.ID] || e.Hold.Owner == order.HeldByBuyer
		o.Holds = append(without(o.Holds, e.Hold.Owner), *e.Hold)
	case order.EffectRelease:
		o.Holds = without(o.Holds, e.Release.Owner)
	case order.EffectNote:
		h.notes[o.ID] = append(h.notes[o.ID], e.Note.Text)
	case order.EffectStock:
		h.moves[move{o.ID, e.Stock.SKU, e.Stock.Quantity, e.Stock.Zero}]++
	case order.EffectSplit:
		rest, part, err := order.Split(*o, e.Split.To, e.Split.Lines)
		if err != nil {
			h.unsplit[order.ID{Company: o.ID.Company, Number: e.Split.To}] = true
			return fmt.Errorf("%w: %w", order.ErrStale, err)
		}
		*o = rest
		h.orders = append(h.orders, part)
	}
	h.passed[e.Order] = e.Seq
	return nil
}

func without(holds []order.Hold, owner order.HoldOwner) []order.Hold {
	return slices.DeleteFunc(slices.Clone(holds), func(h order.Hold) bool { return h.Owner == owner })
}

// ships has all that waits of an order be shipped.
func (h *host) ships(id order.ID) {
	o := h.find(id)
	o.Lines = slices.Clone(o.Lines) // those given out before stay as they are
	for i, l := range o.Lines {
		o.Lines[i].Shipped = l.Ordered - l.Cancelled
	}
}
