package queue_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

const week = 7 * 24 * time.Hour

// What became of the first createFeed decides whether there is ever a second.
func TestOutcomesOfCreateFeed(t *testing.T) {
	failure := func(sent amazon.Sent, status int) error {
		return &amazon.Error{Op: "createFeed", Account: "us", Sent: sent, Status: status}
	}
	tests := []struct {
		name   string
		answer answer
		batch  queue.BatchState // after the first pass
		entry  queue.State
		error  bool // the first pass tells
		again  bool // it was not sent, so it is sent again
		ends   queue.State
	}{
		{"Document Number", answer{arrives: true}, queue.BatchInQueue, queue.EntrySubmitted, false, false, queue.EntryAccepted},
		{"throttled", answer{err: throttled(epoch.Add(3 * time.Minute))}, queue.BatchUploaded, queue.EntryClaimed, false, true, queue.EntryAccepted},
		{"failed before the first byte", answer{err: failure(amazon.NotSent, 0)}, queue.BatchUploaded, queue.EntryClaimed, true, true, queue.EntryAccepted},
		{"token refused", answer{err: failure(amazon.NotSent, 403)}, queue.BatchUploaded, queue.EntryClaimed, true, true, queue.EntryAccepted},
		{"document refused", answer{err: failure(amazon.Answered, 400)}, queue.BatchCancelled, queue.EntryNeedsDecision, true, false, queue.EntryNeedsDecision},
		{"too large", answer{err: failure(amazon.Answered, 413)}, queue.BatchCancelled, queue.EntryNeedsDecision, true, false, queue.EntryNeedsDecision},
		{"5xx", answer{err: failure(amazon.SentUnknown, 503)}, queue.BatchUnknownSent, queue.EntryUnknownSent, true, false, queue.EntryNeedsDecision},
		{"5xx, and the feed exists", answer{arrives: true, err: failure(amazon.SentUnknown, 500)}, queue.BatchUnknownSent, queue.EntryUnknownSent, true, false, queue.EntryUnknownResult},
		{"foreign error", answer{err: errLost}, queue.BatchUnknownSent, queue.EntryUnknownSent, true, false, queue.EntryNeedsDecision},
		{"foreign error, and the feed exists", answer{arrives: true, err: context.DeadlineExceeded}, queue.BatchUnknownSent, queue.EntryUnknownSent, true, false, queue.EntryUnknownResult},
		{"answer without a feed ID", answer{arrives: true, noID: true}, queue.BatchUnknownSent, queue.EntryUnknownSent, false, false, queue.EntryUnknownResult},
	}
	creates := map[bool]int{false: 1, true: 2}
	held := map[queue.State]string{queue.EntryAccepted: "0.00"} // else all of it
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.answers = []answer{tt.answer}
				ids := w.request(asked{order: 1, items: 2}, asked{order: 2})
				q := w.queue()

				_, err := q.Step(w.t.Context())
				assert.Equal(w.t, tt.error, err != nil, "error %v", err)
				assert.Equal(w.t, []queue.BatchState{tt.batch}, w.batchStates())
				assert.Equal(w.t, []queue.State{tt.entry, tt.entry}, w.states(ids...))
				assert.Equal(w.t, "10.00", w.reserved(ids[0]))
				assert.Len(w.t, w.amazon.sent(), 1)

				time.Sleep(2 * time.Minute)
				w.pass(q, week)
				sent := w.amazon.sent()
				require.Len(w.t, sent, creates[tt.again])
				assert.True(w.t, bytes.Equal(sent[0].Document, sent[len(sent)-1].Document), "the second createFeed is for the same bytes")
				assert.Equal(w.t, []queue.State{tt.ends, tt.ends}, w.states(ids...))
				want, ended := held[tt.ends]
				assert.Equal(w.t, map[bool]string{true: want, false: "10.00"}[ended], w.reserved(ids[0]))
				for name, n := range w.amazon.effects() {
					assert.Equal(w.t, 1, n, "%s", name)
				}
			})
		})
	}
}

// Being throttled says when to come back and is no failure.
func TestThrottledCreateFeedWaitsAsLongAsAmazonSays(t *testing.T) {
	in(t, func(w *world) {
		until := w.now().Add(17 * time.Minute)
		w.amazon.answers = []answer{{err: throttled(until)}}
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		sent := w.amazon.sent()
		require.Len(w.t, sent, 2)
		assert.False(w.t, sent[1].At.Before(until), "sent again at %s, Amazon said %s", sent[1].At, until)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		assert.Len(w.t, w.get(id).Attempts, 1, "throttled uses up no attempt")
	})
}

