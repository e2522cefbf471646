package memory

import (
	"fmt"
	"iter"
	"maps"
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

	moved func(from, to *V) // is told of every change; nil where there was or is no row
}

func newTable[K comparable, V any](head func(*V) (K, *int64)) table[K, V] {
	return table[K, V]{rows: map[K]V{}, head: head, moved: func(_, _ *V) {}}
}

// watch has f told of every change.
func (t *table[K, V]) watch(f func(from, to *V)) {
	before := t.moved
	t.moved = func(from, to *V) {
		before(from, to)
		f(from, to)
	}
}

// put inserts or replaces rows by the rules for versions.
func (t table[K, V]) put(sv *saving, rows ...V) {
	for _, row := range rows {
		row = rowcopy.Of(row)
		key, version := t.head(&row)
		var old *V
		var stored int64
		if found, ok := t.rows[key]; ok {
			old = &found
			_, v := t.head(old)
			stored = *v
		}
		if *version != stored {
			sv.conflict("%T %v: version %d is stored, %d was read", row, key, stored, *version)
			return
		}
		*version++
		t.rows[key] = row
		t.moved(old, &row)
		sv.onUndo(func() {
			t.moved(&row, old)
			if old != nil {
				t.rows[key] = *old
			} else {
				delete(t.rows, key)
			}
		})
	}
}

// get returns copies of the rows with these keys, leaving out those that are not
// there.
func (t table[K, V]) get(keys []K) []V {
	var out []V
	for row := range t.those(keys) {
		out = append(out, rowcopy.Of(row))
	}
	return out
}

func (t table[K, V]) those(keys []K) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, k := range keys {
			if row, ok := t.rows[k]; ok && !yield(row) {
				return
			}
		}
	}
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
// places; all of them when limit is 0. Of the rows it looks at those with these
// keys only; at all of them when none is named.
func (t table[K, V]) list(keys []K, match func(V) bool, at func(V) place, after place, limit int) []V {
	rows := maps.Values(t.rows)
	if len(keys) > 0 {
		rows = t.those(keys)
	}
	var out []V
	for row := range rows {
		if match(row) && (after == place{} || at(row).compare(after) > 0) {
			out = append(out, row)
		}
	}
	return first(out, at, limit)
}

// first returns copies of the first rows in the order of their places, each once.
func first[V any](rows []V, at func(V) place, limit int) []V {
	slices.SortFunc(rows, func(a, b V) int { return at(a).compare(at(b)) })
	rows = slices.CompactFunc(rows, func(a, b V) bool { return at(a) == at(b) })
	if limit > 0 && len(rows) > limit {
		rows = rows[:limit]
	}
	for i := range rows {
		rows[i] = rowcopy.Of(rows[i])
	}
	return rows
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
