package queue

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// asidePause is how long an entry rests that cannot be sent now, when its
// handler names no time.
const asidePause = 15 * time.Minute

// asidePatience is how long an entry may be set aside, pass after pass, before people
// are told.
const asidePatience = 24 * time.Hour

// claim chooses from entries, builds their document, and saves both as one
// batch. It returns no batch when nothing can go now, and when more is due.
func (q *Queue) claim(ctx context.Context, a amazon.Account, t amazon.FeedType, es []Entry, by string) (Batch, time.Time, error) {
	prepared, err := q.prepare(ctx, a, es)
	if err != nil {
		return Batch{}, time.Time{}, err
	}
	// The heads were read in prepare. What is read from here on is at least as
	// new, and if anything is newer, the claim conflicts.
	busy, err := q.busy(ctx, es)
	if err != nil {
		return Batch{}, time.Time{}, err
	}
	fit, bad := fitting(es, prepared)
	plan := Plan(fit, busy, q.c.Batching)
	maps.Copy(plan.Bad, bad)
	more, err := q.setAside(ctx, es, prepared, plan)
	if err != nil || len(plan.Take) == 0 {
		return Batch{}, more, err
	}

	b := Batch{
		Company: a.Company, Account: a.ID, Feed: t, Due: q.now(),
		Entries: len(plan.Take), Created: order.Stamp{By: by, At: q.now()},
	}
	if b.ID, err = q.batchID(ctx, a, es, plan.Take); err != nil {
		return Batch{}, more, err
	}
	if err := q.build(ctx, a, &b, plan.Take); err != nil {
		return Batch{}, more, err
	}
	if err := b.move(BatchBuilding, ""); err != nil {
		return Batch{}, more, err
	}
	change := Change{Batches: []Batch{b}}
	byID := map[EntryID]Entry{}
	for _, e := range es {
		byID[e.ID] = e
	}
	parts := map[EntryID][]Part{}
	for _, m := range b.Messages {
		parts[m.Entry] = append(parts[m.Entry], Part{m.ID, m.Part})
	}
	for _, p := range plan.Take {
		e := byID[p.Entry]
		if err := e.move(EntryClaimed, order.Stamp{By: by, At: b.Created.At, Why: "batch " + string(b.ID)}); err != nil {
			return Batch{}, more, err
		}
		attempt := Attempt{Batch: b.ID, At: b.Created.At, Messages: parts[e.ID]}
		e.Attempts, e.Selection, e.Head = append(e.Attempts, attempt), nil, p.Order.Version+1
		change.Entries = append(change.Entries, e)
		change.Orders = append(change.Orders, p.Order)
	}
	change.Events = rows(change.Entries, EntryClaimed)
	if err := q.commit(ctx, change); err != nil {
		if errors.Is(err, store.ErrConflict) {
			q.overtaken(ctx, b.event(EventOvertaken), "claim", err)
			return Batch{}, q.now(), nil // look again
		}
		return Batch{}, more, fmt.Errorf("claim batch %s: %w", b.ID, err)
	}
	b.Version++
	return b, more, nil
}

// prepare asks the handlers, and answers in the order of the entries. Those of
// another company than the account's wait until Accounts says whose it is.
func (q *Queue) prepare(ctx context.Context, a amazon.Account, es []Entry) ([]Prepared, error) {
	byKind := map[Kind][]Entry{}
	answers := map[EntryID]Prepared{}
	for _, e := range es {
		if e.HostOrder.Company == a.Company {
			byKind[e.Kind] = append(byKind[e.Kind], e)
			continue
		}
		why := fmt.Sprintf("account %s belongs to company %s now, and %s to %s: list the account for that company until it is done, or reject it", a.ID, a.Company, e.ID, e.HostOrder.Company)
		answers[e.ID] = Prepared{Entry: e.ID, Aside: &Aside{State: EntryQueued, Why: why}}
	}
	for kind, es := range byKind {
		h, err := q.handler(kind)
		if err != nil {
			return nil, err
		}
		ps, err := h.Prepare(ctx, es)
		if err != nil {
			return nil, fmt.Errorf("prepare %s entries: %w", kind, err)
		}
		for _, p := range ps {
			answers[p.Entry] = p
		}
	}
	prepared := make([]Prepared, len(es))
	for i, e := range es {
		p, ok := answers[e.ID]
		if !ok {
			p = Prepared{Entry: e.ID, Aside: &Aside{State: EntryQueued, Why: "its handler did not prepare it"}}
		}
		prepared[i] = p
	}
	return prepared, nil
}

// fitting are the answers that are not set aside and belong to their entries; bad
// says why others do not.
func fitting(es []Entry, prepared []Prepared) (fit []Prepared, bad map[EntryID]string) {
	bad = map[EntryID]string{}
	for i, e := range es {
		p := prepared[i]
		if p.Aside != nil {
			continue
		}
		if err := p.fits(e); err != nil {
			bad[e.ID] = err.Error()
			continue
		}
		fit = append(fit, p)
	}
	return fit, bad
}

// fits tells what keeps an answer from being the entry's: the claim raises the
// head of the order that it names, and a document takes messages of one type.
func (p Prepared) fits(e Entry) error {
	if p.Order.Order != e.Order {
		return fmt.Errorf("its handler prepared it with the head of order %q of account %q: want its own, %s", p.Order.Order.Number, p.Order.Order.Account, e.Order.Number)
	}
	for _, m := range p.Messages {
		if m.Message != nil && m.Message.Feed() != e.Feed {
			return fmt.Errorf("its handler prepared a message for %s: want %s", m.Message.Feed(), e.Feed)
		}
	}
	return nil
}

