package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

// run is one run: everything in it follows from its seed and number.
type run struct {
	seed    uint64
	number  int
	random  *rand.Rand
	clock   time.Time
	weather weather
	calm    bool // nothing goes wrong any more

	world   *world
	workers []*worker
	fault   amazontest.Fault // of the call to Amazon that is about to arrive

	figures  figures
	findings []string               // what is wrong, one line each
	trace    func(string)           // nil: nobody looks
	plant    func(*takeback.Config) // a mistake that the run shall find; nil: none
}

// began is when every run begins.
var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newRun(seed uint64, number, workers int) *run {
	r := &run{seed: seed, number: number, random: rand.New(rand.NewPCG(seed, uint64(number))), clock: began}
	r.weather = r.drawWeather()
	for i := range workers {
		r.workers = append(r.workers, &worker{run: r, name: fmt.Sprintf("worker %d", i+1), skew: r.between(-skewOfWorker, skewOfWorker)})
	}
	return r
}

// play goes through the run, in a new database made of an empty one. An error is
// one of this program's; what is wrong with the library stands in figures and
// findings.
func (r *run) play(folder string, empty []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("run %d: %w", r.number, err)
		}
	}()
	r.figures = figures{Runs: 1, LedgerEqual: true}
	if r.world, err = r.build(); err != nil {
		return err
	}
	remove, err := r.world.open(folder, empty)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	defer func() {
		for _, w := range r.workers {
			w.stop()
		}
	}()
	for _, w := range r.workers {
		if err := w.start(); err != nil {
			return err
		}
	}
	if err := r.storm(); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	return r.compare()
}

// storm is the part in which things go wrong, until everything was asked for and
// for some time more.
func (r *run) storm() error {
	for moves := 20 + r.random.IntN(30); moves > 0 || r.unissued() != nil; moves-- {
		if moves < -1000 {
			return fmt.Errorf("%s cannot be asked for", r.unissued())
		}
		if r.chance(0.3) {
			r.pass(r.pauseBetweenMoves())
			continue
		}
		if r.chance(0.2) {
			if err := r.others(); err != nil {
				return err
			}
			continue
		}
		w := r.workers[r.random.IntN(len(r.workers))]
		if err := r.move(w); err != nil {
			return err
		}
	}
	return nil
}

// pauseBetweenMoves is mostly minutes, sometimes hours, rarely days.
func (r *run) pauseBetweenMoves() time.Duration {
	switch dice := r.random.IntN(20); {
	case dice == 0:
		return r.upTo(3 * 24 * time.Hour)
	case dice < 4:
		return r.upTo(5 * time.Hour)
	case dice < 12:
		return r.upTo(40 * time.Minute)
	}
	return r.upTo(2 * time.Minute)
}

// move has a worker go on, or begin something.
func (r *run) move(w *worker) error {
	if w.parked != nil {
		if r.chance(0.4) {
			return nil // let it lie
		}
		r.tell("%s goes on %s", w, w.parked)
		return r.drive(w, w.release(w.parked, proceed))
	}
	doing, task := r.task()
	return r.begin(w, doing, task)
}

func (r *run) begin(w *worker, doing string, task func(context.Context, desk) error) error {
	r.tell("%s: %s", w.name, doing)
	return r.drive(w, w.begin(doing, task))
}

// drive lets a worker move until it is done, is left somewhere, or crashes.
func (r *run) drive(w *worker, e event) error {
	for e.stop != nil {
		r.tick(e.stop)
		v, left := r.judge(w, e.stop)
		r.tell("  %s: %s: %s", w.name, e.stop, map[verdict]string{proceed: "ok", fail: "FAILS", crash: "CRASH"}[v])
		if left {
			r.figures.Suspends++
			w.parked = e.stop
			r.tell("  %s is left there", w.name)
			return nil
		}
		e = w.release(e.stop, v)
		if v == crash {
			r.figures.Crashes++
			return w.start()
		}
	}
	w.doing = ""
	return nil
}

