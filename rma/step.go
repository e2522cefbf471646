package rma

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/order"
)

// system is who a change is by that a rule made.
const system = "takeback"

const (
	lookAtOnce = 100       // RMAs that are read together
	lookAgain  = time.Hour // when Step comes back at the latest
)

// Refunded implements [refund.Returns]: it sees whether the RMAs are closed by what
// became of their refunds. Told again it changes nothing, and an ID that is no
// RMA's is passed over.
func (s *Service) Refunded(ctx context.Context, rmas ...string) error {
	if len(rmas) == 0 {
		return nil
	}
	ids := make([]ID, len(rmas))
	for i, id := range rmas {
		ids[i] = ID(id)
	}
	found, err := s.c.Store.RMAs(ctx, Query{IDs: ids})
	if err != nil {
		return fmt.Errorf("RMAs that were refunded: %w", err)
	}
	return s.review(ctx, found)
}

// Step sees whether RMAs whose time for it has come may be closed, should nobody
// have told of a refund. It says when to come back at the latest. An RMA that cannot
// be looked at does not keep the others from their turn.
func (s *Service) Step(ctx context.Context) (next time.Time, err error) {
	now := s.c.Now().UTC()
	q := Query{LookBy: now, Limit: lookAtOnce}
	for {
		due, read := s.c.Store.RMAs(ctx, q)
		if read != nil {
			return now.Add(lookAgain), errors.Join(err, fmt.Errorf("RMAs to look at: %w", read))
		}
		err = errors.Join(err, s.review(ctx, due))
		if len(due) < lookAtOnce {
			return now.Add(lookAgain), err
		}
		q.After = due[len(due)-1].Cursor()
	}
}

// review brings RMAs in line with what became of them, each order once.
func (s *Service) review(ctx context.Context, rmas []RMA) error {
	seen := map[order.AmazonID]bool{}
	var failed []error
	for _, r := range rmas {
		if seen[r.Order] {
			continue
		}
		seen[r.Order] = true
		err := s.decide(ctx, r.HostOrder.Company, r.Order, func(f Facts, at order.Stamp) (Change, error) {
			at.By = system
			d := newDecision(f, order.EventChanged, at)
			for i := range d.rmas {
				if !d.rmas[i].LookAt.After(at.At) {
					d.rmas[i].LookAt = time.Time{} // it is looked at now
				}
			}
			d.work()
			return d.finish(), nil
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("RMA %s: %w", r.ID, err))
		}
	}
	return errors.Join(failed...)
}
