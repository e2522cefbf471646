package reportpoll_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/reportpoll"
)

// long is a job whose first window takes three reports.
func (w *world) long() reportpoll.Job {
	job := w.returns()
	job.First, job.Span = 20*day, 10*day
	return job
}

// newest are the requests for a window that ends when it is asked for.
func (w *world) newest() (newest []asked) {
	for _, a := range w.requests() {
		if a.At.Sub(a.End) < time.Hour {
			newest = append(newest, a)
		}
	}
	return newest
}

// Windows that follow each other overlap, since nobody knows whether Amazon counts
// the instant between them.
func TestSeams(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		assert.Empty(t, w.run(w.poller(w.long()), time.Hour))
		asked := w.requests()
		require.Len(t, asked, 3)
		assert.Equal(t, day, asked[1].End.Sub(asked[2].Start))
		assert.False(t, asked[0].Start.After(asked[2].End.Add(-day)))
	})
}

// A report of an old window that the sink cannot read is not tried again before the
// next day at the earliest, and then another one is asked for. The newest windows have their turn
// meanwhile.
func TestOldWindowFails(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		tries := map[amazon.ReportID]int{}
		w.sink.refuse = func(m amazon.ReportMeta) error {
			for _, a := range w.newest() {
				if a.ID == m.ID {
					return nil
				}
			}
			tries[m.ID]++
			return errLost
		}
		p := w.poller(w.long())
		w.run(p, 13*time.Hour) // the old ones fail
		assert.Len(t, w.newest(), 4)
		assert.Len(t, tries, 2)
		for id, n := range tries {
			assert.Equal(t, 1, n, id)
		}
		assert.Len(t, w.status(p).Missing, 2)
		w.sink.refuse = nil
		assert.Empty(t, w.cron(p, 4*day, 10*time.Minute))
		assert.Empty(t, w.status(p).Missing)
	})
}

// An old window whose report hangs does not stop the newest.
func TestOldWindowHangs(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.long())
		assert.Empty(t, w.run(p, 30*time.Second))
		w.file(fated(amazontest.Fate{Queued: amazontest.Forever}))
		assert.Empty(t, w.run(p, 5*time.Hour))
		assert.Len(t, w.newest(), 2)
	})
}

// A report that ends a little before an old window does not do for it: no later
// one makes up for the rest.
func TestOldWindowIsNotTakenFresh(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		job := w.long()
		job.Overlap = time.Hour
		p := w.poller(job)
		_, err := p.Step(w.ctx)
		require.NoError(t, err)
		missing := w.status(p).Missing
		require.Len(t, missing, 2)
		_, err = w.client.Request(w.ctx, w.accounts[0], amazon.ReportRequest{
			Type: amazon.ReturnsFlatReport, Start: missing[1].Start.Add(-time.Hour), End: missing[1].End.Add(-90 * time.Minute),
		})
		require.NoError(t, err)
		assert.Empty(t, w.run(p, time.Hour))
		_, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.Empty(t, w.status(p).Missing)
	})
}

// Of two reports that would do, the one of the better type is taken, then one that
// is done, then the one that reaches further.
func TestReuseTheBest(t *testing.T) {
	type report struct {
		typ    amazon.ReportType
		before time.Duration // now is its end
		slow   bool
	}
	flat, xml := amazon.ReturnsFlatReport, amazon.ReturnsXMLReport
	for name, c := range map[string]struct{ best, other report }{
		"better type":     {report{flat, time.Hour, true}, report{xml, 0, false}},
		"done":            {report{flat, time.Hour, false}, report{flat, 0, true}},
		"reaches further": {report{flat, 0, false}, report{flat, time.Hour, false}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, order := range [][]report{{c.best, c.other}, {c.other, c.best}} {
				in(t, func(w *world) {
					ids := map[report]amazon.ReportID{}
					for _, r := range order {
						f := returnsFile
						f.Type = r.typ
						if r.slow {
							f.Fate.InProgress = time.Hour
						}
						w.file(f)
						id, err := w.client.Request(w.ctx, w.accounts[0], amazon.ReportRequest{
							Type: r.typ, Start: epoch.Add(-70 * day), End: epoch.Add(-r.before),
						})
						require.NoError(t, err)
						ids[r] = id
					}
					time.Sleep(2 * time.Minute)
					assert.Empty(t, w.run(w.poller(w.returns()), 2*time.Hour))
					require.Len(t, w.sink.all(), 1)
					assert.Equal(t, ids[c.best], w.sink.all()[0].Meta.ID)
				})
			}
		})
	}
}

// The report of an old window is taken when it is done, though the newest is due.
func TestOldWindowIsDone(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.long())
		assert.Empty(t, w.cron(p, 13*time.Hour, 90*time.Minute))
		assert.Empty(t, w.status(p).Missing)
		assert.Len(t, w.requests(), len(w.newest())+2)
	})
}

// dateless is an Amazon that does not say which time its reports cover.
type dateless struct{ watched }

func (d dateless) Reports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) ([]amazon.Report, error) {
	rs, err := d.watched.Reports(ctx, a, q)
	for i := range rs {
		rs[i].Start = time.Time{}
	}
	return rs, err
}

// A report of which it is not known when it begins is not taken.
func TestReuseWithoutStart(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		_, err := w.client.Request(w.ctx, w.accounts[0], amazon.ReportRequest{
			Type: amazon.ReturnsFlatReport, Start: epoch.Add(-time.Hour), End: epoch,
		})
		require.NoError(t, err)
		w.client = dateless{w.client.(watched)}
		assert.Empty(t, w.run(w.poller(w.returns()), time.Hour))
		assert.Len(t, w.requests(), 2)
	})
}

// A report that hangs is given up also when the clock was set back meanwhile.
func TestStuckAndClockSetBack(t *testing.T) {
	in(t, func(w *world) {
		w.file(fated(amazontest.Fate{Queued: amazontest.Forever}))
		assert.Empty(t, w.run(w.poller(w.returns()), time.Hour))
		w.off = -10 * day
		errs := w.run(w.poller(w.returns()), 14*time.Hour)
		require.NotEmpty(t, errs)
		assert.ErrorContains(t, errs[0], "given up")
	})
}
