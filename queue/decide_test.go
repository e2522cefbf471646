package queue_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// decision is what a person makes of the case of the first batch.
func (w *world) decision(q *queue.Queue, c queue.Choice) queue.Decision {
	w.t.Helper()
	shown, err := q.Case(w.t.Context(), w.first().ID)
	require.NoError(w.t, err)
	return queue.Decision{Batch: shown.Batch.ID, Version: shown.Version, Choice: c, By: "boss", Why: "looked it up"}
}

func (w *world) entryDecision(q *queue.Queue, id queue.EntryID, c queue.Choice) queue.Decision {
	w.t.Helper()
	shown, err := q.EntryCase(w.t.Context(), id)
	require.NoError(w.t, err)
	return queue.Decision{Entry: id, Version: shown.Version, Choice: c, By: "boss", Why: "looked it up"}
}

func TestDecideTooEarlyNamesTheTime(t *testing.T) {
	for _, choice := range []queue.Choice{queue.ChoiceAnew, queue.ChoiceGiveUp} {
		t.Run(string(choice), func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				id := w.lose(q, false)[0]
				w.pass(q, time.Hour)
				decisive := w.first().Fence.Add(margin)
				err := q.Decide(w.t.Context(), w.decision(q, choice))
				var early *queue.TooEarlyError
				require.ErrorAs(w.t, err, &early)
				require.ErrorIs(w.t, err, queue.ErrTooEarly)
				assert.Equal(w.t, decisive, early.Until)
				c, err := q.Case(w.t.Context(), w.first().ID)
				require.NoError(w.t, err)
				assert.Equal(w.t, decisive, c.NotBefore)
				assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)

				over := w.decision(q, choice)
				over.Override = true
				require.NoError(w.t, q.Decide(w.t.Context(), over))
				evidence := w.first().Evidence
				last := evidence[len(evidence)-1]
				assert.True(w.t, last.Override)
				assert.Equal(w.t, "boss looked it up", last.By+" "+last.Why)
				ids := w.request(asked{order: 2})
				w.pass(q, w.first().Fence.Sub(w.now())-time.Second)
				assert.Equal(w.t, queue.EntryQueued, w.get(ids[0]).State, "a decision lifts no fence")
			})
		})
	}
}

// What may be decided about a batch, and what becomes of its entries.
func TestDecideABatch(t *testing.T) {
	tests := []struct {
		choice         queue.Choice
		ends           queue.State // after a day
		held, posted   string
		batch          queue.BatchState
		sent, listings int
	}{
		{queue.ChoiceAnew, queue.EntryAccepted, "0.00", "5.00", queue.BatchCancelled, 2, 1},
		{queue.ChoiceGiveUp, queue.EntryGivenUp, "0.00", "0.00", queue.BatchCancelled, 1, 1},
		{queue.ChoiceSettled, queue.EntrySettledOutside, "0.00", "5.00", queue.BatchCancelled, 1, 0},
	}
	for _, tt := range tests {
		t.Run(string(tt.choice), func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				id := w.lose(q, false)[0]
				w.pass(q, 6*time.Hour)
				require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
				lists := w.amazon.lists
				require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, tt.choice)))
				assert.Equal(w.t, lists+tt.listings, w.amazon.lists, "Anew and GiveUp look once more")
				w.pass(q, 24*time.Hour)
				assert.Equal(w.t, tt.ends, w.get(id).State)
				assert.Equal(w.t, tt.held+" "+tt.posted, w.reserved(id)+" "+w.posted(id))
				assert.Equal(w.t, tt.batch, w.first().State)
				assert.True(w.t, w.first().Applied)
				assert.Len(w.t, w.amazon.sent(), tt.sent)

				err := q.Decide(w.t.Context(), w.decision(q, tt.choice))
				require.ErrorIs(w.t, err, queue.ErrTransition, "there is nothing left to decide")
			})
		})
	}
}