// busy finds the orders of these entries that have an entry under way.
func (q *Queue) busy(ctx context.Context, es []Entry) (map[order.AmazonID]EntryID, error) {
	var orders []order.AmazonID
	for _, e := range es {
		orders = append(orders, e.Order)
	}
	underWay, err := q.c.Store.Entries(ctx, EntryQuery{Orders: orders, States: []State{
		EntryClaimed, EntrySubmitting, EntrySubmitted, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision,
	}})
	busy := map[order.AmazonID]EntryID{}
	for _, e := range underWay {
		busy[e.Order] = e.ID
	}
	return busy, err
}

// setAside records why entries do not go now, and says when to look again.
func (q *Queue) setAside(ctx context.Context, es []Entry, prepared []Prepared, plan Planned) (time.Time, error) {
	now := q.now()
	var next time.Time
	var changed []Entry
	var rows []order.Event
	for i, e := range es {
		before, told := e.State, e.Why
		why, state, until := plan.Left[e.ID], EntryQueued, time.Time{}
		if bad := plan.Bad[e.ID]; bad != "" {
			why, state = bad, EntryNeedsDecision
		}
		if aside := prepared[i].Aside; aside != nil {
			if why, state, until = aside.Why, cmp.Or(aside.State, EntryQueued), aside.NotBefore; until.IsZero() {
				until = now.Add(asidePause)
			}
			if state != EntryQueued && state != EntryNeedsDecision && state != EntryAwaitingShipment {
				why, state = fmt.Sprintf("its handler set it aside as %s: %s", state, why), EntryNeedsDecision
			}
		}
		switch {
		case why == "":
			continue
		case plan.Left[e.ID] != "" && why == told:
			continue // told before; it waits for another entry, not for a time
		case state != before:
			if err := e.move(state, order.Stamp{By: "queue", At: now, Why: why}); err != nil {
				return next, err
			}
			if why != told { // what waits for its shipment is looked at again and again
				row := e.row(order.EventChanged, fmt.Sprintf("%s. %s", state, why), e.Changed)
				row.Before, row.After = string(before), string(state)
				rows = append(rows, row)
			}
		}
		if prepared[i].Aside != nil && state == EntryQueued && now.Sub(e.couldGo()) > asidePatience {
			text := fmt.Sprintf("not sent since %s: %s", e.couldGo().UTC().Format(time.RFC3339), why)
			rows = append(rows, e.alert("waits", text, order.Stamp{By: "queue", At: now}))
		}
		e.Why, e.NotBefore = why, until
		next = earlier(next, until)
		changed = append(changed, e)
	}
	if len(changed) == 0 {
		return next, nil
	}
	for _, e := range changed {
		if e.State == EntryNeedsDecision {
			rows = append(rows, e.undecided())
		}
	}
	switch err := q.commit(ctx, Change{Entries: changed, Events: rows}); {
	case errors.Is(err, store.ErrConflict):
		q.overtaken(ctx, changed[0].event(EventOvertaken), "set aside", err)
		return next, nil
	case err != nil:
		return next, fmt.Errorf("set aside: %w", err)
	}
	for _, e := range changed {
		told := e.event(EventEntrySetAside)
		told.Text, told.Next = e.Why, e.NotBefore
		q.observe(ctx, told)
	}
	return next, nil
}

// couldGo is since when nothing but its handler keeps a queued entry from being sent:
// it was queued, or chosen by a person.
func (e Entry) couldGo() time.Time {
	if e.Selection != nil {
		return later(e.Changed.At, e.Selection.At)
	}
	return e.Changed.At
}

// batchID is the one that was promised to the selection, unless an earlier
// document has used it.
func (q *Queue) batchID(ctx context.Context, a amazon.Account, es []Entry, take []Prepared) (BatchID, error) {
	i := slices.IndexFunc(es, func(e Entry) bool { return e.ID == take[0].Entry })
	if chosen := es[i].Selection; chosen != nil {
		used, err := q.c.Store.Batches(ctx, BatchQuery{IDs: []BatchID{chosen.Batch}})
		if err != nil {
			return "", err
		}
		if len(used) == 0 {
			return chosen.Batch, nil
		}
	}
	return q.newBatchID(ctx, a.ID)
}

// build numbers the messages and encodes the document.
func (q *Queue) build(ctx context.Context, a amazon.Account, b *Batch, take []Prepared) error {
	n := 0
	for _, p := range take {
		n += len(p.Messages)
	}
	first, err := q.numbers(ctx, a.ID, n)
	if err != nil {
		return err
	}
	var numbered []amazon.Numbered
	for _, p := range take {
		for _, m := range p.Messages {
			id := amazon.MessageID(first + int64(len(numbered)))
			numbered = append(numbered, amazon.Numbered{ID: id, Message: m.Message})
			b.Messages = append(b.Messages, BatchMessage{ID: id, Entry: p.Entry, Part: m.Part})
		}
	}
	if b.Document, err = amazon.Encode(a.Merchant, b.Feed, numbered); err != nil {
		return fmt.Errorf("build batch %s: %w", b.ID, err)
	}
	hash := sha256.Sum256(b.Document)
	b.Hash = hex.EncodeToString(hash[:])
	return nil
}
