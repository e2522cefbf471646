package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// atMostOnce asserts the first law, and answers how many messages had effect.
func (w *world) atMostOnce() int {
	w.t.Helper()
	total := 0
	for name, n := range w.amazon.effects() {
		assert.Equal(w.t, 1, n, "effects of %s", name)
		total += n
	}
	return total
}

// again sends the first batch's entries a second time, while the worker that was
// to send them still stands before its createFeed.
func (w *world) again(second answer) (sender *turnstile, q *queue.Queue, id queue.EntryID) {
	w.t.Helper()
	sender, ids := w.suspended(answer{arrives: true})
	q = w.queue()
	w.pass(q, 5*time.Minute)
	w.decideAnew(q)
	w.amazon.answers = []answer{second}
	w.pass(q, w.first().Fence.Sub(w.now())+10*time.Minute)
	require.Len(w.t, w.amazon.sent(), 1)
	require.Len(w.t, w.get(ids[0]).Attempts, 2)
	return sender, q, ids[0]
}

// Amazon's times are whole seconds. A feed of the very second of a fence would be
// inside the windows of two batches, and the wrong one would adopt it.
func TestNoFeedInTwoWindows(t *testing.T) {
	in(t, func(w *world) {
		w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
		q := w.queue()
		w.lose(q, false)
		w.amazon.answers = []answer{{arrives: true, err: errLost}}
		w.request(asked{order: 2})
		w.pass(q, 24*time.Hour)
		bs := w.batches()
		require.GreaterOrEqual(w.t, len(bs), 2)
		assert.True(w.t, bs[1].AttemptedAt.Truncate(time.Second).After(bs[0].Fence.Truncate(time.Second)))
		assert.Equal(w.t, 2, w.atMostOnce())
	})
}

// What a person wants to try again is not sent while an attempt of it may have
// effect; when that had none, it is.
func TestRetryWaitsForEarlierAttempts(t *testing.T) {
	retry := func(q *queue.Queue, id queue.EntryID) error {
		return q.Retry(context.Background(), "clerk", "the buyer insists", id)
	}
	t.Run("withdrawn, and its answer came after all", func(t *testing.T) {
		in(t, func(w *world) {
			sender, ids := w.suspended(answer{arrives: true})
			q := w.queue()
			w.pass(q, 5*time.Minute)
			w.decideAnew(q)
			require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "", ids[0]))
			w.amazon.status, w.amazon.report = amazon.FeedInQueue, refusing(18028, 1)
			sender.finish()
			err := retry(q, ids[0])
			require.ErrorIs(w.t, err, queue.ErrTransition)
			require.ErrorContains(w.t, err, string(w.first().ID))
			require.Equal(w.t, queue.EntryWithdrawn, w.get(ids[0]).State)

			w.amazon.status = ""
			w.pass(q, 2*time.Hour)
			w.amazon.report = nil
			require.NoError(w.t, retry(q, ids[0]), "Amazon refused it")
		})
	})
	t.Run("given up by an override", func(t *testing.T) {
		in(t, func(w *world) {
			q := w.queue()
			id := w.lose(q, true)[0]
			over := w.entryDecision(q, id, queue.ChoiceGiveUp)
			over.Override = true
			require.NoError(w.t, q.Decide(w.t.Context(), over))
			require.ErrorIs(w.t, retry(q, id), queue.ErrTransition)
			w.pass(q, 24*time.Hour)
			require.ErrorIs(w.t, retry(q, id), queue.ErrTransition, "its feed is adopted")
			w.pass(q, 72*time.Hour)
			require.NoError(w.t, retry(q, id), "its report named no error, and Amazon shows nothing after three days")
		})
	})
	t.Run("given up when nothing was found", func(t *testing.T) {
		in(t, func(w *world) {
			q := w.queue()
			id := w.lose(q, false)[0]
			w.pass(q, 6*time.Hour)
			require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, queue.ChoiceGiveUp)))
			w.pass(q, 24*time.Hour)
			require.NoError(w.t, retry(q, id))
			w.pass(q, time.Hour)
			assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
			assert.Equal(w.t, 1, w.atMostOnce())
		})
	})
	t.Run("refused, while an earlier attempt runs", func(t *testing.T) {
		in(t, func(w *world) {
			w.amazon.report = refusing(18028, 1)
			sender, q, id := w.again(answer{arrives: true})
			require.Equal(w.t, queue.EntryRefused, w.get(id).State)
			w.amazon.setStatus("50002", amazon.FeedInProgress)
			sender.finish()
			w.pass(q, 5*time.Minute)
			require.ErrorIs(w.t, retry(q, id), queue.ErrTransition)
			w.pass(q, time.Hour)
			assert.Len(w.t, w.amazon.sent(), 2)
		})
	})
}