// A batch that was built and not sent is uploaded again, under a new fence.
func TestUploadIsRepeated(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		broken := &failing{of: "amazon.Upload", n: 1, err: errLost}
		q := w.queue(broken)
		next, err := q.Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		assert.Equal(w.t, []queue.BatchState{queue.BatchBuilding}, w.batchStates())
		assert.Contains(w.t, w.batches()[0].Why, errLost.Error())
		assert.Equal(w.t, queue.EntryClaimed, w.get(id).State)
		assert.Empty(w.t, w.amazon.sent())

		w.sleepUntil(next)
		w.step(q)
		b := w.batches()[0]
		assert.Equal(w.t, queue.BatchInQueue, b.State)
		assert.Empty(w.t, b.Why)
		assert.Equal(w.t, next.Add(tokenLife), b.Fence)
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// Begin has no token: nothing is claimed, and whoever asked may think again.
func TestThrottledBeginClaimsNothing(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.throttledUntil = w.now().Add(40 * time.Second)
		ids := w.request(asked{order: 1}, asked{order: 2})
		before := w.get(ids[0])
		q := w.queue()
		next, err := q.Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, w.amazon.throttledUntil, next)
		assert.Equal(w.t, before, w.get(ids[0]))
		assert.Empty(w.t, w.batches())

		require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "mistake", ids[0]))
		assert.Equal(w.t, "0.00", w.reserved(ids[0]))
		w.sleepUntil(next)
		w.pass(q, 5*time.Minute)
		assert.Equal(w.t, []queue.State{queue.EntryWithdrawn, queue.EntryAccepted}, w.states(ids...))
		assert.Len(w.t, w.get(ids[1]).Attempts, 1)
	})
}

// While nobody knows whether a createFeed arrived, the account sends no other
// document of that type before the fence; everything else goes on.
func TestFence(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("de", "acme"))
		w.amazon.answers = []answer{{err: errLost}}
		q := w.queue()
		lost := w.request(asked{order: 1})[0]
		_, err := q.Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		fence := w.batches()[0].Fence
		require.Equal(w.t, w.now().Add(tokenLife), fence)

		ids := w.request(asked{order: 2}, asked{order: 3, kind: queue.KindCancellation}, asked{order: 4, account: "de", company: "acme"})
		require.Empty(w.t, w.pass(q, fence.Sub(w.now())-time.Second))
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))

		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(lost).State, "the fence settles nothing")
		sent := w.amazon.sent()
		require.Len(w.t, sent, 4)
		assert.False(w.t, sent[3].At.Before(fence))
	})
}

// A batch that was built before the answer of another was lost waits too.
func TestFenceHoldsBackABuiltBatch(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 1
		ids := w.request(asked{order: 1}, asked{order: 2})
		w.amazon.answers = []answer{{err: errLost}}
		first, second := w.worker(), w.worker(&failing{of: "amazon.Upload", n: 1, err: errLost})
		require.True(w.t, second.until("store.Batches"))
		require.True(w.t, second.until("amazon.Begin")) // it has seen no batch
		w.leaseEnds()
		require.True(w.t, first.until("amazon.Create"))
		second.finish()
		first.finish()
		require.ElementsMatch(w.t, []queue.BatchState{queue.BatchUnknownSent, queue.BatchBuilding}, w.batchStates())

		q := w.queue()
		require.Empty(w.t, w.pass(q, tokenLife-time.Second))
		assert.Equal(w.t, []queue.State{queue.EntryUnknownSent, queue.EntryClaimed}, w.states(ids...))
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryUnknownSent, queue.EntryAccepted}, w.states(ids...))
	})
}

func TestModes(t *testing.T) {
	auto := settings.Settings{Queue: true, AutoSubmit: true}
	queued, gone := queue.EntryQueued, queue.EntrySubmitted
	tests := []struct {
		name    string
		mode    settings.Settings
		waits   time.Duration // the older of two
		process bool          // the younger
		want    []queue.State // older, younger
	}{
		{"Direct sends at once", settings.Settings{}, 0, false, []queue.State{gone, gone}},
		{"Auto lets them wait", auto, 30*time.Minute - time.Second, false, []queue.State{queued, queued}},
		{"Auto sends all when the oldest has waited", auto, 30 * time.Minute, false, []queue.State{gone, gone}},
		{"Manual waits for a person", manual, 48 * time.Hour, false, []queue.State{queued, queued}},
		{"processed in Manual", manual, 48 * time.Hour, true, []queue.State{queued, gone}},
		{"processed in Auto", auto, time.Minute, true, []queue.State{queued, gone}},
		{"processed in Direct goes first", settings.Settings{}, time.Minute, true, []queue.State{queued, gone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings = tt.mode
				ids := w.request(asked{order: 1, waits: tt.waits}, asked{order: 2})
				q := w.queue()
				chosen := map[bool][]queue.EntryID{true: ids[1:]}[tt.process]
				for _, id := range chosen {
					_, err := q.Process(w.t.Context(), "boss", id)
					require.NoError(w.t, err)
				}
				_, err := q.Step(w.t.Context())
				require.NoError(w.t, err)
				assert.Equal(w.t, tt.want, w.states(ids...))
			})
		})
	}
}

