package reportpoll

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// track is what is known of one job of one account: one cell.
type track struct {
	// Cursor: the windows up to here were handed over, or are Missing. With ListOnly:
	// the reports that were made up to here were seen.
	Cursor  time.Time `json:"cursor,omitzero"`
	Missing []missing `json:"missing,omitempty"`
	Latest  time.Time `json:"latest,omitzero"` // the end of the newest window that was handed over

	// Pending are the reports that were not handed over yet. Of those that are asked
	// for there is one at most.
	Pending []pending `json:"pending,omitempty"`

	// Taken are the listed reports that were handed over, and when they were made: as
	// far back as they may be listed again.
	Taken map[amazon.ReportID]time.Time `json:"taken,omitempty"`

	Next      time.Time `json:"next,omitzero"`       // when it is time for the next report, or for the next look at the list
	NotBefore time.Time `json:"not_before,omitzero"` // nothing is done before: it failed, was throttled, or is not wanted
	Held      time.Time `json:"held,omitzero"`       // somebody works on it, until then at most

	Failures  int       `json:"failures,omitzero"`  // in a row
	Cancelled int       `json:"cancelled,omitzero"` // reports in a row
	Error     string    `json:"error,omitzero"`     // the last one
	FailedAt  time.Time `json:"failed_at,omitzero"`
}

// missing is a window before the cursor of which no report was handed over.
type missing struct {
	Window
	Next time.Time `json:"next,omitzero"` // when to ask for it
}

// pending is a report that is wanted.
type pending struct {
	ID   amazon.ReportID   `json:"id,omitzero"` // empty: it is about to be asked for, or the answer was lost
	Type amazon.ReportType `json:"type"`
	Window
	Since    time.Time `json:"since"`             // it was asked for, or made
	Past     bool      `json:"past,omitzero"`     // its window is a missing one
	Look     time.Time `json:"look,omitzero"`     // when to look after it
	Failures int       `json:"failures,omitzero"` // in a row, of a listed one
}

// Patience is how long a report that was asked for may take, until it is asked for
// anew: Amazon is known to leave some IN_QUEUE or IN_PROGRESS for ever.
const Patience = 12 * time.Hour

const (
	holdTime   = 15 * time.Minute // more than anybody takes from one call to the next
	maxBackoff = day
	unwanted   = 15 * time.Minute // until it is asked again whether a job is wanted
	afterLost  = 5 * time.Minute  // for what may have been asked for to show in the list
	firstLook  = 30 * time.Second
	lastLook   = 15 * time.Minute // between two looks at a report that takes long

	// maxSkew is how far ahead of ours another process' clock may be. A time that is
	// further ahead than its rule allows was written by a clock that is wrong.
	maxSkew = 5 * time.Minute

	// maxFailures is how often a listed report is tried: about once a day for as long
	// as Amazon keeps it.
	maxFailures = 100

	maxError = 500 // characters that are kept of an error
)

// cellName names the cell of a job of an account. Neither has a slash.
func cellName(a order.AccountID, j *Job) string { return fmt.Sprintf("reports/%s/%s", a, j.Name) }

// read reads a cell; one that is not there is a job that has not begun.
func read(c store.Cell, j *Job, now time.Time) (*track, error) {
	t := &track{}
	if len(c.Data) > 0 {
		if err := json.Unmarshal(c.Data, t); err != nil {
			return nil, fmt.Errorf("cell %s does not hold a cursor of reports: %w", c.Name, err)
		}
	}
	t.cut(j, now)
	return t, nil
}

// cut forgets times that no rule allows, so that a worker whose clock is wrong
// stops nothing. A cursor in the future begins anew: what lies before it may not
// have been seen.
func (t *track) cut(j *Job, now time.Time) {
	cut := func(at *time.Time, rule time.Duration) {
		if at.After(now.Add(rule + maxSkew)) {
			*at = time.Time{}
		}
	}
	cut(&t.Cursor, 0)
	cut(&t.Next, j.Every)
	cut(&t.NotBefore, maxBackoff)
	cut(&t.Held, holdTime)
	t.Failures = max(0, t.Failures)
	for i := range t.Missing {
		m := &t.Missing[i]
		if cut(&m.Next, maxMissing); m.End.After(now) { // by a clock that was ahead
			m.Next = m.End
		}
	}
	for i := range t.Pending {
		cut(&t.Pending[i].Look, maxBackoff)
		if !j.ListOnly {
			t.Pending[i].Since = earlier(t.Pending[i].Since, now)
		}
	}
}

// due is when something is to be done.
func (t *track) due(j *Job) time.Time {
	due := t.Next
	switch {
	case j.ListOnly:
		for _, p := range t.Pending {
			due = earlier(due, p.Look)
		}
	case len(t.Pending) == 0:
		for _, m := range t.Missing {
			due = earlier(due, m.Next)
		}
	case t.Pending[0].Past:
		due = earlier(due, t.Pending[0].Look)
	default:
		due = t.Pending[0].Look
	}
	return later(due, later(t.NotBefore, t.Held))
}

// choose says which report is wanted now, unless one is pending. The newest window
// goes before the missing ones, and does not wait for a report of theirs that was
// not done when it was last looked at.
func (t *track) choose(j *Job, now time.Time) {
	if len(t.Pending) > 0 {
		p := t.Pending[0]
		stale := p.ID == "" && !p.Past && (p.Since.Before(now.Add(-max(p.fresh(j), 2*holdTime))) || p.End.After(now))
		overtaken := p.Past && !t.Next.After(now) && p.Look.After(now)
		if !stale && !overtaken {
			return
		}
		t.drop(now)
	}
	p := pending{Type: j.Types[0], Since: now}
	if !t.Next.After(now) {
		p.Window = t.newest(j, now)
		t.Pending = []pending{p}
		return
	}
	for _, m := range t.Missing {
		if !m.Next.After(now) {
			p.Window, p.Past = m.Window, true
			t.Pending = []pending{p}
			return
		}
	}
}

