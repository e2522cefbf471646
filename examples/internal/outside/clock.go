package outside

import (
	"context"
	"sync"
	"time"
)

// Clock is a clock that the program moves, so that waiting costs no time.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC()} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on; it never goes back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(0, d))
}

// To moves the clock on to a time, unless that has passed.
func (c *Clock) To(t time.Time) { c.Advance(t.Sub(c.Now())) }

// Wait is what a client does between two tries.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}
