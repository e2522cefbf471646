// Package sqlite keeps everything in a SQLite database of the host's; see
// package store for the contract.
//
// The host opens the database with the driver of its choice (SQLite 3.38 or
// newer) and hands over the pool:
//
//	db, err := sql.Open("sqlite", "file:orders.db?_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
//	…
//	err = sqlite.Migrate(ctx, db)
//	…
//	st, err := sqlite.New(ctx, db)
//
// A request is kept before it is sent, or it could be sent twice: every save
// refuses a connection whose PRAGMA synchronous is below FULL.
//
// # When a newer version migrates the database
//
// A process that starts afterwards with this version is refused by [New]. One that
// runs goes on with what it knows: it reads, and it saves what became of what was
// sent. A save that would begin a document, or commit the right to send one,
// answers store.ErrNewer. Words that only the newer version knows are kept. This
// works because migrations only add, and because a version keeps what an older one
// must not lose in columns and tables of its own: a row that is saved by the older
// one has its body written anew.
//
// # In the host's transaction
//
// [Store.WithTx] saves a draft together with the host's own rows. Such a
// transaction must take the write lock at its beginning (BEGIN IMMEDIATE, here
// _txlock): one that begins by reading cannot write after somebody else did.
// After store.ErrConflict, roll back, draft again, and repeat the whole
// transaction.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/store"
)

var _ takeback.Store = (*Store)(nil)

// Store keeps everything in a SQLite database. It is safe for use from several
// goroutines and uses one connection at a time for each call; several processes
// may work on one file. [New] makes one.
type Store struct {
	db *sql.DB
	tx *sql.Tx // the host's; nil: a transaction of our own for each save
}

// New returns a store on a database that [Migrate] has prepared, and refuses
// one that it has not, or that a newer version of the library has. The host
// keeps the pool and closes it.
func New(ctx context.Context, db *sql.DB) (*Store, error) {
	if db == nil {
		return nil, errNoDB
	}
	if err := checkSchema(ctx, db); err != nil {
		return nil, opError(ctx, "open", err)
	}
	return &Store{db: db}, nil
}

var errNoDB = errors.New("sqlite: no database given: the *sql.DB is nil")

// WithTx returns the same store bound to a transaction of the host's: it reads
// and writes there and never begins, commits or rolls back. It may be used until
// the transaction ends, by one goroutine at a time. After an error the host
// rolls back.
func (s *Store) WithTx(tx *sql.Tx) *Store { return &Store{db: s.db, tx: tx} }

// querier is what a *sql.DB, a *sql.Conn and a *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader is where reads go. Every read is one statement, or says why it may be
// more, so it needs no transaction of its own.
func (s *Store) reader() querier {
	if s.tx != nil {
		return s.tx
	}
	return s.db
}

// save carries out a plan in the host's transaction or in one of its own, all or
// nothing.
func (s *Store) save(ctx context.Context, op string, make func(*plan) error) error {
	var p plan
	if err := make(&p); err != nil {
		return opError(ctx, op, err)
	}
	if s.tx != nil {
		return opError(ctx, op, p.saveOn(ctx, s.tx))
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return opError(ctx, op, err)
	}
	defer conn.Close()
	return opError(ctx, op, immediately(ctx, conn, func() error { return p.saveOn(ctx, conn) }))
}

// saveOn carries out a plan in a transaction that may be trusted with it.
func (p *plan) saveOn(ctx context.Context, q querier) error {
	if err := checkDurable(ctx, q); err != nil {
		return err
	}
	if p.starts {
		if err := checkNotNewer(ctx, q); err != nil {
			return err
		}
	}
	return p.run(ctx, q)
}

// immediately runs f in a transaction that has the write lock from its
// beginning, and commits when f returns nil. It uses statements where
// database/sql has methods, since only some drivers can be told to begin so.
func immediately(ctx context.Context, conn *sql.Conn, f func() error) error {
	// A context that ends must not leave a connection in a transaction, nor a
	// commit of which nobody knows.
	uncancelled := context.WithoutCancel(ctx)
	if err := waiting(ctx, conn, func() error {
		_, err := conn.ExecContext(uncancelled, "BEGIN IMMEDIATE")
		return err
	}); err != nil {
		return err
	}
	ended := false
	defer func() {
		if ended {
			return
		}
		if _, err := conn.ExecContext(uncancelled, "ROLLBACK"); err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // has the pool drop the connection
		}
	}()
	if err := f(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := conn.ExecContext(uncancelled, "COMMIT")
	ended = err == nil
	return err
}

// lockWait is how long to wait for the write lock when the host did not say.
const lockWait = 5 * time.Second

// waiting runs f until it is not kept out by a lock, for as long as the
// connection's busy_timeout says. SQLite can wait by itself, but then it does not
// stop when the context ends, and for some locks it does not wait at all. The
// connection goes back to its pool as it was.
func waiting(ctx context.Context, conn *sql.Conn, f func() error) error {
	uncancelled := context.WithoutCancel(ctx)
	chosen, err := pragma[int](uncancelled, conn, "busy_timeout")
	if err != nil {
		return err
	}
	wait := lockWait
	if chosen > 0 {
		wait = time.Duration(chosen) * time.Millisecond
		if _, err := pragma[int](uncancelled, conn, "busy_timeout = 0"); err != nil {
			return err
		}
		defer func() {
			_, _ = pragma[int](uncancelled, conn, fmt.Sprintf("busy_timeout = %d", chosen))
		}()
	}
	enough := time.NewTimer(wait)
	defer enough.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 25*time.Millisecond) {
		err := f()
		if err == nil || !isLocked(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-enough.C:
			return err
		case <-time.After(pause):
		}
	}
}

// isLocked recognises SQLITE_BUSY by SQLite's own text, the same in every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// checkDurable refuses a connection on which a commit could be lost in a power
// failure.
func checkDurable(ctx context.Context, q querier) error {
	const full = 2
	switch level, err := pragma[int](ctx, q, "synchronous"); {
	case err != nil:
		return err
	case level < full:
		return fmt.Errorf("PRAGMA synchronous is %d on this connection, want FULL (2) or EXTRA (3): what is sent to Amazon must not be forgotten in a power failure; set it for every connection, as in the data source name file:orders.db?_pragma=synchronous(FULL)", level)
	}
	return nil
}

// pragma reads or sets a setting of one connection and returns its value.
func pragma[T any](ctx context.Context, q querier, text string) (value T, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA "+text).Scan(&value)
	return value, err
}

// opError names the operation. Of what the driver says only the text is kept:
// callers decide on store.ErrConflict, on store.ErrNewer and on the errors of their context.
func opError(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNewer), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("sqlite: %s: %w", op, err)
	case ctx.Err() != nil: // and the driver has its own word for it
		return fmt.Errorf("sqlite: %s: %w", op, ctx.Err())
	case isLocked(err):
		return fmt.Errorf("sqlite: %s: another connection kept the write lock for longer than busy_timeout (%v): keep transactions short, begin them immediate, or raise it", op, err)
	}
	return fmt.Errorf("sqlite: %s: %v", op, err)
}
