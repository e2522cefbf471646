package storetest

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

// noun is a kind of row with a version.
type noun[T any] struct {
	name    string
	row     func(n int) T // the n-th row, about the n-th order, every field set, version 0
	version func(*T) *int64
	spoil   func(*T) // changes what the row refers to

	// read returns the rows with the IDs of these.
	read func(ctx context.Context, st takeback.Store, rows []T) ([]T, error)

	// save saves rows, the n-th with the n-th of ws, in one call.
	save func(ctx context.Context, st takeback.Store, rows []T, ws []order.Writes) error

	about func(T) order.AmazonID // nil: a save of these rows is not about an Amazon order
	alone bool                   // one call saves one row
}

// rowPromises are what every noun with a version keeps.
func rowPromises() []promise {
	var ps []promise
	refunds := noun[refund.Refund]{
		name: "refunds", row: refundRow,
		version: func(r *refund.Refund) *int64 { return &r.Version },
		spoil:   func(r *refund.Refund) { r.Lines[0].Amounts[order.Principal] = decimal.Zero; r.Lines[0].SKU = "spoilt" },
		about:   func(r refund.Refund) order.AmazonID { return r.Order },
		read: func(ctx context.Context, st takeback.Store, rows []refund.Refund) ([]refund.Refund, error) {
			var q refund.Query
			for _, r := range rows {
				q.IDs = append(q.IDs, r.ID)
			}
			return st.Refunds(ctx, q)
		},
		save: func(ctx context.Context, st takeback.Store, rows []refund.Refund, ws []order.Writes) error {
			var cs []refund.Change
			for i, r := range rows {
				cs = append(cs, refund.Change{Refunds: []refund.Refund{r}, Writes: ws[i]})
			}
			return st.SaveRefunds(ctx, cs)
		},
	}
	ps = append(ps, refunds.promises()...)
	refunds.name = "refunds by SaveBookings"
	refunds.save = func(ctx context.Context, st takeback.Store, rows []refund.Refund, ws []order.Writes) error {
		var cs []settlement.Change
		for i, r := range rows {
			cs = append(cs, settlement.Change{Refunds: []refund.Refund{r}, Writes: ws[i]})
		}
		return st.SaveBookings(ctx, cs)
	}
	ps = append(ps, refunds.promises()...)
	ps = append(ps, noun[cancel.Cancellation]{
		name: "cancellations", row: cancellationRow,
		version: func(c *cancel.Cancellation) *int64 { return &c.Version },
		spoil:   func(c *cancel.Cancellation) { c.Items[0] = "spoilt" },
		about:   func(c cancel.Cancellation) order.AmazonID { return c.Order },
		read: func(ctx context.Context, st takeback.Store, rows []cancel.Cancellation) ([]cancel.Cancellation, error) {
			var q cancel.Query
			for _, c := range rows {
				q.IDs = append(q.IDs, c.ID)
			}
			return st.Cancellations(ctx, q)
		},
		save: func(ctx context.Context, st takeback.Store, rows []cancel.Cancellation, ws []order.Writes) error {
			var cs []cancel.Change
			for i, c := range rows {
				cs = append(cs, cancel.Change{Cancellations: []cancel.Cancellation{c}, Writes: ws[i]})
			}
			return st.SaveCancellations(ctx, cs)
		},
	}.promises()...)
	ps = append(ps, noun[cancel.Gate]{
		name: "gates", row: gateRow,
		version: func(g *cancel.Gate) *int64 { return &g.Version },
		spoil:   func(g *cancel.Gate) { g.HandedOver.Why = "spoilt" },
		about:   func(g cancel.Gate) order.AmazonID { return g.Order },
		read: func(ctx context.Context, st takeback.Store, rows []cancel.Gate) ([]cancel.Gate, error) {
			var ids []order.ID
			for _, g := range rows {
				ids = append(ids, g.HostOrder)
			}
			return st.Gates(ctx, ids)
		},
		save: func(ctx context.Context, st takeback.Store, rows []cancel.Gate, ws []order.Writes) error {
			var cs []cancel.Change
			for i, g := range rows {
				cs = append(cs, cancel.Change{Gates: []cancel.Gate{g}, Writes: ws[i]})
			}
			return st.SaveCancellations(ctx, cs)
		},
	}.promises()...)
	ps = append(ps, noun[rma.RMA]{
		name: "RMAs", row: rmaRow,
		version: func(r *rma.RMA) *int64 { return &r.Version },
		spoil:   func(r *rma.RMA) { r.Lines[0].SKU = "spoilt"; r.Notes[0].Text = "spoilt" },
		about:   func(r rma.RMA) order.AmazonID { return r.Order },
		read: func(ctx context.Context, st takeback.Store, rows []rma.RMA) ([]rma.RMA, error) {
			var q rma.Query
			for _, r := range rows {
				q.IDs = append(q.IDs, r.ID)
			}
			return st.RMAs(ctx, q)
		},
		save: func(ctx context.Context, st takeback.Store, rows []rma.RMA, ws []order.Writes) error {
			var cs []rma.Change
			for i, r := range rows {
				cs = append(cs, rma.Change{RMAs: []rma.RMA{r}, Writes: ws[i]})
			}
			return st.SaveRMAs(ctx, cs)
		},
	}.promises()...)
	ps = append(ps, returnNoun.promises()...)
	ps = append(ps, requestNoun.promises()...)
	ps = append(ps, settlementNoun.promises()...)
	ps = append(ps, bookingNoun.promises()...)
	entries := noun[queue.Entry]{
		row:     entryRow,
		version: func(e *queue.Entry) *int64 { return &e.Version },
		spoil: func(e *queue.Entry) {
			e.Selection.By = "spoilt"
			e.Attempts[0].Messages[0].Part = "spoilt"
			e.Attempts[0].Results[0].Text = "spoilt"
			e.Attempts[0].Evidence[0].Text = "spoilt"
		},
		read: func(ctx context.Context, st takeback.Store, rows []queue.Entry) ([]queue.Entry, error) {
			var q queue.EntryQuery
			for _, e := range rows {
				q.IDs = append(q.IDs, e.ID)
			}
			return st.Entries(ctx, q)
		},
	}
	entries.name = "entries by SaveQueue"
	entries.save = func(ctx context.Context, st takeback.Store, rows []queue.Entry, _ []order.Writes) error {
		return st.SaveQueue(ctx, queue.Change{Entries: rows})
	}
	ps = append(ps, entries.promises()...)
	entries.about = func(e queue.Entry) order.AmazonID { return e.Order }
	entries.name = "entries by SaveRefunds"
	entries.save = func(ctx context.Context, st takeback.Store, rows []queue.Entry, ws []order.Writes) error {
		var cs []refund.Change
		for i, e := range rows {
			cs = append(cs, refund.Change{Entries: []queue.Entry{e}, Writes: ws[i]})
		}
		return st.SaveRefunds(ctx, cs)
	}
	ps = append(ps, entries.promises()...)
	entries.name = "entries by SaveCancellations"
	entries.save = func(ctx context.Context, st takeback.Store, rows []queue.Entry, ws []order.Writes) error {
		var cs []cancel.Change
		for i, e := range rows {
			cs = append(cs, cancel.Change{Entries: []queue.Entry{e}, Writes: ws[i]})
		}
		return st.SaveCancellations(ctx, cs)
	}
	ps = append(ps, entries.promises()...)
	ps = append(ps, noun[queue.Batch]{
		name: "batches", row: batchRow,
		version: func(b *queue.Batch) *int64 { return &b.Version },
		spoil: func(b *queue.Batch) {
			b.Messages[0].Part = "spoilt"
			b.Evidence[0].Text = "spoilt"
			b.Look.Candidates[0] = "spoilt"
		},
		read: func(ctx context.Context, st takeback.Store, rows []queue.Batch) ([]queue.Batch, error) {
			q := queue.BatchQuery{Contents: true}
			for _, b := range rows {
				q.IDs = append(q.IDs, b.ID)
			}
			return st.Batches(ctx, q)
		},
		save: func(ctx context.Context, st takeback.Store, rows []queue.Batch, _ []order.Writes) error {
			return st.SaveQueue(ctx, queue.Change{Batches: rows})
		},
	}.promises()...)
	ps = append(ps, noun[store.Cell]{
		name: "cells", row: cellRow, alone: true,
		version: func(c *store.Cell) *int64 { return &c.Version },
		spoil:   func(c *store.Cell) { c.Data[0] = 'x' },
		read: func(ctx context.Context, st takeback.Store, rows []store.Cell) ([]store.Cell, error) {
			var names []string
			for _, c := range rows {
				names = append(names, c.Name)
			}
			return st.Cells(ctx, names)
		},
		save: func(ctx context.Context, st takeback.Store, rows []store.Cell, _ []order.Writes) error {
			return st.SaveCell(ctx, rows[0])
		},
	}.promises()...)
	return ps
}