// Who retries at the moment at which the answer of an earlier attempt comes is
// told to look again, or the answer takes the entry back.
func TestRetryMeetsALateAnswer(t *testing.T) {
	for _, first := range []string{"retry", "answer"} {
		t.Run(first, func(t *testing.T) {
			in(t, func(w *world) {
				sender, ids := w.suspended(answer{arrives: true})
				q := w.queue()
				w.pass(q, 5*time.Minute)
				w.decideAnew(q)
				require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "", ids[0]))
				require.True(w.t, sender.until("store.SaveQueue"))
				answered := func() { sender.finish() }
				retried := func(q *queue.Queue) error { return q.Retry(w.t.Context(), "clerk", "again", ids[0]) }
				if first == "retry" {
					require.NoError(w.t, retried(q))
					answered()
					assert.Equal(w.t, queue.EntrySubmitted, w.get(ids[0]).State)
				} else {
					late := w.queue(&meanwhile{at: "store.SaveRefunds", act: answered})
					require.ErrorIs(w.t, retried(late), queue.ErrTransition)
				}
				w.pass(q, 12*time.Hour)
				assert.Equal(w.t, 1, w.atMostOnce())
				assert.Len(w.t, w.amazon.sent(), 1)
			})
		})
	}
}

// An entry that waits to be sent a third time goes back to its first attempt, when
// that turns out to be sent.
func TestLateAnswerOfTheFirstOfThreeAttempts(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(18028, 1)
		sender, q, id := w.again(answer{arrives: true})
		require.Equal(w.t, queue.EntryRefused, w.get(id).State)
		w.settings = manual
		require.NoError(w.t, q.Retry(w.t.Context(), "clerk", "again", id))
		w.amazon.report = nil
		sender.finish()
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
		assert.Equal(w.t, w.first().ID, w.get(id).Attempt().Batch)
		w.settings = settings.Settings{}
		w.pass(q, 12*time.Hour)
		assert.Len(w.t, w.amazon.sent(), 2)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// Of two attempts that were sent, the second is cancelled also when its answer
// comes last.
func TestDoubledAndTheSecondAnswersLast(t *testing.T) {
	in(t, func(w *world) {
		first, ids := w.suspended(answer{arrives: true})
		q := w.queue()
		w.pass(q, 5*time.Minute)
		w.decideAnew(q)
		time.Sleep(w.first().Fence.Sub(w.now()) + time.Second)
		later := w.worker()
		require.True(w.t, later.until("amazon.Create"))
		w.leaseEnds()
		w.amazon.setStatus("50002", amazon.FeedInQueue)
		first.finish()
		w.pass(q, 5*time.Minute)
		require.Equal(w.t, queue.BatchDone, w.first().State)
		later.finish()
		w.pass(q, time.Hour)
		assert.Equal(w.t, amazon.FeedCancelled, w.amazon.statuses["50002"])
		assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
		assert.Equal(w.t, 1, w.atMostOnce())
		assert.Equal(w.t, []string{"doubled"}, w.alerts())
		assert.Len(w.t, w.amazon.sent(), 2)
	})
}

// What is given up must not be on its way in an earlier attempt: its money would
// be free to be paid once more.
func TestGiveUpWaitsForEarlierAttempts(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(5002, 1) // nobody knows
		sender, q, id := w.again(answer{arrives: true})
		w.amazon.setStatus("50002", amazon.FeedInProgress)
		sender.finish()
		w.pass(q, 80*time.Hour)
		require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		for _, c := range []queue.Choice{queue.ChoiceGiveUp, queue.ChoiceAnew} {
			require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, c)), queue.ErrTransition)
		}
		assert.Equal(w.t, "5.00", w.reserved(id))
	})
}

