package memory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

// table keeps the rows of one noun. What goes in and what comes out are copies.
type table[K comparable, V any] struct {
	rows map[K]V
	head func(*V) (K, *int64) // the key and the version of a row
}

func newTable[K comparable, V any](head func(*V) (K, *int64)) table[K, V] {
	return table[K, V]{rows: map[K]V{}, head: head}
}

// put inserts or replaces rows by the rules for versions.
func (t table[K, V]) put(sv *saving, rows ...V) {
	for _, row := range rows {
		row = rowcopy.Of(row)
		key, version := t.head(&row)
		old, there := t.rows[key]
		var stored int64
		if there {
			_, v := t.head(&old)
			stored = *v
		}
		if *version != stored {
			sv.conflict("%T %v: version %d is stored, %d was read", row, key, stored, *version)
			return
		}
		*version++
		t.rows[key] = row
		sv.onUndo(func() {
			if there {
				t.rows[key] = old
			} else {
				delete(t.rows, key)
			}
		})
	}
}

// get returns the rows with these keys, leaving out those that are not there.
func (t table[K, V]) get(keys []K) []V {
	var out []V
	for _, k := range keys {
		if row, ok := t.rows[k]; ok {
			out = append(out, rowcopy.Of(row))
		}
	}
	return out
}

// place is where a row stands in the list of its noun: by time, then by ID.
type place struct {
	at time.Time
	id string
}

func (p place) compare(q place) int {
	if c := p.at.Compare(q.at); c != 0 {
		return c
	}
	return strings.Compare(p.id, q.id)
}

// list returns the first rows after a place that match, in the order of their
// places; all of them when limit is 0.
func (t table[K, V]) list(match func(V) bool, at func(V) place, after place, limit int) []V {
	var out []V
	for _, row := range t.rows {
		if match(row) && (after == place{} || at(row).compare(after) > 0) {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b V) int { return at(a).compare(at(b)) })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	for i := range out {
		out[i] = rowcopy.Of(out[i])
	}
	return out
}

// saving is a save on its way: its first conflict, and the steps that take back
// what it did so far.
type saving struct {
	err  error
	undo []func()
}

func (sv *saving) onUndo(step func()) { sv.undo = append(sv.undo, step) }

func (sv *saving) conflict(format string, args ...any) {
	if sv.err == nil {
		sv.err = fmt.Errorf(format+": %w", append(args, store.ErrConflict)...)
	}
}
