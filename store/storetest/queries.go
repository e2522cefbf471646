package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

// list is a noun that queries select from.
type list[T, Q any] struct {
	name    string
	rows    []T // in the order of the list, version 0
	queries []named[Q]
	match   func(Q, T) bool
	read    func(context.Context, takeback.Store, Q) ([]T, error)
	save    func(t *testing.T, st takeback.Store, row T) error
	version func(*T) *int64
	page    func(q Q, after *T, limit int) Q // a part of a list
	many    func(n int) Q                    // a query with n IDs of the rows
	shown   func(Q, *T)                      // takes away what a query does not ask for; nil: nothing
}

type named[Q any] struct {
	name string
	q    Q
}

func queryPromises() []promise {
	return slices.Concat(
		refundList().promises(), cancellationList().promises(), rmaList().promises(),
		returnList().promises(), requestList().promises(), settlementList().promises(), bookingList().promises(),
		entryList().promises(), batchList().promises(), batchPromises())
}

func (l list[T, Q]) promises() []promise {
	ps := []promise{
		{l.name + "/no such query",
			"A read that selects nothing answers nothing, not an error.",
			func(t *testing.T, st takeback.Store) {
				for _, n := range l.queries {
					got, err := l.read(t.Context(), st, n.q)
					require.NoError(t, err, n.name)
					assert.Empty(t, got, "%s in an empty store", n.name)
				}
			}},
		{l.name + "/paging",
			"After selects what comes strictly after a place in the list, Limit at most so many: walking from page to page meets every row exactly once.",
			l.checkPaging},
		{l.name + "/many IDs",
			"A query may name any number of IDs, and answers one list in its order.",
			func(t *testing.T, st takeback.Store) {
				l.fill(t, st)
				got, err := l.read(t.Context(), st, l.many(10_000))
				require.NoError(t, err)
				same(t, l.want(l.many(10_000)), got)
				last := len(l.rows) - 3
				got, err = l.read(t.Context(), st, l.page(l.many(10_000), &l.rows[last], 1))
				require.NoError(t, err)
				same(t, l.want(l.many(10_000))[last+1:last+2], got)
			}},
	}
	for _, n := range l.queries {
		ps = append(ps, promise{l.name + "/select/" + n.name,
			"A read answers what its query's Match says, in the order that the query documents.",
			func(t *testing.T, st takeback.Store) {
				l.fill(t, st)
				want := l.want(n.q)
				require.NotEmpty(t, want, "the query selects something")
				got, err := l.read(t.Context(), st, n.q)
				require.NoError(t, err)
				same(t, want, got)
				got, err = l.read(t.Context(), st, l.page(n.q, nil, 1))
				require.NoError(t, err)
				same(t, want[:1], got)
				got, err = l.read(t.Context(), st, l.page(n.q, &want[0], 2))
				require.NoError(t, err)
				same(t, want[1:min(3, len(want))], got)
			}})
	}
	return ps
}

// fill saves the rows, the last ones first and every other one before that.
func (l list[T, Q]) fill(t *testing.T, st takeback.Store) {
	t.Helper()
	for _, odd := range []int{1, 0} {
		for i := len(l.rows) - 1; i >= 0; i-- {
			if i%2 == odd {
				require.NoError(t, l.save(t, st, l.rows[i]))
			}
		}
	}
}

func (l list[T, Q]) want(q Q) []T {
	var out []T
	for _, row := range l.rows {
		if l.match(q, row) {
			*l.version(&row) = 1
			if l.shown != nil {
				l.shown(q, &row)
			}
			out = append(out, row)
		}
	}
	return out
}

func (l list[T, Q]) checkPaging(t *testing.T, st takeback.Store) {
	l.fill(t, st)
	var all Q
	want := l.want(all)
	for _, size := range []int{1, 2, 3, len(want), len(want) + 1} {
		var got []T
		var after *T
		for range len(want)/size + 1 {
			rows, err := l.read(t.Context(), st, l.page(all, after, size))
			require.NoError(t, err)
			assert.LessOrEqual(t, len(rows), size, "rows of a page of %d", size)
			if len(rows) == 0 {
				break
			}
			got = append(got, rows...)
			after = &rows[len(rows)-1]
		}
		same(t, want, got)
	}
}

