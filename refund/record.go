package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Recorded is a refund that somebody made in Seller Central.
type Recorded struct {
	Order     order.AmazonID
	Lines     []RecordedLine
	RMA       string        // the RMA's ID, when it was for one
	Reason    amazon.Reason // empty: GeneralAdjustment
	At        time.Time     // when it was made; zero: not known
	Reference string        // what it is called there
	By        string        // who records it
	Why       string        // for people; required too

	// Key is the host's own, unique for ever within the company. Empty: order and
	// Reference are the key.
	Key string
}

// RecordedLine is what the buyer got of one order item.
type RecordedLine struct {
	Item    string // order item ID
	Units   int    // units that the money was for; 0: none in particular
	Amounts order.Amounts
}

// Record enters a refund that was made in Seller Central, so that what is left of
// the order, its payment status and later settlements agree with it. It is posted
// at once and never sent. Because it happened, nothing limits it; when more has gone
// than was charged there is an alert, and open refunds of the order wait. What a
// settlement has shown of it already is taken for it. A repeat returns the first, also
// one of the same Reference and content under another key; the key with another
// content is ErrKeyReused. An unknown order is store.ErrNotFound, and so is an RMA that
// the order does not have. [Service.Unrecord] takes back what was recorded by mistake.
func (s *Service) Record(ctx context.Context, r Recorded) (Refund, error) {
	var recorded Refund
	err := store.Retry(func() (err error) {
		recorded, err = s.record(ctx, r)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("record refund of order %s: %w", r.Order.Number, err)
	}
	return recorded, nil
}

func (s *Service) record(ctx context.Context, r Recorded) (Refund, error) {
	f, err := s.facts(ctx, Request{Order: r.Order, RMA: r.RMA})
	if err != nil {
		return Refund{}, err
	}
	refund, err := f.recorded(r)
	if err != nil {
		return Refund{}, err
	}
	byKey, err := s.c.Store.Refunds(ctx, Query{IDs: []queue.EntryID{refund.ID}})
	if err != nil {
		return Refund{}, err
	}
	if len(byKey) > 0 {
		if !sameRecord(byKey[0], refund) {
			return Refund{}, fmt.Errorf("%w: key %q belongs to %s of order %s: use a new key for a new refund", ErrKeyReused, refund.Key, byKey[0].ID, byKey[0].Order.Number)
		}
		if byKey[0].ended() {
			return Refund{}, fmt.Errorf("%w: %s was recorded under key %q and taken back: record it under a new Key, with the same Reference if that is right", ErrKeyReused, byKey[0].ID, refund.Key)
		}
		return byKey[0], nil
	}
	again := func(e Refund) bool { return !e.ended() && refund.Reference != "" && sameRecord(e, refund) }
	if i := slices.IndexFunc(f.Refunds, again); i >= 0 {
		return f.Refunds[i], nil
	}
	c, err := f.record(refund)
	if err != nil {
		return Refund{}, err
	}
	if err := s.c.Store.SaveRefunds(ctx, []Change{c}); err != nil {
		return Refund{}, err
	}
	s.tellReturns(ctx, c)
	s.tellBooks(ctx, refund)
	refund.Version = 1
	return refund, nil
}

// recorded is the refund that a record is about.
func (f Facts) recorded(r Recorded) (Refund, error) {
	if len(f.Orders) == 0 {
		return Refund{}, fmt.Errorf("the host's order book does not have it: %w", store.ErrNotFound)
	}
	for _, o := range f.Orders {
		if err := order.Check(o); err != nil {
			return Refund{}, err
		}
	}
	if err := f.ours(r.Order); err != nil {
		return Refund{}, err
	}
	for _, key := range []string{r.Key, r.Reference} {
		if err := queue.CheckKey(key); err != nil {
			return Refund{}, err
		}
	}
	switch err := order.CheckDecision(r.By, r.Why); {
	case err != nil:
		return Refund{}, err
	case r.Key == "" && r.Reference == "":
		return Refund{}, errors.New("no key: set Reference to what Seller Central calls it, or Key to one of your own")
	case len(r.Lines) == 0:
		return Refund{}, errors.New("no lines: name at least one order item")
	case r.At.After(f.Now):
		return Refund{}, fmt.Errorf("it was made at %s, which is still to come", r.At.UTC().Format(time.RFC3339))
	}
	reason := cmp.Or(r.Reason, amazon.ReasonGeneralAdjustment)
	if _, err := reason.Refund(); err != nil {
		return Refund{}, err
	}
	of := f.hostOrder(Request{Lines: []Ask{{Item: r.Lines[0].Item}}})
	refund := Refund{
		HostOrder: of.ID, Order: r.Order, Origin: FromSellerCentral, RMA: r.RMA, Currency: of.Currency, Reason: reason, Comment: r.Why,
		Key:    "recorded/" + cmp.Or(r.Key, r.Order.Number+"/"+r.Reference),
		Issued: order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Why}, Ended: order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Why},
		PaidAt: r.At.UTC(), Reference: r.Reference,
	}
	refund.ID = queue.NewEntryID(queue.KindRefund, of.ID.Company, refund.Key)
	for _, l := range r.Lines {
		line, err := f.recordedLine(refund, l)
		if err != nil {
			return Refund{}, fmt.Errorf("item %s: %w", l.Item, err)
		}
		refund.Lines = append(refund.Lines, line)
	}
	return refund, nil
}

