package memory

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
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

// inState is the key of the entries that stand in one state of an account's way
// to Amazon.
type inState struct {
	account  order.AccountID
	feed     amazon.FeedType
	state    queue.State
	selected bool
}

// entryKeys lists an entry under its order, its batches and its state.
func entryKeys(e queue.Entry) []any {
	keys := []any{e.Order, inState{e.Order.Account, e.Feed, e.State, e.Selection != nil}}
	for _, b := range e.Batches() {
		keys = append(keys, b)
	}
	return keys
}

// laneKeys lists an entry in its lane.
func laneKeys(e queue.Entry) []any { return []any{laneOf(e)} }

func laneOf(e queue.Entry) queue.Lane {
	return queue.Lane{Account: e.Order.Account, Feed: e.Feed, State: e.State}
}

// entriesUnder names the keys under which all entries that a query selects are
// listed, unless they could be anywhere.
func (s *Store) entriesUnder(q queue.EntryQuery) (keys []any, listed bool) {
	lane := func(l queue.Lane) {
		ready := s.entriesAt.lists[l]
		if ready == nil || !q.ReadyBy.IsZero() && ready.first().at.After(q.ReadyBy) {
			return
		}
		keys = append(keys, inState{l.Account, l.Feed, l.State, true})
		if !q.Selected {
			keys = append(keys, inState{l.Account, l.Feed, l.State, false})
		}
	}
	switch {
	case len(q.Orders) > 0:
		for _, id := range q.Orders {
			keys = append(keys, id)
		}
	case q.Batch != "":
		keys = append(keys, q.Batch)
	case len(q.States) == 0:
		return nil, false
	case len(q.Accounts) > 0:
		feeds := q.Feeds
		if len(feeds) == 0 {
			feeds = slices.Collect(maps.Keys(s.feeds))
		}
		for _, a := range q.Accounts {
			for _, t := range feeds {
				for _, state := range q.States {
					lane(queue.Lane{Account: a, Feed: t, State: state})
				}
			}
		}
	default:
		for key := range s.entriesAt.lists {
			if l := key.(queue.Lane); slices.Contains(q.States, l.State) {
				lane(l)
			}
		}
	}
	return keys, true
}

// The keys of batches.
type (
	unapplied   struct{}
	unappliedOf struct{ account order.AccountID }
	document    struct {
		account order.AccountID
		number  amazon.FeedID
	}
)

// batchKeys lists a batch while something of it is left to do, and from when
// Amazon has numbered it.
func batchKeys(b queue.Batch) []any {
	keys := dueKeys(b)
	if !b.Applied {
		keys = append(keys, unappliedOf{b.Account})
	}
	if b.DocumentNumber != "" {
		keys = append(keys, document{b.Account, b.DocumentNumber})
	}
	return keys
}

// dueKeys lists a batch while something of it is left to do.
func dueKeys(b queue.Batch) []any {
	if b.Applied {
		return nil
	}
	return []any{unapplied{}}
}

// batchesUnder names the keys under which all batches that a query selects are
// listed; none when they could be anywhere.
func batchesUnder(q queue.BatchQuery) []any {
	var keys []any
	switch {
	case len(q.Accounts) > 0 && len(q.DocumentNumbers) > 0 && !slices.Contains(q.DocumentNumbers, ""):
		for _, a := range q.Accounts {
			for _, n := range q.DocumentNumbers {
				keys = append(keys, document{a, n})
			}
		}
	case q.Unapplied && len(q.Accounts) > 0:
		for _, a := range q.Accounts {
			keys = append(keys, unappliedOf{a})
		}
	case q.Unapplied:
		keys = append(keys, unapplied{})
	}
	return keys
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
