package reportpoll_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/order"
)

var returnsFile = amazontest.ReportFile{Type: amazon.ReturnsFlatReport, Body: []byte("Order ID\tReturn quantity\n"), ContentType: "text/plain;charset=Cp1252"}

// fated is the file of returns with a fate.
func fated(f amazontest.Fate) amazontest.ReportFile {
	file := returnsFile
	file.Fate = f
	return file
}

// A report is asked for every four hours. The first goes back 60 days, and each
// one after it overlaps the one before by a day.
func TestWindowsOverlap(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		p := w.poller(w.returns())
		require.Empty(t, w.run(p, 9*time.Hour))
		asked := w.requests()
		require.Len(t, asked, 3)
		assert.Equal(t, epoch.Add(-5*time.Minute), asked[0].End)
		assert.Equal(t, 60*day, asked[0].End.Sub(asked[0].Start))
		assert.Equal(t, asked[0].End.Add(-day), asked[1].Start)
		assert.Equal(t, asked[1].End.Add(-day), asked[2].Start)
		assert.Equal(t, 4*time.Hour, asked[2].At.Sub(asked[1].At))
		assert.Equal(t, []order.MarketplaceID{us}, asked[0].Marketplaces)

		taken := w.sink.all()
		require.Len(t, taken, 3)
		assert.Equal(t, string(returnsFile.Body), taken[0].Body)
		assert.Equal(t, amazon.ReturnsFlatReport, taken[0].Meta.Type)
		assert.Equal(t, returnsFile.ContentType, taken[0].Meta.ContentType)
		assert.Equal(t, reportpoll.Status{
			Account: "shop", Job: "returns", Cursor: asked[2].End, Latest: asked[2].End, Next: asked[2].At.Add(4 * time.Hour),
		}, w.status(p))
	})
}

// An overlap of months is as long as one report may be, and never longer.
func TestLongOverlap(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		job := w.returns()
		job.Overlap = 90 * day
		require.Empty(t, w.run(w.poller(job), 9*time.Hour))
		for _, a := range w.requests() {
			assert.Equal(t, 60*day, a.End.Sub(a.Start))
		}
		assert.Len(t, w.sink.all(), 3)
	})
}

// Where there is nothing to report, Amazon ends every report CANCELLED. That is no
// error, and the cursor stays.
func TestCancelled(t *testing.T) {
	in(t, func(w *world) {
		job := w.returns()
		job.First = 10 * day
		p := w.poller(job)
		require.Empty(t, w.run(p, 9*time.Hour))
		asked := w.requests()
		require.Len(t, asked, 3)
		for _, a := range asked[1:] {
			assert.False(t, a.Start.After(asked[0].Start), "the window begins at %s, after the first one", a.Start)
		}
		s := w.status(p)
		assert.Equal(t, asked[0].Start.Add(day), s.Cursor)
		assert.Equal(t, 3, s.Cancelled)
		assert.Zero(t, s.Failures)
		assert.Empty(t, s.Error)

		w.file(returnsFile)
		require.Empty(t, w.run(p, 4*time.Hour))
		all, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.False(t, all.Start.After(asked[0].Start))
		assert.Equal(t, all.End, w.status(p).Cursor)
	})
}

// What Amazon cancelled for months is cut into windows that one report can
// cover. The old ones are asked for ever less often, and not forgotten.
func TestCancelledForMonths(t *testing.T) {
	in(t, func(w *world) {
		job := w.returns()
		job.Every = day
		p := w.poller(job)
		require.Empty(t, w.cron(p, 130*day, 2*time.Hour))
		first := w.requests()[0]
		for _, a := range w.requests() {
			assert.LessOrEqual(t, a.End.Sub(a.Start), 60*day)
		}
		assert.Less(t, len(w.requests()), 130+45, "one a day, and the old ones now and then")
		assert.NotEmpty(t, w.status(p).Missing)

		w.file(returnsFile)
		require.Empty(t, w.cron(p, 31*day, time.Hour))
		all, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.False(t, all.Start.After(first.Start))
		assert.Empty(t, w.status(p).Missing)
	})
}

// After a pause of half a year the newest window comes first, and the older ones
// right after it.
func TestLongPause(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		require.Empty(t, w.run(w.poller(w.returns()), time.Hour))
		time.Sleep(200 * day)
		before := w.now()
		require.Empty(t, w.run(w.poller(w.returns()), time.Hour))
		asked := w.requests()[1:]
		require.Len(t, asked, 4)
		assert.WithinDuration(t, before, asked[0].End, 10*time.Minute)
		all, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.Equal(t, reportpoll.Window{Start: w.requests()[0].Start, End: asked[0].End}, all)
	})
}

