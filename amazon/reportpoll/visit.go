package reportpoll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/store"
)

// visit does what is due for a job of an account, unless somebody else does, and
// says when the next thing is. mine tells whether it had its turn.
func (p *Poller) visit(ctx context.Context, a appointment, c store.Cell) (due time.Time, mine bool, err error) {
	now := p.now()
	t, err := read(c, a.job, now)
	if err != nil {
		return now.Add(sweepEvery), false, err
	}
	if due := t.due(a.job); due.After(now) {
		return due, false, nil
	}
	v := &turn{p: p, appointment: a, track: t, version: c.Version}
	if a.job.Wanted != nil {
		if wanted, err := a.job.Wanted(ctx, a.account); err != nil {
			return v.end(ctx, fmt.Errorf("ask whether it is wanted: %w", err))
		} else if !wanted {
			t.NotBefore = now.Add(unwanted)
			return v.end(ctx, nil)
		}
	}
	if !a.job.ListOnly {
		t.choose(a.job, now)
	}
	if err := v.save(ctx, now.Add(holdTime)); v.lost {
		return now.Add(overtaken), false, nil
	} else if err != nil {
		return now.Add(overtaken), false, err
	}
	if a.job.ListOnly {
		return v.end(ctx, v.list(ctx))
	}
	return v.end(ctx, v.request(ctx))
}

// turn is the right to work on a job of an account. Who loses it, to a save of
// another process, saves nothing more.
type turn struct {
	p *Poller
	appointment
	track   *track
	version int64
	lost    bool    // somebody else has it
	errs    []error // of single reports, which do not stop the others
}

// save saves what is known, and holds the turn until then.
func (v *turn) save(ctx context.Context, held time.Time) error {
	v.track.Held = held
	data, err := json.Marshal(v.track)
	if err != nil {
		return fmt.Errorf("cell %s: %w", v.cell, err)
	}
	if err := v.p.c.Cells.SaveCell(ctx, store.Cell{Name: v.cell, Version: v.version, Data: data}); err != nil {
		v.lost = errors.Is(err, store.ErrConflict)
		return fmt.Errorf("save cursor: %w", err)
	}
	v.version++
	return nil
}

// keep holds a turn longer that is half over.
func (v *turn) keep(ctx context.Context) error {
	now := v.p.now()
	if v.track.Held.Sub(now) > holdTime/2 {
		return nil
	}
	return v.save(ctx, now.Add(holdTime))
}

// end gives the turn back with what was learned in it, also when the caller's
// context has ended. Who was throttled did not fail, and who was stopped neither.
func (v *turn) end(ctx context.Context, err error) (due time.Time, mine bool, _ error) {
	now := v.p.now()
	if v.lost {
		return now.Add(overtaken), true, errors.Join(v.errs...)
	}
	if at, throttled := amazon.Throttled(err); throttled {
		v.track.NotBefore, err = earlier(at, now.Add(maxBackoff)), nil
	} else if err != nil && ctx.Err() == nil {
		v.track.failed(v.job, err, now)
	}
	errs := append(v.errs, err)
	if unsaved := v.save(context.WithoutCancel(ctx), time.Time{}); v.lost {
		return now.Add(overtaken), true, errors.Join(errs...)
	} else if unsaved != nil { // what was learned is learned again when the turn has run out
		return now.Add(overtaken), true, errors.Join(append(errs, unsaved)...)
	}
	return v.track.due(v.job), true, errors.Join(errs...)
}

// request brings a report that is asked for one step further.
func (v *turn) request(ctx context.Context) error {
	if len(v.track.Pending) == 0 {
		return nil
	}
	p := &v.track.Pending[0]
	if p.ID == "" {
		found, err := v.reuse(ctx)
		if err == nil && !found {
			err = v.ask(ctx)
		}
		if err != nil {
			return err
		}
	}
	if p.Look.After(v.p.now()) {
		return nil
	}
	return v.follow(ctx)
}

// reuse takes a report that Amazon lists already, if one will do: an earlier one of
// ours, of which the answer was lost, or one that somebody else asked for.
func (v *turn) reuse(ctx context.Context) (found bool, err error) {
	now := v.p.now()
	// One that is older than our patience was tried long enough.
	listed, err := v.p.c.Reports.Reports(ctx, v.account, amazon.ReportQuery{Types: v.job.Types, Since: now.Add(-Patience)})
	if err != nil {
		return false, fmt.Errorf("list reports: %w", err)
	}
	r, found := v.track.Pending[0].suitable(v.job, v.account, listed)
	if found {
		v.track.adopt(r, now)
	}
	return found, nil
}

// ask asks for the report that is wanted. That it is wanted has been saved.
func (v *turn) ask(ctx context.Context) error {
	p := &v.track.Pending[0]
	id, err := v.p.c.Reports.Request(ctx, v.account, amazon.ReportRequest{
		Type: p.Type, Marketplaces: v.account.Marketplaces, Start: p.Start, End: p.End, Options: v.job.Options,
	})
	now := v.p.now()
	if err != nil {
		if amazon.Whether(err) == amazon.SentUnknown {
			p.Look = now.Add(afterLost)
		}
		return fmt.Errorf("ask for %s from %s to %s: %w", p.Type, p.Start.Format(time.RFC3339), p.End.Format(time.RFC3339), err)
	}
	v.track.asked(id, now)
	return nil
}

