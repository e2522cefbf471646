package reportpoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/store"
)

// Config is what a [Poller] works with. Reports, Accounts and Cells are required.
type Config struct {
	Reports  amazon.Reports
	Accounts amazon.Accounts
	Cells    store.Cells
	Jobs     []Job // of every account; none: nothing is polled
	Budget   Budget
	Now      func() time.Time // nil: time.Now
}

// Budget bounds one [Poller.Step], so that its caller has a say in between. What it
// leaves over comes first in the next one. Zero fields take their defaults.
type Budget struct {
	Jobs int           // of all accounts, to be worked on. Defaults to 1,000.
	Time time.Duration // after which no further one is begun. Defaults to 1 minute.
}

// Poller polls. It is safe for use from several goroutines and processes.
type Poller struct {
	c Config

	mu     sync.Mutex
	agenda map[string]appointment // by the names of the cells; a copy of what they say, to be looked up
	swept  time.Time              // when the agenda was made
}

// appointment is when something is due for a job of an account.
type appointment struct {
	account amazon.Account
	job     *Job
	cell    string // its name
	due     time.Time
}

const (
	// sweepEvery is how often the accounts and all their cells are read, so that one
	// process learns what another one did.
	sweepEvery = time.Minute

	cellsAtOnce = 500

	// overtaken is when to look again at what another process works on.
	overtaken = 10 * time.Second
)

// New checks the configuration. It calls nobody.
func New(c Config) (*Poller, error) {
	if c.Reports == nil || c.Accounts == nil || c.Cells == nil {
		return nil, errors.New("reportpoll: Config needs Reports, Accounts and Cells")
	}
	if c.Budget.Jobs < 0 || c.Budget.Time < 0 {
		return nil, fmt.Errorf("reportpoll: Budget %+v: want nothing below zero", c.Budget)
	}
	c.Budget = Budget{cmp.Or(c.Budget.Jobs, 1000), cmp.Or(c.Budget.Time, time.Minute)}
	var err error
	if c.Jobs, err = checkJobs(c.Jobs); err != nil {
		return nil, fmt.Errorf("reportpoll: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Poller{c: c}, nil
}

func (p *Poller) now() time.Time { return p.c.Now().UTC() }

// Step makes one pass over the accounts and jobs for which something is due, the
// longest due first: it asks for reports, looks after what was asked for, and hands
// over what is done. It says when to come back at the latest; at once, when the
// [Budget] was used up first. What goes wrong with one account and job does not
// keep the others from their turn; the errors are joined, and kept for [Status].
// When the context ends, nothing new is begun.
func (p *Poller) Step(ctx context.Context) (next time.Time, err error) {
	began := p.now()
	if len(p.c.Jobs) == 0 {
		return began.Add(time.Hour), nil
	}
	errs, err := p.sweep(ctx, began)
	if err != nil {
		return began.Add(sweepEvery), fmt.Errorf("reports: %w", err)
	}
	due, next := p.due(began)
	worked := 0
	for some := range slices.Chunk(due, cellsAtOnce) {
		cells, err := p.cells(ctx, some)
		if err != nil {
			return began.Add(sweepEvery), errors.Join(append(errs, fmt.Errorf("reports: %w", err))...)
		}
		for _, a := range some {
			switch {
			case ctx.Err() != nil:
				return next, errors.Join(append(errs, ctx.Err())...)
			case worked >= p.c.Budget.Jobs || worked > 0 && p.now().Sub(began) >= p.c.Budget.Time:
				return p.now(), errors.Join(errs...)
			}
			at, mine, err := p.visit(ctx, a, cells[a.cell])
			if err != nil {
				errs = append(errs, fmt.Errorf("reports of account %s, job %s: %w", a.account.ID, a.job.Name, err))
			}
			if mine {
				worked++
			}
			p.note(a.cell, at)
			next = earlier(next, at)
		}
	}
	return next, errors.Join(errs...)
}

// sweep makes the agenda anew, from time to time. It leaves out the accounts of which
// it cannot be told whose they are, and says so then.
func (p *Poller) sweep(ctx context.Context, now time.Time) (disputed []error, err error) {
	p.mu.Lock()
	age := now.Sub(p.swept)
	p.mu.Unlock()
	if age >= 0 && age < sweepEvery {
		return nil, nil
	}
	accounts, err := p.c.Accounts.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	of := amazon.Disputed(accounts)
	accounts = slices.DeleteFunc(slices.Clone(accounts), func(a amazon.Account) bool { return of[a.ID] != nil })
	all := p.appointments(accounts)
	agenda := make(map[string]appointment, len(all))
	for some := range slices.Chunk(all, cellsAtOnce) {
		cells, err := p.cells(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, a := range some {
			// One that cannot be read is due: the visit says what is wrong with it.
			if t, err := read(cells[a.cell], a.job, now); err == nil {
				a.due = t.due(a.job)
			}
			agenda[a.cell] = a
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda, p.swept = agenda, now
	for _, id := range slices.Sorted(maps.Keys(of)) {
		disputed = append(disputed, fmt.Errorf("reports: %w", of[id]))
	}
	return disputed, nil
}

// appointments are all jobs of these accounts.
func (p *Poller) appointments(accounts []amazon.Account) []appointment {
	all := make([]appointment, 0, len(accounts)*len(p.c.Jobs))
	for _, a := range accounts {
		for i := range p.c.Jobs {
			j := &p.c.Jobs[i]
			all = append(all, appointment{account: a, job: j, cell: cellName(a.ID, j)})
		}
	}
	return all
}

// due lists what is due, the longest due first, and says when more will be. The
// order is its own memory of whose turn it is: whoever had one is due later.
func (p *Poller) due(now time.Time) (due []appointment, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next = p.swept.Add(sweepEvery)
	for _, a := range p.agenda {
		if a.due.After(now) {
			next = earlier(next, a.due)
		} else {
			due = append(due, a)
		}
	}
	slices.SortFunc(due, func(a, b appointment) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.cell, b.cell))
	})
	return due, next
}

// note enters in the agenda when something is due again.
func (p *Poller) note(cell string, due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, ok := p.agenda[cell]; ok {
		a.due = due
		p.agenda[cell] = a
	}
}

// cells reads the cells of appointments, by their names.
func (p *Poller) cells(ctx context.Context, of []appointment) (map[string]store.Cell, error) {
	cells := make(map[string]store.Cell, len(of))
	for some := range slices.Chunk(of, cellsAtOnce) {
		names := make([]string, len(some))
		for i, a := range some {
			names[i] = a.cell
			cells[a.cell] = store.Cell{Name: a.cell}
		}
		found, err := p.c.Cells.Cells(ctx, names)
		if err != nil {
			return nil, fmt.Errorf("read cursors: %w", err)
		}
		for _, c := range found {
			cells[c.Name] = c
		}
	}
	return cells, nil
}
