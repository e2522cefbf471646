package spapi

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/takebackhq/takeback/amazon"
)

// createFeedBurst is how many tokens a full createFeed bucket holds (model
// feeds_2021-06-30).
const createFeedBurst = 15

// grain is what two times may differ by and still be the same: a limiter counts
// tokens in floating point.
const grain = time.Millisecond

// bucket counts the createFeed tokens of one account, as this process knows
// them. It starts full.
type bucket struct {
	mu      sync.Mutex
	tokens  *rate.Limiter
	blocked time.Time // Amazon's word against our count; zero: none
}

// bucket returns the account's bucket, shared by all feed types.
func (c *Client) bucket(a amazon.Account) *bucket {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buckets[a.ID]
	if b == nil {
		b = &bucket{tokens: rate.NewLimiter(rate.Every(createFeed.every), createFeedBurst)}
		c.buckets[a.ID] = b
	}
	return b
}

// take takes a token if there is one, else says when there will be.
func (b *bucket) take(now time.Time) (retryAt time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.blocked) {
		return b.blocked, false
	}
	r := b.tokens.ReserveN(now, 1)
	delay := r.DelayFrom(now).Round(grain)
	if delay > 0 {
		r.CancelAt(now)
		return now.Add(delay), false
	}
	return time.Time{}, true
}

// giveBack returns a token that was not used. A negative event is how a limiter
// takes one back; a Reservation can be cancelled only before its time to act.
func (b *bucket) giveBack(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens.AllowN(now, -1)
}

// empty believes Amazon that there are no tokens, whoever used them, and returns
// when there will be one.
func (b *bucket) empty(now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens.AllowN(now, int(b.tokens.TokensAt(now)))
	b.blocked = now.Add(createFeed.every)
	return b.blocked
}
