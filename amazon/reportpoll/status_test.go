package reportpoll_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// What is about to be asked is saved before it is asked, and what was asked before
// it is waited for.
func TestIntentFirst(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		reader := w.poller(w.returns())
		seen := map[string][]reportpoll.Pending{}
		w.fault = func(call string) fault {
			if call == "Request" || call == "Report" {
				seen[call] = w.status(reader).Pending
			}
			return fault{}
		}
		require.Empty(t, w.run(w.poller(w.returns()), time.Hour))
		asked := w.requests()[0]
		want := reportpoll.Pending{
			Type: amazon.ReturnsFlatReport, Since: asked.At, Window: reportpoll.Window{Start: asked.Start, End: asked.End},
		}
		assert.Equal(t, []reportpoll.Pending{want}, seen["Request"])
		want.ID = asked.ID
		assert.Equal(t, []reportpoll.Pending{want}, seen["Report"])
	})
}

// A person does not wait for the schedule. What was made less than half of Every ago
// is taken again; later another report is asked for.
func TestAsk(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.returns())
		require.Empty(t, w.run(p, 90*time.Minute))
		require.NoError(t, p.Ask(w.ctx, "shop", "returns"))
		require.NoError(t, p.Ask(w.ctx, "shop", "returns"))
		require.Empty(t, w.run(p, time.Minute))
		assert.Len(t, w.requests(), 1)
		assert.Len(t, w.sink.all(), 2)

		time.Sleep(time.Hour)
		require.NoError(t, w.poller(w.returns()).Ask(w.ctx, "shop", "returns"), "in another process")
		require.Empty(t, w.run(p, 2*time.Minute))
		assert.Len(t, w.requests(), 2)
		assert.Len(t, w.sink.all(), 3)
	})
}

// Asking ends the wait after failures, and that for a missing window.
func TestAskAfterFailures(t *testing.T) {
	in(t, func(w *world) {
		job := w.returns()
		job.First, job.Span = 20*day, 10*day
		w.sink.refuse = func(amazon.ReportMeta) error { return errLost }
		p := w.poller(job, w.settlements())
		w.settle(amazon.SettlementReport, "1")
		w.cron(p, 5*day, time.Hour)
		w.sink.refuse = nil
		w.file(returnsFile)
		before := len(w.requests())
		require.NoError(t, p.Ask(w.ctx, "shop", "returns"))
		require.NoError(t, p.Ask(w.ctx, "shop", "settlements"))
		require.Empty(t, w.run(p, 10*time.Minute))
		assert.Contains(t, w.sink.bodies(), "1")
		assert.GreaterOrEqual(t, len(w.requests()), before+3)
		all, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.GreaterOrEqual(t, all.End.Sub(all.Start), 25*day)
	})
}

// Asking while somebody works on it disturbs nothing.
func TestAskMeanwhile(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.returns())
		w.sink.refuse = func(amazon.ReportMeta) error { return p.Ask(w.ctx, "shop", "returns") }
		require.Empty(t, w.run(p, time.Hour))
		assert.Len(t, w.sink.all(), 1)
		assert.Equal(t, w.requests()[0].End, w.status(p).Cursor)
	})
}

func TestAskForNothing(t *testing.T) {
	in(t, func(w *world) {
		off := w.returns()
		off.Name, off.Wanted = "off", func(context.Context, amazon.Account) (bool, error) { return false, nil }
		unsure := w.returns()
		unsure.Name, unsure.Wanted = "unsure", func(context.Context, amazon.Account) (bool, error) { return false, errLost }
		p := w.poller(w.returns(), off, unsure)
		for _, c := range []struct {
			account order.AccountID
			job     string
			want    error
			text    string
		}{
			{"nobody", "returns", store.ErrNotFound, `reports of account "nobody", job "returns": not found`},
			{"", "returns", store.ErrNotFound, `account ""`},
			{"shop", "orders", store.ErrNotFound, `job "orders"`},
			{"shop", "off", reportpoll.ErrNotWanted, "the account does not want this report"},
			{"shop", "unsure", errLost, "connection lost"},
		} {
			err := p.Ask(w.ctx, c.account, c.job)
			assert.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, c.text)
		}
	})
}

// A job that an account does not want is not done, and begins when it does.
func TestWanted(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		wanted, asked := false, 0
		job := w.returns()
		job.Wanted = func(_ context.Context, a amazon.Account) (bool, error) {
			assert.Equal(t, w.accounts[0], a)
			asked++
			return wanted, nil
		}
		p := w.poller(job)
		assert.Empty(t, w.run(p, 10*time.Hour))
		assert.Zero(t, w.count("Reports")+w.count("Request"))
		assert.Equal(t, 40, asked)
		wanted = true
		assert.Empty(t, w.run(p, time.Hour))
		assert.Len(t, w.sink.all(), 1)
	})
}

func TestWantedIsNotKnown(t *testing.T) {
	in(t, func(w *world) {
		job := w.returns()
		job.Wanted = func(context.Context, amazon.Account) (bool, error) { return true, errLost }
		p := w.poller(job)
		errs := w.run(p, time.Minute)
		assert.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "ask whether it is wanted: connection lost")
		assert.Zero(t, w.count("Reports"))
		assert.Equal(t, 1, w.status(p).Failures)
	})
}

