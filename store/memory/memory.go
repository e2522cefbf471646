// Package memory is a store that forgets: it keeps everything in the process,
// so a refund that was sent is unknown after a restart and could be paid again.
// It is for tests, and for people who want to read what a store has to do; see
// package store for the contract.
package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

var _ takeback.Store = (*Store)(nil)

// Store keeps everything in memory. It is safe for use from several goroutines;
// [New] makes one.
type Store struct {
	mu sync.Mutex // guards everything below

	refunds       table[queue.EntryID, refund.Refund]
	cancellations table[queue.EntryID, cancel.Cancellation]
	gates         table[order.ID, cancel.Gate]
	rmas          table[rma.ID, rma.RMA]
	returns       table[rma.ID, rma.Return]
	requests      table[joined, cancel.BuyerRequest]
	settlements   table[joined, settlement.Settlement]
	bookings      table[string, settlement.Booking]
	entries       table[queue.EntryID, queue.Entry]
	batches       table[queue.BatchID, queue.Batch]
	cells         table[string, store.Cell]
	ledgers       table[order.AmazonID, order.Ledger] // a ledger's version is its order's head row

	refundsBy       index[queue.EntryID, refund.Refund]       // by Issued.At
	cancellationsBy index[queue.EntryID, cancel.Cancellation] // by Requested.At
	cancellationsAt index[queue.EntryID, cancel.Cancellation] // by LookAt
	rmasBy          index[rma.ID, rma.RMA]                    // by Created.At
	rmasAt          index[rma.ID, rma.RMA]                    // by LookAt
	returnsBy       index[rma.ID, rma.Return]                 // by First.At
	requestsBy      index[joined, cancel.BuyerRequest]        // by Deadline
	requestsAt      index[joined, cancel.BuyerRequest]        // by LookAt
	settlementsBy   index[joined, settlement.Settlement]      // by Start
	bookingsBy      index[string, settlement.Booking]         // by PostedAt
	entriesBy       index[queue.EntryID, queue.Entry]         // by QueuedAt
	entriesAt       index[queue.EntryID, queue.Entry]         // by NotBefore
	batchesBy       index[queue.BatchID, queue.Batch]         // by Created.At
	batchesAt       index[queue.BatchID, queue.Batch]         // by Due
	feeds           map[amazon.FeedType]bool                  // that entries ever had

	contents map[queue.BatchID]contents
	outbox   outbox
	journal  journal
}

// contents is the part of a batch that is read only on demand.
type contents struct {
	messages         []queue.BatchMessage
	document, report []byte
}

