package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// margin is the default of queue.Config.Margin.
const margin = 4 * time.Hour

// lose sends one refund whose createFeed is not answered.
func (w *world) lose(q *queue.Queue, arrives bool, as ...asked) []queue.EntryID {
	w.t.Helper()
	w.amazon.answers = []answer{{arrives: arrives, err: errLost}}
	ids := w.request(append([]asked{{order: 1}}, as...)...)
	_, err := q.Step(w.t.Context())
	require.ErrorIs(w.t, err, errLost)
	require.Equal(w.t, queue.EntryUnknownSent, w.get(ids[0]).State)
	return ids
}

// alerts are the kinds of the alerts that are open, in the order of their keys.
func (w *world) alerts() (kinds []string) {
	w.t.Helper()
	as, err := w.store.Alerts(w.t.Context(), order.AlertQuery{})
	require.NoError(w.t, err)
	for _, a := range as {
		kind, _, _ := strings.Cut(a.Key, "/")
		kinds = append(kinds, kind)
		assert.NotEmpty(w.t, a.For)
		assert.NotEmpty(w.t, a.Text)
	}
	return kinds
}

func (w *world) first() queue.Batch {
	w.t.Helper()
	bs := w.batches()
	require.NotEmpty(w.t, bs)
	return bs[0]
}

func (w *world) account() amazon.Account { return w.accounts[0] }

// The feed of a lost answer is found at the first look, and what it accepted
// stays reserved until something proves that it is ours.
func TestAdoptedAcceptanceIsProvisional(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, true)[0]
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		b := w.first()
		assert.Equal(w.t, queue.BatchDone, b.State)
		assert.Equal(w.t, amazon.FeedID("50001"), b.DocumentNumber)
		assert.True(w.t, b.Adopted)
		assert.False(w.t, b.Applied, "its createFeed may still arrive")
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
		assert.Equal(w.t, "5.00 0.00", w.reserved(id)+" "+w.posted(id))

		w.testify = accepted
		require.Empty(w.t, w.pass(q, 25*time.Hour))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		assert.Equal(w.t, "0.00 5.00", w.reserved(id)+" "+w.posted(id))
		b = w.first()
		assert.True(w.t, b.Applied)
		assert.Equal(w.t, 1, b.Accepted)
		assert.Len(w.t, w.amazon.sent(), 1)
		assert.Empty(w.t, w.alerts())
	})
}

// accepted is a witness who has seen everything.
func accepted(e queue.Entry) (queue.Testimony, error) {
	var rs []queue.Result
	for _, m := range e.Attempt().Messages {
		rs = append(rs, queue.Result{Part: m.Part, Verdict: amazon.VerdictAccepted, Text: "seen in finances"})
	}
	return queue.Testimony{Results: rs, Evidence: []queue.Evidence{{Kind: queue.EvidenceFinances, Text: "booked"}}}, nil
}

// A report that echoes one of our message IDs and no other proves that the
// adopted feed is ours.
func TestEchoedIDProvesAdoption(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(18028, 1)
		q := w.queue()
		ids := w.lose(q, true, asked{order: 2})
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryRefused, queue.EntryAccepted}, w.states(ids...))
		b := w.first()
		assert.False(w.t, b.Adopted)
		assert.True(w.t, b.Applied, "Amazon has read the document, so it is not on its way any more")
		assert.Equal(w.t, "0.00 5.00", w.reserved(ids[0])+" "+w.posted(ids[1]))
	})
}

// An adopted feed refuses an entry only if an Error echoes our message ID: the
// refusal of a document as a whole may be about another's.
func TestAdoptedFeedRefusesOnlyByAnEchoedID(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = func([]amazon.MessageID) []byte { return encoded(reported(0, refusal(0, 5001, "bad XML"))) }
		q := w.queue()
		id := w.lose(q, true)[0]
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
		assert.Equal(w.t, "5.00", w.reserved(id))
	})
}

// An echoed ID that is not ours un-adopts the feed, and it is never taken for
// this batch's again.
func TestForeignIDUnadopts(t *testing.T) {
	for _, status := range []amazon.FeedStatus{amazon.FeedDone, amazon.FeedFatal} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				ids := w.lose(q, false, asked{order: 2, items: 2})
				w.amazon.stranger("777", w.account(), amazon.RefundFeed)
				w.amazon.setStatus("777", status)
				w.amazon.setReport("777", encoded(reported(1, refusal(7, 18028, "no"))))
				require.Empty(w.t, w.pass(q, 20*time.Minute))
				b := w.first()
				assert.Equal(w.t, queue.BatchUnknownSent, b.State)
				assert.Empty(w.t, b.DocumentNumber)
				assert.Empty(w.t, b.Look.Candidates)
				assert.Empty(w.t, b.Report)
				assert.Equal(w.t, []queue.State{queue.EntryUnknownSent, queue.EntryUnknownSent}, w.states(ids...))
				assert.Empty(w.t, w.get(ids[1]).Attempt().Results)
				assert.Equal(w.t, "5.00 10.00", w.reserved(ids[0])+" "+w.reserved(ids[1]))

				require.Empty(w.t, w.pass(q, 24*time.Hour))
				assert.Equal(w.t, []queue.State{queue.EntryNeedsDecision, queue.EntryNeedsDecision}, w.states(ids...))
				assert.Equal(w.t, []string{"lost"}, w.alerts())
			})
		})
	}
}

