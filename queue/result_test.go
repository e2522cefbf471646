package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// What Amazon's report says becomes the state of each entry and the fate of its
// money, message by message. The document is: refund A with two lines (messages 0
// and 1), refund B with one (message 2).
func TestResults(t *testing.T) {
	const (
		accepted, partly, refused = queue.EntryAccepted, queue.EntryPartlyAccepted, queue.EntryRefused
		unknown, decide           = queue.EntryUnknownResult, queue.EntryNeedsDecision
	)
	type ids = []amazon.MessageID
	plain := func(rs func(ids) []amazon.Result) func(ids) []byte {
		return func(sent ids) []byte { return encoded(reported(len(sent), rs(sent)...)) }
	}
	tests := []struct {
		name     string
		status   amazon.FeedStatus
		report   func(ids) []byte // nil: none
		a, b     queue.State
		reserved string // A, B
		posted   string
		counts   [3]int // accepted, refused, open
	}{
		{"all accepted", amazon.FeedDone, allAccepted, accepted, accepted, "0.00 0.00", "10.00 5.00", [3]int{2, 0, 0}},
		{"a warning is no failure", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{{MessageID: s[2], ResultCode: "Warning", Code: 99, Description: "slow"}}
		}), accepted, accepted, "0.00 0.00", "10.00 5.00", [3]int{2, 0, 0}},
		{"one line refused", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[1], 18028, "too much")}
		}), partly, accepted, "0.00 0.00", "5.00 5.00", [3]int{2, 0, 0}},
		{"one refund refused", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[2], 18028, "too much")}
		}), accepted, refused, "0.00 0.00", "10.00 0.00", [3]int{1, 1, 0}},
		{"both lines refused", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[0], 18028, "no"), refusal(s[1], 18028, "no")}
		}), refused, accepted, "0.00 0.00", "0.00 5.00", [3]int{1, 1, 0}},
		{"an error that says nothing", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[1], 5002, "internal")}
		}), decide, accepted, "5.00 0.00", "5.00 5.00", [3]int{1, 0, 1}},
		{"an error that says nothing to the host", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[1], hostsOwn, "odd")}
		}), decide, accepted, "5.00 0.00", "5.00 5.00", [3]int{1, 0, 1}},
		{"the whole document refused", amazon.FeedDone, func(ids) []byte {
			return encoded(reported(0, refusal(0, 5001, "bad XML")))
		}, refused, refused, "0.00 0.00", "0.00 0.00", [3]int{0, 2, 0}},
		{"an error of the document, some processed", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(0, 5003, "aborted"), refusal(s[2], 18028, "no")}
		}), unknown, refused, "10.00 0.00", "0.00 0.00", [3]int{0, 1, 1}},
		{"counts off", amazon.FeedDone, func(s ids) []byte { return encoded(reported(len(s) + 1)) }, unknown, unknown, "10.00 5.00", "0.00 0.00", [3]int{0, 0, 2}},
		{"an ID of another document", amazon.FeedDone, plain(func(s ids) []amazon.Result {
			return []amazon.Result{refusal(s[2], 18028, "no"), refusal(7, 18028, "no")}
		}), unknown, refused, "10.00 0.00", "0.00 0.00", [3]int{0, 1, 1}},
		{"no report", amazon.FeedDone, nil, unknown, unknown, "10.00 5.00", "0.00 0.00", [3]int{0, 0, 2}},
		{"FATAL", amazon.FeedFatal, nil, unknown, unknown, "10.00 5.00", "0.00 0.00", [3]int{0, 0, 2}},
		{"CANCELLED", amazon.FeedCancelled, nil, queue.EntryQueued, queue.EntryQueued, "10.00 5.00", "0.00 0.00", [3]int{0, 0, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.status, w.amazon.report, w.amazon.noReport = tt.status, tt.report, tt.report == nil
				id := w.request(asked{order: 1, items: 2}, asked{order: 2})
				q := w.queue()
				require.Empty(w.t, w.pass(q, 5*time.Minute))
				assert.Equal(w.t, []queue.State{tt.a, tt.b}, w.states(id...))
				assert.Equal(w.t, tt.reserved, w.reserved(id[0])+" "+w.reserved(id[1]))
				assert.Equal(w.t, tt.posted, w.posted(id[0])+" "+w.posted(id[1]))
				b := w.batches()[0]
				assert.True(w.t, b.Applied)
				assert.Equal(w.t, tt.counts, [3]int{b.Accepted, b.Refused, b.Open})
				assert.Equal(w.t, tt.a == accepted, w.get(id[0]).Why == "", "a reason stands where something is left to say")

				before, sent := w.entries(queue.EntryQuery{}), len(w.amazon.sent())
				require.Empty(w.t, w.pass(q, 10*time.Minute))
				assert.Empty(w.t, cmp.Diff(before, w.entries(queue.EntryQuery{})), "results are applied once")
				assert.Len(w.t, w.amazon.sent(), sent)
			})
		})
	}
}

