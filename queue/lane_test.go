package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// One worker per account at a time: what one has begun, another leaves alone,
// without asking Amazon, until the lease ends.
func TestTwoWorkersAndOneLease(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		a := w.worker()
		require.True(w.t, a.until("amazon.Begin"))
		calls := &counting{}
		other := w.queue(calls)
		time.Sleep(4 * time.Minute)
		_, err := other.Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Zero(w.t, calls.calls["amazon.Begin"])
		assert.Zero(w.t, calls.calls["store.SaveQueue"])

		a.finish()
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntrySubmitted}, w.states(ids...))
		time.Sleep(2 * time.Minute)
		w.step(other) // the turn was given back: nobody waits for the lease to end
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
	})
}

// A worker that died leaves its lease to end by itself.
func TestLeaseOfADeadWorkerEnds(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		dead := w.worker()
		require.True(w.t, dead.until("amazon.Begin"))
		q := w.queue()
		assert.Empty(w.t, w.pass(q, 4*time.Minute))
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		assert.Empty(w.t, w.pass(q, 3*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		dead.finish()
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// Two workers that take one lease at the same moment: one gets it.
func TestLeaseIsACompareAndSet(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		a, b := w.worker(), w.worker()
		// Each has found the account and stands before its SaveCell.
		require.True(w.t, a.until("store.SaveCell"))
		a.let(1) // names the installation
		require.True(w.t, a.until("store.SaveCell"))
		require.True(w.t, b.until("store.SaveCell"))
		a.finish()
		calls := w.amazon.begins
		b.finish()
		assert.Equal(w.t, calls, w.amazon.begins, "the second went on without the lease")
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

// shifted is a queue of a worker whose clock is wrong.
func (w *world) shifted(by time.Duration) *queue.Queue {
	w.t.Helper()
	st := &gatedStore{w.store, nil}
	h := &handler{w, st}
	q, err := queue.New(queue.Config{
		Store: st, Feeds: w.amazon, Accounts: w.accounts, Settings: w, Installation: w.name,
		Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: h, queue.KindCancellation: h},
		Batching: w.batching, Now: func() time.Time { return w.now().Add(by) },
	})
	require.NoError(w.t, err)
	return q
}

// passes makes two passes, whatever a wrong clock says about the next.
func (w *world) passes(q *queue.Queue) {
	w.t.Helper()
	for range 2 {
		_, err := q.Step(w.t.Context())
		require.NoError(w.t, err)
		time.Sleep(3 * time.Minute)
	}
}

// slow is a database, and an Amazon, whose answers take time.
type slow struct{}

func (slow) before(string) error { time.Sleep(time.Millisecond); return nil }
func (slow) after(string) error  { return nil }

// What is due when a pass begins is due, though the clock goes on during it.
func TestClockGoesOnDuringAPass(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		w.step(w.queue(slow{}))
		assert.Equal(w.t, queue.EntrySubmitted, w.get(id).State)
	})
}

// A worker with a wrong clock must not block an account: neither what it leaves
// behind nor a clock that is set back keeps others from their turn.
func TestWrongClockBlocksNoAccount(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, by := range []time.Duration{year, -year, 2 * time.Hour, -2 * time.Hour} {
		for name, leave := range map[string]func(*world, *queue.Queue){
			"a lease": func(w *world, _ *queue.Queue) {
				until := w.now().Add(by).Add(5 * time.Minute).Format(time.RFC3339)
				w.cell("queue/account/us", fmt.Sprintf(`{"holder":"somebody","until":%q}`, until))
			},
			"a backoff": func(w *world, q *queue.Queue) {
				w.prepare = func([]queue.Entry, []queue.Prepared) ([]queue.Prepared, error) { return nil, errLost }
				for range 3 {
					_, err := q.Step(w.t.Context())
					require.Error(w.t, err)
					time.Sleep(5 * time.Minute)
				}
				w.prepare = nil
			},
			"a document sent": func(w *world, q *queue.Queue) {
				w.settings = settings.Settings{Queue: true, AutoSubmit: true}
				w.request(asked{order: 7, waits: time.Hour})
				_, err := q.Step(w.t.Context())
				require.NoError(w.t, err)
			},
			"no token": func(w *world, q *queue.Queue) {
				w.amazon.throttledUntil = w.now().Add(time.Second)
				w.step(q)
			},
			"a request": func(w *world, _ *queue.Queue) {
				w.settings = settings.Settings{Queue: true, AutoSubmit: true}
				w.request(asked{order: 8, waits: -by})
			},
			"nothing": func(*world, *queue.Queue) {},
		} {
			t.Run(fmt.Sprintf("%s, %s", by, name), func(t *testing.T) {
				in(t, func(w *world) {
					id := w.request(asked{order: 1})[0]
					leave(w, w.shifted(by))
					w.pass(w.queue(), 3*time.Hour)
					assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
					assert.Len(w.t, w.get(id).Attempts, 1)
				})
			})
		}
	}
}

// A batch that is due in a year is looked at within the hour.
func TestBatchOfAWrongClockIsFound(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		_, err := w.queue().Step(w.t.Context())
		require.NoError(w.t, err)
		b := w.batches()[0]
		b.Due = w.now().AddDate(1, 0, 0)
		require.NoError(w.t, w.store.SaveQueue(w.t.Context(), queue.Change{Batches: []queue.Batch{b}}))
		w.pass(w.queue(), 70*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// cell saves a cell as an earlier process left it.
func (w *world) cell(name, data string) {
	w.t.Helper()
	cs, err := w.store.Cells(w.t.Context(), []string{name})
	require.NoError(w.t, err)
	c := store.Cell{Name: name, Data: []byte(data)}
	for _, old := range cs {
		c.Version = old.Version
	}
	require.NoError(w.t, w.store.SaveCell(w.t.Context(), c))
}

// A cell that is no turn is the error of its account alone.
func TestUnreadableTurn(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("de", "acme"))
		w.cell("queue/account/de", "mine")
		ids := w.request(asked{order: 1}, asked{order: 2, account: "de", company: "acme"})
		_, err := w.queue().Step(w.t.Context())
		require.ErrorContains(w.t, err, `account de: cell queue/account/de holds "mine"`)
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntryQueued}, w.states(ids...))
	})
}