// follow looks what became of the report that was asked for.
func (v *turn) follow(ctx context.Context) error {
	p := &v.track.Pending[0]
	r, err := v.p.c.Reports.Report(ctx, v.account, p.ID)
	if err != nil {
		return fmt.Errorf("read report %s: %w", p.ID, err)
	}
	now := v.p.now()
	switch {
	case r.Status == amazon.ReportDone:
		if err := v.handOver(ctx, r); err != nil {
			return err
		}
		v.track.handedOver(v.job, v.p.now())
	case r.Status == amazon.ReportCancelled:
		// Perhaps because somebody else's was made just before.
		if found, err := v.reuse(ctx); err != nil || found {
			return err
		}
		v.track.cancelled(v.job, now)
	case r.Status == amazon.ReportFatal:
		v.track.drop(now)
		return fatal(r)
	case p.tooLong(now):
		return fmt.Errorf("report %s, asked for at %s, is still %s: given up", r.ID, p.Since.Format(time.RFC3339), r.Status)
	default:
		p.wait(now)
	}
	return nil
}

// fatal is the error of a report that Amazon could not make.
func fatal(r amazon.Report) error {
	if r.Document == "" {
		return fmt.Errorf("report %s ended FATAL, without an explanation", r.ID)
	}
	return fmt.Errorf("report %s ended FATAL: document %s explains it", r.ID, r.Document)
}

// handOver downloads a report into the sink. No more of it is in memory than the
// sink wants, and the turn lasts for as long as it reads.
func (v *turn) handOver(ctx context.Context, r amazon.Report) error {
	body, meta, err := v.p.c.Reports.Open(ctx, v.account, r)
	if err != nil {
		return fmt.Errorf("download report %s: %w", r.ID, err)
	}
	defer func() { _ = body.Close() }() // it was read, or is not wanted
	if err := v.job.Sink.ImportReport(ctx, v.account, meta, heldReader{ctx, v, body}); err != nil {
		return fmt.Errorf("hand over report %s: %w", r.ID, err)
	}
	return nil
}

// heldReader reads while the turn is kept. Reading ends with an error when somebody
// else has taken it over.
type heldReader struct {
	ctx context.Context
	v   *turn
	r   io.Reader
}

// Read implements [io.Reader].
func (r heldReader) Read(b []byte) (int, error) {
	if err := r.v.keep(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// list looks for reports that Amazon made by itself, and hands over those that are
// due. A report that fails stops no other.
func (v *turn) list(ctx context.Context) error {
	var unlisted error
	if now := v.p.now(); !v.track.Next.After(now) {
		since := later(v.track.Cursor.Add(-v.job.Overlap), now.Add(time.Hour-keeps))
		listed, err := v.p.c.Reports.Reports(ctx, v.account, amazon.ReportQuery{Types: v.job.Types, Since: since})
		if err != nil {
			unlisted = fmt.Errorf("list reports: %w", err)
		} else {
			v.track.found(v.job, listed, since, now)
			if err := v.save(ctx, now.Add(holdTime)); err != nil {
				return err
			}
		}
	}
	for _, p := range slices.Clone(v.track.Pending) {
		if p.Look.After(v.p.now()) {
			continue
		}
		if err := v.receive(ctx, p.ID); err != nil {
			return errors.Join(unlisted, err)
		}
	}
	if unlisted == nil {
		v.track.Failures = 0
	}
	return unlisted
}

// receive hands over one listed report, if it is done. What is wrong with the
// report itself is kept beside it; the error that it returns ends the turn.
func (v *turn) receive(ctx context.Context, id amazon.ReportID) error {
	i := slices.IndexFunc(v.track.Pending, func(p pending) bool { return p.ID == id })
	p := &v.track.Pending[i]
	ended, err := v.deliver(ctx, p)
	now := v.p.now()
	if _, throttled := amazon.Throttled(err); throttled || v.lost || ctx.Err() != nil {
		return err
	}
	if err != nil {
		p.Failures++
		p.Look = now.Add(backoff(p.Failures))
		if p.Failures >= maxFailures {
			err, ended = fmt.Errorf("%w; given up after %d tries: Amazon keeps it no longer", err, p.Failures), true
		}
		v.track.complain(err, now)
		v.errs = append(v.errs, err)
	}
	if ended {
		v.track.take(*p)
	}
	return v.save(ctx, now.Add(holdTime))
}

// deliver hands over a listed report and tells whether nothing more is to come of it.
func (v *turn) deliver(ctx context.Context, p *pending) (ended bool, err error) {
	r, err := v.p.c.Reports.Report(ctx, v.account, p.ID)
	if err != nil {
		return false, fmt.Errorf("read report %s: %w", p.ID, err)
	}
	switch r.Status {
	case amazon.ReportDone:
		err = v.handOver(ctx, r)
		return err == nil, err
	case amazon.ReportCancelled:
		return true, nil
	case amazon.ReportFatal:
		return true, fatal(r)
	}
	p.wait(v.p.now())
	return false, nil
}
