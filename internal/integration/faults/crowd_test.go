package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/internal/drill"
)

const (
	processes   = 4
	perProcess  = 8
	documents   = 25 // ten more than Amazon takes at once
	perDocument = 2
)

// crowd has workers sleep on a clock that moves on when all of them do.
type crowd struct {
	clock *clock
	ended func() bool

	mu      sync.Mutex
	size    int
	asleep  map[chan struct{}]time.Time // until when, by what is closed to wake a worker
	over    bool
	longest time.Duration
}

// sleep returns when it is time, and tells whether nothing is left to do.
func (c *crowd) sleep(ctx context.Context, until time.Time) (over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || !until.After(c.clock.Now()) {
		return c.over
	}
	woken := make(chan struct{})
	c.asleep[woken] = until
	if len(c.asleep) >= c.size {
		c.wake()
	}
	c.mu.Unlock()
	select {
	case <-woken:
	case <-ctx.Done():
	}
	c.mu.Lock()
	delete(c.asleep, woken)
	return c.over
}

// wake moves the clock to when the first one wants to get up, or ends it all.
func (c *crowd) wake() {
	first := c.clock.Now().Add(c.longest)
	for _, until := range c.asleep {
		if until.Before(first) {
			first = until
		}
	}
	c.clock.advance(first.Sub(c.clock.Now()))
	c.over = c.ended()
	for woken, until := range c.asleep {
		if c.over || !until.After(first) {
			delete(c.asleep, woken)
			close(woken)
		}
	}
}

// Four processes with eight workers each send one seller's backlog. They share
// Amazon's limits and never send a document twice.
func TestFourProcessesWithEightWorkersEach(t *testing.T) {
	w := newWorks(t, "backlog")
	plan := plans["backlog"]()
	w.crowd = &crowd{
		clock: w.clock, size: processes * perProcess, asleep: map[chan struct{}]time.Time{}, longest: time.Hour,
		ended: func() bool {
			ended, err := plan.Ended(t.Context(), w.store)
			assert.NoError(t, err)
			return ended || err != nil || w.clock.Now().Sub(drill.Begin) > days
		},
	}
	office, err := drill.Open(drill.Config{
		Plan: plan, Store: w.store, Amazon: w.fake.RoundTripper(), Gate: ajar{}, Now: w.clock.Now,
		Wait:   func(ctx context.Context, d time.Duration) error { w.clock.advance(d); return ctx.Err() },
		Report: func(move string) { assert.Fail(t, move) },
	})
	require.NoError(t, err)
	require.NoError(t, office.Ask(t.Context()))

	var all []*process
	for range processes {
		p, err := w.start(t.Context(), ajar{}, fmt.Sprintf("%s=%d", envCrowd, perProcess))
		require.NoError(t, err)
		all = append(all, p)
	}
	for _, p := range all {
		<-p.ended
	}

	f, err := plan.Audit(t.Context(), w.store, w.fake)
	require.NoError(t, err)
	assert.Zero(t, f)
	assert.Empty(t, w.moves)
	assert.Len(t, w.fake.Feeds(), documents)
	refused := map[string]int{}
	var last time.Time
	for _, call := range w.fake.Calls() {
		if call.Status == http.StatusTooManyRequests {
			refused[call.Op]++
		}
		if call.Op == "createFeed" {
			last = call.Time
		}
	}
	assert.Empty(t, refused, "calls that Amazon throttled")
	t.Logf("%d documents in %s", documents, last.Sub(drill.Begin))
}

// ajar is a gate that lets everybody through.
type ajar struct{}

func (ajar) Before(string) error { return nil }
func (ajar) After(string) error  { return nil }