// New returns an empty store.
func New() *Store {
	s := &Store{
		refunds:       newTable(func(r *refund.Refund) (queue.EntryID, *int64) { return r.ID, &r.Version }),
		cancellations: newTable(func(c *cancel.Cancellation) (queue.EntryID, *int64) { return c.ID, &c.Version }),
		gates:         newTable(func(g *cancel.Gate) (order.ID, *int64) { return g.HostOrder, &g.Version }),
		rmas:          newTable(func(r *rma.RMA) (rma.ID, *int64) { return r.ID, &r.Version }),
		returns:       newTable(func(r *rma.Return) (rma.ID, *int64) { return r.ID, &r.Version }),
		requests:      newTable(func(r *cancel.BuyerRequest) (joined, *int64) { return requestName(r.Key()), &r.Version }),
		settlements:   newTable(func(s *settlement.Settlement) (joined, *int64) { return settlementName(s.ID), &s.Version }),
		bookings:      newTable(func(b *settlement.Booking) (string, *int64) { return b.ID, &b.Version }),
		entries:       newTable(func(e *queue.Entry) (queue.EntryID, *int64) { return e.ID, &e.Version }),
		batches:       newTable(func(b *queue.Batch) (queue.BatchID, *int64) { return b.ID, &b.Version }),
		cells:         newTable(func(c *store.Cell) (string, *int64) { return c.Name, &c.Version }),
		ledgers:       newTable(func(l *order.Ledger) (order.AmazonID, *int64) { return l.Order, &l.Version }),
		feeds:         map[amazon.FeedType]bool{},
		contents:      map[queue.BatchID]contents{},
		outbox:        newOutbox(),
		journal:       newJournal(),
	}
	s.refundsBy = withIndex(&s.refunds, refundKeys, func(r refund.Refund) place { return place{r.Issued.At, string(r.ID)} })
	s.cancellationsBy = withIndex(&s.cancellations, cancellationKeys, func(c cancel.Cancellation) place { return place{c.Requested.At, string(c.ID)} })
	s.cancellationsAt = wantedIndex(&s.cancellations, func(c cancel.Cancellation) place { return place{c.LookAt, string(c.ID)} })
	s.rmasBy = withIndex(&s.rmas, rmaKeys, func(r rma.RMA) place { return place{r.Created.At, string(r.ID)} })
	s.rmasAt = wantedIndex(&s.rmas, func(r rma.RMA) place { return place{r.LookAt, string(r.ID)} })
	s.returnsBy = withIndex(&s.returns, returnKeys, func(r rma.Return) place { return place{r.First.At, string(r.ID)} })
	s.requestsBy = withIndex(&s.requests, requestKeys, func(r cancel.BuyerRequest) place { return place{r.Deadline, string(requestName(r.Key()))} })
	s.requestsAt = wantedIndex(&s.requests, func(r cancel.BuyerRequest) place { return place{r.LookAt, string(requestName(r.Key()))} })
	s.settlementsBy = withIndex(&s.settlements, settlementKeys, func(t settlement.Settlement) place { return place{t.Start, string(settlementName(t.ID))} })
	s.bookingsBy = withIndex(&s.bookings, bookingKeys, func(b settlement.Booking) place { return place{b.PostedAt, b.ID} })
	s.entriesBy = withIndex(&s.entries, entryKeys, func(e queue.Entry) place { return place{e.QueuedAt, string(e.ID)} })
	s.entriesAt = withIndex(&s.entries, laneKeys, func(e queue.Entry) place { return place{e.NotBefore, string(e.ID)} })
	s.entries.watch(func(_, to *queue.Entry) {
		if to != nil {
			s.feeds[to.Feed] = true
		}
	})
	s.batchesBy = withIndex(&s.batches, batchKeys, func(b queue.Batch) place { return place{b.Created.At, string(b.ID)} })
	s.batchesAt = withIndex(&s.batches, dueKeys, func(b queue.Batch) place { return place{b.Due, string(b.ID)} })
	return s
}

// read runs f while nobody writes.
func (s *Store) read(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	return nil
}

// save runs f, and takes back what f did when something in it conflicts.
func (s *Store) save(ctx context.Context, f func(*saving)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var sv saving
	f(&sv)
	if sv.err != nil {
		for _, undo := range slices.Backward(sv.undo) {
			undo()
		}
	}
	return sv.err
}

// Refunds implements [refund.Store].
func (s *Store) Refunds(ctx context.Context, q refund.Query) (rs []refund.Refund, err error) {
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		rs = s.refundsBy.find(ids, refundsUnder(q), q.Match, place{q.After.IssuedAt, string(q.After.ID)}, q.Limit)
	})
	return rs, err
}

// Cancellations implements [cancel.Store].
func (s *Store) Cancellations(ctx context.Context, q cancel.Query) (cs []cancel.Cancellation, err error) {
	after := place{q.After.RequestedAt, string(q.After.ID)}
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		keys := cancellationsUnder(q)
		if len(ids)+len(keys) == 0 && !q.LookBy.IsZero() {
			cs = wantedBy(s.cancellationsAt, s.cancellationsBy, wanted{}, q.LookBy, q.Match, after, q.Limit)
			return
		}
		cs = s.cancellationsBy.find(ids, keys, q.Match, after, q.Limit)
	})
	return cs, err
}

