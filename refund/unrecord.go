package refund

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Unrecord takes back a refund that was recorded by mistake ([Service.Record]): the
// opposite of what it posted is posted, its lines are Voided, and the payment status
// follows. by and why say who takes it back and for what reason. The record stays and
// keeps its key; what did happen is recorded under another Key, with the same Reference
// if that was right. A repeat changes nothing and returns the refund.
//
// One that was not recorded, but issued here or made by Amazon itself, is refused, and
// so is one of which a settlement has shown a line ([ErrShown]): that did happen. An
// unknown refund is store.ErrNotFound.
func (s *Service) Unrecord(ctx context.Context, id queue.EntryID, by, why string) (Refund, error) {
	var r Refund
	err := store.Retry(func() (err error) {
		r, err = s.unrecord(ctx, id, by, why)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("take back the record of refund %s: %w", id, err)
	}
	return r, nil
}

// ErrShown refuses to take back the record of a refund that a settlement has shown.
var ErrShown = errors.New("a settlement has shown it")

func (s *Service) unrecord(ctx context.Context, id queue.EntryID, by, why string) (Refund, error) {
	if by == "" || why == "" {
		return Refund{}, fmt.Errorf("by %q, because %q: say who takes it back, and why", by, why)
	}
	r, err := s.Refund(ctx, id)
	if err != nil {
		return Refund{}, err
	}
	f, err := s.facts(ctx, Request{Order: r.Order})
	if err != nil {
		return Refund{}, err
	}
	if r, err = s.Refund(ctx, id); err != nil { // as it is beside that ledger, or newer
		return Refund{}, err
	}
	if r.Origin == FromSellerCentral && r.ended() {
		return r, nil
	}
	c, err := f.unrecord(r.clone(), order.Stamp{By: by, At: f.Now.UTC(), Why: why})
	if err != nil {
		return Refund{}, err
	}
	if err := s.c.Store.SaveRefunds(ctx, []Change{c}); err != nil {
		return Refund{}, err
	}
	s.tellReturns(ctx, c)
	r = c.Refunds[0]
	r.Version++
	return r, nil
}

// unrecord is what it changes to take a record back, or why it is not.
func (f Facts) unrecord(r Refund, s order.Stamp) (Change, error) {
	if r.Origin != FromSellerCentral {
		return Change{}, fmt.Errorf("it was not recorded, its origin is %s: want one of %s", r.Origin, FromSellerCentral)
	}
	c := Change{Writes: order.Writes{Order: r.Order, Version: f.Ledger.Version}}
	after, subject := f.Ledger, "refund "+string(r.ID)
	for i := range r.Lines {
		l := &r.Lines[i]
		if len(l.Bookings) > 0 {
			return Change{}, fmt.Errorf("item %s: %w as %q: it did go back to the buyer", l.Item, ErrShown, l.Bookings)
		}
		ps, err := after.Correct(r.Cause(), l.Item, nil, r.Currency, s)
		if err != nil {
			return Change{}, err
		}
		c.Postings, after = append(c.Postings, ps...), after.With(ps...)
		c.Changed(order.EventChanged, subject, fmt.Sprintf("item %s %s", l.Item, l.Outcome), fmt.Sprintf("item %s %s", l.Item, LineVoided), s)
		l.Outcome, l.Proof, l.Paid = LineVoided, Unproven, nil
	}
	r.Ended = s
	c.Refunds = []Refund{r}
	c.Payment(Payment(after, f.Settings.Policy), f.Orders, s, r.HostOrder)
	c.Effect(note("Refund %s of %s was recorded by mistake, and is taken back.%s", r.ID, r.Total(), because(s.Why)), r.HostOrder, s)
	return c, nil
}