// Send anew looks once more; a feed that could be it is an error that names it.
func TestDecideAnewFindsACandidate(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, true)[0]
		w.amazon.lag = 7 * time.Hour // longer than any margin
		w.pass(q, 6*time.Hour)
		require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		anew := w.decision(q, queue.ChoiceAnew)
		time.Sleep(2 * time.Hour)
		err := q.Decide(w.t.Context(), anew)
		require.ErrorContains(w.t, err, "50001")
		require.ErrorIs(w.t, err, queue.ErrTransition)

		sent := w.decision(q, queue.ChoiceSent)
		sent.Feed = "50001"
		require.NoError(w.t, q.Decide(w.t.Context(), sent))
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
		assert.True(w.t, w.first().Adopted, "what a person named is provisional too")
	})
}

// Sent is refused for a feed that cannot be the document's.
func TestDecideSentRefuses(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 9})
		q := w.queue()
		w.step(q)
		owned := w.first().DocumentNumber
		w.pass(q, 5*time.Minute)
		id := w.lose(q, false)[0]
		w.amazon.stranger("another type", w.account(), amazon.CancelFeed)
		w.pass(q, 6*time.Hour)
		w.amazon.stranger("too late", w.account(), amazon.RefundFeed)
		lost := w.batches()[1]
		for feed, want := range map[amazon.FeedID]string{owned: "is that of batch", "another type": "of type", "too late": "fence", "unknown": "404"} {
			c, err := q.Case(w.t.Context(), lost.ID)
			require.NoError(w.t, err)
			d := queue.Decision{Batch: lost.ID, Version: c.Version, Choice: queue.ChoiceSent, Feed: feed, By: "boss", Why: "saw it"}
			require.ErrorContains(w.t, q.Decide(w.t.Context(), d), want)
		}
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
	})
}

// Of two who decide at once one wins, and the other is told to look again.
func TestDecideTwiceAtOnce(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		w.pass(q, 6*time.Hour)
		first, second := w.decision(q, queue.ChoiceGiveUp), w.decision(q, queue.ChoiceSettled)
		meanwhile := w.queue(&meanwhile{at: "store.SaveQueue", act: func() {
			require.NoError(w.t, q.Decide(w.t.Context(), first))
		}})
		require.ErrorIs(w.t, meanwhile.Decide(w.t.Context(), second), store.ErrConflict)
		require.ErrorIs(w.t, q.Decide(w.t.Context(), second), store.ErrConflict, "it was shown something else")
		assert.Equal(w.t, queue.EntryGivenUp, w.get(id).State)
	})
}

// A decision counts when it is saved; its entries follow in any process.
func TestDecisionIsResumed(t *testing.T) {
	for choice, want := range map[queue.Choice]queue.State{queue.ChoiceAnew: queue.EntryQueued, queue.ChoiceGiveUp: queue.EntryGivenUp, queue.ChoiceSettled: queue.EntrySettledOutside} {
		t.Run(string(choice), func(t *testing.T) {
			in(t, func(w *world) {
				w.settings = manual
				var as []asked
				for i := range 450 {
					as = append(as, asked{order: i + 1})
				}
				ids := w.request(as...)
				q := w.queue()
				_, err := q.Process(w.t.Context(), "boss", ids...)
				require.NoError(w.t, err)
				w.amazon.answers = []answer{{err: errLost}}
				w.pass(q, 6*time.Hour)
				applied := 0
				w.apply = func([]queue.Entry) error {
					if applied++; applied == 2 {
						return errLost
					}
					return nil
				}
				require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, choice)), "it is decided")
				half := map[queue.State]int{}
				for _, s := range w.states(ids...) {
					half[s]++
				}
				assert.Equal(w.t, map[queue.State]int{want: 200, queue.EntryNeedsDecision: 250}, half)
				_, err = q.EntryCase(w.t.Context(), ids[449])
				require.NoError(w.t, err)
				require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, ids[449], queue.ChoiceSettled)), queue.ErrTransition, "its batch was decided about")

				w.apply = nil
				w.pass(w.queue(), time.Minute)
				for _, s := range w.states(ids...) {
					require.Equal(w.t, want, s)
				}
			})
		})
	}
}

