package reportpoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Status is how a job of an account gets on, for people.
type Status struct {
	Account order.AccountID
	Job     string

	// Cursor is until when reports were handed over without a gap, or until when the
	// list was looked through. Zero: not begun.
	Cursor time.Time

	// Latest is the end of the newest window that was handed over; zero: none was. It
	// is ahead of the cursor while there are Missing ones: windows of which Amazon
	// cancelled all reports, or could not make any. They are asked for again, ever
	// less often.
	Latest  time.Time
	Missing []Window

	Pending []Pending // reports that are not handed over yet
	Next    time.Time // when something is done about it next; zero: as soon as somebody steps

	Failures  int       // in a row; 0: the last step went well
	Cancelled int       // reports in a row that Amazon cancelled, as it does when there is nothing to report
	Error     string    // the last error, which may be over; empty: there was none
	FailedAt  time.Time // when that was
}

// Pending is a report that was asked for or listed, and is not handed over yet.
type Pending struct {
	ID       amazon.ReportID // empty: it is being asked for, or the answer was lost
	Type     amazon.ReportType
	Window   Window
	Since    time.Time // it was asked for, or made by Amazon
	Failures int       // in a row, of a listed report
}

// Status tells how all jobs of these accounts get on, of all accounts when none is
// named: in the order of the accounts and jobs. Unknown accounts are left out. A
// cell that cannot be read is told of in Error.
func (p *Poller) Status(ctx context.Context, accounts ...order.AccountID) ([]Status, error) {
	known, err := p.c.Accounts.Accounts(ctx, accounts...)
	if err != nil {
		return nil, fmt.Errorf("reports: accounts: %w", err)
	}
	slices.SortFunc(known, func(a, b amazon.Account) int { return cmp.Compare(a.ID, b.ID) })
	all := p.appointments(known)
	cells, err := p.cells(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("reports: %w", err)
	}
	now := p.now()
	list := make([]Status, len(all))
	for i, a := range all {
		t, err := read(cells[a.cell], a.job, now)
		if err != nil {
			list[i] = Status{Account: a.account.ID, Job: a.job.Name, Failures: 1, Error: err.Error(), FailedAt: now}
			continue
		}
		list[i] = t.status(a)
	}
	return list, nil
}

func (t *track) status(a appointment) Status {
	s := Status{
		Account: a.account.ID, Job: a.job.Name, Cursor: t.Cursor, Latest: t.Latest, Next: t.due(a.job),
		Failures: t.Failures, Cancelled: t.Cancelled, Error: t.Error, FailedAt: t.FailedAt,
	}
	for _, m := range t.Missing {
		s.Missing = append(s.Missing, m.Window)
		s.Cursor = earlier(s.Cursor, m.Start.Add(seam))
	}
	for _, p := range t.Pending {
		s.Pending = append(s.Pending, Pending{ID: p.ID, Type: p.Type, Window: p.Window, Since: p.Since, Failures: p.Failures})
		s.Failures = max(s.Failures, p.Failures)
	}
	return s
}

// ErrNotWanted is what [Poller.Ask] answers for a job that the account does not
// want.
var ErrNotWanted = errors.New("the account does not want this report")

// Ask says that a person wants a report at once: the next Step takes a fresh one
// that exists, or asks for one, looks at what is under way, and tries again what
// failed. Asking again changes nothing, and neither does asking while somebody works
// on it. An unknown account or job is store.ErrNotFound, one that is not wanted
// [ErrNotWanted].
func (p *Poller) Ask(ctx context.Context, account order.AccountID, job string) error {
	a, err := p.find(ctx, account, job)
	if err != nil {
		return fmt.Errorf("reports of account %.80q, job %.80q: %w", string(account), job, err)
	}
	if err := store.Retry(func() error { return p.hurry(ctx, a) }); err != nil {
		return fmt.Errorf("reports of account %s, job %s: %w", account, job, err)
	}
	p.note(a.cell, time.Time{})
	return nil
}

// find is the appointment of a job that an account wants.
func (p *Poller) find(ctx context.Context, account order.AccountID, job string) (appointment, error) {
	i := slices.IndexFunc(p.c.Jobs, func(j Job) bool { return j.Name == job })
	if i < 0 || account == "" {
		return appointment{}, store.ErrNotFound
	}
	a, err := amazon.FindAccount(ctx, p.c.Accounts, account)
	if err != nil {
		return appointment{}, err
	}
	if a.ID == "" {
		return appointment{}, store.ErrNotFound
	}
	j := &p.c.Jobs[i]
	if j.Wanted != nil {
		wanted, err := j.Wanted(ctx, a)
		if err != nil {
			return appointment{}, err
		}
		if !wanted {
			return appointment{}, ErrNotWanted
		}
	}
	return appointment{account: a, job: j, cell: cellName(a.ID, j)}, nil
}

// hurry makes everything of a job due.
func (p *Poller) hurry(ctx context.Context, a appointment) error {
	cells, err := p.cells(ctx, []appointment{a})
	if err != nil {
		return err
	}
	now, c := p.now(), cells[a.cell]
	t, err := read(c, a.job, now)
	if err != nil || t.Held.After(now) {
		return err
	}
	t.Next, t.NotBefore = earlier(t.Next, now), time.Time{}
	for i := range t.Missing {
		t.Missing[i].Next = time.Time{}
	}
	for i := range t.Pending {
		t.Pending[i].Look = time.Time{}
	}
	v := &turn{p: p, appointment: a, track: t, version: c.Version}
	return v.save(ctx, time.Time{})
}