// A cancelled feed that was adopted proves nothing about our createFeed.
func TestCancelledFeedThatWasAdopted(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		w.amazon.stranger("777", w.account(), amazon.RefundFeed)
		w.amazon.setStatus("777", amazon.FeedCancelled)
		require.Empty(w.t, w.pass(q, time.Hour))
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State, "not sent again by a stranger's cancellation")
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// A batch may adopt only a feed of its type that no batch owns, created between
// its attempt and its fence.
func TestAdoptsOnlyInsideTheWindow(t *testing.T) {
	tests := []struct {
		name   string
		feed   amazon.FeedType
		after  time.Duration // its attempt
		adopts bool
	}{
		{"before the attempt", amazon.RefundFeed, -2 * time.Second, false},
		{"at the attempt", amazon.RefundFeed, 0, true},
		{"at the fence", amazon.RefundFeed, tokenLife, true},
		{"after the fence", amazon.RefundFeed, tokenLife + time.Second, false},
		{"of another type", amazon.CancelFeed, time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				id := w.lose(q, false)[0]
				w.amazon.feeds["777"] = createCall{ID: "777", At: w.first().AttemptedAt.Add(tt.after), Account: w.account(), Feed: tt.feed}
				require.Empty(w.t, w.pass(q, 3*time.Hour))
				want := map[bool]queue.State{true: queue.EntryUnknownResult, false: queue.EntryUnknownSent}[tt.adopts]
				assert.Equal(w.t, want, w.get(id).State)
			})
		})
	}
}

func TestAdoptsNoFeedThatABatchOwns(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.request(asked{order: 9})
		w.step(q) // its feed is created in the same second as the next attempt
		first := w.first()
		id := w.lose(q, false)[0]
		w.amazon.feeds[first.DocumentNumber] = createCall{ID: first.DocumentNumber, At: w.batches()[1].AttemptedAt, Account: w.account(), Feed: amazon.RefundFeed, Document: w.amazon.feeds[first.DocumentNumber].Document}
		require.Empty(w.t, w.pass(q, 3*time.Hour))
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)
	})
}

// "Not sent" may be concluded only from a complete look after the fence and the
// visibility margin: Amazon may list a feed that late.
func TestNotSentOnlyAfterFenceAndMargin(t *testing.T) {
	in(t, func(w *world) {
		w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
		w.amazon.ahead = 3 * time.Minute
		q := w.queue()
		id := w.lose(q, false)[0]
		decisive := w.first().Fence.Add(margin).Add(-w.amazon.ahead)
		require.Empty(w.t, w.pass(q, decisive.Sub(w.now())-time.Second))
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)
		assert.Less(w.t, w.amazon.lists, 14, "it is looked for sparingly")

		require.Empty(w.t, w.pass(q, 10*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State, "the policy has it sent anew")
		require.Len(w.t, w.amazon.sent(), 2)
		assert.False(w.t, w.amazon.sent()[1].At.Before(w.first().Fence.Add(margin)))
		assert.Equal(w.t, queue.BatchCancelled, w.first().State)
		assert.True(w.t, w.first().Applied)
		assert.Len(w.t, w.get(id).Attempts, 2)
	})
}

