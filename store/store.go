// Package store is the contract between this library and a database.
//
// # How to write a Store
//
// Each business package declares the small interface that it needs, next to
// the code that calls it: refund.Store, cancel.Store, rma.Store, settlement.Store,
// queue.Store, order.Outbox, order.Journal and [Cells] here. One type implements
// them all; the method names carry their noun, so they do not collide. Package
// store/memory is the reference to read, store/sqlite the one to run, and
// storetest.Run the suite that tells when yours is right.
//
//   - Per noun there is one read. It takes a query, answers what matches in the
//     order that the query documents, and leaves out what is not there; a read
//     never answers [ErrNotFound].
//   - Per noun there is one save of many changes, all or nothing.
//   - Every row has a Version. Saving version 0 inserts and the stored row gets
//     version 1; saving n replaces the row that has version n and gives it n+1.
//     If the row has another version, is there already, or is not there, the
//     save answers [ErrConflict] and changes nothing.
//   - A change about an Amazon order carries order.Writes. The save checks the
//     version of that order's head row, raises it by one, and appends the
//     postings, effects and events. A head that does not exist has version 0. A
//     posting whose Seq, or an effect whose Key, is there already conflicts. The
//     changes of one save apply one after the other: two about one order carry
//     versions n and n+1, and twice n conflicts.
//   - What was saved is durable when the save returns. A store that forgets,
//     such as store/memory, is for tests only.
//   - A store computes nothing and reads no clock. It keeps what it is told,
//     byte for byte: unknown state words come back as they went in, amounts with
//     all their digits, times as the same instant in UTC. Rows are values: what
//     a caller changes in a row that it read or saved changes nothing stored.
//   - An event whose Key is there already, in whichever journal, is not appended
//     again, and that is no conflict.
//   - A read costs what it answers, not what is stored: a pass asks for what is
//     ready of one account while another has a million entries that wait.
//   - Expected conflicts are found by affected-row counts and ON CONFLICT, never
//     by a statement that fails, which would poison a host's transaction.
//   - A store never holds two connections at once, so a pool of one is enough.
//   - Any method may be called from several goroutines, and stops when its
//     context ends.
//
// A store bound to the host's transaction (WithTx in the adapters here) writes
// there and leaves commit and rollback to the host. After [ErrConflict] the host
// rolls back and drafts again.
package store

import (
	"context"
	"errors"
)

// ErrNotFound is what a service answers when one thing was asked for by ID and
// is not there. Stores never answer it.
var ErrNotFound = errors.New("not found")

// ErrConflict is what a save answers when something changed since it was read:
// nothing was saved; read, decide and save again.
var ErrConflict = errors.New("changed meanwhile")

// maxTries bounds how often a decision is made again after a conflict.
const maxTries = 10

// Retry makes a decision and saves it, with everything that it rests on read anew each
// time, as long as it answers [ErrConflict], at most 10 times. It answers the last
// error.
func Retry(save func() error) error {
	for try := 1; ; try++ {
		if err := save(); !errors.Is(err, ErrConflict) || try == maxTries {
			return err
		}
	}
}

// ErrNewer is what a save answers that would start something, such as a document,
// on a database that a newer version of this library has migrated since the
// process began. What became of earlier things may still be saved.
var ErrNewer = errors.New("a newer version has migrated the database")

// Cell is a small named value, such as a counter or a cursor.
type Cell struct {
	Name    string
	Version int64 // as for every row
	Data    []byte
}

// Cells keeps cells.
type Cells interface {
	// Cells returns the cells with these names, in any order, leaving out those
	// that are not there.
	Cells(ctx context.Context, names []string) ([]Cell, error)

	// SaveCell saves one cell, or answers ErrConflict.
	SaveCell(ctx context.Context, c Cell) error
}