// Data that Amazon serves no longer is not asked for.
func TestReach(t *testing.T) {
	in(t, func(w *world) {
		job := w.returns()
		job.Reach = 90 * day
		p := w.poller(job)
		require.Empty(t, w.cron(p, 300*day, 3*time.Hour))
		for _, a := range w.requests() {
			assert.Less(t, a.At.Sub(a.End), 90*day+time.Hour)
		}
		assert.LessOrEqual(t, len(w.status(p).Missing), 2)
	})
}

// A report that fails is tried again after a minute, two, four, and so on up to a
// day; the cursor stays, and the window that works in the end covers it all.
func TestFailures(t *testing.T) {
	unreadable := errors.New("line 1: want the columns of a returns report")
	for name, c := range map[string]struct {
		file   amazontest.ReportFile
		refuse error
		want   string
	}{
		"FATAL":                       {fated(amazontest.Fate{End: amazon.FeedFatal}), nil, "ended FATAL, without an explanation"},
		"the sink cannot read it":     {returnsFile, unreadable, "line 1: want the columns"},
		"it is broken off at its end": {returnsFile, errors.New("unexpected EOF"), "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(c.file)
				w.sink.refuse = func(amazon.ReportMeta) error { return c.refuse }
				p := w.poller(w.returns())
				errs := w.run(p, 10*day)
				assert.ErrorContains(t, errs[0], "reports of account shop, job returns: ")
				assert.ErrorContains(t, errs[0], c.want)
				assert.Less(t, len(errs), 25, "it is tried too often")
				s := w.status(p)
				assert.Zero(t, w.sink.all())
				assert.Equal(t, w.requests()[0].Start.Add(day), s.Cursor)
				assert.Equal(t, len(errs), s.Failures)
				assert.Contains(t, s.Error, c.want)

				w.sink.refuse = nil
				w.file(fated(amazontest.Fate{}))
				w.run(p, 2*day)
				all, gap := w.covered("shop")
				assert.Zero(t, gap)
				assert.False(t, all.Start.After(w.requests()[0].Start))
				s = w.status(p)
				assert.Zero(t, s.Failures)
				assert.NotZero(t, s.FailedAt)
			})
		})
	}
}

// After a report that ended FATAL another one is asked for.
func TestFatalIsAskedForAnew(t *testing.T) {
	in(t, func(w *world) {
		w.file(fated(amazontest.Fate{End: amazon.FeedFatal}))
		p := w.poller(w.returns())
		assert.Len(t, w.run(p, 2*time.Minute), 1)
		w.file(fated(amazontest.Fate{}))
		assert.Empty(t, w.run(p, 10*time.Minute))
		assert.Len(t, w.requests(), 2)
		assert.Len(t, w.sink.all(), 1)
	})
}

// A report that Amazon leaves in its queue is given up after half a day and asked
// for anew.
func TestStuck(t *testing.T) {
	for _, fate := range []amazontest.Fate{{Queued: amazontest.Forever}, {InProgress: amazontest.Forever}} {
		in(t, func(w *world) {
			w.file(fated(fate))
			p := w.poller(w.returns())
			errs := w.run(p, reportpoll.Patience+time.Hour)
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], "given up")
			asked := w.requests()
			require.Len(t, asked, 2)
			assert.Equal(t, asked[0].Start.Add(day), w.status(p).Cursor)
			assert.Less(t, w.count("Report"), 100)

			w.file(fated(amazontest.Fate{}))
			w.run(p, day)
			_, gap := w.covered("shop")
			assert.Zero(t, gap)
			assert.NotEmpty(t, w.sink.all())
		})
	}
}

// Who is throttled waits for as long as the error says. That is no failure.
func TestThrottled(t *testing.T) {
	for _, call := range []string{"Reports", "Request", "Report", "Open"} {
		t.Run(call, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(returnsFile)
				until := w.now().Add(3 * time.Hour)
				throttled := &amazon.Error{Op: call, Sent: amazon.NotSent, Status: 429, RetryAt: until}
				w.fault = func(c string) (f fault) {
					if c == call && w.now().Before(until) {
						f.before = throttled
					}
					return f
				}
				p := w.poller(w.returns())
				assert.Empty(t, w.run(p, 3*time.Hour-time.Second))
				assert.Equal(t, 1, w.count(call))
				s := w.status(p)
				assert.Zero(t, s.Failures)
				assert.Equal(t, until, s.Next)
				assert.Empty(t, w.run(p, time.Hour))
				assert.Len(t, w.sink.all(), 1)
			})
		})
	}
}

// The real limits hold a hundred reports up, and lose none.
func TestEmptyBucket(t *testing.T) {
	in(t, func(w *world) {
		w.file(returnsFile)
		job := w.returns()
		job.First, job.Span, job.Every = 40*day, 2*day, 30*day
		assert.Empty(t, w.run(w.poller(job), 4*time.Hour))
		all, gap := w.covered("shop")
		assert.Zero(t, gap)
		assert.GreaterOrEqual(t, all.End.Sub(all.Start), 40*day)
		assert.Greater(t, len(w.requests()), 30)
	})
}

