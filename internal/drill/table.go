package drill

import (
	"context"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// table is a store that reports each change of state which the queue's table does
// not have.
type table struct {
	takeback.Store
	report func(string)
}

func (s table) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	var es []queue.Entry
	for _, c := range cs {
		es = append(es, c.Entries...)
	}
	return s.watch(ctx, es, nil, func() error { return s.Store.SaveRefunds(ctx, cs) })
}

func (s table) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	var es []queue.Entry
	for _, c := range cs {
		es = append(es, c.Entries...)
	}
	return s.watch(ctx, es, nil, func() error { return s.Store.SaveCancellations(ctx, cs) })
}

func (s table) SaveQueue(ctx context.Context, c queue.Change) error {
	return s.watch(ctx, c.Entries, c.Batches, func() error { return s.Store.SaveQueue(ctx, c) })
}

// watch makes a save, and reports what it should not have changed. The save
// compares versions, so what it replaces is what is stored with those.
func (s table) watch(ctx context.Context, es []queue.Entry, bs []queue.Batch, save func() error) error {
	entries, err := stored(es, func(ids []queue.EntryID) ([]queue.Entry, error) {
		return s.Store.Entries(ctx, queue.EntryQuery{IDs: ids})
	}, func(e queue.Entry) queue.EntryID { return e.ID })
	if err != nil {
		return err
	}
	batches, err := stored(bs, func(ids []queue.BatchID) ([]queue.Batch, error) {
		return s.Store.Batches(ctx, queue.BatchQuery{IDs: ids})
	}, func(b queue.Batch) queue.BatchID { return b.ID })
	if err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	for _, e := range es {
		s.compare("entry "+string(e.ID), queue.EntryTransitions(), string(entries[e.ID].State), string(e.State))
	}
	for _, b := range bs {
		s.compare("batch "+string(b.ID), queue.BatchTransitions(), string(batches[b.ID].State), string(b.State))
	}
	return nil
}

// stored reads what rows are now, those that there are.
func stored[K comparable, V any](changed []V, read func([]K) ([]V, error), id func(V) K) (map[K]V, error) {
	rows := map[K]V{}
	if len(changed) == 0 {
		return rows, nil
	}
	ids := make([]K, len(changed))
	for i, v := range changed {
		ids[i] = id(v)
	}
	found, err := read(ids)
	for _, v := range found {
		rows[id(v)] = v
	}
	return rows, err
}

func (s table) compare(what string, ts []queue.Transition, from, to string) {
	same := func(t queue.Transition) bool { return t.From == from && t.To == to }
	if from != to && !slices.ContainsFunc(ts, same) {
		s.report(fmt.Sprintf("%s went from %q to %q, which the table does not have", what, from, to))
	}
}