// A feed that Amazon lists at the last moment is found, and nothing is sent anew.
func TestFeedThatIsListedLate(t *testing.T) {
	in(t, func(w *world) {
		w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
		w.amazon.lag = margin
		q := w.queue()
		id := w.lose(q, true)[0]
		require.Empty(w.t, w.pass(q, 24*time.Hour))
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// Without the policy a person decides, and is told once.
func TestNothingFoundNeedsADecision(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		ids := w.lose(q, false, asked{order: 2})
		require.Empty(w.t, w.pass(q, week))
		assert.Equal(w.t, []queue.State{queue.EntryNeedsDecision, queue.EntryNeedsDecision}, w.states(ids...))
		assert.Equal(w.t, []string{"lost"}, w.alerts())
		assert.Equal(w.t, "5.00", w.reserved(ids[0]))
		assert.Len(w.t, w.amazon.sent(), 1)
		assert.Less(w.t, w.amazon.lists, 25, "once a day, when it is hopeless")
	})
}

// Several candidates are for a person, unless a report tells which is ours.
func TestSeveralCandidates(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		w.amazon.stranger("777", w.account(), amazon.RefundFeed)
		w.amazon.stranger("778", w.account(), amazon.RefundFeed)
		require.Empty(w.t, w.pass(q, 3*time.Minute))
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		assert.Equal(w.t, []amazon.FeedID{"777", "778"}, w.first().Look.Candidates)
		assert.Equal(w.t, []string{"lost"}, w.alerts())

		ours := w.get(id).Attempt().Messages[0].Message
		w.amazon.setReport("777", encoded(reported(1, refusal(ours, 18028, "no"))))
		w.amazon.setReport("778", encoded(reported(1, refusal(7, 18028, "no"))))
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, queue.EntryRefused, w.get(id).State)
		assert.Equal(w.t, amazon.FeedID("777"), w.first().DocumentNumber)
	})
}

// Where other applications send such feeds too, only a report that names our
// message and no other makes a feed ours.
func TestOtherSenders(t *testing.T) {
	in(t, func(w *world) {
		w.accounts[0].OtherSenders = true
		w.amazon.status = amazon.FeedInProgress
		q := w.queue()
		id := w.lose(q, true)[0]
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)
		assert.Equal(w.t, []amazon.FeedID{"50001"}, w.first().Look.Candidates)
		w.amazon.status = amazon.FeedDone
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State, "that all succeeded proves nothing")
		w.amazon.report = refusing(18028, 1)
		require.Empty(w.t, w.pass(q, 2*time.Hour))
		assert.Equal(w.t, queue.EntryRefused, w.get(id).State)
		assert.False(w.t, w.first().Adopted)
	})
}

// Where others send too, feeds that could be ours are left to a person in the end.
func TestOtherSendersAndNoProof(t *testing.T) {
	in(t, func(w *world) {
		w.accounts[0].OtherSenders = true
		w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
		q := w.queue()
		id := w.lose(q, true)[0]
		require.Empty(w.t, w.pass(q, 24*time.Hour))
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		assert.Equal(w.t, []string{"lost"}, w.alerts())
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// A batch that has adopted a feed keeps the next createFeed waiting until its
// fence all the same: ours may still be on its way.
func TestAdoptionLiftsNoFence(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.lose(q, false)
		w.amazon.stranger("777", w.account(), amazon.RefundFeed)
		fence := w.first().Fence
		require.Empty(w.t, w.pass(q, 10*time.Minute))
		require.True(w.t, w.first().Adopted)
		id := w.request(asked{order: 2})[0]
		require.Empty(w.t, w.pass(q, fence.Sub(w.now())-time.Second))
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		require.Empty(w.t, w.pass(q, 10*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		assert.True(w.t, w.first().Applied)
	})
}

// A clock of ours that is ahead does not end the fence of a batch that is done.
func TestClockAheadLiftsNoFence(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.ahead = -2 * time.Hour
		q := w.queue()
		w.lose(q, true)
		require.Empty(w.t, w.pass(q, 10*time.Minute))
		require.Equal(w.t, queue.BatchDone, w.first().State)
		id := w.request(asked{order: 2})[0]
		w.pass(q, 30*time.Minute)
		assert.False(w.t, w.first().Applied)
		assert.NotEqual(w.t, queue.EntrySubmitted, w.get(id).State)
		require.Len(w.t, w.amazon.sent(), 1)
		w.pass(q, 3*time.Hour)
		assert.True(w.t, w.first().Applied)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// Amazon is asked once for all batches whose answer is lost, and a list that
// fails settles nothing.
func TestOneLookServesAll(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.lose(q, false)
		w.pass(q, w.first().Fence.Sub(w.now()))
		w.amazon.answers = []answer{{err: errLost}}
		w.request(asked{order: 2})
		w.pass(q, time.Minute)
		require.Len(w.t, w.amazon.sent(), 2)
		before := w.amazon.lists
		broken := &failing{of: "amazon.ListFeeds", n: 1, err: errLost}
		time.Sleep(2 * time.Minute)
		_, err := w.queue(broken).Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		assert.Equal(w.t, before, w.amazon.lists)
		time.Sleep(time.Minute)
		w.step(q)
		assert.Equal(w.t, before+1, w.amazon.lists)
		for _, b := range w.batches() {
			assert.Equal(w.t, w.first().Look.At, b.Look.At)
			assert.Equal(w.t, queue.BatchUnknownSent, b.State)
		}
	})
}