// Gates implements [cancel.Store].
func (s *Store) Gates(ctx context.Context, ids []order.ID) (gs []cancel.Gate, err error) {
	err = s.read(ctx, func() { gs = s.gates.get(ids) })
	return gs, err
}

// RMAs implements [rma.Store].
func (s *Store) RMAs(ctx context.Context, q rma.Query) (rs []rma.RMA, err error) {
	after := place{q.After.CreatedAt, string(q.After.ID)}
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		keys := rmasUnder(q)
		if len(ids)+len(keys) == 0 && !q.LookBy.IsZero() {
			rs = wantedBy(s.rmasAt, s.rmasBy, wanted{}, q.LookBy, q.Match, after, q.Limit)
			return
		}
		rs = s.rmasBy.find(ids, keys, q.Match, after, q.Limit)
	})
	return rs, err
}

// Returns implements [rma.Store].
func (s *Store) Returns(ctx context.Context, q rma.ReturnQuery) (rs []rma.Return, err error) {
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		rs = s.returnsBy.find(ids, returnsUnder(q), q.Match, place{q.After.CreatedAt, string(q.After.ID)}, q.Limit)
	})
	return rs, err
}

// BuyerRequests implements [cancel.Store].
func (s *Store) BuyerRequests(ctx context.Context, q cancel.RequestQuery) (rs []cancel.BuyerRequest, err error) {
	var after place
	if q.After != (cancel.RequestCursor{}) {
		after = place{q.After.Deadline, string(requestName(q.After.Key))}
	}
	err = s.read(ctx, func() {
		keys := requestsUnder(q)
		if len(keys) == 0 && !q.LookBy.IsZero() {
			rs = wantedBy(s.requestsAt, s.requestsBy, wanted{}, q.LookBy, q.Match, after, q.Limit)
			return
		}
		rs = s.requestsBy.find(nil, keys, q.Match, after, q.Limit)
	})
	return rs, err
}

// Settlements implements [settlement.Store].
func (s *Store) Settlements(ctx context.Context, q settlement.Query) (ss []settlement.Settlement, err error) {
	var names []joined
	for _, id := range q.IDs {
		names = append(names, settlementName(id))
	}
	var after place
	if q.After != (settlement.Cursor{}) {
		after = place{q.After.Start, string(settlementName(q.After.ID))}
	}
	err = s.read(ctx, func() {
		q.IDs = nil // looked up, not compared
		ss = s.settlementsBy.find(names, settlementsUnder(q), q.Match, after, q.Limit)
	})
	return ss, err
}

// Bookings implements [settlement.Store].
func (s *Store) Bookings(ctx context.Context, q settlement.BookingQuery) (bs []settlement.Booking, err error) {
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		bs = s.bookingsBy.find(ids, bookingsUnder(q), q.Match, place{q.After.PostedAt, q.After.ID}, q.Limit)
	})
	return bs, err
}

// Entries implements [queue.Store].
func (s *Store) Entries(ctx context.Context, q queue.EntryQuery) (es []queue.Entry, err error) {
	after := place{q.After.QueuedAt, string(q.After.ID)}
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		keys, listed := s.entriesUnder(q)
		if len(ids) > 0 || !listed {
			es = s.entries.list(ids, q.Match, s.entriesBy.at, after, q.Limit)
			return
		}
		q.Orders = nil // likewise
		es = s.entriesBy.list(keys, q.Match, after, q.Limit)
	})
	return es, err
}