// A report that cannot be read is read again: one download may have gone wrong.
// When it stays unreadable for days, nobody knows what became of the messages.
func TestUnreadableReports(t *testing.T) {
	for name, report := range map[string]string{"garbage": "<html>try later</html>", "empty": "", "cut off": "<?xml version=\"1.0\"?><AmazonEnvelope>"} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.report = func([]amazon.MessageID) []byte { return []byte(report) }
				ids := w.request(asked{order: 1})
				q := w.queue()
				require.NotEmpty(w.t, w.pass(q, time.Hour), "the error is told")
				assert.Equal(w.t, queue.EntrySubmitted, w.get(ids[0]).State)
				assert.NotEmpty(w.t, w.batches()[0].Why)
				w.amazon.report = nil
				require.Empty(w.t, w.pass(q, time.Hour))
				assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)

				w.amazon.report = func([]amazon.MessageID) []byte { return []byte(report) }
				ids = w.request(asked{order: 2})
				w.pass(q, 8*24*time.Hour)
				assert.Equal(w.t, queue.EntryUnknownResult, w.get(ids[0]).State)
				assert.Equal(w.t, "5.00", w.reserved(ids[0]))
			})
		})
	}
}

// Each part keeps Amazon's own words.
func TestResultsKeepAmazonsWords(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(18028, 1)
		id := w.request(asked{order: 1, items: 2})[0]
		w.pass(w.queue(), 5*time.Minute)
		e := w.get(id)
		want := []queue.Result{
			{Part: "00000000000101", Verdict: amazon.VerdictRefused, Code: 18028, Text: "no"},
			{Part: "00000000000102", Verdict: amazon.VerdictAccepted},
		}
		assert.Empty(w.t, cmp.Diff(want, e.Attempt().Results))
		assert.Equal(w.t, "18028: no", e.Why)
		assert.Equal(w.t, "Amazon", e.Changed.By)
	})
}

// A feed that Amazon cancelled had no effect: its entries rest and go again, in
// another document with other numbers.
func TestCancelledFeedGoesAgain(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedCancelled
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		w.pass(q, 2*time.Minute)
		e := w.get(id)
		require.Equal(w.t, queue.EntryQueued, e.State)
		assert.True(w.t, e.NotBefore.After(w.now()))
		w.amazon.status = amazon.FeedDone
		require.Empty(w.t, w.pass(q, time.Hour))
		e = w.get(id)
		assert.Equal(w.t, queue.EntryAccepted, e.State)
		require.Len(w.t, w.amazon.sent(), 2)
		assert.False(w.t, w.amazon.sent()[1].At.Before(e.Attempts[0].At.Add(20*time.Minute)))
		assert.NotEqual(w.t, e.Attempts[0].Messages[0].Message, e.Attempts[1].Messages[0].Message)
		assert.Empty(w.t, e.Attempts[0].Results)
		assert.Equal(w.t, "5.00", w.posted(id))
	})
}

// Refused and tried again is another attempt, with results of its own.
func TestRetryAfterRefusal(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(18028, 1)
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		w.pass(q, 5*time.Minute)
		require.Equal(w.t, queue.EntryRefused, w.get(id).State)
		w.amazon.report = nil
		require.NoError(w.t, q.Retry(w.t.Context(), "boss", "the price was corrected", id))
		assert.Equal(w.t, "5.00", w.reserved(id))
		w.pass(q, 5*time.Minute)
		e := w.get(id)
		assert.Equal(w.t, queue.EntryAccepted, e.State)
		require.Len(w.t, e.Attempts, 2)
		assert.Equal(w.t, amazon.VerdictRefused, e.Attempts[0].Results[0].Verdict)
		assert.Equal(w.t, amazon.VerdictAccepted, e.Attempts[1].Results[0].Verdict)
		assert.Equal(w.t, "5.00", w.posted(id))
	})
}

// Settling stops half-way and is repeated: whoever has a result keeps it, and the
// money moves once.
func TestResultsAfterAnApplyThatFailedHalfWay(t *testing.T) {
	in(t, func(w *world) {
		var as []asked
		for i := range 450 { // more than go into one save
			as = append(as, asked{order: i + 1})
		}
		ids := w.request(as...)
		q := w.queue()
		w.step(q)
		time.Sleep(2 * time.Minute)
		applied := 0
		w.apply = func([]queue.Entry) error {
			if applied++; applied == 2 {
				return errLost
			}
			return nil
		}
		_, err := q.Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		count := map[queue.State]int{}
		for _, s := range w.states(ids...) {
			count[s]++
		}
		assert.Positive(w.t, count[queue.EntryAccepted])
		assert.Positive(w.t, count[queue.EntrySubmitted])
		assert.False(w.t, w.batches()[0].Applied)
		done := slices.IndexFunc(ids, func(id queue.EntryID) bool { return w.get(id).State == queue.EntryAccepted })
		first := w.get(ids[done])

		w.pass(q, 5*time.Minute)
		for _, id := range ids {
			assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
			assert.Equal(w.t, "5.00", w.posted(id))
		}
		assert.Empty(w.t, cmp.Diff(first, w.get(ids[done])))
		assert.Equal(w.t, 450, w.batches()[0].Accepted)
	})
}

