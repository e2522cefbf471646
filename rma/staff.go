package rma

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// ErrTouched refuses to cancel or reject an RMA of which something was received, or
// money moved.
var ErrTouched = errors.New("goods were received or money moved")

// edit lets somebody change an RMA, and brings all RMAs of the order in line with
// it. What changes nothing saves nothing.
func (s *Service) edit(ctx context.Context, what string, id ID, by order.Stamp, change func(*decision, *RMA) error) (RMA, error) {
	fail := func(err error) (RMA, error) { return RMA{}, fmt.Errorf("%s RMA %s: %w", what, id, err) }
	if err := order.CheckActor(by.By); err != nil {
		return fail(err)
	}
	r, err := s.RMA(ctx, id)
	if err != nil {
		return fail(err)
	}
	err = s.decide(ctx, r.HostOrder.Company, r.Order, func(f Facts, at order.Stamp) (Change, error) {
		by.At = at.At
		d := newDecision(f, order.EventChanged, by)
		i := slices.IndexFunc(d.rmas, func(r RMA) bool { return r.ID == id })
		if i < 0 {
			return Change{}, store.ErrNotFound
		}
		d.rmas[i] = clones(d.rmas[i])
		if err := change(d, &d.rmas[i]); err != nil {
			return Change{}, err
		}
		d.work()
		c := d.finish()
		r, _ = d.current(id)
		if slices.ContainsFunc(c.RMAs, func(of RMA) bool { return of.ID == id }) {
			r.Version++
		}
		return c, nil
	})
	if err != nil {
		return fail(err)
	}
	return r, nil
}

// Close closes an RMA. It opens again when more units are authorised.
func (s *Service) Close(ctx context.Context, id ID, by, why string) (RMA, error) {
	return s.decided(ctx, "close", id, Closed, order.Stamp{By: by, Why: why})
}

// Reopen opens an RMA again, whoever closed or cancelled it. No rule closes it after
// that, only people do. One that was opened by hand and cancelled since is refused with
// [order.ErrOver] when other returns have its units now.
func (s *Service) Reopen(ctx context.Context, id ID, by, why string) (RMA, error) {
	return s.decided(ctx, "reopen", id, Open, order.Stamp{By: by, Why: why})
}

// Cancel cancels an RMA, whose units the order then has left to return. Once goods
// were received or money moved it is refused with [ErrTouched]: close it instead.
func (s *Service) Cancel(ctx context.Context, id ID, by, why string) (RMA, error) {
	return s.decided(ctx, "cancel", id, Cancelled, order.Stamp{By: by, Why: why})
}

func (s *Service) decided(ctx context.Context, what string, id ID, to Status, by order.Stamp) (RMA, error) {
	return s.edit(ctx, what, id, by, func(d *decision, r *RMA) error {
		if to == Cancelled && d.touched(*r) {
			return fmt.Errorf("%w: close it instead", ErrTouched)
		}
		if r.Decided.Status == to && r.Decided.Units == r.authorised() {
			return nil
		}
		if to != Cancelled && r.Key != "" && d.gone(*r) { // no report says how many it has
			if err := d.fits(*r); err != nil {
				return err
			}
		}
		r.Decided = Decision{Status: to, Units: r.authorised(), Stamp: d.stamp}
		return nil
	})
}

// Approve agrees to a return.
func (s *Service) Approve(ctx context.Context, id ID, by, why string) (RMA, error) {
	return s.edit(ctx, "approve", id, order.Stamp{By: by, Why: why}, func(_ *decision, r *RMA) error {
		r.Approval = Approved
		return nil
	})
}

// Reject refuses a return: neither goods nor money are awaited any more. Once goods
// were received or money moved it is refused with [ErrTouched].
func (s *Service) Reject(ctx context.Context, id ID, by, why string) (RMA, error) {
	return s.edit(ctx, "reject", id, order.Stamp{By: by, Why: why}, func(d *decision, r *RMA) error {
		if d.touched(*r) {
			return ErrTouched
		}
		r.Approval = Rejected
		return nil
	})
}

// SetResolution says what the buyer is to get. Until then it is Refund, but no money
// is awaited for what Amazon replaces.
func (s *Service) SetResolution(ctx context.Context, id ID, to Resolution, by, why string) (RMA, error) {
	return s.edit(ctx, "set resolution of", id, order.Stamp{By: by, Why: why}, func(d *decision, r *RMA) error {
		known := []Resolution{NotDecided, Refund, Replace, Exchange, Repair, Reject}
		if !slices.Contains(known, to) {
			return fmt.Errorf("resolution %q: want one of %q", string(to), known)
		}
		if r.Resolution != to || r.Chosen.By == "" {
			r.Resolution, r.Chosen = to, d.stamp
		}
		return nil
	})
}

// AddNote adds a text for people that [order.CheckNote] passes, once. It holds no buyer
// data: the host's order shows it too.
func (s *Service) AddNote(ctx context.Context, id ID, text, by string) (RMA, error) {
	return s.edit(ctx, "add a note to", id, order.Stamp{By: by}, func(d *decision, r *RMA) error {
		if err := order.CheckNote(text); err != nil {
			return err
		}
		r.note(Note{Text: strings.TrimSpace(text), At: d.stamp.At, By: by})
		return nil
	})
}