func (f Facts) recordedLine(r Refund, l RecordedLine) (Line, error) {
	of := f.orderLine(l.Item)
	switch err := order.CheckAmounts(l.Amounts, r.Currency); {
	case err != nil:
		return Line{}, err
	case of.Item == "":
		return Line{}, fmt.Errorf("it is not in the order; its items are %q", f.items())
	case slices.ContainsFunc(r.Lines, func(e Line) bool { return e.Item == l.Item }):
		return Line{}, errors.New("it stands twice: add the two up")
	case l.Units < 0 || l.Units > of.Ordered:
		return Line{}, fmt.Errorf("%d units: want 0 to the %d ordered", l.Units, of.Ordered)
	case l.Amounts.IsZero():
		return Line{}, errors.New("a refund of nothing: want what the buyer got, by component")
	}
	for _, c := range l.Amounts.Components() {
		if !c.Charged() && !c.Concession() {
			return Line{}, fmt.Errorf("%s is a deduction: want what the buyer got after it", c)
		}
	}
	return Line{
		Item: l.Item, SKU: of.SKU, Units: l.Units, Amounts: l.Amounts.Plus(nil), Gross: l.Amounts.Plus(nil),
		Outcome: LinePosted, Paid: []queue.BatchID{doneOutside},
	}, nil
}

// record is what a record changes.
func (f Facts) record(r Refund) (Change, error) {
	charges, err := f.Ledger.Charge(r.Issued, f.Orders...)
	if err != nil {
		return Change{}, err
	}
	c := Change{Refunds: []Refund{r}, Writes: order.Writes{Order: r.Order, Version: f.Ledger.Version, Postings: charges}}
	after := f.Ledger.With(charges...)
	for _, l := range r.Lines {
		ps := after.Book(r.Cause(), l.Item, l.Amounts, r.Currency, r.Issued)
		c.Postings, after = append(c.Postings, ps...), after.With(ps...)
	}
	subject := "refund " + string(r.ID)
	c.Event(order.EventResult, subject, fmt.Sprintf("%s was paid in Seller Central: %s", r.Total(), cmp.Or(r.Reference, "no reference")), r.Issued)
	c.Payment(Payment(after, f.Settings.Policy), f.Orders, r.Issued, r.HostOrder)
	c.Effect(note("Refund %s of %s was made in Seller Central.", r.ID, r.Total()), r.HostOrder, r.Issued)
	if over := after.Over(false); over != nil && !f.shown(r) {
		c.Alert("over/"+string(r.ID), subject, over.Error(), r.Issued)
	}
	return c, nil
}

// shown reports whether a settlement has shown a refund before that could be this one,
// and counts as Amazon's own until somebody says so.
func (f Facts) shown(r Refund) bool {
	return slices.ContainsFunc(f.Refunds, func(e Refund) bool {
		return e.Origin == FromAmazon && !e.Issued.At.Before(r.PaidAt.Add(-early)) && slices.ContainsFunc(r.Lines, func(l Line) bool {
			return e.Lines[0].Outcome == LinePosted && e.Lines[0].Item == l.Item && e.Lines[0].Amounts.Equal(l.Amounts)
		})
	})
}

// sameRecord compares what was recorded as values. Who records it, and why, may
// differ.
func sameRecord(a, b Refund) bool {
	return a.Order == b.Order && a.Origin == b.Origin && a.RMA == b.RMA && a.Reason == b.Reason && a.Reference == b.Reference &&
		a.PaidAt.Equal(b.PaidAt) && slices.EqualFunc(a.Lines, b.Lines, func(x, y Line) bool {
		return x.Item == y.Item && x.Units == y.Units && x.Gross.Equal(y.Gross)
	})
}