// A ledger that moved while results were decided is read again; one entry that
// keeps conflicting keeps none of the others from its result.
func TestResultsMeetAConflict(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2})
		w.step(w.queue())
		time.Sleep(2 * time.Minute)
		moved := &meanwhile{at: "store.SaveRefunds", act: func() { w.request(asked{order: 1}) }}
		_, err := w.queue(moved).Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
	})
}

// An error beside a conflict is told: a conflict alone is another worker.
func TestConflictHidesNoOtherError(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		w.step(w.queue())
		time.Sleep(2 * time.Minute)
		results := []error{store.ErrConflict, errLost}
		w.apply = func([]queue.Entry) error {
			defer func() { results = results[1:] }()
			return results[0]
		}
		next, err := w.queue().Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		require.NotErrorIs(w.t, err, store.ErrConflict)
		assert.Equal(w.t, w.now().Add(2*time.Second), next, "what conflicted is looked at again at once")
	})
}

// Amazon's words about a feed are asked for seldom when it takes long, and an
// error of the asking is shown until asking works again.
func TestPolling(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInQueue
		id := w.request(asked{order: 1})[0]
		polls := &counting{}
		down := &failing{of: "amazon.Feed", n: 2, err: errLost}
		q := w.queue(polls, down)
		errs := w.pass(q, 150*time.Second)
		require.Len(w.t, errs, 1)
		require.ErrorIs(w.t, errs[0], errLost)
		assert.Contains(w.t, w.batches()[0].Why, errLost.Error())
		require.Empty(w.t, w.pass(q, 2*time.Minute))
		assert.Empty(w.t, w.batches()[0].Why)

		require.Empty(w.t, w.pass(q, 24*time.Hour))
		assert.Less(w.t, polls.calls["amazon.Feed"], 80)
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted}, w.states(id))
		w.amazon.status = "ON_THE_MOON"
		w.pass(q, 2*time.Hour)
		assert.Contains(w.t, w.batches()[0].Why, "ON_THE_MOON")
		w.amazon.status = amazon.FeedDone
		w.pass(q, 2*time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntryAccepted}, w.states(id))
	})
}

func TestThrottledPollWaitsAsLongAsAmazonSays(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		until := w.now().Add(30 * time.Minute)
		polls := &counting{}
		q := w.queue(polls, &failing{of: "amazon.Feed", n: 1, err: throttled(until)})
		require.Empty(w.t, w.pass(q, 29*time.Minute))
		assert.Equal(w.t, 1, polls.calls["amazon.Feed"])
		require.Empty(w.t, w.pass(q, 3*time.Minute))
		assert.Equal(w.t, []queue.BatchState{queue.BatchDone}, w.batchStates())
	})
}

// A state that a newer version wrote is left alone, and makes nobody run in
// circles.
func TestUnknownBatchStateIsLeftAlone(t *testing.T) {
	in(t, func(w *world) {
		parked := queue.Batch{ID: "us-1", Company: "acme", Account: "us", Feed: amazon.RefundFeed, State: "Parked", Due: w.now()}
		require.NoError(w.t, w.store.Store.SaveQueue(w.t.Context(), queue.Change{Batches: []queue.Batch{parked}}))
		next, err := w.queue().Step(w.t.Context())
		require.NoError(w.t, err)
		assert.True(w.t, next.After(w.now()), "come back at %s, it is %s", next, w.now())
		parked.Version = 1
		assert.Empty(w.t, cmp.Diff([]queue.Batch{parked}, w.batches()))
	})
}

// One account's error does not keep the others from their turn.
func TestOneAccountsError(t *testing.T) {
	in(t, func(w *world) {
		broken := account("xx", "acme")
		broken.Merchant = ""
		w.accounts = amazon.AccountList{broken, w.accounts[0]}
		id := w.request(asked{order: 1}, asked{order: 2, account: "xx", company: "acme"})[0]
		_, err := w.queue().Step(w.t.Context())
		require.ErrorContains(w.t, err, "xx")
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
	})
}

func TestApplyTogether(t *testing.T) {
	three := []queue.Entry{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	var saves []int
	var saved []queue.EntryID
	err := queue.ApplyTogether(t.Context(), three, func(_ context.Context, es []queue.Entry) error {
		saves = append(saves, len(es))
		if slices.ContainsFunc(es, func(e queue.Entry) bool { return e.ID == "b" }) {
			return store.ErrConflict
		}
		saved = append(saved, es[0].ID)
		return nil
	})
	require.ErrorIs(t, err, store.ErrConflict)
	assert.Equal(t, []queue.EntryID{"a", "c"}, saved)
	assert.Equal(t, []int{3, 3, 3, 1, 1, 1, 1, 1}, saves)

	other := errors.New("disk full")
	saves = nil
	err = queue.ApplyTogether(t.Context(), three, func(_ context.Context, es []queue.Entry) error {
		saves = append(saves, len(es))
		return other
	})
	require.ErrorIs(t, err, other)
	assert.Equal(t, []int{3}, saves, "only a conflict is tried again")
}
