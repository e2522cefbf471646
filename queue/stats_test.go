package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func (w *world) stats(company order.CompanyID) []queue.Stat {
	w.t.Helper()
	stats, err := w.queue().Stats(w.t.Context(), company)
	require.NoError(w.t, err)
	return stats
}

// put writes a cell as a worker leaves it.
func (w *world) put(name, data string) {
	w.t.Helper()
	require.NoError(w.t, w.store.SaveCell(w.t.Context(), store.Cell{Name: name, Data: []byte(data)}))
}

// Every account of the company, what stands where in it and since when, under the
// name that staff read.
func TestStats(t *testing.T) {
	in(t, func(w *world) {
		w.settings = settings.Settings{Queue: true}
		w.accounts = amazon.AccountList{account("us", "acme"), account("eu", "acme"), account("bolt", "bolt")}
		w.request(
			asked{order: 1, waits: 2 * time.Hour}, asked{order: 2, waits: time.Hour},
			asked{order: 3, kind: queue.KindCancellation, state: queue.EntryUnknownSent, waits: time.Minute},
			asked{order: 4, state: queue.EntryUnknownResult}, asked{order: 5, state: queue.EntryNeedsDecision}, asked{order: 6, state: queue.EntryAccepted},
			asked{order: 7, account: "bolt", company: "bolt"},
			asked{order: 8, account: "old", company: "acme"},
		)
		at := func(ago time.Duration, i int) time.Time { return epoch.Add(time.Duration(i)*time.Millisecond - ago) }
		lane := func(s queue.State, label string, n int, oldest time.Time) queue.LaneStat {
			return queue.LaneStat{Feed: amazon.RefundFeed, Kind: queue.KindRefund, State: s, Label: label, Entries: n, Oldest: oldest}
		}
		lost := lane(queue.EntryUnknownSent, "Not confirmed, do not resend", 1, at(time.Minute, 2))
		lost.Feed, lost.Kind = amazon.CancelFeed, queue.KindCancellation
		feeds := []queue.FeedStat{{Feed: amazon.CancelFeed}, {Feed: amazon.RefundFeed}}
		want := []queue.Stat{
			{Company: "acme", Account: "eu", Listed: true, Feeds: feeds},
			{Company: "acme", Account: "old", Lanes: []queue.LaneStat{lane(queue.EntryQueued, "Waiting", 1, at(0, 7))}, Feeds: feeds, Next: epoch},
			{
				Company: "acme", Account: "us", Listed: true, Unknown: 2, Decide: 1, Next: epoch, Feeds: feeds,
				Lanes: []queue.LaneStat{
					lost,
					lane(queue.EntryAccepted, "Accepted by Amazon", 1, at(0, 5)),
					lane(queue.EntryNeedsDecision, "Needs a decision", 1, at(0, 4)),
					lane(queue.EntryQueued, "Waiting", 2, at(2*time.Hour, 0)),
					lane(queue.EntryUnknownResult, "Not confirmed, do not resend", 1, at(0, 3)),
				},
			},
		}
		assert.Empty(w.t, cmp.Diff(want, w.stats("acme"), cmpopts.SortSlices(func(a, b queue.LaneStat) bool {
			return a.Feed+amazon.FeedType(a.State) < b.Feed+amazon.FeedType(b.State)
		})))

		var all []order.AccountID
		for _, s := range w.stats("") {
			all = append(all, s.Account)
		}
		assert.Equal(w.t, []order.AccountID{"eu", "old", "us", "bolt"}, all, "by company, then by account")
		assert.Empty(w.t, w.stats("nobody"))
		assert.Zero(w.t, w.amazon.begins, "Amazon's tokens are not spent on figures")
	})
}

// A document on its way counts until it is finished, and is when the queue looks
// next.
func TestStatsOfOpenBatches(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInQueue
		w.request(asked{order: 1})
		w.step(w.queue())
		s := w.stats("acme")[0]
		assert.Equal(w.t, 1, s.Batches)
		assert.Equal(w.t, w.batches()[0].Due, s.Next)

		w.amazon.status = amazon.FeedDone
		w.pass(w.queue(), time.Hour)
		s = w.stats("acme")[0]
		assert.Zero(w.t, s.Batches)
		assert.Zero(w.t, s.Next, "nothing waits")
	})
}

