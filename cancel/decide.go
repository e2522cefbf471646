package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Request asks for the cancellation of a whole order.
type Request struct {
	Order   order.AmazonID
	Reason  amazon.Reason
	Comment string // for people; never sent
	Key     string // the host's own, unique for ever within the company; empty: the order's
	By      string // who asks
}

// What a caller may want to tell apart.
var (
	ErrKeyReused       = errors.New("key was used for another cancellation")
	ErrShipped         = errors.New("order has shipped")
	ErrHandedOver      = errors.New("order was handed over for shipping")
	ErrShared          = errors.New("several host orders share the Amazon order")
	ErrAmazonFulfilled = errors.New("order is fulfilled by Amazon")
	ErrEnded           = errors.New("cancellation was asked for before and ended without effect")
)

// Facts is everything that a decision rests on.
type Facts struct {
	Account       amazon.Account // of the order; zero when it is unknown
	Orders        []order.Order  // the host orders that carry the Amazon order
	Ledger        order.Ledger
	Cancellations []Cancellation // of the Amazon order, and the one with the request's key
	Gates         []Gate         // of the host orders
	Requests      []BuyerRequest // of the Amazon order
	Settings      settings.Settings
	Now           time.Time
}

// Draft is a cancellation as it would be queued. It is good for one save, at the
// state of the order that it was decided on.
type Draft struct {
	Cancellation Cancellation
	Existing     bool                // it was asked for before; Save writes nothing
	AmazonReason amazon.CancelReason // what Amazon and the buyer will be told
	Amount       order.Money         // what the buyer will not be charged
	Warnings     []string

	change Change
}

// Save writes the draft, all of it or nothing: from then on the gate is closed.
// st may be bound to the host's transaction. It answers store.ErrConflict when
// anything about the Amazon order changed since the draft was made: roll back
// and draft again. A draft of an Existing cancellation writes nothing.
func (d Draft) Save(ctx context.Context, st Store) error {
	if d.Existing {
		return nil
	}
	if d.Cancellation.ID == "" {
		return errors.New("save cancellation: the draft is empty: Draft answered an error")
	}
	if err := st.SaveCancellations(ctx, []Change{d.change}); err != nil {
		return fmt.Errorf("save cancellation %s of order %s: %w", d.Cancellation.ID, d.Cancellation.Order.Number, err)
	}
	return nil
}

// Decide says what a request would do, or why not. It is a function of its
// arguments alone.
func Decide(f Facts, r Request) (Draft, error) {
	d, err := decide(f, r)
	if err != nil {
		return Draft{}, fmt.Errorf("cancellation of order %s: %w", r.Order.Number, err)
	}
	return d, nil
}

func decide(f Facts, r Request) (Draft, error) {
	if err := r.Order.Check(); err != nil {
		return Draft{}, err
	}
	if len(f.Orders) == 0 {
		return Draft{}, fmt.Errorf("the host's order book does not have it: %w", store.ErrNotFound)
	}
	if r.By == "" {
		return Draft{}, errors.New("nobody asks: set By to who does")
	}
	if err := queue.CheckKey(r.Key); err != nil {
		return Draft{}, err
	}
	reason, err := r.Reason.Cancel()
	if err != nil {
		return Draft{}, err
	}
	o := f.Orders[0]
	s := order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Comment}
	c := Cancellation{
		ID: id(o.ID.Company, r), HostOrder: o.ID, Order: r.Order, Key: key(r),
		Reason: r.Reason, Comment: r.Comment, Before: o.Status, Outcome: Open, Requested: s,
	}
	if i := slices.IndexFunc(f.Cancellations, func(e Cancellation) bool { return e.ID == c.ID }); i >= 0 {
		first := f.Cancellations[i]
		if first.Order != c.Order || first.Reason != c.Reason {
			return Draft{}, fmt.Errorf("%w: %s of order %s for %s is %s: Queue.Retry renews it, and another Key is another cancellation", ErrKeyReused, first.ID, first.Order.Number, first.Reason, first.Outcome)
		}
		d := Draft{Cancellation: first, Existing: true, AmazonReason: reason}
		if first.ended() {
			d.Warnings = []string{first.renew()}
		}
		return d, nil
	}
	if err := f.admit(r); err != nil {
		return Draft{}, err
	}

	charges, err := f.Ledger.Charge(s, f.Orders...)
	if err != nil {
		return Draft{}, err
	}
	l := f.Ledger.With(charges...)
	var skus []string
	for _, line := range o.Lines {
		c.Items = append(c.Items, line.Item)
		skus = append(skus, line.SKU)
	}
	if err := message(c).Check(); err != nil {
		return Draft{}, err
	}
	reserved, err := reserve(l, c, s)
	if err != nil {
		return Draft{}, err
	}

	d := Draft{Cancellation: c, AmazonReason: reason, Warnings: order.Warnings(o)}
	d.Amount = order.Money{Amount: l.With(reserved...).TotalBy(order.Reserved, order.CauseCancellation), Currency: o.Currency}
	d.change = Change{
		Cancellations: []Cancellation{c.clone()}, // what is saved is what was decided, whatever becomes of the draft
		Entries: []queue.Entry{{
			ID: c.ID, Kind: queue.KindCancellation, Feed: amazon.CancelFeed, HostOrder: o.ID, Order: r.Order,
			Amount: d.Amount, Label: strings.Join(skus, ", "),
			State: queue.EntryQueued, QueuedAt: s.At, Mode: f.Settings.Mode(), Requested: s, Changed: s,
		}},
		Writes: order.Writes{Order: r.Order, Version: f.Ledger.Version, Postings: append(charges, reserved...)},
	}
	d.change.hold(c, f.Settings.Policy, s)
	d.change.Event(order.EventRequested, "cancellation "+string(c.ID), string(c.Reason), s)
	return d, nil
}