// places are times and numbers for IDs: in the order of lists, some at the same
// time, some a nanosecond apart, told in different zones.
var places = []struct {
	at time.Time
	id int
}{
	{noon.Add(-time.Hour), 9}, {noon.In(tokyo), 1}, {noon, 2}, {noon.In(tokyo), 3}, {at(1), 0}, {at(2).UTC(), 8},
	{noon.Add(time.Second), 4}, {noon.Add(time.Hour).In(tokyo), 7}, {noon.AddDate(1, 0, 0), 5}, {noon.AddDate(30, 0, 0), 6},
}

// spread gives the i-th row one of several orders: number 1 stands in two
// companies and two accounts.
func spread(i int) (order.ID, order.AmazonID) {
	host := order.ID{Company: order.CompanyID(fmt.Sprint("company-", i%2)), Number: fmt.Sprint("SO-", i%3)}
	return host, order.AmazonID{Account: order.AccountID(fmt.Sprint("SELLER-", i%2)), Number: fmt.Sprintf("111-%07d-0000000", i%3)}
}

// fillIDs is n IDs: those of rows, among unknown ones.
func fillIDs[T any, ID ~string](rows []T, id func(T) ID, n int) []ID {
	var ids []ID
	for i := range n {
		ids = append(ids, ID(fmt.Sprint("unknown-", i)))
	}
	for i, row := range rows {
		ids[(i+1)*n/(len(rows)+1)] = id(row)
	}
	return ids
}

