package order

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// EffectKind names what an [Effect] changes on a host order.
type EffectKind string

const (
	EffectStatus     EffectKind = "Status"
	EffectHold       EffectKind = "Hold"
	EffectRelease    EffectKind = "Release"
	EffectNote       EffectKind = "Note"
	EffectSplit      EffectKind = "Split"
	EffectShipping   EffectKind = "Shipping"
	EffectStock      EffectKind = "Stock"
	EffectPayment    EffectKind = "Payment"
	EffectRMA        EffectKind = "RMA"
	EffectCommission EffectKind = "Commission"
)

// Effect is one change that a host order should show. It is written in the
// same save as the rows it follows from, and delivered to [Book.ApplyOrder] at
// least once and in order, so that a host whose orders live elsewhere loses
// nothing in a crash. The field named like the Kind is set, the others are nil.
type Effect struct {
	Key    string // unique for ever
	Order  ID
	Amazon AmazonID
	Seq    int64 // rises within the host order; gaps are normal
	Kind   EffectKind

	Status     *StatusChange
	Hold       *Hold
	Release    *Release
	Note       *Note
	Split      *SplitOff
	Shipping   *ShippingChange
	Stock      *StockMove
	Payment    *Payment
	RMA        *RMANote
	Commission *Commission

	Stamp
}

// StatusChange asks for a new order status.
type StatusChange struct {
	To     Status
	Expect []Status // the host answers ErrStale when its order has none of these; empty: any will do
}

// Release ends the hold of one owner and leaves the others standing.
type Release struct{ Owner HoldOwner }

// Note is a text on an order for people to read. It never holds buyer data.
type Note struct{ Text string }

// SplitOff moves lines of a host order to a new host order of the same Amazon
// order, as [Split] does. A host whose order cannot be split that way any more, or that
// has an order with the new number, whatever order that is, answers [ErrStale] and
// changes nothing, and then nil to the effects of the new order, which does not come
// about: the part's cancellation is told. Any other error has the split tried again, and
// nothing of the Amazon order ships until it is done. Money does not move: the ledger
// belongs to the Amazon order. When the new order is cancelled, its lines may keep their charges or give
// them up with the units; neither changes what is left of the others.
type SplitOff struct {
	To    string // number of the new host order
	Lines []LineQuantity
}

// LineQuantity is so many units of a line.
type LineQuantity struct {
	Item     string
	Quantity int
}

// ShippingChange tells how far Amazon shows an order as shipped, where the host does
// not. A host that derives its shipping status from parcels looks for theirs.
type ShippingChange struct{ To ShippingStatus }

// StockMove changes what the host has in stock, once per key.
type StockMove struct {
	SKU      string
	Quantity int  // units to add; negative takes away
	Zero     bool // set the stock to nothing instead
}

// Payment tells the payment status that follows from the ledger, and the
// refunds that are promised beside it and not yet confirmed.
type Payment struct {
	Status   PaymentStatus
	Pending  decimal.Decimal
	Refunded decimal.Decimal
	Currency Currency
}

// RMANote tells that an RMA of the order was made or changed.
type RMANote struct {
	Number            string // the host sees this one
	OrderSourceNumber string // Amazon's RMA ID
	Status            string
}

// Commission tells what Amazon gave back of its commission, and what it kept.
type Commission struct {
	Returned, Kept decimal.Decimal
	Currency       Currency
}

// Outbox is the part of a store that keeps effects until they are delivered.
type Outbox interface {
	// Effects returns effects that are not done, oldest first: of each host
	// order those from its lowest Seq on, and none of an order whose first one
	// has a NotBefore after now. At most limit of them.
	Effects(ctx context.Context, now time.Time, limit int) ([]Effect, error)

	// SaveEffects records what became of effects, and appends their alerts to the
	// journals of their orders, all or nothing. An unknown key is left alone; a
	// done effect stays done, and its alert is not appended again.
	SaveEffects(ctx context.Context, outcomes []EffectOutcome) error
}

// EffectOutcome is what became of one delivery.
type EffectOutcome struct {
	Key       string
	Done      bool
	NotBefore time.Time // when not done: the next try
	Err       string    // what the host said, for people
	Alert     *Event    // nil: nobody needs to look
}

// deliveryPause is how long an order's effects rest after one of them failed.
const deliveryPause = time.Minute

// Deliver hands effects to the book, in order per host order, and records what
// became of each. An effect that fails is tried again later and blocks only the
// later ones of its own order. Where the book answers [ErrStale] it is handed a
// note under the same key and number; the effect is done with that, but does not
// count as delivered. The error is of the outbox or the context; what the book
// says is recorded, not returned. What it said as the context ended is not, and
// that effect comes again.
func Deliver(ctx context.Context, from Outbox, to Book, now time.Time, limit int) (delivered int, err error) {
	effects, err := from.Effects(ctx, now, limit)
	if err != nil {
		return 0, fmt.Errorf("read effects: %w", err)
	}
	blocked := map[ID]bool{}
	for _, e := range effects {
		if blocked[e.Order] {
			continue
		}
		outcome := EffectOutcome{Key: e.Key, Done: true}
		err := to.ApplyOrder(ctx, e)
		stale := errors.Is(err, ErrStale)
		if stale {
			outcome.Err, outcome.Alert = err.Error(), staleAlert(e, now)
			err = to.ApplyOrder(ctx, staleNote(e))
		}
		switch {
		case ctx.Err() != nil:
			return delivered, ctx.Err()
		case err != nil:
			outcome = EffectOutcome{Key: e.Key, NotBefore: now.Add(deliveryPause), Err: err.Error()}
			blocked[e.Order] = true
		case !stale:
			delivered++
		}
		if err := from.SaveEffects(ctx, []EffectOutcome{outcome}); err != nil {
			return delivered, fmt.Errorf("record effect %s: %w", e.Key, err)
		}
	}
	return delivered, nil
}

// staleNote takes the place of an effect that came too late, under its number.
func staleNote(e Effect) Effect {
	return Effect{
		Key: e.Key, Order: e.Order, Amazon: e.Amazon, Seq: e.Seq, Stamp: e.Stamp,
		Kind: EffectNote, Note: &Note{Text: stale(e)},
	}
}

// StaleKey is the key of the alert that the effect with this key was answered
// [ErrStale]: it was not applied, and never will be.
func StaleKey(effect string) string { return "stale/" + effect }

// staleAlert tells people that an order does not show what it should.
func staleAlert(e Effect, now time.Time) *Event {
	return &Event{
		Order: e.Amazon, Seq: e.Seq, Kind: EventAlert, Key: StaleKey(e.Key), For: Operator, Subject: "order " + e.Order.String(), Text: stale(e),
		Stamp: Stamp{By: "takeback", At: now.UTC()},
	}
}

func stale(e Effect) string {
	what := string(e.Kind)
	if e.Status != nil {
		what = "Status " + string(e.Status.To)
	}
	return strings.TrimSpace(what + " was not applied: the order changed meanwhile. " + e.Why)
}
