package queue_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

var manual = settings.Settings{Queue: true}

// A selection makes one document per account and feed type, and a further one for
// the second entry of an Amazon order.
func TestProcessAllotsDocuments(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		w.accounts = append(w.accounts, account("de", "acme"))
		ids := w.request(
			asked{order: 1}, asked{order: 2}, asked{order: 1},
			asked{order: 3, kind: queue.KindCancellation},
			asked{order: 4, account: "de", company: "acme"},
			asked{order: 9}, // nobody chooses this one
		)
		q := w.queue()
		selected, err := q.Process(w.t.Context(), "boss", ids[:5]...)
		require.NoError(w.t, err)
		require.Len(w.t, selected, 4)
		want := []queue.Selected{
			{Account: "us", Feed: amazon.RefundFeed, Entries: []queue.EntryID{ids[0], ids[1]}},
			{Account: "us", Feed: amazon.RefundFeed, Entries: []queue.EntryID{ids[2]}},
			{Account: "us", Feed: amazon.CancelFeed, Entries: []queue.EntryID{ids[3]}},
			{Account: "de", Feed: amazon.RefundFeed, Entries: []queue.EntryID{ids[4]}},
		}
		promised := map[queue.BatchID]bool{}
		for i, s := range selected {
			want[i].Batch = s.Batch
			promised[s.Batch] = true
			for _, id := range s.Entries {
				e := w.get(id)
				assert.Equal(w.t, &queue.Selection{Batch: s.Batch, By: "boss", At: w.now()}, e.Selection)
				assert.Equal(w.t, queue.EntryQueued, e.State)
			}
		}
		assert.Empty(w.t, cmp.Diff(want, selected))
		assert.Len(w.t, promised, 4, "a Batch ID was given twice")

		w.step(q)
		w.step(q)
		assert.Equal(w.t, queue.EntryQueued, w.get(ids[2]).State, "it waits for the first of its order")
		assert.Contains(w.t, w.get(ids[2]).Why, string(ids[0]))
		w.pass(q, 10*time.Minute)
		for _, s := range selected {
			for _, id := range s.Entries {
				assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
				assert.Equal(w.t, s.Batch, w.get(id).Attempt().Batch)
			}
		}
		assert.Len(w.t, w.batches(), 4)
		first, second := w.batch(selected[0].Batch), w.batch(selected[1].Batch)
		assert.Equal(w.t, "boss", first.Created.By)
		assert.True(w.t, first.Applied && second.Created.At.After(first.Created.At))
		assert.Equal(w.t, queue.EntryQueued, w.get(ids[5]).State)
	})
}

func (w *world) batch(id queue.BatchID) queue.Batch {
	w.t.Helper()
	bs, err := w.store.Batches(w.t.Context(), queue.BatchQuery{IDs: []queue.BatchID{id}})
	require.NoError(w.t, err)
	require.Len(w.t, bs, 1)
	return bs[0]
}

// More entries than a document may have messages take more documents.
func TestProcessByNumberOfMessages(t *testing.T) {
	in(t, func(w *world) {
		w.settings, w.batching.Messages = manual, 2
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3}, asked{order: 4}, asked{order: 5})
		q := w.queue()
		selected, err := q.Process(w.t.Context(), "boss", ids...)
		require.NoError(w.t, err)
		var sizes []int
		for _, s := range selected {
			sizes = append(sizes, len(s.Entries))
		}
		assert.Equal(w.t, []int{2, 2, 1}, sizes)
		w.pass(q, 10*time.Minute)
		for _, s := range selected {
			assert.Equal(w.t, len(s.Entries), w.batch(s.Batch).Entries)
		}
	})
}