func refundList() list[refund.Refund, refund.Query] {
	var rows []refund.Refund
	for i, p := range places {
		r := refundRow(p.id)
		r.HostOrder, r.Order = spread(i)
		r.Issued.At, r.RMA = p.at, []string{"", "RM1", "RM2"}[i%3]
		r.Lines = []([]refund.Line){
			{{Outcome: refund.LineVoided}, {Outcome: refund.LinePosted, Proof: refund.Settled}},
			{{Outcome: refund.LineVoided}, {Outcome: refund.LineOpen}},
			{{Outcome: refund.LinePosted, Proof: refund.Missing}},
			{{Outcome: refund.LinePosted, Proof: refund.Mismatched}, {Outcome: refund.LinePosted}},
			{{Outcome: "AnOutcomeOfTheFuture"}},
		}[i%5]
		rows = append(rows, r)
	}
	id := func(r refund.Refund) queue.EntryID { return r.ID }
	host, ord := spread(0)
	_, other := spread(1)
	return list[refund.Refund, refund.Query]{
		name: "refunds", rows: rows, match: refund.Query.Match,
		version: func(r *refund.Refund) *int64 { return &r.Version },
		read: func(ctx context.Context, st takeback.Store, q refund.Query) ([]refund.Refund, error) {
			return st.Refunds(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, r refund.Refund) error {
			return st.SaveRefunds(t.Context(), []refund.Change{{Refunds: []refund.Refund{r}, Writes: writes(t, st, r.Order)[0]}})
		},
		page: func(q refund.Query, after *refund.Refund, limit int) refund.Query {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) refund.Query { return refund.Query{IDs: fillIDs(rows, id, n)} },
		queries: []named[refund.Query]{
			{"all", refund.Query{}},
			{"IDs", refund.Query{IDs: []queue.EntryID{"RF002", "RF009", "unknown"}}},
			{"Company", refund.Query{Company: host.Company}},
			{"Orders", refund.Query{Orders: []order.AmazonID{ord, other}}},
			{"RMA", refund.Query{RMA: "RM1"}},
			{"Accounts", refund.Query{Accounts: []order.AccountID{ord.Account, "unknown", ord.Account}}},
			{"Open", refund.Query{Open: true}},
			{"Open of accounts", refund.Query{Open: true, Accounts: []order.AccountID{ord.Account, other.Account}}},
			{"Open of a company", refund.Query{Open: true, Company: host.Company}},
			{"Open of orders", refund.Query{Open: true, Orders: []order.AmazonID{ord, other}, Accounts: []order.AccountID{ord.Account}}},
			{"together", refund.Query{Company: host.Company, Orders: []order.AmazonID{ord, other}, IDs: []queue.EntryID{"RF009", "RF001"}}},
		},
	}
}

func cancellationList() list[cancel.Cancellation, cancel.Query] {
	var rows []cancel.Cancellation
	for i, p := range places {
		c := cancellationRow(p.id)
		c.HostOrder, c.Order = spread(i)
		c.Requested.At, c.LookAt = p.at, []time.Time{{}, at(1), at(2).UTC()}[i%3]
		rows = append(rows, c)
	}
	id := func(c cancel.Cancellation) queue.EntryID { return c.ID }
	host, ord := spread(0)
	otherHost, other := spread(1)
	return list[cancel.Cancellation, cancel.Query]{
		name: "cancellations", rows: rows, match: cancel.Query.Match,
		version: func(c *cancel.Cancellation) *int64 { return &c.Version },
		read: func(ctx context.Context, st takeback.Store, q cancel.Query) ([]cancel.Cancellation, error) {
			return st.Cancellations(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, c cancel.Cancellation) error {
			return st.SaveCancellations(t.Context(), []cancel.Change{{Cancellations: []cancel.Cancellation{c}, Writes: writes(t, st, c.Order)[0]}})
		},
		page: func(q cancel.Query, after *cancel.Cancellation, limit int) cancel.Query {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) cancel.Query { return cancel.Query{IDs: fillIDs(rows, id, n)} },
		queries: []named[cancel.Query]{
			{"all", cancel.Query{}},
			{"IDs", cancel.Query{IDs: []queue.EntryID{"CN002", "CN009", "unknown"}}},
			{"Company", cancel.Query{Company: host.Company}},
			{"Orders", cancel.Query{Orders: []order.AmazonID{ord, other}}},
			{"HostOrders", cancel.Query{HostOrders: []order.ID{host, otherHost}}},
			{"LookBy", cancel.Query{LookBy: at(1)}},
			{"LookBy of a company", cancel.Query{LookBy: at(2), Company: host.Company}},
			{"LookBy of orders", cancel.Query{LookBy: at(1), Orders: []order.AmazonID{ord, other}}},
			{"together", cancel.Query{Company: host.Company, Orders: []order.AmazonID{ord, other}, HostOrders: []order.ID{host}}},
		},
	}
}

func rmaList() list[rma.RMA, rma.Query] {
	var rows []rma.RMA
	for i, p := range places {
		r := rmaRow(p.id)
		r.HostOrder, r.Order = spread(i)
		r.Created.At, r.Status = p.at, []rma.Status{rma.Open, rma.Closed, "Future"}[i%3]
		r.LookAt = []time.Time{{}, at(1), at(2).UTC()}[i%3]
		rows = append(rows, r)
	}
	id := func(r rma.RMA) rma.ID { return r.ID }
	host, ord := spread(0)
	otherHost, other := spread(1)
	return list[rma.RMA, rma.Query]{
		name: "RMAs", rows: rows, match: rma.Query.Match,
		version: func(r *rma.RMA) *int64 { return &r.Version },
		read:    func(ctx context.Context, st takeback.Store, q rma.Query) ([]rma.RMA, error) { return st.RMAs(ctx, q) },
		save: func(t *testing.T, st takeback.Store, r rma.RMA) error {
			return st.SaveRMAs(t.Context(), []rma.Change{{RMAs: []rma.RMA{r}, Writes: writes(t, st, r.Order)[0]}})
		},
		page: func(q rma.Query, after *rma.RMA, limit int) rma.Query {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) rma.Query { return rma.Query{IDs: fillIDs(rows, id, n)} },
		queries: []named[rma.Query]{
			{"all", rma.Query{}},
			{"IDs", rma.Query{IDs: []rma.ID{"RM002", "RM009", "unknown"}}},
			{"Company", rma.Query{Company: host.Company}},
			{"Orders", rma.Query{Orders: []order.AmazonID{ord, other}}},
			{"HostOrders", rma.Query{HostOrders: []order.ID{host, otherHost}}},
			{"Statuses", rma.Query{Statuses: []rma.Status{"Future", rma.Open}}},
			{"Statuses of a company", rma.Query{Statuses: []rma.Status{"Future", rma.Open}, Company: host.Company}},
			{"LookBy", rma.Query{LookBy: at(1)}},
			{"LookBy of a company", rma.Query{LookBy: at(2), Company: host.Company}},
			{"LookBy of orders", rma.Query{LookBy: at(1), Orders: []order.AmazonID{ord, other}}},
			{"together", rma.Query{Company: host.Company, Orders: []order.AmazonID{ord, other}, Statuses: []rma.Status{rma.Open}}},
		},
	}
}

func entryList() list[queue.Entry, queue.EntryQuery] {
	var rows []queue.Entry
	for i, p := range places {
		e := entryRow(p.id)
		e.HostOrder, e.Order = spread(i)
		e.QueuedAt, e.NotBefore = p.at, []time.Time{{}, at(1), at(2)}[i%3]
		e.Kind = []queue.Kind{queue.KindRefund, queue.KindCancellation}[i%2]
		e.Feed = []amazon.FeedType{"FEED-0", "FEED-1", "FEED-2"}[i%3]
		e.State = []queue.State{queue.EntryQueued, queue.EntrySubmitted, "Future"}[i%3]
		e.Label = []string{"SKU-1 100%", "Ärmel_LANG", `back\slash`, "100 percent"}[i%4]
		e.Selection = []*queue.Selection{nil, {Batch: "B-1"}, {Batch: "B-2"}}[i%3]
		e.Attempts = []([]queue.Attempt){nil, {{Batch: "B-3"}}, {{Batch: "B-3"}, {Batch: "B-1"}}, {{Batch: "B-1"}, {Batch: "B-1"}}}[i%4]
		rows = append(rows, e)
	}
	id := func(e queue.Entry) queue.EntryID { return e.ID }
	host, ord := spread(0)
	_, other := spread(1)
	return list[queue.Entry, queue.EntryQuery]{
		name: "entries", rows: rows, match: queue.EntryQuery.Match,
		version: func(e *queue.Entry) *int64 { return &e.Version },
		read: func(ctx context.Context, st takeback.Store, q queue.EntryQuery) ([]queue.Entry, error) {
			return st.Entries(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, e queue.Entry) error {
			return st.SaveQueue(t.Context(), queue.Change{Entries: []queue.Entry{e}})
		},
		page: func(q queue.EntryQuery, after *queue.Entry, limit int) queue.EntryQuery {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) queue.EntryQuery { return queue.EntryQuery{IDs: fillIDs(rows, id, n)} },
		queries: []named[queue.EntryQuery]{
			{"all", queue.EntryQuery{}},
			{"IDs", queue.EntryQuery{IDs: []queue.EntryID{"RF002", "RF009", "unknown"}}},
			{"Company", queue.EntryQuery{Company: host.Company}},
			{"Accounts", queue.EntryQuery{Accounts: []order.AccountID{ord.Account, "unknown"}}},
			{"Orders", queue.EntryQuery{Orders: []order.AmazonID{ord, other}}},
			{"Kinds", queue.EntryQuery{Kinds: []queue.Kind{queue.KindCancellation}}},
			{"Feeds", queue.EntryQuery{Feeds: []amazon.FeedType{"FEED-0", "FEED-2"}}},
			{"States", queue.EntryQuery{States: []queue.State{"Future", queue.EntryQueued}}},
			{"Batch of a selection", queue.EntryQuery{Batch: "B-2"}},
			{"Batch of an attempt", queue.EntryQuery{Batch: "B-3"}},
			{"Batch of both", queue.EntryQuery{Batch: "B-1"}},
			{"Text in the label in any case", queue.EntryQuery{Text: "äRMEL_l"}},
			{"Text with a per cent sign", queue.EntryQuery{Text: "0%"}},
			{"Text with a backslash", queue.EntryQuery{Text: `k\s`}},
			{"Text in the ID", queue.EntryQuery{Text: "rf00"}},
			{"Text in the host order's number", queue.EntryQuery{Text: "so-2"}},
			{"Text in the Amazon order's number", queue.EntryQuery{Text: "111-0000001"}},
			{"From", queue.EntryQuery{From: at(1)}},
			{"To", queue.EntryQuery{To: at(1)}},
			{"From and To", queue.EntryQuery{From: noon, To: at(2)}},
			{"ReadyBy", queue.EntryQuery{ReadyBy: at(1)}},
			{"Selected", queue.EntryQuery{Selected: true}},
			{"together", queue.EntryQuery{Company: host.Company, Kinds: []queue.Kind{queue.KindRefund},
				States: []queue.State{queue.EntryQueued, "Future"}, ReadyBy: at(2), From: noon}},
		},
	}
}

func batchList() list[queue.Batch, queue.BatchQuery] {
	var rows []queue.Batch
	for i, p := range places {
		b := batchRow(p.id)
		host, ord := spread(i)
		b.Company, b.Account = host.Company, ord.Account
		b.Created.At, b.Due = p.at, []time.Time{{}, at(1), at(2)}[i%3]
		b.Feed = []amazon.FeedType{"FEED-0", "FEED-1", "FEED-2"}[i%3]
		b.State = []queue.BatchState{queue.BatchDone, queue.BatchInQueue, "Future"}[i%3]
		b.DocumentNumber = []amazon.FeedID{"", amazon.FeedID(fmt.Sprint(50000 + i/2*2))}[i%2]
		b.Applied = i%4 == 0
		rows = append(rows, b)
	}
	id := func(b queue.Batch) queue.BatchID { return b.ID }
	host, ord := spread(0)
	return list[queue.Batch, queue.BatchQuery]{
		name: "batches", rows: rows, match: queue.BatchQuery.Match,
		version: func(b *queue.Batch) *int64 { return &b.Version },
		read: func(ctx context.Context, st takeback.Store, q queue.BatchQuery) ([]queue.Batch, error) {
			return st.Batches(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, b queue.Batch) error {
			return st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}})
		},
		page: func(q queue.BatchQuery, after *queue.Batch, limit int) queue.BatchQuery {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) queue.BatchQuery { return queue.BatchQuery{IDs: fillIDs(rows, id, n)} },
		shown: func(q queue.BatchQuery, b *queue.Batch) {
			if !q.Contents {
				b.Messages, b.Document, b.Report = nil, nil, nil
			}
		},
		queries: []named[queue.BatchQuery]{
			{"all", queue.BatchQuery{}},
			{"IDs", queue.BatchQuery{IDs: []queue.BatchID{"SELLER-US-002", "SELLER-US-009", "unknown"}}},
			{"Company", queue.BatchQuery{Company: host.Company}},
			{"Accounts", queue.BatchQuery{Accounts: []order.AccountID{ord.Account, "unknown"}}},
			{"Feeds", queue.BatchQuery{Feeds: []amazon.FeedType{"FEED-0", "FEED-2"}}},
			{"States", queue.BatchQuery{States: []queue.BatchState{"Future", queue.BatchDone}}},
			{"DocumentNumbers", queue.BatchQuery{DocumentNumbers: []amazon.FeedID{"50000", "50004", "1"}}},
			{"Unapplied", queue.BatchQuery{Unapplied: true}},
			{"DueBy", queue.BatchQuery{DueBy: at(1)}},
			{"Contents", queue.BatchQuery{Contents: true}},
			{"together", queue.BatchQuery{Company: host.Company, Unapplied: true, Feeds: []amazon.FeedType{"FEED-1", "FEED-2"}, Contents: true}},
		},
	}
}

// batchPromises are about what only batches have.
func batchPromises() []promise {
	return []promise{
		{"batches/contents",
			"Reads leave Messages, Document and Report nil unless asked for; a save with nil keeps what is stored.",
			checkContents},
		{"batches/contents after a conflict",
			"A save that conflicts changes nothing, neither Messages nor Document nor Report.",
			checkContentsConflict},
		{"batches/document number",
			"A DocumentNumber that another batch of the account has is a conflict; an empty one is none.",
			checkDocumentNumber},
		{"entries/left batch",
			"Batch selects entries with an attempt or a selection for it, and no longer those that had one.",
			checkLeftBatch},
	}
}

// contents reads one batch with what was sent and answered.
func contents(t *testing.T, st takeback.Store, b queue.Batch) []queue.Batch {
	t.Helper()
	got, err := st.Batches(t.Context(), queue.BatchQuery{IDs: []queue.BatchID{b.ID}, Contents: true})
	require.NoError(t, err)
	return got
}

func checkContents(t *testing.T, st takeback.Store) {
	b := batchRow(1)
	want := batchRow(1)
	put := func(version int64, messages []queue.BatchMessage, document, report []byte) {
		t.Helper()
		b.Version, b.Messages, b.Document, b.Report = version, messages, document, report
		require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}}))
	}
	holds := func(version int64, messages []queue.BatchMessage, document, report string) {
		t.Helper()
		want.Version, want.Messages, want.Document, want.Report = version, messages, []byte(document), []byte(report)
		same(t, []queue.Batch{want}, contents(t, st, want))
	}
	one, two := []queue.BatchMessage{{ID: 1, Entry: "RF001"}}, []queue.BatchMessage{{ID: 2, Entry: "RF002", Part: "1"}, {ID: 3, Entry: "RF002", Part: "2"}}
	document, report := []byte("<a>\x00\xff</a>"), []byte("report")
	put(0, nil, nil, nil)
	holds(1, nil, "", "")
	put(1, nil, document, nil)
	document[0] = 'x'
	holds(2, nil, "<a>\x00\xff</a>", "")
	put(2, one, nil, nil)
	holds(3, one, "<a>\x00\xff</a>", "")
	put(3, nil, nil, report)
	holds(4, one, "<a>\x00\xff</a>", "report")
	put(4, nil, nil, nil)
	holds(5, one, "<a>\x00\xff</a>", "report")
	put(5, two, []byte("other"), nil)
	holds(6, two, "other", "report")

	read := contents(t, st, b)
	read[0].Document[0], read[0].Messages[0].Entry = 'x', "spoilt"
	holds(6, two, "other", "report")
	got, err := st.Batches(t.Context(), queue.BatchQuery{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Nil(t, got[0].Messages, "Messages that nobody asked for")
	assert.Nil(t, got[0].Document, "Document that nobody asked for")
	assert.Nil(t, got[0].Report, "Report that nobody asked for")
}

func checkContentsConflict(t *testing.T, st takeback.Store) {
	b := batchRow(1)
	b.Document, b.Report = []byte("document"), []byte("report")
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}}))
	want := b
	want.Version = 1

	b.Document, b.Report = []byte("other"), []byte("other")
	assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}}), store.ErrConflict, "version 0 of a batch that is there")
	same(t, []queue.Batch{want}, contents(t, st, b))
	b.Version = 1
	late := entryRow(1)
	late.Version = 5
	assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}, Entries: []queue.Entry{late}}), store.ErrConflict,
		"an entry that is not there, saved with the batch")
	same(t, []queue.Batch{want}, contents(t, st, b))
}