// A report that somebody else asked for is taken when it covers the window and is
// fresh, and only then.
func TestReuse(t *testing.T) {
	wide := reportpoll.Window{Start: epoch.Add(-61 * day), End: epoch.Add(-time.Hour)}
	with := func(change func(*amazon.ReportRequest)) amazon.ReportRequest {
		r := amazon.ReportRequest{Type: amazon.ReturnsXMLReport, Start: wide.Start, End: wide.End}
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		theirs  amazon.ReportRequest
		fate    amazontest.Fate
		age     time.Duration
		options map[string]string
		reused  bool
	}{
		"done":           {theirs: with(func(*amazon.ReportRequest) {}), age: 10 * time.Minute, reused: true},
		"running":        {theirs: with(func(*amazon.ReportRequest) {}), age: time.Second, reused: true},
		"too late":       {theirs: with(func(r *amazon.ReportRequest) { r.Start = epoch.Add(-59 * day) }), age: 10 * time.Minute},
		"too early":      {theirs: with(func(r *amazon.ReportRequest) { r.End = epoch.Add(-3 * time.Hour) }), age: 10 * time.Minute},
		"FATAL":          {theirs: with(func(*amazon.ReportRequest) {}), fate: amazontest.Fate{End: amazon.FeedFatal}, age: 10 * time.Minute},
		"other type":     {theirs: with(func(r *amazon.ReportRequest) { r.Type = amazon.AllOrdersReport }), age: 10 * time.Minute},
		"other country":  {theirs: with(func(r *amazon.ReportRequest) { r.Marketplaces = []order.MarketplaceID{"A2EUQ1WTGCTBG2"} }), age: 10 * time.Minute},
		"other options":  {theirs: with(func(*amazon.ReportRequest) {}), age: 10 * time.Minute, options: map[string]string{"ShowSalesChannel": "true"}},
		"more countries": {theirs: with(func(r *amazon.ReportRequest) { r.Marketplaces = []order.MarketplaceID{"A2EUQ1WTGCTBG2", us} }), age: 10 * time.Minute, reused: true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				for _, typ := range []amazon.ReportType{amazon.ReturnsXMLReport, amazon.ReturnsFlatReport, amazon.AllOrdersReport} {
					f := returnsFile
					f.Type, f.Fate = typ, c.fate
					w.file(f)
				}
				id, err := w.client.Request(w.ctx, w.accounts[0], c.theirs)
				require.NoError(t, err)
				time.Sleep(c.age)
				for _, typ := range []amazon.ReportType{amazon.ReturnsXMLReport, amazon.ReturnsFlatReport} {
					f := returnsFile
					f.Type = typ
					w.file(f)
				}
				job := w.returns()
				job.Options = c.options
				p := w.poller(job)
				assert.Empty(t, w.run(p, 30*time.Minute))
				require.Len(t, w.sink.all(), 1)
				assert.Equal(t, c.reused, w.sink.all()[0].Meta.ID == id)
				assert.Equal(t, !c.reused, len(w.requests()) == 2)
				_, gap := w.covered("shop")
				assert.Zero(t, gap)
			})
		})
	}
}

// A report that ends CANCELLED because somebody asked for one just before is
// replaced by that one.
func TestCancelledForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t.Context(), t, amazontest.Config{ReportPause: time.Hour})
		w.file(fated(amazontest.Fate{Unlisted: 45 * time.Second}))
		id, err := w.client.Request(w.ctx, w.accounts[0], amazon.ReportRequest{
			Type: amazon.ReturnsFlatReport, Start: epoch.Add(-70 * day), End: epoch.Add(-time.Minute),
		})
		require.NoError(t, err)
		p := w.poller(w.returns())
		assert.Empty(t, w.run(p, 20*time.Minute))
		require.Len(t, w.requests(), 2)
		require.Len(t, w.sink.all(), 1)
		assert.Equal(t, id, w.sink.all()[0].Meta.ID)
		assert.Zero(t, w.status(p).Cancelled)
	})
}

// The answer of createReport is lost. The report is found in the list, and no
// other one is asked for; with options too, although the list does not show them.
func TestLostAnswer(t *testing.T) {
	for name, options := range map[string]map[string]string{"without options": nil, "with options": {"ShowSalesChannel": "true"}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(returnsFile)
				w.amz.Fail(amazontest.Nth("createReport", 1, amazontest.Fault{Drop: true, After: true}))
				job := w.returns()
				job.Options = options
				p := w.poller(job)
				assert.Len(t, w.run(p, time.Hour), 1)
				assert.Equal(t, 1, w.count("Request"))
				assert.Len(t, w.sink.all(), 1)
				s := w.status(p)
				assert.Zero(t, s.Failures)
				assert.Empty(t, cmp.Diff(epoch.Add(-5*time.Minute), s.Cursor))
			})
		})
	}
}
