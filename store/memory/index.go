package memory

import (
	"iter"

	"slices"
	"time"
)

// index finds the rows of a table without looking at all of them. Each row is
// listed under some keys; a query that can only match rows under certain keys
// looks there.
type index[K ~string, V any] struct {
	table table[K, V]
	keys  func(V) []any
	at    func(V) place
	lists map[any]*places
}

// withIndex has a table tell its index of every change.
func withIndex[K ~string, V any](t *table[K, V], keys func(V) []any, at func(V) place) index[K, V] {
	x := index[K, V]{*t, keys, at, map[any]*places{}}
	t.watch(x.move)
	return x
}

// listing is a row's place under a key.
type listing struct {
	key   any
	place place
}

func (x index[K, V]) listings(row *V) []listing {
	if row == nil {
		return nil
	}
	var ls []listing
	for _, key := range x.keys(*row) {
		ls = append(ls, listing{key, x.at(*row)})
	}
	return ls
}

// move lists a row anew. Nil is no row.
func (x index[K, V]) move(from, to *V) {
	before, after := x.listings(from), x.listings(to)
	for _, l := range before {
		if list := x.lists[l.key]; list != nil && !slices.Contains(after, l) && list.remove(l.place) {
			delete(x.lists, l.key)
		}
	}
	for _, l := range after {
		if slices.Contains(before, l) {
			continue
		}
		if x.lists[l.key] == nil {
			x.lists[l.key] = &places{}
		}
		x.lists[l.key].insert(l.place)
	}
}

// list returns the first rows after a place that stand under one of the keys and
// match, in the order of their places; all of them when limit is 0.
func (x index[K, V]) list(keys []any, match func(V) bool, after place, limit int) []V {
	var out []V
	for _, key := range keys {
		l := x.lists[key]
		if l == nil {
			continue
		}
		enough := len(out) + limit
		for p := range l.after(after) {
			if row := x.table.rows[K(p.id)]; match(row) {
				out = append(out, row)
			}
			if limit > 0 && len(out) == enough {
				break
			}
		}
	}
	return first(out, x.at, limit)
}

// until returns the rows that stand under a key, not after a time, and match.
func (x index[K, V]) until(key any, at time.Time, match func(V) bool) []V {
	var out []V
	if l := x.lists[key]; l != nil {
		for p := range l.after(place{}) {
			if p.at.After(at) {
				break
			}
			if row := x.table.rows[K(p.id)]; match(row) {
				out = append(out, row)
			}
		}
	}
	return out
}

// find returns the first rows after a place that match: those with these IDs, else
// those that stand under one of the keys, else of all.
func (x index[K, V]) find(ids []K, keys []any, match func(V) bool, after place, limit int) []V {
	if len(ids) > 0 || len(keys) == 0 {
		return x.table.list(ids, match, x.at, after, limit)
	}
	return x.list(keys, match, after, limit)
}

// wantedBy returns the first rows after a place, in the order of another index, of
// which something is wanted at a time or before, and which match.
func wantedBy[K ~string, V any](due, in index[K, V], key any, at time.Time, match func(V) bool, after place, limit int) []V {
	rows := due.until(key, at, func(row V) bool {
		return match(row) && (after == place{} || in.at(row).compare(after) > 0)
	})
	return first(rows, in.at, limit)
}

// places are sorted, and cut into blocks so that a change moves few of them. No
// block is empty.
type places struct{ blocks [][]place }

const maxBlock = 128

// find returns where a place is, or where it belongs.
func (l *places) find(p place) (block, at int, found bool) {
	block, _ = slices.BinarySearchFunc(l.blocks, p, func(b []place, p place) int { return b[len(b)-1].compare(p) })
	if block == len(l.blocks) {
		return block, 0, false
	}
	at, found = slices.BinarySearchFunc(l.blocks[block], p, place.compare)
	return block, at, found
}

func (l *places) insert(p place) {
	block, at, found := l.find(p)
	switch {
	case found:
		return
	case len(l.blocks) == 0:
		l.blocks = [][]place{{p}}
		return
	case block == len(l.blocks): // behind all others
		block--
		at = len(l.blocks[block])
	}
	b := slices.Insert(l.blocks[block], at, p)
	l.blocks[block] = b
	if half := len(b) / 2; len(b) > maxBlock {
		l.blocks[block] = slices.Clone(b[:half])
		l.blocks = slices.Insert(l.blocks, block+1, slices.Clone(b[half:]))
	}
}

// first is the first place of a list that is not empty.
func (l *places) first() place { return l.blocks[0][0] }

// remove tells whether nothing is left.
func (l *places) remove(p place) (empty bool) {
	if block, at, found := l.find(p); found {
		if l.blocks[block] = slices.Delete(l.blocks[block], at, at+1); len(l.blocks[block]) == 0 {
			l.blocks = slices.Delete(l.blocks, block, block+1)
		}
	}
	return len(l.blocks) == 0
}

// after yields what comes after a place; everything, after none.
func (l *places) after(p place) iter.Seq[place] {
	return func(yield func(place) bool) {
		block, at := 0, 0
		if p != (place{}) {
			found := false
			if block, at, found = l.find(p); found {
				at++
			}
		}
		for ; block < len(l.blocks); block, at = block+1, 0 {
			for _, p := range l.blocks[block][at:] {
				if !yield(p) {
					return
				}
			}
		}
	}
}