// task draws what an idle worker does.
func (r *run) task() (string, func(context.Context, desk) error) {
	for _, w := range r.workers {
		if w.parked != nil && w.doing == handingOver && r.chance(0.5) {
			return "come between", r.comeBetween
		}
	}
	if ask := r.unissued(); ask != nil && r.chance(0.35) {
		return "ask for " + ask.String(), ask.issue
	}
	dice := r.random.IntN(100)
	for _, t := range []struct {
		below int
		doing string
		task  func(context.Context, desk) error
	}{
		{10, "process", r.process},
		{13, "withdraw or retry", r.changeMind},
		{16, "decide", r.person},
		{19, "meddle", r.meddle},
		{24, "approve", r.approve},
		{31, "import returns", r.importReturns},
		{35, "receive goods", r.receive},
		{40, "refund a return", r.refundReturn},
		{45, "hear of a wish", r.hear},
		{48, "answer the buyer", r.answerBuyer},
		{55, handingOver, r.ship},
		{58, "record", r.record},
		{62, "import a settlement", r.importPeriod},
	} {
		if dice < t.below {
			return t.doing, t.task
		}
	}
	return "step", step
}

func step(ctx context.Context, d desk) error {
	_, err := d.Step(ctx)
	return err
}

// unissued is the first request of which nobody knows whether it was queued.
func (r *run) unissued() *request {
	for _, ask := range r.world.requests {
		if ask.issued == "" && ask.refused == nil {
			return ask
		}
	}
	return nil
}

// patience is how long things may take to come to an end by themselves.
const patience = 60 * 24 * time.Hour

// settle lets time run on without faults until nothing is left to do.
func (r *run) settle() error {
	r.calm = true
	r.tell("calm")
	for _, w := range r.workers {
		w.failing = failing{}
		if w.parked != nil {
			if err := r.drive(w, w.release(w.parked, proceed)); err != nil {
				return err
			}
		}
	}
	if err := r.begin(r.workers[0], "catch up", r.catchUp); err != nil {
		return err
	}
	// What the last settlements show may answer what nobody knew, and bring something
	// to do once more.
	for range 3 {
		if err := r.quieten(); err != nil {
			return err
		}
		r.carry()
		if err := r.compareUnsettled(); err != nil {
			return err
		}
		if err := r.begin(r.workers[0], "close the books", r.closeBooks); err != nil {
			return err
		}
		if o, err := r.open(); err != nil || o.nothing() {
			return err
		}
	}
	return nil
}

// quieten lets time run on until nothing is left to do.
func (r *run) quieten() error {
	began := r.clock
	for i, until := 0, began.Add(patience); r.clock.Before(until); i++ {
		w := r.workers[i%len(r.workers)]
		if err := r.begin(w, "step", step); err != nil {
			return err
		}
		o, err := r.open()
		if err != nil || i > 0 && o.nothing() {
			return err
		}
		if i == 0 || o.waitsForPeople() {
			if err := r.begin(w, "decide and process", r.tidy); err != nil {
				return err
			}
			r.carry()
			if o, err = r.open(); err != nil {
				return err
			}
		}
		// Until the next thing is due, and the longer this takes, the more rarely:
		// a host need not come at each time that it was told.
		r.pass(max(o.due.Sub(r.clock)+skewOfWorker, time.Minute, r.clock.Sub(began)/6))
	}
	return nil
}

// tick is the time that a call takes.
func (r *run) tick(s *stop) {
	if s.after {
		r.pass(20 * time.Millisecond)
		return
	}
	r.pass(time.Millisecond)
}

func (r *run) pass(d time.Duration) {
	r.clock = r.clock.Add(d)
	if d > time.Second {
		r.tell("%s later it is %s", d, r.clock.Format(told))
	}
}

func (r *run) time() time.Time { return r.clock }

func (r *run) chance(p float64) bool { return r.random.Float64() < p }

func (r *run) upTo(d time.Duration) time.Duration { return r.between(0, d) }

// between draws a duration of whole milliseconds.
func (r *run) between(least, most time.Duration) time.Duration {
	return least + time.Duration(r.random.Int64N(int64((most-least)/time.Millisecond)+1))*time.Millisecond
}

func (r *run) tell(format string, args ...any) {
	if r.trace != nil {
		r.trace(fmt.Sprintf(format, args...))
	}
}