// Two selections whose entries are mixed by age each keep their document whole.
func TestSelectionsMixedByAge(t *testing.T) {
	in(t, func(w *world) {
		w.settings, w.batching.Messages = manual, 2
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3}, asked{order: 4})
		q := w.queue()
		odd, err := q.Process(w.t.Context(), "ann", ids[0], ids[2])
		require.NoError(w.t, err)
		even, err := q.Process(w.t.Context(), "bob", ids[1], ids[3])
		require.NoError(w.t, err)
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, 2, w.batch(odd[0].Batch).Entries)
		assert.Equal(w.t, 2, w.batch(even[0].Batch).Entries)
		assert.Equal(w.t, []string{"ann", "bob"}, []string{w.batch(odd[0].Batch).Created.By, w.batch(even[0].Batch).Created.By})
	})
}

// What is promised to a selection and more than fits goes under further IDs.
func TestPromisedDocumentThatIsTooLarge(t *testing.T) {
	in(t, func(w *world) {
		w.settings, w.batching.Messages = manual, 4
		ids := w.request(asked{order: 1, items: 3}, asked{order: 2, items: 3})
		q := w.queue()
		selected, err := q.Process(w.t.Context(), "boss", ids...)
		require.NoError(w.t, err)
		require.Len(w.t, selected, 1)
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
		assert.Equal(w.t, selected[0].Batch, w.get(ids[0]).Attempt().Batch)
		assert.NotEqual(w.t, selected[0].Batch, w.get(ids[1]).Attempt().Batch)
	})
}

// One that cannot go keeps nobody else back: neither other selections nor what
// goes by itself.
func TestWaitingSelectionBlocksNobody(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 1
		w.amazon.noReport = true
		ids := w.request(asked{order: 1}, asked{order: 1}, asked{order: 2}, asked{order: 1}, asked{order: 3})
		q := w.queue()
		_, err := q.Process(w.t.Context(), "boss", ids[0], ids[1])
		require.NoError(w.t, err)
		w.pass(q, 10*time.Minute)
		require.Equal(w.t, queue.EntryUnknownResult, w.get(ids[0]).State)
		w.amazon.noReport = false
		later := w.request(asked{order: 4})[0]
		_, err = q.Process(w.t.Context(), "boss", later)
		require.NoError(w.t, err)
		w.pass(q, time.Hour)
		assert.Equal(w.t, queue.EntryAccepted, w.get(later).State)
		assert.NotContains(w.t, w.states(ids[2], ids[4]), queue.EntryQueued)
		for _, id := range []queue.EntryID{ids[1], ids[3]} {
			assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
			assert.Contains(w.t, w.get(id).Why, string(ids[0]))
		}
	})
}

// However many selections wait for another entry of their order, the one behind
// them goes.
func TestManyWaitingSelectionsBlockNobody(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		w.amazon.noReport = true
		const last = 210
		ids := w.request(append(slices.Repeat([]asked{{order: 1}}, last), asked{order: 2})...)
		q := w.queue()
		_, err := q.Process(w.t.Context(), "boss", ids[0])
		require.NoError(w.t, err)
		w.pass(q, 10*time.Minute)
		require.Equal(w.t, queue.EntryUnknownResult, w.get(ids[0]).State)

		waiting, err := q.Process(w.t.Context(), "boss", ids[1:last]...)
		require.NoError(w.t, err)
		require.Len(w.t, waiting, last-1)
		_, err = q.Process(w.t.Context(), "boss", ids[last])
		require.NoError(w.t, err)
		w.step(q)
		assert.Equal(w.t, queue.EntrySubmitted, w.get(ids[last]).State)
		assert.NotContains(w.t, w.states(ids[1:last]...), queue.EntrySubmitted)
	})
}

func TestChosenEntryCanBeWithdrawnUntilItIsClaimed(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		ids := w.request(asked{order: 1}, asked{order: 2})
		q := w.queue()
		selected, err := q.Process(w.t.Context(), "boss", ids...)
		require.NoError(w.t, err)
		require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "mistake", ids[0]))
		assert.Nil(w.t, w.get(ids[0]).Selection)
		w.step(q)
		assert.Equal(w.t, []queue.State{queue.EntryWithdrawn, queue.EntrySubmitted}, w.states(ids...))
		assert.Equal(w.t, 1, w.batch(selected[0].Batch).Entries)
		require.ErrorIs(w.t, q.Withdraw(w.t.Context(), "clerk", "mistake", ids[1]), queue.ErrTransition)
	})
}