// asked notes that Amazon makes the report that is wanted.
func (t *track) asked(id amazon.ReportID, now time.Time) {
	p := &t.Pending[0]
	p.ID, p.Since, p.Look = id, now, now.Add(firstLook)
}

// adopt takes a report that exists for the one that is wanted. Nothing can be in it
// of what came after it was made.
func (t *track) adopt(r amazon.Report, now time.Time) {
	p := &t.Pending[0]
	p.ID, p.Type, p.Since, p.Look = r.ID, r.Type, earlier(r.CreatedAt, now), now
	if !p.Past {
		p.Window = Window{r.Start, earlier(r.End, r.CreatedAt)}
	}
}

// wait says when to look again at a report that Amazon works on.
func (p *pending) wait(now time.Time) {
	p.Look = now.Add(min(max(now.Sub(p.Since)/2, firstLook), lastLook))
}

// handedOver moves the cursor behind the report that was pending.
func (t *track) handedOver(j *Job, now time.Time) {
	p := t.Pending[0]
	t.Pending = nil
	t.Missing = slices.DeleteFunc(t.Missing, func(m missing) bool { return p.covers(m.Window) })
	if !p.Past {
		t.Cursor, t.Latest = later(t.Cursor, p.End), later(t.Latest, p.End)
		t.Next = later(p.Since.Add(j.Every), now)
	}
	t.Failures, t.Cancelled = 0, 0
}

// cancelled leaves the cursor where it is: that there was nothing to report, and
// that it was asked for too soon, look the same.
func (t *track) cancelled(j *Job, now time.Time) {
	if !t.Pending[0].Past {
		t.Next = now.Add(j.Every)
	}
	t.drop(now)
	t.Failures = 0
	t.Cancelled++
}

// drop forgets the report that is pending; its window is asked for again.
func (t *track) drop(now time.Time) {
	p := t.Pending[0]
	t.Pending = nil
	for i, m := range t.Missing {
		if p.Past && m.Window == p.Window {
			t.Missing[i].Next = now.Add(again(m.Window, now))
		}
	}
}

const maxMissing = 30 * day

// again is how long to wait until a missing window is asked for again: the older it
// is, the less likely it is that Amazon changes its mind.
func again(w Window, now time.Time) time.Duration {
	return min(max(now.Sub(w.End)/4, day), maxMissing)
}

// failed notes an error, after which everything waits. A report that was asked for
// is given up when it took too long, and one of a missing window at once: it must
// not stop the newest.
func (t *track) failed(j *Job, err error, now time.Time) {
	t.Failures++
	t.NotBefore = now.Add(backoff(t.Failures))
	t.complain(err, now)
	switch {
	case j.ListOnly:
		t.Next = earlier(t.Next, t.NotBefore)
	case len(t.Pending) > 0 && (t.Pending[0].Past || t.Pending[0].tooLong(now)):
		t.drop(now)
	}
}

func (p pending) tooLong(now time.Time) bool { return p.Since.Before(now.Add(-Patience)) }

// complain keeps an error for [Status].
func (t *track) complain(err error, now time.Time) {
	text := []rune(strings.ToValidUTF8(err.Error(), "\uFFFD"))
	t.Error, t.FailedAt = string(text[:min(len(text), maxError)]), now
}

// backoff is how long to wait after so many failures in a row.
func backoff(failures int) time.Duration {
	if failures > 11 {
		return maxBackoff
	}
	return min(time.Minute<<max(0, failures-1), maxBackoff)
}

// found enters the reports of a list that are new, the best type first, and moves
// the cursor to the time of the look.
func (t *track) found(j *Job, listed []amazon.Report, since, now time.Time) {
	for _, r := range listed {
		known := func(p pending) bool { return p.ID == r.ID }
		_, taken := t.Taken[r.ID]
		if taken || j.rank(r.Type) < 0 || slices.ContainsFunc(t.Pending, known) {
			continue
		}
		t.Pending = append(t.Pending, pending{
			ID: r.ID, Type: r.Type, Window: Window{r.Start, r.End}, Since: r.CreatedAt, Look: now,
		})
	}
	slices.SortStableFunc(t.Pending, func(p, q pending) int {
		if p.Type != q.Type {
			return j.rank(p.Type) - j.rank(q.Type)
		}
		return p.Since.Compare(q.Since)
	})
	maps.DeleteFunc(t.Taken, func(_ amazon.ReportID, made time.Time) bool { return made.Before(since.Add(-forgetAfter)) })
	t.Cursor = later(t.Cursor, now)
	t.Next = now.Add(j.Every)
}

// forgetAfter is how long a listed report is remembered that cannot be listed
// again: clocks differ, and so does what Overlap is tomorrow.
const forgetAfter = 7 * day

// take notes that a listed report needs nothing more.
func (t *track) take(p pending) {
	if t.Taken == nil {
		t.Taken = map[amazon.ReportID]time.Time{}
	}
	t.Taken[p.ID] = p.Since
	t.Pending = slices.DeleteFunc(t.Pending, func(q pending) bool { return q.ID == p.ID })
}