// What a person said of a part is told apart from what Amazon said: it proves
// nothing about the document.
func TestDecidedPartIsNoEvidence(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.amazon.answers = []answer{{err: errLost}}
		id := w.request(asked{order: 1, items: 2})[0]
		w.pass(q, 6*time.Hour)
		part := w.entryDecision(q, id, queue.ChoiceSettled)
		part.Parts = []string{"00000000000101"}
		require.NoError(w.t, q.Decide(w.t.Context(), part))
		assert.Equal(w.t, "boss", w.get(id).Attempt().Results[0].By)
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceAnew)), "no feed was found, and a person paid the other way")
		assert.Equal(w.t, queue.ChoiceAnew, w.first().Decided)
	})
}

// What was to be sent anew and is set aside for a person can be decided about.
func TestSetAsideAfterADecision(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		w.pass(q, 6*time.Hour)
		w.prepare = func(es []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			for i := range ps {
				ps[i].Aside = &queue.Aside{State: queue.EntryNeedsDecision, Why: "the order has changed"}
			}
			return ps, nil
		}
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceAnew)))
		w.pass(q, 10*time.Minute)
		require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, queue.ChoiceGiveUp)))
		assert.Equal(w.t, "0.00", w.reserved(id))
	})
}

// A feed that was created a little before the attempt, by Amazon's clock, is not
// taken for the batch's. But Amazon's machines need not agree on the time, so it
// may be: "not sent" is not concluded while nobody knows whose it is.
func TestFeedJustBeforeTheAttempt(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration
		want   queue.State
	}{
		"a second":       {2 * time.Second, queue.EntryNeedsDecision},
		"a quarter hour": {15*time.Minute + 2*time.Second, queue.EntryAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings.Policy.LostAnswer = settings.LostAnswerSendsAnew
				q := w.queue()
				id := w.lose(q, false)[0]
				w.amazon.strangerAt("777", amazon.RefundFeed, w.first().AttemptedAt.Add(-tt.before))
				w.pass(q, 24*time.Hour)
				require.Equal(w.t, tt.want, w.get(id).State)
				if tt.want == queue.EntryAccepted {
					return
				}
				err := q.Decide(w.t.Context(), w.decision(q, queue.ChoiceAnew))
				require.ErrorContains(w.t, err, "777")
				named := w.decision(q, queue.ChoiceSent)
				named.Feed, named.Override = "777", true
				require.NoError(w.t, q.Decide(w.t.Context(), named))
			})
		})
	}
}

// When feeds show up that nobody here sent, one of them may be a document that
// is not sent as far as this store knows. So its entries wait where people can
// take them back.
func TestStrangersDissolveWhatIsNotSent(t *testing.T) {
	for name, stop := range map[string]func(*world, *queue.Queue){
		"newer than our newest": func(*world, *queue.Queue) {},
		"after a restore": func(w *world, q *queue.Queue) {
			require.NoError(w.t, q.Recover(w.t.Context(), "admin", w.now().Add(-time.Hour)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				id := w.request(asked{order: 1})[0]
				begin["Uploaded"](w)
				w.amazon.stranger("777", w.account(), amazon.RefundFeed)
				sent := len(w.amazon.sent())
				q := w.queue()
				stop(w, q)
				w.pass(q, 5*time.Hour)
				require.Equal(w.t, []string{"unclaimed"}, w.alerts())
				require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "777 holds it", id))
				require.NoError(w.t, q.Resume(w.t.Context(), "admin", "777 was ours", queue.Scope{Account: "us"}))
				w.pass(q, time.Hour)
				assert.Len(w.t, w.amazon.sent(), sent)
			})
		})
	}
}