// What the workers share about an account is shown: when they sent, what they
// wait for, and who paused it.
func TestStatsOfWhatWorkersShare(t *testing.T) {
	in(t, func(w *world) {
		w.put("queue/account/us", `{
			"holder": "another", "until": "2026-03-02T09:03:00Z", "not_before": "2026-03-02T09:04:00Z", "failures": 2,
			"wait": {"POST_PAYMENT_ADJUSTMENT_DATA": "2026-03-02T09:02:00Z"},
			"sent": {"POST_PAYMENT_ADJUSTMENT_DATA": "2026-03-02T08:50:00Z", "POST_ORDER_ACKNOWLEDGEMENT_DATA": "2026-03-02T08:40:00Z"}}`)
		w.put("queue/pause/account/us", `{"on": true, "by": {"By": "root", "At": "2026-03-02T08:00:00Z", "Why": "a second sender"}}`)
		w.put("queue/pause/company/acme", `{"on": false, "by": {"By": "olga", "At": "2026-03-02T07:00:00Z", "Why": "over"}}`)
		w.request(asked{order: 1})
		want := queue.Stat{
			Company: "acme", Account: "us", Listed: true, Failures: 2,
			Feeds: []queue.FeedStat{
				{Feed: amazon.CancelFeed, Last: epoch.Add(-20 * time.Minute)},
				{Feed: amazon.RefundFeed, Last: epoch.Add(-10 * time.Minute), Next: epoch.Add(2 * time.Minute)},
			},
			Paused: []order.Stamp{{By: "root", At: epoch.Add(-time.Hour), Why: "a second sender"}},
		}
		assert.Empty(w.t, cmp.Diff([]queue.Stat{want}, w.stats("acme"), cmpopts.IgnoreFields(queue.Stat{}, "Lanes")))

		require.NoError(w.t, w.queue().Resume(w.t.Context(), "root", "it is ours", queue.Scope{Account: "us"}))
		want.Paused, want.Next = nil, epoch.Add(4*time.Minute) // after the errors, and there is a token by then
		assert.Empty(w.t, cmp.Diff([]queue.Stat{want}, w.stats("acme"), cmpopts.IgnoreFields(queue.Stat{}, "Lanes")))
	})
}

// When the next document goes follows from the mode, and from what stands against
// it.
func TestStatsSayWhenTheNextDocumentGoes(t *testing.T) {
	auto := settings.Settings{Queue: true, AutoSubmit: true}
	manual := settings.Settings{Queue: true}
	old := asked{order: 1, waits: 10 * time.Minute}
	tests := []struct {
		name     string
		settings settings.Settings
		batching queue.Batching
		asked    asked
		before   func(*world, queue.EntryID) error
		want     time.Time
	}{
		{name: "Direct: at once", asked: old, want: epoch},
		{name: "Direct, in its time of grace", batching: queue.Batching{Grace: 15 * time.Minute}, asked: old, want: epoch.Add(5 * time.Minute)},
		{name: "Direct, and Amazon has no token", asked: old, before: func(w *world, _ queue.EntryID) error {
			w.put("queue/account/us", `{"wait": {"POST_PAYMENT_ADJUSTMENT_DATA": "2026-03-02T09:02:00Z"}}`)
			return nil
		}, want: epoch.Add(2 * time.Minute)},
		{name: "Auto: when the oldest has waited", settings: auto, asked: old, want: epoch.Add(20 * time.Minute)},
		{name: "Auto: not right after another document", settings: auto, asked: old, before: func(w *world, _ queue.EntryID) error {
			w.put("queue/account/us", `{"sent": {"POST_PAYMENT_ADJUSTMENT_DATA": "2026-03-02T08:57:00Z"}}`)
			return nil
		}, want: epoch.Add(17 * time.Minute)},
		{name: "Auto: when so many wait", settings: auto, batching: queue.Batching{Count: 1}, asked: old, want: epoch},
		{name: "Manual: nobody knows", settings: manual, asked: old},
		{name: "Manual, and somebody chose", settings: manual, asked: old, before: func(w *world, id queue.EntryID) error {
			_, err := w.queue().Process(w.t.Context(), "olga", id)
			return err
		}, want: epoch},
		{name: "while it waits for a shipment", asked: asked{order: 1, state: queue.EntryAwaitingShipment}, want: epoch},
		{name: "paused: nobody knows", asked: old, before: func(w *world, _ queue.EntryID) error {
			return w.queue().Pause(w.t.Context(), "ann", "stocktaking", queue.Scope{Company: "acme"})
		}},
		{name: "after Recover: at the look", asked: old, before: func(w *world, _ queue.EntryID) error {
			return w.queue().Recover(w.t.Context(), "root", epoch.Add(-time.Hour))
		}, want: epoch.Add(margin)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings, w.batching = tt.settings, tt.batching
				id := w.request(tt.asked)[0]
				if tt.before != nil {
					require.NoError(w.t, tt.before(w, id))
				}
				assert.Equal(w.t, tt.want, w.stats("acme")[0].Next)
			})
		})
	}
}

