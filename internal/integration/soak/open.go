package main

import (
	"context"
	"slices"
	"time"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// notEnded are the states in which an entry still has something before it.
var notEnded = []queue.State{
	queue.EntryQueued, queue.EntryAwaitingShipment, queue.EntryAwaitingApproval, queue.EntryClaimed, queue.EntrySubmitting, queue.EntrySubmitted,
	queue.EntryUnknownSent, queue.EntryUnknownResult, queue.EntryNeedsDecision,
}

// open is what is left to do.
type open struct {
	entries []queue.Entry
	batches []queue.Batch
	effects []order.Effect        // that the host has not taken
	looks   []cancel.Cancellation // that Amazon has to show yet
	wishes  []cancel.BuyerRequest // that nobody has decided about
	due     time.Time             // when the next thing is due; zero: nothing says
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
	if o.effects, err = r.world.store.Effects(ctx, r.clock.Add(time.Hour), 1); err != nil {
		return o, err
	}
	if o.wishes, err = r.world.store.BuyerRequests(ctx, cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}}); err != nil {
		return o, err
	}
	cancellations, err := r.world.store.Cancellations(ctx, cancel.Query{})
	if err != nil {
		return o, err
	}
	for _, c := range cancellations {
		if c.Outcome == cancel.Cancelled && c.Proof == cancel.Unproven && !c.Local && !c.LookAt.IsZero() {
			o.looks = append(o.looks, c)
		}
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
	for _, c := range o.looks {
		next(c.LookAt)
	}
	return o, nil
}

func (o open) nothing() bool {
	return len(o.entries)+len(o.batches)+len(o.effects)+len(o.looks)+len(o.wishes) == 0
}

// waitsForPeople tells that something does not go on by itself.
func (o open) waitsForPeople() bool {
	return len(o.wishes) > 0 || slices.ContainsFunc(o.entries, func(e queue.Entry) bool {
		return slices.Contains([]queue.State{queue.EntryQueued, queue.EntryClaimed, queue.EntryNeedsDecision, queue.EntryAwaitingApproval, queue.EntryAwaitingShipment}, e.State)
	})
}
