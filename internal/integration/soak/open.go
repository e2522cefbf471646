package main

import (
	"context"
	"slices"
	"time"

	"github.com/takebackhq/takeback/queue"
)

// notEnded are the states in which an entry still has something before it.
var notEnded = []queue.State{
	queue.EntryQueued, queue.EntryAwaitingShipment, queue.EntryClaimed, queue.EntrySubmitting, queue.EntrySubmitted,
	queue.EntryUnknownSent, queue.EntryUnknownResult, queue.EntryNeedsDecision,
}

// open is what is left to do.
type open struct {
	entries []queue.Entry
	batches []queue.Batch
	due     time.Time // when the next thing is due; zero: nothing says
}

// open looks into the store past the workers.
func (r *run) open() (o open, err error) {
	ctx := context.Background()
	if o.entries, err = r.world.store.Entries(ctx, queue.EntryQuery{States: notEnded}); err != nil {
		return o, err
	}
	if o.batches, err = r.world.store.Batches(ctx, queue.BatchQuery{Unapplied: true}); err != nil {
		return o, err
	}
	next := func(t time.Time) {
		if t.After(r.clock) && (o.due.IsZero() || t.Before(o.due)) {
			o.due = t
		}
	}
	for _, b := range o.batches {
		next(b.Due)
	}
	for _, e := range o.entries {
		next(e.NotBefore)
	}
	return o, nil
}

func (o open) nothing() bool { return len(o.entries) == 0 && len(o.batches) == 0 }

// waitsForPeople tells that something does not go on by itself.
func (o open) waitsForPeople() bool {
	return slices.ContainsFunc(o.entries, func(e queue.Entry) bool {
		return slices.Contains([]queue.State{queue.EntryQueued, queue.EntryClaimed, queue.EntryNeedsDecision}, e.State)
	})
}