// One account's error moves only its own due time: it is asked less and less
// often, up to half an hour, and as soon as it works again as ever.
func TestOneAccountsErrorMovesOnlyItsOwnDueTime(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("de", "acme"))
		dead := w.request(asked{order: 1})[0]
		revoked := errors.New("authorization revoked")
		var tried []time.Duration
		w.amazon.refuse = func(a amazon.Account) error {
			if a.ID != "us" {
				return nil
			}
			tried = append(tried, w.now().Sub(epoch))
			return revoked
		}
		q := w.queue()
		for i := range 12 {
			live := w.request(asked{order: 100 + i, account: "de", company: "acme"})[0]
			for _, err := range w.pass(q, 10*time.Minute) {
				require.ErrorIs(w.t, err, revoked)
			}
			assert.Equal(w.t, queue.EntryAccepted, w.get(live).State)
		}
		minutes := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91}
		require.Len(w.t, tried, len(minutes))
		for i, m := range minutes {
			assert.InDelta(w.t, m*time.Minute, tried[i], float64(time.Minute), "try %d", i)
		}
		w.amazon.refuse = nil
		w.pass(q, 32*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(dead).State)
		next := w.request(asked{order: 2})[0]
		w.step(q)
		assert.Equal(w.t, queue.EntrySubmitted, w.get(next).State)
	})
}

// What works of an account goes on beside what does not.
func TestOneKindsErrorHoldsUpNoOther(t *testing.T) {
	in(t, func(w *world) {
		cancels := 0
		w.prepare = func(es []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			if es[0].Kind == queue.KindCancellation {
				cancels++
				return nil, errLost
			}
			return ps, nil
		}
		w.request(asked{order: 1, kind: queue.KindCancellation})
		q := w.queue()
		for i := range 30 {
			id := w.request(asked{order: 10 + i})[0]
			w.pass(q, 4*time.Minute)
			assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		}
		assert.LessOrEqual(w.t, cancels, 121, "asked about every minute, not at every pass")
	})
}