// Status lists accounts and jobs in their order, also those that have not begun.
func TestStatus(t *testing.T) {
	in(t, func(w *world) {
		w.enrol("b", "a")
		p := w.poller(w.settlements(), w.returns())
		all, err := p.Status(w.ctx)
		require.NoError(t, err)
		var names []string
		for _, s := range all {
			names = append(names, string(s.Account)+" "+s.Job)
		}
		assert.Equal(t, []string{"a settlements", "a returns", "b settlements", "b returns", "shop settlements", "shop returns"}, names)
		some, err := p.Status(w.ctx, "b", "nobody")
		require.NoError(t, err)
		assert.Equal(t, []reportpoll.Status{{Account: "b", Job: "settlements"}, {Account: "b", Job: "returns"}}, some)
	})
}

// An error of the store or of the host is told, and the pass comes back.
func TestStoreIsDown(t *testing.T) {
	for _, call := range []string{"Accounts", "Cells", "SaveCell"} {
		in(t, func(w *world) {
			w.file(returnsFile)
			w.fault = func(c string) (f fault) {
				if c == call && w.now().Before(epoch.Add(time.Hour)) {
					f.before = errLost
				}
				return f
			}
			p := w.poller(w.returns())
			next, err := p.Step(w.ctx)
			assert.ErrorIs(t, err, errLost)
			assert.True(t, next.After(w.now()))
			_, err = p.Status(w.ctx)
			assert.Equal(t, call != "SaveCell", err != nil)
			w.run(p, 2*time.Hour)
			assert.Len(t, w.sink.all(), 1)
			assert.Zero(t, w.status(p).Failures)
		})
	}
}

func TestNew(t *testing.T) {
	w := &world{}
	good := reportpoll.Config{Reports: counting{}, Accounts: hosts{w}, Cells: memory.New()}
	job := reportpoll.Job{Name: "returns", Types: []amazon.ReportType{amazon.ReturnsFlatReport}, Every: time.Hour, Sink: &sink{}}
	with := func(change func(*reportpoll.Job)) []reportpoll.Job {
		j := job
		change(&j)
		return []reportpoll.Job{j}
	}
	for _, c := range []struct {
		want   string
		change func(*reportpoll.Config)
	}{
		{"needs Reports, Accounts and Cells", func(c *reportpoll.Config) { c.Reports = nil }},
		{"needs Reports, Accounts and Cells", func(c *reportpoll.Config) { c.Accounts = nil }},
		{"needs Reports, Accounts and Cells", func(c *reportpoll.Config) { c.Cells = nil }},
		{"Budget {Jobs:-1 Time:0s}", func(c *reportpoll.Config) { c.Budget.Jobs = -1 }},
		{"Time:-1s", func(c *reportpoll.Config) { c.Budget.Time = -time.Second }},
		{`job "a/b": want a name`, func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Name = "a/b" }) }},
		{`report types []: want 1 to 10`, func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Types = nil }) }},
		{`report types [""]`, func(c *reportpoll.Config) {
			c.Jobs = with(func(j *reportpoll.Job) { j.Types = []amazon.ReportType{""} })
		}},
		{"job returns: Every 0s", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Every = 0 }) }},
		{"Overlap -1h0m0s", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Overlap = -time.Hour }) }},
		{"First -1h0m0s", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.First = -time.Hour }) }},
		{"Reach -1h0m0s", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Reach = -time.Hour }) }},
		{"Span 24h0m0s: want two days", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Span = day }) }},
		{"job returns: no Sink", func(c *reportpoll.Config) { c.Jobs = with(func(j *reportpoll.Job) { j.Sink = nil }) }},
		{"job returns is there twice", func(c *reportpoll.Config) { c.Jobs = []reportpoll.Job{job, job} }},
	} {
		conf := good
		conf.Jobs = []reportpoll.Job{job}
		c.change(&conf)
		_, err := reportpoll.New(conf)
		assert.ErrorContains(t, err, c.want)
	}
	_, err := reportpoll.New(good)
	assert.NoError(t, err)
}

// Without jobs nothing is read.
func TestNoJobs(t *testing.T) {
	in(t, func(w *world) {
		next, err := w.poller().Step(w.ctx)
		assert.NoError(t, err)
		assert.Equal(t, w.now().Add(time.Hour), next)
		assert.Zero(t, w.count("Accounts")+w.count("Cells"))
	})
}

var errRows = errors.New("row 3: quantity \"x\": want a number")

// What a sink says is kept, and cut where it is long.
func TestLongError(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		w.sink.refuse = func(amazon.ReportMeta) error {
			all := make([]error, 100)
			for i := range all {
				all[i] = errRows
			}
			return errors.Join(all...)
		}
		p := w.poller(w.returns())
		w.run(p, 5*time.Minute)
		assert.Contains(t, w.status(p).Error, errRows.Error())
		assert.Len(t, w.status(p).Error, 500)
	})
}