func (n noun[T]) promises() []promise {
	ps := []promise{
		{n.name + "/round trip",
			"Saving version 0 inserts and the stored row gets version 1. A store keeps what it is told: unknown words, amounts with all their digits, times as the same instant in UTC.",
			n.checkInsert},
		{n.name + "/every field",
			"A store keeps what it is told: a row comes back with every field that it was saved with.",
			n.checkEveryField},
		{n.name + "/empty row",
			"A store computes nothing: a row without values comes back without values.",
			n.checkEmpty},
		{n.name + "/replace",
			"Saving n replaces the row that has version n and gives it n+1.",
			n.checkReplace},
		{n.name + "/conflict",
			"If the row has another version, is there already, or is not there, the save answers ErrConflict and changes nothing.",
			n.checkConflict},
		{n.name + "/absent",
			"A read leaves out what is not there; it never answers ErrNotFound.",
			n.checkAbsent},
		{n.name + "/values",
			"Rows are values: what a caller changes in a row that it read or saved changes nothing stored.",
			n.checkValues},
		{n.name + "/one wins",
			"Any method may be called from several goroutines; of several saves of one version exactly one succeeds, and the others answer ErrConflict.",
			n.checkOneWins},
		{n.name + "/all succeed",
			"Any method may be called from several goroutines; saves of different rows do not conflict.",
			n.checkAllSucceed},
	}
	if !n.alone {
		ps = append(ps, promise{n.name + "/all or nothing",
			"A save of many changes is all or nothing, whichever of them conflicts.",
			n.checkAllOrNothing})
	}
	return ps
}

