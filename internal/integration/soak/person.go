package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// person looks at everything that is not known, and decides what can be decided
// from what the queue shows. What cannot, waits. A person never overrides.
func (r *run) person(ctx context.Context, d desk) error {
	es, err := d.Queue.Entries(ctx, queue.EntryQuery{States: []queue.State{queue.EntryUnknownSent, queue.EntryUnknownResult, queue.EntryNeedsDecision}})
	if err != nil {
		return err
	}
	var errs []error
	var asked []queue.BatchID
	for _, e := range es {
		c, err := d.Queue.EntryCase(ctx, e.ID)
		if err != nil {
			return err
		}
		// While nobody knows whether its document was sent, that is to be decided.
		if b := c.Batch; b.State == queue.BatchUnknownSent {
			if !slices.Contains(asked, b.ID) {
				asked = append(asked, b.ID)
				errs = append(errs, r.decideBatch(ctx, d, b.ID))
			}
			continue
		}
		errs = append(errs, r.decideEntry(ctx, d, c))
	}
	return errors.Join(errs...)
}

func (r *run) decideBatch(ctx context.Context, d desk, id queue.BatchID) error {
	c, err := d.Queue.Case(ctx, id)
	if err != nil {
		return err
	}
	choice := queue.Decision{Batch: id, Version: c.Version, By: "supervisor"}
	switch paid, err := r.paid(ctx, d, id); {
	case err != nil:
		return err
	case len(c.Candidates) > 1 || r.clock.Before(c.NotBefore):
		return nil
	case len(c.Candidates) == 1 && (paid || !r.world.shared(c.Batch)):
		choice.Choice, choice.Feed, choice.Why = queue.ChoiceSent, c.Candidates[0], "nothing else can be it"
	case len(c.Candidates) == 1:
		return nil // it may be another application's
	default:
		choice.Choice, choice.Why = r.anewOrGiveUp(0), "Amazon does not have it"
	}
	return r.decide(ctx, d, c, choice)
}

// paid tells whether Amazon is known to have carried out something of a batch.
func (r *run) paid(ctx context.Context, d desk, id queue.BatchID) (bool, error) {
	es, err := d.Queue.Entries(ctx, queue.EntryQuery{Batch: id})
	return slices.ContainsFunc(es, func(e queue.Entry) bool {
		return e.Attempt().Batch == id && (e.State == queue.EntryAccepted || e.State == queue.EntryPartlyAccepted)
	}), err
}

// shared tells whether other applications send feeds of a batch's account.
func (w *world) shared(b queue.Batch) bool { return w.account(b.Account).OtherSenders }

func (r *run) decideEntry(ctx context.Context, d desk, c queue.Case) error {
	choice := queue.Decision{Entry: c.Entry.ID, Version: c.Version, By: "supervisor"}
	switch {
	case c.Entry.State != queue.EntryNeedsDecision && r.chance(0.7):
		return nil // it may still come to light by itself
	case booked(c):
		choice.Choice, choice.Why = queue.ChoiceSettled, "finances show it"
	case r.clock.Before(c.NotBefore):
		return nil
	default:
		choice.Choice, choice.Why = r.anewOrGiveUp(len(c.Entry.Attempts)), "finances do not show it"
	}
	return r.decide(ctx, d, c, choice)
}

// booked tells whether Amazon's finances show a payment of just the amount.
func booked(c queue.Case) bool {
	amount := order.Format(c.Entry.Amount.Amount, c.Entry.Amount.Currency)
	return slices.ContainsFunc(c.Evidence, func(e queue.Evidence) bool {
		return e.Kind == queue.EvidenceFinances && slices.Contains(strings.Fields(e.Text), amount)
	})
}

// anewOrGiveUp is what a person draws who knows that nothing happened, after so
// many attempts.
func (r *run) anewOrGiveUp(attempts int) queue.Choice {
	if attempts < 2 && r.chance(0.7) {
		return queue.ChoiceAnew
	}
	return queue.ChoiceGiveUp
}

// decide decides, if that is offered.
func (r *run) decide(ctx context.Context, d desk, c queue.Case, choice queue.Decision) error {
	if !slices.Contains(c.Choices, choice.Choice) {
		return nil
	}
	err := d.Queue.Decide(ctx, choice)
	r.tell("  decided: %s%s %s %s, because %s: error %v", choice.Batch, choice.Entry, choice.Choice, choice.Feed, choice.Why, err)
	return err
}