// What is said without a name, about two things, or about nothing that needs it.
func TestDecideRefusesBadInput(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		good := w.decision(q, queue.ChoiceSettled)
		for want, change := range map[string]func(*queue.Decision){
			"by whom":        func(d *queue.Decision) { d.By = "" },
			"and why":        func(d *queue.Decision) { d.Why = "" },
			"one of the two": func(d *queue.Decision) { d.Entry = id },
			"named with":     func(d *queue.Decision) { d.Choice = queue.ChoiceSent },
			"only with it":   func(d *queue.Decision) { d.Feed = "7" },
			"has parts":      func(d *queue.Decision) { d.Parts = []string{"x"} },
			"is none of":     func(d *queue.Decision) { d.Choice = "Guess" },
			"not found":      func(d *queue.Decision) { d.Batch = "us-0" },
			"was shown":      func(d *queue.Decision) { d.Version++ },
		} {
			d := good
			change(&d)
			require.ErrorContains(w.t, q.Decide(w.t.Context(), d), want)
		}
		waiting := w.request(asked{order: 2})[0]
		require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, waiting, queue.ChoiceGiveUp)), queue.ErrTransition)
		require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, queue.ChoiceAnew)), queue.ErrTransition, "that is said of its document")
		assert.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)
	})
}

// An entry whose document Amazon has read may have had effect until Amazon's
// finances would show it.
func TestDecideAnEntryWaitsForFinances(t *testing.T) {
	tests := []struct {
		choice queue.Choice
		waits  bool
		ends   queue.State
	}{
		{queue.ChoiceAnew, true, queue.EntryAccepted},
		{queue.ChoiceGiveUp, true, queue.EntryGivenUp},
		{queue.ChoiceSettled, false, queue.EntrySettledOutside},
	}
	for _, tt := range tests {
		t.Run(string(tt.choice), func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.report = refusing(5002, 1)
				id := w.request(asked{order: 1})[0]
				q := w.queue()
				w.pass(q, 5*time.Minute)
				require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
				assert.Equal(w.t, []string{"decide"}, w.alerts())
				w.amazon.report = nil
				at := w.first().EndedAt.Add(72 * time.Hour)
				if tt.waits {
					var early *queue.TooEarlyError
					require.ErrorAs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, tt.choice)), &early)
					assert.Equal(w.t, at, early.Until)
					w.pass(q, at.Sub(w.now()))
				}
				require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, tt.choice)))
				w.pass(q, 5*time.Minute)
				assert.Equal(w.t, tt.ends, w.get(id).State)
				assert.Equal(w.t, "0.00", w.reserved(id))
				evidence := w.get(id).Attempts[0].Evidence
				require.NotEmpty(w.t, evidence)
				assert.Equal(w.t, queue.EvidenceDecision, evidence[0].Kind)
			})
		})
	}
}

// What finances show only since they were last asked keeps an entry from being
// given up or sent anew.
func TestDecideAnEntryAsksOnceMore(t *testing.T) {
	for _, choice := range []queue.Choice{queue.ChoiceAnew, queue.ChoiceGiveUp} {
		t.Run(string(choice), func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.report = refusing(5002, 1)
				id := w.request(asked{order: 1})[0]
				q := w.queue()
				w.pass(q, 73*time.Hour)
				w.testify = accepted
				require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, choice)), queue.ErrTransition)
				w.testify = func(queue.Entry) (queue.Testimony, error) { return queue.Testimony{}, errLost }
				require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, choice)), errLost)
				assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
				assert.Equal(w.t, "5.00", w.reserved(id))
			})
		})
	}
}

// What was set aside, or refused by Amazon as a call, was not sent: deciding about
// it needs no waiting.
func TestDecideWhatWasNotSent(t *testing.T) {
	for _, choice := range []queue.Choice{queue.ChoiceAnew, queue.ChoiceGiveUp, queue.ChoiceSettled} {
		t.Run(string(choice), func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.answers = []answer{{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}}}
				id := w.request(asked{order: 1})[0]
				q := w.queue()
				w.pass(q, time.Minute)
				require.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
				assert.Equal(w.t, []string{"refused"}, w.alerts())
				require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, choice)))
				assert.NotEqual(w.t, queue.EntryNeedsDecision, w.get(id).State)
			})
		})
	}
}