// saveNow saves rows on the versions that the heads of their orders have now.
func (n noun[T]) saveNow(t *testing.T, st takeback.Store, rows ...T) error {
	t.Helper()
	return n.save(t.Context(), st, rows, n.writes(t, st, rows...))
}

func (n noun[T]) writes(t *testing.T, st takeback.Store, rows ...T) []order.Writes {
	t.Helper()
	if n.about == nil {
		return make([]order.Writes, len(rows))
	}
	var ids []order.AmazonID
	for _, r := range rows {
		ids = append(ids, n.about(r))
	}
	return writes(t, st, ids...)
}

// at is the row with another version.
func (n noun[T]) at(version int64, row T) T {
	*n.version(&row) = version
	return row
}

// stored checks that exactly these of the rows 1 to 9 are there.
func (n noun[T]) stored(t *testing.T, st takeback.Store, want ...T) {
	t.Helper()
	var all []T
	for i := range 9 {
		all = append(all, n.row(i+1))
	}
	got, err := n.read(t.Context(), st, all)
	require.NoError(t, err)
	same(t, want, got)
}

func (n noun[T]) checkInsert(t *testing.T, st takeback.Store) {
	require.NoError(t, n.saveNow(t, st, n.row(1)))
	n.stored(t, st, n.at(1, n.row(1)))
}

func (n noun[T]) checkEveryField(t *testing.T, st takeback.Store) {
	row := n.row(1)
	complete(reflect.ValueOf(&row).Elem())
	require.NoError(t, n.saveNow(t, st, n.at(0, row)))
	n.stored(t, st, n.at(1, row))
}

func (n noun[T]) checkEmpty(t *testing.T, st takeback.Store) {
	var empty T
	require.NoError(t, n.save(t.Context(), st, []T{empty}, make([]order.Writes, 1)))
	got, err := n.read(t.Context(), st, []T{empty})
	require.NoError(t, err)
	same(t, []T{n.at(1, empty)}, got)
}

func (n noun[T]) checkReplace(t *testing.T, st takeback.Store) {
	row := n.row(1)
	require.NoError(t, n.saveNow(t, st, row))
	n.spoil(&row)
	require.NoError(t, n.saveNow(t, st, n.at(1, row)))
	n.stored(t, st, n.at(2, row))
	require.NoError(t, n.saveNow(t, st, n.at(2, n.row(1))))
	n.stored(t, st, n.at(3, n.row(1)))
}

