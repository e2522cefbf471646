package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// notSent is a createFeed that failed before its first byte.
var notSent = answer{err: &amazon.Error{Op: "createFeed", Sent: amazon.NotSent}}

// suspended asks for a refund and has one worker stand before its createFeed for
// so long that it loses its turn.
func (w *world) suspended(a answer, as ...asked) (*turnstile, []queue.EntryID) {
	w.t.Helper()
	w.amazon.answers = []answer{a}
	ids := w.request(append([]asked{{order: 1}}, as...)...)
	sender := w.worker()
	require.True(w.t, sender.until("amazon.Create"))
	w.leaseEnds()
	return sender, ids
}

// The answer that comes while another's feed was adopted corrects the batch,
// whatever it has become by then.
func TestLateAnswerCorrectsAdoption(t *testing.T) {
	refused := answer{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}}
	tests := []struct {
		name   string
		status amazon.FeedStatus // of the adopted feed
		answer answer
		then   queue.State // at once
		number amazon.FeedID
		ends   queue.State
	}{
		{"another number", amazon.FeedInQueue, answer{arrives: true}, queue.EntrySubmitted, "50001", queue.EntryAccepted},
		{"another number, in progress", amazon.FeedInProgress, answer{arrives: true}, queue.EntrySubmitted, "50001", queue.EntryAccepted},
		{"another number, done", amazon.FeedDone, answer{arrives: true}, queue.EntrySubmitted, "50001", queue.EntryAccepted},
		{"another number, fatal", amazon.FeedFatal, answer{arrives: true}, queue.EntrySubmitted, "50001", queue.EntryAccepted},
		{"not sent", amazon.FeedDone, notSent, queue.EntryClaimed, "", queue.EntryAccepted},
		{"refused", amazon.FeedDone, refused, queue.EntryNeedsDecision, "", queue.EntryNeedsDecision},
		{"lost", amazon.FeedDone, answer{err: errLost}, queue.EntryUnknownResult, "777", queue.EntryUnknownResult},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				sender, ids := w.suspended(tt.answer)
				w.amazon.stranger("777", w.account(), amazon.RefundFeed)
				w.amazon.setStatus("777", tt.status)
				q := w.queue()
				require.Empty(w.t, w.pass(q, 10*time.Minute))
				require.Equal(w.t, amazon.FeedID("777"), w.first().DocumentNumber)
				sender.finish()
				assert.Equal(w.t, tt.then, w.get(ids[0]).State)
				assert.Equal(w.t, tt.number, w.first().DocumentNumber)
				assert.Equal(w.t, tt.number == "777", w.first().Adopted)
				// Feed 777 is nobody's by then, which stops the account.
				w.pass(q, time.Hour)
				require.NoError(w.t, q.Resume(w.t.Context(), "boss", "777 was sent by hand", queue.Scope{Account: "us"}))
				w.pass(q, 2*time.Hour)
				assert.Equal(w.t, tt.ends, w.get(ids[0]).State)
				for name, n := range w.amazon.effects() {
					assert.Equal(w.t, 1, n, name)
				}
			})
		})
	}
}

// The answer that names the adopted feed makes definite what was provisional.
func TestLateAnswerConfirmsAdoption(t *testing.T) {
	for name, report := range map[string][]byte{"accepted": nil, "document refused": encoded(reported(0, refusal(0, 5001, "bad XML")))} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.answers = []answer{{arrives: true}}
				id := w.request(asked{order: 1})[0]
				sender := w.worker(&standing{"amazon.Create", 40 * time.Minute})
				go sender.finish()
				time.Sleep(time.Second)
				q := w.queue()
				ends := queue.EntryAccepted
				if report != nil {
					w.amazon.setReport("50001", report)
					ends = queue.EntryRefused
				}
				require.Empty(w.t, w.pass(q, 20*time.Minute))
				require.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
				require.Empty(w.t, w.pass(q, 30*time.Minute))
				assert.Equal(w.t, ends, w.get(id).State)
				assert.False(w.t, w.first().Adopted)
				assert.Equal(w.t, "0.00", w.reserved(id))
			})
		})
	}
}

// standing keeps a worker for some time after a call.
type standing struct {
	call string
	d    time.Duration
}

