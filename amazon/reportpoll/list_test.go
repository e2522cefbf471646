package reportpoll_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

// settle has Amazon make a settlement now.
func (w *world) settle(typ amazon.ReportType, body string) {
	w.file(amazontest.ReportFile{
		Type: typ, Body: []byte(body), Listed: true, Start: w.now().Add(-14 * day), End: w.now(),
	})
}

// Settlements are listed and never asked for; each is handed over once, the best
// type first, in the order in which Amazon made them.
func TestList(t *testing.T) {
	in(t, func(w *world) {
		for _, body := range []string{"1", "2"} {
			w.settle(amazon.SettlementV1Report, "flat "+body)
			w.settle(amazon.SettlementReport, "V2 "+body)
			w.settle(amazon.SettlementXMLReport, "xml "+body)
			time.Sleep(time.Minute)
		}
		p := w.poller(w.settlements())
		assert.Empty(t, w.run(p, time.Hour))
		assert.Equal(t, []string{"V2 1", "V2 2", "flat 1", "flat 2"}, w.sink.bodies())

		w.settle(amazon.SettlementReport, "V2 3")
		assert.Empty(t, w.cron(w.poller(w.settlements()), 40*day, time.Hour))
		assert.Equal(t, []string{"V2 1", "V2 2", "flat 1", "flat 2", "V2 3"}, w.sink.bodies())
		assert.Empty(t, w.requests())
		assert.Less(t, w.count("Reports"), 4*42)
		assert.Empty(t, w.status(p).Pending)
	})
}

// The first look goes back as far as Amazon lists, and one after a pause to
// where the last one was.
func TestListAfterAPause(t *testing.T) {
	in(t, func(w *world) {
		w.settle(amazon.SettlementReport, "too old")
		time.Sleep(91 * day)
		w.settle(amazon.SettlementReport, "1")
		time.Sleep(60 * day)
		assert.Empty(t, w.run(w.poller(w.settlements()), time.Hour))
		w.settle(amazon.SettlementReport, "2")
		time.Sleep(80 * day)
		assert.Empty(t, w.run(w.poller(w.settlements()), time.Hour))
		assert.Equal(t, []string{"1", "2"}, w.sink.bodies())
	})
}

// A settlement that the sink cannot take keeps no other waiting, and is tried again
// after longer and longer, until it can.
func TestListedReportFails(t *testing.T) {
	in(t, func(w *world) {
		w.settle(amazon.SettlementReport, "bad")
		time.Sleep(time.Minute)
		w.settle(amazon.SettlementReport, "good")
		calls := w.now
		var tries []time.Time
		w.sink.refuse = func(m amazon.ReportMeta) error {
			if m.ID != "50000000001" {
				return nil
			}
			tries = append(tries, calls())
			return errors.New("the rows do not add up to the total")
		}
		p := w.poller(w.settlements())
		errs := w.run(p, 5*day)
		assert.ErrorContains(t, errs[0], "reports of account shop, job settlements: hand over report 50000000001: the rows do not add up")
		assert.Equal(t, []string{"good"}, w.sink.bodies())
		s := w.status(p)
		assert.Equal(t, len(tries), s.Failures)
		assert.Contains(t, s.Error, "do not add up")
		assert.Len(t, s.Pending, 1)
		assert.Equal(t, amazon.ReportID("50000000001"), s.Pending[0].ID)
		for i := range tries[1:] {
			assert.LessOrEqual(t, tries[i+1].Sub(tries[i]), day+time.Minute)
		}
		assert.Less(t, len(tries), 16)

		w.settle(amazon.SettlementReport, "next")
		w.sink.refuse = nil
		assert.Empty(t, w.run(p, 2*day))
		assert.ElementsMatch(t, []string{"good", "next", "bad"}, w.sink.bodies())
		assert.Zero(t, w.status(p).Failures)
	})
}

// A settlement that no version of the sink can read is given up when Amazon does
// not keep it any longer, and told of once more.
func TestListedReportIsGivenUp(t *testing.T) {
	in(t, func(w *world) {
		w.settle(amazon.SettlementReport, "bad")
		w.sink.refuse = func(amazon.ReportMeta) error { return errors.New("unreadable") }
		p := w.poller(w.settlements())
		errs := w.cron(p, 100*day, time.Hour)
		assert.ErrorContains(t, errs[len(errs)-1], "given up after 100 tries")
		assert.Len(t, errs, 100)
		assert.Empty(t, w.status(p).Pending)
	})
}

// Reports that Amazon still works on are waited for; those that it cancelled are
// not, and a FATAL one is told of once.
func TestListedReportsInEveryState(t *testing.T) {
	in(t, func(w *world) {
		for _, f := range []amazontest.ReportFile{
			{Body: []byte("slow"), Fate: amazontest.Fate{Queued: 10 * day, InProgress: 10 * day}},
			{Body: []byte("cancelled"), Fate: amazontest.Fate{End: amazon.FeedCancelled}},
			{Body: []byte("cancelled later"), Fate: amazontest.Fate{End: amazon.FeedCancelled, Queued: time.Hour}},
			{Body: []byte("fatal later"), Fate: amazontest.Fate{End: amazon.FeedFatal, Queued: time.Hour}, Explanation: []byte("why")},
		} {
			f.Type, f.Listed = amazon.SettlementReport, true
			w.file(f)
		}
		p := w.poller(w.settlements())
		errs := w.cron(p, 21*day, time.Hour)
		assert.Equal(t, []string{"slow"}, w.sink.bodies())
		assert.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "ended FATAL: document amzn1.")
		assert.Empty(t, w.status(p).Pending)
	})
}

// When the list cannot be had, what is known is handed over all the same.
func TestListFails(t *testing.T) {
	in(t, func(w *world) {
		w.settle(amazon.SettlementReport, "1")
		refused := errors.New("not yet")
		w.sink.refuse = func(amazon.ReportMeta) error { return refused }
		p := w.poller(w.settlements())
		assert.Len(t, w.run(p, 5*time.Hour), 9)
		down := errors.New("down")
		w.fault = func(call string) (f fault) {
			if call == "Reports" {
				f.before = down
			}
			return f
		}
		w.sink.refuse = nil
		errs := w.run(p, day)
		assert.ErrorContains(t, errs[0], "list reports: down")
		assert.Equal(t, []string{"1"}, w.sink.bodies())
		assert.Equal(t, len(errs), w.status(p).Failures)
	})
}

// Throttling in the middle of a list counts as no report's failure, and the rest
// follows in time.
func TestListIsThrottled(t *testing.T) {
	in(t, func(w *world) {
		w.settle(amazon.SettlementReport, "1")
		time.Sleep(time.Minute)
		w.settle(amazon.SettlementReport, "2")
		until := w.now().Add(time.Hour)
		w.fault = func(call string) (f fault) {
			if call == "Open" && w.count("Open") > 1 && w.now().Before(until) {
				f.before = &amazon.Error{Op: call, Sent: amazon.NotSent, Status: 429, RetryAt: until}
			}
			return f
		}
		p := w.poller(w.settlements())
		assert.Empty(t, w.run(p, 30*time.Minute))
		assert.Equal(t, []string{"1"}, w.sink.bodies())
		s := w.status(p)
		assert.Zero(t, s.Failures)
		assert.Empty(t, s.Error)
		assert.Equal(t, until, s.Next)
		assert.Empty(t, w.run(p, time.Hour))
		assert.Equal(t, []string{"1", "2"}, w.sink.bodies())
	})
}