func (n noun[T]) checkConflict(t *testing.T, st takeback.Store) {
	row := n.row(1)
	require.NoError(t, n.saveNow(t, st, row))
	require.NoError(t, n.saveNow(t, st, n.at(1, row)))
	heads := n.writes(t, st, row, n.row(2))
	n.spoil(&row)

	assert.ErrorIs(t, n.saveNow(t, st, n.at(0, row)), store.ErrConflict, "version 0 of a row that is there")
	assert.ErrorIs(t, n.saveNow(t, st, n.at(1, row)), store.ErrConflict, "version 1 of a row that has version 2")
	assert.ErrorIs(t, n.saveNow(t, st, n.at(3, row)), store.ErrConflict, "version 3 of a row that has version 2")
	assert.ErrorIs(t, n.saveNow(t, st, n.at(-1, row)), store.ErrConflict, "version -1")
	assert.ErrorIs(t, n.saveNow(t, st, n.at(1, n.row(2))), store.ErrConflict, "version 1 of a row that is not there")
	n.stored(t, st, n.at(2, n.row(1)))
	assert.Equal(t, heads, n.writes(t, st, row, n.row(2)), "heads of the orders after the conflicts")
}

func (n noun[T]) checkAllOrNothing(t *testing.T, st takeback.Store) {
	require.NoError(t, n.saveNow(t, st, n.row(1)))
	heads := n.writes(t, st, n.row(1), n.row(2), n.row(3))
	changed := n.row(1)
	n.spoil(&changed)

	assert.ErrorIs(t, n.saveNow(t, st, n.row(2), n.at(1, changed), n.at(7, n.row(3))), store.ErrConflict, "the last of three conflicts")
	n.stored(t, st, n.at(1, n.row(1)))
	assert.ErrorIs(t, n.saveNow(t, st, n.at(7, n.row(3)), n.row(2), n.at(1, changed)), store.ErrConflict, "the first of three conflicts")
	n.stored(t, st, n.at(1, n.row(1)))
	assert.Equal(t, heads, n.writes(t, st, n.row(1), n.row(2), n.row(3)), "heads of the orders after the conflicts")

	require.NoError(t, n.saveNow(t, st, n.row(2), n.at(1, changed), n.row(3)), "the same without a conflict")
	got, err := n.read(t.Context(), st, []T{n.row(1), n.row(2), n.row(3)})
	require.NoError(t, err)
	assert.Len(t, got, 3, "rows after a save of three")
}

func (n noun[T]) checkAbsent(t *testing.T, st takeback.Store) {
	n.stored(t, st)
	require.NoError(t, n.saveNow(t, st, n.row(2)))
	n.stored(t, st, n.at(1, n.row(2)))
}

func (n noun[T]) checkValues(t *testing.T, st takeback.Store) {
	row := n.row(1)
	require.NoError(t, n.saveNow(t, st, row))
	n.spoil(&row)
	n.stored(t, st, n.at(1, n.row(1)))

	got, err := n.read(t.Context(), st, []T{row})
	require.NoError(t, err)
	require.Len(t, got, 1)
	n.spoil(&got[0])
	n.stored(t, st, n.at(1, n.row(1)))
}

const workers = 8

func (n noun[T]) checkOneWins(t *testing.T, st takeback.Store) {
	for version := range int64(3) {
		ws := n.writes(t, st, n.row(1))
		errs := concurrently(func(int) error {
			return n.save(t.Context(), st, []T{n.at(version, n.row(1))}, ws)
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			assert.ErrorIs(t, err, store.ErrConflict, "what the others answer")
		}
		assert.Equal(t, 1, won, "of %d saves of version %d at once so many succeeded", workers, version)
		n.stored(t, st, n.at(version+1, n.row(1)))
	}
}

func (n noun[T]) checkAllSucceed(t *testing.T, st takeback.Store) {
	var want []T
	var ws []order.Writes
	for i := range workers {
		want = append(want, n.at(1, n.row(i+1)))
		ws = append(ws, n.writes(t, st, n.row(i+1))...)
	}
	errs := concurrently(func(i int) error {
		return n.save(t.Context(), st, []T{n.row(i + 1)}, ws[i:i+1])
	})
	for i, err := range errs {
		assert.NoError(t, err, "save %d of %d at once", i+1, workers)
	}
	for _, row := range want {
		got, err := n.read(t.Context(), st, []T{row})
		require.NoError(t, err)
		same(t, []T{row}, got)
	}
}

// concurrently runs f in several goroutines at once and returns their errors.
func concurrently(f func(i int) error) []error {
	errs := make([]error, workers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