func TestProcessRefuses(t *testing.T) {
	tests := []struct {
		name string
		by   string
		pick []int // of the fixture; -1 is unknown
		is   error // nil: any
		says string
	}{
		{"nothing", "boss", nil, nil, "no entries named"},
		{"an unknown one", "boss", []int{0, -1}, store.ErrNotFound, "RFNOBODY"},
		{"one named twice", "boss", []int{0, 0}, nil, "twice"},
		{"two companies", "boss", []int{0, 1}, nil, "company"},
		{"one that does not wait", "boss", []int{0, 2}, queue.ErrTransition, "Rejected"},
		{"one that was chosen before", "boss", []int{0, 3}, nil, "chosen before by ann"},
		{"nobody", "", []int{0}, nil, "by whom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings = manual
				ids := w.request(asked{order: 1}, asked{order: 2, account: "uk", company: "bolt"}, asked{order: 3}, asked{order: 4})
				q := w.queue()
				require.NoError(w.t, q.Reject(w.t.Context(), "ann", "not ours", ids[2]))
				_, err := q.Process(w.t.Context(), "ann", ids[3])
				require.NoError(w.t, err)
				before := w.entries(queue.EntryQuery{})

				var pick []queue.EntryID
				for _, i := range tt.pick {
					pick = append(pick, append(slices.Clone(ids), "RFNOBODY")[(i+len(ids)+1)%(len(ids)+1)])
				}
				selected, err := q.Process(w.t.Context(), tt.by, pick...)
				require.Error(w.t, err)
				require.ErrorContains(w.t, err, tt.says)
				assert.True(w.t, tt.is == nil || assert.ErrorIs(w.t, err, tt.is))
				assert.Empty(w.t, selected)
				assert.Empty(w.t, cmp.Diff(before, w.entries(queue.EntryQuery{})), "something was applied")
			})
		})
	}
}

func (w *world) entries(q queue.EntryQuery) []queue.Entry {
	w.t.Helper()
	es, err := w.store.Entries(w.t.Context(), q)
	require.NoError(w.t, err)
	return es
}

// Every wrong entry is named, not only the first.
func TestProcessNamesEveryWrongEntry(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1, state: queue.EntryAccepted}, asked{order: 2}, asked{order: 3, state: queue.EntryRefused})
		_, err := w.queue().Process(w.t.Context(), "boss", ids...)
		require.ErrorContains(w.t, err, string(ids[0]))
		require.ErrorContains(w.t, err, string(ids[2]))
		assert.NotContains(w.t, err.Error(), string(ids[1]))
	})
}

// A claim that comes between reading and saving wins; the error says what became of
// the entry.
func TestProcessMeetsAClaim(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		claimed := &meanwhile{at: "store.SaveQueue", act: func() { w.step(w.queue()) }}
		_, err := w.queue(claimed).Process(w.t.Context(), "boss", id)
		require.ErrorIs(w.t, err, queue.ErrTransition)
		require.ErrorContains(w.t, err, string(id)+" is Submitted")
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
		assert.Nil(w.t, w.get(id).Selection)
	})
}

// meanwhile has something happen before a call, once.
type meanwhile struct {
	at  string
	act func()
}

func (m *meanwhile) before(call string) error {
	if call == m.at {
		act := m.act
		m.at = ""
		act()
	}
	return nil
}

func (m *meanwhile) after(string) error { return nil }

