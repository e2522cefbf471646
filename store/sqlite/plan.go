package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// plan is what a save is going to write. It is made before the save has the write
// lock, so that nobody waits while rows are turned into text.
type plan struct {
	steps  []step
	starts bool // something begins that a process behind the schema may not begin
}

// step is one statement of a plan.
type step struct {
	stmt      string
	args      []any
	none      error  // what it means when no row was changed; nil: nothing
	otherwise []step // what to do when no row was changed
	then      []step // what to do when one was
}

func (p *plan) add(s ...step) { p.steps = append(p.steps, s...) }

// run carries out a plan in a transaction.
func (p *plan) run(ctx context.Context, q querier) (err error) {
	w := writer{q: q, prepared: map[string]*sql.Stmt{}}
	defer func() { err = errors.Join(err, w.close()) }()
	return w.run(ctx, p.steps)
}

// writer runs statements on one connection. One that comes again is prepared.
type writer struct {
	q        querier
	prepared map[string]*sql.Stmt // nil: ran once
}

func (w *writer) run(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := w.exec(ctx, s.stmt, s.args)
		next := s.then
		if err == nil && n == 0 {
			next, err = s.otherwise, s.none
		}
		if err != nil {
			return err
		}
		if err := w.run(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (w *writer) exec(ctx context.Context, stmt string, args []any) (int64, error) {
	prepared, again := w.prepared[stmt]
	if !again {
		w.prepared[stmt] = nil
		return changed(w.q.ExecContext(ctx, stmt, args...))
	}
	// The lock is ours by now and each statement is short: a look at the context
	// before each is enough, and cheaper than the driver's watching it.
	ctx = context.WithoutCancel(ctx)
	if prepared == nil {
		var err error
		if prepared, err = w.q.PrepareContext(ctx, stmt); err != nil {
			return 0, err
		}
		w.prepared[stmt] = prepared
	}
	return changed(prepared.ExecContext(ctx, args...))
}

func changed(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (w *writer) close() error {
	var errs []error
	for _, stmt := range w.prepared {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