// A person decides part by part where the parts differ.
func TestDecidePartByPart(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.report = refusing(5002, 2)
		id := w.request(asked{order: 1, items: 2})[0]
		q := w.queue()
		w.pass(q, 73*time.Hour)
		parts := []string{"00000000000101", "00000000000102"}
		d := w.entryDecision(q, id, queue.ChoiceAnew)
		d.Parts = parts[:1]
		require.ErrorIs(w.t, q.Decide(w.t.Context(), d), queue.ErrTransition, "what goes anew goes together")
		d.Choice = queue.ChoiceSettled
		require.NoError(w.t, q.Decide(w.t.Context(), d))
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		assert.Equal(w.t, "5.00 5.00", w.reserved(id)+" "+w.posted(id))

		d = w.entryDecision(q, id, queue.ChoiceGiveUp)
		d.Parts = parts[:1]
		require.ErrorIs(w.t, q.Decide(w.t.Context(), d), queue.ErrTransition, "it is decided")
		d.Parts = parts[1:]
		require.NoError(w.t, q.Decide(w.t.Context(), d))
		assert.Equal(w.t, queue.EntryPartlyAccepted, w.get(id).State)
		assert.Equal(w.t, "0.00 5.00", w.reserved(id)+" "+w.posted(id))
	})
}

// Decided entry by entry, a lost batch ends when nothing of it is open; and is
// not sent again when it turns out to be unsent.
func TestDecidingEveryEntryEndsALostBatch(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		ids := w.lose(q, false, asked{order: 2})
		w.pass(q, 6*time.Hour)
		for _, id := range ids {
			require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, id, queue.ChoiceGiveUp)))
		}
		w.pass(q, 48*time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntryGivenUp, queue.EntryGivenUp}, w.states(ids...))
		assert.True(w.t, w.first().Applied)
		assert.Equal(w.t, queue.BatchUnknownSent, w.first().State)
	})
	in(t, func(w *world) {
		sender, ids := w.suspended(notSent, asked{order: 2})
		q := w.queue()
		w.pass(q, time.Hour)
		over := w.entryDecision(q, ids[0], queue.ChoiceGiveUp)
		over.Override = true
		require.NoError(w.t, q.Decide(w.t.Context(), over))
		sender.finish()
		assert.Equal(w.t, []queue.State{queue.EntryGivenUp, queue.EntryQueued}, w.states(ids...))
		w.pass(q, time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntryGivenUp, queue.EntryAccepted}, w.states(ids...))
		assert.Len(w.t, w.amazon.effects(), 1)
	})
}

// What stays unknown without evidence for ten days is for a person.
func TestNoEvidenceForTenDays(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.noReport = true
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		w.pass(q, 9*24*time.Hour)
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(id).State)
		w.pass(q, 2*24*time.Hour)
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State)
		assert.Equal(w.t, []string{"decide"}, w.alerts())
		w.testify = accepted
		w.pass(q, 2*24*time.Hour)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State, "evidence counts at any time")
	})
}

// A witness is asked when it said, absence is no evidence, and one that fails or
// is throttled keeps nobody from their turn for long.
func TestWitness(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.noReport = true
		ids := w.request(asked{order: 1, items: 2}, asked{order: 2})
		q := w.queue()
		questions := map[queue.EntryID]int{}
		w.testify = func(e queue.Entry) (queue.Testimony, error) {
			questions[e.ID]++
			switch {
			case e.ID == ids[1]:
				return queue.Testimony{}, errors.New("finances are down")
			case questions[e.ID] == 1:
				return queue.Testimony{Next: w.now().Add(48 * time.Hour), Results: []queue.Result{{Part: "00000000000101", Verdict: amazon.VerdictRefused}}}, nil
			case questions[e.ID] == 2:
				return queue.Testimony{Next: w.now().Add(time.Hour), Results: []queue.Result{{Part: "00000000000101", Verdict: amazon.VerdictAccepted}}}, nil
			}
			return accepted(e)
		}
		w.pass(q, 47*time.Hour)
		assert.Equal(w.t, 1, questions[ids[0]])
		assert.Greater(w.t, questions[ids[1]], 100)
		assert.Equal(w.t, []queue.State{queue.EntryUnknownResult, queue.EntryUnknownResult}, w.states(ids...))
		assert.Equal(w.t, "10.00 0.00", w.reserved(ids[0])+" "+w.posted(ids[0]))
		w.pass(q, 70*time.Minute)
		assert.Equal(w.t, queue.EntryUnknownResult, w.get(ids[0]).State)
		assert.Equal(w.t, "5.00 5.00", w.reserved(ids[0])+" "+w.posted(ids[0]))
		w.pass(q, 2*time.Hour)
		assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
		assert.Equal(w.t, 1, w.first().Accepted)

		asks := questions[ids[1]]
		until := w.now().Add(3 * time.Hour)
		w.testify = func(queue.Entry) (queue.Testimony, error) { asks++; return queue.Testimony{}, throttled(until) }
		require.Empty(w.t, w.pass(q, time.Second))
	})
}