// Whatever keeps an account from sending is named, with who and why: a pause, a
// feed that nobody here sent, and a Recover until its look was made.
func TestStatsNameWhatKeepsFromSending(t *testing.T) {
	in(t, func(w *world) {
		why := func() (why []string) {
			for _, p := range w.stats("acme")[0].Paused {
				why = append(why, p.By+": "+p.Why)
			}
			return why
		}
		w.request(asked{order: 1})
		require.Empty(w.t, w.pass(w.queue(), 5*time.Minute))
		assert.Empty(w.t, why())

		require.NoError(w.t, w.queue().Pause(w.t.Context(), "ann", "audit", queue.Scope{Company: "acme"}))
		require.NoError(w.t, w.queue().Recover(w.t.Context(), "root", epoch))
		assert.Equal(w.t, []string{"ann: audit", "root: what was saved since 2026-03-02T09:00:00Z may be lost"}, why())

		require.NoError(w.t, w.queue().Resume(w.t.Context(), "ann", "done", queue.Scope{Company: "acme"}))
		w.amazon.stranger("777", w.account(), amazon.RefundFeed)
		w.request(asked{order: 2})
		require.Empty(w.t, w.pass(w.queue(), 5*time.Hour))
		assert.Equal(w.t, []string{"queue: not sent from here: feed 777", "root: what was saved since 2026-03-02T09:00:00Z may be lost"}, why())

		require.NoError(w.t, w.queue().Resume(w.t.Context(), "ann", "ours", queue.Scope{Account: "us"}))
		assert.Empty(w.t, why())
	})
}

// bucketFeeds are feeds that know their tokens.
type bucketFeeds struct {
	*scripted
	next map[amazon.FeedType]time.Time
	err  error
}

func (f *bucketFeeds) NextFeed(_ context.Context, _ amazon.Account, t amazon.FeedType) (time.Time, error) {
	return f.next[t], f.err
}

func TestStatsAskABucketThatKnows(t *testing.T) {
	in(t, func(w *world) {
		feeds := &bucketFeeds{scripted: w.amazon, next: map[amazon.FeedType]time.Time{amazon.RefundFeed: epoch.Add(time.Minute)}}
		q := w.queueOn(feeds)
		stats, err := q.Stats(w.t.Context(), "acme")
		require.NoError(w.t, err)
		assert.Equal(w.t, []queue.FeedStat{{Feed: amazon.CancelFeed}, {Feed: amazon.RefundFeed, Next: epoch.Add(time.Minute)}}, stats[0].Feeds)

		broken := account("eu", "acme")
		broken.Marketplaces = nil
		w.accounts = append(w.accounts, broken)
		_, err = w.queueOn(feeds).Stats(w.t.Context(), "acme")
		require.NoError(w.t, err, "an account that cannot send hides no other's figures")

		feeds.err = errLost
		_, err = q.Stats(w.t.Context(), "acme")
		assert.ErrorIs(w.t, err, errLost)
	})
}

// Figures that cannot be read are an error that says what could not be read, not
// zeros.
func TestStatsDoNotGuess(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		calls := &counting{}
		_, err := w.queue(calls).Stats(w.t.Context(), "acme")
		require.NoError(w.t, err)
		total := 0
		for _, n := range calls.calls {
			total += n
		}
		require.Greater(w.t, total, 4)
		for n := 1; n <= total; n++ {
			_, err := w.queue(&failing{of: "store", n: n, err: errLost}).Stats(w.t.Context(), "acme")
			assert.ErrorIs(w.t, err, errLost)
		}
		w.put("queue/pause/account/us", "yes")
		_, err = w.queue().Stats(w.t.Context(), "acme")
		assert.ErrorContains(w.t, err, `cell queue/pause/account/us holds "yes"`)
	})
}