// People's decisions say who and why, give the money back or take it again, and
// are all or nothing.
func TestRejectWithdrawRetry(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		ids := w.request(asked{order: 1}, asked{order: 2, items: 2}, asked{order: 3})
		q := w.queue()
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "not ours", ids[0]))
		require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "", ids[1]))
		at := order.Stamp{By: "boss", At: w.now(), Why: "not ours"}
		e := w.get(ids[0])
		assert.Equal(w.t, queue.EntryRejected, e.State)
		assert.Equal(w.t, at, e.Changed)
		assert.Equal(w.t, "not ours", e.Why)
		assert.Equal(w.t, []string{"0.00", "0.00", "5.00"}, []string{w.reserved(ids[0]), w.reserved(ids[1]), w.reserved(ids[2])})

		time.Sleep(time.Hour)
		require.NoError(w.t, q.Retry(w.t.Context(), "boss", "ours after all", ids[0], ids[1]))
		e = w.get(ids[0])
		assert.Equal(w.t, queue.EntryQueued, e.State)
		assert.Equal(w.t, w.now(), e.QueuedAt, "it waits anew")
		assert.Equal(w.t, "ours after all", e.Why)
		assert.Equal(w.t, []string{"5.00", "10.00"}, []string{w.reserved(ids[0]), w.reserved(ids[1])})
		w.settings = settings.Settings{}
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
	})
}

func TestDecisionsAreAllOrNothing(t *testing.T) {
	verbs := map[string]func(*queue.Queue, *world, string, ...queue.EntryID) error{
		"reject": func(q *queue.Queue, w *world, by string, ids ...queue.EntryID) error {
			return q.Reject(w.t.Context(), by, "no", ids...)
		},
		"withdraw": func(q *queue.Queue, w *world, by string, ids ...queue.EntryID) error {
			return q.Withdraw(w.t.Context(), by, "no", ids...)
		},
		"retry": func(q *queue.Queue, w *world, by string, ids ...queue.EntryID) error {
			return q.Retry(w.t.Context(), by, "again", ids...)
		},
	}
	good := map[string]queue.State{"reject": queue.EntryQueued, "withdraw": queue.EntryQueued, "retry": queue.EntryRefused}
	for verb, do := range verbs {
		t.Run(verb, func(t *testing.T) {
			in(t, func(w *world) {
				ids := w.request(asked{order: 1, state: good[verb]}, asked{order: 2, state: queue.EntrySubmitted})
				before := w.entries(queue.EntryQuery{})
				q := w.queue()
				require.ErrorIs(w.t, do(q, w, "boss", ids...), queue.ErrTransition)
				require.ErrorIs(w.t, do(q, w, "boss", ids[0], "RFNOBODY"), store.ErrNotFound)
				require.ErrorContains(w.t, do(q, w, "boss", ids[0], ids[0]), "twice")
				require.ErrorContains(w.t, do(q, w, "", ids[0]), "by whom")
				require.Error(w.t, do(q, w, "boss"))
				assert.Empty(w.t, cmp.Diff(before, w.entries(queue.EntryQuery{})))
			})
		})
	}
}

// Retry reserves again, and is refused where the money is gone meanwhile.
func TestRetryFindsTheMoneyGone(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "told to", id))
		e := w.get(id)
		l := w.ledger(e.Order)
		gone, err := l.Reserve(order.Cause{Kind: order.CauseAmazon, ID: "elsewhere"}, e.Label, order.Amounts{order.Principal: five}, false, e.Changed)
		require.NoError(w.t, err)
		require.NoError(w.t, w.store.SaveQueue(w.t.Context(), queue.Change{Orders: []order.Writes{{Order: e.Order, Version: l.Version, Postings: gone}}}))
		require.ErrorIs(w.t, q.Retry(w.t.Context(), "boss", "again", id), order.ErrOver)
		assert.Empty(w.t, cmp.Diff(e, w.get(id)))
	})
}