// Cancellations go first, but never more than three in a row.
func TestCancellationsGoFirstButNotForEver(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 1
		var as []asked
		for i := range 8 {
			as = append(as, asked{order: i + 1, kind: queue.KindCancellation}, asked{order: i + 101})
		}
		w.request(as...)
		w.amazon.every = 2 * time.Minute
		w.pass(w.queue(), time.Hour)
		kinds := ""
		for _, call := range w.amazon.sent() {
			kinds += map[amazon.FeedType]string{amazon.CancelFeed: "c", amazon.RefundFeed: "r"}[call.Feed]
		}
		assert.Equal(w.t, "cccrcccrccrrrrrr", kinds)
	})
}

// A pass costs what is due: entries that wait for a person, for their time or for
// a token take no turn and change nothing.
func TestStepCostsWhatIsDue(t *testing.T) {
	later := func(w *world, ids []queue.EntryID) {
		for _, id := range ids {
			e := w.get(id)
			e.NotBefore = w.now().Add(24 * time.Hour)
			require.NoError(w.t, w.store.SaveQueue(w.t.Context(), queue.Change{Entries: []queue.Entry{e}}))
		}
	}
	for name, wait := range map[string]func(*world, []queue.EntryID){
		"for a person":    func(w *world, _ []queue.EntryID) { w.settings = manual },
		"for their batch": func(w *world, _ []queue.EntryID) { w.settings = settings.Settings{Queue: true, AutoSubmit: true} },
		"for their time":  later,
		"for a pause's end": func(w *world, _ []queue.EntryID) {
			require.NoError(w.t, w.queue().Pause(w.t.Context(), "boss", "stocktaking", queue.Scope{Account: "us"}))
		},
		"for a token": func(w *world, _ []queue.EntryID) {
			w.amazon.throttledUntil = w.now().Add(20 * time.Minute)
			w.step(w.queue())
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.cell("queue/installation", `{"name":"test"}`)
				ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3, kind: queue.KindCancellation})
				wait(w, ids)
				calls := &counting{}
				q := w.queue(calls)
				require.Empty(w.t, w.pass(q, 15*time.Minute))
				assert.Positive(w.t, calls.calls["store.Lanes"])
				for _, call := range []string{"amazon.Begin", "store.SaveQueue", "store.SaveCell"} {
					assert.Zero(w.t, calls.calls[call], call)
				}
				assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryQueued, queue.EntryQueued}, w.states(ids...))
			})
		})
	}
}

// Only accounts that have something due are asked of the host.
func TestOnlyAccountsWithSomethingDueAreAskedFor(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("de", "acme"), account("fr", "acme"))
		w.request(asked{order: 1, account: "de", company: "acme"})
		asked := &askedAccounts{AccountList: w.accounts}
		st := &gatedStore{w.store, nil}
		q, err := queue.New(queue.Config{
			Store: st, Feeds: w.amazon, Accounts: asked, Settings: w, Installation: w.name, Now: w.now,
			Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: &handler{w, st}},
		})
		require.NoError(w.t, err)
		w.pass(q, 10*time.Minute)
		assert.NotEmpty(w.t, asked.ids)
		assert.NotContains(w.t, asked.ids, order.AccountID("us"))
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

type askedAccounts struct {
	amazon.AccountList
	ids []order.AccountID
}

func (a *askedAccounts) Accounts(ctx context.Context, ids ...order.AccountID) ([]amazon.Account, error) {
	a.ids = append(a.ids, ids...)
	if len(ids) == 0 {
		return nil, errors.New("all accounts were asked for")
	}
	return a.AccountList.Accounts(ctx, ids...)
}