// Batches implements [queue.Store].
func (s *Store) Batches(ctx context.Context, q queue.BatchQuery) (bs []queue.Batch, err error) {
	after := place{q.After.CreatedAt, string(q.After.ID)}
	err = s.read(ctx, func() {
		ids := q.IDs
		q.IDs = nil // looked up, not compared
		keys := batchesUnder(q)
		switch {
		case len(ids) > 0 || len(keys) == 0:
			bs = s.batches.list(ids, q.Match, s.batchesBy.at, after, q.Limit)
		case q.DueBy.IsZero() || keys[0] != any(unapplied{}):
			bs = s.batchesBy.list(keys, q.Match, after, q.Limit)
		default:
			bs = wantedBy(s.batchesAt, s.batchesBy, unapplied{}, q.DueBy, q.Match, after, q.Limit)
		}
		for i := range bs {
			if q.Contents {
				c := s.contents[bs[i].ID]
				bs[i].Messages = slices.Clone(c.messages)
				bs[i].Document, bs[i].Report = bytes.Clone(c.document), bytes.Clone(c.report)
			}
		}
	})
	return bs, err
}

// Ledgers implements [refund.Store], [cancel.Store] and [rma.Store].
func (s *Store) Ledgers(ctx context.Context, ids []order.AmazonID) (ls []order.Ledger, err error) {
	err = s.read(ctx, func() {
		for _, id := range ids {
			l := s.ledgers.rows[id]
			l.Order = id
			ls = append(ls, rowcopy.Of(l))
		}
	})
	return ls, err
}

// Events implements [order.Journal].
func (s *Store) Events(ctx context.Context, id order.AmazonID) (es []order.Event, err error) {
	err = s.read(ctx, func() { es = rowcopy.Of(s.journal.events[id]) })
	return es, err
}

// Alerts implements [order.Journal] and [queue.Store].
func (s *Store) Alerts(ctx context.Context, q order.AlertQuery) (as []order.Alert, err error) {
	err = s.read(ctx, func() { as = s.journal.list(q) })
	return as, err
}

// Lanes implements [queue.Store].
func (s *Store) Lanes(ctx context.Context, states ...queue.State) (ls []queue.Lane, err error) {
	err = s.read(ctx, func() {
		for key, list := range s.entriesAt.lists {
			if l := key.(queue.Lane); slices.Contains(states, l.State) {
				l.Ready = list.first().at
				ls = append(ls, l)
			}
		}
	})
	slices.SortFunc(ls, func(a, b queue.Lane) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Feed, b.Feed), cmp.Compare(a.State, b.State))
	})
	return ls, err
}

// Counts implements [queue.Store].
func (s *Store) Counts(ctx context.Context, company order.CompanyID) (cs []queue.Count, err error) {
	err = s.read(ctx, func() {
		counts := map[queue.Count]queue.Count{}
		for _, e := range s.entries.rows {
			if company != "" && company != e.HostOrder.Company {
				continue
			}
			key := queue.Count{Account: e.Order.Account, Company: e.HostOrder.Company, Feed: e.Feed, Kind: e.Kind, State: e.State}
			c, seen := counts[key]
			if !seen {
				c = key
			}
			if c.Entries++; !seen || e.QueuedAt.Before(c.Oldest) {
				c.Oldest = e.QueuedAt
			}
			counts[key] = c
		}
		cs = slices.Collect(maps.Values(counts))
	})
	slices.SortFunc(cs, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Company, b.Company), cmp.Compare(a.Feed, b.Feed),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	return cs, err
}

// Effects implements [order.Outbox].
func (s *Store) Effects(ctx context.Context, now time.Time, limit int) (es []order.Effect, err error) {
	err = s.read(ctx, func() { es = s.outbox.due(now, limit) })
	return es, err
}

// Cells implements [store.Cells].
func (s *Store) Cells(ctx context.Context, names []string) (cs []store.Cell, err error) {
	err = s.read(ctx, func() { cs = s.cells.get(names) })
	return cs, err
}

// SaveRefunds implements [refund.Store].
func (s *Store) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	return s.save(ctx, func(sv *saving) {
		for _, c := range cs {
			s.write(sv, c.Writes)
			s.refunds.put(sv, c.Refunds...)
			s.entries.put(sv, c.Entries...)
		}
	})
}

