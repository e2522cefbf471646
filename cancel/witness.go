package cancel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

const (
	day = 24 * time.Hour

	// patience is how long Amazon has to carry a cancellation out before it is
	// asked.
	patience = 10 * time.Minute
)

// nextQuestion is when to ask again how the order stands: hourly for a day, then
// daily until 90 days after the attempt; zero after that.
func nextQuestion(attempt, now time.Time) time.Time {
	next := now.Add(time.Hour)
	if now.Sub(attempt) >= day {
		next = now.Add(day)
	}
	if next.Sub(attempt) > 90*day {
		return time.Time{}
	}
	return next
}

// Testify implements [queue.Witness]: it reads the order, from ten minutes after the
// attempt. One that Amazon shows as cancelled is, whoever cancelled it, and so are
// the units of a part. Any other state is evidence for people and proves nothing:
// the cancellation may not have been carried out yet. Without Config.Orders it knows
// nothing.
func (s *Service) Testify(ctx context.Context, a amazon.Account, e queue.Entry) (queue.Testimony, error) {
	at := e.Attempt().At
	if s.c.Orders == nil || at.IsZero() {
		return queue.Testimony{}, nil
	}
	now := s.c.Now().UTC()
	if begin := at.Add(patience); now.Before(begin) {
		return queue.Testimony{Next: begin}, nil
	}
	o, err := s.c.Orders.Order(ctx, a, e.Order.Number)
	if err != nil {
		return queue.Testimony{}, fmt.Errorf("cancellation %s: order %s at Amazon: %w", e.ID, e.Order.Number, err)
	}
	parts, err := s.shownParts(ctx, o, e)
	if err != nil {
		return queue.Testimony{}, err
	}
	t := queue.Testimony{Next: nextQuestion(at, now)}
	text := shown(o)
	for _, part := range parts {
		t.Results = append(t.Results, queue.Result{Part: part, Verdict: amazon.VerdictAccepted, Text: text})
	}
	if text != lastShown(e.Attempt().Evidence) {
		t.Evidence = []queue.Evidence{{Kind: queue.EvidenceOrder, Text: text, Stamp: order.Stamp{By: "Amazon", At: now}}}
	}
	return t, nil
}

// shownParts names the parts of an entry that the order at Amazon shows as cancelled:
// all of it when the order is, of a part the items that have so many cancelled units.
func (s *Service) shownParts(ctx context.Context, o amazon.OrderState, e queue.Entry) (parts []string, err error) {
	cs, err := s.c.Store.Cancellations(ctx, Query{Orders: []order.AmazonID{e.Order}})
	if err != nil {
		return nil, err
	}
	for _, c := range cs {
		switch {
		case c.ID != e.ID:
		case o.Status == amazon.OrderCancelled:
			return c.parts(), nil
		case c.Part:
			return Facts{Cancellations: cs}.shownItems(o, c), nil
		}
	}
	return nil, nil
}

// shown says how an order stands at Amazon, and by whom it was cancelled.
func shown(o amazon.OrderState) string {
	if o.Status == "" {
		return "Amazon shows the order without a status"
	}
	text := fmt.Sprintf("Amazon shows the order as %.40q", string(o.Status))
	var by []string
	for _, i := range o.Items {
		if i.CancelledBy != "" && !slices.Contains(by, string(i.CancelledBy)) {
			by = append(by, string(i.CancelledBy))
			text += fmt.Sprintf(", cancelled by %.40q", string(i.CancelledBy))
		}
	}
	return text
}

// lastShown is what the order was last seen to be.
func lastShown(es []queue.Evidence) string {
	for _, e := range slices.Backward(es) {
		if e.Kind == queue.EvidenceOrder {
			return e.Text
		}
	}
	return ""
}