// Step takes a budget and keeps its place in the store: the next one, of whatever
// process, goes on where the last one stopped.
func TestBudgetedStepsGoRound(t *testing.T) {
	for name, budget := range map[string]queue.Budget{
		"by accounts": {Accounts: 3},
		"by time":     {Time: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.budget = budget
				w.amazon.takes = time.Second
				w.accounts = nil
				var as []asked
				for i := range 10 {
					id := order.AccountID(fmt.Sprintf("a%02d", i))
					w.accounts = append(w.accounts, account(id, "acme"))
					for j := range 5 { // each account has more to do at once
						as = append(as, asked{order: 10*i + j, account: id, company: "acme"})
					}
				}
				w.batching.Messages = 1
				w.request(as...)
				var turns []order.AccountID
				for range 7 {
					q := w.queue()
					before := len(w.amazon.sent())
					next, err := q.Step(w.t.Context())
					require.NoError(w.t, err)
					assert.Equal(w.t, w.now(), next, "what is left over is due at once")
					sent := w.amazon.sent()[before:]
					require.Len(w.t, sent, 3)
					for _, call := range sent {
						turns = append(turns, call.Account.ID)
					}
				}
				for i, id := range turns {
					assert.Equal(w.t, order.AccountID(fmt.Sprintf("a%02d", i%10)), id, "turn %d", i)
				}
			})
		})
	}
}

// Those with failures come last.
func TestAccountsWithFailuresComeLast(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("ab", "acme"))
		w.request(asked{order: 1, account: "ab", company: "acme"}, asked{order: 2})
		w.amazon.refuse = func(a amazon.Account) error { return map[order.AccountID]error{"ab": errLost}[a.ID] }
		q := w.queue()
		_, err := q.Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		w.amazon.refuse = nil
		w.request(asked{order: 3})
		time.Sleep(time.Minute)
		_, err = q.Step(w.t.Context())
		require.NoError(w.t, err)
		var turns []order.AccountID
		for _, call := range w.amazon.sent() {
			turns = append(turns, call.Account.ID)
		}
		assert.Equal(w.t, []order.AccountID{"us", "us", "ab"}, turns)
	})
}

// What a worker whose clock was a year ahead looked for, or asked about, in one
// pass is followed up by the others: the feed of a lost answer is looked for, and
// its witness is asked, as if that worker had never been.
func TestWrongClockStopsNoFollowUp(t *testing.T) {
	const year = 365 * 24 * time.Hour
	in(t, func(w *world) {
		q := w.queue()
		id := w.lose(q, false)[0]
		w.pass(q, 10*time.Minute)
		w.passes(w.shifted(year))
		require.True(w.t, w.first().Due.After(w.now().Add(300*24*time.Hour)), "the wrong clock looked for it")
		require.True(w.t, w.get(id).NotBefore.After(w.now().Add(300*24*time.Hour)), "the wrong clock asked about it")

		looks, asks := w.amazon.lists, 0
		w.testify = func(queue.Entry) (queue.Testimony, error) { asks++; return queue.Testimony{}, nil }
		require.Empty(w.t, w.pass(q, 70*time.Minute))
		assert.Greater(w.t, w.amazon.lists, looks)
		assert.Positive(w.t, asks)

		require.Empty(w.t, w.pass(q, 23*time.Hour))
		assert.Equal(w.t, queue.EntryNeedsDecision, w.get(id).State, "nothing was found")
		assert.LessOrEqual(w.t, asks, 2, "once a day")

		w.testify = accepted
		w.passes(w.shifted(year))
		require.Empty(w.t, w.pass(q, 25*time.Hour))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// A witness who wants to be asked in a year is asked after 8 days, and not every
// hour.
func TestWitnessIsAskedAgainWithin8Days(t *testing.T) {
	in(t, func(w *world) {
		asks := 0
		w.testify = func(queue.Entry) (queue.Testimony, error) {
			asks++
			return queue.Testimony{Next: w.now().AddDate(1, 0, 0)}, nil
		}
		q := w.queue()
		w.lose(q, false)
		w.pass(q, 7*24*time.Hour)
		assert.Equal(w.t, 1, asks)
		w.pass(q, 2*24*time.Hour)
		assert.Equal(w.t, 2, asks)
	})
}

// Entries whose feed Amazon cancelled rest from then on by Amazon's clock.
func TestCancelledFeedAndAWrongClock(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		w.amazon.status, w.amazon.ends = amazon.FeedCancelled, true
		wrong := w.shifted(365 * 24 * time.Hour)
		w.passes(wrong)
		require.Equal(w.t, queue.EntryQueued, w.get(id).State)
		w.amazon.status = amazon.FeedDone
		require.Empty(w.t, w.pass(w.queue(), time.Hour))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}