// SaveCancellations implements [cancel.Store].
func (s *Store) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	return s.save(ctx, func(sv *saving) {
		for _, c := range cs {
			s.write(sv, c.Writes)
			s.cancellations.put(sv, c.Cancellations...)
			s.gates.put(sv, c.Gates...)
			s.requests.put(sv, c.Requests...)
			s.entries.put(sv, c.Entries...)
		}
	})
}

// SaveRMAs implements [rma.Store].
func (s *Store) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	return s.save(ctx, func(sv *saving) {
		for _, c := range cs {
			s.write(sv, c.Writes)
			s.rmas.put(sv, c.RMAs...)
			s.returns.put(sv, c.Returns...)
		}
	})
}

// SaveSettlement implements [settlement.Store].
func (s *Store) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	return s.save(ctx, func(sv *saving) { s.settlements.put(sv, row) })
}

// SaveBookings implements [settlement.Store].
func (s *Store) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	return s.save(ctx, func(sv *saving) {
		for _, c := range cs {
			s.write(sv, c.Writes)
			s.bookings.put(sv, c.Bookings...)
			s.refunds.put(sv, c.Refunds...)
		}
	})
}

// SaveQueue implements [queue.Store].
func (s *Store) SaveQueue(ctx context.Context, c queue.Change) error {
	return s.save(ctx, func(sv *saving) {
		for _, w := range c.Orders {
			s.write(sv, w)
		}
		for _, b := range c.Batches {
			s.putBatch(sv, b)
		}
		s.entries.put(sv, c.Entries...)
		for _, e := range c.Events {
			s.journal.append(sv, e.Order, e)
		}
	})
}

// SaveCell implements [store.Cells].
func (s *Store) SaveCell(ctx context.Context, c store.Cell) error {
	return s.save(ctx, func(sv *saving) { s.cells.put(sv, c) })
}

// SaveEffects implements [order.Outbox].
func (s *Store) SaveEffects(ctx context.Context, outcomes []order.EffectOutcome) error {
	return s.save(ctx, func(sv *saving) {
		for _, o := range outcomes {
			e := s.outbox.known[o.Key]
			if e == nil {
				continue // unknown, or done
			}
			if o.Alert != nil {
				s.journal.append(sv, o.Alert.Order, *o.Alert)
			}
			if e.notBefore = o.NotBefore; o.Done {
				s.outbox.remove(e)
			}
		}
	})
}

// write raises the head row of an Amazon order and appends what belongs to it.
func (s *Store) write(sv *saving, w order.Writes) {
	l := s.ledgers.rows[w.Order].With(w.Postings...)
	l.Order, l.Version = w.Order, w.Version
	slices.SortStableFunc(l.Postings, func(a, b order.Posting) int { return cmp.Compare(a.Seq, b.Seq) })
	s.ledgers.put(sv, l)
	for i := 1; i < len(l.Postings); i++ {
		if seq := l.Postings[i].Seq; seq == l.Postings[i-1].Seq {
			sv.conflict("order %s: posting %d is there already", w.Order, seq)
		}
	}

	for _, e := range w.Effects {
		s.outbox.append(sv, e)
	}
	s.journal.append(sv, w.Order, w.Events...)
}

// putBatch puts a batch, and its contents apart from it.
func (s *Store) putBatch(sv *saving, b queue.Batch) {
	another := func(other queue.Batch) bool { return other.ID != b.ID }
	for _, other := range s.batchesBy.list([]any{document{b.Account, b.DocumentNumber}}, another, place{}, 0) {
		sv.conflict("batch %s: batch %s has document number %s", b.ID, other.ID, b.DocumentNumber)
	}
	old := s.contents[b.ID]
	c := old
	if b.Messages != nil {
		c.messages = slices.Clone(b.Messages)
	}
	if b.Document != nil {
		c.document = bytes.Clone(b.Document)
	}
	if b.Report != nil {
		c.report = bytes.Clone(b.Report)
	}
	b.Messages, b.Document, b.Report = nil, nil, nil
	s.batches.put(sv, b)
	s.contents[b.ID] = c
	sv.onUndo(func() { s.contents[b.ID] = old })
}