func (s *standing) before(string) error { return nil }

func (s *standing) after(call string) error {
	if call == s.call {
		time.Sleep(s.d)
	}
	return nil
}

// decideAnew has a person say, against all prudence, that the first batch was not
// sent.
func (w *world) decideAnew(q *queue.Queue) {
	w.t.Helper()
	c, err := q.Case(w.t.Context(), w.first().ID)
	require.NoError(w.t, err)
	require.NoError(w.t, q.Decide(w.t.Context(), queue.Decision{Batch: c.Batch.ID, Version: c.Version, Choice: queue.ChoiceAnew, Override: true, By: "boss", Why: "I am sure"}))
}

// Whatever was decided, what Amazon answered in the end is recorded and undoes
// what can be undone.
func TestAnswerAfterADecision(t *testing.T) {
	queued, submitted, accepted := queue.EntryQueued, queue.EntrySubmitted, queue.EntryAccepted
	stay := func(*world, []queue.EntryID) {}
	tests := []struct {
		name    string
		between func(w *world, ids []queue.EntryID)
		answer  answer
		then    []queue.State
		ends    []queue.State
		batch   queue.BatchState
		alerts  []string
	}{
		{"queued again", stay, answer{arrives: true}, []queue.State{submitted, submitted}, []queue.State{accepted, accepted}, queue.BatchInQueue, nil},
		{"not sent", stay, notSent, []queue.State{queued, queued}, []queue.State{accepted, accepted}, queue.BatchCancelled, nil},
		{"refused", stay, answer{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}}, []queue.State{queued, queued}, []queue.State{accepted, accepted}, queue.BatchCancelled, nil},
		{"still lost", stay, answer{err: errLost}, []queue.State{queued, queued}, []queue.State{accepted, accepted}, queue.BatchCancelled, nil},
		{"withdrawn", func(w *world, ids []queue.EntryID) {
			require.NoError(w.t, w.queue().Withdraw(w.t.Context(), "clerk", "", ids[0]))
		}, answer{arrives: true}, []queue.State{queue.EntryWithdrawn, submitted}, []queue.State{queue.EntryWithdrawn, accepted}, queue.BatchInQueue, []string{"contradicted"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				sender, ids := w.suspended(tt.answer, asked{order: 2})
				q := w.queue()
				w.pass(q, 5*time.Minute)
				w.decideAnew(q)
				require.Equal(w.t, []queue.State{queued, queued}, w.states(ids...))
				tt.between(w, ids)
				sender.finish()
				assert.Equal(w.t, tt.then, w.states(ids...))
				assert.Equal(w.t, tt.batch, w.first().State)
				w.pass(q, 3*time.Hour)
				assert.Equal(w.t, tt.ends, w.states(ids...))
				assert.Equal(w.t, tt.alerts, w.alerts())
				for name, n := range w.amazon.effects() {
					assert.Equal(w.t, 1, n, name)
				}
			})
		})
	}
}

// A second attempt that was not sent yet is dissolved when the first one turns
// out to be sent.
func TestAnswerDissolvesTheUnsentSecondAttempt(t *testing.T) {
	for _, at := range []string{"amazon.Upload", "amazon.Create"} {
		t.Run(at, func(t *testing.T) {
			in(t, func(w *world) {
				sender, ids := w.suspended(answer{arrives: true})
				q := w.queue()
				w.pass(q, 5*time.Minute)
				w.decideAnew(q)
				time.Sleep(w.first().Fence.Sub(w.now()) + time.Second)
				ids = append(ids, w.request(asked{order: 2})...)
				// Built, or uploaded and answered with "not sent".
				second := map[string]*failing{
					"amazon.Upload": {of: at, n: 1, err: errLost},
					"amazon.Create": {of: at, n: 1, err: notSent.err},
				}[at]
				_, err := w.queue(second).Step(w.t.Context())
				require.Error(w.t, err)
				require.Equal(w.t, queue.EntryClaimed, w.get(ids[0]).State)

				sender.finish()
				assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntryQueued}, w.states(ids...))
				e := w.get(ids[0])
				assert.Equal(w.t, w.first().ID, e.Attempt().Batch)
				assert.Len(w.t, e.Attempts, 2)
				assert.Equal(w.t, []queue.BatchState{queue.BatchInQueue, queue.BatchCancelled}, w.batchStates())
				w.pass(q, time.Hour)
				assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
				assert.Empty(w.t, w.alerts())
				for name, n := range w.amazon.effects() {
					assert.Equal(w.t, 1, n, name)
				}
			})
		})
	}
}