// A claim that comes between reading and saving wins; a late no is told so.
func TestDecisionMeetsAClaim(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		claimed := &meanwhile{at: "store.SaveRefunds", act: func() { w.step(w.queue()) }}
		err := w.queue(claimed).Withdraw(w.t.Context(), "clerk", "mistake", id)
		require.ErrorIs(w.t, err, queue.ErrTransition)
		require.ErrorContains(w.t, err, "is Submitted")
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
		assert.Equal(w.t, "5.00", w.reserved(id))
	})
}

// Of two who decide at once one does, and the other is told what the entry is now.
func TestTwoDecideAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		at            string // where the second one comes between
		first, second func(*world, *queue.Queue, ...queue.EntryID) error
		says          string
	}{
		"choose":            {"store.SaveQueue", process("ann"), process("bob"), "was chosen before by bob"},
		"choose and reject": {"store.SaveQueue", process("ann"), reject, "is Rejected"},
		"reject":            {"store.SaveRefunds", reject, withdraw, "is Withdrawn"},
		"withdraw":          {"store.SaveRefunds", withdraw, reject, "is Rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings = manual
				ids := w.request(asked{order: 1}, asked{order: 2})
				between := &meanwhile{at: tt.at, act: func() { assert.NoError(w.t, tt.second(w, w.queue(), ids[1])) }}
				err := tt.first(w, w.queue(between), ids...)
				require.ErrorContains(w.t, err, tt.says)
				assert.Contains(w.t, err.Error(), string(ids[1]))
				require.NotErrorIs(w.t, err, store.ErrConflict)
			})
		})
	}
}

// Where only the head of an order has moved, a decision is made once more.
func TestADecisionSurvivesAConflict(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
		conflicts := 0
		w.apply = func(es []queue.Entry) error {
			if conflicts++; conflicts > 4 {
				return nil
			}
			return store.ErrConflict
		}
		require.NoError(w.t, reject(w, w.queue(), ids...))
		assert.Equal(w.t, []queue.State{queue.EntryRejected, queue.EntryRejected, queue.EntryRejected}, w.states(ids...))
	})
}

func process(by string) func(*world, *queue.Queue, ...queue.EntryID) error {
	return func(w *world, q *queue.Queue, ids ...queue.EntryID) error {
		_, err := q.Process(w.t.Context(), by, ids...)
		return err
	}
}

func reject(w *world, q *queue.Queue, ids ...queue.EntryID) error {
	return q.Reject(w.t.Context(), "boss", "no", ids...)
}

func withdraw(w *world, q *queue.Queue, ids ...queue.EntryID) error {
	return q.Withdraw(w.t.Context(), "clerk", "", ids...)
}

// And the other way round: what was withdrawn while a claim was made is not sent.
func TestClaimMeetsAWithdrawal(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2})
		a := w.worker()
		require.True(w.t, a.until("store.SaveQueue"))
		require.NoError(w.t, w.queue().Withdraw(w.t.Context(), "clerk", "mistake", ids[0]))
		a.finish()
		assert.Empty(w.t, w.amazon.sent(), "the claim was all or nothing")
		w.pass(w.queue(), 10*time.Minute)
		assert.Equal(w.t, []queue.State{queue.EntryWithdrawn, queue.EntryAccepted}, w.states(ids...))
		require.Len(w.t, w.amazon.sent(), 1)
		assert.NotContains(w.t, string(w.amazon.sent()[0].Document), string(ids[0]))
	})
}

func TestEntry(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		e, err := w.queue().Entry(w.t.Context(), id)
		require.NoError(w.t, err)
		assert.Empty(w.t, cmp.Diff(w.get(id), e))
		_, err = w.queue().Entry(w.t.Context(), "RFNOBODY")
		require.ErrorIs(w.t, err, store.ErrNotFound)
		require.ErrorContains(w.t, err, "RFNOBODY")
	})
}