// Allow lets so many units of an order line be refunded, of a kit so many kits,
// whatever the policies RefundCeiling and KitRefund make of what came. It wants to
// know why, and both are recorded.
func (s *Service) Allow(ctx context.Context, id ID, item string, units int, by, why string) (RMA, error) {
	return s.edit(ctx, "allow a refund of", id, order.Stamp{By: by, Why: why}, func(d *decision, r *RMA) error {
		switch authorised := r.units(item); {
		case why == "":
			return errors.New("no reason is given: say why")
		case units < 1 || units > authorised:
			return fmt.Errorf("item %s: %d units: want 1 to the %d that are authorised", item, units, authorised)
		}
		was := 0
		for _, a := range r.Allowed {
			if a.Item == item {
				was = max(was, a.Units)
			}
		}
		if was >= units {
			return nil
		}
		r.Allowed = append(slices.Clone(r.Allowed), Allowance{Item: item, Units: units, Stamp: d.stamp})
		d.change.Changed(d.kind, fmt.Sprintf("RMA %s: units of item %s that may be refunded without receipt", r.ID, item), fmt.Sprint(was), fmt.Sprint(units), d.stamp)
		return nil
	})
}

// Opening asks for an RMA that no report speaks of.
type Opening struct {
	Order  order.AmazonID
	Key    string // the host's own, unique within the order, see [order.CheckName]: a repeat opens nothing
	Lines  []OpenLine
	Reason string // for people
	By     string
}

// OpenLine is so many units of an order line; of a kit, kits.
type OpenLine struct {
	Item   string
	Units  int
	Reason string // as Amazon's codes, or the host's own
}

// Open makes an RMA by hand, approved, for what a buyer sends back without Amazon's
// knowing. More units than the order line has left to return are refused with
// [order.ErrOver]. The same key again answers the first RMA, and with other lines it
// is [ErrKeyReused].
func (s *Service) Open(ctx context.Context, o Opening) (RMA, error) {
	fail := func(err error) (RMA, error) {
		return RMA{}, fmt.Errorf("open an RMA of order %s: %w", o.Order.Number, err)
	}
	if err := cmp.Or(o.Order.Check(), order.CheckActor(o.By), checkKey(o.Key)); err != nil {
		return fail(err)
	}
	orders, err := s.c.Book.Orders(ctx, []order.AmazonID{o.Order})
	if err == nil && len(orders) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fail(fmt.Errorf("order book: %w", err))
	}
	company := orders[0].ID.Company
	var opened RMA
	err = s.decide(ctx, company, o.Order, func(f Facts, at order.Stamp) (Change, error) {
		d := newDecision(f, order.EventChanged, order.Stamp{By: o.By, At: at.At, Why: o.Reason})
		if why := d.refusal(); why != "" {
			return Change{}, errors.New(why)
		}
		r, err := d.byHand(o)
		if err != nil {
			return Change{}, err
		}
		if first, ok := d.stored(r.ID); ok {
			if describe(first.Lines) != describe(r.Lines) {
				return Change{}, fmt.Errorf("%w: %q opened RMA %s for %s", ErrKeyReused, o.Key, first.ID, describe(first.Lines))
			}
			opened = first
			return Change{}, nil
		}
		if err := d.fits(r); err != nil {
			return Change{}, err
		}
		d.rmas = append(d.rmas, r)
		d.work()
		c := d.finish()
		opened, _ = d.current(r.ID)
		opened.Version = 1
		return c, nil
	})
	if err != nil {
		return fail(err)
	}
	return opened, nil
}

// byHand makes the RMA that somebody opens.
func (d *decision) byHand(o Opening) (RMA, error) {
	if len(o.Lines) == 0 {
		return RMA{}, errors.New("no lines: name at least one order item")
	}
	host := d.host(o.Lines[0].Item)
	r := RMA{
		ID: newID(d.Company, o.Order.Account, "by hand|"+o.Order.Number+"|"+o.Key), HostOrder: host.ID, Order: o.Order, Currency: host.Currency,
		Status: Open, Approval: Approved, Receipt: NotReceived, Resolution: Refund, Key: o.Key, RequestedAt: d.stamp.At, Created: d.stamp,
	}
	for _, l := range o.Lines {
		of := d.line(l.Item)
		switch err := of.CheckKit(); {
		case of.Item == "":
			return RMA{}, fmt.Errorf("item %s is not in the order", l.Item)
		case err != nil:
			return RMA{}, fmt.Errorf("item %s: %w", l.Item, err)
		case l.Units < 1:
			return RMA{}, fmt.Errorf("item %s: %d units: want at least 1", l.Item, l.Units)
		case l.Units > of.Ordered:
			return RMA{}, fmt.Errorf("item %s: %d units are %w: %d were ordered", l.Item, l.Units, order.ErrOver, of.Ordered)
		case slices.ContainsFunc(r.Lines, func(e Line) bool { return e.Item == l.Item }):
			return RMA{}, fmt.Errorf("item %s is named twice: add the two up", l.Item)
		}
		r.Lines = append(r.Lines, d.parts(Line{Item: l.Item, Reason: l.Reason}, l.Units)...)
	}
	return r, nil
}

// fits refuses more units than the order lines have left to return.
func (d *decision) fits(r RMA) error {
	for _, item := range r.items() {
		l := d.line(item)
		left := l.Ordered - l.Cancelled - d.before(l)
		for _, other := range d.rmas {
			if !d.gone(other) {
				left -= other.units(item)
			}
		}
		if n := r.units(item); n > left {
			return fmt.Errorf("item %s: %d units are %w: %d are left to return", item, n, order.ErrOver, max(0, left))
		}
	}
	return nil
}