func checkDocumentNumber(t *testing.T, st takeback.Store) {
	put := func(n int, account order.AccountID, number amazon.FeedID, version int64) error {
		b := batchRow(n)
		b.Account, b.DocumentNumber, b.Version = account, number, version
		return st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}})
	}
	require.NoError(t, put(1, "A", "50001", 0))
	assert.ErrorIs(t, put(2, "A", "50001", 0), store.ErrConflict, "a new batch with the number of another")
	assert.NoError(t, put(3, "B", "50001", 0), "the same number in another account")
	assert.NoError(t, put(1, "A", "50001", 1), "a batch that keeps its number")
	assert.NoError(t, put(4, "A", "", 0), "a batch without a number")
	assert.NoError(t, put(5, "A", "", 0), "another batch without a number")
	assert.ErrorIs(t, put(5, "A", "50001", 1), store.ErrConflict, "a batch that gets the number of another")
	assert.NoError(t, put(5, "A", "50005", 1), "a batch that gets a number of its own")
	assert.NoError(t, put(1, "A", "", 2), "a batch that loses its number")
	assert.NoError(t, put(4, "A", "50001", 1), "a batch that gets a number which another had")
	got, err := st.Batches(t.Context(), queue.BatchQuery{DocumentNumbers: []amazon.FeedID{"50001"}, Accounts: []order.AccountID{"A"}})
	require.NoError(t, err)
	require.Len(t, got, 1, "batches with the number")
	assert.Equal(t, batchRow(4).ID, got[0].ID, "batch with the number")
}

func checkLeftBatch(t *testing.T, st takeback.Store) {
	e := entryRow(1)
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: []queue.Entry{e}}))
	e.Version, e.Selection = 1, &queue.Selection{Batch: "SELLER-US-9"}
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: []queue.Entry{e}}))
	for _, c := range []struct {
		batch queue.BatchID
		want  int
	}{{"SELLER-US-1", 1}, {"SELLER-US-2", 0}, {"SELLER-US-9", 1}} {
		got, err := st.Entries(t.Context(), queue.EntryQuery{Batch: c.batch})
		require.NoError(t, err)
		assert.Len(t, got, c.want, "entries of batch %s", c.batch)
	}
}