// Auto says when the oldest will have waited long enough, and sends all that
// wait by then in one document.
func TestAutoInterval(t *testing.T) {
	in(t, func(w *world) {
		w.settings = settings.Settings{Queue: true, AutoSubmit: true}
		w.batching.Interval = 50 * time.Second
		q := w.queue()
		first := w.request(asked{order: 1})[0]
		next, err := q.Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, w.now().Add(50*time.Second), next)
		time.Sleep(40 * time.Second)
		second := w.request(asked{order: 2})[0]
		w.sleepUntil(next)
		w.step(q)
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntrySubmitted}, w.states(first, second))
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// The mode is read at each pass: Auto off stops at once what waits.
func TestModeChangesBetweenPasses(t *testing.T) {
	in(t, func(w *world) {
		w.settings = settings.Settings{Queue: true, AutoSubmit: true}
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		w.step(q)
		w.settings = settings.Settings{Queue: true}
		require.Empty(w.t, w.pass(q, 24*time.Hour))
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		w.settings = settings.Settings{}
		w.step(q)
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
	})
}

// A context that has ended starts nothing.
func TestStepWithAnEndedContext(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		ctx, stop := context.WithCancel(w.t.Context())
		stop()
		_, err := w.queue().Step(ctx)
		require.ErrorIs(w.t, err, context.Canceled)
		assert.Empty(w.t, w.batches())
		assert.Zero(w.t, w.amazon.begins)
	})
}

// ending ends a context as a call is made.
type ending struct {
	call string
	stop context.CancelFunc
}

func (e *ending) before(call string) error {
	if call == e.call {
		e.stop()
	}
	return nil
}

func (e *ending) after(string) error { return nil }

// A createFeed that is on its way is waited for, and what Amazon answered is
// saved, though the caller has gone.
func TestContextEndsDuringCreateFeed(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		ctx, stop := context.WithCancel(w.t.Context())
		_, err := w.queue(&ending{"amazon.Create", stop}).Step(ctx)
		require.ErrorIs(w.t, err, context.Canceled)
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntrySubmitted}, w.states(ids...), "nothing new is started")
		assert.Equal(w.t, []queue.BatchState{queue.BatchInQueue}, w.batchStates())
	})
}

// Once the context has ended, no batch is taken up either.
func TestContextEndsBetweenBatches(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		w.step(w.queue())
		require.Len(w.t, w.batches(), 2)
		time.Sleep(time.Hour)
		ctx, stop := context.WithCancel(w.t.Context())
		polls := &counting{}
		_, err := w.queue(&ending{"amazon.Feed", stop}, polls).Step(ctx)
		require.ErrorIs(w.t, err, context.Canceled)
		assert.Equal(w.t, 1, polls.calls["amazon.Feed"])
	})
}

// counting counts calls.
type counting struct{ calls map[string]int }

func (c *counting) before(call string) error {
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[call]++
	return nil
}

func (c *counting) after(string) error { return nil }

// A store that fails for a while does not lose what Amazon answered.
func TestAnswerIsSavedWhenTheStoreComesBack(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		out := &outage{from: "amazon.Create", lasts: 20 * time.Minute}
		_, err := w.queue(out).Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
		assert.Positive(w.t, out.failed)
	})
}

// A store that stays away while the host wants to end leaves the batch
// Submitting; the next pass calls it unknown, and nobody sends it again.
func TestAnswerThatCannotBeSavedIsUnknown(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
		defer stop()
		_, err := w.queue(&outage{from: "amazon.Create", lasts: time.Hour}).Step(ctx)
		require.ErrorContains(w.t, err, `Document Number "50001"`)
		assert.Equal(w.t, queue.EntrySubmitting, w.get(id).State)
		w.pass(w.queue(), 24*time.Hour)
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State, "its feed was found")
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// outage has the store fail for some time after a call.
type outage struct {
	from   string
	lasts  time.Duration
	until  time.Time
	failed int
}

func (o *outage) before(call string) error {
	if call == o.from {
		o.until = time.Now().Add(o.lasts)
	}
	if o.until.After(time.Now()) && call != o.from {
		o.failed++
		return errLost
	}
	return nil
}

func (o *outage) after(string) error { return nil }
