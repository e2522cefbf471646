package reportpoll

import (
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Window is a span of time that a report covers, in UTC.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// covers tells whether all of w lies within v.
func (v Window) covers(w Window) bool { return !v.Start.After(w.Start) && !v.End.Before(w.End) }

const (
	// lag is how far behind now a window ends. Amazon refuses ends that are in its
	// future, and clocks differ.
	lag = 5 * time.Minute

	// seam is how far the parts of a window that is cut overlap: whether Amazon
	// counts the first and the last instant of a report is not known.
	seam = day
)

// newest is the window that is to be asked for now, up to the present. What lies
// behind the cursor for more than one report is cut off and becomes Missing.
func (t *track) newest(j *Job, now time.Time) Window {
	end := now.Add(-lag).Truncate(time.Second)
	if t.Cursor.IsZero() {
		t.Cursor = end.Add(-j.First)
	}
	t.Cursor = later(t.Cursor, end.Add(-j.Reach))
	for end.Sub(t.Cursor) > j.Span {
		cut := Window{Start: t.Cursor.Add(-seam), End: t.Cursor.Add(j.Span - seam)}
		t.Missing = append(t.Missing, missing{Window: cut})
		t.Cursor = cut.End
	}
	t.Missing = slices.DeleteFunc(t.Missing, func(m missing) bool { return m.End.Before(end.Add(-j.Reach)) })
	start := later(earlier(t.Cursor, end).Add(-j.Overlap), end.Add(-j.Span))
	return Window{start, end}
}

// fresh is how far a report that exists may stay behind the end of a window.
func (p pending) fresh(j *Job) time.Duration {
	if p.Past {
		return 0
	}
	return min(j.Every/2, Patience)
}

// suits tells whether a listed report may be taken for one that is wanted.
func (p pending) suits(j *Job, a amazon.Account, r amazon.Report) bool {
	switch {
	case j.rank(r.Type) < 0 || r.Status != amazon.ReportDone && !runs(r.Status):
		return false
	case r.Start.IsZero(): // Amazon may leave it out
		return false
	case slices.ContainsFunc(a.Marketplaces, func(m order.MarketplaceID) bool { return !slices.Contains(r.Marketplaces, m) }):
		return false
	case len(j.Options) > 0: // ours, of which the answer was lost, has exactly this window
		return r.Type == p.Type && r.Start.Equal(p.Start) && r.End.Equal(p.End)
	}
	return Window{r.Start, r.End}.covers(Window{p.Start, p.End.Add(-p.fresh(j))})
}

// suitable picks the best of the listed reports that may be taken: one of the best
// type, one that is done, the one that reaches furthest.
func (p pending) suitable(j *Job, a amazon.Account, listed []amazon.Report) (best amazon.Report, ok bool) {
	better := func(r, than amazon.Report) bool {
		switch {
		case r.Type != than.Type:
			return j.rank(r.Type) < j.rank(than.Type)
		case r.Status != than.Status && (r.Status == amazon.ReportDone || than.Status == amazon.ReportDone):
			return r.Status == amazon.ReportDone
		}
		return r.End.After(than.End)
	}
	for _, r := range listed {
		if p.suits(j, a, r) && (!ok || better(r, best)) {
			best, ok = r, true
		}
	}
	return best, ok
}

// runs tells whether Amazon still works on a report.
func runs(s amazon.ReportStatus) bool {
	return s == amazon.ReportInQueue || s == amazon.ReportInProgress
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