// id names the cancellation that a request is for.
func id(company order.CompanyID, r Request) queue.EntryID {
	return queue.NewEntryID(queue.KindCancellation, company, key(r))
}

// key names the business event: an order is cancelled once.
func key(r Request) string {
	if r.Key != "" {
		return "host/" + r.Key
	}
	return "order/" + r.Order.String()
}

// admit refuses orders that must not be cancelled.
func (f Facts) admit(r Request) error {
	for _, o := range f.Orders {
		if err := order.Check(o); err != nil {
			return err
		}
		switch {
		case o.Fulfilment == order.ByAmazon:
			return fmt.Errorf("%w: ask the buyer to cancel at Amazon", ErrAmazonFulfilled)
		case f.Account.ID != r.Order.Account:
			return fmt.Errorf("account %s is unknown: add it to Accounts", r.Order.Account)
		case f.Account.Company != o.ID.Company:
			return fmt.Errorf("account %s belongs to company %s, order %s does not", f.Account.ID, f.Account.Company, o.ID)
		case o.Shipping() != order.Unshipped:
			return fmt.Errorf("%w: order %s is %s: refund what was shipped", ErrShipped, o.ID, o.Shipping())
		case o.Status == order.StatusCancelled || o.Status == order.StatusVoid:
			return fmt.Errorf("order %s is %s already", o.ID, o.Status)
		}
	}
	if len(f.Orders) > 1 {
		return fmt.Errorf("%w: %s and %d more: Amazon would cancel them all", ErrShared, f.Orders[0].ID, len(f.Orders)-1)
	}
	return alone(f.Gates, f.Cancellations)
}

// alone refuses another cancellation beside one that is open or was carried
// out, and any of an order that was handed over.
func alone(gates []Gate, others []Cancellation) error {
	for _, g := range gates {
		if !g.HandedOver.At.IsZero() {
			return fmt.Errorf("%w by %s at %s: refund it when it is shipped", ErrHandedOver, g.HandedOver.By, g.HandedOver.At.Format(time.RFC3339))
		}
	}
	for _, c := range others {
		if c.Outcome == Open || c.Outcome == Cancelled {
			return fmt.Errorf("%w: %s asks for the same (%s)", ErrKeyReused, c.ID, c.Outcome)
		}
	}
	return nil
}

func (c Cancellation) clone() Cancellation {
	c.Items = slices.Clone(c.Items)
	return c
}

// reserve takes what is left of the order's lines, and no more than is left of
// the whole order: part of it may have gone back to the buyer as a concession.
func reserve(l order.Ledger, c Cancellation, s order.Stamp) ([]order.Posting, error) {
	var ps []order.Posting
	for _, item := range c.Items {
		ask, room := order.Amounts{}, l.LeftTotal()
		left := l.Left(item)
		for _, comp := range left.Components() {
			if v := decimal.Min(left[comp], room); v.IsPositive() && comp.Charged() {
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

// message is what Amazon is told.
func message(c Cancellation) amazon.Cancellation {
	reason, _ := c.Reason.Cancel() // checked when the cancellation was decided
	return amazon.Cancellation{Order: c.Order.Number, Items: c.Items, Reason: reason}
}

// hold closes the gate for people to see: the order's status and our hold. What
// MayShip reads is the cancellation itself.
func (ch *Change) hold(c Cancellation, p settings.Policy, s order.Stamp) {
	ch.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByCancellation, Why: string(c.Reason), Since: s.At}}, c.HostOrder, s)
	to := order.StatusOnHold
	if p.CancelledAt == settings.CancelledWhenRequested {
		to = order.StatusCancelled
	}
	ch.status(c, to, s, c.Before, order.StatusProblemOrder)
	ch.note(c, s, "Cancellation %s (%s) is queued.", c.ID, c.Reason)
}

func (ch *Change) status(c Cancellation, to order.Status, s order.Stamp, expect ...order.Status) {
	ch.Effect(order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: to, Expect: expect}}, c.HostOrder, s)
}

func (ch *Change) note(c Cancellation, s order.Stamp, format string, args ...any) {
	ch.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf(format, args...)}}, c.HostOrder, s)
}
