package reportpoll_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

var errLost = errors.New("connection lost")

// mishap is one of the things that can go wrong with one call.
type mishap struct {
	name  string
	fault fault
	dies  bool // the process, with the call
}

var mishaps = []mishap{
	{"fails", fault{before: errLost}, false},
	{"answer lost", fault{after: errLost}, false},
	{"dies before it", fault{before: errLost}, true},
	{"dies after it", fault{after: errLost}, true},
}

// morning runs a day's beginning, in which the nth call meets a mishap, and returns
// how many calls there were.
func (w *world) morning(n int, m mishap) (calls int) {
	dead := false
	w.fault = func(string) fault {
		calls++
		switch {
		case dead:
			return fault{before: errLost}
		case calls == n:
			dead = m.dies
			return m.fault
		}
		return fault{}
	}
	w.file(returnsFile)
	w.settle(amazon.SettlementReport, "1")
	w.settle(amazon.SettlementReport, "2")
	jobs := []reportpoll.Job{w.returns(), w.settlements()}
	p := w.poller(jobs...)
	for end := w.now().Add(6 * time.Hour); w.now().Before(end); {
		_, _ = p.Step(w.ctx) // what an error means shows in the end
		if dead {
			dead = false
			p = w.poller(jobs...)
		}
		time.Sleep(15 * time.Minute)
	}
	return calls
}

// Every call to the store and to Amazon fails once, loses its answer, or is the
// last one of its process. Every report arrives all the same, no window is left
// out, and no more than one report is asked for in vain.
func TestEveryFault(t *testing.T) {
	total := 0
	in(t, func(w *world) { total = w.morning(0, mishap{}) })
	require.Greater(t, total, 70)
	for _, m := range mishaps {
		t.Run(m.name, func(t *testing.T) {
			for n := 1; n <= total; n++ {
				in(t, func(w *world) {
					w.morning(n, m)
					all, gap := w.covered("shop")
					assert.Zero(t, gap, "call %d", n)
					assert.WithinDuration(t, w.now(), all.End, 5*time.Hour, "call %d", n)
					assert.Subset(t, w.sink.bodies(), []string{"1", "2"}, "call %d", n)
					assert.LessOrEqual(t, len(w.requests()), 3, "call %d", n)
					list, err := w.poller(w.returns(), w.settlements()).Status(w.ctx)
					require.NoError(t, err)
					for _, s := range list {
						assert.Zero(t, s.Failures, "call %d", n)
						assert.Empty(t, s.Pending, "call %d", n)
					}
				})
			}
		})
	}
}

// phase is a stretch of time in which some things go wrong.
type phase struct {
	lasts   time.Duration
	fate    amazontest.Fate
	refuses bool          // the sink
	breaks  int           // every nth call; 0: none
	off     time.Duration // of the pollers' clock
	asks    bool          // a person does
	absent  bool          // the account
}

func phases() *rapid.Generator[phase] {
	fates := []amazontest.Fate{
		{}, {}, {End: amazon.FeedCancelled}, {End: amazon.FeedFatal}, {Queued: amazontest.Forever},
		{InProgress: 20 * time.Hour}, {Unlisted: 2 * time.Hour}, {Unknown: time.Hour},
	}
	return rapid.Custom(func(t *rapid.T) phase {
		return phase{
			lasts:   time.Duration(rapid.IntRange(1, 15*24).Draw(t, "hours")) * time.Hour,
			fate:    rapid.SampledFrom(fates).Draw(t, "fate"),
			refuses: rapid.IntRange(0, 4).Draw(t, "refuses") == 0,
			breaks:  rapid.SampledFrom([]int{0, 0, 2, 3, 7}).Draw(t, "breaks"),
			off:     rapid.SampledFrom([]time.Duration{0, 0, 0, -100 * day, -day, -time.Hour, time.Hour, 100 * day}).Draw(t, "clock"),
			asks:    rapid.Bool().Draw(t, "asks"),
			absent:  rapid.IntRange(0, 5).Draw(t, "absent") == 0,
		}
	})
}

// live lives through a phase with a process of its own that steps now and then.
func (w *world) live(ph phase, job reportpoll.Job) {
	calls := 0
	w.fault = func(string) (f fault) {
		calls++
		if ph.breaks > 0 && calls%ph.breaks == 0 {
			f = []fault{{before: errLost}, {after: errLost}}[calls/ph.breaks%2]
		}
		return f
	}
	w.sink.refuse = func(amazon.ReportMeta) error {
		if ph.refuses {
			return errLost
		}
		return nil
	}
	w.file(fated(ph.fate))
	w.off = ph.off
	accounts := w.accounts
	if ph.absent {
		w.accounts = nil
	}
	p := w.poller(job)
	if ph.asks {
		_ = p.Ask(w.ctx, "shop", job.Name) // it may fail like anything else
	}
	w.cron(p, ph.lasts, 5*time.Hour) // what an error means shows in the end
	w.accounts = accounts
}