func TestListing(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		w.accounts = append(w.accounts, account("uk", "bolt"))
		ids := w.request(
			asked{order: 1, waits: 2 * time.Hour}, asked{order: 2, kind: queue.KindCancellation, waits: time.Hour},
			asked{order: 3, account: "uk", company: "bolt"}, asked{order: 4, state: queue.EntryAccepted},
		)
		q := w.queue()
		selected, err := q.Process(w.t.Context(), "boss", ids[0])
		require.NoError(w.t, err)
		hour := w.now().Add(-time.Hour)
		tests := map[string]struct {
			query queue.EntryQuery
			want  []int
		}{
			"all, oldest first": {queue.EntryQuery{}, []int{0, 1, 2, 3}},
			"company":           {queue.EntryQuery{Company: "bolt"}, []int{2}},
			"account":           {queue.EntryQuery{Accounts: []order.AccountID{"us"}}, []int{0, 1, 3}},
			"kind":              {queue.EntryQuery{Kinds: []queue.Kind{queue.KindCancellation}}, []int{1}},
			"feed and state":    {queue.EntryQuery{Feeds: []amazon.FeedType{amazon.RefundFeed}, States: []queue.State{queue.EntryQueued}}, []int{0, 2}},
			"order":             {queue.EntryQuery{Orders: []order.AmazonID{{Account: "us", Number: "111-0000000-0000004"}}}, []int{3}},
			"batch":             {queue.EntryQuery{Batch: selected[0].Batch}, []int{0}},
			"chosen":            {queue.EntryQuery{Selected: true}, []int{0}},
			"text: host order":  {queue.EntryQuery{Text: "h3"}, []int{2}},
			"text: Amazon's":    {queue.EntryQuery{Text: "111-0000000-0000002"}, []int{1}},
			"text: ID":          {queue.EntryQuery{Text: strings.ToLower(string(ids[3]))}, []int{3}},
			"text: label":       {queue.EntryQuery{Text: "00000000000101"}, []int{0}},
			"time":              {queue.EntryQuery{From: hour, To: w.now()}, []int{1}},
			"limit":             {queue.EntryQuery{Limit: 2}, []int{0, 1}},
			"next page":         {queue.EntryQuery{After: w.get(ids[1]).Cursor(), Limit: 1}, []int{2}},
			"nothing":           {queue.EntryQuery{Company: "acme", Accounts: []order.AccountID{"uk"}}, nil},
		}
		for name, tt := range tests {
			es, err := q.Entries(w.t.Context(), tt.query)
			require.NoError(w.t, err)
			var got []int
			for _, e := range es {
				got = append(got, slices.Index(ids, e.ID))
			}
			assert.Equal(w.t, tt.want, got, name)
		}
	})
}

func TestListingBatches(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 1
		w.request(asked{order: 1}, asked{order: 2}, asked{order: 3, kind: queue.KindCancellation})
		q := w.queue()
		w.pass(q, 10*time.Minute)
		var all []queue.Batch
		for after := (queue.BatchCursor{}); ; {
			page, err := q.Batches(w.t.Context(), queue.BatchQuery{Limit: 1, After: after, Contents: true})
			require.NoError(w.t, err)
			if len(page) == 0 {
				break
			}
			after = page[0].Cursor()
			all = append(all, page...)
		}
		require.Len(w.t, all, 3)
		for _, b := range all {
			assert.NotEmpty(w.t, b.Document)
			assert.NotEmpty(w.t, b.Report)
			byNumber, err := q.Batches(w.t.Context(), queue.BatchQuery{Company: "acme", DocumentNumbers: []amazon.FeedID{b.DocumentNumber}})
			require.NoError(w.t, err)
			b.Messages, b.Document, b.Report = nil, nil, nil
			assert.Empty(w.t, cmp.Diff([]queue.Batch{b}, byNumber))
		}
		cancels, err := q.Batches(w.t.Context(), queue.BatchQuery{Feeds: []amazon.FeedType{amazon.CancelFeed}, States: []queue.BatchState{queue.BatchDone}})
		require.NoError(w.t, err)
		assert.Len(w.t, cancels, 1)
	})
}
