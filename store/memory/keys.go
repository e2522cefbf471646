package memory

import (
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// joined is the name of a row that has several parts. It sorts as they do.
type joined string

func join(parts ...string) joined { return joined(strings.Join(parts, "\x00")) }

func requestName(k cancel.RequestKey) joined {
	return join(string(k.Order.Account), k.Order.Number, k.Item)
}

func settlementName(id settlement.ID) joined { return join(string(id.Account), id.Number) }

// wanted is the key of the rows of which something is wanted at some time.
type wanted struct{}

// wantedIndex lists the rows of which something is wanted, by when that is.
func wantedIndex[K ~string, V any](t *table[K, V], at func(V) place) index[K, V] {
	keys := func(row V) []any {
		if at(row).at.IsZero() {
			return nil
		}
		return []any{wanted{}}
	}
	return withIndex(t, keys, at)
}

// The keys of refunds, beside their Amazon orders.
type (
	ofRMA  string
	openOf struct{ account order.AccountID }
	open   struct{}
)

func refundKeys(r refund.Refund) []any {
	keys := []any{r.Order}
	if r.RMA != "" {
		keys = append(keys, ofRMA(r.RMA))
	}
	if r.Open() {
		keys = append(keys, open{}, openOf{r.Order.Account})
	}
	return keys
}

// refundsUnder names the keys under which all refunds that a query selects are
// listed; none when they could be anywhere. So do its likes below.
func refundsUnder(q refund.Query) []any {
	switch {
	case len(q.Orders) > 0:
		return anyOf(q.Orders)
	case q.RMA != "":
		return []any{ofRMA(q.RMA)}
	case q.Open && len(q.Accounts) > 0:
		var keys []any
		for _, a := range q.Accounts {
			keys = append(keys, openOf{a})
		}
		return keys
	case q.Open:
		return []any{open{}}
	}
	return nil
}

func cancellationKeys(c cancel.Cancellation) []any { return []any{c.Order, c.HostOrder} }

func cancellationsUnder(q cancel.Query) []any {
	if len(q.Orders) > 0 {
		return anyOf(q.Orders)
	}
	return anyOf(q.HostOrders)
}

func rmaKeys(r rma.RMA) []any { return []any{r.Order, r.HostOrder} }

func rmasUnder(q rma.Query) []any {
	if len(q.Orders) > 0 {
		return anyOf(q.Orders)
	}
	return anyOf(q.HostOrders)
}

// returned is the key of the returns that stand in one state.
type returned struct {
	account order.AccountID // empty: of all accounts
	state   rma.ReturnState
}

func returnKeys(r rma.Return) []any {
	keys := []any{r.Order, returned{state: r.State}}
	if r.Order.Account != "" {
		keys = append(keys, returned{r.Order.Account, r.State})
	}
	return keys
}

func returnsUnder(q rma.ReturnQuery) []any {
	if len(q.Orders) > 0 {
		return anyOf(q.Orders)
	}
	var keys []any
	for _, state := range q.States {
		for _, a := range q.Accounts {
			keys = append(keys, returned{a, state})
		}
		if len(q.Accounts) == 0 {
			keys = append(keys, returned{state: state})
		}
	}
	return keys
}

func requestKeys(r cancel.BuyerRequest) []any { return []any{r.Order, r.State} }

func requestsUnder(q cancel.RequestQuery) []any {
	switch {
	case len(q.Orders) > 0:
		return anyOf(q.Orders)
	case !q.LookBy.IsZero():
		return nil // fewer are due than stand in a state
	}
	return anyOf(q.States)
}

func settlementKeys(s settlement.Settlement) []any { return []any{s.ID.Account} }

func settlementsUnder(q settlement.Query) []any { return anyOf(q.Accounts) }

// taken is the key of the bookings of an account that were taken for one thing.
type taken struct {
	account order.AccountID
	match   settlement.Match
}

func bookingKeys(b settlement.Booking) []any {
	return []any{b.Order, b.Settlement, b.Order.Account, taken{b.Order.Account, b.Match}}
}

func bookingsUnder(q settlement.BookingQuery) []any {
	switch {
	case len(q.Orders) > 0:
		return anyOf(q.Orders)
	case len(q.Settlements) > 0:
		return anyOf(q.Settlements)
	case len(q.Matches) == 0:
		return anyOf(q.Accounts)
	}
	var keys []any
	for _, a := range q.Accounts {
		for _, m := range q.Matches {
			keys = append(keys, taken{a, m})
		}
	}
	return keys
}

func anyOf[T any](values []T) []any {
	keys := make([]any, len(values))
	for i, v := range values {
		keys[i] = v
	}
	return keys
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