// Whatever fails and for however long, and whatever the clock says: when all is well
// again, the reports that were handed over cover all time since the first one.
func TestWindowsCoverAllTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		life := rapid.SliceOfN(phases(), 1, 6).Draw(rt, "life")
		var all, gap reportpoll.Window
		var begin, end time.Time
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t.Context(), t, amazontest.Config{})
			job := w.returns()
			job.Every = day
			w.live(phase{lasts: time.Hour}, job)
			for _, ph := range life {
				w.live(ph, job)
			}
			w.live(phase{lasts: 45 * day}, job)
			begin, end = epoch, w.now()
			all, gap = w.covered("shop")
		})
		require.Zero(rt, gap, "nobody asked for what lies there")
		require.False(rt, all.Start.After(begin), "the first window begins at %s", all.Start)
		require.WithinDuration(rt, end, all.End, 2*day)
	})
}

// Two processes share the work: one of them asks, and a report is handed over once.
func TestTwoProcesses(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("second", "third")
		w.file(returnsFile)
		w.settle(amazon.SettlementReport, "1")
		var running sync.WaitGroup
		for range 2 {
			p := w.poller(w.returns(), w.settlements())
			running.Go(func() { assert.Empty(t, w.run(p, 13*time.Hour)) })
		}
		running.Wait()
		perAccount := map[order.AccountID]int{}
		for _, a := range w.requests() {
			perAccount[a.Account]++
		}
		assert.Equal(t, map[order.AccountID]int{"shop": 4, "second": 4, "third": 4}, perAccount)
		handed := map[string]int{}
		for _, s := range w.sink.all() {
			handed[fmt.Sprint(s.Account, s.Meta.ID)]++
		}
		for id, times := range handed {
			assert.Equal(t, 1, times, id)
		}
	})
}

// An import that takes hours keeps its turn while it reads.
func TestSlowSink(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		reading := 0
		w.sink.read = func(r io.Reader) ([]byte, error) {
			reading++
			defer func() { reading-- }()
			assert.Equal(t, 1, reading, "two processes read")
			var body []byte
			for b := make([]byte, 1); ; {
				n, err := r.Read(b)
				body = append(body, b[:n]...)
				if err == io.EOF {
					return body, nil
				}
				if err != nil {
					return nil, err
				}
				time.Sleep(5 * time.Minute)
			}
		}
		var running sync.WaitGroup
		for range 2 {
			p := w.poller(w.returns())
			running.Go(func() { assert.Empty(t, w.run(p, 3*time.Hour)) })
		}
		running.Wait()
		assert.Equal(t, []string{string(returnsFile.Body)}, w.sink.bodies())
	})
}

// Who stops during an import gives the turn back, and the next process goes on at
// once. Being stopped is no failure.
func TestStopped(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		ctx, stop := context.WithCancel(w.ctx)
		w.sink.refuse = func(amazon.ReportMeta) error {
			stop()
			return ctx.Err()
		}
		p := w.poller(w.returns())
		for ctx.Err() == nil {
			next, _ := p.Step(ctx)
			time.Sleep(next.Sub(w.now()))
		}
		_, err := p.Step(ctx)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, w.status(p).Failures)

		w.sink.refuse = nil
		_, err = w.poller(w.returns()).Step(w.ctx)
		assert.NoError(t, err)
		assert.Len(t, w.sink.all(), 1)
	})
}

// A clock that was ahead, and one that is set back, stop nothing.
func TestWrongClock(t *testing.T) {
	for _, off := range []time.Duration{-400 * day, -time.Hour, 2 * time.Hour, 400 * day} {
		t.Run(off.String(), func(t *testing.T) {
			in(t, func(w *world) {
				w.file(returnsFile)
				w.off = off
				w.run(w.poller(w.returns(), w.settlements()), 5*time.Hour) // what Amazon refuses is tried again
				w.off = 0
				w.settle(amazon.SettlementReport, "1")
				assert.Empty(t, w.run(w.poller(w.returns(), w.settlements()), 26*time.Hour))
				_, gap := w.covered("shop")
				assert.Zero(t, gap)
				all, _ := w.covered("shop")
				assert.WithinDuration(t, w.now(), all.End, 5*time.Hour)
				assert.Contains(t, w.sink.bodies(), "1")
			})
		})
	}
}

// An account that is away for a month goes on where it stopped.
func TestAccountComesBack(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.returns())
		assert.Empty(t, w.run(p, time.Hour))
		accounts := w.accounts
		w.accounts = nil
		assert.Empty(t, w.run(p, 30*day))
		assert.Len(t, w.requests(), 1)
		w.accounts = accounts
		assert.Empty(t, w.run(p, time.Hour))
		asked := w.requests()
		require.Len(t, asked, 2)
		assert.Equal(t, asked[0].End.Add(-day), asked[1].Start)
	})
}