// A feed that takes long is told about, and may be cancelled while it waits; then
// its entries go again, and nothing is sent twice.
func TestStuckFeed(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInQueue
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		w.pass(q, 8*time.Hour)
		assert.Empty(w.t, w.alerts())
		w.pass(q, 2*time.Hour)
		assert.Equal(w.t, []string{"stuck"}, w.alerts())
		require.Error(w.t, q.CancelFeed(w.t.Context(), "", "why", w.first().ID))
		require.NoError(w.t, q.CancelFeed(w.t.Context(), "boss", "Amazon hangs", w.first().ID))
		w.amazon.status = ""
		w.pass(q, time.Hour)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		require.ErrorIs(w.t, q.CancelFeed(w.t.Context(), "boss", "again", w.first().ID), queue.ErrTransition)
		for name, n := range w.amazon.effects() {
			assert.Equal(w.t, 1, n, name)
		}
	})
}

// A feed that appears after a decision which could not wait for it is found: what
// was to be sent anew is not, and what had ended is an alert.
func TestFeedThatComesAfterADecision(t *testing.T) {
	tests := []struct {
		choice   queue.Choice
		override bool
		then     queue.State
		alerts   []string
	}{
		{queue.ChoiceAnew, true, queue.EntryUnknownResult, nil},
		{queue.ChoiceGiveUp, true, queue.EntryGivenUp, []string{"contradicted"}},
		{queue.ChoiceSettled, false, queue.EntrySettledOutside, []string{"contradicted"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.choice), func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				id := w.lose(q, false)[0]
				d := w.decision(q, tt.choice)
				d.Override = tt.override
				require.NoError(w.t, q.Decide(w.t.Context(), d))
				w.amazon.strangerAt("777", amazon.RefundFeed, w.now().Add(30*time.Minute))
				w.pass(q, 3*time.Hour)
				assert.Equal(w.t, tt.then, w.get(id).State)
				assert.Equal(w.t, amazon.FeedID("777"), w.first().DocumentNumber)
				assert.True(w.t, w.first().Adopted)
				assert.Equal(w.t, tt.alerts, w.alerts())
				assert.Len(w.t, w.amazon.sent(), 1, "sent once more though its feed was there")
			})
		})
	}
}

// Where the feed may be another application's, or one of several, it is an alert
// and nothing more.
func TestFeedsThatMayHaveComeAfterADecision(t *testing.T) {
	in(t, func(w *world) {
		w.accounts[0].OtherSenders = true
		q := w.queue()
		id := w.lose(q, false)[0]
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceSettled)))
		w.amazon.strangerAt("777", amazon.RefundFeed, w.now().Add(30*time.Minute))
		w.pass(q, 8*time.Hour)
		assert.Equal(w.t, queue.EntrySettledOutside, w.get(id).State)
		assert.Equal(w.t, []string{"contradicted"}, w.alerts())
		assert.Empty(w.t, w.first().DocumentNumber)
		assert.True(w.t, w.first().Applied)
	})
}

// A document that is found after one of its requests was decided about is an alert.
func TestDocumentThatIsFoundAfterADecisionAboutOneOfIts(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		ids := w.lose(q, false, asked{order: 2})
		require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, ids[0], queue.ChoiceSettled)))
		w.amazon.strangerAt("777", amazon.RefundFeed, w.now())
		w.pass(q, time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntrySettledOutside, queue.EntryUnknownResult}, w.states(ids...))
		assert.Equal(w.t, []string{"contradicted"}, w.alerts())
	})
}

// The alert that asked for a decision is closed by it.
func TestDecisionClosesItsAlert(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		w.lose(q, false)
		w.pass(q, 8*time.Hour)
		require.Equal(w.t, []string{"lost"}, w.alerts())
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceGiveUp)))
		assert.Empty(w.t, w.alerts())
	})
}