// After a restore, a feed in the window of a lost answer may be of a document that
// was forgotten, whose entries wait in the queue again. Taking it for the lost
// one's silently would send those twice.
func TestRestoredLostAnswerProvesNothing(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.lose(q, false)
		since := w.now()
		w.amazon.stranger("777", w.account(), amazon.RefundFeed) // holds the second one
		ids := w.request(asked{order: 2})
		require.NoError(w.t, q.Recover(w.t.Context(), "admin", since))
		w.pass(q, 6*time.Hour)
		assert.Equal(w.t, queue.EntryQueued, w.get(ids[0]).State)
		assert.Contains(w.t, w.alerts(), "unclaimed")
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// A feed of ours that Amazon does not tell of any more is as much in need of
// somebody who looks as one that waits.
func TestFeedThatCannotBeReadIsStuck(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInQueue
		w.request(asked{order: 1})
		q := w.queue()
		w.step(q)
		delete(w.amazon.feeds, w.first().DocumentNumber)
		w.pass(q, 7*time.Hour)
		assert.Empty(w.t, w.alerts())
		w.pass(q, 2*time.Hour)
		assert.Equal(w.t, []string{"stuck"}, w.alerts())
	})
}

// A document that cannot be sent for weeks does not grow with each try.
func TestAnswersOfManyTriesAreBounded(t *testing.T) {
	in(t, func(w *world) {
		for range 150 {
			w.amazon.answers = append(w.amazon.answers, notSent)
		}
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		for len(w.amazon.answers) > 0 {
			w.pass(q, time.Hour)
		}
		w.pass(q, time.Hour)
		b := w.first()
		assert.Equal(w.t, 151, b.Sends)
		assert.Len(w.t, b.Evidence, 101, "a hundred that it was not sent, and its number")
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// A state that a newer version wrote is left alone, by passes and by people.
func TestUnknownEntryStateIsLeftAlone(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1, state: "Frozen"})[0]
		q := w.queue()
		require.Empty(w.t, w.pass(q, 24*time.Hour))
		require.ErrorIs(w.t, q.Retry(w.t.Context(), "boss", "again", id), queue.ErrTransition)
		require.ErrorIs(w.t, q.Reject(w.t.Context(), "boss", "no", id), queue.ErrTransition)
		_, err := q.Process(w.t.Context(), "boss", id)
		require.ErrorIs(w.t, err, queue.ErrTransition)
		require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, queue.ChoiceGiveUp)), queue.ErrTransition)
		assert.Equal(w.t, queue.State("Frozen"), w.get(id).State)
		assert.Empty(w.t, w.amazon.sent())
	})
}

// fenceless is a client that does not say until when its createFeed is taken.
type fenceless struct{ amazon.Feeds }

func (f fenceless) Begin(ctx context.Context, a amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	tk, err := f.Feeds.Begin(ctx, a, t)
	return fencelessTicket{tk}, err
}

type fencelessTicket struct{ amazon.Ticket }

func (t fencelessTicket) Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	_, at, err = t.Ticket.Upload(ctx, contentType, doc)
	return fence, at, err
}

// Without a fence a lost answer would keep nothing waiting.
func TestNothingIsSentWithoutAFence(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		errs := w.pass(w.queueOn(fenceless{w.amazon}), 10*time.Minute)
		require.NotEmpty(w.t, errs)
		require.ErrorContains(w.t, errs[0], "fence")
		assert.Empty(w.t, w.amazon.sent())
		assert.Equal(w.t, queue.EntryClaimed, w.get(id).State)
	})
}

// A cell that holds something else is the error of its account, or does not count.
func TestOddCells(t *testing.T) {
	for name, data := range map[string]string{
		"queue/account/us":       `{"failures":-3,"wait":{"x":"9999-01-01T00:00:00Z"}}`,
		"queue/pause/account/us": `{"recovered":-7}`,
		"queue/numbers/us":       "9223372036854775807",
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				require.NoError(w.t, w.store.SaveCell(w.t.Context(), store.Cell{Name: name, Data: []byte(data)}))
				w.request(asked{order: 1})
				w.amazon.refuse = func(amazon.Account) error { return errLost }
				assert.NotPanics(w.t, func() { w.pass(w.queue(), 10*time.Minute) })
				w.amazon.refuse = nil
				assert.NotPanics(w.t, func() { w.pass(w.queue(), time.Hour) })
				for _, b := range w.batches() {
					for _, m := range b.Messages {
						assert.Positive(w.t, m.ID)
					}
				}
			})
		})
	}
}