// If a second attempt was sent by then, Doubled is raised, and the one that is
// still IN_QUEUE is cancelled.
func TestDoubled(t *testing.T) {
	tests := []struct {
		name          string
		first, second amazon.FeedStatus
		effects       int
		ends          queue.State
	}{
		{"the first one waits", amazon.FeedInQueue, amazon.FeedDone, 1, queue.EntryAccepted},
		{"the second one waits", amazon.FeedDone, amazon.FeedInQueue, 1, queue.EntryAccepted},
		{"both wait", amazon.FeedInQueue, amazon.FeedInQueue, 1, queue.EntrySubmitted},
		{"both have begun", amazon.FeedDone, amazon.FeedDone, 2, queue.EntryAccepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				sender, ids := w.suspended(answer{arrives: true})
				q := w.queue()
				w.pass(q, 5*time.Minute)
				w.decideAnew(q)
				w.amazon.setStatus("50001", tt.second) // numbers are given as they are sent
				w.amazon.setStatus("50002", tt.first)
				w.pass(q, w.first().Fence.Sub(w.now())+time.Minute)
				require.Len(w.t, w.amazon.sent(), 1)

				sender.finish()
				assert.Equal(w.t, []string{"doubled"}, w.alerts())
				require.Empty(w.t, w.pass(q, time.Hour))
				total := 0
				for _, n := range w.amazon.effects() {
					total += n
				}
				assert.Equal(w.t, tt.effects, total)
				assert.Equal(w.t, tt.ends, w.get(ids[0]).State)
				assert.Len(w.t, w.get(ids[0]).Attempts, 2)
				assert.Equal(w.t, []string{"doubled"}, w.alerts())
				assert.Len(w.t, w.amazon.sent(), 2, "nothing is sent a third time")
			})
		})
	}
}

// What a late answer settles is settled once, also when saving it fails for a while.
func TestLateAnswerIsSavedOnce(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		w.amazon.answers = []answer{notSent}
		late := &failing{of: "store.SaveQueue", n: 4, late: true, err: errLost} // claim, upload, commit, answer
		_, err := w.queue(late).Step(w.t.Context())
		require.Error(w.t, err)
		b := w.first()
		assert.Equal(w.t, queue.BatchUploaded, b.State)
		assert.Len(w.t, b.Evidence, 1)
		assert.False(w.t, b.Unanswered)
		assert.Equal(w.t, 1, b.Sends)
		w.pass(w.queue(), time.Hour)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		assert.Equal(w.t, 2, w.first().Sends)
	})
}

// When the first attempt turns out to be sent and the second one not, the first
// one counts, and nothing is sent a third time.
func TestSecondAttemptThatHadNoEffect(t *testing.T) {
	for name, second := range map[string]answer{
		"lost": {err: errLost}, "not sent": notSent, "refused": {err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
				first, ids := w.suspended(answer{arrives: true})
				q := w.queue()
				w.pass(q, 5*time.Minute)
				w.decideAnew(q)
				time.Sleep(w.first().Fence.Sub(w.now()) + time.Second)
				later := w.worker()
				require.True(w.t, later.until("amazon.Create"))
				w.leaseEnds()

				first.finish()
				require.Equal(w.t, []string{"doubled"}, w.alerts())
				w.pass(q, 10*time.Minute)
				w.amazon.answers = []answer{second}
				later.finish()
				w.pass(q, 12*time.Hour)
				assert.Len(w.t, w.amazon.sent(), 2)
				assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
				assert.Equal(w.t, w.first().ID, w.get(ids[0]).Attempt().Batch)
				assert.Equal(w.t, "0.00 5.00", w.reserved(ids[0])+" "+w.posted(ids[0]))
				for name, n := range w.amazon.effects() {
					assert.Equal(w.t, 1, n, name)
				}
			})
		})
	}
}
