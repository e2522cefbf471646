package takeback

import (
	"context"
	"time"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// heardBook tells what the host's order book answers to effects, which else
// stands in the outbox alone.
type heardBook struct {
	order.Book
	tell func(context.Context, queue.Event)
	now  func() time.Time
}

func (b heardBook) ApplyOrder(ctx context.Context, e order.Effect) error {
	err := b.Book.ApplyOrder(ctx, e)
	if err != nil {
		b.tell(ctx, queue.Event{
			Kind: queue.EventEffectRefused, At: b.now().UTC(), Company: e.Order.Company, Account: e.Amazon.Account,
			HostOrder: e.Order, Text: string(e.Kind) + " " + e.Key, Err: err,
		})
	}
	return err
}

// heardStore tells of the alerts that everything but the queue saves, which tells of
// its own.
type heardStore struct {
	Store
	tell func(context.Context, queue.Event)
}

func (s heardStore) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	err := s.Store.SaveRefunds(ctx, cs)
	if err == nil {
		for _, c := range cs {
			s.alerts(ctx, c.Events)
		}
	}
	return err
}

func (s heardStore) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	err := s.Store.SaveCancellations(ctx, cs)
	if err == nil {
		for _, c := range cs {
			s.alerts(ctx, c.Events)
		}
	}
	return err
}

func (s heardStore) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	err := s.Store.SaveRMAs(ctx, cs)
	if err == nil {
		for _, c := range cs {
			s.alerts(ctx, c.Events)
		}
	}
	return err
}

func (s heardStore) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	err := s.Store.SaveBookings(ctx, cs)
	if err == nil {
		for _, c := range cs {
			s.alerts(ctx, c.Events)
		}
	}
	return err
}

// SaveEffects tells of an alert once, though an effect that is not taken raises it with
// every try.
func (s heardStore) SaveEffects(ctx context.Context, outcomes []order.EffectOutcome) error {
	var raised []order.Event
	for _, o := range outcomes {
		if o.Alert == nil {
			continue
		}
		known, err := s.Alerts(ctx, order.AlertQuery{Keys: []string{o.Alert.Key}, Closed: true})
		if err != nil {
			return err
		}
		if len(known) == 0 {
			raised = append(raised, *o.Alert)
		}
	}
	err := s.Store.SaveEffects(ctx, outcomes)
	if err == nil {
		s.alerts(ctx, raised)
	}
	return err
}

func (s heardStore) alerts(ctx context.Context, rows []order.Event) {
	for _, e := range queue.AlertEvents(rows) {
		s.tell(ctx, e)
	}
}