// With three thousand accounts, a pass reads the cells in bulk when a minute has
// gone by, nothing in between, and of what is due no more than the budget allows.
func TestThousandsOfAccounts(t *testing.T) {
	in(t, func(w *world) {
		for i := range 2999 {
			a := w.accounts[0]
			a.ID = order.AccountID(fmt.Sprintf("shop-%d", i))
			w.accounts = append(w.accounts, a)
		}
		listed := map[order.AccountID]int{}
		w.client = counting{listed}
		w.budget.Jobs = 1000
		p := w.poller(w.settlements())
		for range 3 {
			_, err := p.Step(w.ctx)
			require.NoError(t, err)
		}
		assert.Len(t, listed, 3000, "each account had its turn")
		assert.LessOrEqual(t, w.count("Cells"), 6+3*6)
		before := w.count("Cells")
		next, err := p.Step(w.ctx)
		require.NoError(t, err)
		assert.Equal(t, time.Minute, next.Sub(w.now()))
		assert.Equal(t, before, w.count("Cells"), "nothing is due")
		time.Sleep(time.Minute)
		_, err = p.Step(w.ctx)
		require.NoError(t, err)
		assert.Equal(t, before+6, w.count("Cells"))
		assert.Equal(t, 2, w.count("Accounts"))
	})
}

// counting lists nothing, and counts for whom.
type counting struct{ of map[order.AccountID]int }

func (c counting) Reports(_ context.Context, a amazon.Account, _ amazon.ReportQuery) ([]amazon.Report, error) {
	c.of[a.ID]++
	return nil, nil
}

func (counting) Request(context.Context, amazon.Account, amazon.ReportRequest) (amazon.ReportID, error) {
	return "", errLost
}

func (counting) Report(context.Context, amazon.Account, amazon.ReportID) (amazon.Report, error) {
	return amazon.Report{}, errLost
}

func (counting) Open(context.Context, amazon.Account, amazon.Report) (io.ReadCloser, amazon.ReportMeta, error) {
	return nil, amazon.ReportMeta{}, errLost
}

// A budget of one account takes all in turn, also those after one that fails, and
// in processes that live for one step.
func TestBudget(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("b", "c", "d")
		w.file(returnsFile)
		w.budget = reportpoll.Budget{Jobs: 1}
		down := w.accounts[1].ID
		w.client = failing{w.client.(watched), down}
		for range 200 {
			_, _ = w.poller(w.returns()).Step(w.ctx) // of one it fails
			time.Sleep(time.Minute)
		}
		asked := map[order.AccountID]int{}
		for _, a := range w.requests() {
			asked[a.Account]++
		}
		assert.Equal(t, map[order.AccountID]int{"shop": 1, "c": 1, "d": 1}, asked)
	})
}

// A budget of time ends a pass before the next account.
func TestBudgetOfTime(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("t", "u")
		w.settle(amazon.SettlementReport, "1")
		w.sink.read = func(r io.Reader) ([]byte, error) {
			time.Sleep(2 * time.Minute)
			return io.ReadAll(r)
		}
		p := w.poller(w.settlements())
		next, err := p.Step(w.ctx)
		require.NoError(t, err)
		assert.Equal(t, w.now(), next)
		assert.Equal(t, 1, w.count("Reports"))
		assert.Empty(t, w.run(p, time.Minute))
		assert.Equal(t, 3, w.count("Reports"))
	})
}

// failing is Amazon while one account cannot reach it.
type failing struct {
	watched
	account order.AccountID
}

func (f failing) Reports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) ([]amazon.Report, error) {
	if a.ID == f.account {
		return nil, errLost
	}
	return f.watched.Reports(ctx, a, q)
}

// A cell that holds something else is told of, by Step and in Status, and stops no
// other account.
func TestUnreadableCell(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("b")
		w.file(returnsFile)
		require.NoError(t, w.store.SaveCell(w.ctx, store.Cell{Name: "reports/b/returns", Data: []byte("x")}))
		p := w.poller(w.returns())
		errs := w.run(p, time.Hour)
		assert.ErrorContains(t, errs[0], "cell reports/b/returns does not hold a cursor of reports")
		assert.Len(t, w.sink.all(), 1)
		list, err := p.Status(w.ctx, "b")
		require.NoError(t, err)
		assert.Contains(t, list[0].Error, "cell reports/b/returns")
	})
}

// Accounts of which it cannot be told whose they are are told of at every sweep, and
// stop no other. When that is settled, they are polled.
func TestDisputedAccounts(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("b", "c")
		w.accounts[2].Merchant, w.accounts[2].Company = w.accounts[1].Merchant, "bravo"
		p := w.poller(w.returns())
		errs := w.run(p, time.Hour)
		require.NotEmpty(t, errs)
		require.ErrorIs(t, errs[0], amazon.ErrDisputed)
		require.ErrorContains(t, errs[0], "account b of company acme and account c of company bravo")
		cursors := func() (begun []order.AccountID) {
			list, err := p.Status(w.ctx)
			require.NoError(t, err)
			for _, s := range list {
				if !s.Cursor.IsZero() {
					begun = append(begun, s.Account)
				}
			}
			return begun
		}
		assert.Equal(t, []order.AccountID{"shop"}, cursors())

		w.accounts = w.accounts[:2]
		assert.Empty(t, w.run(p, time.Hour))
		assert.Equal(t, []order.AccountID{"b", "shop"}, cursors())
	})
}
